/* SPDX-License-Identifier: MIT */
/* Times as tables have them. Local ones are of the zone in TZ. */
#pragma once

#include <stdint.h>

/*
 * 2026-03-29T14:00:00+02:00, with Z, or without an offset: then it is local; a blank for the T, no
 * seconds, a fraction that is dropped, a day alone (its midnight); 29.03.2026 14:00; or seconds
 * since 1970 (9 digits or more, with a fraction or without).
 *
 * An hour that comes twice is the first one, but where `previous` (the row before; INT64_MIN: there
 * is none) is not before it. -EINVAL: no such form, or no such day; -ENOENT: no clock showed it, as
 * clocks went forward.
 */
int csv_time_parse(const char *text, int64_t previous, int64_t *ret);
