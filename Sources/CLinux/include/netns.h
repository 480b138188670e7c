#pragma once
// Network namespaces.

/// Moves the calling thread, and only it, into a new and empty network namespace; needs CAP_SYS_ADMIN.
/// Tests make their own little network this way: it is gone when the thread and its descriptors are.
/// Returns 0 or a negated errno.
int clinux_unshare_network(void);

/// Sets the flags of a network interface (IFF_UP and so on) that are in `set`, and leaves the others.
/// Returns 0 or a negated errno.
int clinux_raise_interface_flags(const char *_Nonnull name, short set);
