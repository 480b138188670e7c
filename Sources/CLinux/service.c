#define _GNU_SOURCE
#include "service.h"

#include "bus.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

extern char **environ;

int clinux_notify(
    int fd, const struct sockaddr *address, socklen_t length, const void *message, size_t count, int handed) {
    struct iovec text = {.iov_base = (void *)message, .iov_len = count};
    union {
        struct cmsghdr alignment;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr header = {
        .msg_name = (void *)address, .msg_namelen = length, .msg_iov = &text, .msg_iovlen = 1};
    if (handed >= 0) {
        header.msg_control = control.bytes;
        header.msg_controllen = sizeof control.bytes;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof handed);
        memcpy(CMSG_DATA(rights), &handed, sizeof handed);
    }
    ssize_t sent;
    do sent = sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static int is_option(int fd, int option, int wanted) {
    int found = 0;
    socklen_t length = sizeof found;
    if (getsockopt(fd, SOL_SOCKET, option, &found, &length) != 0) return -errno;
    return found == wanted;
}

int clinux_socket_is(int fd, int domain, int type, int protocol) {
    int result = is_option(fd, SO_DOMAIN, domain);
    if (result == 1) result = is_option(fd, SO_TYPE, type);
    if (result == 1) result = is_option(fd, SO_PROTOCOL, protocol);
    return result;
}

static const char manager[] = "org.freedesktop.systemd1";

static int ask(const struct bus_calls *calls, sd_bus *bus, uint32_t pid, char *type, size_t size) {
    sd_bus_message *unit = NULL, *job = NULL, *kind = NULL;
    const char *path = NULL, *word = NULL;
    uint32_t number = 0;
    int result = calls->call(
        bus, manager, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "GetUnitByPID", NULL, &unit, "u",
        pid);
    if (result >= 0) result = calls->read(unit, "o", &path);
    if (result >= 0)
        result = calls->get(bus, manager, path, "org.freedesktop.systemd1.Unit", "Job", NULL, &job, "(uo)");
    if (result >= 0) result = calls->read(job, "(uo)", &number, &path);
    if (result >= 0 && number != 0) {
        result = calls->get(bus, manager, path, "org.freedesktop.systemd1.Job", "JobType", NULL, &kind, "s");
        if (result >= 0) result = calls->read(kind, "s", &word);
        if (result >= 0) {
            const size_t length = strnlen(word, size - 1);
            memcpy(type, word, length);
            type[length] = 0;
        }
    }
    calls->unref(unit);
    calls->unref(job);
    calls->unref(kind);
    return result < 0 ? result : 0;
}

int clinux_unit_job(uint32_t pid, char *type, size_t size) {
    if (size == 0) return -EINVAL;
    type[0] = 0;
    struct bus_calls calls;
    int result = bus_load(&calls);
    if (result != 0) return result;
    sd_bus *bus = NULL;
    result = calls.open_system(&bus);
    if (result < 0) return result;
    calls.set_timeout(bus, 500 * 1000);
    result = ask(&calls, bus, pid, type, size);
    calls.close(bus);
    return result;
}

void clinux_close_at_exec(int first) {
    // CLOSE_RANGE_CLOEXEC, Linux 5.11; before that one by one.
    if (syscall(SYS_close_range, (unsigned)first, ~0U, 4U) == 0) return;
    DIR *open = opendir("/proc/self/fd");
    if (!open) return;
    for (struct dirent *entry; (entry = readdir(open));) {
        const int number = atoi(entry->d_name);
        if (number >= first) fcntl(number, F_SETFD, FD_CLOEXEC);
    }
    closedir(open);
}

int clinux_begin_again(const char *path, char *const *arguments) {
    // What the pools' threads block would stay blocked.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execve(path, arguments, environ);
    return -errno;
}
