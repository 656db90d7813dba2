/* SPDX-License-Identifier: MIT */
/*
 * The decoder's inside, shared by its two files: decoder.c puts frames together, decoder-apdu.c
 * opens what came out.
 */
#pragma once

#include "aead.h"
#include "decoder.h"
#include "gbt.h"
#include "scanner.h"

/* Titles whose frame counters are remembered: meters on one line, two at most in the field. */
#define DECODER_COUNTERS      4
#define DECODER_ADDRESS_BYTES 8

/* By which mechanism a telegram is being put together. */
enum assembly_kind {
        ASSEMBLY_NONE,
        ASSEMBLY_SEGMENTS, /* HDLC, S bit */
        ASSEMBLY_BLOCKS,   /* general block transfer */
        ASSEMBLY_MBUS,     /* CI numbers */
};

struct assembly {
        enum assembly_kind kind;
        struct gbt gbt;
        uint8_t next_segment;
        uint8_t addresses[DECODER_ADDRESS_BYTES]; /* of the HDLC frames it is made of */
        size_t n_addresses;
        uint64_t offset; /* of the first frame */
        size_t len;
        uint8_t bytes[DECODER_APDU_BYTES];
};

struct decoder {
        struct decoder_options options;
        struct decoder_statistics statistics;
        struct aead *aead;

        struct slice rest;      /* APDUs still to be opened: in a frame, or in the assembly */
        bool rest_assembled;    /* put together from several frames: must parse to the last byte */
        bool rest_blocks;       /* by block transfer */
        struct slice text;      /* a text or SML frame still to be read */
        struct slice addresses; /* of the HDLC frame that `rest` is in */
        enum link_type framing;
        uint64_t offset;

        struct {
                uint8_t title[CIPHER_TITLE_BYTES];
                uint32_t counter;
                bool used;
        } counters[DECODER_COUNTERS];
        size_t next_counter;

        struct telegram *telegram;           /* both in the scratch */
        uint8_t *plain;                      /* DECODER_APDU_BYTES */
        struct decoder_scratch *own_scratch; /* NULL: the caller's is used */

        struct scanner scanner;
        struct assembly assembly;
};

enum open_result {
        OPEN_NOTHING,  /* consumed without an event: a block that is not the last */
        OPEN_TELEGRAM, /* *d->telegram */
        OPEN_FAULT,    /* *ret_fault */
};

/* Opens the first APDU of d->rest and takes it off. */
enum open_result decoder_open_apdu(struct decoder *d, const char **ret_fault);
/* Reads d->text by the framing it came in. */
enum open_result decoder_open_text(struct decoder *d, const char **ret_fault);

/* The assembly starts with the frame that d->offset and d->addresses tell of. */
void assembly_begin(struct decoder *d, enum assembly_kind kind);
/* False when the current frame is of another meter: never put between the pieces of this one. */
bool assembly_goes_on(const struct decoder *d, enum assembly_kind kind);
/* False, and the assembly is given up, when it would grow beyond its bound. */
bool assembly_append(struct decoder *d, struct slice bytes);
/* Hands the assembled APDU on, as d->rest. */
void assembly_complete(struct decoder *d);
void assembly_drop(struct decoder *d);
