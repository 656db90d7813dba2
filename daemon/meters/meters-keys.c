/* SPDX-License-Identifier: MIT */
/*
 * The keys of meters: found for a telegram, tried on unknown senders, set and forgotten. A meter
 * has two names, its id and its system title; what is stored goes by the id as soon as it is known.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "meters-private.h"

/* Each costs the deciphering of a telegram, until the right one is found; more go by title. */
#define TRIAL_KEYS_MAX 16

static void drop_found(struct meters *ms)
{
        cipher_keys_wipe(&ms->keys);
        cipher_keys_wipe(&ms->trial_keys);
        ms->keys_cached = ms->keys_found = false;
        ms->fingerprint[0] = '\0';
}

void meters_keys_changed(struct meters *ms)
{
        drop_found(ms);
        if (ms->options.forget_keys)
                ms->options.forget_keys(ms->options.userdata);
}

static bool find_in_config(struct meters *ms, const char *name)
{
        const struct config_meter *section =
                *name && ms->config ? config_find_meter(ms->config, name) : NULL;

        if (!section || !section->keys.has_key)
                return false;
        ms->keys = section->keys;
        return true;
}

static bool find_in_store(struct meters *ms, const char *name)
{
        return *name && store_find_keys(ms->options.store, name, &ms->keys) > 0;
}

/*
 * In the order of who was more precise: a section of the meter, what was set at run time, the
 * section of the converter. The meter this converter carried last is a guess, where the title is a
 * fact.
 */
static bool find_keys(const struct meters_line *line, const uint8_t *title)
{
        struct meters *ms = line->meters;
        const struct config_converter *config = converter_config(line->converter);
        const char *learned = converter_learned_meter(line->converter), *id = "";
        char text[TITLE_TEXT_MAX] = "";
        const struct entry *e;

        if (title) {
                e = meters_find_title(ms, meters_title_text(title, text));
                id = e ? e->meter->id : "";
        }
        if (find_in_config(ms, id) || find_in_config(ms, text) || find_in_store(ms, id) ||
            find_in_store(ms, text) || find_in_config(ms, learned) || find_in_store(ms, learned))
                return true;
        if (!config || !config->keys.has_key)
                return false;
        ms->keys = config->keys;
        return true;
}

const struct cipher_keys *meters_find_keys(struct meters_line *line, const uint8_t *title)
{
        struct meters *ms = line->meters;
        static const uint8_t no_title[CIPHER_TITLE_BYTES];
        const uint8_t *asked = title ? title : no_title;

        if (!ms->keys_cached || ms->keys_line != line ||
            memcmp(ms->keys_title, asked, sizeof(ms->keys_title)) != 0) {
                drop_found(ms);
                ms->keys_found = find_keys(line, title);
                ms->keys_cached = true;
                ms->keys_line = line;
                memcpy(ms->keys_title, asked, sizeof(ms->keys_title));
        }
        return ms->keys_found ? &ms->keys : NULL;
}

/* Was the meter of this id or title heard, and is known by both? Then its key is its own. */
static bool is_known(const struct meters *ms, const char *name)
{
        for (const struct entry *e = ms->entries; e; e = e->next)
                if (!e->provisional && (*e->title || !e->meter->encrypted) &&
                    (strcmp(e->meter->id, name) == 0 || strcasecmp(e->title, name) == 0))
                        return true;
        return false;
}

const struct cipher_keys *meters_try_keys(struct meters *ms, size_t attempt)
{
        const struct config_meter *section =
                ms->config ? config_first(ms->config, &config_section_meter) : NULL;
        char id[METER_ID_MAX];
        size_t n = 0;

        if (attempt >= TRIAL_KEYS_MAX)
                return NULL;
        for (; section; section = config_next(section))
                if (section->keys.has_key && !is_known(ms, section->item.name) && n++ == attempt)
                        return &section->keys;
        cipher_keys_wipe(&ms->trial_keys);
        for (size_t i = 0; store_find_keys_at(ms->options.store, i, id, &ms->trial_keys) > 0; i++)
                if (ms->trial_keys.has_key && !is_known(ms, id) && n++ == attempt)
                        return &ms->trial_keys;
        cipher_keys_wipe(&ms->trial_keys);
        return NULL;
}

/* ---- as a decoder asks ---- */

static const struct cipher_keys *line_find(void *userdata, const uint8_t *title)
{
        return meters_find_keys(userdata, title);
}

static const struct cipher_keys *line_try_next(void *userdata, size_t attempt)
{
        const struct meters_line *line = userdata;

        return meters_try_keys(line->meters, attempt);
}

static bool line_recall(void *userdata, const uint8_t *title, const struct cipher_keys *keys,
                        struct decoder_title *ret)
{
        const struct meters_line *line = userdata;

        return meters_recall_title(line->meters, title, keys, ret);
}

static void line_remember(void *userdata, const uint8_t *title, const struct cipher_keys *keys,
                          const char *meter_id, const struct decoder_title *what)
{
        const struct meters_line *line = userdata;

        meters_remember_title(line->meters, title, keys, meter_id, what);
}

static bool line_must_authenticate(void *userdata, const char *meter_id)
{
        return meters_must_authenticate(userdata, meter_id);
}

struct keyring meters_keyring(struct meters_line *line)
{
        return (struct keyring){ .find = line_find,
                                 .try_next = line_try_next,
                                 .recall = line_recall,
                                 .remember = line_remember,
                                 .must_authenticate = line_must_authenticate,
                                 .userdata = line };
}

/* A system title is 16 hex digits, in lower case wherever we keep one. */
static void copy_name(char to[static METER_ID_MAX], const char *from)
{
        (void)snprintf(to, METER_ID_MAX, "%s", from);
        if (strlen(to) != 2 * CIPHER_TITLE_BYTES || to[strspn(to, "0123456789abcdefABCDEF")])
                return;
        for (; *to; to++)
                *to = (char)tolower((unsigned char)*to);
}

static const struct entry *find_by_any_name(const struct meters *ms, const char *name)
{
        const struct meter *meter = meters_find(ms, name);

        return meter ? meters_find_id(ms, meter->id) : meters_find_title(ms, name);
}

/* 1 when there was one to forget. */
static int forget_other_names(struct meters *ms, const char *name, const char *title,
                              const char *keep)
{
        const char *const names[] = { name, title };
        int n = 0;

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                int r = 0;

                if (*names[i] && strcmp(names[i], keep) != 0)
                        r = store_forget_keys(ms->options.store, names[i]);
                if (r < 0)
                        return r;
                n |= r;
        }
        return n;
}

/* The state of the key before is void; telegrams will show the new one. */
static void announce_given(struct meters *ms, const struct entry *e)
{
        if (e && meter_key_given(e->meter))
                EACH_SINK(ms, e, meter_changed, e->meter);
}

int meters_set_keys(struct meters *ms, const char *name, const struct cipher_keys *keys)
{
        char id[METER_ID_MAX], asked[METER_ID_MAX];
        const struct entry *e;
        int r;

        if (strlen(name) >= sizeof(asked))
                return -ENAMETOOLONG;
        copy_name(asked, name);
        e = find_by_any_name(ms, asked);
        copy_name(id, e ? e->meter->id : asked);
        r = store_put_keys(ms->options.store, id, keys);
        if (r >= 0)
                r = forget_other_names(ms, asked, e ? e->title : "", id);
        meters_keys_changed(ms);
        if (r >= 0)
                announce_given(ms, e);
        return MIN(r, 0);
}

int meters_forget_keys(struct meters *ms, const char *name)
{
        char asked[METER_ID_MAX];
        const struct entry *e;
        int r, n;

        copy_name(asked, name);
        e = find_by_any_name(ms, asked);
        n = store_forget_keys(ms->options.store, e ? e->meter->id : asked);
        r = n < 0 ? n : forget_other_names(ms, asked, e ? e->title : "", "");
        meters_keys_changed(ms);
        return r < 0 ? r : n | r;
}

void meters_title_learned(struct meters *ms, const struct entry *e)
{
        struct cipher_keys keys;

        meters_keys_changed(ms); /* one may be set for the id, now known to be of this title */
        if (e->provisional || strcmp(e->meter->id, e->title) == 0 ||
            store_find_keys(ms->options.store, e->title, &keys) <= 0)
                return;
        if (store_put_keys(ms->options.store, e->meter->id, &keys) >= 0)
                (void)store_forget_keys(ms->options.store, e->title); /* or at the next start */
        cipher_keys_wipe(&keys);
}
