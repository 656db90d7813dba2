/* SPDX-License-Identifier: MIT */
/*
 * What an output must be able to do: D-Bus and each MQTT broker are sinks, and the manager knows
 * them only by this table. All calls come from the main loop; none may block; what is handed in is
 * borrowed for the call. Optional members may be NULL.
 */
#pragma once

#include "meter.h"

struct sink; /* each output embeds it as its first member */

struct sink_ops {
        const char *name;
        struct sink *(*free)(struct sink *sink); /* flushes what it can in bounded time */
        void (*meter_added)(struct sink *sink, const struct meter *meter);
        void (*meter_removed)(struct sink *sink, const struct meter *meter);
        /* An accepted telegram. */
        void (*telegram)(struct sink *sink, const struct meter *meter,
                         const struct meter_update *update);
        /* One that cannot be read: it counts, and the meter lives. */
        void (*telegram_refused)(struct sink *sink, const struct meter *meter);
        /* Online, key state, tariff, name or settings changed without a telegram's readings. */
        void (*meter_changed)(struct sink *sink, const struct meter *meter);
        /* `smctl forget`: retained traces of this meter are to vanish. */
        void (*meter_forgotten)(struct sink *sink, const char *meter_id);
};

struct sink {
        const struct sink_ops *ops;
        struct sink *next; /* list of the manager */
};

#define SINK_NOTIFY(sink_, member, ...)                                       \
        do {                                                                  \
                struct sink *notify_sink_ = (sink_);                          \
                if (notify_sink_->ops->member)                                \
                        notify_sink_->ops->member(notify_sink_, __VA_ARGS__); \
        } while (0)
