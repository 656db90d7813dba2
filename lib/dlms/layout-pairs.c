/* SPDX-License-Identifier: MIT */
/*
 * Layout "pairs": OBIS, value, and where the meter is kind a {scaler, unit}, flat in one structure
 * (Kamstrup, Lower Austria), each in a structure of its own (Aidon, AM550 Romandy), or with the
 * class in front and the attribute behind the code. A code is recognised by its place: values of
 * six bytes exist (a meter number "131304").
 */
#include <errno.h>
#include <string.h>

#include "layout.h"

#define LOGICAL_NAME_BYTES 6
#define DATETIME_BYTES     12
#define DEPTH_MAX          6

#define CLASS_PUSH_SETUP    40
#define ATTRIBUTE_PUSH_LIST 2

struct pairs {
        struct layout *layout;
        struct obis last;    /* the code of the last pair */
        size_t n_pairs;      /* codes that had a value */
        size_t n_attributes; /* of them, with class and attribute */
        size_t n_zeros;      /* of those, whose value may be an index */
        bool is_definition;
};

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
                        if (!datetime_is_believed(&t->time))
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

/*
 * Entries {class, code, attribute, index} of a push list whose values are missing look like values:
 * an index is 0, and one of the push object's own list can be nothing but an index.
 */
static void note_definition(struct pairs *p, const struct layout_object *object,
                            const struct reader *value)
{
        struct reader r = *value;

        p->n_attributes++;
        if (reader_u8(&r) != AXDR_LONG_UNSIGNED || reader_be16(&r) != 0)
                return;
        p->n_zeros++;
        p->is_definition = p->is_definition || (object->class_id == CLASS_PUSH_SETUP &&
                                                object->attribute == ATTRIBUTE_PUSH_LIST);
}

/* {class, code, attribute, value [, scaler]}: the number in front was the class. */
static size_t read_attribute(struct reader *r, struct pairs *p, uint16_t class_id, size_t left)
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
        p->n_pairs++;
        p->last = layout_code_of(&object);
        note_definition(p, &object, r);
        return 2 + read_value(r, p->layout, &object, left - 2);
}

/* A firmware of the E350 writes 06 09 where 09 06 announces a code: the code is there all the same,
 * and ends in 255. */
static bool swap_tag(struct reader *r)
{
        if (slice_at(r->left, 0) != AXDR_DOUBLE_LONG_UNSIGNED ||
            slice_at(r->left, 1) != AXDR_OCTET_STRING ||
            slice_at(r->left, 1 + LOGICAL_NAME_BYTES) != 0xff)
                return false;
        return r->left.len > 2 + LOGICAL_NAME_BYTES;
}

static void read_code(struct reader *r, struct axdr_value *ret, bool swapped)
{
        if (!swapped) {
                axdr_next(r, ret);
                return;
        }
        (void)reader_take(r, 2);
        *ret = (struct axdr_value){ .tag = AXDR_OCTET_STRING,
                                    .bytes = reader_take(r, LOGICAL_NAME_BYTES) };
}

/* The time at which the value before it in its own structure was captured. */
static bool deliver_captured(struct pairs *p, const struct axdr_value *value)
{
        struct telegram *t = p->layout->telegram;
        struct datetime time;

        if (value->bytes.len != DATETIME_BYTES || value->tag != AXDR_OCTET_STRING)
                return false;
        time = datetime_of_cosem(value->bytes);
        for (size_t i = 0; i < t->n_readings; i++)
                if (obis_equal(t->readings[i].obis, p->last))
                        t->readings[i].captured = time;
        return true;
}

/* The elements of one array or structure. */
static void walk(struct reader *r, struct pairs *p, size_t count, unsigned int depth)
{
        struct axdr_value value;
        bool has_value = false;

        if (depth > DEPTH_MAX)
                reader_fail(r, "object list: nested too deeply");
        for (size_t i = 0; i < count && reader_ok(r); i++) {
                read_code(r, &value, i == 0 && depth > 0 && count <= 4 && swap_tag(r));
                if (!reader_ok(r))
                        return;
                if (value.tag == AXDR_ARRAY || value.tag == AXDR_STRUCTURE) {
                        walk(r, p, value.count, depth + 1);
                } else if (value.tag == AXDR_OCTET_STRING &&
                           value.bytes.len == LOGICAL_NAME_BYTES && i + 1 < count) {
                        struct layout_object object = { .obis = obis_of_bytes(value.bytes.data) };

                        i += read_value(r, p->layout, &object, count - i - 1);
                        p->n_pairs++;
                        p->last = object.obis;
                        has_value = true;
                } else if (value.tag == AXDR_LONG_UNSIGNED && i == 0 && count >= 4) {
                        i += read_attribute(r, p, (uint16_t)value.number, count - 1);
                        has_value = true;
                } else if (has_value && depth > 0 && deliver_captured(p, &value)) {
                        continue;
                } else if (axdr_is_string(value.tag)) {
                        deliver_bare(p->layout, &value, i == 0 && depth == 0);
                } else if (value.absent) {
                        layout_pass_over(p->layout);
                } else if (value.tag != AXDR_NULL) {
                        reader_fail(r, "object list: a value without its code");
                }
        }
}

int layout_pairs_decode(struct reader *r, struct layout *l)
{
        struct pairs p = { .layout = l };
        struct axdr_value top;

        axdr_next(r, &top);
        if (top.tag != AXDR_STRUCTURE && top.tag != AXDR_ARRAY)
                return -ENOMSG;
        walk(r, &p, top.count, 0);
        if (!reader_ok(r) || p.n_pairs == 0 || p.is_definition ||
            (p.n_attributes == p.n_pairs && p.n_zeros == p.n_pairs))
                return -ENOMSG;
        return 0;
}
