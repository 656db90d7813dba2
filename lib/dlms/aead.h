/* SPDX-License-Identifier: MIT */
/*
 * AES-128-GCM (NIST SP 800-38D), the one cipher of security suite 0, and AES-128-CBC of OMS mode 5.
 * Only aead.c knows libcrypto.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/value/reader.h"

#define AEAD_KEY_BYTES   16
#define AEAD_NONCE_BYTES 12

struct aead; /* cipher contexts, kept so that a telegram costs no allocation */

/* Owned by the caller. -ENOMEM. */
int aead_new(struct aead **ret);
struct aead *aead_free(struct aead *a); /* wipes its keys */

/* The last key stays expanded for the next call. It has been taken away: nothing of it stays. */
void aead_forget_key(struct aead *a);

/*
 * Deciphers `in` into `out` (in.len bytes). With tag.len 0 nothing is verified and *ret_verified is
 * false; else *ret_verified says whether the tag (truncated as it is) fits `aad` and `in`. The
 * plaintext is written either way. Plaintext that was only authenticated goes in as aad, with `in`
 * empty. -EIO when libcrypto fails.
 */
int aead_open(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const struct slice aad[], size_t n_aad,
              struct slice in, struct slice tag, uint8_t *out, bool *ret_verified);

/*
 * AES-128-CBC without padding: `in` is whole blocks of 16 bytes, `out` holds as many. Nothing is
 * verified. -EIO when libcrypto fails.
 */
int aead_open_cbc(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
                  const uint8_t iv[static 16], struct slice in, uint8_t *out);

/*
 * The way back, for reports that are enciphered anew: enciphers `in` into `out` (in.len bytes), and
 * makes a tag of n_tag bytes (0: none). -EIO when libcrypto fails.
 */
int aead_seal(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const struct slice aad[], size_t n_aad,
              struct slice in, uint8_t *out, uint8_t *tag, size_t n_tag);
int aead_seal_cbc(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
                  const uint8_t iv[static 16], struct slice in, uint8_t *out);

/* Overwrites memory that held keys, in a way the compiler keeps. */
void aead_wipe(void *memory, size_t n);
