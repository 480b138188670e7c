#pragma once

/* The program's entry: SwiftPM lets executables of a module named Fuzz begin here instead of at libFuzzer's main. */
int Fuzz_main(int argc, char **argv);
