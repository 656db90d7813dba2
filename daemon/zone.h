/* SPDX-License-Identifier: MIT */
/*
 * The civil time of the place where the meters are (Timezone=, else the machine's): what a local
 * time without offset means, and what the clock on the wall shows.
 */
#pragma once

#include "lib/datetime.h"
#include "lib/tariff.h"

/* "Europe/Zurich"; NULL: the machine's. -EINVAL when there is no such zone: nothing changes. */
int zone_set(const char *name);

/* The zone as lib/ wants it. Static. */
const struct tariff_zone *zone_get(void);

/*
 * A meter's time as wall µs, 0 when it has none. Without an offset it is local; in the hour that
 * comes twice, the meter's summer time mark decides, else the one nearer to `host_usec`.
 */
int64_t zone_resolve(const struct datetime *time, uint64_t host_usec);
