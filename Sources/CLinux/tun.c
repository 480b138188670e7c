#define _GNU_SOURCE
#include "tun.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <linux/if_tun.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert(CLINUX_INTERFACE_NAME_SIZE == IFNAMSIZ, "the kernel's name length");
_Static_assert(CLINUX_TUN_HEADER == IFF_VNET_HDR && CLINUX_TUN_QUEUES == IFF_MULTI_QUEUE, "the kernel's flags");
_Static_assert(
    CLINUX_TUN_CHECKSUM == TUN_F_CSUM && CLINUX_TUN_TSO == (TUN_F_TSO4 | TUN_F_TSO6) &&
        CLINUX_TUN_TSO_ECN == TUN_F_TSO_ECN,
    "the kernel's offloads");

int clinux_tun_features(int fd) {
    unsigned features = 0;
    if (ioctl(fd, TUNGETFEATURES, &features) != 0) return -errno;
    return (int)features & (CLINUX_TUN_HEADER | CLINUX_TUN_QUEUES);
}

int clinux_tun_attach(int fd, char name[CLINUX_INTERFACE_NAME_SIZE], int flags) {
    struct ifreq request = {0};
    memcpy(request.ifr_name, name, IFNAMSIZ - 1);
    request.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | flags);
    if (ioctl(fd, TUNSETIFF, &request) != 0) return -errno;
    memcpy(name, request.ifr_name, IFNAMSIZ);
    return 0;
}

int clinux_tun_set_header_size(int fd, int size) { return ioctl(fd, TUNSETVNETHDRSZ, &size) == 0 ? 0 : -errno; }

int clinux_tun_set_offloads(int fd, unsigned offloads) {
    return ioctl(fd, TUNSETOFFLOAD, (unsigned long)offloads) == 0 ? 0 : -errno;
}

ssize_t clinux_tun_write(int fd, size_t header, const void *packet, size_t count) {
    static const char zeros[16];
    if (header > sizeof zeros) return -EINVAL;
    const struct iovec pieces[] = {
        {.iov_base = (void *)zeros, .iov_len = header},
        {.iov_base = (void *)packet, .iov_len = count},
    };
    ssize_t result;
    do result = header > 0 ? writev(fd, pieces, 2) : write(fd, packet, count);
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : result;
}

int clinux_tun_is_persistent(int fd) {
    struct ifreq request = {0};
    if (ioctl(fd, TUNGETIFF, &request) != 0) return -errno;
    return (request.ifr_flags & IFF_PERSIST) != 0;
}

int clinux_tun_set_persistent(int fd, bool persistent) {
    return ioctl(fd, TUNSETPERSIST, (unsigned long)persistent) == 0 ? 0 : -errno;
}
