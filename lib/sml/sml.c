/* SPDX-License-Identifier: MIT */
/*
 * SML 1.04, the side of the reader.
 *
 *      message ::= list of 6 { transaction, group, abort, body { tag, content }, crc, 00 }
 *      TL byte   m ttt llll    m: another one follows; t: type; l: length with the TL bytes
 *                              themselves, of a list its number of elements
 *
 * Of the messages only the responses that carry values are read: GetList.Res (tag 0701) and
 * GetProfileList.Res (0401). Everything else is skipped by its structure.
 */
#include "sml.h"

#include <errno.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/util.h"
#include "lib/link/crc.h"

enum sml_type {
        SML_OCTETS = 0,
        SML_BOOLEAN = 4,
        SML_INTEGER = 5,
        SML_UNSIGNED = 6,
        SML_LIST = 7,
};

struct sml_item {
        uint8_t type;
        size_t len;         /* of the data in bytes, of a list its elements */
        struct slice bytes; /* the data, empty for a list */
};

#define TAG_PROFILE_LIST 0x0401
#define TAG_LIST         0x0701
#define TL_BYTES_MAX     4
#define MESSAGE_ELEMENTS 6
/* SML_Time choices (§6.1.13): seconds since start, UTC, UTC with the offsets to local time. */
#define TIME_SEC_INDEX 1
#define TIME_UTC       2
#define TIME_LOCAL     3
/* Before 2010 there was no SML meter: some send seconds since start under the tag of UTC. */
#define TIME_MIN_S 1262304000

/* The header of an element, and the data of one that is no list. */
static struct sml_item next_item(struct reader *r)
{
        uint8_t byte = reader_u8(r);
        struct sml_item item = { .type = byte >> 4 & 7 };
        size_t tl_bytes = 1, len = byte & 15;

        for (; byte & 0x80; tl_bytes++) {
                if (tl_bytes == TL_BYTES_MAX) {
                        reader_fail(r, "SML: a length of more than four bytes");
                        return item;
                }
                byte = reader_u8(r);
                len = len << 4 | (byte & 15);
        }
        if (item.type == SML_LIST) {
                item.len = len;
                return item;
        }
        if (len < tl_bytes) {
                reader_fail(r, "SML: a length shorter than itself");
                return item;
        }
        item.len = len - tl_bytes;
        item.bytes = reader_take(r, item.len);
        return item;
}

/* Passes over n elements with all that is in them, without recursion. */
static void skip(struct reader *r, size_t n)
{
        while (n > 0 && reader_ok(r)) {
                struct sml_item item = next_item(r);

                n--;
                /* Each element takes at least a byte: a longer list is a lie. */
                if (item.type == SML_LIST && item.len > r->left.len)
                        reader_fail(r, "SML: a list longer than its message");
                else if (item.type == SML_LIST)
                        n += item.len;
        }
}

/* A list of exactly n elements; a fault otherwise. */
static void expect_list(struct reader *r, size_t n, const char *fault)
{
        struct sml_item item = next_item(r);

        if (item.type != SML_LIST || item.len != n)
                reader_fail(r, fault);
}

static struct slice next_octets(struct reader *r)
{
        struct sml_item item = next_item(r);

        if (item.type != SML_OCTETS)
                reader_fail(r, "SML: not an octet string");
        return item.bytes;
}

/* False when it is absent (optional elements are empty octet strings), or no number of 64 bits. */
static bool number_of(const struct sml_item *item, bool as_unsigned, int64_t *ret)
{
        uint64_t value = 0;

        if ((item->type != SML_INTEGER && item->type != SML_UNSIGNED) || item->len < 1 ||
            item->len > 8)
                return false;
        if (item->type == SML_INTEGER && !as_unsigned && item->bytes.data[0] & 0x80)
                value = UINT64_MAX;
        for (size_t i = 0; i < item->len; i++)
                value = value << 8 | item->bytes.data[i];
        if ((item->type == SML_UNSIGNED || as_unsigned) && value > INT64_MAX)
                return false;
        *ret = (int64_t)value;
        return true;
}

/* An optional number. */
static bool next_number(struct reader *r, int64_t *ret)
{
        struct sml_item item = next_item(r);

        return reader_ok(r) && number_of(&item, false, ret);
}

/* ---- time ---- */

static struct datetime datetime_of_utc(int64_t epoch_s, int64_t offset_min)
{
        int64_t local = epoch_s + offset_min * 60;
        int64_t days = local / 86400, seconds = local % 86400;
        /* Days of the Gregorian calendar counted from 1 March 0000, when a leap day ends a year. */
        int64_t d = days + 719468, era = d / 146097, doe = d % 146097;
        int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
        int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
        int64_t month = mp < 10 ? mp + 3 : mp - 9;
        struct datetime t;

        t = datetime_of_fields((int)(yoe + era * 400 + (month <= 2)), (int)month,
                               (int)(doy - (153 * mp + 2) / 5 + 1), (int)(seconds / 3600),
                               (int)(seconds / 60 % 60), (int)(seconds % 60));
        t.has_offset = t.valid;
        t.offset_min = t.valid ? (int16_t)offset_min : 0;
        return t;
}

/*
 * SML_Time ::= choice { tag, value }. Holley DTZ541 leaves the choice out and sends the seconds
 * alone. The seconds since start (secIndex) are no time of day.
 */
static struct datetime next_time(struct reader *r)
{
        struct reader ahead = *r;
        struct sml_item item = next_item(&ahead);
        int64_t choice = 0, utc = 0, offset = 0, season = 0;

        skip(r, 1);
        if (item.type != SML_LIST || item.len != 2 || !next_number(&ahead, &choice))
                return (struct datetime){ 0 };
        if (choice == TIME_LOCAL) {
                item = next_item(&ahead);
                if (item.type != SML_LIST || item.len != 3)
                        return (struct datetime){ 0 };
        } else if (choice != TIME_UTC) {
                return (struct datetime){ 0 };
        }
        if (!next_number(&ahead, &utc) || utc < TIME_MIN_S || utc > UINT32_MAX)
                return (struct datetime){ 0 };
        if (choice == TIME_LOCAL &&
            (!next_number(&ahead, &offset) || !next_number(&ahead, &season) || offset < -840 ||
             offset > 840 || season < 0 || season > 120))
                return (struct datetime){ 0 };
        return datetime_of_utc(utc, offset + season);
}

/* ---- who it is ---- */

static bool are_letters(struct slice s)
{
        for (size_t i = 0; i < s.len; i++)
                if (s.data[i] < 'A' || s.data[i] > 'Z')
                        return false;
        return s.len == 3;
}

/* FLAG letters of a server id: 0A 01 'E' 'M' 'H' … (DIN 43863-5), 06 'E' 'M' 'H' … (older). */
static void set_manufacturer(struct slice id, struct telegram *t)
{
        for (size_t at = 2; at > 0; at--) {
                struct slice letters = slice_first(slice_from(id, at), 3);

                if (id.len < 9 || !are_letters(letters))
                        continue;
                (void)snprintf(t->manufacturer, sizeof(t->manufacturer), "%.3s",
                               (const char *)letters.data);
                return;
        }
}

/* The server id in hex: the id of the meter, whatever its bytes look like. */
static void print_server(struct slice id, char to[static TELEGRAM_ID_MAX])
{
        (void)hex_print(id.data, id.len, to, TELEGRAM_ID_MAX);
}

/* ---- values ---- */

/* Meters whose firmware codes a number wrongly, by the serial number at the end of their id. */
static const struct {
        uint8_t id_head[4]; /* bytes 1..4 of the server id */
        uint64_t serial_min, serial_max;
        struct obis obis; /* compared on C, D and E */
        size_t len_max;   /* of the number in bytes */
} unsigned_as_signed[] = {
        /* DZG DVS74: net power up to three bytes long is unsigned under the tag of signed. */
        { { 1, 'D', 'Z', 'G' }, 42000000, 48999999, { 1, 0, 16, 7, 0, 255 }, 3 },
        { { 1, 'D', 'Z', 'G' }, 55000000, 58999999, { 1, 0, 16, 7, 0, 255 }, 3 },
};

static bool is_unsigned_as_signed(struct slice id, struct obis obis, size_t len)
{
        uint64_t serial = 0;

        if (id.len != 10)
                return false;
        for (size_t i = 5; i < 10; i++)
                serial = serial << 8 | id.data[i];
        for (size_t i = 0; i < ELEMENTSOF(unsigned_as_signed); i++)
                if (memcmp(id.data + 1, unsigned_as_signed[i].id_head, 4) == 0 &&
                    serial >= unsigned_as_signed[i].serial_min &&
                    serial <= unsigned_as_signed[i].serial_max &&
                    obis_same_quantity(unsigned_as_signed[i].obis, obis) &&
                    len <= unsigned_as_signed[i].len_max)
                        return true;
        return false;
}

/* A number without unit whose code is no physical quantity: a state, a version, a count. */
static void add_number_text(struct telegram *t, struct obis obis, int64_t value)
{
        char buf[24];
        int n = snprintf(buf, sizeof(buf), "%lld", (long long)value);
        uint8_t *room = telegram_alloc(t, (size_t)n);

        if (!room) {
                t->n_dropped++;
                return;
        }
        memcpy(room, buf, (size_t)n);
        telegram_add_text(t, obis, (struct slice){ room, (size_t)n });
}

static void add_number(struct telegram *t, struct obis obis, int64_t value, int64_t unit,
                       int64_t scaler, bool has_scale, const struct datetime *captured)
{
        struct decimal decimal = { value, 0 };
        enum unit u = unit > 0 ? unit_of_cosem((uint8_t)unit) : UNIT_UNSAID;

        if (unit < 0 && !quantity_find(obis) && unit_of_obis(obis) == UNIT_UNKNOWN) {
                add_number_text(t, obis, value);
                return;
        }
        if (scaler < INT8_MIN || scaler > INT8_MAX ||
            decimal_shift(decimal, (int)scaler, &decimal)) {
                t->n_dropped++;
                return;
        }
        telegram_add_captured(t, obis, decimal, u, has_scale ? SCALE_WIRE : SCALE_NONE, 0,
                              captured->valid ? captured : NULL);
}

/* The rest of an entry behind its code: [status, time,] unit, scaler, value, signature. */
static void read_entry(struct reader *r, struct slice server, bool with_time, struct telegram *t)
{
        struct slice name = next_octets(r);
        struct datetime captured = { 0 };
        int64_t unit = -1, scaler = 0, value = 0;
        bool has_scale;
        struct sml_item item;
        struct obis obis;

        if (with_time) {
                skip(r, 1); /* status: its bits differ from maker to maker */
                captured = next_time(r);
        }
        if (!next_number(r, &unit))
                unit = -1;
        has_scale = next_number(r, &scaler); /* OPTIONAL: a number with a unit needs none */
        if (!has_scale)
                scaler = 0;
        has_scale |= unit > 0;
        item = (struct sml_item){ .type = SML_LIST };
        if ((reader_peek(r) >> 4 & 7) == SML_LIST)
                skip(r, 1); /* SML_Value as a list: none in the field */
        else
                item = next_item(r);
        skip(r, 1); /* signature */
        if (!reader_ok(r))
                return;
        if (name.len != 6) {
                t->n_dropped++;
                return;
        }
        obis = obis_of_bytes(name.data);
        if (item.type == SML_OCTETS) {
                if (item.len)
                        telegram_add_text(t, obis, telegram_printable(t, item.bytes));
        } else if (number_of(&item, is_unsigned_as_signed(server, obis, item.len), &value)) {
                add_number(t, obis, value, unit & ~INT64_C(0xff) ? -1 : unit, scaler, has_scale,
                           &captured);
        } else if (item.type == SML_BOOLEAN && item.len == 1) {
                add_number_text(t, obis, item.bytes.data[0] != 0);
        } else {
                t->n_dropped++;
        }
}

static void read_entries(struct reader *r, struct slice server, bool with_time, struct telegram *t)
{
        size_t wanted = with_time ? 7 : 5;
        struct sml_item list = next_item(r);

        if (list.type != SML_LIST)
                reader_fail(r, "SML: the list of values is no list");
        for (size_t i = 0; i < list.len && reader_ok(r); i++) {
                struct reader ahead = *r;
                struct sml_item entry = next_item(&ahead);

                if (entry.type == SML_LIST && entry.len == wanted) {
                        *r = ahead;
                        read_entry(r, server, with_time, t);
                } else {
                        skip(r, 1);
                        t->n_dropped++;
                }
        }
}

/* One file is of one meter: a second one in it would mix its values with the first. */
static bool take_server(struct slice server, struct telegram *t, bool *found)
{
        char id[TELEGRAM_ID_MAX];

        if (!*found) {
                *found = true;
                print_server(server, t->meter_id);
                set_manufacturer(server, t);
                return true;
        }
        print_server(server, id);
        if (strcmp(id, t->meter_id) == 0)
                return true;
        t->n_dropped++;
        return false;
}

/*
 * GetList.Res { client, server, list name, sensor time, values, signature, gateway time }
 * GetProfileList.Res { server, time, period, tree path, value time, status, values, raw, signature
 * }
 */
static void read_list(struct reader *r, uint32_t tag, struct telegram *t, bool *found)
{
        bool profile = tag == TAG_PROFILE_LIST;
        struct datetime time;
        struct slice server;

        expect_list(r, profile ? 9 : 7, "SML: a list response has another number of elements");
        if (!profile)
                skip(r, 1); /* client */
        server = next_octets(r);
        if (!profile)
                skip(r, 1); /* list name */
        time = next_time(r);
        if (profile) {
                skip(r, 2);
                time = next_time(r);
                skip(r, 1);
        }
        if (reader_ok(r) && take_server(server, t, found)) {
                t->time = time;
                read_entries(r, server, !profile, t);
        } else {
                skip(r, 1);
        }
        skip(r, 2);
}

/* ---- messages ---- */

/* The check sum is an unsigned of 16 bits; a zero byte in front may be left out. */
static bool sum_matches(struct slice covered, int64_t sent)
{
        uint16_t crc = crc16_x25(covered);

        if (sent == (uint16_t)(crc << 8 | crc >> 8))
                return true;
        crc = crc16_kermit(covered);
        return sent == (uint16_t)(crc << 8 | crc >> 8);
}

static void read_message(struct reader *r, struct telegram *t, bool *found)
{
        struct slice start = r->left;
        int64_t tag = 0, sum = -1;
        struct reader ahead;
        size_t covered;

        expect_list(r, MESSAGE_ELEMENTS, "SML: a message is a list of six");
        skip(r, 3); /* transaction, group, abort on error */
        ahead = *r;
        skip(r, 1);
        covered = start.len - r->left.len;
        if (!next_number(r, &sum) || !sum_matches(slice_first(start, covered), sum))
                reader_fail(r, "SML: the check sum of a message does not match");
        if (reader_u8(r) != 0)
                reader_fail(r, "SML: a message does not end where it should");
        if (!reader_ok(r))
                return;

        expect_list(&ahead, 2, "SML: a message body is no choice");
        if (!next_number(&ahead, &tag))
                reader_fail(&ahead, "SML: a message body has no tag");
        if (tag == TAG_LIST || tag == TAG_PROFILE_LIST)
                read_list(&ahead, (uint32_t)tag, t, found);
        if (!reader_ok(&ahead))
                reader_fail(r, ahead.fault);
}

int sml_file_decode(struct slice file, struct telegram *t)
{
        struct reader r = reader_over(file);
        bool found = false;

        while (r.left.len > 0 && reader_ok(&r)) {
                if (reader_peek(&r) == 0)
                        (void)reader_u8(&r); /* fill bytes that the count leaves out */
                else
                        read_message(&r, t, &found);
        }
        if (!reader_ok(&r))
                return -EBADMSG;
        if (!found)
                telegram_fail(t, TELEGRAM_LAYOUT_UNKNOWN, "SML file without a list of values");
        return 0;
}
