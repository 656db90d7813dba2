/* SPDX-License-Identifier: MIT */
/*
 * Ciphered APDUs (IEC 62056-5-3 §5.7.2, Green Book 9.2.7.2):
 *
 *      DB | 08 title(8) | length | SC | frame counter(4) | ciphertext | tag(12)
 *
 * SC: 0x10 authenticated, 0x20 encrypted, 0x80 compressed, low nibble: security suite.
 */
#include "cipher.h"

#include <errno.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"
#include "lib/value/axdr.h"

#define TAG_GENERAL_GLO       0xdb
#define TAG_GENERAL_DED       0xdc
#define TAG_GENERAL_CIPHERING 0xdd
#define TAG_BARE              0x00
#define SC_AUTHENTICATED      0x10
#define SC_ENCRYPTED          0x20
#define SC_COMPRESSED         0x80
#define SC_SUITE              0x0f
#define COUNTER_BYTES         4
#define KEY_INFO_IDENTIFIED   0

/* glo- and ded- variants of get-response, event-notification and data services (Green Book 9.5). */
static bool is_service_tag(uint8_t byte)
{
        return byte == 0xca || byte == 0xcc || byte == 0xd2 || byte == 0xd4;
}

bool cipher_is_tag(uint8_t byte)
{
        return byte == TAG_GENERAL_GLO || byte == TAG_GENERAL_DED ||
               byte == TAG_GENERAL_CIPHERING || is_service_tag(byte);
}

/* key-info OPTIONAL ::= identified-key { key-id enum }: the other forms carry a key. */
static void skip_key_info(struct reader *r)
{
        if (reader_u8(r) == 0)
                return;
        if (reader_u8(r) != KEY_INFO_IDENTIFIED)
                reader_fail(r, "general-ciphering: a wrapped or agreed key is not supported");
        (void)reader_u8(r);
}

/* transaction-id, originator, recipient, date-time, other-information: octet strings, AAD too. */
static void parse_general(struct reader *r, struct cipher_header *header)
{
        const uint8_t *first = r->left.data;

        (void)reader_take(r, axdr_length(r));
        header->title = reader_take(r, axdr_length(r));
        for (int i = 0; i < 3; i++)
                (void)reader_take(r, axdr_length(r));
        if (!reader_ok(r))
                return;
        header->aad = (struct slice){ first, (size_t)(r->left.data - first) };
        skip_key_info(r);
}

static void parse_title(struct reader *r, struct cipher_header *header)
{
        header->title = reader_take(r, axdr_length(r));
        if (header->title.len != 0 && header->title.len != CIPHER_TITLE_BYTES)
                reader_fail(r, "ciphering: a system title has 8 bytes");
}

/* Security header, ciphertext, tag: what all forms share. */
static void parse_content(struct reader *r, struct cipher_header *header)
{
        struct reader content = reader_sub(r, axdr_length(r));
        size_t tag_bytes;

        header->security_control = reader_u8(&content);
        header->frame_counter = reader_be32(&content);
        tag_bytes = header->security_control & SC_AUTHENTICATED ? CIPHER_TAG_BYTES : 0;
        if (content.left.len < tag_bytes)
                reader_fail(&content, "ciphering: too short for its tag");
        header->ciphertext = reader_take(&content, content.left.len - tag_bytes);
        header->tag_bytes = reader_take(&content, tag_bytes);
        if (reader_ok(r) && !reader_ok(&content))
                reader_fail(r, content.fault);
}

int cipher_parse(struct slice apdu, struct cipher_header *ret, const char **ret_fault)
{
        struct reader r = reader_over(apdu);
        struct cipher_header header = { 0 };

        header.tag = reader_peek(&r);
        if (header.tag == TAG_GENERAL_CIPHERING) {
                (void)reader_u8(&r);
                parse_general(&r, &header);
        } else if (header.tag == TAG_BARE) {
                /* Stoen P1: no tag byte, the length 00 of an empty system title comes first. */
                parse_title(&r, &header);
        } else {
                (void)reader_u8(&r);
                if (!is_service_tag(header.tag))
                        parse_title(&r, &header);
        }
        parse_content(&r, &header);
        if (!reader_ok(&r)) {
                *ret_fault = r.fault;
                return r.ended ? -EAGAIN : -EBADMSG;
        }
        header.apdu_bytes = apdu.len - r.left.len;
        *ret = header;
        return 0;
}

static int make_nonce(const struct cipher_header *header, const struct cipher_keys *keys,
                      uint8_t nonce[static AEAD_NONCE_BYTES])
{
        if (header->title.len == CIPHER_TITLE_BYTES)
                memcpy(nonce, header->title.data, CIPHER_TITLE_BYTES);
        else if (keys->has_title)
                memcpy(nonce, keys->title, CIPHER_TITLE_BYTES);
        else
                return -EDESTADDRREQ;
        for (int i = 0; i < COUNTER_BYTES; i++)
                nonce[CIPHER_TITLE_BYTES + i] =
                        (uint8_t)(header->frame_counter >> (8 * (COUNTER_BYTES - 1 - i)));
        return 0;
}

int cipher_open(struct aead *aead, const struct cipher_header *header,
                const struct cipher_keys *keys, uint8_t *buf, enum cipher_tag_result *ret_tag)
{
        bool encrypted = header->security_control & SC_ENCRYPTED;
        bool check = header->tag_bytes.len > 0 && keys->has_auth_key;
        uint8_t suite = header->security_control & SC_SUITE;
        struct slice aad[4] = {
                { &header->security_control, 1 },
                { keys->auth_key, CIPHER_KEY_BYTES },
                header->aad,
        };
        uint8_t nonce[AEAD_NONCE_BYTES];
        bool verified = false;
        int r;

        /* Suite 2 has 256-bit keys; suite 1 in the field (Tyrol) is suite 0 by another name. */
        if (suite > 1 || header->security_control & SC_COMPRESSED)
                return -EOPNOTSUPP;
        if (!encrypted) {
                memcpy(buf, header->ciphertext.data, header->ciphertext.len);
                aad[3] = header->ciphertext;
        }
        if ((encrypted || check) && !keys->has_key)
                return -ENOKEY;
        if (encrypted || check) {
                r = make_nonce(header, keys, nonce);
                if (r < 0)
                        return r;
                r = aead_open(aead, keys->key, nonce, aad, check ? ELEMENTSOF(aad) : 0,
                              encrypted ? header->ciphertext : (struct slice){ 0 },
                              check ? header->tag_bytes : (struct slice){ 0 }, buf, &verified);
                if (r < 0)
                        return r;
        }
        if (header->tag_bytes.len == 0)
                *ret_tag = CIPHER_TAG_ABSENT;
        else if (!check)
                *ret_tag = CIPHER_TAG_NOT_CHECKED;
        else
                *ret_tag = verified ? CIPHER_TAG_OK : CIPHER_TAG_WRONG;
        return 0;
}

int cipher_seal(struct aead *aead, const struct cipher_header *header,
                const struct cipher_keys *keys, struct slice plain, uint8_t *text, uint8_t *tag)
{
        bool encrypted = header->security_control & SC_ENCRYPTED;
        const struct slice aad[4] = {
                { &header->security_control, 1 },
                { keys->auth_key, CIPHER_KEY_BYTES },
                header->aad,
                encrypted ? (struct slice){ 0 } : plain,
        };
        uint8_t nonce[AEAD_NONCE_BYTES];
        int r = make_nonce(header, keys, nonce);

        if (r < 0)
                return r;
        if (!encrypted)
                memcpy(text, plain.data, plain.len);
        return aead_seal(aead, keys->key, nonce, aad,
                         header->tag_bytes.len > 0 ? ELEMENTSOF(aad) : 0,
                         encrypted ? plain : (struct slice){ 0 }, text, tag, header->tag_bytes.len);
}

/* People paste keys with blanks, colons, dashes, quotes, and 0x in front or before every byte. */
static int parse_hex(const char *text, uint8_t *ret, size_t n, const char **ret_fault)
{
        size_t digits = 0;

        for (const char *p = text; *p; p++) {
                int value = hex_digit(*p);

                if (digits % 2 == 0 && p[0] == '0' && (p[1] == 'x' || p[1] == 'X')) {
                        p++;
                        continue;
                }
                if (value < 0) {
                        if (strchr(" \t\r\n:-,\"'", *p))
                                continue;
                        *ret_fault = "it holds a character that is no hexadecimal digit";
                        return -EINVAL;
                }
                if (digits / 2 < n)
                        ret[digits / 2] =
                                (uint8_t)(digits % 2 ? ret[digits / 2] | value : value << 4);
                digits++;
        }
        if (digits == 2 * n)
                return 0;
        *ret_fault = digits > 2 * n ? "it has too many hexadecimal digits"
                                    : "it has too few hexadecimal digits";
        return -EINVAL;
}

int cipher_key_parse(const char *text, uint8_t ret[static CIPHER_KEY_BYTES], const char **ret_fault)
{
        uint8_t key[CIPHER_KEY_BYTES] = { 0 };
        int r = parse_hex(text, key, sizeof(key), ret_fault);

        if (r == 0)
                memcpy(ret, key, sizeof(key));
        aead_wipe(key, sizeof(key));
        return r;
}

int cipher_title_parse(const char *text, uint8_t ret[static CIPHER_TITLE_BYTES],
                       const char **ret_fault)
{
        uint8_t title[CIPHER_TITLE_BYTES] = { 0 };
        int r = parse_hex(text, title, sizeof(title), ret_fault);

        if (r == 0)
                memcpy(ret, title, sizeof(title));
        return r;
}

void cipher_keys_wipe(struct cipher_keys *keys)
{
        aead_wipe(keys, sizeof(*keys));
}
