#pragma once
#include <stdbool.h>

/// Whether the processor multiplies and encrypts for AES-GCM by itself: AES-NI and PCLMULQDQ on amd64, the AES and PMULL
/// extensions on arm64. Without them AES is slow, or leaks its key by what it leaves in the cache.
bool ciphers_processor_has_aes(void);
