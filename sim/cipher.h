/* SPDX-License-Identifier: MIT */
/*
 * Ciphered APDUs as meters send them (IEC 62056-5-3 §5.7; Green Book 9.2.7): AES-128-GCM with
 * nonce = system title ‖ invocation counter and additional data = SC ‖ authentication key.
 *
 *      DB | 08 title | length | SC | IC (4) | ciphertext [| tag (12)]
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "out.h"

#define SIM_KEY_BYTES 16

enum sim_cipher_form {
        SIM_CIPHER_GLO = 0xdb,     /* general-glo-ciphering */
        SIM_CIPHER_DED = 0xdc,     /* general-ded-ciphering */
        SIM_CIPHER_GENERAL = 0xdd, /* general-ciphering */
        SIM_CIPHER_UNTITLED = 0,   /* Polish P1: an empty title and no tag byte before it */
};

struct sim_cipher {
        enum sim_cipher_form form;
        uint8_t control; /* 10 authenticated, 20 encrypted, 30 both; low nibble suite */
        uint8_t title[8];
        uint8_t key[SIM_KEY_BYTES], auth_key[SIM_KEY_BYTES];
        uint32_t counter;
        bool key_info; /* general-ciphering: says which key, global unicast */
};

/* Appends the ciphered form of `plain`. -EIO when libcrypto fails. */
int sim_cipher_wrap(struct sim_out *out, const struct sim_cipher *cipher, const uint8_t *plain,
                    size_t len);

/* AES-128-CBC without padding, as OMS mode 5 has it; `len` is a multiple of 16. -EIO as above. */
int sim_cipher_cbc(const uint8_t key[static SIM_KEY_BYTES], const uint8_t iv[static SIM_KEY_BYTES],
                   const uint8_t *plain, size_t len, uint8_t *ret_text);
