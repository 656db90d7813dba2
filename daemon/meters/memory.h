/* SPDX-License-Identifier: MIT */
/*
 * What a meter has been, over restarts: its identity, every value it ever sent with its unit and
 * interval, and the last of each. A struct meter like any other, so that whatever describes meters
 * describes it; values of an earlier run have mono_usec 0.
 */
#pragma once

#include "lib/model/meter.h"

/*
 * Takes in what `live` is now. *ret_changed: it would be described otherwise than before. -ENOMEM:
 * some of it is missing.
 */
int memory_refresh(struct meter *memory, const struct meter *live, bool *ret_changed);
/* `memory` was just refreshed; true when it holds, and will hold, no more than `live`: nothing of
 * an earlier run is left, and no tariff, of which the last one stays when none counts. */
bool memory_is_in(const struct meter *memory, const struct meter *live);

/* As JSON; owned by the caller, NULL without memory. `final`: nothing was announced after it. */
char *memory_print(const struct meter *memory, bool final);
/* Back again. -EBADMSG for a text that is none of these, -ENOMEM. */
int memory_parse(const char *id, const char *text, struct meter **ret, bool *ret_final);
