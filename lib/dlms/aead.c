/* SPDX-License-Identifier: MIT */
/*
 * AES-128-GCM through libcrypto's EVP interface. The context is kept, so that a telegram costs no
 * allocation of ours; the key and what is expanded from it are not: who reads the memory of a
 * process finds no copy here of a key that has been taken away since.
 */
#include "aead.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct aead {
        EVP_CIPHER_CTX *context;
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
        EVP_CIPHER_CTX_free(a->context);
        free(a);
        return NULL;
}

static int open_with(struct aead *a, const uint8_t *key, const uint8_t *nonce,
                     const struct slice aad[], size_t n_aad, struct slice in, struct slice tag,
                     uint8_t *out, bool *ret_verified)
{
        uint8_t expected[16];
        int n = 0;

        if (!EVP_DecryptInit_ex(a->context, EVP_aes_128_gcm(), NULL, key, nonce))
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

int aead_open(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const struct slice aad[], size_t n_aad,
              struct slice in, struct slice tag, uint8_t *out, bool *ret_verified)
{
        int r = open_with(a, key, nonce, aad, n_aad, in, tag, out, ret_verified);

        (void)EVP_CIPHER_CTX_reset(a->context); /* wipes the key schedule; it cannot fail */
        return r;
}

int aead_open_cbc(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
                  const uint8_t iv[static 16], struct slice in, uint8_t *out)
{
        int n = 0;
        bool good = EVP_DecryptInit_ex(a->context, EVP_aes_128_cbc(), NULL, key, iv) &&
                    EVP_CIPHER_CTX_set_padding(a->context, 0) &&
                    EVP_DecryptUpdate(a->context, out, &n, in.data, (int)in.len);

        (void)EVP_CIPHER_CTX_reset(a->context); /* wipes the key schedule; it cannot fail */
        return good && (size_t)n == in.len ? 0 : -EIO;
}

static int seal_with(struct aead *a, const uint8_t *key, const uint8_t *nonce,
                     const struct slice aad[], size_t n_aad, struct slice in, uint8_t *out,
                     uint8_t *tag, size_t n_tag)
{
        uint8_t unused[16];
        int n = 0;

        if (!EVP_EncryptInit_ex(a->context, EVP_aes_128_gcm(), NULL, key, nonce))
                return -EIO;
        for (size_t i = 0; i < n_aad; i++)
                if (aad[i].len > 0 &&
                    !EVP_EncryptUpdate(a->context, NULL, &n, aad[i].data, (int)aad[i].len))
                        return -EIO;
        if (in.len > 0 && !EVP_EncryptUpdate(a->context, out, &n, in.data, (int)in.len))
                return -EIO;
        if (!EVP_EncryptFinal_ex(a->context, unused, &n) ||
            (n_tag > 0 && !EVP_CIPHER_CTX_ctrl(a->context, EVP_CTRL_AEAD_GET_TAG, (int)n_tag, tag)))
                return -EIO;
        return 0;
}

int aead_seal(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const struct slice aad[], size_t n_aad,
              struct slice in, uint8_t *out, uint8_t *tag, size_t n_tag)
{
        int r = seal_with(a, key, nonce, aad, n_aad, in, out, tag, n_tag);

        (void)EVP_CIPHER_CTX_reset(a->context); /* wipes the key schedule; it cannot fail */
        return r;
}

int aead_seal_cbc(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
                  const uint8_t iv[static 16], struct slice in, uint8_t *out)
{
        int n = 0;
        bool good = EVP_EncryptInit_ex(a->context, EVP_aes_128_cbc(), NULL, key, iv) &&
                    EVP_CIPHER_CTX_set_padding(a->context, 0) &&
                    EVP_EncryptUpdate(a->context, out, &n, in.data, (int)in.len);

        (void)EVP_CIPHER_CTX_reset(a->context); /* wipes the key schedule; it cannot fail */
        return good && (size_t)n == in.len ? 0 : -EIO;
}

void aead_wipe(void *memory, size_t n)
{
        OPENSSL_cleanse(memory, n);
}
