/* SPDX-License-Identifier: MIT */
#include "layout-tree.h"

#include "base/util.h"

#define NODES_MAX      512 /* more than a telegram has values worth reading */
#define DATETIME_BYTES 12

struct walk {
        struct reader reader;
        struct layout_node node;
        void (*each)(void *userdata, const struct layout_node *node);
        void *userdata;
        size_t left; /* nodes that may still come */
};

static void walk_values(struct walk *w, size_t count, size_t depth)
{
        for (size_t i = 1; i <= count && reader_ok(&w->reader) && w->left > 0; i++) {
                struct layout_node *node = &w->node;
                size_t elements;

                w->left--;
                axdr_next(&w->reader, &node->value);
                if (!reader_ok(&w->reader))
                        return;
                node->place[depth] = i;
                node->depth = depth + 1;
                node->date = (struct datetime){ 0 };
                if (node->value.bytes.len == DATETIME_BYTES &&
                    node->value.tag != AXDR_VISIBLE_STRING)
                        node->date = datetime_of_cosem(node->value.bytes);
                w->each(w->userdata, node);
                elements = node->value.count;
                if (elements == 0)
                        continue;
                if (depth + 1 == LAYOUT_TREE_DEPTH) {
                        reader_fail(&w->reader, "nested too deeply");
                        return;
                }
                walk_values(w, elements, depth + 1);
        }
}

void layout_tree_walk(struct slice data,
                      void (*each)(void *userdata, const struct layout_node *node), void *userdata)
{
        struct walk w = {
                .reader = reader_over(data), .each = each, .userdata = userdata, .left = NODES_MAX
        };
        struct axdr_value top;

        /* Places of a list count in the structure around everything, as a profile's do. */
        axdr_next(&w.reader, &top);
        if (reader_ok(&w.reader))
                walk_values(&w, top.count, 0);
}

const char *layout_type_name(uint8_t tag)
{
        static const struct {
                uint8_t tag;
                const char *name;
        } names[] = {
                { AXDR_NULL, "null" },
                { AXDR_ARRAY, "array" },
                { AXDR_STRUCTURE, "structure" },
                { AXDR_BOOLEAN, "bool" },
                { AXDR_BIT_STRING, "bits" },
                { AXDR_DOUBLE_LONG, "i32" },
                { AXDR_DOUBLE_LONG_UNSIGNED, "u32" },
                { AXDR_OCTET_STRING, "string" },
                { AXDR_VISIBLE_STRING, "string" },
                { AXDR_UTF8_STRING, "string" },
                { AXDR_BCD, "bcd" },
                { AXDR_INTEGER, "i8" },
                { AXDR_LONG, "i16" },
                { AXDR_UNSIGNED, "u8" },
                { AXDR_LONG_UNSIGNED, "u16" },
                { AXDR_COMPACT_ARRAY, "compact-array" },
                { AXDR_LONG64, "i64" },
                { AXDR_LONG64_UNSIGNED, "u64" },
                { AXDR_ENUM, "enum" },
                { AXDR_FLOAT32, "float32" },
                { AXDR_FLOAT64, "float64" },
                { AXDR_DATE_TIME, "date-time" },
                { AXDR_DATE, "date" },
                { AXDR_TIME, "time" },
                { AXDR_DONT_CARE, "dont-care" },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (names[i].tag == tag)
                        return names[i].name;
        return "delta";
}
