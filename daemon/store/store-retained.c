/* SPDX-License-Identifier: MIT */
/* What meters have been, and which topics each output has retained messages at. */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "store-table.h"

const struct store_table store_table_meter = {
        .name = "meter",
        .columns = { "meter", "what" },
        .types = { "TEXT PRIMARY KEY", "TEXT NOT NULL" },
};

/* A meter's id has no line break in it, nor has the name of a section. */
const struct store_table store_table_retained = {
        .name = "told", /* users' files have it under this name */
        .columns = { "output_and_meter", "topics" },
        .types = { "TEXT PRIMARY KEY", "TEXT NOT NULL" },
};

#define RETAINED_OUTPUT_MAX 400 /* a place and a name */
#define RETAINED_KEY_MAX    (RETAINED_OUTPUT_MAX + METER_ID_MAX + 2)

const char *store_meter_at(struct store *store, size_t index, char ret_meter[static METER_ID_MAX])
{
        const struct store_row *row = store_at(store, &store_table_meter, index);

        if (!row)
                return NULL;
        store_row_copy(row, 0, ret_meter, METER_ID_MAX);
        return store_row_text(row, 1);
}

int store_put_meter(struct store *store, const char *meter, const char *what, bool someday)
{
        const struct store_value values[STORE_COLUMNS_MAX] = { store_text(meter),
                                                               store_text(what) };

        return store_put(store, &store_table_meter, values, someday ? STORE_SOMEDAY : STORE_SOON);
}

int store_forget_meter(struct store *store, const char *meter)
{
        return store_delete(store, &store_table_meter, meter);
}

static void retained_key(const char *output, const char *meter, char key[static RETAINED_KEY_MAX])
{
        (void)snprintf(key, RETAINED_KEY_MAX, "%.*s\n%s", RETAINED_OUTPUT_MAX, output, meter);
}

const char *store_retained_at(struct store *store, const char *output, size_t index,
                              char ret_meter[static METER_ID_MAX])
{
        size_t n = MIN(strlen(output), RETAINED_OUTPUT_MAX);
        const struct store_row *row;

        for (size_t i = 0; (row = store_at(store, &store_table_retained, i)); i++) {
                const char *key = store_row_text(row, 0);

                if (strncmp(key, output, n) != 0 || key[n] != '\n' || index-- != 0)
                        continue;
                (void)snprintf(ret_meter, METER_ID_MAX, "%s", key + n + 1);
                return store_row_text(row, 1);
        }
        return NULL;
}

const char *store_retained_output_at(struct store *store, size_t index, char *ret, size_t size)
{
        const struct store_row *row = store_at(store, &store_table_retained, index);

        if (!row)
                return NULL;
        (void)snprintf(ret, size, "%.*s", (int)strcspn(store_row_text(row, 0), "\n"),
                       store_row_text(row, 0));
        return ret;
}

int store_put_retained(struct store *store, const char *output, const char *meter,
                       const char *topics)
{
        char key[RETAINED_KEY_MAX];
        int r;

        retained_key(output, meter, key);
        if (*topics) {
                const struct store_value values[STORE_COLUMNS_MAX] = { store_text(key),
                                                                       store_text(topics) };

                return store_put(store, &store_table_retained, values, STORE_SOON);
        }
        r = store_delete(store, &store_table_retained, key);
        return r < 0 ? r : 0;
}
