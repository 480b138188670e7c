#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/// The capabilities of the calling thread that are permitted (capabilities(7)), a bit each; 0 where they cannot be asked.
uint64_t clinux_permitted_capabilities(void);

/// Whether a user with this group, one more (`other`, which may be the same) and no capabilities could do this with a file: `mode` of access(2). Asked in a child that
/// becomes that user and ends at once. False also where it cannot be asked.
bool clinux_could_access(uid_t user, gid_t group, gid_t other, const char *_Nonnull path, int mode);

/// Runs this very program anew, with `arguments` (ended by NULL) and its present environment, as that user, in these groups and with these
/// capabilities alone: nothing that it runs can have more (the bounding set, where CAP_SETPCAP is there to lower it, and
/// PR_SET_NO_NEW_PRIVS). Open descriptors without O_CLOEXEC stay open. Returns only if it fails, with a negative errno; what was
/// given up by then is not taken back, so the caller has to end.
int clinux_restart_as(
    uid_t user, gid_t group, gid_t other, uint64_t capabilities, char *_Nullable const *_Nonnull arguments);

/// Runs this very program anew as who it is, without this capability, which it was given for whatever it runs (the ambient set). Returns 0
/// where it was not, or a negative errno.
int clinux_restart_without(int capability, char *_Nullable const *_Nonnull arguments);

/// Has the kernel keep others of the same user from looking into this process, and it from leaving a core file (PR_SET_DUMPABLE of
/// prctl(2)), and keeps whatever it runs from gaining privileges. For all threads that are made later.
void clinux_shut_in(void);

/// Raises the limits of locked memory, in bytes, and of real-time priority (RLIMIT_MEMLOCK, RLIMIT_RTPRIO of getrlimit(2)) where they are
/// lower. A negative errno where that is not permitted.
int clinux_let_lock_memory(uint64_t bytes);
int clinux_let_run_in_real_time(void);
