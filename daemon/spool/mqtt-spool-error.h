/* SPDX-License-Identifier: MIT */
/*
 * The sentences of the spool, from SQLite's results.
 */
#pragma once

#define MQTT_SPOOL_ERROR_MAX 240

/* -errno for an SQLite result other than SQLITE_OK, and the sentence that goes with it. */
int mqtt_spool_explain(int code, const char *path, char error[static MQTT_SPOOL_ERROR_MAX]);
