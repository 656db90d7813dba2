/* SPDX-License-Identifier: MIT */
/* inotify for Device=. */
#include "device-watch.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>

#define WATCH_EVENTS                                                                        \
        (IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | \
         IN_MOVE_SELF)

struct device_watch {
        sd_event *event; /* borrowed: lives as long as the daemon */
        size_t n_folder; /* so much of the path is the folder that is watched now */
        void (*changed)(void *userdata);
        void *userdata;
        sd_event_source *source;
        char path[];
};

static int on_change(sd_event_source *source, const struct inotify_event *event, void *userdata);

/* The nearest folder above the path that can be watched. 1: it is another one than before. */
static int watch_once(struct device_watch *w)
{
        char folder[PATH_MAX];
        int r = -ENOENT;

        (void)snprintf(folder, sizeof(folder), "%s", w->path); /* not longer: device_watch_new() */
        while (r < 0) {
                char *slash = strrchr(folder, '/');

                if (!slash)
                        return r;
                slash[slash == folder ? 1 : 0] = '\0';
                if (w->source && strlen(folder) == w->n_folder)
                        return 0; /* as before */
                sd_event_source *source = NULL;
                r = sd_event_add_inotify(w->event, &source, folder, WATCH_EVENTS, on_change, w);
                if (r >= 0) {
                        sd_event_source_disable_unref(w->source);
                        w->source = source;
                        w->n_folder = strlen(folder);
                } else if (strcmp(folder, "/") == 0) {
                        return r;
                }
        }
        return 1;
}

/* A folder made while the one above it was not watched yet is seen by looking again. */
static int watch_nearest(struct device_watch *w)
{
        int r;

        do
                r = watch_once(w);
        while (r > 0);
        return r;
}

/* Does an entry of that name in the watched folder lie on the way to the path? */
static bool concerns(const struct device_watch *w, const char *name)
{
        size_t len = w->n_folder == 1 ? 0 : w->n_folder; /* the root ends with its slash */
        const char *rest = w->path + len + 1;
        size_t n = strcspn(rest, "/");

        return strlen(name) == n && strncmp(name, rest, n) == 0;
}

static int on_change(sd_event_source *source, const struct inotify_event *event, void *userdata)
{
        struct device_watch *w = userdata;

        if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) {
                w->source = sd_event_source_disable_unref(w->source);
        } else if (event->len == 0 || !concerns(w, event->name)) {
                return 0;
        }
        /* A failure leaves the caller's own retries. */
        (void)watch_nearest(w);
        w->changed(w->userdata);
        return 0;
}

int device_watch_new(sd_event *event, const char *path, void (*changed)(void *userdata),
                     void *userdata, struct device_watch **ret)
{
        OWNED(device_watch) struct device_watch *w = NULL;
        int r;

        if (path[0] != '/' || strlen(path) >= PATH_MAX)
                return -EINVAL;
        w = calloc(1, sizeof(*w) + strlen(path) + 1);
        if (!w)
                return -ENOMEM;
        w->event = event;
        w->changed = changed;
        w->userdata = userdata;
        memcpy(w->path, path, strlen(path) + 1);
        r = watch_nearest(w);
        if (r < 0)
                return r;

        *ret = TAKE(w);
        return 0;
}

struct device_watch *device_watch_free(struct device_watch *w)
{
        if (!w)
                return NULL;
        sd_event_source_disable_unref(w->source);
        free(w);
        return NULL;
}
