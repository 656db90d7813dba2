/* SPDX-License-Identifier: MIT */
/*
 * Layout "untagged" (Sagemcom XT211, AM375 of Czech utilities): structure {enum, array of
 * `02 02` class(2) name(6) attribute(1) value}, where class, name and attribute carry no A-XDR
 * tags.
 */
#include <errno.h>

#include "layout.h"

#define STRUCTURE_OF_TWO 0x0202
/* COSEM class ids end at 124 (IEC 62056-6-2 Annex): the high byte is 0. */
#define CLASS_MAX     0xff
#define ATTRIBUTE_MAX 20

static void read_object(struct reader *r, struct layout_object *ret)
{
        struct slice name;

        if (reader_be16(r) != STRUCTURE_OF_TWO)
                reader_fail(r, "untagged list: an entry is not a structure of two");
        ret->class_id = reader_be16(r);
        name = reader_take(r, 6);
        ret->attribute = reader_u8(r);
        if (!reader_ok(r))
                return;
        if (ret->class_id == 0 || ret->class_id > CLASS_MAX || ret->attribute == 0 ||
            ret->attribute > ATTRIBUTE_MAX)
                reader_fail(r, "untagged list: no class or attribute of COSEM");
        else
                ret->obis = obis_of_bytes(name.data);
}

/* Walks the list; delivers when `l` is given. */
static void walk(struct reader *r, struct layout *l)
{
        struct axdr_value top, kind, list, value;
        struct layout_object object = { 0 };

        axdr_next(r, &top);
        axdr_next(r, &kind);
        axdr_next(r, &list);
        if (top.tag != AXDR_STRUCTURE || top.count != 2 || kind.tag != AXDR_ENUM ||
            list.tag != AXDR_ARRAY || list.count == 0)
                reader_fail(r, "untagged list: not {enum, array}");
        for (size_t i = 0; i < list.count && reader_ok(r); i++) {
                read_object(r, &object);
                if (reader_peek(r) == AXDR_ARRAY || reader_peek(r) == AXDR_STRUCTURE) {
                        axdr_skip(r);
                        continue;
                }
                axdr_next(r, &value);
                if (l && reader_ok(r))
                        layout_deliver(l, &object, &value, NULL);
        }
}

int layout_untagged_decode(struct reader *r, struct layout *l)
{
        struct reader check = *r;

        if (layout_untagged_skip(&check) < 0)
                return -ENOMSG;
        walk(r, l);
        return 0;
}

int layout_untagged_skip(struct reader *r)
{
        walk(r, NULL);
        return reader_ok(r) ? 0 : -EBADMSG;
}
