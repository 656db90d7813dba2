/* SPDX-License-Identifier: MIT */
/*
 * Meters that send EN 13757-3 records over M-Bus, enciphered by OMS mode 5 (AES-128-CBC): the
 * counter interface of Netz Oberösterreich (AMIS). No DLMS, but keys as there.
 *
 *      5B  id(4) maker(2) version medium  access status config(2)  ciphertext (blocks of 16)
 *      plain text: 2F 2F, then records DIF [DIFE…] VIF [VIFE…] data, filled up with 2F
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "aead.h"
#include "lib/value/reader.h"
#include "lib/value/telegram.h"

#define OMS_CI          0x5b
#define OMS_TITLE_BYTES 8
#define OMS_PLAIN_MAX   256 /* an M-Bus frame has no more */

struct oms_header {
        uint8_t title[OMS_TITLE_BYTES]; /* maker, id, version, medium: whose key it is */
        uint8_t access;
        struct slice ciphertext;
};

/* Reads the header, from CI on. -EBADMSG with the reason, -EOPNOTSUPP when it is not mode 5. */
int oms_parse(struct slice bytes, struct oms_header *ret, const char **ret_fault);

/* Deciphers into `plain`, which holds OMS_PLAIN_MAX. 0, -ENOKEY when 2F 2F does not come out: the
 * key is wrong, or the frame damaged. -EIO. */
int oms_open(struct aead *aead, const struct oms_header *header,
             const uint8_t key[static AEAD_KEY_BYTES], uint8_t *plain);

/* The way back: as many bytes of `plain` as the header has ciphertext, into `text`. -EIO. */
int oms_seal(struct aead *aead, const struct oms_header *header,
             const uint8_t key[static AEAD_KEY_BYTES], const uint8_t *plain, uint8_t *text);

/* Number and maker of the header. */
void oms_identify(const struct oms_header *header, struct telegram *t);
/* The records behind 2F 2F. -EBADMSG when their structure is broken. */
int oms_read(struct slice records, struct telegram *t);
