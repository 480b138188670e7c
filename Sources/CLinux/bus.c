#define _GNU_SOURCE
#include "bus.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

int bus_load(struct bus_calls *calls) {
    // Never unloaded: it may have left something in the threads' storage. Opened anew each time: that counts, and is no race.
    void *library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) return -ENOENT;
    const struct {
        const char *name;
        void *place;
    } wanted[] = {
        {"sd_bus_open_system", &calls->open_system},
        {"sd_bus_flush_close_unref", &calls->close},
        {"sd_bus_set_method_call_timeout", &calls->set_timeout},
        {"sd_bus_call_method", &calls->call},
        {"sd_bus_get_property", &calls->get},
        {"sd_bus_message_read", &calls->read},
        {"sd_bus_message_unref", &calls->unref},
        {"sd_bus_message_new_method_call", &calls->new_call},
        {"sd_bus_message_append", &calls->append},
        {"sd_bus_message_append_array", &calls->append_array},
        {"sd_bus_message_open_container", &calls->open_container},
        {"sd_bus_message_close_container", &calls->close_container},
        {"sd_bus_message_set_auto_start", &calls->set_auto_start},
        {"sd_bus_call", &calls->send},
        {"sd_bus_error_free", &calls->error_free},
        {"sd_bus_match_signal", &calls->match_signal},
        {"sd_bus_process", &calls->process},
        {"sd_bus_get_fd", &calls->descriptor},
        {"sd_bus_get_events", &calls->events},
    };
    int result = 0;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && result == 0; i++) {
        void *found = dlsym(library, wanted[i].name);
        if (!found) result = -ENOENT;
        memcpy(wanted[i].place, &found, sizeof found);
    }
    dlclose(library);
    return result;
}
