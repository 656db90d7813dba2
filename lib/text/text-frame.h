/* SPDX-License-Identifier: MIT */
/*
 * Where a text telegram ends, and which it is. P1 and IEC 62056-21 readouts both begin with an
 * identification line; they differ in their end, and in the form of the first object:
 *
 *      /ISk5\2MT382-1000 CRLF CRLF objects !5A1C CRLF        P1 (CRC-16/ARC from '/' to '!')
 *      /ISk5\2MT382-1004 CRLF CRLF 1-0:1.8.1(…) … ! CRLF     P1 before DSMR 4: no check sum
 *      /EGM5G35          CRLF CRLF 00 82 LLLL … !FE0C CRLF   P1 with a ciphered APDU in it
 *      /EBZ5DD3          CRLF CRLF 1-0:1.8.0*255(…) … ! CRLF readout, mode D
 *      /LGZ4ZMD          CRLF STX 1.8.0(…) … ! CRLF ETX BCC  readout, mode C
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "lib/link/link.h"
#include "lib/value/reader.h"

enum text_kind {
        TEXT_P1,
        TEXT_P1_CIPHERED,
        TEXT_READOUT,
};

struct text_frame {
        enum text_kind kind;
        bool parity;        /* bit 7 of every byte is even parity */
        bool foreign;       /* a value has bytes that are no ASCII */
        bool unchecked;     /* no digits of a check sum stand behind its '!' */
        struct slice ident; /* between '/' and CR; empty when there is none */
        struct slice data;  /* the lines between identification and '!' */
        struct slice apdu;  /* of TEXT_P1_CIPHERED */
};

/* True for '/', also with parity in bit 7. */
bool text_frame_starts(uint8_t byte);

/*
 * Looks for a whole frame at the '/' that begins `s`; results as link_ops.probe(). `ended`: no more
 * bytes will come, so the last line may lack its CR LF (deciphered text). On LINK_DAMAGED ret->kind
 * says of which framing it was; nothing else is filled in then.
 */
enum link_result text_frame_find(struct slice s, bool ended, struct text_frame *ret,
                                 struct link_found *ret_found);

/*
 * Takes apart a whole frame of link_p1 or link_iec62056_21, which is not verified again: all but
 * its kind, which the framing sets (except TEXT_P1_CIPHERED).
 */
void text_frame_open(struct slice s, struct text_frame *ret);

/*
 * The part of a readout from its STX (the first byte of `s`) to its block check character, which is
 * verified. Results as link_ops.probe(); fills in ret->data and ret->parity.
 */
enum link_result text_frame_find_block(struct slice s, struct text_frame *ret,
                                       struct link_found *ret_found);

/* True when every line is an object of a short code, "C.D.E" without "A-B:". */
bool text_frame_is_strict(struct slice data, bool parity);
