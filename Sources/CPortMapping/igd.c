#define _GNU_SOURCE
#include "igd.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What is needed of miniupnpc.h, igd_desc_parse.h and upnpdev.h of 2.2.4, whose API is number 17. The library's name has that
// number in it, and there is no function that says it: a library of another API has another name and is not loaded.
enum { URL_MAX = 128 };
static const char *const LIBRARY = "libminiupnpc.so.17";

struct service {
    char control_url[URL_MAX], event_url[URL_MAX], scpd_url[URL_MAX], type[URL_MAX];
};
struct description {
    char element[URL_MAX], base_url[URL_MAX], presentation_url[URL_MAX];
    int level;
    struct service common, first, second, firewall, temporary;
};
struct urls {
    char *control, *description, *common, *firewall, *root;
};

// Room behind the library's structures, to see whether they end where they should.
enum { ROOM = 2048 };

static struct {
    void *(*discover)(int, const char *, const char *, int, int, unsigned char, int *);
    void (*free_devices)(void *);
    int (*valid_gateway)(void *, struct urls *, struct description *, char *, int);
    void (*parse)(const char *, int, struct description *);
    void (*free_urls)(struct urls *);
    int (*external_address)(const char *, const char *, char *);
    int (*add)(
        const char *, const char *, const char *, const char *, const char *, const char *, const char *, const char *,
        const char *);
    int (*remove)(const char *, const char *, const char *, const char *, const char *);
} library;

static bool take(void *handle, const char *name, void *out) {
    void *function = dlsym(handle, name);
    memcpy(out, &function, sizeof function);
    return function != NULL;
}

/// Does it fill in a gateway's description as we read it, and nothing behind? The text is one of ours.
static bool layout_is_known(void) {
    static const char text[] =
        "<?xml version=\"1.0\"?><root xmlns=\"urn:schemas-upnp-org:device-1-0\"><URLBase>http://192.0.2.1:5000/</URLBase>"
        "<device><serviceList><service>"
        "<serviceType>urn:schemas-upnp-org:service:WANIPConnection:1</serviceType>"
        "<controlURL>/control</controlURL><eventSubURL>/event</eventSubURL><SCPDURL>/scpd.xml</SCPDURL>"
        "</service></serviceList></device></root>";
    static struct {
        struct description description;
        unsigned char behind[ROOM];
    } place;
    memset(&place.description, 0, sizeof place.description);
    memset(place.behind, 0xa5, sizeof place.behind);
    library.parse(text, sizeof text - 1, &place.description);
    for (size_t i = 0; i < sizeof place.behind; i++) {
        if (place.behind[i] != 0xa5) return false;
    }
    const struct service *first = &place.description.first;
    return strcmp(place.description.base_url, "http://192.0.2.1:5000/") == 0 && strcmp(first->control_url, "/control") == 0
        && strcmp(first->scpd_url, "/scpd.xml") == 0
        && strcmp(first->type, "urn:schemas-upnp-org:service:WANIPConnection:1") == 0;
}

const char *igd_load(void) {
    static bool is_loaded = false;
    if (is_loaded) return NULL;
    void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return "libminiupnpc.so.17 is not installed, or cannot be loaded (Debian: libminiupnpc17)";
    if (!take(handle, "upnpDiscover", &library.discover) || !take(handle, "freeUPNPDevlist", &library.free_devices)
        || !take(handle, "UPNP_GetValidIGD", &library.valid_gateway) || !take(handle, "parserootdesc", &library.parse)
        || !take(handle, "FreeUPNPUrls", &library.free_urls)
        || !take(handle, "UPNP_GetExternalIPAddress", &library.external_address)
        || !take(handle, "UPNP_AddPortMapping", &library.add)
        || !take(handle, "UPNP_DeletePortMapping", &library.remove)) {
        dlclose(handle);
        return "libminiupnpc.so.17 lacks functions that it should have";
    }
    if (!layout_is_known()) {
        dlclose(handle);
        return "libminiupnpc.so.17 has another layout than version 2.2";
    }
    is_loaded = true;
    return NULL;
}

static bool copy(char *target, size_t room, const char *text) {
    if (text == NULL || strlen(text) >= room) return false;
    strcpy(target, text);
    return true;
}

int igd_find(const char *own, int milliseconds, struct igd_gateway *found) {
    memset(found, 0, sizeof *found);
    int error = 0;
    // No daemon that keeps a list, any local port, IPv4, two hops.
    void *devices = library.discover(milliseconds, own, "", 0, 0, 2, &error);
    if (devices == NULL) return -1;
    struct urls urls;
    struct description *description = calloc(1, sizeof *description + ROOM);
    char local[IGD_ADDRESS] = "";
    memset(&urls, 0, sizeof urls);
    int kind = description ? library.valid_gateway(devices, &urls, description, local, sizeof local) : 0;
    int result = -1;
    // 1: connected; 2: not connected, or with an address outside that the library finds reserved, of which we judge ourselves;
    // 3: something else that speaks UPnP.
    if ((kind == 1 || kind == 2) && copy(found->control_url, sizeof found->control_url, urls.control)
        && copy(found->service, sizeof found->service, description->first.type)) {
        result = 0;
    }
    if (kind > 0) library.free_urls(&urls);
    free(description);
    library.free_devices(devices);
    return result;
}

int igd_external_address(const struct igd_gateway *gateway, char address[IGD_ADDRESS]) {
    // The library writes up to 16 bytes.
    char text[IGD_ADDRESS] = "";
    int code = library.external_address(gateway->control_url, gateway->service, text);
    text[sizeof text - 1] = 0;
    memcpy(address, text, sizeof text);
    return code;
}

int igd_map(
    const struct igd_gateway *gateway, uint16_t port, const char *own, uint16_t own_port, const char *purpose,
    uint32_t seconds) {
    char outside[8], inside[8], lease[12];
    snprintf(outside, sizeof outside, "%u", port);
    snprintf(inside, sizeof inside, "%u", own_port);
    snprintf(lease, sizeof lease, "%u", seconds);
    return library.add(gateway->control_url, gateway->service, outside, inside, own, purpose, "UDP", NULL, lease);
}

int igd_unmap(const struct igd_gateway *gateway, uint16_t port) {
    char outside[8];
    snprintf(outside, sizeof outside, "%u", port);
    return library.remove(gateway->control_url, gateway->service, outside, "UDP", NULL);
}
