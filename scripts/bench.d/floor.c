// What a tunnel costs at the very least on this machine: the system calls of the data plane and its cipher, and nothing else.
// One peer, one fixed key for all; no handshake, no replay window, no source checks, no queues, no firewall. For measuring
// only: this protects nothing.
//
// Usage: floor INTERFACE PORT PEER-IPV4
//
// TUN super-packets (TSO) are cut into datagrams, sealed with AES-256-GCM (ipsec-mb) and sent with UDP_SEGMENT; what comes in by
// UDP_GRO is opened, joined and written as one. A datagram is: counter (8 bytes), whether the checksum is partial (1), the
// packet, tag (16).
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <intel-ipsec-mb.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HEAD = 9, TAG = 16, IPV6 = 40, VIRTIO = 10, RUN_BYTES = 65000, RUN_DATAGRAMS = 64, FIN_PSH = 0x09 };
enum { READS = 16, RECEIVES = 8 };

static IMB_MGR *library;
static struct gcm_key_data key;
static int tunnel, udp;
static struct sockaddr_in peer;
static uint64_t counter;

static void must(bool good, const char *what) {
    if (good) return;
    perror(what);
    exit(1);
}

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static uint32_t get32(const uint8_t *at) { return (uint32_t)get16(at) << 16 | get16(at + 2); }
static void put16(uint8_t *at, unsigned value) { at[0] = (uint8_t)(value >> 8), at[1] = (uint8_t)value; }
static void put32(uint8_t *at, uint32_t value) { put16(at, value >> 16), put16(at + 2, value & 0xffff); }

// The sum over the pseudo-header of TCP in IPv6 (RFC 8200 section 8.1), for a partial checksum.
static unsigned pseudo_sum(const uint8_t *packet, unsigned length) {
    unsigned sum = IPPROTO_TCP + length;
    for (int at = 8; at < IPV6; at += 2) sum += get16(packet + at);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static void cipher(uint8_t *datagram, size_t length, uint8_t *tag, bool seal) {
    struct gcm_context_data context;
    uint8_t nonce[12] = {0};
    memcpy(nonce, datagram, 8);
    uint8_t *text = datagram + 8;
    if (seal) IMB_AES256_GCM_ENC(library, &key, &context, text, text, length, nonce, datagram, 8, tag, TAG);
    else IMB_AES256_GCM_DEC(library, &key, &context, text, text, length, nonce, datagram, 8, tag, TAG);
}

static void send_run(uint8_t *bytes, size_t count, uint16_t segment) {
    struct iovec vector = {bytes, count};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct msghdr message = {.msg_name = &peer, .msg_namelen = sizeof peer, .msg_iov = &vector, .msg_iovlen = 1};
    if (count > segment) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        *header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof segment), .cmsg_level = SOL_UDP, .cmsg_type = UDP_SEGMENT};
        memcpy(CMSG_DATA(header), &segment, sizeof segment);
    }
    must(sendmsg(udp, &message, 0) >= 0 || errno == EAGAIN, "send");
}

// One packet or super-packet from the device.
static void outward(uint8_t *given, size_t length) {
    static uint8_t arena[80000];
    struct virtio_net_hdr virtio;
    memcpy(&virtio, given, VIRTIO);
    uint8_t *packet = given + VIRTIO;
    length -= VIRTIO;
    bool partial = virtio.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM, super = virtio.gso_type != 0;
    size_t head = super ? IPV6 + (packet[IPV6 + 12] >> 4) * 4u : 0, payload = length - head;
    size_t step = super ? virtio.gso_size : payload, full = HEAD + head + step + TAG;
    uint8_t *next = arena;
    unsigned datagrams = 0;
    for (size_t done = 0; done < payload || done == 0; done += step) {
        size_t part = payload - done < step ? payload - done : step;
        memcpy(next, &counter, 8);
        counter++;
        next[8] = partial;
        uint8_t *copy = next + HEAD;
        memcpy(copy, packet, head);
        memcpy(copy + head, packet + head + done, part);
        if (super) {
            put16(copy + 4, head - IPV6 + part);
            put32(copy + IPV6 + 4, get32(packet + IPV6 + 4) + done);
            if (done + part < payload) copy[IPV6 + 13] &= ~FIN_PSH;
            put16(copy + IPV6 + 16, pseudo_sum(copy, head - IPV6 + part));
        }
        cipher(next, 1 + head + part, copy + head + part, true);
        next += HEAD + head + part + TAG;
        datagrams++;
        bool last = done + part >= payload;
        if (last || datagrams == RUN_DATAGRAMS || (size_t)(next - arena) + full > RUN_BYTES) {
            send_run(arena, next - arena, full);
            next = arena;
            datagrams = 0;
        }
        if (last) break;
    }
}

// Neighbouring segments of one TCP stream, on their way into the device as one.
static struct {
    struct virtio_net_hdr virtio;
    struct iovec parts[RUN_DATAGRAMS + 2];
    int count;
    size_t head, segment, total;
    uint32_t next;
} joined;

static void write_joined(void) {
    if (joined.count == 0) return;
    uint8_t *packet = joined.parts[1].iov_base;
    if (joined.count > 2) {
        put16(packet + 4, joined.total - IPV6);
        put16(packet + IPV6 + 16, pseudo_sum(packet, joined.total - IPV6));
        joined.virtio.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
        joined.virtio.gso_size = joined.segment;
        joined.virtio.hdr_len = joined.head;
    }
    joined.parts[0] = (struct iovec){&joined.virtio, VIRTIO};
    // What is refused while the interface is coming up is lost, as on any wire.
    if (writev(tunnel, joined.parts, joined.count) < 0 && errno != EIO) must(false, "write");
    joined.count = 0;
}

static void inward(uint8_t *datagram, size_t length) {
    if (length < HEAD + IPV6 + TAG) return;
    uint8_t tag[TAG];
    cipher(datagram, length - 8 - TAG, tag, false);
    if (memcmp(tag, datagram + length - TAG, TAG)) return;
    uint8_t *packet = datagram + HEAD;
    size_t size = length - HEAD - TAG;
    bool tcp = packet[6] == IPPROTO_TCP;
    size_t head = tcp ? IPV6 + (packet[IPV6 + 12] >> 4) * 4u : size, part = size - head;
    if (joined.count && tcp && part && head == joined.head && part <= joined.segment && joined.total + part < 65500
        && joined.count < RUN_DATAGRAMS + 2 && get32(packet + IPV6 + 4) == joined.next
        && !memcmp(packet + 8, (uint8_t *)joined.parts[1].iov_base + 8, 32 + 4)) {
        joined.parts[joined.count++] = (struct iovec){packet + head, part};
        joined.total += part;
        joined.next += part;
        ((uint8_t *)joined.parts[1].iov_base)[IPV6 + 13] |= packet[IPV6 + 13] & FIN_PSH;
        if (part < joined.segment) write_joined();
        return;
    }
    write_joined();
    joined.virtio = (struct virtio_net_hdr){0};
    if (datagram[8]) {
        joined.virtio.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
        joined.virtio.csum_start = IPV6;
        joined.virtio.csum_offset = tcp ? 16 : packet[6] == IPPROTO_UDP ? 6 : 2;
    }
    joined.parts[1] = (struct iovec){packet, size};
    joined.count = 2;
    joined.head = head;
    joined.segment = part;
    joined.total = size;
    joined.next = tcp ? get32(packet + IPV6 + 4) + (uint32_t)part : 0;
    if (!tcp || part == 0) write_joined();
}

static void receive(void) {
    static uint8_t room[70000];
    for (int turn = 0; turn < RECEIVES; turn++) {
        struct iovec vector = {room, sizeof room};
        _Alignas(struct cmsghdr) char control[64];
        struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t count = recvmsg(udp, &message, 0);
        if (count <= 0) return;
        int segment = (int)count;
        for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
            if (header->cmsg_level == SOL_UDP && header->cmsg_type == UDP_GRO) memcpy(&segment, CMSG_DATA(header), sizeof segment);
        for (ssize_t at = 0; at < count; at += segment) inward(room + at, count - at < segment ? count - at : segment);
        write_joined();
    }
}

int main(int count, char **arguments) {
    if (count != 4) return fprintf(stderr, "usage: floor INTERFACE PORT PEER-IPV4\n"), 2;
    library = alloc_mb_mgr(0);
    must(library, "ipsec-mb");
    init_mb_mgr_auto(library, NULL);
    uint8_t secret[32] = {1};
    IMB_AES256_GCM_PRE(library, secret, &key);

    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR};
    strncpy(request.ifr_name, arguments[1], IFNAMSIZ - 1);
    tunnel = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    must(tunnel >= 0 && ioctl(tunnel, TUNSETIFF, &request) == 0, "tun");
    must(ioctl(tunnel, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6) == 0, "offloads");

    struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[2]))};
    peer = own;
    must(inet_pton(AF_INET, arguments[3], &peer.sin_addr) == 1, "address");
    udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    must(udp >= 0 && bind(udp, (struct sockaddr *)&own, sizeof own) == 0, "bind");
    int large = 32 << 20, yes = 1;
    setsockopt(udp, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
    setsockopt(udp, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof large);
    must(setsockopt(udp, SOL_UDP, UDP_GRO, &yes, sizeof yes) == 0, "UDP_GRO");

    int poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = tunnel};
    must(epoll_ctl(poll, EPOLL_CTL_ADD, tunnel, &wanted) == 0, "epoll");
    wanted.data.fd = udp;
    must(epoll_ctl(poll, EPOLL_CTL_ADD, udp, &wanted) == 0, "epoll");
    for (;;) {
        static uint8_t given[70000];
        struct epoll_event events[2];
        int ready = epoll_wait(poll, events, 2, -1);
        for (int index = 0; index < ready; index++) {
            if (events[index].data.fd == udp) {
                receive();
                continue;
            }
            for (int turn = 0; turn < READS; turn++) {
                ssize_t length = read(tunnel, given, sizeof given);
                if (length <= VIRTIO + IPV6) break;
                outward(given, (size_t)length);
            }
        }
    }
}
