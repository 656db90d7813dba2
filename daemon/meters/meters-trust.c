/* SPDX-License-Identifier: MIT */
/*
 * What is kept of system titles over a restart: frame counters that must go on growing, and meters
 * that have sent good tags, of which nothing without one is believed from then on.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/hex.h"
#include "base/log.h"
#include "daemon/store/store.h"
#include "lib/value/id.h"
#include "meters-private.h"

/*
 * Distinguishes keys and reveals nothing about them: half of SHA-256's first half over the title
 * and the keys. All zero where the library refuses: then they are other keys each time, and it
 * begins anew.
 */
static void print_keys(const uint8_t *title, const struct cipher_keys *keys, char ret[static 17])
{
        uint8_t text[CIPHER_TITLE_BYTES + 2 * CIPHER_KEY_BYTES] = { 0 },
                                              sum[EVP_MAX_MD_SIZE] = { 0 };

        memcpy(text, title, CIPHER_TITLE_BYTES);
        if (keys->has_key)
                memcpy(text + CIPHER_TITLE_BYTES, keys->key, CIPHER_KEY_BYTES);
        if (keys->has_auth_key)
                memcpy(text + CIPHER_TITLE_BYTES + CIPHER_KEY_BYTES, keys->auth_key,
                       CIPHER_KEY_BYTES);
        if (EVP_Digest(text, sizeof(text), sum, NULL, EVP_sha256(), NULL) != 1)
                memset(sum, 0, sizeof(sum));
        explicit_bzero(text, sizeof(text));
        (void)hex_print(sum, 8, ret, 17);
}

bool meters_recall_title(struct meters *ms, const uint8_t *title, const struct cipher_keys *keys,
                         struct decoder_title *ret)
{
        struct store_title known;
        char text[TITLE_TEXT_MAX], fingerprint[17];

        if (store_find_title(ms->options.store, meters_title_text(title, text), &known) <= 0)
                return false;
        print_keys(title, keys, fingerprint);
        if (strcmp(known.keys, fingerprint) != 0)
                return false;
        *ret = (struct decoder_title){ known.counter, known.authenticated };
        return true;
}

void meters_remember_title(struct meters *ms, const uint8_t *title, const struct cipher_keys *keys,
                           const char *meter_id, const struct decoder_title *what)
{
        struct store_title known = { 0 }, before;
        int r;

        (void)meters_title_text(title, known.title);
        if (!ms->fingerprint[0] || strcmp(ms->fingerprint_title, known.title) != 0) {
                print_keys(title, keys, ms->fingerprint);
                memcpy(ms->fingerprint_title, known.title, sizeof(known.title));
        }
        memcpy(known.keys, ms->fingerprint, sizeof(known.keys));
        (void)id_clean(known.meter, sizeof(known.meter), slice_of_string(meter_id));
        if (!known.meter[0] && store_find_title(ms->options.store, known.title, &before) > 0)
                memcpy(known.meter, before.meter, sizeof(known.meter)); /* a short list */
        known.counter = what->counter;
        known.authenticated = what->authenticated;
        r = store_put_title(ms->options.store, &known);
        if (r < 0)
                log_debug("system title %s: its counter cannot be kept: %s", known.title,
                          strerror(-r));
}

static bool has_auth_key(struct meters *ms, const char *name)
{
        const struct config_meter *section =
                *name && ms->config ? config_find_meter(ms->config, name) : NULL;
        struct cipher_keys keys;
        bool has;

        if (section && section->keys.has_auth_key)
                return true;
        if (!*name || store_find_keys(ms->options.store, name, &keys) <= 0)
                return false;
        has = keys.has_auth_key;
        cipher_keys_wipe(&keys);
        return has;
}

/* True when a title of this meter has sent good tags, or an authentication key is set for it. */
static bool is_trusted_title(struct meters *ms, const char *meter_id)
{
        struct store_title title;

        for (size_t i = 0; store_find_title_at(ms->options.store, i, &title) > 0; i++)
                if (strcmp(title.meter, meter_id) == 0 &&
                    (title.authenticated || has_auth_key(ms, title.title)))
                        return true;
        return false;
}

bool meters_must_authenticate(struct meters_line *line, const char *meter_id)
{
        const struct config_converter *config = converter_config(line->converter);
        struct meters *ms = line->meters;
        char id[METER_ID_MAX];

        if (config && config->keys.has_auth_key)
                return true;
        (void)id_clean(id, sizeof(id), slice_of_string(meter_id));
        if (!*id) /* it is of the meter heard last on this line, or of none that is known */
                (void)snprintf(id, sizeof(id), "%s", converter_learned_meter(line->converter));
        return *id && (has_auth_key(ms, id) || is_trusted_title(ms, id));
}

void meters_forget_titles(struct meters *ms, const char *meter_id)
{
        struct store_title title;
        size_t i = 0;

        while (store_find_title_at(ms->options.store, i, &title) > 0)
                if (strcmp(title.meter, meter_id) != 0 && strcasecmp(title.title, meter_id) != 0)
                        i++;
                else if (store_forget_title(ms->options.store, title.title) <= 0)
                        break; /* no memory: it is forgotten another time */
}
