/* SPDX-License-Identifier: MIT */
#include "store-memory.h"

#include <string.h>

#include <sqlite3.h>

#include "base/util.h"

static sqlite3_mem_methods own; /* SQLite's; written once, before any thread */

static void wipe_and_free(void *memory)
{
        if (!memory)
                return;
        explicit_bzero(memory, (size_t)own.xSize(memory));
        own.xFree(memory);
}

static void *move(void *memory, int size)
{
        void *moved = own.xMalloc(size);

        if (!moved)
                return NULL;
        memcpy(moved, memory, (size_t)MIN(own.xSize(memory), own.xSize(moved)));
        wipe_and_free(memory);
        return moved;
}

void store_memory_init(void)
{
        sqlite3_mem_methods methods;

        /* Neither can fail here; if one did, SQLite's own would be used as they are. */
        if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &own) != SQLITE_OK)
                return;
        methods = own;
        methods.xFree = wipe_and_free;
        methods.xRealloc = move;
        (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}
