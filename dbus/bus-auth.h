/* SPDX-License-Identifier: MIT */
/*
 * May this caller do that? Root and the service's own user may; others are asked about at polkit,
 * which may ask them for a password. Nothing here blocks: the method call waits in a bounded list,
 * and is forgotten when its caller leaves the bus.
 */
#pragma once

#include "bus-face.h"

/* `run` carries the call out and replies; the object may have gone meanwhile: it looks it up by
 * path. `action` is one of names.h, static. */
int bus_auth_check(struct bus *bus, sd_bus_message *m, const char *action, bus_run_t run,
                   sd_bus_error *error);

/* Forgets everything that waits. */
void bus_auth_drop_all(struct bus *bus);
