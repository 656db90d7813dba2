/* SPDX-License-Identifier: MIT */
/*
 * Layout "pairs": OBIS, value, and where the meter is kind a {scaler, unit}, flat in one structure
 * (Kamstrup, Lower Austria), each in a structure of its own (Aidon, AM550 Romandy), or with the
 * class in front and the attribute behind the code. What is a code is told by its place: values of
 * six bytes exist (a meter number "131304").
 */
#include <errno.h>
#include <string.h>

#include "layout.h"

#define LOGICAL_NAME_BYTES 6
#define DATETIME_BYTES     12
#define DEPTH_MAX          6

static bool is_list_id(struct slice s)
{
        return s.len >= 5 && s.len < sizeof(((struct telegram_hints *)0)->list_id);
}

/* A string where a code was expected: the list id in front, the clock, or a bare meter number. */
static void deliver_bare(struct layout *l, const struct axdr_value *value, bool first)
{
        struct telegram *t = l->telegram;

        if (value->bytes.len == DATETIME_BYTES && value->tag == AXDR_OCTET_STRING) {
                struct datetime time = datetime_of_cosem(value->bytes);

                if (time.valid) {
                        if (!t->time.valid)
                                t->time = time;
                        return;
                }
        }
        if (first && value->tag == AXDR_VISIBLE_STRING && is_list_id(value->bytes)) {
                memcpy(t->hints.list_id, value->bytes.data, value->bytes.len);
                t->hints.list_id[value->bytes.len] = '\0';
                return;
        }
        if (value->bytes.len > 0)
                l->bare_id = telegram_printable(t, value->bytes);
}

static bool is_scaler_next(const struct reader *r)
{
        static const uint8_t head[] = { AXDR_STRUCTURE, 2, AXDR_INTEGER };

        return r->left.len >= 6 && memcmp(r->left.data, head, sizeof(head)) == 0 &&
               r->left.data[4] == AXDR_ENUM;
}

/* The value after a code, and its scaler if one follows. Returns how many elements were read. */
static size_t read_value(struct reader *r, struct layout *l, const struct layout_object *object,
                         size_t left)
{
        struct axdr_value value;
        struct scaler scaler;
        uint8_t tag = reader_peek(r);

        if (tag == AXDR_ARRAY || tag == AXDR_STRUCTURE) {
                axdr_skip(r);
                return 1;
        }
        axdr_next(r, &value);
        if (!reader_ok(r))
                return 1;
        if (left > 1 && is_scaler_next(r) && scaler_decode(r, &scaler) == 0) {
                layout_deliver(l, object, &value, &scaler);
                return 2;
        }
        layout_deliver(l, object, &value, NULL);
        return 1;
}

/* {class, code, attribute, value [, scaler]}: the number in front was the class. */
static size_t read_attribute(struct reader *r, struct layout *l, uint16_t class_id, size_t left)
{
        struct axdr_value name, attribute;
        struct layout_object object;

        axdr_next(r, &name);
        axdr_next(r, &attribute);
        if (!reader_ok(r) || name.tag != AXDR_OCTET_STRING ||
            name.bytes.len != LOGICAL_NAME_BYTES || attribute.tag != AXDR_INTEGER) {
                reader_fail(r, "object list: a value without its code");
                return 0;
        }
        object = (struct layout_object){ class_id, obis_of_bytes(name.bytes.data),
                                         (uint8_t)attribute.number };
        return 2 + read_value(r, l, &object, left - 2);
}

/* The elements of one array or structure. *ret_pairs counts codes that had a value. */
static void walk(struct reader *r, struct layout *l, size_t count, unsigned int depth,
                 size_t *ret_pairs)
{
        struct axdr_value value;

        if (depth > DEPTH_MAX)
                reader_fail(r, "object list: nested too deeply");
        for (size_t i = 0; i < count && reader_ok(r); i++) {
                axdr_next(r, &value);
                if (!reader_ok(r))
                        return;
                if (value.tag == AXDR_ARRAY || value.tag == AXDR_STRUCTURE) {
                        walk(r, l, value.count, depth + 1, ret_pairs);
                } else if (value.tag == AXDR_OCTET_STRING &&
                           value.bytes.len == LOGICAL_NAME_BYTES && i + 1 < count) {
                        struct layout_object object = { .obis = obis_of_bytes(value.bytes.data) };

                        i += read_value(r, l, &object, count - i - 1);
                        ++*ret_pairs;
                } else if (value.tag == AXDR_LONG_UNSIGNED && i == 0 && count >= 4) {
                        i += read_attribute(r, l, (uint16_t)value.number, count - 1);
                        ++*ret_pairs;
                } else if (axdr_is_string(value.tag)) {
                        deliver_bare(l, &value, i == 0 && depth == 0);
                } else if (value.tag != AXDR_NULL) {
                        reader_fail(r, "object list: a value without its code");
                }
        }
}

int layout_pairs_decode(struct reader *r, struct layout *l)
{
        struct axdr_value top;
        size_t pairs = 0;

        axdr_next(r, &top);
        if (top.tag != AXDR_STRUCTURE && top.tag != AXDR_ARRAY)
                return -ENOMSG;
        walk(r, l, top.count, 0, &pairs);
        return reader_ok(r) && pairs > 0 ? 0 : -ENOMSG;
}
