/* SPDX-License-Identifier: MIT */
#include "cipher.h"

#include <errno.h>

#include <openssl/evp.h>

#define TAG_BYTES 12

/* The header of general-ciphering, which is authenticated: from the transaction id to the other
 * information, lengths included (Green Book 9.2.7.2.3). */
static void general_header(struct sim_out *out, const struct sim_cipher *cipher)
{
        sim_out_u8(out, 8);
        sim_out_be64(out, cipher->counter);
        sim_out_u8(out, sizeof(cipher->title));
        sim_out_bytes(out, cipher->title, sizeof(cipher->title));
        sim_out_u8(out, 0); /* recipient: a push has none */
        sim_out_u8(out, 0); /* date-time */
        sim_out_u8(out, 0); /* other information */
}

static int gcm(const struct sim_cipher *cipher, const struct sim_out *aad, const uint8_t *plain,
               size_t len, uint8_t *ret_text, uint8_t *ret_tag)
{
        struct sim_out nonce = { 0 };
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        int n = 0, ok;

        if (!ctx)
                return -EIO;
        sim_out_bytes(&nonce, cipher->title, sizeof(cipher->title));
        sim_out_be32(&nonce, cipher->counter);
        ok = EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, cipher->key, nonce.data) == 1 &&
             EVP_EncryptUpdate(ctx, NULL, &n, aad->data, (int)aad->len) == 1 &&
             (len == 0 || EVP_EncryptUpdate(ctx, ret_text, &n, plain, (int)len) == 1) &&
             EVP_EncryptFinal_ex(ctx, ret_text + len, &n) == 1 &&
             EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, ret_tag) == 1;
        EVP_CIPHER_CTX_free(ctx);
        return ok ? 0 : -EIO;
}

/* SC | IC | text [| tag] */
static int content(struct sim_out *out, const struct sim_cipher *cipher,
                   const struct sim_out *general, const uint8_t *plain, size_t len)
{
        bool encrypts = cipher->control & 0x20, authenticates = cipher->control & 0x10;
        uint8_t text[SIM_OUT_MAX], tag[TAG_BYTES];
        struct sim_out aad = { 0 };
        int r;

        if (authenticates) {
                sim_out_u8(&aad, cipher->control);
                sim_out_bytes(&aad, cipher->auth_key, sizeof(cipher->auth_key));
                sim_out_bytes(&aad, general->data, general->len);
                if (!encrypts)
                        sim_out_bytes(&aad, plain, len);
        }
        r = gcm(cipher, &aad, plain, encrypts ? len : 0, text, tag);
        if (r < 0)
                return r;

        sim_out_u8(out, cipher->control);
        sim_out_be32(out, cipher->counter);
        sim_out_bytes(out, encrypts ? text : plain, len);
        if (authenticates)
                sim_out_bytes(out, tag, TAG_BYTES);
        return 0;
}

int sim_cipher_wrap(struct sim_out *out, const struct sim_cipher *cipher, const uint8_t *plain,
                    size_t len)
{
        struct sim_out general = { 0 }, body = { 0 };
        int r;

        if (cipher->form == SIM_CIPHER_GENERAL)
                general_header(&general, cipher);
        r = content(&body, cipher, &general, plain, len);
        if (r < 0)
                return r;

        switch (cipher->form) {
        case SIM_CIPHER_GLO:
        case SIM_CIPHER_DED:
                sim_out_u8(out, cipher->form);
                sim_out_u8(out, sizeof(cipher->title));
                sim_out_bytes(out, cipher->title, sizeof(cipher->title));
                sim_out_length(out, body.len);
                break;
        case SIM_CIPHER_GENERAL:
                sim_out_u8(out, cipher->form);
                sim_out_bytes(out, general.data, general.len);
                /* key-info OPTIONAL: identified-key { global-unicast-encryption-key } */
                sim_out_bytes(out, "\x01\x00\x00", cipher->key_info ? 3 : 0);
                if (!cipher->key_info)
                        sim_out_u8(out, 0);
                sim_out_length(out, body.len);
                break;
        case SIM_CIPHER_UNTITLED:
                sim_out_u8(out, 0);
                sim_out_u8(out, 0x82);
                sim_out_be16(out, (unsigned int)body.len);
                break;
        }
        sim_out_bytes(out, body.data, body.len);
        return 0;
}

int sim_cipher_cbc(const uint8_t key[static SIM_KEY_BYTES], const uint8_t iv[static SIM_KEY_BYTES],
                   const uint8_t *plain, size_t len, uint8_t *ret_text)
{
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        int n = 0, ok;

        if (!ctx)
                return -EIO;
        ok = EVP_EncryptInit_ex(ctx, EVP_aes_128_cbc(), NULL, key, iv) == 1 &&
             EVP_CIPHER_CTX_set_padding(ctx, 0) == 1 &&
             EVP_EncryptUpdate(ctx, ret_text, &n, plain, (int)len) == 1 && (size_t)n == len;
        EVP_CIPHER_CTX_free(ctx);
        return ok ? 0 : -EIO;
}
