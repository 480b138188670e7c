#pragma once

/* The program's entry: SwiftPM lets executables of a module named Fuzz begin here instead of at libFuzzer's main. */
int Fuzz_main(int argc, char **argv);

/* Calls `run` in a process of its own, which may die of it. 1: it returned 0 in time; 0: it did not; -1: no process. */
int fuzz_survives(int (*run)(const void *context), const void *context, int limit_seconds, int quiet);
