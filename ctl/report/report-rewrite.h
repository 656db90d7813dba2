/* SPDX-License-Identifier: MIT */
/*
 * One telegram after another: deciphered with the owner's keys, its names replaced, enciphered with
 * others, its frames proved anew. Nothing changes its length.
 */
#pragma once

#include "lib/dlms/aead.h"
#include "report-frames.h"
#include "report-names.h"
#include "report-outcome.h"
#include "report.h"

/* A report in the making. */
struct report_work {
        const struct report_options *options;
        struct slice capture;
        struct report_names names;
        struct report_outcomes before;
        struct aead *aead;           /* owned */
        struct cipher_keys new_keys; /* thrown away after the report */
        uint16_t address_shift;      /* of HDLC addresses */
        uint8_t *out;                /* owned: the capture with other names */
        bool *kept;                  /* owned: which of its bytes are of whole telegrams */
        const char *found;           /* the spelling of a name that could not be replaced */
};

/* Looks at everything that a run holds, deciphered. */
int report_look_into(struct report_work *work, const struct report_run *run);
/* Replaces, enciphers anew, and proves its frames again. -EAGAIN: other substitutes may do. */
int report_rewrite(struct report_work *work, const struct report_run *run);
