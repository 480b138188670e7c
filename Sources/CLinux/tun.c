#define _GNU_SOURCE
#include "tun.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <linux/if_tun.h>
#include <string.h>

_Static_assert(CLINUX_INTERFACE_NAME_SIZE == IFNAMSIZ, "the kernel's name length");

int clinux_tun_attach(int fd, char name[CLINUX_INTERFACE_NAME_SIZE]) {
    struct ifreq request = {0};
    memcpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, &request) != 0) return -errno;
    memcpy(name, request.ifr_name, IFNAMSIZ);
    return 0;
}

int clinux_tun_is_persistent(int fd) {
    struct ifreq request = {0};
    if (ioctl(fd, TUNGETIFF, &request) != 0) return -errno;
    return (request.ifr_flags & IFF_PERSIST) != 0;
}

int clinux_tun_set_persistent(int fd, bool persistent) {
    return ioctl(fd, TUNSETPERSIST, (unsigned long)persistent) == 0 ? 0 : -errno;
}
