/* SPDX-License-Identifier: MIT */
/* Faults of the spool in words, and what to do about them. */
#include "mqtt-spool-error.h"

#include <errno.h>
#include <stdio.h>

#include <sqlite3.h>

int mqtt_spool_explain(int code, const char *path, char error[static MQTT_SPOOL_ERROR_MAX])
{
        int r = -EIO;
        const char *fix = "look at the disk and the kernel's log";

        switch (code & 0xff) {
        case SQLITE_FULL:
                r = -ENOSPC;
                fix = "the disk is full: make room on it";
                break;
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
                r = -EROFS;
                fix = "the service must be able to write there";
                break;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                r = -EBUSY;
                fix = "another process holds it; is a second service running?";
                break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR:
        case SQLITE_SCHEMA:
                r = -EUCLEAN;
                fix = "it is damaged and will be put aside";
                break;
        case SQLITE_NOMEM:
                r = -ENOMEM;
                fix = "out of memory";
                break;
        default:
                break;
        }
        (void)snprintf(error, MQTT_SPOOL_ERROR_MAX,
                       "spool %.90s: %s; readings are kept in memory meanwhile", path, fix);
        return r;
}
