#pragma once
// Intel's Multi-Buffer Crypto for IPsec (libIPSec_MB.so.1), found at run time. Nothing is linked and no header of it
// is needed to build: what is declared here is the part of its interface in use, after intel-ipsec-mb.h of 1.3.
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// The functions for one message at a time that the library keeps for this processor. They hold no state of their own
/// and may be called from any thread.
struct ipsecmb {
    // aes_gcm_pre_t: the round keys and hash keys.
    void (*gcm_prepare)(const void *key, void *key_data);
    // aes_gcm_enc_dec_t: both give the tag; comparing is the caller's business.
    void (*gcm_seal)(
        const void *key_data, void *context, uint8_t *out, const uint8_t *in, uint64_t count, const uint8_t *nonce,
        const uint8_t *additional, uint64_t additional_count, uint8_t *tag, uint64_t tag_count);
    void (*gcm_open)(
        const void *key_data, void *context, uint8_t *out, const uint8_t *in, uint64_t count, const uint8_t *nonce,
        const uint8_t *additional, uint64_t additional_count, uint8_t *tag, uint64_t tag_count);
    // chacha_poly_init_t, chacha_poly_enc_dec_update_t, chacha_poly_finalize_t
    void (*chacha_begin)(
        const void *key, void *context, const void *nonce, const void *additional, uint64_t additional_count);
    void (*chacha_seal)(const void *key, void *context, void *out, const void *in, uint64_t count);
    void (*chacha_open)(const void *key, void *context, void *out, const void *in, uint64_t count);
    void (*chacha_end)(void *context, void *tag, uint64_t tag_count);
    /// imb_get_version(): 0x10300 is 1.3.0.
    uint32_t version;
    /// It is of a version that should do and does not: somebody ought to know.
    bool is_broken;
};

/// Finds the library and fills in the functions. NULL, or in a few words why it cannot be used. Once found it stays
/// loaded. Not to be called from two threads at once.
const char *ipsecmb_load(struct ipsecmb *library);

// ---- keys -------------------------------------------------------------------------------------------------------
// A key is a piece of memory of the size and alignment below, to be zeroed by its owner: it begins with what the
// library made of the key, and ends with the context of the message at hand.

enum {
    /// sizeof(struct gcm_key_data), and where the pointer and struct gcm_context_data (88 bytes) stand behind it.
    IPSECMB_GCM_KEY_DATA = 1008,
    IPSECMB_GCM_LIBRARY = IPSECMB_GCM_KEY_DATA,
    IPSECMB_GCM_CONTEXT = 1024,
    IPSECMB_GCM_CONTEXT_BYTES = 88,
    IPSECMB_GCM_BYTES = 1152,
    /// 32 bytes of key, the pointer, struct chacha20_poly1305_context_data (192 bytes).
    IPSECMB_CHACHA_LIBRARY = 32,
    IPSECMB_CHACHA_CONTEXT = 64,
    IPSECMB_CHACHA_CONTEXT_BYTES = 192,
    IPSECMB_CHACHA_BYTES = 256,
    /// Of both. The key data's is in its declaration, vectors of 64 bytes are loaded from it.
    IPSECMB_ALIGNMENT = 64,
    IPSECMB_TAG = 16,
};

static inline void ipsecmb_gcm_begin(const struct ipsecmb *library, uint8_t *memory, const uint8_t *key) {
    library->gcm_prepare(key, memory);
    memcpy(memory + IPSECMB_GCM_LIBRARY, &library, sizeof library);
}

static inline void ipsecmb_chacha_begin(const struct ipsecmb *library, uint8_t *memory, const uint8_t *key) {
    memcpy(memory, key, 32);
    memcpy(memory + IPSECMB_CHACHA_LIBRARY, &library, sizeof library);
}

// ---- messages, in place -----------------------------------------------------------------------------------------

/// Encrypts `count` bytes and writes the tag behind them.
static inline void ipsecmb_gcm_seal(
    uint8_t *memory, uint8_t *text, size_t count, const uint8_t *nonce, const uint8_t *additional,
    size_t additional_count) {
    const struct ipsecmb *library;
    memcpy(&library, memory + IPSECMB_GCM_LIBRARY, sizeof library);
    library->gcm_seal(
        memory, memory + IPSECMB_GCM_CONTEXT, text, text, count, nonce, additional, additional_count, text + count,
        IPSECMB_TAG);
}

static inline void ipsecmb_chacha_seal(
    uint8_t *memory, uint8_t *text, size_t count, const uint8_t *nonce, const uint8_t *additional,
    size_t additional_count) {
    const struct ipsecmb *library;
    memcpy(&library, memory + IPSECMB_CHACHA_LIBRARY, sizeof library);
    uint8_t *context = memory + IPSECMB_CHACHA_CONTEXT;
    library->chacha_begin(memory, context, nonce, additional, additional_count);
    library->chacha_seal(memory, context, text, text, count);
    library->chacha_end(context, text + count, IPSECMB_TAG);
}

/// Whether two tags are equal, in the same time whatever they are.
static inline bool ipsecmb_same_tag(const uint8_t *a, const uint8_t *b) {
    uint64_t x[2], y[2];
    memcpy(x, a, sizeof x);
    memcpy(y, b, sizeof y);
    return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

/// Decrypts `count` bytes that the tag stands behind. False when it is wrong; the bytes are zero then.
static inline bool ipsecmb_gcm_open(
    uint8_t *memory, uint8_t *text, size_t count, const uint8_t *nonce, const uint8_t *additional,
    size_t additional_count) {
    const struct ipsecmb *library;
    memcpy(&library, memory + IPSECMB_GCM_LIBRARY, sizeof library);
    uint8_t tag[IPSECMB_TAG];
    library->gcm_open(
        memory, memory + IPSECMB_GCM_CONTEXT, text, text, count, nonce, additional, additional_count, tag,
        IPSECMB_TAG);
    if (ipsecmb_same_tag(tag, text + count)) return true;
    memset(text, 0, count);
    return false;
}

static inline bool ipsecmb_chacha_open(
    uint8_t *memory, uint8_t *text, size_t count, const uint8_t *nonce, const uint8_t *additional,
    size_t additional_count) {
    const struct ipsecmb *library;
    memcpy(&library, memory + IPSECMB_CHACHA_LIBRARY, sizeof library);
    uint8_t *context = memory + IPSECMB_CHACHA_CONTEXT;
    uint8_t tag[IPSECMB_TAG];
    library->chacha_begin(memory, context, nonce, additional, additional_count);
    library->chacha_open(memory, context, text, text, count);
    library->chacha_end(context, tag, IPSECMB_TAG);
    if (ipsecmb_same_tag(tag, text + count)) return true;
    memset(text, 0, count);
    return false;
}
