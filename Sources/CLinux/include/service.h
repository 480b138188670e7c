#pragma once
// What a service says to its manager and asks of it, and how it begins again in its own place.
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/// Sends a message of sd_notify(3) from the datagram socket `fd`, with the descriptor `handed` beside it unless that is negative.
/// Never blocks. Returns 0 or a negated errno.
int clinux_notify(
    int fd, const struct sockaddr *_Nonnull address, socklen_t length, const void *_Nullable message, size_t count,
    int handed);

/// Whether `fd` is a socket of this domain, type and protocol (SO_DOMAIN, SO_TYPE, SO_PROTOCOL): 1, 0 or a negated errno.
int clinux_socket_is(int fd, int domain, int type, int protocol);

/// Asks systemd, over D-Bus, what it is about to do with the unit that the process `pid` belongs to: the type of the unit's job
/// ("restart", "stop", ...) goes into `type`, an empty text where it has none. libsystemd is loaded for it. Waits for half a second
/// at most. Returns 0 or a negated errno: -ENOENT where there is no libsystemd.
int clinux_unit_job(uint32_t pid, char *_Nonnull type, size_t size);

/// Has every descriptor from `first` on closed when this process runs another program in its place, whoever has opened it and how.
void clinux_close_at_exec(int first);

/// Runs the program at `path` in the place of this one, with no signal blocked. Returns a negated errno, or not at all.
int clinux_begin_again(const char *_Nonnull path, char *_Nullable const *_Nonnull arguments);
