/* SPDX-License-Identifier: MIT */
/* Scales that were proved, by meter, as their text. */
#include "store-table.h"

const struct store_table store_table_scale = {
        .name = "scale",
        .columns = { "meter", "scales" },
        .types = { "TEXT PRIMARY KEY", "TEXT NOT NULL" },
};

int store_find_scales(struct store *store, const char *meter,
                      char ret_text[static SCALE_MEMORY_TEXT_MAX])
{
        const struct store_row *row = store_find(store, &store_table_scale, meter);

        if (!row)
                return 0;
        store_row_copy(row, 1, ret_text, SCALE_MEMORY_TEXT_MAX);
        return 1;
}

int store_put_scales(struct store *store, const char *meter, const char *text)
{
        const struct store_value values[STORE_COLUMNS_MAX] = { store_text(meter),
                                                               store_text(text) };
        int r;

        if (*text)
                return store_put(store, &store_table_scale, values, STORE_SOON);
        r = store_delete(store, &store_table_scale, meter);
        return r < 0 ? r : 0;
}
