/* SPDX-License-Identifier: MIT */
/*
 * Layout "push": the telegram carries its own push_object_list (IEC 62056-6-2 §4.4.8), an array of
 * {class, logical name, attribute, index}, and the attributes in the same order. The first entry is
 * the push setup itself, whose attribute 2 is the array.
 */
#include <errno.h>

#include "layout.h"

#define CLASS_PUSH_SETUP  40
#define DEFINITION_FIELDS 4
#define ATTRIBUTE_SCALER  3
#define C_PUSH_SETUP      25
#define D_PUSH_SETUP      9

static void read_definition(struct reader *r, struct layout_object *ret)
{
        struct axdr_value structure, class_id, name, attribute, index;

        axdr_next(r, &structure);
        axdr_next(r, &class_id);
        axdr_next(r, &name);
        axdr_next(r, &attribute);
        axdr_next(r, &index);
        if (structure.tag != AXDR_STRUCTURE || structure.count != DEFINITION_FIELDS ||
            class_id.tag != AXDR_LONG_UNSIGNED || name.tag != AXDR_OCTET_STRING ||
            name.bytes.len != 6 || attribute.tag != AXDR_INTEGER)
                reader_fail(r, "push list: an entry is not {class, name, attribute, index}");
        if (!reader_ok(r))
                return;
        *ret = (struct layout_object){ .class_id = (uint16_t)class_id.number,
                                       .obis = obis_of_bytes(name.bytes.data),
                                       .attribute = (uint8_t)attribute.number };
}

static bool is_scaler(const struct layout_object *object, const struct reader *values)
{
        return (object->class_id == 3 || object->class_id == 4) &&
               object->attribute == ATTRIBUTE_SCALER && reader_peek(values) == AXDR_STRUCTURE;
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

/* Scalers first, wherever they stand: they count for values before them too. */
static void collect_scalers(struct layout *l, struct reader definitions, struct reader values,
                            size_t n)
{
        struct layout_object object = { 0 };

        for (size_t i = 0; i < n && reader_ok(&definitions) && reader_ok(&values); i++) {
                read_definition(&definitions, &object);
                if (!is_scaler(&object, &values) || l->n_scalers == LAYOUT_SCALERS_MAX) {
                        axdr_skip(&values);
                        continue;
                }
                l->scalers[l->n_scalers].obis = object.obis;
                if (scaler_decode(&values, &l->scalers[l->n_scalers].scaler) == 0)
                        l->n_scalers++;
        }
}

/* True when one of the definitions asks for a scaler: rare, so the values are walked once as a
 * rule. */
static bool asks_for_scalers(struct reader definitions, size_t n)
{
        struct layout_object object = { 0 };

        for (size_t i = 0; i < n && reader_ok(&definitions); i++) {
                read_definition(&definitions, &object);
                if (object.attribute == ATTRIBUTE_SCALER)
                        return true;
        }
        return false;
}

int layout_push_decode(struct reader *r, struct layout *l)
{
        struct axdr_value top, list;
        struct layout_object object = { 0 };
        struct reader definitions, values;

        axdr_next(r, &top);
        if (top.tag != AXDR_STRUCTURE || reader_peek(r) != AXDR_ARRAY)
                return -ENOMSG;
        axdr_next(r, &list);
        /* Each value has a definition; the first is the array just begun. */
        if (list.count == 0 || list.count != top.count)
                return -ENOMSG;
        definitions = *r;
        for (size_t i = 0; i < list.count; i++)
                read_definition(r, &object);
        if (!reader_ok(r))
                return -ENOMSG;
        values = *r;

        read_definition(&definitions, &object);
        if (object.obis.c == C_PUSH_SETUP && object.obis.d == D_PUSH_SETUP) {
                l->telegram->hints.has_push = true;
                l->telegram->hints.push_channel = object.obis.b;
        }
        if (asks_for_scalers(definitions, list.count - 1))
                collect_scalers(l, definitions, values, list.count - 1);
        for (size_t i = 1; i < list.count && reader_ok(&values); i++) {
                read_definition(&definitions, &object);
                deliver_value(l, &object, &values);
        }
        *r = values;
        return reader_ok(r) ? 0 : -EBADMSG;
}
