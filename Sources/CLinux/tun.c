#define _GNU_SOURCE
#include "tun.h"

#include <errno.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <linux/bpf.h>
#include <linux/if_tun.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
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

int clinux_tun_name(int fd, char name[CLINUX_INTERFACE_NAME_SIZE]) {
    struct ifreq request = {0};
    if (ioctl(fd, TUNGETIFF, &request) != 0) return -errno;
    memcpy(name, request.ifr_name, IFNAMSIZ);
    return 0;
}

int clinux_tun_attached(int fd) {
    struct ifreq request = {0};
    if (ioctl(fd, TUNGETIFF, &request) != 0) return -errno;
    const unsigned flags = (unsigned short)request.ifr_flags;
    if ((flags & IFF_TUN) == 0 || (flags & IFF_NO_PI) == 0) return -EINVAL;
    return (int)flags & (CLINUX_TUN_HEADER | CLINUX_TUN_QUEUES);
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

// The program that the kernel asks for a queue: it adds up words of the IPv6 packet, mixes them, and the kernel takes the
// result modulo the number of queues. Loads are from the packet's first byte; one past the end ends the program with 0.
#define LOAD(size, offset) {.code = BPF_LD | BPF_ABS | (size), .imm = (offset)}
#define OPERATE(operation, to, from) {.code = BPF_ALU64 | BPF_X | (operation), .dst_reg = (to), .src_reg = (from)}
#define CONSTANT(operation, to, value) {.code = BPF_ALU64 | BPF_K | (operation), .dst_reg = (to), .imm = (value)}
#define SKIP_IF(register, value, count)                                                                                \
    {.code = BPF_JMP | BPF_K | BPF_JEQ, .dst_reg = (register), .off = (count), .imm = (value)}

int clinux_tun_steer_by_flow(int fd) {
    enum { CONTEXT = BPF_REG_6, SUM = BPF_REG_7, PROTOCOL = BPF_REG_8, LOADED = BPF_REG_0 };
    const struct bpf_insn program[] = {
        OPERATE(BPF_MOV, CONTEXT, BPF_REG_1),
        // The low halves of source and destination: networks may be behind either.
        LOAD(BPF_W, 16), OPERATE(BPF_MOV, SUM, LOADED),
        LOAD(BPF_W, 20), OPERATE(BPF_XOR, SUM, LOADED), CONSTANT(BPF_MUL, SUM, 0x2c1b3c6d),
        LOAD(BPF_W, 32), OPERATE(BPF_XOR, SUM, LOADED), CONSTANT(BPF_MUL, SUM, 0x297a2d39),
        LOAD(BPF_W, 36), OPERATE(BPF_XOR, SUM, LOADED), CONSTANT(BPF_MUL, SUM, 0x2c1b3c6d),
        LOAD(BPF_B, 6), OPERATE(BPF_MOV, PROTOCOL, LOADED), OPERATE(BPF_XOR, SUM, LOADED),
        SKIP_IF(PROTOCOL, 6, 2), SKIP_IF(PROTOCOL, 17, 1),
        // Neither TCP nor UDP: no ports.
        {.code = BPF_JMP | BPF_JA, .off = 2},
        LOAD(BPF_W, 40), OPERATE(BPF_XOR, SUM, LOADED),
        CONSTANT(BPF_MUL, SUM, 0x297a2d39),
        OPERATE(BPF_MOV, LOADED, SUM), CONSTANT(BPF_RSH, LOADED, 29), OPERATE(BPF_XOR, SUM, LOADED),
        CONSTANT(BPF_MUL, SUM, 0x2c1b3c6d),
        OPERATE(BPF_MOV, LOADED, SUM), CONSTANT(BPF_RSH, LOADED, 24), CONSTANT(BPF_AND, LOADED, 0xffff),
        {.code = BPF_JMP | BPF_EXIT},
    };
    union bpf_attr attributes;
    memset(&attributes, 0, sizeof attributes);
    attributes.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
    attributes.insns = (uint64_t)(uintptr_t)program;
    attributes.insn_cnt = sizeof program / sizeof program[0];
    attributes.license = (uint64_t)(uintptr_t)"";
    int loaded = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
    if (loaded < 0) return -errno;
    // The device keeps the program.
    int result = ioctl(fd, TUNSETSTEERINGEBPF, &loaded) == 0 ? 0 : -errno;
    close(loaded);
    return result;
}
