/* SPDX-License-Identifier: MIT */
/*
 * Ciphered APDUs (IEC 62056-5-3 §5.7, §7; Green Book 9.2.7): takes off general-glo-ciphering (DB),
 * general-ded-ciphering (DC), general-ciphering (DD) and the glo-/ded- service variants,
 * deciphers AES-128-GCM, verifies the tag, and says which key is wrong.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aead.h"
#include "lib/value/reader.h"

#define CIPHER_KEY_BYTES   16
#define CIPHER_TITLE_BYTES 8
#define CIPHER_TAG_BYTES   12

/* Keys of one meter. Wipe with cipher_keys_wipe() when done. */
struct cipher_keys {
        bool has_key, has_auth_key, has_title;
        uint8_t key[CIPHER_KEY_BYTES];      /* global unicast encryption key (GUEK, GPK60) */
        uint8_t auth_key[CIPHER_KEY_BYTES]; /* authentication key (GAK, GPK61) */
        uint8_t title[CIPHER_TITLE_BYTES];  /* for meters that do not send theirs */
};

/* The header before the ciphertext. Slices borrow from the APDU. */
struct cipher_header {
        uint8_t tag;              /* DB, DC, DD, CA, D2 …; 0 for a bare header (Stoen P1) */
        struct slice title;       /* 8 bytes, or empty */
        struct slice aad;         /* DD: transaction id … other information, for the AAD */
        uint8_t security_control; /* 0x10 authenticated, 0x20 encrypted, low nibble suite */
        uint32_t frame_counter;
        struct slice ciphertext; /* without the tag */
        struct slice tag_bytes;  /* 12 bytes, or empty */
        size_t apdu_bytes;       /* the whole APDU, from its first byte on */
};

/* True when this byte begins an APDU that this module deciphers. */
bool cipher_is_tag(uint8_t byte);

/*
 * Reads the header; the APDU may be followed by other bytes. -EBADMSG with *ret_fault in words when
 * it cannot be one, -EAGAIN when it could be but the bytes end before it does.
 */
int cipher_parse(struct slice apdu, struct cipher_header *ret, const char **ret_fault);

enum cipher_tag_result {
        CIPHER_TAG_ABSENT,      /* the telegram has none */
        CIPHER_TAG_NOT_CHECKED, /* no authentication key is configured */
        CIPHER_TAG_OK,
        CIPHER_TAG_WRONG,
};

/*
 * Deciphers into `buf`, which holds header->ciphertext.len bytes. The plaintext is written even
 * when the tag is wrong, so that the caller can find which key is; it must not yield readings then.
 * -ENOKEY without a key, -EDESTADDRREQ without a system title, -EOPNOTSUPP for suite 2 or
 * compression, -EIO when libcrypto fails.
 */
int cipher_open(struct aead *aead, const struct cipher_header *header,
                const struct cipher_keys *keys, uint8_t *buf, enum cipher_tag_result *ret_tag);

/*
 * The way back: `plain`, as long as the ciphertext of this header, into `text`, and the tag, where
 * the header has one, into `tag`. -EDESTADDRREQ without a system title, -EIO.
 */
int cipher_seal(struct aead *aead, const struct cipher_header *header,
                const struct cipher_keys *keys, struct slice plain, uint8_t *text, uint8_t *tag);

/*
 * Reads a key as people write it: 32 hex digits with spaces, colons, dashes, quotes, 0x. -EINVAL
 * when it is none; then *ret_fault says why, in words.
 */
int cipher_key_parse(const char *text, uint8_t ret[static CIPHER_KEY_BYTES],
                     const char **ret_fault);

/* The same for a system title: 16 hex digits. */
int cipher_title_parse(const char *text, uint8_t ret[static CIPHER_TITLE_BYTES],
                       const char **ret_fault);

void cipher_keys_wipe(struct cipher_keys *keys);
