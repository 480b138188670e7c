#define _GNU_SOURCE
#include "ipsecmb.h"

#if defined(__x86_64__)
#include <dlfcn.h>

// Where intel-ipsec-mb.h of 1.3 has the function pointers in IMB_MGR, in bytes. Its comment asks its authors to add
// further ones at the end only, so they are there in 1.4 and 1.5 as well; each is looked at before it is called.
enum {
    MGR_FEATURES = 8,
    MGR_GCM256_ENC = 272,
    MGR_GCM256_DEC = 296,
    MGR_GCM256_PRE = 464,
    MGR_CHACHA_INIT = 920,
    MGR_CHACHA_ENC = 928,
    MGR_CHACHA_DEC = 936,
    MGR_CHACHA_FINALIZE = 944,
};
#define FEATURE_SELF_TEST (1ull << 20)
#define FEATURE_SELF_TEST_PASS (1ull << 21)
#define OLDEST 0x10300u
#define NEWEST 0x105ffu

/// Reads a function pointer of the manager. It must point to a function of the library itself whose name begins with
/// `prefix`: a layout that is not the expected one is found out before anything is called. A function that the library
/// does not export has no name to ask for; then `prefix` is NULL.
static bool take(void *handle_function, const uint8_t *manager, size_t offset, const char *prefix, void *out) {
    void *function;
    Dl_info here, there;
    memcpy(&function, manager + offset, sizeof function);
    if (function == NULL || dladdr(handle_function, &here) == 0 || dladdr(function, &there) == 0) return false;
    if (here.dli_fbase != there.dli_fbase) return false;
    if (prefix != NULL) {
        if (there.dli_sname == NULL || there.dli_saddr != function) return false;
        if (strncmp(there.dli_sname, prefix, strlen(prefix)) != 0) return false;
    }
    memcpy(out, &function, sizeof function);
    return true;
}

static bool untouched(const uint8_t *bytes, size_t from, size_t to) {
    for (size_t i = from; i < to; i++) {
        if (bytes[i] != 0xa5) return false;
    }
    return true;
}

/// Do its structures end where we think? Each is used once in a buffer with room behind it.
static bool sizes_are_known(const struct ipsecmb *library) {
    enum { ROOM = 4096 };
    static _Alignas(64) uint8_t key_data[ROOM], context[ROOM];
    static const uint8_t zero[32];
    uint8_t text[100] = {0}, tag[IPSECMB_TAG];
    memset(key_data, 0xa5, ROOM);
    memset(context, 0xa5, ROOM);
    library->gcm_prepare(zero, key_data);
    library->gcm_seal(key_data, context, text, text, sizeof text, zero, zero, 16, tag, sizeof tag);
    library->gcm_open(key_data, context, text, text, sizeof text, zero, zero, 16, tag, sizeof tag);
    if (!untouched(key_data, IPSECMB_GCM_KEY_DATA, ROOM)) return false;
    if (!untouched(context, IPSECMB_GCM_CONTEXT_BYTES, ROOM)) return false;
    memset(context, 0xa5, ROOM);
    library->chacha_begin(zero, context, zero, zero, 16);
    library->chacha_seal(zero, context, text, text, sizeof text);
    library->chacha_end(context, tag, sizeof tag);
    return untouched(context, IPSECMB_CHACHA_CONTEXT_BYTES, ROOM);
}

static const char *read_functions(void *handle, struct ipsecmb *out) {
    unsigned (*get_version)(void) = (unsigned (*)(void))dlsym(handle, "imb_get_version");
    void *(*allocate)(uint64_t) = (void *(*)(uint64_t))dlsym(handle, "alloc_mb_mgr");
    void (*release)(void *) = (void (*)(void *))dlsym(handle, "free_mb_mgr");
    void (*start)(void *, void *) = (void (*)(void *, void *))dlsym(handle, "init_mb_mgr_auto");
    if (!get_version || !allocate || !release || !start) return "libIPSec_MB.so.1 lacks functions that it should have";
    out->version = get_version();
    if (out->version < OLDEST || out->version > NEWEST) return "the version is not one of 1.3 to 1.5";
    void *here = (void *)get_version;
    uint8_t *manager = allocate(0);
    if (manager == NULL) return "it could not start";
    start(manager, NULL);
    uint64_t features;
    memcpy(&features, manager + MGR_FEATURES, sizeof features);
    const char *why = NULL;
    if ((features & FEATURE_SELF_TEST) && !(features & FEATURE_SELF_TEST_PASS)) {
        why = "its own self test failed";
    } else if (
        !take(here, manager, MGR_GCM256_PRE, "aes_gcm_pre_256", &out->gcm_prepare)
        || !take(here, manager, MGR_GCM256_ENC, "aes_gcm_enc_256", &out->gcm_seal)
        || !take(here, manager, MGR_GCM256_DEC, "aes_gcm_dec_256", &out->gcm_open)
        || !take(here, manager, MGR_CHACHA_INIT, NULL, &out->chacha_begin)
        || !take(here, manager, MGR_CHACHA_ENC, "update_enc_chacha20_poly1305", &out->chacha_seal)
        || !take(here, manager, MGR_CHACHA_DEC, "update_dec_chacha20_poly1305", &out->chacha_open)
        || !take(here, manager, MGR_CHACHA_FINALIZE, "finalize_chacha20_poly1305", &out->chacha_end)) {
        why = "its functions are not where they are expected";
    } else if (!sizes_are_known(out)) {
        why = "its structures are larger than expected";
    }
    // The functions do not need the manager.
    release(manager);
    out->is_broken = why != NULL;
    return why;
}

const char *ipsecmb_load(struct ipsecmb *library) {
    memset(library, 0, sizeof *library);
    void *handle = dlopen("libIPSec_MB.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return "libIPSec_MB.so.1 is not installed, or cannot be loaded (Debian: libipsec-mb1)";
    return read_functions(handle, library);
}
#else
const char *ipsecmb_load(struct ipsecmb *library) {
    memset(library, 0, sizeof *library);
    return "for amd64 only";
}
#endif
