#pragma once
// The allocator.
#include <stdint.h>

/// Bytes that malloc has given out and that were not freed yet, of all threads (mallinfo2(3), glibc 2.33). For tests and
/// measurements.
uint64_t clinux_allocated(void);
