/* SPDX-License-Identifier: MIT */
/* Facts by which a telegram is believed: titles and their counters; framings of lines. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store-table.h"

enum {
        TITLE,
        METER,
        KEYS,
        COUNTER,
        AUTHENTICATED
};

const struct store_table store_table_title = {
        .name = "title",
        .columns = { "title", "meter", "keys", "counter", "authenticated" },
        .types = { "TEXT PRIMARY KEY", "TEXT", "TEXT", "TEXT", "TEXT" },
};

const struct store_table store_table_framing = {
        .name = "framing",
        .columns = { "identity", "framing" },
        .types = { "TEXT PRIMARY KEY", "TEXT NOT NULL" },
};

static void read_row(const struct store_row *row, struct store_title *ret)
{
        *ret = (struct store_title){
                .counter = (uint32_t)strtoul(store_row_text(row, COUNTER), NULL, 10),
                .authenticated = strcmp(store_row_text(row, AUTHENTICATED), "yes") == 0,
        };
        store_row_copy(row, TITLE, ret->title, sizeof(ret->title));
        store_row_copy(row, METER, ret->meter, sizeof(ret->meter));
        store_row_copy(row, KEYS, ret->keys, sizeof(ret->keys));
}

int store_find_title(struct store *store, const char *title, struct store_title *ret)
{
        const struct store_row *row = store_find(store, &store_table_title, title);

        if (!row)
                return 0;
        read_row(row, ret);
        return 1;
}

int store_find_title_at(struct store *store, size_t index, struct store_title *ret)
{
        const struct store_row *row = store_at(store, &store_table_title, index);

        if (!row)
                return 0;
        read_row(row, ret);
        return 1;
}

int store_put_title(struct store *store, const struct store_title *title)
{
        const struct store_row *before = store_find(store, &store_table_title, title->title);
        char counter[16];
        const struct store_value values[STORE_COLUMNS_MAX] = {
                [TITLE] = store_text(title->title),
                [METER] = store_text(title->meter),
                [KEYS] = store_text(title->keys),
                [COUNTER] = { counter, (size_t)snprintf(counter, sizeof(counter), "%" PRIu32,
                                                        title->counter) },
                [AUTHENTICATED] = store_text(title->authenticated ? "yes" : "no"),
        };
        bool same = before && strcmp(store_row_text(before, KEYS), title->keys) == 0 &&
                    strcmp(store_row_text(before, METER), title->meter) == 0 &&
                    strcmp(store_row_text(before, AUTHENTICATED), values[AUTHENTICATED].data) == 0;

        /* A counter that only went on is not worth a write of its own. */
        return store_put(store, &store_table_title, values, same ? STORE_SOMEDAY : STORE_SOON);
}

int store_forget_title(struct store *store, const char *title)
{
        return store_delete(store, &store_table_title, title);
}

int store_find_framing(struct store *store, const char *identity,
                       char ret_framing[static STORE_FRAMING_MAX])
{
        const struct store_row *row = store_find(store, &store_table_framing, identity);

        if (!row)
                return 0;
        store_row_copy(row, 1, ret_framing, STORE_FRAMING_MAX);
        return 1;
}

int store_put_framing(struct store *store, const char *identity, const char *framing)
{
        const struct store_value values[STORE_COLUMNS_MAX] = { store_text(identity),
                                                               store_text(framing) };

        return store_put(store, &store_table_framing, values, STORE_SOON);
}

int store_forget_framing(struct store *store, const char *identity)
{
        return store_delete(store, &store_table_framing, identity);
}
