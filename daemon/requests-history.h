/* SPDX-License-Identifier: MIT */
/* get_history and import_history of bus_requests, of the manager: from the bus's words to the
 * history's, and back. */
#pragma once

#include "dbus/bus.h"

int requests_get_history(void *userdata, const char *meter,
                         const struct bus_history_question *question,
                         void (*done)(const struct bus_history *answer, void *cookie), void *cookie,
                         sd_bus_error *error);
int requests_import_history(void *userdata, const char *meter,
                            const struct bus_history_import *import,
                            void (*done)(int result, const struct bus_history_imported *imported,
                                         void *cookie),
                            void *cookie, sd_bus_error *error);
