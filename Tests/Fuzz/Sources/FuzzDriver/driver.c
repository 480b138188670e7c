#include "driver.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* libFuzzer's own loop, and what it calls, which Fuzz.swift defines. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*one_input)(const uint8_t *data, size_t size));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Runs by seeds, in Seeded.swift. */
int Fuzz_run_seeds(void);

int Fuzz_main(int argc, char **argv)
{
    if (getenv("FUZZ_SEED") != NULL || getenv("FUZZ_SHORTEN") != NULL)
        return Fuzz_run_seeds();
    return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput);
}

int fuzz_survives(int (*run)(const void *context), const void *context, int limit_seconds, int quiet)
{
    pid_t child = fork();
    if (child < 0)
        return -1;
    if (child == 0) {
        if (quiet) {
            close(STDOUT_FILENO);
            close(STDERR_FILENO);
        }
        alarm((unsigned)limit_seconds);
        _exit(run(context));
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
