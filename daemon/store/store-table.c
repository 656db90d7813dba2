/* SPDX-License-Identifier: MIT */
/* The list of tables, and rows as copies that own their values. */
#include "store-table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct store_table *const store_tables[] = {
        &store_table_converter, &store_table_framing, &store_table_keys,     &store_table_meter,
        &store_table_scale,     &store_table_title,   &store_table_retained, NULL,
};

static size_t n_columns(const struct store_table *table)
{
        size_t n = 0;

        while (table->columns[n])
                n++;
        return n;
}

static size_t text_bytes(const struct store_table *table, const struct store_value *values)
{
        size_t bytes = 0;

        for (size_t i = 0; i < n_columns(table); i++)
                bytes += values[i].data ? values[i].len + 1 : 0;
        return bytes;
}

struct store_row *store_row_new(const struct store_table *table, const struct store_value *values)
{
        size_t n = n_columns(table);
        struct store_row *row =
                calloc(1, sizeof(*row) + n * sizeof(row->values[0]) + text_bytes(table, values));
        char *at;

        if (!row)
                return NULL;
        row->table = table;
        at = (char *)(row->values + n);
        for (size_t i = 0; i < n; i++) {
                if (!values[i].data)
                        continue;
                memcpy(at, values[i].data, values[i].len);
                row->values[i] = (struct store_value){ at, values[i].len, values[i].is_blob };
                at += values[i].len + 1;
        }
        return row;
}

struct store_row *store_row_free(struct store_row *row)
{
        if (row)
                explicit_bzero(row->values + n_columns(row->table),
                               text_bytes(row->table, row->values));
        free(row);
        return NULL;
}

void store_row_copy(const struct store_row *row, size_t column, char *ret, size_t size)
{
        (void)snprintf(ret, size, "%s", store_row_text(row, column));
}
