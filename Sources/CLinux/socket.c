#define _GNU_SOURCE
#include "socket.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/// Room for what we ask for: one packet-info message (the IPv6 one is the larger), the drop counter, the size of
/// segments and the traffic class. An IPv4 datagram on an IPv6 socket carries the IPv6 form with a mapped address.
#define CONTROL_SIZE                                                                                                   \
    (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint32_t)) + 2 * CMSG_SPACE(sizeof(int)))

union control {
    struct cmsghdr alignment;
    char bytes[CONTROL_SIZE];
};

struct clinux_headers {
    bool ipv4;
    struct mmsghdr messages[CLINUX_BATCH];
    struct iovec vectors[CLINUX_BATCH];
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } names[CLINUX_BATCH];
    union control controls[CLINUX_BATCH];
};

static const uint64_t mapped_prefix = 0x0000ffff00000000;

static bool is_mapped(uint64_t high, uint64_t low) { return high == 0 && low >> 32 == 0xffff; }
static uint64_t mapped(struct in_addr address) { return mapped_prefix | ntohl(address.s_addr); }

static void load(const struct in6_addr *address, uint64_t *high, uint64_t *low) {
    uint64_t halves[2];
    memcpy(halves, address, sizeof halves);
    *high = be64toh(halves[0]);
    *low = be64toh(halves[1]);
}

static void store(struct in6_addr *address, uint64_t high, uint64_t low) {
    uint64_t halves[2] = {htobe64(high), htobe64(low)};
    memcpy(address, halves, sizeof halves);
}

struct clinux_headers *clinux_headers_new(bool ipv4) {
    struct clinux_headers *headers = calloc(1, sizeof *headers);
    if (!headers) return NULL;
    headers->ipv4 = ipv4;
    for (unsigned i = 0; i < CLINUX_BATCH; i++) {
        struct msghdr *message = &headers->messages[i].msg_hdr;
        message->msg_name = &headers->names[i];
        message->msg_iov = &headers->vectors[i];
        message->msg_iovlen = 1;
    }
    return headers;
}

void clinux_headers_free(struct clinux_headers *headers) { free(headers); }

int clinux_configure_udp(int fd, bool ipv4) {
    const int on = 1, probe_v4 = IP_PMTUDISC_PROBE, probe_v6 = IPV6_PMTUDISC_PROBE;
    // IPv4 datagrams leave IPv6 sockets by the IPv4 rules, so this one is for both.
    if (setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe_v4, sizeof probe_v4) != 0) return -errno;
    if (ipv4) {
        if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) return -errno;
    } else {
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe_v6, sizeof probe_v6) != 0) return -errno;
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0) return -errno;
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &on, sizeof on);
    }
    // Without it congestion marks are not seen; what IPv4 brings to an IPv6 socket has the IPv4 form.
    (void)setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof on);
    // Only for the statistics.
    (void)setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    return 0;
}

static void read_controls(struct msghdr *message, struct clinux_datagram *datagram, uint32_t *dropped) {
    datagram->local_high = datagram->local_low = 0;
    datagram->interface = 0;
    datagram->segment = 0;
    datagram->traffic_class = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            load(&info.ipi6_addr, &datagram->local_high, &datagram->local_low);
            datagram->interface = info.ipi6_ifindex;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            // ipi_addr is where it was sent to, which may be a broadcast address; ipi_spec_dst is ours.
            datagram->local_low = mapped(info.ipi_spec_dst);
            datagram->interface = (uint32_t)info.ipi_ifindex;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(dropped, CMSG_DATA(c), sizeof *dropped);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            int class;
            memcpy(&class, CMSG_DATA(c), sizeof class);
            datagram->traffic_class = (uint8_t)class;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            datagram->traffic_class = *CMSG_DATA(c);
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
            if (segment > 0 && segment <= UINT16_MAX) datagram->segment = (uint16_t)segment;
        }
    }
}

int clinux_receive(
    int fd, struct clinux_headers *headers, struct clinux_datagram *datagrams, unsigned count, uint32_t *dropped) {
    if (count > CLINUX_BATCH) count = CLINUX_BATCH;
    for (unsigned i = 0; i < count; i++) {
        struct msghdr *message = &headers->messages[i].msg_hdr;
        message->msg_namelen = sizeof headers->names[i];
        message->msg_control = &headers->controls[i];
        message->msg_controllen = sizeof headers->controls[i];
        message->msg_flags = 0;
        headers->vectors[i].iov_base = datagrams[i].bytes;
        headers->vectors[i].iov_len = datagrams[i].length;
    }
    int received = recvmmsg(fd, headers->messages, count, MSG_DONTWAIT, NULL);
    if (received < 0) return -errno;
    for (int i = 0; i < received; i++) {
        struct msghdr *message = &headers->messages[i].msg_hdr;
        struct clinux_datagram *datagram = &datagrams[i];
        datagram->length = headers->messages[i].msg_len;
        datagram->truncated = (message->msg_flags & MSG_TRUNC) != 0;
        if (headers->ipv4) {
            const struct sockaddr_in *name = &headers->names[i].v4;
            datagram->remote_high = 0;
            datagram->remote_low = mapped(name->sin_addr);
            datagram->remote_port = ntohs(name->sin_port);
            datagram->remote_scope = 0;
        } else {
            const struct sockaddr_in6 *name = &headers->names[i].v6;
            load(&name->sin6_addr, &datagram->remote_high, &datagram->remote_low);
            datagram->remote_port = ntohs(name->sin6_port);
            datagram->remote_scope = name->sin6_scope_id;
        }
        read_controls(message, datagram, dropped);
    }
    return received;
}

int clinux_probe_udp_segment(int fd) {
    const int off = 0;
    return setsockopt(fd, SOL_UDP, UDP_SEGMENT, &off, sizeof off) == 0 ? 0 : -errno;
}

int clinux_enable_udp_gro(int fd) {
    const int on = 1;
    return setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on) == 0 ? 0 : -errno;
}

int clinux_has_udp_gro(int fd) {
    int value = 0;
    socklen_t length = sizeof value;
    return getsockopt(fd, SOL_UDP, UDP_GRO, &value, &length) == 0 ? value != 0 : -errno;
}

static size_t put_control(struct cmsghdr *c, int level, int type, const void *data, size_t size) {
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), data, size);
    return CMSG_SPACE(size);
}

/// Puts the control messages that fix source address, interface, traffic class and size of segments in front of a datagram.
static void write_controls(
    struct msghdr *message, union control *room, const struct clinux_datagram *datagram, bool ipv4) {
    size_t used = 0;
    if ((datagram->local_high | datagram->local_low) != 0 || datagram->interface != 0) {
        if (ipv4) {
            struct in_pktinfo info = {0};
            info.ipi_spec_dst.s_addr = htonl((uint32_t)datagram->local_low);
            info.ipi_ifindex = (int)datagram->interface;
            used = put_control(&room->alignment, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
        } else {
            // The kernel reads the IPv6 form with a mapped address for IPv4 destinations.
            struct in6_pktinfo info = {0};
            store(&info.ipi6_addr, datagram->local_high, datagram->local_low);
            info.ipi6_ifindex = datagram->interface;
            used = put_control(&room->alignment, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
        }
    }
    if (datagram->traffic_class != 0) {
        struct cmsghdr *next = (struct cmsghdr *)(room->bytes + used);
        int class = datagram->traffic_class;
        bool v4 = is_mapped(datagram->remote_high, datagram->remote_low);
        used += put_control(next, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &class, sizeof class);
    }
    if (datagram->segment != 0) {
        struct cmsghdr *next = (struct cmsghdr *)(room->bytes + used);
        used += put_control(next, SOL_UDP, UDP_SEGMENT, &datagram->segment, sizeof datagram->segment);
    }
    message->msg_control = used ? room : NULL;
    message->msg_controllen = used;
}

int clinux_send(
    int fd, struct clinux_headers *headers, const struct clinux_datagram *datagrams, unsigned count) {
    if (count > CLINUX_BATCH) count = CLINUX_BATCH;
    for (unsigned i = 0; i < count; i++) {
        const struct clinux_datagram *datagram = &datagrams[i];
        struct msghdr *message = &headers->messages[i].msg_hdr;
        headers->vectors[i].iov_base = datagram->bytes;
        headers->vectors[i].iov_len = datagram->length;
        // An IPv6 destination on an IPv4 socket goes to the kernel as it is, which answers EAFNOSUPPORT.
        if (headers->ipv4 && is_mapped(datagram->remote_high, datagram->remote_low)) {
            struct sockaddr_in *name = &headers->names[i].v4;
            memset(name, 0, sizeof *name);
            name->sin_family = AF_INET;
            name->sin_port = htons(datagram->remote_port);
            name->sin_addr.s_addr = htonl((uint32_t)datagram->remote_low);
            message->msg_namelen = sizeof *name;
        } else {
            struct sockaddr_in6 *name = &headers->names[i].v6;
            memset(name, 0, sizeof *name);
            name->sin6_family = AF_INET6;
            name->sin6_port = htons(datagram->remote_port);
            name->sin6_scope_id = datagram->remote_scope;
            store(&name->sin6_addr, datagram->remote_high, datagram->remote_low);
            message->msg_namelen = sizeof *name;
        }
        message->msg_flags = 0;
        write_controls(message, &headers->controls[i], datagram, headers->ipv4);
    }
    int sent = sendmmsg(fd, headers->messages, count, MSG_DONTWAIT);
    return sent >= 0 ? sent : -errno;
}
