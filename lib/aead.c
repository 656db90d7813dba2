/* SPDX-License-Identifier: MIT */
/*
 * AES-128-GCM through libcrypto's EVP interface. The context keeps its key schedule while the key
 * stays the same: a meter sends thousands of telegrams under one key.
 */
#include "aead.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct aead {
        EVP_CIPHER_CTX *context;
        bool keyed;
        uint8_t key[AEAD_KEY_BYTES];
};

int aead_new(struct aead **ret)
{
        struct aead *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        a->context = EVP_CIPHER_CTX_new();
        if (!a->context) {
                free(a);
                return -ENOMEM;
        }
        *ret = a;
        return 0;
}

struct aead *aead_free(struct aead *a)
{
        if (!a)
                return NULL;
        EVP_CIPHER_CTX_free(a->context); /* wipes the key schedule */
        OPENSSL_cleanse(a, sizeof(*a));
        free(a);
        return NULL;
}

static int set_key(struct aead *a, const uint8_t *key, const uint8_t *nonce)
{
        if (a->keyed && CRYPTO_memcmp(a->key, key, AEAD_KEY_BYTES) == 0)
                return EVP_DecryptInit_ex(a->context, NULL, NULL, NULL, nonce);
        a->keyed = false;
        if (!EVP_DecryptInit_ex(a->context, EVP_aes_128_gcm(), NULL, key, nonce))
                return 0;
        memcpy(a->key, key, AEAD_KEY_BYTES);
        a->keyed = true;
        return 1;
}

int aead_open(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const struct slice aad[], size_t n_aad,
              struct slice in, struct slice tag, uint8_t *out, bool *ret_verified)
{
        uint8_t expected[16];
        int n = 0;

        if (!set_key(a, key, nonce))
                return -EIO;
        for (size_t i = 0; i < n_aad; i++)
                if (aad[i].len > 0 &&
                    !EVP_DecryptUpdate(a->context, NULL, &n, aad[i].data, (int)aad[i].len))
                        return -EIO;
        if (in.len > 0 && !EVP_DecryptUpdate(a->context, out, &n, in.data, (int)in.len))
                return -EIO;
        *ret_verified = false;
        if (tag.len == 0 || tag.len > sizeof(expected))
                return 0;
        memcpy(expected, tag.data, tag.len);
        if (!EVP_CIPHER_CTX_ctrl(a->context, EVP_CTRL_AEAD_SET_TAG, (int)tag.len, expected))
                return -EIO;
        *ret_verified = EVP_DecryptFinal_ex(a->context, expected, &n) > 0;
        return 0;
}

void aead_wipe(void *memory, size_t n)
{
        OPENSSL_cleanse(memory, n);
}
