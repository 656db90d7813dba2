/* SPDX-License-Identifier: MIT */
/*
 * slice and reader: the only way to touch bytes that came from outside.
 * A read past the end gives zero and leaves a sticky fault, so a decoder reads straight down the
 * page and asks once, at the end, whether all went well.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes; whoever hands one out says how long they live. */
struct slice {
        const uint8_t *data;
        size_t len;
};

struct reader {
        struct slice left; /* not yet read */
        const char *fault; /* NULL, or what went wrong first, in words; static storage */
        bool ended;        /* the fault is that the input ended: more bytes could mend it */
};

/* A slice over literal bytes: BYTES(0x7e, 0xa0). */
#define BYTES(...)                                                                         \
        {                                                                                  \
                (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }) \
        }
/* A slice over a string literal, without its final NUL. */
#define TEXT(literal)                                           \
        {                                                       \
                (const uint8_t *)(literal), sizeof(literal) - 1 \
        }

static inline struct slice slice_of_string(const char *text)
{
        return (struct slice){ (const uint8_t *)text, strlen(text) };
}

static inline bool slice_equal(struct slice a, struct slice b)
{
        return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool slice_starts_with(struct slice s, struct slice prefix)
{
        return s.len >= prefix.len &&
               (prefix.len == 0 || memcmp(s.data, prefix.data, prefix.len) == 0);
}

/* The slice from byte `at` on; empty when `at` lies past the end. */
static inline struct slice slice_from(struct slice s, size_t at)
{
        if (at >= s.len)
                return (struct slice){ 0 };
        return (struct slice){ s.data + at, s.len - at };
}

/* The first `n` bytes, or all of them when there are fewer. */
static inline struct slice slice_first(struct slice s, size_t n)
{
        return (struct slice){ s.data, n < s.len ? n : s.len };
}

/* The byte at `at`, or 0 past the end: for scanners, where a missing byte matches nothing. */
static inline uint8_t slice_at(struct slice s, size_t at)
{
        return at < s.len ? s.data[at] : 0;
}

static inline struct reader reader_over(struct slice s)
{
        return (struct reader){ .left = s };
}

static inline bool reader_ok(const struct reader *r)
{
        return !r->fault;
}

/* Leaves a fault; the first one stays, the rest of the input is forgotten. */
static inline void reader_fail(struct reader *r, const char *fault)
{
        if (!r->fault)
                r->fault = fault;
        r->left.len = 0;
}

/* Borrows the next n bytes: lives as long as the reader's input. Empty on a fault. */
static inline struct slice reader_take(struct reader *r, size_t n)
{
        struct slice taken;

        if (n > r->left.len) {
                r->ended = r->ended || !r->fault;
                reader_fail(r, "input ends too early");
                return (struct slice){ 0 };
        }
        taken = (struct slice){ r->left.data, n };
        if (n == 0) /* also of nothing at all: no arithmetic on NULL */
                return taken;
        r->left.data += n;
        r->left.len -= n;
        return taken;
}

/* A reader fenced to the next n bytes; it inherits the fault of its parent. */
static inline struct reader reader_sub(struct reader *r, size_t n)
{
        struct slice s = reader_take(r, n);

        return (struct reader){ .left = s, .fault = r->fault, .ended = r->ended };
}

static inline uint8_t reader_u8(struct reader *r)
{
        struct slice s = reader_take(r, 1);

        return s.len ? s.data[0] : 0;
}

static inline uint16_t reader_be16(struct reader *r)
{
        struct slice s = reader_take(r, 2);

        return s.len ? (uint16_t)(s.data[0] << 8 | s.data[1]) : 0;
}

static inline uint32_t reader_be32(struct reader *r)
{
        struct slice s = reader_take(r, 4);

        return s.len ? (uint32_t)s.data[0] << 24 | (uint32_t)s.data[1] << 16 |
                               (uint32_t)s.data[2] << 8 | s.data[3]
                     : 0;
}

static inline uint64_t reader_be64(struct reader *r)
{
        uint64_t high = reader_be32(r);

        return high << 32 | reader_be32(r);
}

/* The next byte without reading it; 0 at the end, without a fault. */
static inline uint8_t reader_peek(const struct reader *r)
{
        return slice_at(r->left, 0);
}
