/* SPDX-License-Identifier: MIT */
/*
 * AES-128-GCM and -CBC through libcrypto's EVP interface. A context is set up once per cipher and
 * keeps what was expanded from its key while the key stays the same: a meter sends thousands of
 * telegrams under one. Nothing of it stays when the key is to be forgotten.
 */
#include "aead.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct context {
        const char *cipher;
        EVP_CIPHER_CTX *evp; /* NULL until it is wanted */
        bool keyed, sealing;
        uint8_t key[AEAD_KEY_BYTES];
};

struct aead {
        struct context gcm, cbc;
};

static int set_up(struct context *c)
{
        EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, c->cipher, NULL);
        EVP_CIPHER_CTX *evp = EVP_CIPHER_CTX_new();
        bool good = cipher && evp && EVP_CipherInit_ex(evp, cipher, NULL, NULL, NULL, 0) &&
                    EVP_CIPHER_CTX_set_padding(evp, 0); /* of CBC */

        EVP_CIPHER_free(cipher); /* the context has its own reference */
        if (!good) {
                EVP_CIPHER_CTX_free(evp);
                return -EIO;
        }
        c->evp = evp;
        return 0;
}

static int set_key(struct context *c, const uint8_t *key, const uint8_t *iv, bool sealing)
{
        bool same = c->keyed && c->sealing == sealing &&
                    CRYPTO_memcmp(c->key, key, AEAD_KEY_BYTES) == 0;
        int r = c->evp ? 0 : set_up(c);

        if (r < 0)
                return r;
        c->keyed = false;
        if (!EVP_CipherInit_ex(c->evp, NULL, NULL, same ? NULL : key, iv, sealing))
                return -EIO;
        memcpy(c->key, key, AEAD_KEY_BYTES);
        c->sealing = sealing;
        c->keyed = true;
        return 0;
}

/* Another key stands in the place of the last one, and of all that was expanded from it. */
static void forget_key(struct context *c)
{
        static const uint8_t none[16];

        if (!c->evp)
                return;
        if (!EVP_DecryptInit_ex(c->evp, NULL, NULL, none, none))
                (void)EVP_CIPHER_CTX_reset(c->evp); /* wipes it; the next call fails, and says so */
        OPENSSL_cleanse(c->key, sizeof(c->key));
        c->keyed = false;
}

void aead_forget_key(struct aead *a)
{
        forget_key(&a->gcm);
        forget_key(&a->cbc);
}

int aead_new(struct aead **ret)
{
        struct aead *a = calloc(1, sizeof(*a));

        if (!a)
                return -ENOMEM;
        a->gcm.cipher = "AES-128-GCM";
        a->cbc.cipher = "AES-128-CBC";
        *ret = a;
        return 0;
}

struct aead *aead_free(struct aead *a)
{
        if (!a)
                return NULL;
        EVP_CIPHER_CTX_free(a->gcm.evp); /* wipes its key */
        EVP_CIPHER_CTX_free(a->cbc.evp);
        OPENSSL_cleanse(a, sizeof(*a));
        free(a);
        return NULL;
}

/* First the bytes that are authenticated only, then those that are ciphered too. */
static int pass(EVP_CIPHER_CTX *evp, const struct slice aad[], size_t n_aad, struct slice in,
                uint8_t *out)
{
        int n = 0;

        for (size_t i = 0; i < n_aad; i++)
                if (aad[i].len > 0 &&
                    !EVP_CipherUpdate(evp, NULL, &n, aad[i].data, (int)aad[i].len))
                        return -EIO;
        return in.len == 0 || EVP_CipherUpdate(evp, out, &n, in.data, (int)in.len) ? 0 : -EIO;
}

int aead_open(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const struct slice aad[], size_t n_aad,
              struct slice in, struct slice tag, uint8_t *out, bool *ret_verified)
{
        uint8_t expected[16];
        int n = 0, r;

        r = set_key(&a->gcm, key, nonce, false);
        if (r >= 0)
                r = pass(a->gcm.evp, aad, n_aad, in, out);
        if (r < 0)
                return r;
        *ret_verified = false;
        if (tag.len == 0 || tag.len > sizeof(expected))
                return 0;
        memcpy(expected, tag.data, tag.len);
        if (!EVP_CIPHER_CTX_ctrl(a->gcm.evp, EVP_CTRL_AEAD_SET_TAG, (int)tag.len, expected))
                return -EIO;
        *ret_verified = EVP_DecryptFinal_ex(a->gcm.evp, expected, &n) > 0;
        return 0;
}

int aead_seal(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
              const uint8_t nonce[static AEAD_NONCE_BYTES], const struct slice aad[], size_t n_aad,
              struct slice in, uint8_t *out, uint8_t *tag, size_t n_tag)
{
        uint8_t unused[16];
        int n = 0, r;

        r = set_key(&a->gcm, key, nonce, true);
        if (r >= 0)
                r = pass(a->gcm.evp, aad, n_aad, in, out);
        if (r < 0)
                return r;
        if (!EVP_EncryptFinal_ex(a->gcm.evp, unused, &n) ||
            (n_tag > 0 && !EVP_CIPHER_CTX_ctrl(a->gcm.evp, EVP_CTRL_AEAD_GET_TAG, (int)n_tag, tag)))
                return -EIO;
        return 0;
}

static int pass_cbc(struct context *c, const uint8_t *key, const uint8_t *iv, struct slice in,
                    uint8_t *out, bool sealing)
{
        int n = 0, r = set_key(c, key, iv, sealing);

        if (r < 0)
                return r;
        return EVP_CipherUpdate(c->evp, out, &n, in.data, (int)in.len) && (size_t)n == in.len
                       ? 0
                       : -EIO;
}

int aead_open_cbc(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
                  const uint8_t iv[static 16], struct slice in, uint8_t *out)
{
        return pass_cbc(&a->cbc, key, iv, in, out, false);
}

int aead_seal_cbc(struct aead *a, const uint8_t key[static AEAD_KEY_BYTES],
                  const uint8_t iv[static 16], struct slice in, uint8_t *out)
{
        return pass_cbc(&a->cbc, key, iv, in, out, true);
}

void aead_wipe(void *memory, size_t n)
{
        OPENSSL_cleanse(memory, n);
}
