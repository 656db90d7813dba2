/* SPDX-License-Identifier: MIT */
/*
 * Siemens TD-3511 of Netz Oberösterreich, counter interface: M-Bus frames with the meter as sender
 * (EN 13757-2), records of EN 13757-3 under OMS mode 5. Each frame wants the character E5.
 *
 *      68 L L 68 | C=53|73 A=F0 CI=5B | id 4, maker 2, version, medium, access, status, mode 2 |
 *      5 blocks of AES-128-CBC | sum 16
 */
#include <assert.h>
#include <string.h>

#include "base/util.h"
#include "sim/profiles.h"

#define HEAD_BYTES  15 /* C to mode */
#define PLAIN_BYTES 80
#define FILL        0x2f
#define ID_DIGITS   8

/* DIF and VIF of a register, and the code that it means. */
static const struct record {
        const char *head; /* no zero byte in any of them */
        uint8_t c, d, e;
} records[] = {
        { "\x04\x03", 1, 8, 0 },
        { "\x04\x83\x3c", 2, 8, 0 },
        { "\x84\x10\xfb\x82\x73", 3, 8, 1 },
        { "\x84\x10\xfb\x82\xf3\x3c", 4, 8, 1 },
        { "\x04\x2b", 1, 7, 0 },
        { "\x04\xab\x3c", 2, 7, 0 },
        { "\x04\xfb\x14", 3, 7, 0 },
        { "\x04\xfb\x94\x3c", 4, 7, 0 },
};

/* Type I of EN 13757-3 Annex A. */
static void put_time(struct sim_out *out, const struct sim_clock *c)
{
        unsigned int year = (unsigned int)c->year - 2000;

        sim_out_text(out, "\x06\x6d");
        sim_out_u8(out, (unsigned int)c->second);
        sim_out_u8(out, (unsigned int)c->minute);
        sim_out_u8(out, (unsigned int)c->hour | (unsigned int)c->weekday << 5);
        sim_out_u8(out, (unsigned int)c->day | (year & 7) << 5);
        sim_out_u8(out, (unsigned int)c->month | (year >> 3) << 4);
        sim_out_u8(out, 0); /* the week is not sent */
}

static void put_records(struct sim_out *out, const struct sim_load *load, struct sim_telegram *t)
{
        sim_out_u8(out, FILL);
        sim_out_u8(out, FILL); /* the proof of the key */
        put_time(out, &t->clock);
        t->has_time = true;
        for (size_t i = 0; i < ELEMENTSOF(records); i++) {
                const struct record *r = &records[i];
                const uint8_t obis[6] = { 1, 0, r->c, r->d, r->e, 255 };
                int64_t mantissa;
                const char *unit;
                int exponent;
                bool known = sim_load_value(load, r->c, r->d, r->e, &mantissa, &exponent, &unit);

                assert(known && exponent == 0);
                sim_out_text(out, r->head);
                sim_out_le16(out, (unsigned int)mantissa & 0xffff);
                sim_out_le16(out, (unsigned int)(mantissa >> 16) & 0xffff);
                sim_note_value(t, obis, mantissa, exponent, unit);
        }
        while (out->len < PLAIN_BYTES)
                sim_out_u8(out, FILL);
}

/* The last eight digits, two to a byte, least significant first. */
static void put_id(struct sim_out *out, const struct sim_meter *meter, struct sim_telegram *t)
{
        char digits[ID_DIGITS + SIM_ID_MAX] = "00000000";
        const char *last;

        strcpy(digits + ID_DIGITS, meter->serial);
        last = digits + strlen(meter->serial);
        for (int i = ID_DIGITS - 2; i >= 0; i -= 2)
                sim_out_u8(out,
                           (unsigned int)(last[i] - '0') << 4 | (unsigned int)(last[i + 1] - '0'));
        memcpy(t->meter_id, last, ID_DIGITS + 1);
}

static int encode(struct sim_meter *meter, struct sim_telegram *t)
{
        struct sim_out *out = &t->wire.out, plain = { 0 };
        uint8_t access = (uint8_t)meter->sent, iv[SIM_KEY_BYTES], text[PLAIN_BYTES];
        unsigned int sum = 0;
        size_t start;
        int r;

        put_records(&plain, &meter->load, t);
        assert(plain.len == PLAIN_BYTES);
        sim_out_u8(out, 0x68);
        sim_out_u8(out, HEAD_BYTES + PLAIN_BYTES);
        sim_out_u8(out, HEAD_BYTES + PLAIN_BYTES);
        sim_out_u8(out, 0x68);
        start = out->len;
        sim_out_u8(out, meter->sent & 1 ? 0x73 : 0x53); /* the frame count bit */
        sim_out_u8(out, 0xf0);
        sim_out_u8(out, 0x5b);
        put_id(out, meter, t);
        sim_out_bytes(out, "\x2d\x4c\x01\x0e", 4); /* SAM, version 1, a meter of electricity */
        sim_out_u8(out, access);
        sim_out_u8(out, 0);
        sim_out_bytes(out, "\x05\x00", 2); /* mode 5 */
        memcpy(iv, "\x2d\x4c", 2);
        memcpy(iv + 2, out->data + start + 3, 4);
        memcpy(iv + 6, "\x01\x0e", 2);
        memset(iv + 8, access, sizeof(iv) - 8);
        r = sim_cipher_cbc(meter->cipher.key, iv, plain.data, plain.len, text);
        if (r < 0)
                return r;
        sim_out_bytes(out, text, sizeof(text));
        for (size_t i = start; i < out->len; i++)
                sum += out->data[i];
        sim_out_u8(out, sum & 0xff);
        sim_out_u8(out, 0x16);
        sim_wire_end_frame(&t->wire);
        return 0;
}

const struct sim_profile sim_profile_siemens_amis = {
        .name = "siemens-amis",
        .title = "Siemens TD-3511 (AMIS), Upper Austria, counter interface (M-Bus, OMS mode 5), "
                 "repeats what is not acknowledged, always encrypted",
        .line = { .baud = 9600, .bits = 8, .parity = 'E', .stop = 1 },
        .interval_s = 1,
        .id_prefix = "12",
        .flag = "SAM",
        .control = 0x20,
        .always_ciphered = true,
        .one_cipher = true,
        .way = SIM_ACKNOWLEDGED,
        .encode = encode,
};
