#include "memory.h"

#include <malloc.h>

uint64_t clinux_allocated(void) {
    struct mallinfo2 information = mallinfo2();
    return information.uordblks + information.hblkhd;
}
