/* SPDX-License-Identifier: MIT */
#include "report-collect.h"

#include <ctype.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"
#include "lib/dlms/apdu.h"
#include "lib/dlms/layout-tree.h"
#include "lib/link/llc.h"
#include "lib/text/text-frame.h"
#include "lib/text/text-line.h"
#include "report-sml.h"

#define SERIAL_DIGITS 6 /* so many in a row are no model and no version */
#define HEX_BYTES     8 /* so many that are no text */
#define OBIS_BYTES    6
#define DATE_BYTES    12
#define OCTETS_MIN    6

static size_t longest_digits(struct slice text)
{
        size_t best = 0, n = 0;

        for (size_t i = 0; i < text.len; i++) {
                n = isdigit(text.data[i]) ? n + 1 : 0;
                best = MAX(best, n);
        }
        return best;
}

static bool looks_like_serial(struct slice text)
{
        size_t hex = 0;

        for (size_t i = 0; i < text.len; i++)
                hex += hex_digit(text.data[i]) >= 0;
        return longest_digits(text) >= SERIAL_DIGITS ||
               (hex == text.len && text.len >= (size_t)2 * HEX_BYTES);
}

/* "Kamstrup_V0001", "KFM_001": the name of a list. */
static bool is_list_name(struct slice text)
{
        return text.len > 0 && memchr(text.data, '_', text.len) && longest_digits(text) <= 4;
}

/* Codes of IEC 62056-6-1 and of the national standards that name the meter or its owner. */
static bool is_naming(struct obis obis)
{
        return (obis.c == 96 && (obis.d == 1 || obis.d == 13)) || obis.c == 42 ||
               (obis.c == 0 && obis.d == 0);
}

/* Versions, states, tariffs, logs and times, whatever digits they have. */
static bool is_harmless_code(const struct telegram *t, struct obis obis)
{
        if (obis.c == 96 && obis.d == 1) /* version of e-MUCS; model; order number of Kamstrup */
                return obis.e == 4 || obis.e == 7 ||
                       (obis.e == 1 && obis.a == 1 && strcmp(t->manufacturer, "KAM") == 0);
        if (obis.c == 0)
                return obis.d == 2 || obis.d == 9 || obis.d == 1;
        if (obis.c == 96)
                return obis.d != 13;
        return obis.c == 98 || obis.c == 99 || obis.c == 1 || obis.c == 24;
}

/* Labels of TIC: the meter's address, the delivery point, messages. */
static bool is_naming_label(const char *label)
{
        static const char *const naming[] = { "ADCO", "ADSC", "PRM", "MSG1", "MSG2" };

        for (size_t i = 0; i < ELEMENTSOF(naming); i++)
                if (strcmp(label, naming[i]) == 0)
                        return true;
        return false;
}

static int collect_text(struct report_names *names, const struct telegram *t,
                        const struct text *text)
{
        if (*text->label)
                return is_naming_label(text->label) ? report_names_add(names, text->value) : 0;
        if (is_list_name(text->value) || is_harmless_code(t, text->obis))
                return report_names_add_harmless(names, text->value);
        if (is_naming(text->obis) || looks_like_serial(text->value))
                return report_names_add(names, text->value);
        return report_names_add_harmless(names, text->value);
}

static int collect_tree(struct report_names *names, struct slice data);

int report_collect_telegram(struct report_names *names, const struct telegram *t)
{
        int r = 0;

        if (t->has_system_title)
                r = report_names_add_bytes(
                        names, (struct slice){ t->system_title, sizeof(t->system_title) });
        if (r == 0)
                r = report_names_add(names, slice_of_string(t->meter_id));
        for (size_t i = 0; i < t->n_texts && r == 0; i++)
                r = collect_text(names, t, &t->texts[i]);
        if (r == 0 && t->unknown.len > 0)
                r = collect_tree(names, t->unknown);
        return r;
}

struct tree {
        struct report_names *names;
        int r;
};

static bool is_code_or_date(const struct layout_node *node)
{
        struct slice bytes = node->value.bytes;

        if (node->value.tag != AXDR_OCTET_STRING)
                return false;
        if (bytes.len == OBIS_BYTES)
                return bytes.data[5] == 0xff || bytes.data[0] <= 1;
        return bytes.len == DATE_BYTES &&
               (node->date.valid || (bytes.data[0] == 0x07 && bytes.data[1] >= 0xd0) ||
                (bytes.data[0] == 0xff && bytes.data[1] == 0xff));
}

static void collect_node(void *userdata, const struct layout_node *node)
{
        struct slice bytes = node->value.bytes;
        struct tree *tree = userdata;

        if (tree->r < 0 || !axdr_is_string(node->value.tag) || bytes.len < OCTETS_MIN ||
            is_code_or_date(node) || is_list_name(bytes))
                return;
        tree->r = report_names_add_bytes(tree->names, bytes);
}

static int collect_tree(struct report_names *names, struct slice data)
{
        struct tree tree = { names, 0 };

        layout_tree_walk(data, collect_node, &tree);
        return tree.r;
}

int report_collect_apdu(struct report_names *names, struct slice plain)
{
        struct apdu_notification notification;
        struct reader r;

        plain = slice_from(plain, llc_length(plain));
        if (slice_at(plain, 0) != APDU_DATA_NOTIFICATION)
                return 0;
        r = reader_over(plain);
        apdu_notification_begin(&r, &notification);
        return reader_ok(&r) ? collect_tree(names, r.left) : 0;
}

/* "/XMX5XMXABCE000012345": the identification has a serial number in it with some makers. */
static int collect_ident(struct report_names *names, struct slice frame)
{
        uint8_t ident[128];
        bool parity = slice_at(frame, 0) > 0x7f;
        struct slice s = text_plain(slice_first(frame, sizeof(ident)), parity, ident);
        size_t end = 0, n = 0;
        int r = 0;

        while (end < s.len && s.data[end] != '\r')
                end++;
        for (size_t at = 0; at <= end && r == 0; at++) {
                if (at < end && isdigit(s.data[at])) {
                        n++;
                        continue;
                }
                if (n >= SERIAL_DIGITS)
                        r = report_names_add(names, slice_first(slice_from(s, at - n), n));
                n = 0;
        }
        return r;
}

int report_collect_text(struct report_names *names, const struct link_ops *link, struct slice frame)
{
        if (link == &link_sml)
                return report_sml_collect(frame, names);
        if (slice_at(frame, 0) != 0 && text_frame_starts(frame.data[0]))
                return collect_ident(names, frame);
        return 0;
}
