/* SPDX-License-Identifier: MIT */
/*
 * From what was learned of a list to a profile that reads it: the text, and the proof that it does.
 */
#pragma once

#include "learn-fit.h"
#include "telegram-file.h"

#define LEARN_NAME_MAX 48

/* The name people use for it. */
struct learn_names {
        char name[LEARN_NAME_MAX]; /* of the profile */
        char maker[4];             /* FLAG id */
        char model[LEARN_NAME_MAX];
        char line[SERIAL_LINE_TEXT_MAX]; /* "" where it is not known */
};

/* The meaning of a text of a list: "id", "text 0-0:42.0.0", "text 0-0:96.1.0", or "skip". */
const char *learn_text_role(const struct learn_list *list, size_t place);

/* The maker's letters as the telegrams have them, or "". */
void learn_find_maker(const struct learn_list *list, char ret[static 4]);

/*
 * The profile's text, owned by the caller; NULL when out of memory. `before` is the text of a
 * profile that the list is added to, or NULL.
 */
char *learn_profile_text(const struct learn_list *list, const struct learn_fact *facts, size_t n,
                         const struct learn_names *names, const char *before);

/* How a capture is read with a new profile. */
struct learn_proof {
        size_t n_read;      /* telegrams that its lists read when it is the only one */
        size_t n_elsewhere; /* of them, those that another profile takes or makes ambiguous */
        char other[TELEGRAM_ERROR_MAX]; /* which one, or the sentence of the doubt */
};

/* 0; -EINVAL when the text is no profile (`reporter` has the reason), -ENOMEM. */
int learn_profile_prove(const char *text, const char *name, const struct learn_list *list,
                        const struct telegram_file *file, const struct cipher_keys *keys,
                        const struct profile_reporter *reporter, struct profile_set *all,
                        struct learn_proof *ret);
