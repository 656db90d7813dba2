/* SPDX-License-Identifier: MIT */
/* Builds SML files and frames: written from the standard, with a check sum of its own. */
#pragma once

#include "tests/unit/test.h"

#include "lib/value/reader.h"

struct sml_buffer {
        uint8_t data[16384];
        size_t len;
};

enum sml_sum {
        SUM_X25,
        SUM_KERMIT,
        SUM_WRONG,
};

static inline void sml_put(struct sml_buffer *b, struct slice s)
{
        assert_true(s.len <= sizeof(b->data) - b->len);
        if (s.len)
                memcpy(b->data + b->len, s.data, s.len);
        b->len += s.len;
}

#define SML_PUT(b, ...) sml_put(b, (struct slice)BYTES(__VA_ARGS__))

static inline uint16_t sml_sum(struct slice s, enum sml_sum kind)
{
        uint16_t crc = kind == SUM_X25 ? 0xffff : 0;

        for (size_t i = 0; i < s.len; i++) {
                crc ^= s.data[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0x8408 : crc >> 1);
        }
        if (kind == SUM_WRONG)
                crc ^= 0x5aa5;
        return kind == SUM_X25 ? (uint16_t)~crc : crc;
}

/* A message with this body, which is the content behind the tag. */
static inline void sml_put_message(struct sml_buffer *b, uint16_t tag, struct slice content,
                                   enum sml_sum kind)
{
        size_t start = b->len;
        uint16_t sum;

        SML_PUT(b, 0x76, 0x04, 0x00, 0x00, 0x01, 0x62, 0x00, 0x62, 0x00);
        SML_PUT(b, 0x72, 0x65, 0x00, 0x00, (uint8_t)(tag >> 8), (uint8_t)tag);
        sml_put(b, content);
        sum = sml_sum((struct slice){ b->data + start, b->len - start }, kind);
        /* A leading zero byte is left out, as meters do. */
        if (sum & 0xff)
                SML_PUT(b, 0x63, (uint8_t)sum, (uint8_t)(sum >> 8), 0x00);
        else
                SML_PUT(b, 0x62, (uint8_t)(sum >> 8), 0x00);
}

/* A GetList.Res with these entries, `n` of them, of the meter `server`. */
static inline void sml_put_list(struct sml_buffer *b, struct slice server, struct slice time,
                                uint8_t n, struct slice entries)
{
        struct sml_buffer content = { .len = 0 };

        SML_PUT(&content, 0x77, 0x01);
        SML_PUT(&content, (uint8_t)(server.len + 1));
        sml_put(&content, server);
        SML_PUT(&content, 0x07, 0x01, 0x00, 0x62, 0x0a, 0xff, 0xff);
        sml_put(&content, time);
        if (n < 16)
                SML_PUT(&content, (uint8_t)(0x70 | n));
        else
                SML_PUT(&content, (uint8_t)(0xf0 | n >> 4), (uint8_t)(n & 15));
        sml_put(&content, entries);
        SML_PUT(&content, 0x01, 0x01);
        sml_put_message(b, 0x0701, (struct slice){ content.data, content.len }, SUM_X25);
}

/* The frame around a file: escapes, fill, check sum. */
static inline void sml_put_frame(struct sml_buffer *b, struct slice file, enum sml_sum kind)
{
        static const uint8_t escape[4] = { 0x1b, 0x1b, 0x1b, 0x1b };
        size_t start = b->len;
        uint8_t fill = (uint8_t)(3 - (file.len + 3) % 4);
        uint16_t sum;

        SML_PUT(b, 0x1b, 0x1b, 0x1b, 0x1b, 0x01, 0x01, 0x01, 0x01);
        for (size_t i = 0; i < file.len;) {
                size_t n = file.len - i >= 4 && memcmp(file.data + i, escape, 4) == 0 ? 4 : 1;

                if (n == 4)
                        sml_put(b, (struct slice){ escape, 4 });
                sml_put(b, (struct slice){ file.data + i, n });
                i += n;
        }
        for (int i = 0; i < fill; i++)
                SML_PUT(b, 0x00);
        SML_PUT(b, 0x1b, 0x1b, 0x1b, 0x1b, 0x1a, fill);
        sum = sml_sum((struct slice){ b->data + start, b->len - start }, kind);
        SML_PUT(b, (uint8_t)sum, (uint8_t)(sum >> 8));
}

static inline struct slice sml_slice(const struct sml_buffer *b)
{
        return (struct slice){ b->data, b->len };
}
