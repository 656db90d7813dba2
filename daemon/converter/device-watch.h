/* SPDX-License-Identifier: MIT */
/*
 * Awaits a tty that udev does not announce (Device=: a UART, a pty, a link to one): inotify on the
 * folder it appears in, or on the nearest folder above that exists.
 */
#pragma once

#include <systemd/sd-event.h>

#include "base/util.h"

struct device_watch;

/* `changed` is called when the path may have appeared, changed or gone; it looks for itself. May
 * not free the watch. -errno. */
int device_watch_new(sd_event *event, const char *path, void (*changed)(void *userdata),
                     void *userdata, struct device_watch **ret);
struct device_watch *device_watch_free(struct device_watch *w);
DEFINE_OWNED(device_watch, struct device_watch *, device_watch_free);
