#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Internet gateways that speak UPnP (IGD), by way of libminiupnpc, which is looked for when it is needed: nothing here
/// needs it to be installed. Everything blocks; no function may be called on two threads at a time.

enum { IGD_TEXT = 160, IGD_ADDRESS = 64 };

/// One that was found.
struct igd_gateway {
    char control_url[IGD_TEXT];
    char service[IGD_TEXT];
};

/// Loads the library. Gives NULL, or what is wrong.
const char *igd_load(void);

/// Looks for a gateway, for `milliseconds` for each of four questions at most and what the answers' addresses take.
/// `own` is our IPv4 address as text: questions leave there. 0, or -1 for none.
int igd_find(const char *own, int milliseconds, struct igd_gateway *found);

/// The gateway's address outside, as text. 0, or the gateway's error, or a negative one of the library.
int igd_external_address(const struct igd_gateway *gateway, char address[IGD_ADDRESS]);

/// Has the outside `port` lead to `own`:`own_port` for UDP. `seconds` 0 is for ever. 0, or the gateway's error.
int igd_map(
    const struct igd_gateway *gateway, uint16_t port, const char *own, uint16_t own_port, const char *purpose,
    uint32_t seconds);

/// Ends that.
int igd_unmap(const struct igd_gateway *gateway, uint16_t port);
