/* SPDX-License-Identifier: MIT */
/*
 * Finds what identifies a meter in a telegram: its title, its id, and texts that are no version, no
 * state and no model. An unknown text that is long enough counts as a name.
 */
#pragma once

#include "lib/link/link.h"
#include "lib/value/telegram.h"
#include "report-names.h"

/* Adds whatever identifies the meter in a telegram. -ENOMEM. */
int report_collect_telegram(struct report_names *names, const struct telegram *t);
/* The same of the bytes of an APDU, and of a frame of text. */
int report_collect_apdu(struct report_names *names, struct slice plain);
int report_collect_text(struct report_names *names, const struct link_ops *link,
                        struct slice frame);
