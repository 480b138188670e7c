#pragma once
// The allocator, and the pages that the process has.
#include <stdint.h>

/// Bytes that malloc has given out and that were not freed yet, of all threads (mallinfo2(3), glibc 2.33). For tests and
/// measurements.
uint64_t clinux_allocated(void);

/// Has malloc map blocks of `bytes` or more one by one, so that a freed one is the kernel's at once (mallopt(3),
/// M_MMAP_THRESHOLD). Without it that limit rises with each such block that is freed, and the next one stays.
void clinux_map_blocks_of(int bytes);

/// Has the kernel give the process, and those that it starts, no pages larger than the smallest (prctl(2), PR_SET_THP_DISABLE):
/// where these are the rule a first byte takes two megabytes.
void clinux_take_small_pages(void);

/// Gives the kernel back whole pages of the heap in which nothing is (malloc_trim(3)).
void clinux_trim_heap(void);

/// Takes the pages of the program and of its libraries that are only read out of the process. They stay in the kernel's page
/// cache while there is room, and each is mapped again when it is next used. Returns the bytes of address space that were gone
/// through.
uint64_t clinux_drop_program_pages(void);
