/* SPDX-License-Identifier: MIT */
/*
 * SML, seen from outside: list and octet string, and where the check sum of each message stands.
 * The decoder has read the file before: what is no SML is left as it is.
 */
#include "report-sml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/link/crc.h"
#include "lib/link/link.h"

#define MARK_BYTES   8
#define ESCAPE_BYTES 4
#define ESCAPE       0x1b
#define TYPE_OCTETS  0
#define TYPE_LIST    7
#define OCTETS_MIN   7 /* codes have six bytes, times five */
#define MESSAGE_HEAD 3 /* elements before the body of a message */

struct sml_file {
        uint8_t *bytes; /* owned: without escapes */
        size_t *from;   /* owned: where each stands in the frame; SIZE_MAX: it was escaped */
        size_t n;
};

static void file_done(struct sml_file *file)
{
        free(file->bytes);
        free(file->from);
}
DEFINE_OWNED(sml_file, struct sml_file *, file_done);

static bool is_escape(const uint8_t *at, size_t left)
{
        for (size_t i = 0; i < ESCAPE_BYTES; i++)
                if (i >= left || at[i] != ESCAPE)
                        return false;
        return true;
}

static int file_open(const uint8_t *frame, size_t n, struct sml_file *ret)
{
        ret->bytes = malloc(n + 1);
        ret->from = calloc(n + 1, sizeof(*ret->from));
        if (!ret->bytes || !ret->from)
                return -ENOMEM;
        for (size_t at = MARK_BYTES; at + MARK_BYTES < n;) {
                bool escaped = is_escape(frame + at, n - at) &&
                               is_escape(frame + at + ESCAPE_BYTES, n - at - ESCAPE_BYTES);

                for (size_t i = 0; i < (escaped ? ESCAPE_BYTES : 1U); i++) {
                        ret->from[ret->n] = escaped ? SIZE_MAX : at + i;
                        ret->bytes[ret->n++] = frame[at + i];
                }
                at += escaped ? MARK_BYTES : 1U;
        }
        return 0;
}

/* Back into the frame, but for what was escaped: its length depends on what it is. */
static void file_put(const struct sml_file *file, uint8_t *frame)
{
        for (size_t i = 0; i < file->n; i++)
                if (file->from[i] != SIZE_MAX)
                        frame[file->from[i]] = file->bytes[i];
}

struct item {
        uint8_t type;
        size_t count;       /* of a list its elements */
        struct slice bytes; /* of anything else its data */
};

static struct item next_item(struct reader *r)
{
        uint8_t byte = reader_u8(r);
        struct item item = { .type = byte >> 4 & 7 };
        size_t length = byte & 15, head = 1;

        while (byte & 0x80 && reader_ok(r) && head < 4) {
                byte = reader_u8(r);
                length = length << 4 | (byte & 15);
                head++;
        }
        if (item.type == TYPE_LIST)
                item.count = length;
        else if (length < head)
                reader_fail(r, "SML: a length shorter than itself");
        else
                item.bytes = reader_take(r, length - head);
        return item;
}

static void skip(struct reader *r, size_t n)
{
        for (; n > 0 && reader_ok(r); n--)
                n += next_item(r).count;
}

int report_sml_collect(struct slice frame, struct report_names *names)
{
        struct sml_file file = { 0 };
        OWNED(sml_file) struct sml_file *owned = NULL; /* behind the file: it goes first */
        int r = file_open(frame.data, frame.len, &file);
        struct reader reader = reader_over((struct slice){ file.bytes, r == 0 ? file.n : 0 });

        owned = &file;
        while (r == 0 && reader.left.len > 0 && reader_ok(&reader)) {
                struct item item = next_item(&reader);

                if (item.type == TYPE_OCTETS && item.bytes.len >= OCTETS_MIN)
                        r = report_names_add_bytes(names, item.bytes);
        }
        return r;
}

int report_sml_replace(const struct report_names *names, uint8_t *frame, size_t n)
{
        struct sml_file file = { 0 };
        OWNED(sml_file) struct sml_file *owned = NULL; /* behind the file: it goes first */
        int r = file_open(frame, n, &file);

        owned = &file;
        if (r == 0) {
                report_names_replace(names, file.bytes, file.n);
                file_put(&file, frame);
        }
        return r;
}

/* An unsigned number of one or two bytes: the check sum with its low byte first. */
static int put_sum(uint8_t *at, size_t n, uint16_t crc)
{
        if (n == 1 && (crc & 0xff) != 0)
                return -EAGAIN; /* it was sent without a zero byte in front */
        if (n != 1 && n != 2)
                return -EBADMSG;
        if (n == 2)
                *at++ = (uint8_t)crc;
        *at = (uint8_t)(crc >> 8);
        return 0;
}

static uint16_t sum_of(struct slice bytes, bool kermit)
{
        return kermit ? crc16_kermit(bytes) : crc16_x25(bytes);
}

static int fix_message(struct sml_file *file, struct reader *r, bool kermit)
{
        struct slice start = r->left;
        struct item item = next_item(r);
        size_t covered;

        if (item.type != TYPE_LIST || item.count != MESSAGE_HEAD + 3)
                return -EBADMSG;
        skip(r, MESSAGE_HEAD + 1); /* and the body */
        covered = start.len - r->left.len;
        item = next_item(r);
        (void)reader_u8(r);
        if (!reader_ok(r))
                return -EBADMSG;
        return put_sum(file->bytes + (item.bytes.data - file->bytes), item.bytes.len,
                       sum_of(slice_first(start, covered), kermit));
}

static int fix_messages(struct sml_file *file, bool kermit)
{
        struct reader r = reader_over((struct slice){ file->bytes, file->n });
        int result = 0;

        while (r.left.len > 0 && result == 0) {
                if (reader_peek(&r) == 0)
                        (void)reader_u8(&r); /* fill */
                else
                        result = fix_message(file, &r, kermit);
        }
        return result;
}

int report_sml_fix(const uint8_t *before, uint8_t *frame, size_t n)
{
        struct sml_file file = { 0 };
        OWNED(sml_file) struct sml_file *owned = NULL; /* behind the file: it goes first */
        uint16_t crc;
        bool kermit;
        int r;

        if (n < 2 * MARK_BYTES)
                return -EBADMSG;
        /* Old meters have another sum than X-25, and have it everywhere. */
        crc = crc16_kermit((struct slice){ before, n - 2 });
        kermit = before[n - 2] == (uint8_t)crc && before[n - 1] == (uint8_t)(crc >> 8);
        r = file_open(frame, n, &file);
        owned = &file;
        if (r == 0)
                r = fix_messages(&file, kermit);
        if (r < 0)
                return r;
        file_put(&file, frame);
        crc = sum_of((struct slice){ frame, n - 2 }, kermit);
        frame[n - 2] = (uint8_t)crc;
        frame[n - 1] = (uint8_t)(crc >> 8);
        return 0;
}
