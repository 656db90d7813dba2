/* SPDX-License-Identifier: MIT */
/* SML files inside their transport (lib/sml/): names in them, and their check sums. */
#pragma once

#include "report-names.h"

/* Adds ids, public keys and signatures of a frame. -ENOMEM. */
int report_sml_collect(struct slice frame, struct report_names *names);

/* Replaces names in a frame; its check sums are wrong afterwards. */
int report_sml_replace(const struct report_names *names, uint8_t *frame, size_t n);

/*
 * Check sums of the messages and of the frame; `before` is the frame as it was sent. -EAGAIN when
 * one would not fit where it stands.
 */
int report_sml_fix(const uint8_t *before, uint8_t *frame, size_t n);
