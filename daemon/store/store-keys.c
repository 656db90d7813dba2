/* SPDX-License-Identifier: MIT */
/* Keys as rows, by meter id or system title. */
#include <stdio.h>
#include <string.h>

#include "store-table.h"

enum {
        METER,
        KEY,
        AUTH_KEY,
        TITLE
};

const struct store_table store_table_keys = {
        .name = "keys",
        .any_case = true,
        .columns = { "meter", "key", "auth_key", "title" },
        .types = { "TEXT PRIMARY KEY COLLATE NOCASE", "BLOB", "BLOB", "BLOB" },
};

static bool copy_blob(const struct store_row *row, size_t column, uint8_t *ret, size_t size)
{
        const struct store_value *value = &row->values[column];

        if (!value->data || value->len != size)
                return false;
        memcpy(ret, value->data, size);
        return true;
}

static void read_row(const struct store_row *row, struct cipher_keys *ret)
{
        *ret = (struct cipher_keys){ 0 };
        ret->has_key = copy_blob(row, KEY, ret->key, sizeof(ret->key));
        ret->has_auth_key = copy_blob(row, AUTH_KEY, ret->auth_key, sizeof(ret->auth_key));
        ret->has_title = copy_blob(row, TITLE, ret->title, sizeof(ret->title));
}

int store_find_keys(struct store *store, const char *meter, struct cipher_keys *ret)
{
        const struct store_row *row = store_find(store, &store_table_keys, meter);

        if (!row)
                return 0;
        read_row(row, ret);
        return 1;
}

int store_find_keys_at(struct store *store, size_t index, char ret_meter[static METER_ID_MAX],
                       struct cipher_keys *ret)
{
        const struct store_row *row = store_at(store, &store_table_keys, index);

        if (!row)
                return 0;
        read_row(row, ret);
        store_row_copy(row, METER, ret_meter, METER_ID_MAX);
        return 1;
}

static struct store_value blob(bool has, const uint8_t *data, size_t size)
{
        return has ? (struct store_value){ data, size, true } : (struct store_value){ 0 };
}

int store_put_keys(struct store *store, const char *meter, const struct cipher_keys *keys)
{
        const struct store_value values[STORE_COLUMNS_MAX] = {
                [METER] = store_text(meter),
                [KEY] = blob(keys->has_key, keys->key, sizeof(keys->key)),
                [AUTH_KEY] = blob(keys->has_auth_key, keys->auth_key, sizeof(keys->auth_key)),
                [TITLE] = blob(keys->has_title, keys->title, sizeof(keys->title)),
        };

        return store_put(store, &store_table_keys, values, STORE_NOW);
}

int store_forget_keys(struct store *store, const char *meter)
{
        return store_delete(store, &store_table_keys, meter);
}
