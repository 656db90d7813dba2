/* SPDX-License-Identifier: MIT */
/*
 * Frames written as a script, and the events that come of them as a line of text.
 *
 * A script is tokens with blanks between. A frame is a letter, and what it carries:
 *
 *      H…  HDLC    S1…  HDLC, the first (2nd …) dozen bytes of what follows, S set before the last
 *      M…  M-Bus   R…   nothing around it
 *      @2  at the end: of meter 2, 1 being the usual
 *
 * It carries any number of:
 *
 *      L    LLC               n7   notification, power 7      u   one whose list is not known
 *      c7   ciphered n7       p7   ciphered, list unknown     l   n7 and bytes behind it, ciphered
 *      b1(n7)  block 1 (a dozen bytes) of n7                  x0f hex
 *
 * "|" is a silence, "$" the end of the input, "^" a reset. Events: the telegram as text, "+" when
 * its tag was verified, "replayed"; "!" and a sentence when it cannot be read; "?" a fault, "~"
 * garbage, "." a frame.
 */
#pragma once

#include "lib/decoder.h"
#include "sim/axdr.h"
#include "sim/cipher.h"
#include "sim/gbt.h"
#include "sim/hdlc.h"
#include "sim/mbus.h"
#include "tests/unit/dlms/layout-fixture.h"
#include "tests/unit/known-profiles.h"

#define PIECE_BYTES 12
#define LOG_BYTES   4096

enum keys {
        KEYS_NOT_ASKED,
        KEYS_NONE,
        KEYS_RIGHT,
        KEYS_NO_AUTH,
        KEYS_WRONG,
        KEYS_WRONG_ALONE, /* and none for the tag */
        KEYS_WRONG_AUTH,
        KEYS_EXCHANGED
};

struct decoder_case {
        const char *name;
        const char *script;
        const char *want;
        uint8_t control; /* 0: authenticated and encrypted */
        enum keys keys;
        bool untitled; /* ciphered without its system title */
};

static const uint8_t title[8] = { 'T', 'E', 'S', 0, 1, 2, 3, 4 };

struct script {
        const struct decoder_case *c;
        uint32_t counter;
        unsigned int meter; /* 1.. */
};

static inline void put_hex(struct sim_out *out, const char **p)
{
        const char *start = *p;
        char hex[256];
        uint8_t bytes[128];

        while (isxdigit((unsigned char)**p))
                ++*p;
        (void)snprintf(hex, sizeof(hex), "%.*s", (int)(*p - start), start);
        sim_out_bytes(out, bytes, fixture_bytes(hex, bytes, sizeof(bytes)));
}

static inline void put_notification(struct sim_out *out, unsigned int value, bool known)
{
        sim_out_bytes(out, "\x0f\x00\x00\x00\x01\x00", 6);
        sim_axdr_structure(out, known ? 2 : 1);
        if (known)
                sim_axdr_obis(out, (const uint8_t[]){ 1, 0, 1, 7, 0, 255 });
        sim_axdr_number(out, SIM_U16, value);
}

static inline void put_ciphered(struct script *s, struct sim_out *out, char what, const char **p)
{
        unsigned int value = (unsigned int)strtoul(*p, (char **)(uintptr_t)p, 10);
        static struct sim_out plain;
        struct sim_cipher cipher = { .form = SIM_CIPHER_GLO,
                                     .control = s->c->control ? s->c->control : 0x30,
                                     .counter = ++s->counter };

        if (**p == '#') {
                ++*p;
                cipher.counter = (uint32_t)strtoul(*p, (char **)(uintptr_t)p, 10);
        }
        memcpy(cipher.title, title, sizeof(title));
        cipher.title[7] = (uint8_t)(cipher.title[7] + s->meter - 1);
        memset(cipher.key, 0x11, sizeof(cipher.key));
        memset(cipher.auth_key, 0x22, sizeof(cipher.auth_key));
        plain.len = 0;
        put_notification(&plain, value, what != 'p');
        if (what == 'l')
                sim_out_text(&plain, "left");
        if (s->c->untitled) {
                static struct sim_out whole;

                whole.len = 0;
                assert_int_equal(sim_cipher_wrap(&whole, &cipher, plain.data, plain.len), 0);
                sim_out_bytes(out, "\xdb\x00", 2);
                sim_out_bytes(out, whole.data + 10, whole.len - 10);
                return;
        }
        assert_int_equal(sim_cipher_wrap(out, &cipher, plain.data, plain.len), 0);
}

/* The n-th dozen of bytes, counted from 1. True when it is the last. */
static inline bool piece(const struct sim_out *whole, unsigned long n, struct slice *ret)
{
        size_t from = (n - 1) * PIECE_BYTES;

        assert_true(from < whole->len);
        *ret = slice_first((struct slice){ whole->data + from, whole->len - from }, PIECE_BYTES);
        return from + ret->len == whole->len;
}

static inline void put_payload(struct script *s, struct sim_out *out, const char **p)
{
        while (**p && !strchr(" @)", **p)) {
                char what = *(*p)++;

                if (what == 'L') {
                        sim_hdlc_llc(out);
                } else if (what == 'x') {
                        put_hex(out, p);
                } else if (what == 'n') {
                        put_notification(out, (unsigned int)strtoul(*p, (char **)(uintptr_t)p, 10),
                                         true);
                } else if (what == 'u') {
                        put_notification(out, 0, false);
                } else if (what == 'b') {
                        unsigned long n = strtoul(*p, (char **)(uintptr_t)p, 10);
                        struct sim_out *whole = calloc(1, sizeof(*whole));
                        struct slice block;
                        bool last;

                        ++*p; /* ( */
                        put_payload(s, whole, p);
                        ++*p; /* ) */
                        last = piece(whole, n, &block);
                        sim_gbt_block(out, last ? 0x80 : 0x40, (uint16_t)n, 0, block.data,
                                      block.len);
                        free(whole);
                } else {
                        put_ciphered(s, out, what, p);
                }
        }
}

/* M-Bus with another control information: metering, no DLMS. */
static inline void put_other_mbus(struct sim_wire *wire)
{
        static const uint8_t frame[] = { 0x68, 0x05, 0x05, 0x68, 0x08, 0x01,
                                         0x72, 0x01, 0x02, 0x7e, 0x16 };

        sim_out_bytes(&wire->out, frame, sizeof(frame));
        sim_wire_end_frame(wire);
}

static inline void put_frame(struct script *s, struct sim_wire *wire, const char *p)
{
        struct sim_hdlc hdlc = { .dst = { 0x03 },
                                 .src = { 0x21 },
                                 .dst_len = 1,
                                 .src_len = 1,
                                 .control = 0x13,
                                 .control_more = 0x13 };
        static struct sim_out payload;
        const char *at = strchr(p, '@');
        char kind = *p++;
        unsigned long n = 0;
        struct slice part;
        bool last;

        payload.len = 0;
        s->meter = at ? (unsigned int)(at[1] - '0') : 1;
        hdlc.src[0] = (uint8_t)(hdlc.src[0] + 2 * s->meter);
        if (kind == 'S' || kind == 'm')
                n = strtoul(p, (char **)(uintptr_t)&p, 10);
        put_payload(s, &payload, &p);
        part = (struct slice){ payload.data, payload.len };
        switch (kind) {
        case 'H':
                sim_hdlc_frame(wire, &hdlc, false, part.data, part.len);
                break;
        case 'S':
                last = piece(&payload, n, &part);
                sim_hdlc_frame(wire, &hdlc, !last, part.data, part.len);
                break;
        case 'M':
                sim_mbus_frame(wire, 0x10, part.data, part.len);
                break;
        case 'm':
                last = piece(&payload, n + 1, &part);
                sim_mbus_frame(wire, (uint8_t)(n | (last ? 0x10 : 0)), part.data, part.len);
                break;
        case 'W':
                put_other_mbus(wire);
                break;
        default:
                sim_out_bytes(&wire->out, part.data, part.len);
                sim_wire_end_frame(wire);
                break;
        }
}

static inline const struct cipher_keys *find_keys(void *userdata, const uint8_t *of)
{
        static struct cipher_keys keys;
        enum keys which = *(enum keys *)userdata;

        bool wrong = which == KEYS_WRONG || which == KEYS_WRONG_ALONE;

        keys = (struct cipher_keys){ .has_key = true,
                                     .has_auth_key =
                                             which != KEYS_NO_AUTH && which != KEYS_WRONG_ALONE };
        memset(keys.key, wrong ? 0x33 : 0x11, sizeof(keys.key));
        memset(keys.auth_key, which == KEYS_WRONG_AUTH ? 0x33 : 0x22, sizeof(keys.auth_key));
        if (which == KEYS_EXCHANGED) {
                memset(keys.key, 0x22, sizeof(keys.key));
                memset(keys.auth_key, 0x11, sizeof(keys.auth_key));
        }
        if (of)
                assert_memory_equal(of, title, 3);
        return which == KEYS_NONE ? NULL : &keys;
}

static inline void log_telegram(FILE *f, const struct telegram *t)
{
        char text[FIXTURE_TEXT] = "";

        if (t->status != TELEGRAM_OK) {
                assert_int_equal(t->n_readings + t->n_texts, 0);
                assert_true(t->error[0] != '\0');
                fprintf(f, "!%s", t->error);
                return;
        }
        fixture_print(t, text);
        fprintf(f, "%s%s%s", text, t->authenticated ? " +" : "", t->replayed ? " replayed" : "");
}

/* A frame that gave a telegram or a fault goes unmentioned. */
static inline void drain(struct decoder *d, FILE *f, const char **separator)
{
        struct decoder_event event;
        bool frame = false;

        while (decoder_next(d, &event) > 0) {
                if (event.type == DECODER_FRAME) {
                        frame = true;
                        continue;
                }
                fputs(*separator, f);
                *separator = " | ";
                frame = false;
                if (event.type == DECODER_TELEGRAM)
                        log_telegram(f, event.telegram);
                else if (event.garbage)
                        fputs("~", f);
                else
                        fprintf(f, "?%s", event.fault);
        }
        if (!frame)
                return;
        fprintf(f, "%s.", *separator);
        *separator = " | ";
}

static inline void feed(struct decoder *d, FILE *f, const char **separator, struct slice bytes,
                        size_t step)
{
        for (size_t i = 0; i < bytes.len; i += step) {
                decoder_feed(d, slice_first(slice_from(bytes, i), step));
                drain(d, f, separator);
        }
}

static inline struct decoder *make_decoder(enum keys *keys)
{
        struct decoder_options options = { .profiles = known_profiles_and_pairs() };
        struct decoder *d = NULL;

        if (*keys != KEYS_NOT_ASKED) {
                options.keyring = (struct keyring){ .find = find_keys, .userdata = keys };
        }
        assert_int_equal(decoder_new(&options, &d), 0);
        return d;
}
