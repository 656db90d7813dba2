/* SPDX-License-Identifier: MIT */
/* smctl forget --list: what the service remembers of earlier runs, and what is not there now. */
#pragma once

#include <systemd/sd-bus.h>

/* Prints it; an exit code. */
int forget_list(sd_bus *bus);
