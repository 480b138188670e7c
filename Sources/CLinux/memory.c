#define _GNU_SOURCE
#include "memory.h"

#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

uint64_t clinux_allocated(void) {
    struct mallinfo2 information = mallinfo2();
    return information.uordblks + information.hblkhd;
}

void clinux_map_blocks_of(int bytes) {
    mallopt(M_MMAP_THRESHOLD, bytes);
    // Said once one of the two is, or each free of some size would end in a system call.
    mallopt(M_TRIM_THRESHOLD, bytes);
}

void clinux_take_small_pages(void) {
    // A kernel without large pages refuses, which is as good.
    prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
}

void clinux_trim_heap(void) { malloc_trim(0); }

// Whether the loader has written into the object's text. Such pages are not those of the file any more.
static bool has_text_relocations(const struct dl_phdr_info *object) {
    for (int index = 0; index < object->dlpi_phnum; index++) {
        if (object->dlpi_phdr[index].p_type != PT_DYNAMIC) continue;
        const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[index].p_vaddr);
        for (; entry->d_tag != DT_NULL; entry++) {
            if (entry->d_tag == DT_TEXTREL) return true;
            if (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL) return true;
        }
    }
    return false;
}

static int drop_object(struct dl_phdr_info *object, size_t size, void *total) {
    (void)size;
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    // What the kernel maps by itself is in no file.
    if (object->dlpi_addr == getauxval(AT_SYSINFO_EHDR) || has_text_relocations(object)) return 0;
    for (int index = 0; index < object->dlpi_phnum; index++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[index];
        // What may be written has values that are in no file; relocations are there too.
        if (part->p_type != PT_LOAD || part->p_flags & PF_W) continue;
        const uintptr_t begin = object->dlpi_addr + part->p_vaddr;
        // Whole pages within: a page at the end may be shared with what may be written.
        const uintptr_t first = (begin + page - 1) / page * page;
        const uintptr_t end = (begin + part->p_memsz) / page * page;
        if (end <= first) continue;
        if (madvise((void *)first, end - first, MADV_DONTNEED) == 0) *(uint64_t *)total += end - first;
    }
    return 0;
}

uint64_t clinux_drop_program_pages(void) {
    uint64_t total = 0;
    dl_iterate_phdr(drop_object, &total);
    return total;
}
