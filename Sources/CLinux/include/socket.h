#pragma once
// Batches of datagrams: recvmmsg(2), sendmmsg(2) and their control messages.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The most datagrams that cross in one system call.
enum { CLINUX_BATCH = 64 };

/// One datagram on its way in or out. Addresses are IPv6 or IPv4-mapped, in two halves in host byte order;
/// ports are in host byte order too.
struct clinux_datagram {
    /// The payload; for receiving, the room for it.
    void *_Nullable bytes;
    /// Its length in bytes; for receiving, in: the room, out: what was received.
    size_t length;
    uint64_t remote_high, remote_low;
    /// Our own address: where it arrived, or where it shall leave from (zero: the kernel chooses).
    uint64_t local_high, local_low;
    uint32_t remote_scope;
    /// The interface it arrived on or shall leave by (zero: the kernel chooses).
    uint32_t interface;
    uint16_t remote_port;
    /// Not 0: these are several datagrams of so many bytes one behind the other, the last may be shorter. For sending, the
    /// kernel cuts them apart (UDP_SEGMENT); for receiving, it has joined them (UDP_GRO).
    uint16_t segment;
    /// DSCP and ECN: the traffic class of IPv6, the type of service of IPv4.
    uint8_t traffic_class;
    /// Received, but longer than the room: the rest is lost.
    bool truncated;
};

/// The headers that one batch needs: memory made once and used again for every call.
struct clinux_headers;

/// `ipv4`: for an AF_INET socket. NULL when there is no memory.
struct clinux_headers *_Nullable clinux_headers_new(bool ipv4);
void clinux_headers_free(struct clinux_headers *_Nullable headers);

/// Receives up to `count` (at most CLINUX_BATCH) datagrams that are already there. `dropped` is set to the
/// number that the kernel has dropped for want of buffer so far, when it says so (SO_RXQ_OVFL).
/// Returns how many, or a negated errno.
int clinux_receive(
    int fd, struct clinux_headers *_Nonnull headers, struct clinux_datagram *_Nonnull datagrams, unsigned count,
    uint32_t *_Nonnull dropped);

/// Sends up to `count` (at most CLINUX_BATCH) datagrams without blocking.
/// Returns how many of the first ones went out, or the negated errno of the very first.
int clinux_send(
    int fd, struct clinux_headers *_Nonnull headers, const struct clinux_datagram *_Nonnull datagrams,
    unsigned count);

/// The most datagrams that one record may stand for: UDP_MAX_SEGMENTS of kernels before 6.9.
enum { CLINUX_MAX_SEGMENTS = 64 };

/// Whether the kernel cuts what is sent into segments (UDP_SEGMENT, since 4.18): 0 or a negated errno.
int clinux_probe_udp_segment(int fd);

/// Has the kernel join datagrams of a flow before they are received (UDP_GRO, since 5.0). Slots must then hold 64 KB.
/// Returns 0 or a negated errno.
int clinux_enable_udp_gro(int fd);

/// Whether that was done: 1, 0, or a negated errno where the kernel does not know it.
int clinux_has_udp_gro(int fd);

/// Makes a receiving socket put local address, interface and drop count into control messages, and makes it
/// set DF on everything it sends without heeding the kernel's path MTU cache.
/// Returns 0 or a negated errno.
int clinux_configure_udp(int fd, bool ipv4);
