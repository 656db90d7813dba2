/* SPDX-License-Identifier: MIT */
/* What the parts of a report share: report.c makes and proves it. */
#pragma once

#include "lib/dlms/aead.h"
#include "report-frames.h"
#include "report-names.h"
#include "report.h"

/* The decoder's result for one telegram. */
struct outcome {
        size_t offset; /* of its first frame */
        enum telegram_status status;
        char error[TELEGRAM_ERROR_MAX];
        const char *framing;
        const struct meter_profile *profile;
        char meter_id[TELEGRAM_ID_MAX];
        char maker[4];
        struct datetime time;
        bool encrypted, authenticated;
        struct reading *readings; /* owned */
        size_t n_readings, n_texts;
};

struct outcomes {
        struct outcome *items; /* owned */
        size_t n, room;
};

struct report_work {
        const struct report_options *options;
        struct slice capture;
        struct report_names names;
        struct outcomes before;
        struct aead *aead;           /* owned */
        struct cipher_keys new_keys; /* thrown away after the report */
        uint16_t address_shift;      /* of HDLC addresses */
        uint8_t *out;                /* owned: the capture with other names */
        bool *kept;                  /* owned: which of its bytes are of whole telegrams */
        size_t n_telegrams;          /* taken so far */
        const char *found;           /* the spelling of a name that could not be replaced */
};

/* ---- report-collect.c ---- */

/* Adds whatever identifies the meter in a telegram. -ENOMEM. */
int report_collect_telegram(struct report_names *names, const struct telegram *t);
/* The same of the bytes of an APDU, and of a frame of text. */
int report_collect_apdu(struct report_names *names, struct slice plain);
int report_collect_text(struct report_names *names, const struct link_ops *link,
                        struct slice frame);

/* ---- report-rewrite.c ---- */

/* Looks at everything that a run holds, deciphered. */
int report_look_into(struct report_work *work, const struct report_run *run);
/* Replaces, enciphers anew, and proves its frames again. -EAGAIN: other substitutes may do. */
int report_rewrite(struct report_work *work, const struct report_run *run);
