/* SPDX-License-Identifier: MIT */
/*
 * A kind of output: the section it is configured by, and how one is made. An output brings its
 * section's keys with it; the table of all kinds is in daemon/outputs.c.
 */
#pragma once

#include <systemd/sd-event.h>

#include "config.h"
#include "lib/model/sink.h"

struct store;

struct output_options {
        sd_event *event;
        const struct config_item *config; /* borrowed until the sink is freed */
        const char *state_directory;      /* NULL: nothing is stored */
        struct store *store;              /* borrowed; NULL: nothing is remembered */
        const char *version;
        /* Called from the main loop, at most a few times a second, when the state changed. */
        void (*on_status)(const struct output_view *status, void *userdata);
        /* For a sink that keeps readings: after on_keep() all sinks hold back what they report,
         * until on_kept() has this ticket or a later one. UINT64_MAX: all is kept, or is not waited
         * for. Called from the main loop. */
        uint64_t (*on_keep)(void *userdata);
        void (*on_kept)(uint64_t through, void *userdata);
        /* Once, from the main loop, after leave(): it may be freed in this call. */
        void (*on_left)(void *userdata);
        bool wait; /* others of its kind have not left yet: begin() will be called */
        /* Display name of a meter, "" when there is none. */
        const char *(*meter_name)(void *userdata, const char *meter_id);
        void *userdata;
};

struct output {
        const struct config_section *section;
        /* Starts at once, even if its server or file is not there yet. Owned by the caller, as a
         * sink. -errno. */
        int (*new)(const struct output_options *options, struct sink **ret);
        /* Logs the files that removed sections have left behind. May be NULL. */
        void (*report_left)(const struct config *config, const char *state_directory,
                            struct store *store);
        /* Both sections are for the same place: the new output takes over the state of the old one.
         * NULL: always. */
        bool (*is_same_place)(const struct config_item *a, const struct config_item *b);
        /* NULL, or: the outputs of a configuration are there, or have left. State that one left for
         * its successor can be dropped. */
        void (*settled)(void);
        /* There is one also without its section, with the defaults. It sends nowhere, and is not
         * shown among the outputs. */
        bool always;
};
