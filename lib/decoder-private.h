/* SPDX-License-Identifier: MIT */
/*
 * The decoder's inside, shared by its files: decoder.c puts frames together, decoder-apdu.c opens
 * their contents, decoder-trust.c remembers titles and lists and decides whether they are believed.
 */
#pragma once

#include "decoder-doubt.h"
#include "decoder.h"
#include "lib/dlms/aead.h"
#include "lib/dlms/layout.h"
#include "lib/link/assembly.h"
#include "lib/link/scanner.h"

/* Titles whose frame counters are remembered: meters on one line, two at most in the field. */
#define DECODER_TITLES 4
/* Lists that meters on one line send in turn: three at most in the field (E450), by two meters. */
#define DECODER_KINDS 16

struct decoder {
        struct decoder_options options;
        struct decoder_statistics statistics;
        struct aead *aead;

        struct slice rest;   /* APDUs still to be opened: in a frame, or in an assembly */
        bool rest_assembled; /* put together from several frames: must parse to the last byte */
        bool rest_blocks;    /* by block transfer */
        bool rest_ciphered;  /* whatever its tag is */
        struct slice text;   /* a frame that is a whole telegram, still to be read */
        struct slice sender; /* of the frame that `rest` is in */
        struct profile_memo matched;
        struct telegram_memo memo;
        const struct link_ops *link;
        uint64_t offset;

        struct decoder_known_title {
                uint8_t title[CIPHER_TITLE_BYTES];
                bool used;
                uint64_t meter; /* digest of the id it sends */
                uint64_t keys;  /* digest of those it was opened with; others begin anew */
                struct decoder_title known;
        } titles[DECODER_TITLES];
        size_t next_title;
        struct decoder_kind {
                uint64_t digest; /* of a telegram without its values */
                uint64_t sender;
                size_t bytes; /* of its APDU */
        } kinds[DECODER_KINDS];
        size_t n_kinds;
        size_t apdu_bytes; /* of the APDU that is being opened, with the bytes behind it */
        struct doubt_pasts pasts;
        uint8_t wrong_title[CIPHER_TITLE_BYTES]; /* of the last telegram whose key seemed wrong */
        uint32_t wrong_counter;                  /* its frame counter */
        uint64_t wrong_end;                      /* where it ended in the stream */
        bool has_wrong_title;
        size_t frame_bytes; /* of the frame that is being opened */

        char last_id[TELEGRAM_ID_MAX]; /* of the last text that no check of 16 bits bears out */
        uint64_t checked; /* who sent the last text that a check sum bore out; 0: none */

        struct layout_doubt doubt; /* of the last notification */

        struct telegram *telegram;           /* both in the scratch */
        uint8_t *plain;                      /* DECODER_APDU_BYTES */
        struct decoder_scratch *own_scratch; /* NULL: the caller's is used */

        struct scanner scanner;
        struct assembly segments, blocks;
};

enum open_result {
        OPEN_NOTHING,  /* consumed without an event: a block that is not the last */
        OPEN_TELEGRAM, /* *d->telegram */
        OPEN_FAULT,    /* *ret_fault */
};

/* Opens the first APDU of d->rest and takes it off. */
enum open_result decoder_open_apdu(struct decoder *d, const char **ret_fault);
/* Reads d->text as its link reads it. */
enum open_result decoder_read_text(struct decoder *d, const char **ret_fault);
/* Opens next the APDU that was put together. */
void decoder_take_assembled(struct decoder *d, const struct assembly *assembly);
/*
 * Decides about an opened telegram: one that no check sum bears out is held back until it comes
 * again, and the bytes of an unframed frame that is none are scanned again.
 */
void decoder_weigh(struct decoder *d, enum open_result *result);

/* ---- decoder-trust.c: earlier telegrams decide what is believed now ---- */

/* True when these keys have opened telegrams before: of this title, or this title is damaged. */
bool trust_keys(struct decoder *d, const struct cipher_keys *keys);
/* True when this title has sent a good tag before, by these keys. */
bool trust_authenticated(struct decoder *d, const struct cipher_keys *keys);
/* Notes a telegram that was read. False when it is refused: the telegram says why. */
bool trust_ciphered(struct decoder *d, const struct cipher_keys *keys);
/* The same for one that came as plain text. */
bool trust_plain(struct decoder *d);
/* True when the same telegram, but for its values, was seen before; now it was. */
bool trust_kind(struct decoder *d);
/*
 * The same of a file, where a list that comes once counts too: false when one of the same sender
 * and length was another. Damage flips bits; another list is longer or shorter.
 */
bool trust_variant(struct decoder *d);
/* True when no check of 16 bits or more bears out the telegram that is being read. */
bool trust_is_weak(const struct decoder *d);
/* The sender of the telegram: a digest of its title, else of its address and id. Never 0. */
uint64_t trust_sender(const struct decoder *d);
/* Notes the id of a telegram that is believed. */
void trust_note_id(struct decoder *d);
/* A digest of the model that a text names. Never 0. */
uint64_t trust_text(const struct decoder *d);
