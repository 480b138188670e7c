#define _GNU_SOURCE
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const int64_t second_ns = 1000000000;
static const int64_t millisecond_ns = 1000000;

/// epoll_wait(2) counts in milliseconds. Rounding down would return before the deadline and spin.
static int whole_milliseconds(int64_t ns) {
    if (ns < 0) return -1;
    int64_t ms = ns / millisecond_ns + (ns % millisecond_ns != 0);
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

int clinux_epoll_wait(int epoll, struct epoll_event *events, int capacity, int64_t timeout_ns) {
#ifdef SYS_epoll_pwait2
    // Asked once: a kernel that lacks the call will lack it for as long as we run. Seccomp filters that do
    // not know the call answer EPERM.
    static atomic_bool missing;
    if (!atomic_load_explicit(&missing, memory_order_relaxed)) {
        // The kernel's struct of 64-bit fields, whatever time_t is here.
        struct {
            int64_t seconds;
            int64_t nanoseconds;
        } span = {timeout_ns / second_ns, timeout_ns % second_ns};
        long count = syscall(SYS_epoll_pwait2, epoll, events, capacity, timeout_ns < 0 ? NULL : &span, NULL, 0);
        if (count >= 0) return (int)count;
        if (errno != ENOSYS && errno != EPERM) return -errno;
        atomic_store_explicit(&missing, true, memory_order_relaxed);
    }
#endif
    int count = epoll_wait(epoll, events, capacity, whole_milliseconds(timeout_ns));
    return count >= 0 ? count : -errno;
}

void clinux_set_timer_slack(unsigned long ns) { prctl(PR_SET_TIMERSLACK, ns, 0, 0, 0); }

void clinux_nap(int64_t ns) {
    struct timespec span = {.tv_nsec = ns < second_ns ? ns : second_ns - 1};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &span, NULL);
}

void clinux_name_thread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }

int clinux_run_in_real_time(void) {
    struct sched_param lowest = {.sched_priority = 1};
    return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &lowest) == 0 ? 0 : errno;
}
