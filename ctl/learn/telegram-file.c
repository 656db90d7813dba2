/* SPDX-License-Identifier: MIT */
#include "telegram-file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ctl/input.h"
#include "lib/dlms/raw.h"

DEFINE_OWNED(stream, FILE *, fclose);
static inline void decoder_free_owned(struct decoder *decoder)
{
        (void)decoder_free(decoder);
}
DEFINE_OWNED(decoder, struct decoder *, decoder_free_owned);

static int read_stream(FILE *stream, uint8_t **ret, size_t *ret_n)
{
        OWNED_FREE uint8_t *bytes = malloc(TELEGRAM_FILE_MAX + 1);
        size_t n;

        if (!bytes)
                return -ENOMEM;
        n = fread(bytes, 1, TELEGRAM_FILE_MAX + 1, stream);
        if (ferror(stream))
                return -EIO;
        if (n > TELEGRAM_FILE_MAX)
                return -EFBIG;
        *ret = TAKE(bytes);
        *ret_n = n;
        return 0;
}

int telegram_file_of(struct slice bytes, struct telegram_file *ret)
{
        struct input_hex hex = { 0 };
        uint8_t *out = malloc(bytes.len + 1);

        if (!out)
                return -ENOMEM;
        ret->bytes = out;
        ret->n = bytes.len;
        if (input_sniff(bytes) == INPUT_HEX)
                ret->n = input_hex_decode(&hex, bytes, out);
        else if (bytes.len > 0)
                memcpy(out, bytes.data, bytes.len);
        return 0;
}

int telegram_file_read(const char *path, struct telegram_file *ret)
{
        OWNED(stream) FILE *opened = NULL;
        OWNED_FREE uint8_t *bytes = NULL;
        FILE *stream = stdin;
        size_t n = 0;
        int r;

        if (strcmp(path, "-") != 0) {
                stream = opened = fopen(path, "re");
                if (!opened)
                        return -errno;
        }
        r = read_stream(stream, &bytes, &n);
        return r < 0 ? r : telegram_file_of((struct slice){ bytes, n }, ret);
}

void telegram_file_done(struct telegram_file *file)
{
        free(file->bytes);
        *file = (struct telegram_file){ 0 };
}

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        const struct cipher_keys *keys = userdata;

        return keys && (keys->has_key || keys->has_auth_key) ? keys : NULL;
}

static int drain(struct decoder *decoder,
                 int (*each)(void *userdata, const struct decoder_event *event), void *userdata)
{
        struct decoder_event event;
        int r = 0;

        while (r == 0 && decoder_next(decoder, &event) > 0)
                r = each(userdata, &event);
        return r;
}

int telegram_file_decode(const struct telegram_file *file, const struct cipher_keys *keys,
                         const struct profile_set *profiles, const struct meter_profile *profile,
                         int (*each)(void *userdata, const struct decoder_event *event),
                         void *userdata)
{
        struct slice bytes = { file->bytes, file->n };
        struct cipher_keys copy = keys ? *keys : (struct cipher_keys){ 0 };
        const struct decoder_options options = {
                .profiles = profiles,
                .profile = profile,
                .keyring = { .find = find_keys, .userdata = &copy },
                .input = raw_is_all(bytes) ? SCANNER_UNFRAMED : SCANNER_FILE,
                .input_bytes = bytes.len,
        };
        OWNED(decoder) struct decoder *decoder = NULL;
        int r = decoder_new(&options, &decoder);

        if (r == 0) {
                decoder_feed(decoder, bytes);
                r = drain(decoder, each, userdata);
        }
        if (r == 0) {
                decoder_finish(decoder);
                r = drain(decoder, each, userdata);
        }
        cipher_keys_wipe(&copy);
        return r;
}
