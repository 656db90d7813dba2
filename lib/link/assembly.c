/* SPDX-License-Identifier: MIT */
#include "assembly.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

void assembly_init(struct assembly *a)
{
        *a = (struct assembly){ 0 };
}

void assembly_done(struct assembly *a)
{
        free(a->bytes);
        *a = (struct assembly){ 0 };
}

void assembly_drop(struct assembly *a)
{
        a->n_lost += a->open;
        a->open = a->over = false;
        a->stray = 0;
        a->len = 0;
}

void assembly_stray(struct assembly *a, uint64_t n)
{
        a->stray += n;
        if (a->open && a->stray > (a->numbered ? ASSEMBLY_STRAY_NUMBERED : ASSEMBLY_STRAY))
                assembly_drop(a);
}

static bool is_of_sender(const struct assembly *a, const struct link_piece *piece)
{
        return slice_equal((struct slice){ a->sender, a->n_sender },
                           slice_first(piece->sender, ASSEMBLY_SENDER_BYTES));
}

static void begin(struct assembly *a, const struct link_piece *piece, uint64_t offset)
{
        assembly_drop(a);
        a->open = true;
        a->numbered = piece->numbered;
        a->offset = offset;
        a->n_sender = MIN(piece->sender.len, (size_t)ASSEMBLY_SENDER_BYTES);
        if (a->n_sender > 0)
                memcpy(a->sender, piece->sender.data, a->n_sender);
}

/* The piece before once more, byte by byte: a meter that repeats itself does no harm. */
static bool is_repeated(const struct assembly *a, const struct link_piece *piece)
{
        struct slice collected = { a->bytes, a->len };

        return (a->open || a->over) && a->numbered && piece->numbered && is_of_sender(a, piece) &&
               piece->number == a->number && piece->bytes.len == a->last_length &&
               a->len > a->last_length &&
               slice_equal(piece->bytes, slice_from(collected, a->len - a->last_length));
}

static bool goes_on(const struct assembly *a, const struct link_piece *piece)
{
        if (!a->open || a->numbered != piece->numbered || !is_of_sender(a, piece))
                return false;
        return !piece->numbered || piece->number == (a->number + 1U) % piece->modulus;
}

/* Once it is large enough for the telegrams of its meter, it stays. */
static bool make_room(struct assembly *a, size_t n)
{
        size_t room = MAX(a->room, (size_t)ASSEMBLY_BYTES_FIRST);
        uint8_t *bytes;

        if (n > ASSEMBLY_BYTES - a->len)
                return false;
        while (room < a->len + n)
                room *= 2;
        if (room == a->room)
                return true;
        bytes = realloc(a->bytes, room);
        if (!bytes)
                return false;
        a->bytes = bytes;
        a->room = room;
        return true;
}

static enum assembly_result append(struct assembly *a, const struct link_piece *piece)
{
        if (!make_room(a, piece->bytes.len)) {
                assembly_drop(a);
                return ASSEMBLY_OVERFLOW;
        }
        if (piece->bytes.len > 0)
                memcpy(a->bytes + a->len, piece->bytes.data, piece->bytes.len);
        a->len += piece->bytes.len;
        a->last_length = piece->bytes.len;
        a->number = piece->number;
        a->stray = 0;
        a->open = !piece->last;
        a->over = piece->last;
        return piece->last ? ASSEMBLY_COMPLETE : ASSEMBLY_MORE;
}

/* An APDU alone in its frame. An earlier one of its sender cannot go on after it. */
static enum assembly_result pass_single(struct assembly *a, const struct link_piece *piece)
{
        if (is_of_sender(a, piece))
                assembly_drop(a);
        return ASSEMBLY_SINGLE;
}

enum assembly_result assembly_put(struct assembly *a, const struct link_piece *piece,
                                  uint64_t offset)
{
        if (is_repeated(a, piece))
                return ASSEMBLY_REPEATED;
        if (piece->first && piece->last)
                return pass_single(a, piece);
        if (piece->first) {
                begin(a, piece, offset);
                return append(a, piece);
        }
        if (goes_on(a, piece))
                return append(a, piece);
        /* Without numbers a last piece may be no piece at all: firmware that leaves out the LLC. */
        if (!piece->numbered && piece->last)
                return pass_single(a, piece);
        if (piece->numbered && is_of_sender(a, piece))
                assembly_drop(a);
        return ASSEMBLY_ORPHAN;
}
