/* SPDX-License-Identifier: MIT */
/*
 * An entry of a set: a profile and the words it owns, while it is read and after. profile-file.c
 * takes lines apart, profile-value.c and profile-list.c read their values into it.
 */
#pragma once

#include "profile.h"

#define PROFILE_MESSAGE_MAX 256
#define PROFILE_ROWS_MAX    64 /* scales, lists */

struct profile_entry {
        struct meter_profile profile;
        char *text; /* as it was read */
        size_t text_len;
        char *file;      /* NULL: built in */
        char *overrides; /* the file of the one it replaced, "" for a built-in one, or NULL */
        char *strings;   /* all words of the profile, one after the other */
        size_t strings_used, strings_size;
        struct profile_entry *retired; /* the next one that is kept aside */
};

/* A built-in profile's text; made by the build from profiles/. */
struct profile_text {
        const char *text;
};
extern const struct profile_text profile_texts[]; /* ends with a NULL text */

/* Reads the text of `entry` into its profile. 0, -EINVAL, -ENOMEM. */
int profile_file_read(struct profile_entry *entry, const char *file,
                      const struct profile_reporter *reporter);
struct profile_entry *profile_entry_free(struct profile_entry *entry);

/* A copy of a word that lives as long as the entry. */
const char *profile_keep(struct profile_entry *entry, const char *text);

/*
 * The parser of a value: 0, or -EINVAL with the reason in `why`. `key` is the key as it stands in
 * the file, for those that many keys share.
 */
struct profile_key {
        const char *name;
        int (*parse)(struct profile_entry *entry, const char *key, const char *value, void *field,
                     char why[static PROFILE_MESSAGE_MAX]);
        size_t offset;
};
extern const struct profile_key profile_keys[];       /* [profile]; ends with a NULL name */
extern const struct profile_key profile_match_keys[]; /* [match] */

/* A row of [scale]. */
int profile_scale_read(struct profile_entry *entry, const char *key, const char *value,
                       char why[static PROFILE_MESSAGE_MAX]);

/* A row of [datacollector]: a code, its name in the topics, and "radian". */
int profile_topic_read(struct profile_entry *entry, const char *key, const char *value,
                       char why[static PROFILE_MESSAGE_MAX]);

/* "80..300", "100A"; `unit` is what an optional unit must be. */
int profile_range_read(const char *text, enum unit unit, struct profile_range *ret,
                       char why[static PROFILE_MESSAGE_MAX]);

/* [list "name"]: a new list, and one line of it. */
int profile_list_begin(struct profile_entry *entry, const char *name);
int profile_list_read(struct profile_entry *entry, struct profile_list *list, const char *key,
                      const char *value, char why[static PROFILE_MESSAGE_MAX]);
/* Checks a list as a whole. */
int profile_list_check(const struct profile_list *list, char why[static PROFILE_MESSAGE_MAX]);
/* Works out what the places can hold, once all of the profile is read. */
void profile_lists_settle(struct meter_profile *profile);
