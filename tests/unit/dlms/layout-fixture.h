/* SPDX-License-Identifier: MIT */
/*
 * Data of a notification written as hex, read by layout_decode(), and what came out of it as one
 * line of text, so that a row of a table holds all of a case:
 *
 *      "1-0:1.7.0=123W; 0-0:96.1.0='abc'; time=2026-01-02T03:04:05; id=abc"
 */
#pragma once

#include <ctype.h>
#include <errno.h>

#include "lib/dlms/layout.h"
#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

#define FIXTURE_BYTES 1024
#define FIXTURE_TEXT  2048

/* Elements of data, as hex. */
#define HEX_NAME(obis)      "0906 " obis
#define HEX_U8(value)       "11 " value
#define HEX_U16(value)      "12 " value
#define HEX_U32(value)      "06 " value
#define HEX_SCALER(s, unit) "0202 0F" s "16" unit
/* A push list entry; the list entry of the push setup itself on channel 1. */
#define HEX_ENTRY(class_id, obis, attribute) \
        "0204 12 " class_id "0906 " obis "0F " attribute "12 0000 "
#define HEX_SETUP HEX_ENTRY("0028", "0001190900FF", "02")

/* 2026-07-01 12:34:56 +02:00: twelve bytes of a date-time. */
#define HEX_TIME  "07EA 07 01 03 0C 22 38 00 FF88 80"
#define TEXT_TIME "2026-07-01T12:34:56+02:00"

static inline size_t fixture_bytes(const char *hex, uint8_t *buf, size_t size)
{
        size_t digits = 0;

        for (; *hex; hex++) {
                int c = tolower((unsigned char)*hex);

                if (isspace(c))
                        continue;
                assert_true(isxdigit(c));
                assert_true(digits / 2 < size);
                c = c <= '9' ? c - '0' : c - 'a' + 10;
                buf[digits / 2] = (uint8_t)(digits % 2 ? buf[digits / 2] << 4 | c : c);
                digits++;
        }
        assert_int_equal(digits % 2, 0);
        return digits / 2;
}

static inline void fixture_print_readings(FILE *f, const struct telegram *t)
{
        char code[OBIS_TEXT_MAX], number[DECIMAL_TEXT_MAX], time[DATETIME_TEXT_MAX];

        for (size_t i = 0; i < t->n_readings; i++) {
                const struct reading *reading = &t->readings[i];
                const char *unit = unit_name(reading->unit);

                (void)decimal_print(reading->value, number);
                fprintf(f, "%s=%s%s", obis_print(reading->obis, code), number, unit ? unit : "?");
                if (reading->captured.valid) {
                        (void)datetime_print(&reading->captured, time);
                        fprintf(f, " of %s", time);
                }
                fputs("; ", f);
        }
}

static inline void fixture_print(const struct telegram *t, char buf[static FIXTURE_TEXT])
{
        char code[OBIS_TEXT_MAX], time[DATETIME_TEXT_MAX];
        FILE *f = fmemopen(buf, FIXTURE_TEXT, "w");

        assert_non_null(f);
        fixture_print_readings(f, t);
        for (size_t i = 0; i < t->n_texts; i++)
                fprintf(f, "%s='%.*s'; ", obis_print(t->texts[i].obis, code),
                        (int)t->texts[i].value.len, (const char *)t->texts[i].value.data);
        if (datetime_print(&t->time, time) > 0)
                fprintf(f, "time=%s; ", time);
        if (t->hints.has_push)
                fprintf(f, "push=%u; ", t->hints.push_channel);
        if (t->hints.list_id[0])
                fprintf(f, "list=%s; ", t->hints.list_id);
        if (t->hints.list)
                fprintf(f, "shape=%s; ", t->hints.list->name);
        if (t->meter_id[0])
                fprintf(f, "id=%s; ", t->meter_id);
        if (t->n_dropped)
                fprintf(f, "dropped=%zu; ", t->n_dropped);
        if (t->n_unread)
                fprintf(f, "unread=%zu; ", t->n_unread);
        fclose(f);
        if (strlen(buf) >= 2)
                buf[strlen(buf) - 2] = '\0';
}

/* With all families known. */
static inline int fixture_decode(struct reader *r, struct telegram *t)
{
        const struct layout_options options = { .profiles = known_profiles() };

        return layout_decode(r, t, &options, NULL);
}

/* One case; `want` is what is in the telegram, or, when `result` is -EBADMSG, the fault. */
struct layout_case {
        const char *name;
        const char *data;
        const char *want;
        int result;
        const char *profile; /* to scale by, as the decoder does; "" by none, NULL: not at all */
};

static inline void run_layout_case(void **state)
{
        const struct layout_case *c = *state;
        static struct telegram t;
        uint8_t bytes[FIXTURE_BYTES];
        char got[FIXTURE_TEXT] = "";
        struct reader r =
                reader_over((struct slice){ bytes, fixture_bytes(c->data, bytes, sizeof(bytes)) });

        telegram_reset(&t, "hdlc");
        assert_int_equal(fixture_decode(&r, &t), c->result);
        if (c->result == 0)
                assert_int_equal(r.left.len, 0);
        if (c->profile)
                layout_scale(&t, *c->profile ? known_profile(c->profile) : NULL);
        fixture_print(&t, got);
        if (c->result == -EBADMSG) {
                assert_string_equal(got, "");
                assert_string_equal(r.fault, c->want);
                return;
        }
        assert_string_equal(got, c->want);
}

/* No walker may read beyond data that was cut anywhere, or leave anything of it behind. */
static inline void run_layout_cut(const struct layout_case *c)
{
        static struct telegram t;
        uint8_t bytes[FIXTURE_BYTES];
        size_t len = fixture_bytes(c->data, bytes, sizeof(bytes));

        for (size_t n = 0; c->result == 0 && n < len; n++) {
                uint8_t *exact = malloc(n + 1);
                struct reader r;

                assert_non_null(exact);
                memcpy(exact, bytes, n);
                r = reader_over((struct slice){ exact, n });
                telegram_reset(&t, "hdlc");
                if (fixture_decode(&r, &t) != -EBADMSG)
                        fail_msg("%s: cut after %zu bytes and still read", c->name, n);
                assert_true(r.ended);
                if (t.n_readings || t.n_texts || t.arena_used || t.time.valid || t.n_dropped)
                        fail_msg("%s: cut after %zu bytes, something was left", c->name, n);
                free(exact);
        }
}
