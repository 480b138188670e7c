#define _GNU_SOURCE
#include "resolved.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bus.h"

static const char name[] = "org.freedesktop.resolve1";
static const char path[] = "/org/freedesktop/resolve1";
static const char interface[] = "org.freedesktop.resolve1.Manager";
static const char bus_name[] = "org.freedesktop.DBus";
static const uint64_t patience = 2 * 1000 * 1000;

struct clinux_resolved {
    struct bus_calls calls;
    sd_bus *bus;
    int changed;
    char reason[256];
};

static int owner_changed(sd_bus_message *message, void *context, sd_bus_error *error) {
    struct clinux_resolved *resolved = context;
    const char *who = NULL, *before = NULL, *after = NULL;
    (void)error;
    if (resolved->calls.read(message, "sss", &who, &before, &after) >= 0 && who && strcmp(who, name) == 0)
        resolved->changed = 1;
    return 0;
}

int clinux_resolved_open(struct clinux_resolved **made) {
    struct clinux_resolved *resolved = calloc(1, sizeof *resolved);
    if (!resolved) return -ENOMEM;
    int result = bus_load(&resolved->calls);
    if (result >= 0) result = resolved->calls.open_system(&resolved->bus);
    if (result >= 0) result = resolved->calls.set_timeout(resolved->bus, patience);
    if (result >= 0)
        result = resolved->calls.match_signal(
            resolved->bus, NULL, bus_name, "/org/freedesktop/DBus", bus_name, "NameOwnerChanged", owner_changed,
            resolved);
    if (result < 0) {
        if (resolved->bus) resolved->calls.close(resolved->bus);
        free(resolved);
        return result;
    }
    *made = resolved;
    return 0;
}

void clinux_resolved_close(struct clinux_resolved *resolved) {
    resolved->calls.close(resolved->bus);
    free(resolved);
}

int clinux_resolved_descriptor(struct clinux_resolved *resolved) { return resolved->calls.descriptor(resolved->bus); }

int clinux_resolved_events(struct clinux_resolved *resolved) {
    const int events = resolved->calls.events(resolved->bus);
    return events < 0 ? POLLIN : events;
}

int clinux_resolved_process(struct clinux_resolved *resolved) {
    int result;
    do result = resolved->calls.process(resolved->bus, NULL);
    while (result > 0);
    if (result < 0) return result;
    const int changed = resolved->changed;
    resolved->changed = 0;
    return changed;
}

// Keeps the words of a refusal. `result` is that of the call.
static int settle(struct clinux_resolved *resolved, int result, sd_bus_error *error) {
    resolved->reason[0] = 0;
    if (result < 0) {
        const char *text = error->message ? error->message : error->name ? error->name : strerror(-result);
        snprintf(resolved->reason, sizeof resolved->reason, "%s", text);
    }
    resolved->calls.error_free(error);
    return result < 0 ? result : 0;
}

int clinux_resolved_runs(struct clinux_resolved *resolved) {
    sd_bus_error error = {0};
    sd_bus_message *answer = NULL;
    int has = 0;
    int result = resolved->calls.call(
        resolved->bus, bus_name, "/org/freedesktop/DBus", bus_name, "NameHasOwner", &error, &answer, "s", name);
    if (result >= 0) result = resolved->calls.read(answer, "b", &has);
    resolved->calls.unref(answer);
    result = settle(resolved, result, &error);
    return result < 0 ? result : has != 0;
}

// A message to it that does not start it where it does not run.
static int begin(struct clinux_resolved *resolved, const char *member, int index, sd_bus_message **message) {
    int result = resolved->calls.new_call(resolved->bus, message, name, path, interface, member);
    if (result >= 0) result = resolved->calls.set_auto_start(*message, 0);
    if (result >= 0) result = resolved->calls.append(*message, "i", index);
    return result;
}

// Sends it if it could be made, and lets go of it.
static int send_off(struct clinux_resolved *resolved, int result, sd_bus_message *message) {
    sd_bus_error error = {0};
    sd_bus_message *answer = NULL;
    if (result >= 0) result = resolved->calls.send(resolved->bus, message, patience, &error, &answer);
    resolved->calls.unref(answer);
    resolved->calls.unref(message);
    return settle(resolved, result, &error);
}

int clinux_resolved_set_server(
    struct clinux_resolved *resolved, int index, const uint8_t *address, size_t count, uint16_t port) {
    // The one with a port has been there since version 246.
    const int plain = port == 53;
    sd_bus_message *message = NULL;
    int result = begin(resolved, plain ? "SetLinkDNS" : "SetLinkDNSEx", index, &message);
    if (result >= 0) result = resolved->calls.open_container(message, 'a', plain ? "(iay)" : "(iayqs)");
    if (result >= 0) result = resolved->calls.open_container(message, 'r', plain ? "iay" : "iayqs");
    if (result >= 0) result = resolved->calls.append(message, "i", count == 4 ? AF_INET : AF_INET6);
    if (result >= 0) result = resolved->calls.append_array(message, 'y', address, count);
    if (result >= 0 && !plain) result = resolved->calls.append(message, "qs", port, "");
    if (result >= 0) result = resolved->calls.close_container(message);
    if (result >= 0) result = resolved->calls.close_container(message);
    return send_off(resolved, result, message);
}

int clinux_resolved_set_domains(struct clinux_resolved *resolved, int index, const char *names, unsigned searched) {
    sd_bus_message *message = NULL;
    int result = begin(resolved, "SetLinkDomains", index, &message);
    if (result >= 0) result = resolved->calls.open_container(message, 'a', "(sb)");
    unsigned number = 0;
    for (const char *next = names; result >= 0 && *next; next += strlen(next) + 1, number++)
        result = resolved->calls.append(message, "(sb)", next, number >= searched);
    if (result >= 0) result = resolved->calls.close_container(message);
    return send_off(resolved, result, message);
}

int clinux_resolved_set_rest(struct clinux_resolved *resolved, int index) {
    sd_bus_message *message = NULL;
    int result = begin(resolved, "SetLinkDefaultRoute", index, &message);
    if (result >= 0) result = resolved->calls.append(message, "b", 0);
    result = send_off(resolved, result, message);
    const char *const members[] = {"SetLinkDNSSEC", "SetLinkDNSOverTLS"};
    for (size_t i = 0; i < 2 && result >= 0; i++) {
        message = NULL;
        result = begin(resolved, members[i], index, &message);
        if (result >= 0) result = resolved->calls.append(message, "s", "no");
        result = send_off(resolved, result, message);
    }
    return result;
}

int clinux_resolved_revert(struct clinux_resolved *resolved, int index) {
    sd_bus_message *message = NULL;
    const int result = begin(resolved, "RevertLink", index, &message);
    return send_off(resolved, result, message);
}

void clinux_resolved_reason(struct clinux_resolved *resolved, char *text, size_t size) {
    if (size > 0) snprintf(text, size, "%s", resolved->reason);
}
