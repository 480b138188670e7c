#define _GNU_SOURCE
#include "netns.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

int clinux_unshare_network(void) { return unshare(CLONE_NEWNET) == 0 ? 0 : -errno; }

int clinux_raise_interface_flags(const char *name, short set) {
    struct ifreq request = {0};
    if (strlen(name) >= sizeof request.ifr_name) return -EINVAL;
    strcpy(request.ifr_name, name);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    int result = 0;
    if (ioctl(fd, SIOCGIFFLAGS, &request) != 0) {
        result = -errno;
    } else {
        request.ifr_flags |= set;
        if (ioctl(fd, SIOCSIFFLAGS, &request) != 0) result = -errno;
    }
    close(fd);
    return result;
}
