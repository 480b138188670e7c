#pragma once
// What the Netlink room needs from C: libmnl, the kernel's own constants, and wrappers for the few
// things that Swift cannot import (macros with a sizeof in them, GNU extensions, variadic calls).
#include <libmnl/libmnl.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/// The size that libmnl recommends for a message buffer: a page, at most 8 KiB.
static inline size_t netlink_message_capacity(void) { return (size_t)MNL_SOCKET_BUFFER_SIZE; }

// glibc declares these two only under _GNU_SOURCE, which the importer does not set.
extern const char *strerrorname_np(int error);
extern const char *strerrordesc_np(int error);

/// The name of an errno ("EPERM"), or NULL for a number that has none.
static inline const char *netlink_errno_name(int error) { return strerrorname_np(error); }

/// The C library's words for an errno in English, whatever the locale; NULL for an unknown number.
static inline const char *netlink_errno_text(int error) { return strerrordesc_np(error); }

/// The effective capabilities of the calling thread as 64 bits; 0 when they cannot be read.
static inline uint64_t netlink_effective_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, data) != 0) return 0;
    return (uint64_t)data[1].effective << 32 | data[0].effective;
}
