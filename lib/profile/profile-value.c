/* SPDX-License-Identifier: MIT */
/*
 * The keys of [profile], [match] and [scale], and what their values look like.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "profile-entry.h"

#define WHY(...) (void)snprintf(why, PROFILE_MESSAGE_MAX, __VA_ARGS__)

#define PARSER(name)                                                                     \
        static int name(struct profile_entry *entry, const char *key, const char *value, \
                        void *field, char why[static PROFILE_MESSAGE_MAX])

PARSER(parse_text)
{
        if (!*value) {
                WHY("is empty");
                return -EINVAL;
        }
        *(const char **)field = profile_keep(entry, value);
        return 0;
}

/* It is part of topics and object paths. */
PARSER(parse_name)
{
        size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-");

        if (n == 0 || value[n] || n > 31) {
                WHY("1 to 31 of a-z, 0-9 and '-', as in acme-mx300");
                return -EINVAL;
        }
        return parse_text(entry, key, value, field, why);
}

static bool is_flag_id(const char *text, size_t n)
{
        return n == 3 && isupper((unsigned char)text[0]) && isupper((unsigned char)text[1]) &&
               isupper((unsigned char)text[2]);
}

PARSER(parse_maker)
{
        if (!is_flag_id(value, strlen(value))) {
                WHY("three capital letters, the FLAG id: LGZ");
                return -EINVAL;
        }
        return parse_text(entry, key, value, field, why);
}

static int parse_word(const char *value, const char *const *words, size_t *ret,
                      char why[static PROFILE_MESSAGE_MAX])
{
        size_t i = 0, used = 0;

        while (words[i] && strcmp(words[i], value) != 0)
                i++;
        *ret = i;
        if (words[i])
                return 0;
        WHY("one of");
        for (i = 0; words[i]; i++) {
                used = strlen(why);
                (void)snprintf(why + used, PROFILE_MESSAGE_MAX - used, "%s %s", i ? "," : "",
                               words[i]);
        }
        return -EINVAL;
}

PARSER(parse_medium)
{
        static const char *const words[] = { "electricity", "gas", "water", "heat", NULL };
        size_t i;
        int r = parse_word(value, words, &i, why);

        if (r == 0)
                *(const char **)field = words[i];
        return r;
}

PARSER(parse_clock)
{
        static const char *const words[] = { "wire", "local", "standard", "utc", NULL };
        size_t i;
        int r = parse_word(value, words, &i, why);

        if (r == 0)
                *(enum profile_clock *)field = (enum profile_clock)i;
        return r;
}

PARSER(parse_line)
{
        if (serial_line_parse(value, field) == 0)
                return 0;
        WHY("speed, data bits, parity and stop bits: 2400 8E1");
        return -EINVAL;
}

PARSER(parse_interval)
{
        static const struct {
                const char *name;
                unsigned int seconds;
        } units[] = { { "s", 1 }, { "min", 60 }, { "h", 3600 } };
        char *end;
        unsigned long n = strtoul(value, &end, 10);

        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                if (isdigit((unsigned char)*value) && strcmp(end, units[i].name) == 0 && n > 0 &&
                    n <= UINT16_MAX / units[i].seconds) {
                        *(uint16_t *)field = (uint16_t)(n * units[i].seconds);
                        return 0;
                }
        WHY("a time between telegrams: 5s, 15min, 1h");
        return -EINVAL;
}

PARSER(parse_ask)
{
        if (strcmp(value, "no") == 0) {
                *(const char **)field = NULL;
                return 0;
        }
        if (strcmp(value, "readout") != 0 && strcmp(value, "acknowledge") != 0 && value[0] != 'F') {
                WHY("no, readout, acknowledge, or codes as F001 F009");
                return -EINVAL;
        }
        return parse_text(entry, key, value, field, why);
}

/* One end of a range: a number and perhaps its unit. Returns what is left of the text, or NULL. */
static const char *read_end(const char *text, enum unit unit, struct decimal *ret)
{
        size_t digits = strspn(text, "+-"), n;
        enum unit got;
        int8_t exponent = 0;

        digits += strspn(text + digits, "0123456789");
        if (text[digits] == '.' && isdigit((unsigned char)text[digits + 1]))
                digits += 1 + strspn(text + digits + 1, "0123456789");
        if (decimal_parse((struct slice){ (const uint8_t *)text, digits }, ret) != (int)digits)
                return NULL;
        text += digits;
        n = strcspn(text, ". ");
        if (n > 0 && (!unit_parse(text, n, &got, &exponent) || got != unit))
                return NULL;
        if (decimal_shift(*ret, exponent, ret) < 0)
                return NULL;
        return text + n;
}

int profile_range_read(const char *text, enum unit unit, struct profile_range *ret,
                       char why[static PROFILE_MESSAGE_MAX])
{
        struct profile_range range = { .given = true };
        const char *left = read_end(text, unit, &range.most);

        if (left && strncmp(left, "..", 2) == 0) {
                range.least = range.most;
                left = read_end(left + 2, unit, &range.most);
        }
        if (!left || *left || decimal_compare(range.least, range.most) > 0) {
                WHY("a range or the greatest value, as in 207..253 or 100%s",
                    unit_name(unit) ? unit_name(unit) : "");
                return -EINVAL;
        }
        range.low = decimal_to_double(range.least);
        range.high = decimal_to_double(range.most);
        *ret = range;
        return 0;
}

PARSER(parse_power)
{
        struct profile_range *range = field;
        struct decimal watts;
        int r = profile_range_read(value, UNIT_W, range, why);

        if (r < 0)
                return r;
        watts = range->most;
        for (; watts.exponent > 0 && watts.mantissa < INT64_MAX / 10; watts.exponent--)
                watts.mantissa *= 10;
        for (; watts.exponent < 0; watts.exponent++)
                watts.mantissa /= 10;
        if (watts.mantissa <= 0 || watts.exponent != 0) {
                WHY("the greatest power, as in 80kW");
                return -EINVAL;
        }
        entry->profile.max_power_w = watts.mantissa;
        return 0;
}

PARSER(parse_voltage)
{
        return profile_range_read(value, UNIT_V, field, why);
}

PARSER(parse_current)
{
        return profile_range_read(value, UNIT_A, field, why);
}

PARSER(parse_frequency)
{
        return profile_range_read(value, UNIT_HZ, field, why);
}

/* "yes": the profile's own maker; else FLAG ids. */
PARSER(parse_makers)
{
        if (strcmp(value, "yes") == 0) {
                *(const char **)field = entry->profile.manufacturer;
                if (entry->profile.manufacturer)
                        return 0;
                WHY("put Maker= into [profile] before it");
                return -EINVAL;
        }
        for (const char *word = value; *word;) {
                size_t n = strcspn(word, " ");

                if (!is_flag_id(word, n)) {
                        WHY("yes, or FLAG ids separated by blanks: LGZ LGF");
                        return -EINVAL;
                }
                word += n + strspn(word + n, " ");
        }
        return parse_text(entry, key, value, field, why);
}

/* "8..", "6", "8..11": channels of the push object. */
PARSER(parse_push)
{
        struct profile_match *match = &entry->profile.match;
        unsigned int least, most;
        int end = 0;

        if (sscanf(value, "%3u..%3u%n", &least, &most, &end) == 2 && !value[end]) {
                match->push_most = (uint8_t)MIN(most, 255U);
        } else if (sscanf(value, "%3u%n", &least, &end) == 1 &&
                   (!value[end] || strcmp(value + end, "..") == 0)) {
                match->push_most = (uint8_t)(value[end] ? 255 : MIN(least, 255U));
                most = match->push_most;
        } else {
                WHY("a channel of the push object, as in 6, 8.. or 8..11");
                return -EINVAL;
        }
        if (least > most || least > 255) {
                WHY("channels are 0 to 255, the lower one first");
                return -EINVAL;
        }
        match->push_least = (uint8_t)least;
        match->has_push = true;
        return 0;
}

PARSER(parse_registers)
{
        if (strcmp(value, "32") != 0 && strcmp(value, "64") != 0) {
                WHY("32 or 64: bits of its registers");
                return -EINVAL;
        }
        *(uint8_t *)field = *value == '3' ? 32 : 64;
        return 0;
}

PARSER(parse_layout)
{
        static const char *const words[] = { "push", "pairs", "list", "untagged", NULL };
        size_t i;
        int r = parse_word(value, words, &i, why);

        if (r == 0)
                *(const char **)field = words[i];
        return r;
}

PARSER(parse_points)
{
        char *end;
        unsigned long n = strtoul(value, &end, 10);

        if (!isdigit((unsigned char)*value) || *end || n > 200) {
                WHY("points, 0 to 200");
                return -EINVAL;
        }
        *(uint8_t *)field = (uint8_t)n;
        return 0;
}

PARSER(parse_bool)
{
        bool yes = strcmp(value, "yes") == 0;

        if (!yes && strcmp(value, "no") != 0) {
                WHY("yes or no");
                return -EINVAL;
        }
        *(bool *)field = yes;
        return 0;
}

#define KEY(name, parse, field)                                    \
        {                                                          \
                name, parse, offsetof(struct meter_profile, field) \
        }

const struct profile_key profile_keys[] = {
        KEY("Name", parse_name, name),
        KEY("Maker", parse_maker, manufacturer),
        KEY("ManufacturerName", parse_text, manufacturer_name),
        KEY("Model", parse_text, model_name),
        KEY("Medium", parse_medium, medium),
        KEY("Line", parse_line, line),
        KEY("Interval", parse_interval, interval_s),
        KEY("Clock", parse_clock, clock),
        KEY("Power", parse_power, power),
        KEY("Voltage", parse_voltage, voltage),
        KEY("Current", parse_current, current),
        KEY("Frequency", parse_frequency, frequency),
        KEY("Ask", parse_ask, ask),
        KEY("Connection", parse_text, connection),
        KEY("Encryption", parse_text, encryption),
        KEY("AskFor", parse_text, ask_for),
        { NULL, NULL, 0 },
};

const struct profile_key profile_match_keys[] = {
        KEY("ListId", parse_text, match.list_id),
        KEY("Maker", parse_makers, match.makers),
        KEY("Ident", parse_text, match.ident),
        KEY("Framing", parse_text, match.framings),
        KEY("PushChannel", parse_push, match),
        KEY("Layout", parse_layout, match.layout),
        KEY("Registers", parse_registers, match.registers),
        KEY("SystemTitle", parse_bool, match.title),
        KEY("OwnList", parse_bool, match.own_list),
        KEY("Least", parse_points, match.least),
        { NULL, NULL, 0 },
};

/* "-1 or 0": the usual exponent first. */
static int read_exponents(const char *value, struct profile_scale *ret)
{
        for (;;) {
                char *end;
                long exponent = strtol(value, &end, 10);

                if (end == value || exponent < -9 || exponent > 9 ||
                    ret->n_exponents == PROFILE_CANDIDATES_MAX)
                        return -EINVAL;
                for (size_t i = 0; i < ret->n_exponents; i++)
                        if (ret->exponents[i] == exponent)
                                return -EINVAL;
                ret->exponents[ret->n_exponents++] = (int8_t)exponent;
                value = end + strspn(end, " ");
                if (!*value)
                        return 0;
                if (strncmp(value, "or ", 3) != 0)
                        return -EINVAL;
                value += 3;
        }
}

/* U I P Q S E F PF, or C.D or C.D.E of a code. */
static bool read_scale_key(const char *key, struct profile_scale *ret)
{
        unsigned int c, d, e;
        int end = 0;

        if (strlen(key) == 1 && strchr("UIPQSEF", *key)) {
                ret->kind = *key;
                return true;
        }
        if (strcmp(key, "PF") == 0) {
                ret->kind = 'A';
                return true;
        }
        ret->e = -1;
        if (sscanf(key, "%3u.%3u.%3u%n", &c, &d, &e, &end) == 3 && !key[end] && e <= 255)
                ret->e = (int16_t)e;
        else if (end = 0, sscanf(key, "%3u.%3u%n", &c, &d, &end) != 2 || key[end])
                return false;
        ret->c = obis_phaseless((uint8_t)MIN(c, 255U));
        ret->d = (uint8_t)MIN(d, 255U);
        return c <= 255 && d <= 255;
}

int profile_scale_read(struct profile_entry *entry, const char *key, const char *value,
                       char why[static PROFILE_MESSAGE_MAX])
{
        struct meter_profile *p = &entry->profile;
        struct profile_scale scale = { 0 }, *rows;

        if (!read_scale_key(key, &scale)) {
                WHY("what is scaled is U, I, P, Q, S, E, F or PF, or a code without its medium: "
                    "1.8");
                return -EINVAL;
        }
        if (read_exponents(value, &scale) < 0) {
                WHY("exponents of ten, up to %d, the usual one first: -1, or: 1 or 0",
                    PROFILE_CANDIDATES_MAX);
                return -EINVAL;
        }
        for (size_t i = 0; i < p->n_scales; i++)
                if (p->scales[i].kind == scale.kind && p->scales[i].c == scale.c &&
                    p->scales[i].d == scale.d && p->scales[i].e == scale.e) {
                        WHY("stands there twice");
                        return -EINVAL;
                }
        if (p->n_scales == PROFILE_ROWS_MAX) {
                WHY("more than %d rows", PROFILE_ROWS_MAX);
                return -EINVAL;
        }
        rows = reallocarray(p->scales, p->n_scales + 1, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        scale.wanted = profile_scale_code(scale.kind, scale.c, scale.d, (uint8_t)MAX(scale.e, 0));
        scale.mask = scale.kind    ? UINT32_C(0xff000000)
                     : scale.e < 0 ? UINT32_C(0x00ffff00)
                                   : UINT32_C(0x00ffffff);
        p->scales = rows;
        rows[p->n_scales++] = scale;
        return 0;
}

int profile_topic_read(struct profile_entry *entry, const char *key, const char *value,
                       char why[static PROFILE_MESSAGE_MAX])
{
        struct meter_profile *p = &entry->profile;
        size_t n = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        struct profile_topic topic, *rows;
        struct obis obis;
        char name[64];

        if (obis_parse(slice_of_string(key), &obis) != (int)strlen(key)) {
                WHY("a code is written 3.8.1");
                return -EINVAL;
        }
        topic = (struct profile_topic){ .c = obis.c, .d = obis.d, .e = obis.e };
        topic.radian = strcmp(value + n, " radian") == 0;
        if (n == 0 || n >= sizeof(name) || (value[n] && !topic.radian)) {
                WHY("a name in capitals, and perhaps: radian");
                return -EINVAL;
        }
        if (p->n_topics == PROFILE_ROWS_MAX) {
                WHY("more than %d rows", PROFILE_ROWS_MAX);
                return -EINVAL;
        }
        rows = reallocarray(p->topics, p->n_topics + 1, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, value);
        topic.name = profile_keep(entry, name);
        p->topics = rows;
        rows[p->n_topics++] = topic;
        return 0;
}
