#pragma once
// sd-bus(3) of libsystemd, which is loaded where it is there: the program needs none. Not for Swift.
#include <stdint.h>
#include <sys/types.h>

typedef struct sd_bus sd_bus;
typedef struct sd_bus_message sd_bus_message;
typedef struct sd_bus_slot sd_bus_slot;

/// sd_bus_error(3).
typedef struct {
    const char *name;
    const char *message;
    int need_free;
} sd_bus_error;

typedef int (*sd_bus_message_handler_t)(sd_bus_message *, void *, sd_bus_error *);

/// As far as it is used here; all of it has been in libsystemd.so.0 since version 240.
struct bus_calls {
    int (*open_system)(sd_bus **);
    sd_bus *(*close)(sd_bus *);
    int (*set_timeout)(sd_bus *, uint64_t);
    int (*call)(
        sd_bus *, const char *, const char *, const char *, const char *, sd_bus_error *, sd_bus_message **,
        const char *, ...);
    int (*get)(
        sd_bus *, const char *, const char *, const char *, const char *, sd_bus_error *, sd_bus_message **,
        const char *);
    int (*read)(sd_bus_message *, const char *, ...);
    sd_bus_message *(*unref)(sd_bus_message *);
    int (*new_call)(
        sd_bus *, sd_bus_message **, const char *, const char *, const char *, const char *);
    int (*append)(sd_bus_message *, const char *, ...);
    int (*append_array)(sd_bus_message *, char, const void *, size_t);
    int (*open_container)(sd_bus_message *, char, const char *);
    int (*close_container)(sd_bus_message *);
    int (*set_auto_start)(sd_bus_message *, int);
    int (*send)(sd_bus *, sd_bus_message *, uint64_t, sd_bus_error *, sd_bus_message **);
    void (*error_free)(sd_bus_error *);
    int (*match_signal)(
        sd_bus *, sd_bus_slot **, const char *, const char *, const char *, const char *, sd_bus_message_handler_t,
        void *);
    int (*process)(sd_bus *, sd_bus_message **);
    int (*descriptor)(sd_bus *);
    int (*events)(sd_bus *);
};

/// Loads the library, which is never unloaded again, and finds the calls. Returns 0, or -ENOENT where it is not there.
int bus_load(struct bus_calls *calls);
