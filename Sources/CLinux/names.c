#define _GNU_SOURCE
#include "names.h"

#include <netdb.h>
#include <netinet/in.h>
#include <arpa/nameser.h>
#include <resolv.h>
#include <string.h>

int clinux_ask_name(const char *name, uint16_t type, void *answer, int size) {
    // A state of its own: the calling thread's may be years old, and resolv.conf is read when one is made.
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) return EAI_SYSTEM;
    int count = res_nquery(&state, name, ns_c_in, type, answer, size);
    int reason = state.res_h_errno;
    res_nclose(&state);
    if (count >= 0) return count < size ? count : size;
    switch (reason) {
    case HOST_NOT_FOUND: return EAI_NONAME;
    case NO_DATA: return EAI_NODATA;
    case TRY_AGAIN: return EAI_AGAIN;
    default: return EAI_FAIL;
    }
}
