#pragma once
// What systemd-resolved is told, over D-Bus (org.freedesktop.resolve1(5)).
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A connection to the system's bus, for one thread. Calls wait for an answer, for two seconds at most.
struct clinux_resolved;

/// Connects, and listens for systemd-resolved's coming and going. Returns 0 or a negated errno: -ENOENT where there is no libsystemd or no
/// bus.
int clinux_resolved_open(struct clinux_resolved *_Nullable *_Nonnull made);
void clinux_resolved_close(struct clinux_resolved *_Nonnull resolved);

/// To be watched for these events of poll(2), and then `clinux_resolved_process` to be called.
int clinux_resolved_descriptor(struct clinux_resolved *_Nonnull resolved);
int clinux_resolved_events(struct clinux_resolved *_Nonnull resolved);

/// Takes what has come. Returns 1 when systemd-resolved has come or gone since the last time, 0 when not, or a negated errno where the
/// connection is lost.
int clinux_resolved_process(struct clinux_resolved *_Nonnull resolved);

/// Whether it runs: 1, 0 or a negated errno. Nothing here starts it.
int clinux_resolved_runs(struct clinux_resolved *_Nonnull resolved);

/// A nameserver for what the interface `index` leads to: 4 or 16 bytes of address in network order.
int clinux_resolved_set_server(
    struct clinux_resolved *_Nonnull resolved, int index, const uint8_t *_Nonnull address, size_t count, uint16_t port);

/// The names that are asked of it, in a text of which each ends with a zero byte, and an empty one behind the last. The first `searched` of
/// them are also put behind names without a dot.
int clinux_resolved_set_domains(
    struct clinux_resolved *_Nonnull resolved, int index, const char *_Nonnull names, unsigned searched);

/// Other names are never asked of it, signatures and TLS are not expected of it.
int clinux_resolved_set_rest(struct clinux_resolved *_Nonnull resolved, int index);

/// Takes all of that back.
int clinux_resolved_revert(struct clinux_resolved *_Nonnull resolved, int index);

/// Why the last call was refused, as a text in `text` that is empty where it was not.
void clinux_resolved_reason(struct clinux_resolved *_Nonnull resolved, char *_Nonnull text, size_t size);
