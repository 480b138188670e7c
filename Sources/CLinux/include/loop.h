#pragma once
// epoll and eventfd.
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/// Waits for events like epoll_wait(2), at most `timeout_ns` nanoseconds (negative: for ever, 0: not at all).
/// Kernels before 5.11 have no epoll_pwait2(2): there the time is rounded up to whole milliseconds.
/// Returns the number of events, or a negated errno.
int clinux_epoll_wait(int epoll, struct epoll_event *_Nonnull events, int capacity, int64_t timeout_ns);

/// How late the kernel may wake the calling thread from a timed wait, in nanoseconds (prctl(2), PR_SET_TIMERSLACK).
void clinux_set_timer_slack(unsigned long ns);

/// Sleeps for less than a second, or until a signal.
void clinux_nap(int64_t ns);

/// Names the calling thread; the kernel keeps 15 bytes.
void clinux_name_thread(const char *_Nonnull name);

/// Has the calling thread run before all ordinary ones, and its children not (sched_setscheduler(2), SCHED_FIFO at the lowest
/// priority, SCHED_RESET_ON_FORK). Returns 0 or an errno.
int clinux_run_in_real_time(void);
