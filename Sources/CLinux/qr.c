#include "qr.h"

#include <dlfcn.h>
#include <string.h>

// Of qrencode.h, version 4: the structure and the two calls have been the same since version 3.
typedef struct {
    int version;
    int width;
    unsigned char *data;
} qr_code;

int clinux_qr_code(const char *text, uint8_t *modules, size_t size) {
    void *library = dlopen("libqrencode.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) return 0;
    qr_code *(*encode)(const char *, int, int);
    void (*release)(qr_code *);
    void *first = dlsym(library, "QRcode_encodeString8bit"), *second = dlsym(library, "QRcode_free");
    if (!first || !second) return 0;
    memcpy(&encode, &first, sizeof first);
    memcpy(&release, &second, sizeof second);
    // The smallest that holds it, with the least correction: it is read from a screen.
    qr_code *code = encode(text, 0, 0);
    if (!code) return 0;
    int width = code->width;
    if (width <= 0 || width > 177 || (size_t)width * (size_t)width > size) width = 0;
    for (int i = 0; i < width * width; i++) modules[i] = code->data[i] & 1;
    release(code);
    return width;
}
