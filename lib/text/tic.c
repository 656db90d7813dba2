/* SPDX-License-Identifier: MIT */
/*
 * TIC, the customer output of French meters (Enedis-NOI-CPT_54E v3: §5.2 frames, §6.1 historique,
 * §6.2 standard):
 *
 *      historique   STX { LF label SP value SP check CR } … ETX                  1200 7E1
 *      standard     STX { LF label HT [time HT] value HT check CR } … ETX        9600 7E1
 *
 * A frame is taken whole or not at all: one group that fails its check gives it up, since six bits
 * of check per group are little.
 */
#include <string.h>

#include "base/util.h"
#include "lib/link/link.h"
#include "lib/value/telegram.h"
#include "text-line.h"

#define STX 0x02
#define ETX 0x03
#define EOT 0x04

#define LABEL_MAX 9 /* as text.label holds; SMAXSN1-1 is the longest */
/* PJOURF+1 has 98 characters; with label, time and separators */
#define GROUP_MAX 160

/*
 * Labels that are quantities; others stay texts. EASFnn is the energy under index nn of the
 * supplier's tariff, and the register of that number; EASDnn counts the same energy a second time,
 * by the indexes of the distributor.
 */
static const struct tic_label {
        char label[LABEL_MAX + 1]; /* filled with zeros: compared at once, as there are many */
        struct obis obis;
        enum unit unit;
} labels[] = {
        /* historique */
        { "BASE", OBIS_OF(1, 0, 1, 8, 0, 255), UNIT_WH },
        { "HCHC", OBIS_OF(1, 0, 1, 8, 1, 255), UNIT_WH },
        { "HCHP", OBIS_OF(1, 0, 1, 8, 2, 255), UNIT_WH },
        { "EJPHN", OBIS_OF(1, 0, 1, 8, 1, 255), UNIT_WH },
        { "EJPHPM", OBIS_OF(1, 0, 1, 8, 2, 255), UNIT_WH },
        { "BBRHCJB", OBIS_OF(1, 0, 1, 8, 1, 255), UNIT_WH },
        { "BBRHPJB", OBIS_OF(1, 0, 1, 8, 2, 255), UNIT_WH },
        { "BBRHCJW", OBIS_OF(1, 0, 1, 8, 3, 255), UNIT_WH },
        { "BBRHPJW", OBIS_OF(1, 0, 1, 8, 4, 255), UNIT_WH },
        { "BBRHCJR", OBIS_OF(1, 0, 1, 8, 5, 255), UNIT_WH },
        { "BBRHPJR", OBIS_OF(1, 0, 1, 8, 6, 255), UNIT_WH },
        { "IINST", OBIS_OF(1, 0, 31, 7, 0, 255), UNIT_A },
        { "IINST1", OBIS_OF(1, 0, 31, 7, 0, 255), UNIT_A },
        { "IINST2", OBIS_OF(1, 0, 51, 7, 0, 255), UNIT_A },
        { "IINST3", OBIS_OF(1, 0, 71, 7, 0, 255), UNIT_A },
        { "PAPP", OBIS_OF(1, 0, 9, 7, 0, 255), UNIT_VA },
        /* standard */
        { "EAST", OBIS_OF(1, 0, 1, 8, 0, 255), UNIT_WH },
        { "EASF01", OBIS_OF(1, 0, 1, 8, 1, 255), UNIT_WH },
        { "EASF02", OBIS_OF(1, 0, 1, 8, 2, 255), UNIT_WH },
        { "EASF03", OBIS_OF(1, 0, 1, 8, 3, 255), UNIT_WH },
        { "EASF04", OBIS_OF(1, 0, 1, 8, 4, 255), UNIT_WH },
        { "EASF05", OBIS_OF(1, 0, 1, 8, 5, 255), UNIT_WH },
        { "EASF06", OBIS_OF(1, 0, 1, 8, 6, 255), UNIT_WH },
        { "EASF07", OBIS_OF(1, 0, 1, 8, 7, 255), UNIT_WH },
        { "EASF08", OBIS_OF(1, 0, 1, 8, 8, 255), UNIT_WH },
        { "EASF09", OBIS_OF(1, 0, 1, 8, 9, 255), UNIT_WH },
        { "EASF10", OBIS_OF(1, 0, 1, 8, 10, 255), UNIT_WH },
        { "EAIT", OBIS_OF(1, 0, 2, 8, 0, 255), UNIT_WH },
        { "ERQ1", OBIS_OF(1, 0, 5, 8, 0, 255), UNIT_VARH },
        { "ERQ2", OBIS_OF(1, 0, 6, 8, 0, 255), UNIT_VARH },
        { "ERQ3", OBIS_OF(1, 0, 7, 8, 0, 255), UNIT_VARH },
        { "ERQ4", OBIS_OF(1, 0, 8, 8, 0, 255), UNIT_VARH },
        { "IRMS1", OBIS_OF(1, 0, 31, 7, 0, 255), UNIT_A },
        { "IRMS2", OBIS_OF(1, 0, 51, 7, 0, 255), UNIT_A },
        { "IRMS3", OBIS_OF(1, 0, 71, 7, 0, 255), UNIT_A },
        { "URMS1", OBIS_OF(1, 0, 32, 7, 0, 255), UNIT_V },
        { "URMS2", OBIS_OF(1, 0, 52, 7, 0, 255), UNIT_V },
        { "URMS3", OBIS_OF(1, 0, 72, 7, 0, 255), UNIT_V },
        { "SINSTS", OBIS_OF(1, 0, 9, 7, 0, 255), UNIT_VA },
        { "SINSTS1", OBIS_OF(1, 0, 29, 7, 0, 255), UNIT_VA },
        { "SINSTS2", OBIS_OF(1, 0, 49, 7, 0, 255), UNIT_VA },
        { "SINSTS3", OBIS_OF(1, 0, 69, 7, 0, 255), UNIT_VA },
        { "SINSTI", OBIS_OF(1, 0, 10, 7, 0, 255), UNIT_VA },
};

struct group {
        struct slice label, time, value;
        const struct tic_label *known; /* NULL: a text; else `number` is its value */
        struct decimal number;
};

static const struct tic_label *find_label(struct slice label)
{
        char padded[LABEL_MAX + 1] = "";

        memcpy(padded, label.data, MIN(label.len, (size_t)LABEL_MAX));
        for (size_t i = 0; i < ELEMENTSOF(labels); i++)
                if (memcmp(labels[i].label, padded, sizeof(padded)) == 0)
                        return &labels[i];
        return NULL;
}

/* Index of the first such byte, or the length. */
static size_t find_byte(struct slice s, uint8_t byte)
{
        size_t at = 0;

        while (at < s.len && s.data[at] != byte)
                at++;
        return at;
}

static bool is_label(struct slice label)
{
        if (label.len == 0 || label.len > LABEL_MAX)
                return false;
        for (size_t i = 0; i < label.len; i++) {
                uint8_t c = label.data[i];

                if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '+' && c != '-')
                        return false;
        }
        return true;
}

/* A whole number and nothing else: a flip of bit 6 escapes the check and makes it a letter. */
static bool parse_number(struct slice text, struct decimal *ret)
{
        return decimal_parse(text, ret) == (int)text.len;
}

/* The group between LF and CR, masked. Verifies the check; false when it is no good group. */
static bool parse_group(struct slice text, struct group *ret)
{
        struct group group = { 0 };
        size_t at;
        uint8_t separator, sum = 0;

        if (text.len < 4)
                return false;
        separator = text.data[text.len - 2];
        if (separator != ' ' && separator != '\t')
                return false;
        /* historique leaves the last separator out of the sum, standard takes it in (§5.3.6) */
        for (size_t i = 0; i < text.len - (separator == '\t' ? 1 : 2); i++)
                sum = (uint8_t)(sum + text.data[i]);
        if (text.data[text.len - 1] != (sum & 0x3f) + 0x20)
                return false;

        text.len -= 2;
        at = find_byte(text, separator);
        group.label = slice_first(text, at);
        group.value = slice_from(text, at + 1);
        if (separator == '\t') {
                at = find_byte(group.value, '\t');
                if (at < group.value.len) {
                        group.time = slice_first(group.value, at);
                        group.value = slice_from(group.value, at + 1);
                }
        }
        if (!is_label(group.label) || find_byte(group.value, '\t') < group.value.len ||
            find_byte(group.time, '\t') < group.time.len)
                return false;
        group.known = find_label(group.label);
        if (group.known && !parse_number(group.value, &group.number))
                return false;
        *ret = group;
        return true;
}

static bool starts(uint8_t byte)
{
        return (byte & 0x7f) == STX;
}

/* The group that begins with its LF at *at. When it is whole, *at is moved behind its CR. */
static enum link_result next_group(struct slice s, size_t *at, bool parity,
                                   uint8_t buf[static GROUP_MAX], struct group *ret,
                                   const char **ret_fault)
{
        struct slice text = slice_from(s, *at + 1);
        uint8_t end = text_on_wire('\r', parity);
        size_t n = 0;

        if (s.data[*at] != text_on_wire('\n', parity)) {
                *ret_fault = s.data[*at] == text_on_wire(EOT, parity)
                                     ? "TIC: interrupted by the meter"
                                     : "TIC: no line feed before a group";
                return LINK_DAMAGED;
        }
        while (n < text.len && text.data[n] != end) {
                if (n == GROUP_MAX || !text_is_char(text.data[n], parity)) {
                        *ret_fault = "TIC: a group that does not end";
                        return LINK_DAMAGED;
                }
                n++;
        }
        if (n == text.len)
                return LINK_MORE;
        if (!parse_group(text_plain(slice_first(text, n), parity, buf), ret)) {
                *ret_fault = "TIC: check sum of a group does not match";
                return LINK_DAMAGED;
        }
        *at += n + 2;
        return LINK_WHOLE;
}

static enum link_result probe(struct slice s, struct slice before, struct link_found *ret)
{
        bool parity = slice_at(s, 0) > 0x7f;
        enum link_result result = LINK_WHOLE;
        uint8_t buf[GROUP_MAX];
        struct group group;
        size_t at = 1;

        (void)before; /* every group proves itself */
        s = slice_first(s, LINK_FRAME_MAX);
        while (at < s.len && result == LINK_WHOLE) {
                ret->len = at;
                if (at > 1 && s.data[at] == text_on_wire(ETX, parity)) {
                        ret->len++;
                        return LINK_WHOLE;
                }
                result = next_group(s, &at, parity, buf, &group, &ret->fault);
        }
        /* STX is frequent in binary: news only once a group was good. */
        if (result == LINK_DAMAGED)
                return at > 1 ? LINK_DAMAGED : LINK_NONE;
        return s.len == LINK_FRAME_MAX ? LINK_NONE : LINK_MORE;
}

/* "E200426181830": season, then YYMMDDhhmmss. Lower case: the clock is on its reserve (§6.2.1). */
static struct datetime parse_time(struct slice text)
{
        uint8_t buf[13];
        uint8_t season = slice_at(text, 0);

        if (text.len != sizeof(buf))
                return (struct datetime){ 0 };
        memcpy(buf, text.data + 1, sizeof(buf) - 1);
        if (season == ' ')
                return text_parse_clock((struct slice){ buf, 12 }, 0);
        season |= 0x20;
        if (season != 'e' && season != 'h')
                return (struct datetime){ 0 };
        buf[12] = season == 'e' ? 'S' : 'W';
        return text_parse_clock((struct slice){ buf, sizeof(buf) }, 60);
}

/* How good a meter id a label is: ADCO and ADSC are the meter's address, PRM the delivery point. */
static int identity_rank(const struct group *group)
{
        static const char *const ids[] = { "PRM", "ADSC", "ADCO" };
        struct decimal ignored;

        for (size_t i = 0; i < ELEMENTSOF(ids); i++) {
                if (!slice_equal(group->label, slice_of_string(ids[i])))
                        continue;
                /* all of them are digits (§6.1.3, §6.2.3) */
                if (group->value.len < TELEGRAM_ID_MAX && parse_number(group->value, &ignored))
                        return (int)i + 1;
        }
        return 0;
}

/* The register in use as a number: PTEC and NTARF in the place where every meter has it. */
static void add_tariff(struct telegram *t, struct slice label, struct slice value)
{
        static const struct obis tariff = OBIS_OF(0, 0, 96, 14, 0, 255);
        static const struct {
                const char *period, *number;
        } periods[] = {
                { "TH..", "1" }, { "HC..", "1" }, { "HP..", "2" }, { "HN..", "1" },
                { "PM..", "2" }, { "HCJB", "1" }, { "HPJB", "2" }, { "HCJW", "3" },
                { "HPJW", "4" }, { "HCJR", "5" }, { "HPJR", "6" },
        };

        if (slice_equal(label, slice_of_string("NTARF")))
                telegram_add_text(t, tariff, value);
        if (!slice_equal(label, slice_of_string("PTEC")))
                return;
        for (size_t i = 0; i < ELEMENTSOF(periods); i++)
                if (slice_equal(value, slice_of_string(periods[i].period)))
                        telegram_add_text(t, tariff, slice_of_string(periods[i].number));
}

static void add_group(struct telegram *t, const struct group *group, bool copy)
{
        struct slice value = group->value;
        char label[LABEL_MAX + 1];

        if (group->known) {
                telegram_add_reading(t, group->known->obis, group->number, group->known->unit,
                                     SCALE_WIRE);
                return;
        }
        if (slice_equal(group->label, slice_of_string("DATE"))) {
                t->time = parse_time(group->time);
                value = group->time;
        }
        if (copy && value.len > 0) {
                uint8_t *room = telegram_alloc(t, value.len);

                if (!room) {
                        t->n_dropped++;
                        return;
                }
                memcpy(room, value.data, value.len);
                value.data = room;
        }
        memcpy(label, group->label.data, group->label.len);
        label[group->label.len] = '\0';
        telegram_add_labelled(t, label, value);
        add_tariff(t, group->label, value);
}

static int read_frame(struct slice frame, struct telegram *t)
{
        uint8_t buf[GROUP_MAX];
        bool parity = slice_at(frame, 0) > 0x7f;
        int rank = 0;

        for (size_t at = 1; at + 1 < frame.len;) {
                struct group group;
                const char *fault;

                if (next_group(frame, &at, parity, buf, &group, &fault) != LINK_WHOLE)
                        break;
                if (identity_rank(&group) > rank) {
                        rank = identity_rank(&group);
                        memcpy(t->meter_id, group.value.data, group.value.len);
                        t->meter_id[group.value.len] = '\0';
                }
                add_group(t, &group, parity);
        }
        /* Flips of bit 6 pass its check, and one other damage in 64. */
        t->hints.weak = true;
        return 0;
}

const struct link_ops link_tic = {
        .name = "tic",
        .starts = starts,
        .probe = probe,
        .read = read_frame,
};
