/* SPDX-License-Identifier: MIT */
/*
 * Layout "push": the telegram carries its own push_object_list (IEC 62056-6-2 §4.4.8), an array of
 * {class, logical name, attribute, index}, and the attributes in the same order. One entry is the
 * push setup itself, whose attribute 2 is the array.
 */
#include <errno.h>

#include "layout.h"

#define CLASS_REGISTER          3
#define CLASS_EXTENDED_REGISTER 4
#define CLASS_DEMAND_REGISTER   5
#define CLASS_PUSH_SETUP        40
#define DEFINITION_FIELDS       4
#define DEFINITION_FIELDS_MAX   6 /* with restriction (version 2) and columns (version 3) */
#define DEFINITION_BYTES        18
#define C_PUSH_SETUP            25
#define D_PUSH_SETUP            9
#define LIST_AT_MAX             4 /* so many values may stand before the list */

/*
 * An entry begins with the same 18 bytes always, and there are as many as values: read as a whole,
 * they cost a third of the time that axdr_next() takes for the pieces.
 *
 *      02 04 | 12 class(2) | 09 06 name(6) | 0F attribute | 12 index(2) [| restriction [| columns]]
 */
static void read_definition(struct reader *r, struct layout_object *ret)
{
        struct slice s = reader_take(r, DEFINITION_BYTES);

        if (s.len == 0)
                return;
        if (s.data[0] != AXDR_STRUCTURE || s.data[1] < DEFINITION_FIELDS ||
            s.data[1] > DEFINITION_FIELDS_MAX || s.data[2] != AXDR_LONG_UNSIGNED ||
            s.data[5] != AXDR_OCTET_STRING || s.data[6] != 6 || s.data[13] != AXDR_INTEGER ||
            s.data[15] != AXDR_LONG_UNSIGNED) {
                reader_fail(r, "push list: an entry is not {class, name, attribute, index}");
                return;
        }
        *ret = (struct layout_object){ .class_id = (uint16_t)(s.data[3] << 8 | s.data[4]),
                                       .obis = obis_of_bytes(s.data + 7),
                                       .attribute = s.data[14] };
        for (size_t i = DEFINITION_FIELDS; i < s.data[1]; i++)
                axdr_skip(r);
}

/* scaler_unit is attribute 3 of registers, 4 of demand registers (IEC 62056-6-2 §4.3.2..4). */
static bool is_scaler(const struct layout_object *object)
{
        switch (object->class_id) {
        case CLASS_REGISTER:
        case CLASS_EXTENDED_REGISTER:
                return object->attribute == 3;
        case CLASS_DEMAND_REGISTER:
                return object->attribute == 4;
        default:
                return false;
        }
}

static void deliver_value(struct layout *l, const struct layout_object *object,
                          struct reader *values)
{
        struct axdr_value value;
        uint8_t tag = reader_peek(values);

        if (tag == AXDR_ARRAY || tag == AXDR_STRUCTURE) {
                axdr_skip(values);
                return;
        }
        axdr_next(values, &value);
        if (!reader_ok(values))
                return;
        if (object->class_id == CLASS_PUSH_SETUP && object->attribute == 1 && value.bytes.len == 6)
                return; /* the push setup's own name: known from the list */
        layout_deliver(l, object, &value, NULL);
}

/* The list among the values, and where it stands. */
struct push_list {
        struct reader definitions;
        struct reader values; /* at the first value */
        struct reader after;  /* behind the list */
        size_t count, at;     /* so many values; the list is this one */
        int push_channel;     /* group B of the push object; -1: the list is of no push object */
};

/* The next definition and its value; false when the value is the list itself. */
static bool next_object(struct push_list *p, size_t i, struct layout_object *ret)
{
        read_definition(&p->definitions, ret);
        if (i != p->at)
                return true;
        p->values = p->after;
        return false;
}

/* Scalers first, wherever they stand: they count for values before them too. */
static void collect_scalers(struct layout *l, struct push_list p)
{
        struct layout_object object = { 0 };

        for (size_t i = 0; i < p.count && reader_ok(&p.definitions) && reader_ok(&p.values); i++) {
                if (!next_object(&p, i, &object))
                        continue;
                if (!is_scaler(&object) || reader_peek(&p.values) != AXDR_STRUCTURE ||
                    l->n_scalers == LAYOUT_SCALERS_MAX) {
                        axdr_skip(&p.values);
                        continue;
                }
                l->scalers[l->n_scalers].obis = object.obis;
                if (scaler_decode(&p.values, &l->scalers[l->n_scalers].scaler) == 0)
                        l->n_scalers++;
        }
}

/* Finds the list: the first array with as many entries as there are values. It stands first as a
 * rule, and behind the name of the device in some. *ret_scalers: it names some. */
static int find_push_list(struct reader *r, struct push_list *ret, bool *ret_scalers)
{
        struct layout_object object = { 0 };
        struct axdr_value top, list = { 0 };

        axdr_next(r, &top);
        if (top.tag != AXDR_STRUCTURE)
                return -ENOMSG;
        *ret = (struct push_list){ .values = *r, .count = top.count, .push_channel = -1 };
        for (;; ret->at++) {
                if (ret->at == top.count || ret->at == LIST_AT_MAX)
                        return -ENOMSG;
                if (reader_peek(r) == AXDR_ARRAY)
                        break;
                if (reader_peek(r) == AXDR_STRUCTURE)
                        return -ENOMSG; /* a list of objects that say what they are */
                axdr_skip(r);
                if (!reader_ok(r))
                        return -ENOMSG;
        }
        axdr_next(r, &list);
        /* Each value has a definition, the array just begun too. */
        if (list.count == 0 || list.count != top.count)
                return -ENOMSG;
        ret->definitions = *r;
        for (size_t i = 0; i < list.count && reader_ok(r); i++) {
                read_definition(r, &object);
                *ret_scalers = *ret_scalers || is_scaler(&object);
                if (object.obis.c == C_PUSH_SETUP && object.obis.d == D_PUSH_SETUP && i == ret->at)
                        ret->push_channel = object.obis.b;
        }
        ret->after = *r;
        return reader_ok(r) ? 0 : -ENOMSG;
}

int layout_push_decode(struct reader *r, struct layout *l)
{
        struct layout_object object = { 0 };
        struct push_list p;
        bool scalers = false;
        int result = find_push_list(r, &p, &scalers);

        if (result < 0)
                return result;
        if (p.push_channel >= 0) {
                l->telegram->hints.has_push = true;
                l->telegram->hints.push_channel = (uint8_t)p.push_channel;
        }
        /* Rare: as a rule the values are walked once. */
        if (scalers)
                collect_scalers(l, p);
        for (size_t i = 0; i < p.count && reader_ok(&p.values); i++)
                if (next_object(&p, i, &object))
                        deliver_value(l, &object, &p.values);
        *r = p.values;
        return reader_ok(r) ? 0 : -EBADMSG;
}
