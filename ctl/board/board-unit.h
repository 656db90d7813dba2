/* SPDX-License-Identifier: MIT */
/*
 * Commands to systemd when a port of the machine comes to the service, or leaves it: by systemctl,
 * which waits until it is done and says what went wrong.
 */
#pragma once

#include <stdbool.h>

#include "board-port.h"

/* Drop-ins are read again; with `restart` the service begins anew with them. */
bool board_unit_reload(bool restart);

/* The login prompt ends, does not come back, and leaves the port to the group of ports. */
bool board_unit_mask(const char *unit, const struct board_port *port);
