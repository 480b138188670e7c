#pragma once
// QR codes, by libqrencode where it is installed.
#include <stddef.h>
#include <stdint.h>

/// Makes the code of a text: `modules` gets a byte for each module, row by row, 1 for a dark one. Returns the modules of a side, at most
/// 177, or 0 where there is no library, no room, or the text is too long.
int clinux_qr_code(const char *_Nonnull text, uint8_t *_Nonnull modules, size_t size);
