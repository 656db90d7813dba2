/* SPDX-License-Identifier: MIT */
/*
 * Ciphering headers and what people type as keys.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/dlms/cipher.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_as_key(const uint8_t *data, size_t size)
{
        char text[256];
        uint8_t key[CIPHER_KEY_BYTES];
        const char *fault = NULL;

        if (size >= sizeof(text))
                return;
        memcpy(text, data, size);
        text[size] = '\0';
        if (cipher_key_parse(text, key, &fault) < 0 && !fault)
                abort();
        if (cipher_title_parse(text, key, &fault) < 0 && !fault)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const struct cipher_keys keys = { .has_key = true,
                                                 .has_auth_key = true,
                                                 .has_title = true };
        static struct aead *aead;
        static uint8_t plain[1 << 16];
        struct cipher_header header;
        enum cipher_tag_result tag;
        const char *fault = NULL;

        if (!aead && aead_new(&aead) < 0)
                abort();
        parse_as_key(data, size);
        if (cipher_parse((struct slice){ data, size }, &header, &fault) < 0) {
                if (!fault)
                        abort();
                return 0;
        }
        if (header.apdu_bytes > size || header.ciphertext.len > size)
                abort();
        if (header.ciphertext.len <= sizeof(plain))
                (void)cipher_open(aead, &header, &keys, plain, &tag);
        return 0;
}
