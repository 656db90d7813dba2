/* SPDX-License-Identifier: MIT */
#include "decode-tree.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "ctl/view/json.h"
#include "lib/dlms/layout-tree.h"

#define PLACE_MAX 64
#define HEX_MAX   (2 * 64 + 1)

/* "3" or "4.1". */
static const char *print_place(const struct layout_node *node, char buf[static PLACE_MAX])
{
        size_t n = 0;

        for (size_t i = 0; i < node->depth && n < PLACE_MAX - 8; i++)
                n += (size_t)snprintf(buf + n, PLACE_MAX - n, "%s%zu", i ? "." : "",
                                      node->place[i]);
        return buf;
}

static bool is_integer(const struct axdr_value *value)
{
        return axdr_is_number(value->tag) || value->tag == AXDR_BOOLEAN ||
               value->tag == AXDR_ENUM || value->tag == AXDR_BCD;
}

static bool is_printable(struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++)
                if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
                        return false;
        return bytes.len > 0;
}

/* Elements of a structure, bytes of anything else. */
static size_t length_of(const struct axdr_value *value)
{
        switch (value->tag) {
        case AXDR_BOOLEAN:
        case AXDR_ENUM:
        case AXDR_BCD:
        case AXDR_INTEGER:
        case AXDR_UNSIGNED:
                return 1;
        case AXDR_LONG:
        case AXDR_LONG_UNSIGNED:
                return 2;
        case AXDR_DOUBLE_LONG:
        case AXDR_DOUBLE_LONG_UNSIGNED:
                return 4;
        case AXDR_LONG64:
        case AXDR_LONG64_UNSIGNED:
                return 8;
        default:
                break;
        }
        return value->count > 0 ? value->count : value->bytes.len;
}

static void add_node(void *userdata, const struct layout_node *node)
{
        const struct axdr_value *value = &node->value;
        struct json_object *array = userdata, *object = json_new_object();
        char place[PLACE_MAX], hex[HEX_MAX], date[DATETIME_TEXT_MAX];

        json_set_text(object, "place", print_place(node, place));
        json_set_text(object, "type", layout_type_name(value->tag));
        json_set_number(object, "length", (int64_t)length_of(value));
        if (is_integer(value) && !value->absent)
                json_set_number(object, "number", value->number);
        if (is_printable(value->bytes))
                json_set(object, "text",
                         json_made(json_object_new_string_len((const char *)value->bytes.data,
                                                              (int)value->bytes.len)));
        else if (value->bytes.len > 0)
                json_set_text(object, "hex",
                              hex_print(value->bytes.data, value->bytes.len, hex, sizeof(hex)));
        if (datetime_print(&node->date, date) > 0)
                json_set_text(object, "date", date);
        json_push(array, object);
}

struct json_object *decode_tree_to_json(struct slice data)
{
        struct json_object *array = json_new_array();

        layout_tree_walk(data, add_node, array);
        return array;
}

static void print_node(void *userdata, const struct layout_node *node)
{
        const struct axdr_value *value = &node->value;
        char place[PLACE_MAX], hex[HEX_MAX], date[DATETIME_TEXT_MAX];

        printf("  %-8s %-10s %4zu  ", print_place(node, place), layout_type_name(value->tag),
               length_of(value));
        if (is_integer(value) && !value->absent)
                printf("%" PRId64, value->number);
        else if (is_printable(value->bytes))
                printf("\"%.*s\"", (int)value->bytes.len, (const char *)value->bytes.data);
        else if (value->bytes.len > 0)
                printf("%s", hex_print(value->bytes.data, value->bytes.len, hex, sizeof(hex)));
        if (datetime_print(&node->date, date) > 0)
                printf("  %s", date);
        printf("\n");
}

void decode_tree_print(struct slice data)
{
        layout_tree_walk(data, print_node, NULL);
}
