#pragma once
// TUN devices: the ioctl numbers are macros with casts, which Swift does not import.
#include <stdbool.h>
#include <stdint.h>

/// Length of the buffer that holds an interface name with its terminating zero (IFNAMSIZ).
enum { CLINUX_INTERFACE_NAME_SIZE = 16 };

/// Attaches `fd`, an open /dev/net/tun, to the TUN device that `name` names (IFF_TUN | IFF_NO_PI), which is
/// made if there is none; a name with %d, or an empty one, lets the kernel choose a number. `name` is
/// overwritten with the device's true name. Returns 0 or a negated errno.
int clinux_tun_attach(int fd, char name[_Nonnull CLINUX_INTERFACE_NAME_SIZE]);

/// Whether the device outlives the descriptor: 1, 0 or a negated errno.
int clinux_tun_is_persistent(int fd);

/// Makes the device outlive the descriptor, or not. Returns 0 or a negated errno.
int clinux_tun_set_persistent(int fd, bool persistent);
