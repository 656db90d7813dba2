/* SPDX-License-Identifier: MIT */
/*
 * Puts the pieces of an APDU together: HDLC segments, M-Bus segments, blocks of a block transfer.
 *
 *      HDLC     the first has an LLC header, all but the last have the S bit   no numbers
 *      M-Bus    EN 13757-3: CI counts from 0, modulo 16, bit 4 marks the last
 *      blocks   IEC 62056-5-3 §7.3.13: count from 1, bit 7 of the control marks the last
 *
 * A piece out of order drops the collected ones: an APDU is whole or it is nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"

/* Telegrams up to 700 bytes were seen: the first room, and the cap to which it doubles. */
#define ASSEMBLY_BYTES_FIRST 1024
#define ASSEMBLY_BYTES       8192
/* Destination and source of an HDLC frame, four bytes each. */
#define ASSEMBLY_SENDER_BYTES 8
/*
 * So many bytes of no frame may come between pieces. Where pieces have numbers, nothing can be
 * missing: a byte or two of noise does no harm. Without numbers, fewer than four octets between two
 * flags are no frame (ISO 13239 §4.2.4), so that none was lost.
 */
#define ASSEMBLY_STRAY_NUMBERED 4
#define ASSEMBLY_STRAY          3

struct assembly {
        bool open;     /* pieces were collected, and others must follow */
        bool numbered; /* of those pieces */
        bool over;     /* the last piece was taken: only its repetition is expected */
        uint8_t sender[ASSEMBLY_SENDER_BYTES];
        size_t n_sender;
        uint16_t number;    /* of the last piece */
        size_t last_length; /* its bytes, to know it when it is repeated */
        uint64_t stray;     /* bytes of no frame since the last piece */
        uint64_t offset;    /* of the first piece's frame */
        uint64_t n_lost;    /* given up unfinished: never reset */
        size_t len, room;
        uint8_t *bytes; /* owned; NULL until a first piece comes: many meters send none */
};

enum assembly_result {
        ASSEMBLY_MORE,     /* taken: other pieces must follow */
        ASSEMBLY_COMPLETE, /* taken: `bytes` and `len` are the APDU, until the next piece */
        ASSEMBLY_SINGLE,   /* not taken: it holds its APDU alone */
        ASSEMBLY_REPEATED, /* the piece before once more: nothing to do */
        ASSEMBLY_ORPHAN,   /* the piece before it is missing: dropped */
        ASSEMBLY_OVERFLOW, /* longer than any telegram, or no memory: dropped */
};

void assembly_init(struct assembly *a);
void assembly_done(struct assembly *a);

/* `offset`: where in the stream the frame of the piece begins. */
enum assembly_result assembly_put(struct assembly *a, const struct link_piece *piece,
                                  uint64_t offset);

/* n bytes that belong to no frame came: few of them are forgiven. */
void assembly_stray(struct assembly *a, uint64_t n);

/* Gives up the collected pieces: the line paused, or a frame was damaged. */
void assembly_drop(struct assembly *a);
