/* SPDX-License-Identifier: MIT */
/*
 * Profiles by name, the built-in ones first. A set is read at start and at a reload, never while
 * telegrams are decoded.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "profile-entry.h"

/* More families than one machine ever has: a folder of nonsense must not grow without bound. */
#define PROFILES_MAX 256

struct profile_set {
        struct profile_entry *entries[PROFILES_MAX];
        size_t n;
        struct profile_entry *retired;
        uint64_t generation;
        size_t n_builtin; /* of profile_texts, so many have been read */
};

static struct profile_entry *entry_of(const struct meter_profile *profile)
{
        return (struct profile_entry *)((uintptr_t)profile -
                                        offsetof(struct profile_entry, profile));
}

struct profile_entry *profile_entry_free(struct profile_entry *entry)
{
        if (!entry)
                return NULL;
        for (size_t i = 0; i < entry->profile.n_lists; i++)
                free(entry->profile.lists[i].items);
        free(entry->profile.lists);
        free(entry->profile.scales);
        free(entry->profile.topics);
        free(entry->strings);
        free(entry->overrides);
        free(entry->file);
        free(entry->text);
        free(entry);
        return NULL;
}

struct profile_set *profile_set_free(struct profile_set *set)
{
        if (!set)
                return NULL;
        for (size_t i = 0; i < set->n; i++)
                profile_entry_free(set->entries[i]);
        while (set->retired) {
                struct profile_entry *next = set->retired->retired;

                profile_entry_free(set->retired);
                set->retired = next;
        }
        free(set);
        return NULL;
}

static size_t find_index(const struct profile_set *set, const char *name)
{
        size_t i = 0;

        while (i < set->n && strcmp(set->entries[i]->profile.name, name) != 0)
                i++;
        return i;
}

/* Puts it in the place of its namesake, or at the end. */
static int put(struct profile_set *set, struct profile_entry *entry)
{
        size_t i = find_index(set, entry->profile.name);

        if (i == PROFILES_MAX)
                return -ENOSPC;
        if (i < set->n) {
                const struct profile_entry *old = set->entries[i];

                entry->overrides = strdup(old->file ? old->file : "");
                if (!entry->overrides)
                        return -ENOMEM;
                profile_entry_free(set->entries[i]);
        } else {
                set->n++;
        }
        set->entries[i] = entry;
        set->generation++;
        return 0;
}

static int add(struct profile_set *set, struct slice text, const char *file,
               const struct profile_reporter *reporter)
{
        struct profile_entry *entry = calloc(1, sizeof(*entry));
        int r = -ENOMEM;

        if (!entry)
                return -ENOMEM;
        entry->text = malloc(text.len + 1);
        entry->file = file ? strdup(file) : NULL;
        if (entry->text && (entry->file || !file)) {
                if (text.len > 0)
                        memcpy(entry->text, text.data, text.len);
                entry->text[text.len] = '\0';
                entry->text_len = text.len;
                r = profile_file_read(entry, file, reporter);
        }
        if (r == 0)
                r = put(set, entry);
        if (r == -ENOSPC && reporter)
                reporter->report(reporter->userdata, file, 0, false, "there are too many profiles");
        if (r < 0)
                profile_entry_free(entry);
        return r == -ENOSPC ? -EINVAL : r;
}

struct profile_set *profile_set_new_empty(void)
{
        return calloc(1, sizeof(struct profile_set));
}

int profile_set_add_builtin(struct profile_set *set)
{
        const char *text;

        while ((text = profile_texts[set->n_builtin].text)) {
                int r = add(set, slice_of_string(text), NULL, NULL);

                assert(r != -EINVAL); /* the build's own text */
                if (r < 0)
                        return r;
                set->n_builtin++;
        }
        return 0;
}

int profile_set_new(struct profile_set **ret)
{
        struct profile_set *set = profile_set_new_empty();

        if (!set || profile_set_add_builtin(set) < 0) {
                profile_set_free(set);
                return -ENOMEM;
        }
        *ret = set;
        return 0;
}

int profile_set_add(struct profile_set *set, struct slice text, const char *file,
                    const struct profile_reporter *reporter)
{
        return add(set, text, file, reporter);
}

static bool same_text(const char *a, const char *b)
{
        return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_entry(const struct profile_entry *a, const struct profile_entry *b)
{
        return a->text_len == b->text_len && memcmp(a->text, b->text, a->text_len) == 0 &&
               same_text(a->file, b->file) && same_text(a->overrides, b->overrides);
}

uint64_t profile_set_generation(const struct profile_set *set)
{
        return set->generation;
}

bool profile_set_take(struct profile_set *set, struct profile_set *from)
{
        struct profile_entry *old[PROFILES_MAX];
        size_t n_old = set->n;
        bool changed = set->n != from->n;

        memcpy(old, set->entries, sizeof(old));
        for (size_t i = 0; i < from->n; i++) {
                size_t j = 0;

                while (j < n_old && !(old[j] && same_entry(old[j], from->entries[i])))
                        j++;
                changed = changed || j != i;
                if (j == n_old) {
                        set->entries[i] = from->entries[i];
                        continue;
                }
                set->entries[i] = old[j];
                old[j] = NULL;
                profile_entry_free(from->entries[i]);
        }
        for (size_t j = 0; j < n_old; j++) {
                if (!old[j])
                        continue;
                old[j]->retired = set->retired;
                set->retired = old[j];
        }
        set->n = from->n;
        set->n_builtin = from->n_builtin;
        set->generation++;
        from->n = 0;
        profile_set_free(from);
        return changed;
}

const struct meter_profile *profile_set_find(const struct profile_set *set, const char *name)
{
        size_t i = find_index(set, name);

        return i < set->n ? &set->entries[i]->profile : NULL;
}

const struct meter_profile *profile_set_at(const struct profile_set *set, size_t i)
{
        return i < set->n ? &set->entries[i]->profile : NULL;
}

const char *profile_set_origin(const struct profile_set *set, const struct meter_profile *profile,
                               const char **ret_overrides)
{
        const struct profile_entry *entry = entry_of(profile);

        if (ret_overrides)
                *ret_overrides = entry->overrides;
        return entry->file;
}
