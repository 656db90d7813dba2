/* SPDX-License-Identifier: MIT */
/*
 * The remains of sections that are gone, or changed. Spools of removed sections are neither sent
 * nor deleted, and their retained topics wait for a section that names the broker again: the log
 * names both. Messages that could neither be sent nor kept on disk (Spool=no, or a disk that takes
 * nothing) go to the next output with the same section: a corrected Host= costs no reading. The
 * list is the main loop's alone, and empty but while a configuration takes the place of another,
 * until the last of the old sections has left.
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
/* The rest is not wanted any more: it is counted in the log, and given up. */
void mqtt_left_end(void);
