/* SPDX-License-Identifier: MIT */
/* Converters as rows: the facts learned of each identity. */
#include <stdio.h>
#include <string.h>

#include "store-table.h"

enum {
        IDENTITY,
        LINE,
        PROFILE,
        METER,
        ADOPTED,
        SOCKET,
        REFUSED
};

const struct store_table store_table_converter = {
        .name = "converter",
        .columns = { "identity", "line", "profile", "meter", "adopted", "socket", "refused" },
        .types = { "TEXT PRIMARY KEY", "TEXT", "TEXT", "TEXT", "INTEGER NOT NULL DEFAULT 0", "TEXT",
                   "TEXT" },
};

static void read_row(const struct store_row *row, struct store_converter *ret)
{
        *ret = (struct store_converter){ .adopted =
                                                 strcmp(store_row_text(row, ADOPTED), "1") == 0 };
        ret->has_line = serial_line_parse(store_row_text(row, LINE), &ret->line) == 0;
        store_row_copy(row, IDENTITY, ret->identity, sizeof(ret->identity));
        store_row_copy(row, PROFILE, ret->profile, sizeof(ret->profile));
        store_row_copy(row, METER, ret->meter_id, sizeof(ret->meter_id));
        store_row_copy(row, SOCKET, ret->socket, sizeof(ret->socket));
        store_row_copy(row, REFUSED, ret->refused, sizeof(ret->refused));
}

int store_find_converter(struct store *store, const char *identity, struct store_converter *ret)
{
        const struct store_row *row = store_find(store, &store_table_converter, identity);

        if (!row)
                return 0;
        read_row(row, ret);
        return 1;
}

static int put(struct store *store, const struct store_converter *converter, enum store_when when)
{
        char line[SERIAL_LINE_TEXT_MAX];
        struct store_value values[STORE_COLUMNS_MAX] = {
                [IDENTITY] = store_text(converter->identity),
                [PROFILE] = store_text(converter->profile),
                [METER] = store_text(converter->meter_id),
                [ADOPTED] = store_text(converter->adopted ? "1" : "0"),
                [SOCKET] = store_text(converter->socket),
                [REFUSED] = store_text(converter->refused),
        };

        if (converter->has_line)
                values[LINE] = store_text(serial_line_print(&converter->line, line));
        return store_put(store, &store_table_converter, values, when);
}

int store_put_converter(struct store *store, const struct store_converter *converter)
{
        return put(store, converter, STORE_NOW);
}

int store_learn_converter(struct store *store, const struct store_converter *converter)
{
        return put(store, converter, STORE_SOON);
}

int store_forget_converter(struct store *store, const char *identity)
{
        int r = store_delete(store, &store_table_converter, identity);

        return r < 0 ? r : 0;
}

int store_find_converter_at(struct store *store, size_t index, struct store_converter *ret)
{
        const struct store_row *row = store_at(store, &store_table_converter, index);

        if (!row)
                return 0;
        read_row(row, ret);
        return 1;
}
