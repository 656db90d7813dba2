/* SPDX-License-Identifier: MIT */
/*
 * What sections leave that are gone, or changed. Spools of removed sections are neither sent nor
 * deleted, and what their brokers were told waits for a section that names the broker again: the
 * log names both. What could neither be sent nor kept on disk (Spool=no, or a disk that takes
 * nothing) is for the one that comes after it with the same section: a corrected Host= costs no
 * reading. It is the main loop's alone, and empty but while a configuration takes the place of
 * another, until the last of the old sections has left.
 */
#pragma once

#include "daemon/config/config.h"
#include "daemon/formats/message.h"
#include "daemon/store/store.h"

void mqtt_left_report(const struct config *config, const char *directory, struct store *store);

/* Takes all of `list`. */
void mqtt_left_keep(const char *name, struct message_list *list);
/* Appends to `ret` what was left under this name. */
void mqtt_left_take(const char *name, struct message_list *ret);
/* Nobody comes for the rest: it is counted in the log, and given up. */
void mqtt_left_end(void);
