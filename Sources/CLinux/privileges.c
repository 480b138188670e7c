#define _GNU_SOURCE
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const struct __user_cap_header_struct own = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};

static int set_capabilities(uint64_t capabilities) {
    struct __user_cap_header_struct header = own;
    const uint32_t low = (uint32_t)capabilities, high = (uint32_t)(capabilities >> 32);
    const struct __user_cap_data_struct data[2] = {
        {.effective = low, .permitted = low, .inheritable = low},
        {.effective = high, .permitted = high, .inheritable = high},
    };
    return syscall(SYS_capset, &header, data) == 0 ? 0 : -errno;
}

uint64_t clinux_permitted_capabilities(void) {
    struct __user_cap_header_struct header = own;
    struct __user_cap_data_struct data[2] = {{0}};
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return (uint64_t)data[1].permitted << 32 | data[0].permitted;
}

// The calls of the C library would change the user of all threads; these are for the calling one, whose others end with execve.
static int become(uid_t user, gid_t group, gid_t other) {
    const gid_t groups[2] = {group, other};
    if (syscall(SYS_setgroups, (size_t)(other == group ? 1 : 2), groups) != 0) return -errno;
    if (syscall(SYS_setresgid, group, group, group) != 0) return -errno;
    if (syscall(SYS_setresuid, user, user, user) != 0) return -errno;
    return 0;
}

bool clinux_could_access(uid_t user, gid_t group, gid_t other, const char *path, int mode) {
    const pid_t child = fork();
    if (child < 0) return false;
    if (child == 0) {
        // Root without capabilities is a user like others, and access(2) counts the permitted ones.
        if (become(user, group, other) != 0 || set_capabilities(0) != 0) _exit(2);
        _exit(access(path, mode) == 0 ? 0 : 1);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR) return false;
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int run_again(char *const *arguments) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    // By its name, so that `ps` shows that and not "exe"; where the way there is barred, or another program lies there now, by the link.
    char path[4096];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0) {
        path[length] = 0;
        struct stat running, found;
        if (stat("/proc/self/exe", &running) == 0 && stat(path, &found) == 0 && running.st_dev == found.st_dev
            && running.st_ino == found.st_ino)
            execve(path, arguments, environ);
    }
    execve("/proc/self/exe", arguments, environ);
    return -errno;
}

int clinux_restart_as(uid_t user, gid_t group, gid_t other, uint64_t capabilities, char *const *arguments) {
    // Before the capability for it is gone. In a container it may not be there: then the bounding set stays as it is, and
    // no_new_privs does the same for whatever is run.
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++) {
        if (!(capabilities >> capability & 1)) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return -errno;
    int code = become(user, group, other);
    if (code != 0) return code;
    code = set_capabilities(capabilities);
    if (code != 0) return code;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -errno;
    for (int capability = 0; capability < 64; capability++) {
        if (!(capabilities >> capability & 1)) continue;
        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) != 0) return -errno;
    }
    return run_again(arguments);
}

int clinux_restart_without(int capability, char *const *arguments) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) != 1) return 0;
    // What is not ambient is not permitted in the next program either, unless its file gives it. No capset(2), which units forbid.
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, capability, 0, 0) != 0) return -errno;
    return run_again(arguments);
}

void clinux_shut_in(void) {
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

static int raise_limit(int resource, uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0) return -errno;
    if (limit.rlim_cur >= wanted && limit.rlim_max >= wanted) return 0;
    if (limit.rlim_cur < wanted) limit.rlim_cur = wanted;
    if (limit.rlim_max < wanted) limit.rlim_max = wanted;
    return setrlimit(resource, &limit) == 0 ? 0 : -errno;
}

int clinux_let_lock_memory(uint64_t bytes) { return raise_limit(RLIMIT_MEMLOCK, bytes); }
int clinux_let_run_in_real_time(void) { return raise_limit(RLIMIT_RTPRIO, 1); }
