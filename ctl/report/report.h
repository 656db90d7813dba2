/* SPDX-License-Identifier: MIT */
/*
 * A capture that can be published: ids, serial numbers, system titles and keys replaced by others
 * as long, everything proved and enciphered anew, and nothing else changed. It is made only when
 * the decoder reads the same in it, and when nothing of what was replaced is left.
 */
#pragma once

#include "ctl/learn/telegram-file.h"
#include "lib/profile/profile.h"

#define REPORT_TELEGRAMS_USUAL 20
#define REPORT_REASON_MAX      200

struct report_options {
        const struct telegram_file *file;
        const struct cipher_keys *keys;      /* the owner's */
        const struct profile_set *profiles;  /* as for decoding */
        const struct meter_profile *profile; /* forced, or NULL */
        size_t max_telegrams;
};

/* The decoder's result for one telegram of the report. */
struct report_line {
        char *text; /* owned */
        bool read;  /* it has readings */
};

struct report {
        uint8_t *bytes; /* owned */
        size_t n;
        size_t *ends; /* owned: where the frames end, for line breaks */
        size_t n_ends;
        struct cipher_keys keys;   /* made for it; has_… says which of them are to be shown */
        struct report_line *lines; /* owned: telegram by telegram */
        size_t n_lines;
        size_t left_out; /* bytes of no whole telegram */
        size_t n_closed; /* ciphered telegrams whose content is random now: no key opened them */
        char maker[4];   /* "" when no telegram says */
};

/* 0, or -errno with the reason for people in `why`: -ENOMSG when there is nothing to report,
 * -EPERM when it could not be made anonymous, -ENOMEM, -EIO. */
int report_make(const struct report_options *options, struct report *ret,
                char why[static REPORT_REASON_MAX]);
void report_done(struct report *report);
