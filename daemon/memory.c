/* SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "daemon/memory.h"

/* Longer lines, with a long path, come in pieces; the rest is none of the forms we look for. */
#define LINE_ROOM 512

struct mapping {
        uintptr_t begin, end;
        bool of_file; /* private, and nobody writes to it */
};

/* "7f00-7f10 r-xp 00000000 08:01 1234 /usr/lib/…", proc(5) */
static bool parse_mapping(const char *line, struct mapping *ret)
{
        unsigned long begin, end, inode;
        char mode[5];

        if (sscanf(line, "%lx-%lx %4s %*x %*x:%*x %lu", &begin, &end, mode, &inode) != 4)
                return false;
        *ret = (struct mapping){ .begin = begin,
                                 .end = end,
                                 .of_file = inode && mode[1] == '-' && mode[3] == 'p' };
        return true;
}

/* Under qemu-user the file tells of the emulator's mappings, at addresses that are not ours. */
static bool is_of_us(FILE *f)
{
        const uintptr_t code = (uintptr_t)memory_release_start;
        struct mapping mapping;
        bool found = false;
        char line[LINE_ROOM];

        while (!found && fgets(line, sizeof(line), f))
                found = parse_mapping(line, &mapping) && mapping.of_file && mapping.begin <= code &&
                        code < mapping.end;
        rewind(f);
        return found;
}

void memory_release_start(void)
{
        FILE *f = fopen("/proc/self/smaps", "re");
        struct mapping mapping = { 0 };
        unsigned long anonymous;
        char line[LINE_ROOM];
        bool ours;

        (void)malloc_trim(0);
        if (!f) /* no /proc: it stays as it is */
                return;
        ours = is_of_us(f);
        while (ours && fgets(line, sizeof(line), f))
                if (!parse_mapping(line, &mapping) &&
                    sscanf(line, "Anonymous: %lu kB", &anonymous) == 1) {
                        /* Relocations or a debugger's breakpoints are in no file: they stay. */
                        if (mapping.of_file && anonymous == 0)
                                (void)madvise((void *)mapping.begin, mapping.end - mapping.begin,
                                              MADV_DONTNEED);
                        mapping.of_file = false;
                }
        (void)fclose(f);
}
