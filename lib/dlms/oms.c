/* SPDX-License-Identifier: MIT */
#include "oms.h"

#include <errno.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"

#define MODE_CBC    5
#define BLOCK_BYTES 16
#define FILL        0x2f

/* EN 13757-3 §6: data information. */
#define DIF_EXTENDED      0x80
#define DIF_STORAGE       0x40 /* a value of an earlier day */
#define DIF_FUNCTION      0x30 /* 0: of now */
#define DIF_LENGTH        0x0f
#define DIF_SPECIAL       0x0f
#define DIF_VARIABLE      0x0d
#define DIF_FLOAT         0x05
#define DIFE_STORAGE      0x0f
#define DIFE_TARIFF(x)    (((x) >> 4) & 3)
#define DIFE_SUBUNIT      0x40
#define EXTENSIONS_MAX    10
#define VIF_TEXT          0x7c /* the unit is a text, its length in front, before the extensions */
#define VIF_TIME          0x6d /* type I where it has 6 bytes, type F where it has 4 */
#define VIF_EXTENSION     0xfb
#define VIFE_BACKWARD     0x3c /* accumulation of what flows back */
#define VIFE_CORRECTION   0x70 /* × 10^(nnn − 6) */
#define VIFE_REACTIVE     0x02 /* of the table FB: 10^n kvarh */
#define VIFE_REACTIVE_NOW 0x14 /* of the table FB: 10^(nn − 3) kvar */

struct record {
        uint8_t kind; /* DIF_LENGTH */
        bool now;     /* neither stored nor a maximum, of the first sub-unit */
        uint8_t tariff;
        uint8_t vif;
        uint8_t vife[EXTENSIONS_MAX];
        size_t n_vife;
        struct slice data;
};

int oms_parse(struct slice bytes, struct oms_header *ret, const char **ret_fault)
{
        struct reader r = reader_over(bytes);
        struct slice id, maker, kind;
        uint8_t access, config[2];

        (void)reader_u8(&r); /* CI */
        id = reader_take(&r, 4);
        maker = reader_take(&r, 2);
        kind = reader_take(&r, 2);
        access = reader_u8(&r);
        (void)reader_u8(&r); /* status */
        config[0] = reader_u8(&r);
        config[1] = reader_u8(&r);
        if (!reader_ok(&r) || r.left.len == 0 || r.left.len % BLOCK_BYTES != 0 ||
            r.left.len > OMS_PLAIN_MAX) {
                *ret_fault = "M-Bus: no whole number of cipher blocks";
                return -EBADMSG;
        }
        /* The order of its two bytes differs between the standard and the meter. */
        if (config[0] != MODE_CBC && (config[1] & 0x1f) != MODE_CBC) {
                *ret_fault = "M-Bus: an encryption other than mode 5";
                return -EOPNOTSUPP;
        }
        memcpy(ret->title, maker.data, 2);
        memcpy(ret->title + 2, id.data, 4);
        memcpy(ret->title + 6, kind.data, 2);
        ret->access = access;
        ret->ciphertext = r.left;
        return 0;
}

static void make_iv(const struct oms_header *header, uint8_t iv[static BLOCK_BYTES])
{
        memcpy(iv, header->title, OMS_TITLE_BYTES);
        memset(iv + OMS_TITLE_BYTES, header->access, BLOCK_BYTES - OMS_TITLE_BYTES);
}

int oms_open(struct aead *aead, const struct oms_header *header,
             const uint8_t key[static AEAD_KEY_BYTES], uint8_t *plain)
{
        uint8_t iv[BLOCK_BYTES];
        int r;

        make_iv(header, iv);
        r = aead_open_cbc(aead, key, iv, header->ciphertext, plain);
        if (r < 0)
                return r;
        return plain[0] == FILL && plain[1] == FILL ? 0 : -ENOKEY;
}

int oms_seal(struct aead *aead, const struct oms_header *header,
             const uint8_t key[static AEAD_KEY_BYTES], const uint8_t *plain, uint8_t *text)
{
        uint8_t iv[BLOCK_BYTES];

        make_iv(header, iv);
        return aead_seal_cbc(aead, key, iv, (struct slice){ plain, header->ciphertext.len }, text);
}

/* Three letters in fifteen bits, and eight digits, least significant first. */
void oms_identify(const struct oms_header *header, struct telegram *t)
{
        unsigned int maker = header->title[0] | (unsigned int)header->title[1] << 8;
        uint8_t id[4]; /* BCD, its highest digits first */
        char digits[2 * sizeof(id) + 1];

        for (int i = 0; i < 3; i++)
                t->manufacturer[i] = (char)('@' + ((maker >> (10 - 5 * i)) & 31));
        t->manufacturer[3] = '\0';
        for (size_t i = 0; i < sizeof(id); i++)
                id[i] = header->title[5 - i];
        (void)hex_print_upper(id, sizeof(id), digits, sizeof(digits));
        telegram_set_meter_id(t, slice_of_string(digits));
}

static size_t data_bytes(uint8_t kind)
{
        static const uint8_t bytes[] = { 0, 1, 2, 3, 4, 4, 6, 8, 0, 1, 2, 3, 4, 0, 6, 0 };

        return bytes[kind];
}

static void read_dif(struct reader *r, uint8_t dif, struct record *ret)
{
        size_t n = 0;

        ret->kind = dif & DIF_LENGTH;
        ret->now = !(dif & (DIF_STORAGE | DIF_FUNCTION));
        while (dif & DIF_EXTENDED && reader_ok(r)) {
                dif = reader_u8(r);
                if (n == 0)
                        ret->tariff = DIFE_TARIFF(dif);
                if (dif & (DIFE_STORAGE | DIFE_SUBUNIT) || (n > 0 && DIFE_TARIFF(dif)))
                        ret->now = false;
                if (++n > EXTENSIONS_MAX)
                        reader_fail(r, "M-Bus: too many extensions");
        }
}

static void read_vif(struct reader *r, struct record *ret)
{
        uint8_t vif = reader_u8(r);

        ret->vif = vif == VIF_EXTENSION ? vif : vif & 0x7f;
        if (ret->vif == VIF_TEXT)
                (void)reader_take(r, reader_u8(r));
        while (vif & 0x80 && reader_ok(r)) {
                if (ret->n_vife == EXTENSIONS_MAX) {
                        reader_fail(r, "M-Bus: too many extensions");
                        return;
                }
                vif = reader_u8(r);
                ret->vife[ret->n_vife++] = vif & 0x7f;
        }
}

/* Binary with sign, of which the least number means invalid (EN 13757-3 Annex A, type B), or BCD.
 * False: no number. */
static bool number_of(const struct record *record, int64_t *ret)
{
        uint64_t value = 0;
        size_t n = record->data.len;

        if (n == 0 || record->kind == DIF_FLOAT || record->kind == DIF_VARIABLE)
                return false;
        for (size_t i = n; i-- > 0;) {
                uint8_t byte = record->data.data[i];

                if (record->kind < DIF_VARIABLE && record->kind < 8) {
                        value = value << 8 | byte;
                        continue;
                }
                if ((byte >> 4) > 9 || (byte & 15) > 9)
                        return false;
                value = value * 100 + (byte >> 4) * 10U + (byte & 15U);
        }
        if (record->kind < 8 && value == UINT64_C(1) << (8 * n - 1))
                return false;
        if (record->kind < 8 && n < 8 && record->data.data[n - 1] & 0x80)
                value |= UINT64_MAX << (8 * n);
        *ret = (int64_t)value;
        return true;
}

/* The quantity that a record measures; false when it is none that is shown. */
static bool meaning_of(const struct record *record, struct obis *ret, int *ret_exponent)
{
        bool table = record->vif == VIF_EXTENSION, backward = false;
        uint8_t code = table ? record->vife[0] : record->vif;
        uint8_t c, d;
        int exponent;

        if (table && record->n_vife == 0)
                return false;
        if (!table && code < 0x08) { /* E000 0nnn: 10^(nnn − 3) Wh */
                c = 1, d = 8, exponent = code - 3;
        } else if (!table && code >= 0x28 && code < 0x30) { /* E010 1nnn: 10^(nnn − 3) W */
                c = 1, d = 7, exponent = (code & 7) - 3;
        } else if (table && (code & 0x7e) == VIFE_REACTIVE) {
                c = 3, d = 8, exponent = 3 + (code & 1);
        } else if (table && (code & 0x7c) == VIFE_REACTIVE_NOW) {
                c = 3, d = 7, exponent = code & 3;
        } else {
                return false;
        }
        for (size_t i = table; i < record->n_vife; i++) {
                uint8_t more = record->vife[i];

                if (more == VIFE_BACKWARD)
                        backward = true;
                else if ((more & 0x78) == VIFE_CORRECTION)
                        exponent += (more & 7) - 6;
                else
                        return false; /* something that is not of now, or another unit */
        }
        if (d != 8 && record->tariff)
                return false; /* the power of now has no tariff */
        *ret = (struct obis){ 1, 0, (uint8_t)(c + backward), d, record->tariff, 255 };
        *ret_exponent = exponent;
        return true;
}

/* Type I: seconds, minutes, hours, day and year, month and year, week (EN 13757-3 Annex A). The
 * time of a stored value or of a maximum is not the telegram's. */
static bool take_time(const struct record *record, struct telegram *t)
{
        const uint8_t *b = record->data.data;

        if (record->vif != VIF_TIME || record->n_vife > 0 || record->data.len != 6 || !record->now)
                return false;
        if (!(b[1] & 0x80) && (b[4] & 0x0f) > 0)
                t->time = datetime_of_fields(2000 + (b[3] >> 5 | (b[4] & 0xf0) >> 1), b[4] & 0x0f,
                                             b[3] & 0x1f, b[2] & 0x1f, b[1] & 0x3f, b[0] & 0x3f);
        return true;
}

static void take_record(const struct record *record, struct telegram *t)
{
        struct obis obis;
        int64_t number;
        int exponent;

        if (take_time(record, t))
                return;
        if (!record->now || !number_of(record, &number) || !meaning_of(record, &obis, &exponent)) {
                t->n_unread++;
                return;
        }
        telegram_add_reading(t, obis, (struct decimal){ number, (int8_t)exponent },
                             obis.c > 2    ? obis.d == 8 ? UNIT_VARH : UNIT_VAR
                             : obis.d == 8 ? UNIT_WH
                                           : UNIT_W,
                             SCALE_WIRE);
}

int oms_read(struct slice records, struct telegram *t)
{
        struct reader r = reader_over(records);

        while (r.left.len > 0) {
                struct record record = { 0 };
                uint8_t dif = reader_u8(&r);

                if (dif == FILL)
                        continue;
                if ((dif & DIF_SPECIAL) == DIF_SPECIAL)
                        break; /* the maker's own, to the end */
                read_dif(&r, dif, &record);
                read_vif(&r, &record);
                record.data = reader_take(
                        &r, record.kind == DIF_VARIABLE ? reader_u8(&r) : data_bytes(record.kind));
                if (!reader_ok(&r))
                        return -EBADMSG;
                take_record(&record, t);
        }
        return 0;
}
