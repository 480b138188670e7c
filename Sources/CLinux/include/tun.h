#pragma once
// TUN devices: the ioctl numbers are macros with casts, which Swift does not import.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Length of the buffer that holds an interface name with its terminating zero (IFNAMSIZ).
enum { CLINUX_INTERFACE_NAME_SIZE = 16 };

/// What a TUN device may be besides plain: a virtio_net_hdr before each packet, several queues.
enum { CLINUX_TUN_HEADER = 0x4000, CLINUX_TUN_QUEUES = 0x0100 };

/// What the kernel may leave undone in the packets that it gives us (TUN_F_...). USO came with Linux 6.2 and
/// is not in older headers; the kernel takes both halves of it or none.
enum {
    CLINUX_TUN_CHECKSUM = 0x01,
    CLINUX_TUN_TSO = 0x02 | 0x04,
    CLINUX_TUN_TSO_ECN = 0x08,
    CLINUX_TUN_USO = 0x20 | 0x40,
};

/// The CLINUX_TUN_HEADER and CLINUX_TUN_QUEUES that the kernel behind `fd`, an open /dev/net/tun, knows.
int clinux_tun_features(int fd);

/// Attaches `fd`, an open /dev/net/tun, to the TUN device that `name` names (IFF_TUN | IFF_NO_PI | `flags`), which
/// is made if there is none; a name with %d, or an empty one, lets the kernel choose a number. `name` is
/// overwritten with the device's true name. Returns 0 or a negated errno.
int clinux_tun_attach(int fd, char name[_Nonnull CLINUX_INTERFACE_NAME_SIZE], int flags);

/// Puts the device's present name into `name`: it may have been renamed. Returns 0 or a negated errno.
int clinux_tun_name(int fd, char name[_Nonnull CLINUX_INTERFACE_NAME_SIZE]);

/// The CLINUX_TUN_HEADER and CLINUX_TUN_QUEUES that the device behind `fd` was attached to with, or a negated errno:
/// -EBADFD where there is no device any more, -EINVAL where it is no TUN device without packet information.
int clinux_tun_attached(int fd);

/// Sets the length of the header before each packet, in bytes. Returns 0 or a negated errno.
int clinux_tun_set_header_size(int fd, int size);

/// Sets what the kernel may leave undone: all of `offloads`, or an error and no change. Returns 0 or a negated errno.
int clinux_tun_set_offloads(int fd, unsigned offloads);

/// Writes a packet of `count` bytes behind a header of `header` zero bytes (at most 16), without blocking.
/// Returns the number of bytes written, or a negated errno.
ssize_t clinux_tun_write(int fd, size_t header, const void *_Nullable packet, size_t count);

/// Whether the device outlives the descriptor: 1, 0 or a negated errno.
int clinux_tun_is_persistent(int fd);

/// Makes the device outlive the descriptor, or not. Returns 0 or a negated errno.
int clinux_tun_set_persistent(int fd, bool persistent);

/// Makes the kernel choose the queue of a packet by its addresses, protocol and ports alone, for the device of which `fd` is a
/// queue: its own choice follows the queue that wrote the flow's answers, and so moves a flow while it runs. Needs CAP_BPF
/// and CAP_NET_ADMIN, and a kernel from 4.16. Returns 0 or a negated errno.
int clinux_tun_steer_by_flow(int fd);
