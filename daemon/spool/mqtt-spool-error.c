/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with the spool, and what to do about it.
 */
#include "mqtt-spool-error.h"

#include <errno.h>
#include <stdio.h>

#include <sqlite3.h>

int mqtt_spool_explain(int code, const char *path, char error[static MQTT_SPOOL_ERROR_MAX])
{
        int r = -EIO;
        const char *cure = "look at the disk and the kernel's log";

        switch (code & 0xff) {
        case SQLITE_FULL:
                r = -ENOSPC;
                cure = "the disk is full: make room on it";
                break;
        case SQLITE_READONLY:
        case SQLITE_CANTOPEN:
        case SQLITE_PERM:
        case SQLITE_AUTH:
                r = -EROFS;
                cure = "the service must be able to write there";
                break;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                r = -EBUSY;
                cure = "another process holds it; is a second service running?";
                break;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
        case SQLITE_ERROR:
        case SQLITE_SCHEMA:
                r = -EUCLEAN;
                cure = "it is damaged and will be put aside";
                break;
        case SQLITE_NOMEM:
                r = -ENOMEM;
                cure = "out of memory";
                break;
        default:
                break;
        }
        (void)snprintf(error, MQTT_SPOOL_ERROR_MAX,
                       "spool %.90s: %s; readings are kept in memory meanwhile", path, cure);
        return r;
}
