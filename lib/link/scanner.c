/* SPDX-License-Identifier: MIT */
/*
 * The scanner: one window over the stream, one candidate position in it.
 *
 *      bytes: [ before | at: candidate … | free ]   input: [ not yet taken in ]
 */
#include "scanner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define SHORT_FRAME_MAX 15

int scanner_init(struct scanner *s, enum scanner_input mode)
{
        *s = (struct scanner){ .mode = mode };
        for (unsigned int byte = 0; byte < 256; byte++)
                for (unsigned int i = 0; link_table[i]; i++)
                        if (link_table[i]->starts((uint8_t)byte))
                                s->starts[byte] |= (uint8_t)(1U << i);
        for (unsigned int i = 0; link_table[i]; i++) {
                s->framed |= (uint8_t)(!link_table[i]->unframed << i);
                s->unframed |= (uint8_t)(link_table[i]->unframed << i);
        }
        s->bytes = malloc(SCANNER_BYTES_FIRST);
        s->room = s->bytes ? SCANNER_BYTES_FIRST : 0;
        return s->bytes ? 0 : -ENOMEM;
}

void scanner_done(struct scanner *s)
{
        free(s->bytes);
        s->bytes = NULL;
        s->room = 0;
}

void scanner_expect(struct scanner *s, const struct link_ops *link)
{
        s->expected = link;
}

void scanner_prove(struct scanner *s, const struct link_ops *link)
{
        s->proven = link;
        s->proven_mask = 0;
        for (unsigned int i = 0; link_table[i]; i++)
                if (link_table[i] == link)
                        s->proven_mask = (uint8_t)(s->framed & 1U << i);
}

void scanner_retract(struct scanner *s, size_t frame_bytes)
{
        s->at -= frame_bytes - 1;
        s->quiet = s->at;
        s->need = 0;
}

/* Which framings the next positions are offered to. */
static uint8_t offered(const struct scanner *s)
{
        if (s->mode == SCANNER_UNFRAMED || s->at < s->unframed_to)
                return s->unframed;
        return s->proven ? s->proven_mask : s->framed;
}

void scanner_feed(struct scanner *s, struct slice input)
{
        if (s->pausing && input.len > 0) {
                /* Bytes that wait from before the pause stand in front of the burst, and go on. */
                s->bursting = s->at == s->len;
                s->burst_at = s->len;
                s->pausing = false;
        }
        s->input = input;
        s->gap = s->finished = false;
}

void scanner_gap(struct scanner *s)
{
        s->gap = true;
        s->pausing = s->mode == SCANNER_LINE;
        s->shut = 0;
}

void scanner_finish(struct scanner *s)
{
        s->finished = true;
}

void scanner_reset(struct scanner *s)
{
        s->offset += s->len + s->input.len;
        s->input = (struct slice){ 0 };
        s->at = s->len = s->need = s->boundary = s->quiet = s->shut = 0;
        s->garbage = 0;
        s->gap = s->finished = s->pausing = s->bursting = false;
        s->unframed_to = 0;
        if (s->proven)
                s->expected = s->proven;
        s->proven = s->last = NULL;
        s->in_row = 0;
}

/* Drops the first n bytes of the window. */
static void drop(struct scanner *s, size_t n)
{
        memmove(s->bytes, s->bytes + n, s->len - n);
        s->offset += n;
        s->at -= n;
        s->len -= n;
        s->boundary -= MIN(n, s->boundary);
        s->quiet -= MIN(n, s->quiet);
        s->shut -= MIN(n, s->shut);
        s->burst_at -= MIN(n, s->burst_at);
        s->unframed_to -= MIN(n, s->unframed_to);
}

/* For n bytes more, or for as many as there will ever be room; without memory it stays. */
static void grow(struct scanner *s, size_t n)
{
        size_t room = s->room;
        uint8_t *bytes;

        while (room < s->len + n && room < SCANNER_BYTES)
                room = MIN(2 * room, (size_t)SCANNER_BYTES);
        bytes = room > s->room ? realloc(s->bytes, room) : NULL;
        if (!bytes)
                return;
        s->bytes = bytes;
        s->room = room;
}

/* Takes input into the window. False when there is none or no room. */
static bool take_in(struct scanner *s)
{
        size_t keep = MIN(s->at - MIN(s->boundary, s->at), (size_t)LINK_BEFORE_MAX);
        size_t n;

        s->full = false;
        if (s->input.len == 0)
                return false;
        if (s->at == s->len && s->boundary == s->at)
                drop(s, s->at);
        else if (s->input.len > s->room - s->len)
                drop(s, s->at - keep);
        grow(s, s->input.len);
        n = MIN(s->input.len, s->room - s->len);
        s->full = n == 0;
        memcpy(s->bytes + s->len, s->input.data, n);
        s->len += n;
        s->input = slice_from(s->input, n);
        return n > 0;
}

/* Flags, line ends and idle zeros between frames are not counted as garbage. */
static bool is_fill(const struct scanner *s, uint8_t byte)
{
        return byte == 0x7e || byte == '\r' || byte == '\n' || byte == 0 ||
               (s->last && byte == s->last->filler);
}

static void skip(struct scanner *s, size_t n)
{
        for (; n > 0; n--, s->at++) {
                if (is_fill(s, s->bytes[s->at]))
                        continue;
                s->garbage_bytes++;
                if (s->at < s->quiet)
                        continue;
                if (s->garbage++ == 0)
                        s->garbage_offset = s->offset + s->at;
        }
        s->need = 0;
}

/* The answer of the framings for one position. */
struct probe {
        enum link_result result;
        const struct link_ops *link; /* the one whose answer counts; NULL with LINK_NONE */
        struct link_found found;
};

static struct probe probe_at(const struct scanner *s, size_t at, bool proven_only)
{
        struct slice here = { s->bytes + at, s->len - at };
        size_t keep = MIN(at - MIN(s->boundary, at), (size_t)LINK_BEFORE_MAX);
        struct slice before = { s->bytes + at - keep, keep };
        struct probe probe = { .result = LINK_NONE };
        uint8_t starts = s->starts[here.data[0]] & offered(s);

        for (unsigned int i = 0; link_table[i] && starts >> i; i++) {
                struct link_found found = { 0 };
                enum link_result result;

                if (!(starts >> i & 1) || (proven_only && !link_table[i]->proves_itself))
                        continue;
                result = link_table[i]->probe(here, before, &found);
                if (result == LINK_WHOLE)
                        return (struct probe){ result, link_table[i], found };
                /* Of two that wait for more bytes, the one that needs fewer is asked again. */
                if (result == LINK_MORE && probe.result == LINK_MORE)
                        found.need = MIN(found.need, probe.found.need);
                if (result != LINK_NONE && result >= probe.result)
                        probe = (struct probe){ result, link_table[i], found };
        }
        return probe;
}

/* After a pause: a whole frame further on proves that the candidate was none, or was cut. */
static bool hides_a_frame(const struct scanner *s, size_t *ret_at)
{
        for (size_t at = s->at + 1; at < s->len; at++) {
                if (s->starts[s->bytes[at]] && probe_at(s, at, true).result == LINK_WHOLE) {
                        *ret_at = at;
                        return true;
                }
        }
        return false;
}

static struct scan fault_at(const struct scanner *s, size_t at, const struct link_ops *link,
                            const char *what)
{
        return (struct scan){
                .type = SCAN_FAULT, .offset = s->offset + at, .link = link, .fault = what
        };
}

static struct scan garbage_fault(struct scanner *s)
{
        struct scan scan = { .type = SCAN_FAULT,
                             .offset = s->garbage_offset,
                             .fault = "bytes that belong to no frame",
                             .garbage = s->garbage };

        s->garbage = 0;
        return scan;
}

/* The closing flag of the last frame is no frame begun. */
static bool is_all_fill(const struct scanner *s)
{
        for (size_t i = s->at; i < s->len; i++)
                if (!is_fill(s, s->bytes[i]))
                        return false;
        return true;
}

/* A candidate that waits for bytes which will not come. False when they may. */
static bool give_up(struct scanner *s, const struct link_ops *link, struct scan *ret)
{
        size_t to = s->at + 1;
        bool too_long = s->full || s->len - s->at >= LINK_FRAME_MAX;

        if (!too_long && !s->finished && !(s->gap && hides_a_frame(s, &to)))
                return false;
        if (s->finished && is_all_fill(s)) {
                skip(s, s->len - s->at);
                return false;
        }
        *ret = fault_at(s, s->at, link, "a frame that has no end");
        s->quiet = MAX(s->quiet, s->finished ? s->len : to);
        skip(s, to - s->at);
        return true;
}

/* Two in a row prove what the line speaks. Very short frames hold nothing, and noise holds them. */
static void note_framing(struct scanner *s, const struct scan *scan)
{
        if (scan->link->unframed || scan->frame.len <= SHORT_FRAME_MAX)
                return;
        s->in_row = s->last == scan->link ? s->in_row + 1 : 1;
        s->last = scan->link;
        if (!s->proven && (s->in_row > 1 || s->last == s->expected))
                scanner_prove(s, s->last);
}

static struct scan frame_at(struct scanner *s, const struct probe *probe)
{
        struct scan scan = { .type = SCAN_FRAME,
                             .offset = s->offset + s->at,
                             .link = probe->link,
                             .frame = { s->bytes + s->at, probe->found.len } };

        s->at += scan.frame.len;
        s->boundary = s->quiet = s->at;
        s->need = s->shut = 0;
        note_framing(s, &scan);
        return scan;
}

static struct scan damage_at(struct scanner *s, const struct probe *probe)
{
        struct scan scan = fault_at(s, s->at, probe->link, probe->found.fault);

        s->quiet = MAX(s->quiet, s->at + MAX(probe->found.len, (size_t)1));
        s->opens = s->bytes[s->at];
        s->shut = s->at + probe->found.reach;
        skip(s, 1);
        return scan;
}

/* A frame inside the bytes of a damaged one must prove itself. */
static bool is_inside_damage(struct scanner *s)
{
        if (s->bytes[s->at] == s->opens)
                s->shut = 0;
        return s->at < MAX(s->quiet, s->shut);
}

/* The length of a whole unframed frame at the start of `here`, 0 when there is none. */
static size_t unframed_length(struct slice here)
{
        for (unsigned int i = 0; link_table[i]; i++) {
                struct link_found found = { 0 };

                if (link_table[i]->unframed && link_table[i]->starts(here.data[0]) &&
                    link_table[i]->probe(here, (struct slice){ 0 }, &found) == LINK_WHOLE)
                        return found.len;
        }
        return 0;
}

/* A burst that is unframed frames from its first byte to its last, fill apart. */
static bool is_unframed(const struct scanner *s)
{
        size_t at = s->at;

        while (at < s->len) {
                struct slice here = { s->bytes + at, s->len - at };
                size_t n = is_fill(s, here.data[0]) ? 1 : unframed_length(here);

                if (n == 0)
                        return false;
                at += n;
        }
        return true;
}

/*
 * While nothing has proved itself: a burst that begins as something unframed is held until the next
 * pause shows whether it is all of that. True while it is held.
 */
static bool hold_burst(struct scanner *s)
{
        if (!s->bursting || s->at != s->burst_at || s->at == s->len)
                return false;
        s->bursting = !(s->proven && !s->proven->unframed) &&
                      s->starts[s->bytes[s->at]] & s->unframed && !s->full &&
                      s->len - s->at < LINK_FRAME_MAX;
        if (!s->bursting)
                return false;
        if (!s->gap && !s->finished)
                return true;
        s->bursting = false;
        if (is_unframed(s))
                s->unframed_to = s->len;
        return false;
}

/* Takes in bytes until the candidate can be asked. False when there are not enough. */
static bool have_candidate(struct scanner *s)
{
        while (s->at == s->len || (s->len - s->at < s->need && !s->gap && !s->finished))
                if (!take_in(s))
                        return s->at < s->len && (s->finished || s->full);
        return true;
}

/* Only the bytes behind an unframed frame show whether its length is right: it is kept. */
static bool is_open_ended(struct scanner *s, const struct probe *probe)
{
        if (probe->result != LINK_WHOLE || !probe->link->unframed ||
            probe->found.len != s->len - s->at || s->gap || s->finished)
                return false;
        s->open_offset = s->offset + s->at;
        s->open_bytes = probe->link->follows && !probe->found.unsure ? probe->found.len : 0;
        s->open_link = probe->link;
        return true;
}

/* Asks the framings about the candidate; of one that was kept, only the bytes behind it count. */
static struct probe assess(struct scanner *s)
{
        if (s->open_bytes > 0 && s->open_offset == s->offset + s->at) {
                size_t end = s->at + s->open_bytes;

                if (s->open_link->follows((struct slice){ s->bytes + end, s->len - end }))
                        return (struct probe){ LINK_WHOLE, s->open_link, { .len = s->open_bytes } };
        }
        return probe_at(s, s->at, is_inside_damage(s));
}

struct scan scanner_next(struct scanner *s)
{
        struct scan scan = { .type = SCAN_MORE };

        while (have_candidate(s)) {
                struct probe probe;

                if (hold_burst(s)) {
                        if (take_in(s) || s->full)
                                continue;
                        break;
                }
                if (!(s->starts[s->bytes[s->at]] & offered(s))) {
                        skip(s, 1);
                        continue;
                }
                probe = assess(s);
                if (is_open_ended(s, &probe)) {
                        probe.result = LINK_MORE;
                        probe.found.need = s->len - s->at + 1;
                }
                switch (probe.result) {
                case LINK_NONE:
                        skip(s, 1);
                        continue;
                case LINK_DAMAGED:
                        return damage_at(s, &probe);
                case LINK_WHOLE:
                        return s->garbage ? garbage_fault(s) : frame_at(s, &probe);
                case LINK_MORE:
                        break;
                }
                s->need = probe.found.need;
                if (take_in(s))
                        continue;
                if (give_up(s, probe.link, &scan))
                        return scan;
                break;
        }
        return s->at == s->len && s->finished && s->garbage ? garbage_fault(s) : scan;
}
