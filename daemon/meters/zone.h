/* SPDX-License-Identifier: MIT */
/*
 * The civil time of the place where the meters are (Timezone=, else the machine's): what a local
 * time without offset means, and what the clock on the wall shows.
 */
#pragma once

#include "lib/model/tariff.h"
#include "lib/value/datetime.h"

/* "Europe/Zurich"; NULL: the machine's. -EINVAL when there is no such zone: nothing changes. The
 * first call is to be made before there are threads. */
int zone_set(const char *name);

/* Its name in the tz database, "" when it is not known: of a machine without one, or with rules of
 * its own in TZ. Valid until the next call. */
const char *zone_name(void);

/* The zone as lib/ wants it. Static. */
const struct tariff_zone *zone_get(void);

/*
 * A meter's time as wall µs, 0 when it has none. Without an offset it is local; in the hour that
 * comes twice, the meter's summer time mark decides, else the one nearer to `host_usec`.
 * An offset that only follows from a mark (W and S of P1) is that of this zone, unless it is UTC:
 * a machine without a zone of its own does not know the country.
 */
int64_t zone_resolve(const struct datetime *time, uint64_t host_usec);

/*
 * The same for a clock that keeps standard time all year (Kamstrup, Aidon of Norway), whatever
 * offset it sends.
 */
int64_t zone_resolve_standard(const struct datetime *time);
