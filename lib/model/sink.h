/* SPDX-License-Identifier: MIT */
/*
 * The table of an output: D-Bus, each MQTT broker and the file of metrics are sinks of the whole
 * model (converters, meters, outputs), and the manager knows them only by this table. All
 * calls come from the main loop; none may block; what is handed in is borrowed for the call, views
 * of converters and outputs until they are removed. Optional members may be NULL.
 */
#pragma once

#include "converter-view.h"
#include "meter.h"
#include "output-view.h"

struct sink; /* each output embeds it as its first member */

/* The meter as it has been, over restarts. look() brings it up to date each time, so that a
 * telegram need not. */
struct meter_memory {
        const struct meter *(*look)(struct meter_memory *memory); /* good until the next telegram */
};

struct sink_ops {
        const char *name;
        /* Names outlive the moment there (topics, entities): meters come when they have one. */
        bool named_only;
        /* Begins to leave, and does not wait: several that leave do so side by side. */
        void (*stop)(struct sink *sink);
        struct sink *(*free)(struct sink *sink); /* flushes what it can in bounded time */
        /*
         * Behind stop(), where the loop may not wait: the sink gets no more calls, and shows
         * nothing. True: free() does not wait. Else `on_left` of its options says when that is so.
         * NULL: free() waits for nothing.
         */
        bool (*leave)(struct sink *sink);
        /* Of one that was made while others of its kind were leaving, which are gone now: its
         * messages since then follow those that one of its name left. -errno: it is to be freed. */
        int (*begin)(struct sink *sink);
        /* Output1.Reconnect: drops the connection and tries at once. */
        void (*reconnect)(struct sink *sink);
        /* Tries at once again: to connect, and to send refused messages. */
        void (*retry)(struct sink *sink);
        /* It leaves for good: its traces with others are to be removed. stop() follows. */
        void (*withdraw)(struct sink *sink);
        /*
         * A meter of earlier runs, whether it is heard now or not: called once, before it is
         * added, for outputs that describe meters to others. It lives until the meter is
         * forgotten. `exact`: it holds what was last sent to others.
         */
        void (*meter_known)(struct sink *sink, struct meter_memory *memory, bool exact);
        void (*meter_added)(struct sink *sink, const struct meter *meter);
        void (*meter_removed)(struct sink *sink, const struct meter *meter);
        /*
         * An accepted telegram is about to be passed on; the first one of a meter, before the
         * meter is added. Where a sink keeps it (`keeps`), messages about it are held back until
         * it is safe: they carry a ticket, and may leave when that, or a later one, is released.
         */
        void (*telegram_coming)(struct sink *sink, const struct meter *meter);
        void (*hold)(struct sink *sink, uint64_t ticket);
        void (*release)(struct sink *sink, uint64_t through);
        /* It is here. */
        void (*telegram)(struct sink *sink, const struct meter *meter,
                         const struct meter_update *update);
        /* One that cannot be read: it counts, and the meter lives. */
        void (*telegram_refused)(struct sink *sink, const struct meter *meter);
        /* Online, key state, tariff, name or settings changed without a telegram's readings. */
        void (*meter_changed)(struct sink *sink, const struct meter *meter);
        /* `smctl forget`: retained traces of this meter are to vanish. */
        void (*meter_forgotten)(struct sink *sink, const char *meter_id);

        void (*converter_added)(struct sink *sink, const struct converter_view *converter);
        /* Its state, its meters or its counters changed. */
        void (*converter_changed)(struct sink *sink, const struct converter_view *converter);
        void (*converter_removed)(struct sink *sink, const struct converter_view *converter);

        void (*output_added)(struct sink *sink, const struct output_view *output);
        void (*output_changed)(struct sink *sink, const struct output_view *output);
        void (*output_removed)(struct sink *sink, const struct output_view *output);
};

struct sink {
        const struct sink_ops *ops;
        bool keeps;        /* it is called before those that do not */
        struct sink *next; /* list of the manager */
};

#define SINK_NOTIFY(sink_, member, ...)                                       \
        do {                                                                  \
                struct sink *notify_sink_ = (sink_);                          \
                if (notify_sink_->ops->member)                                \
                        notify_sink_->ops->member(notify_sink_, __VA_ARGS__); \
        } while (0)

/* Notifies every sink of a list. */
#define SINK_NOTIFY_ALL(head_, member, ...)                                    \
        do {                                                                   \
                for (struct sink *each_ = (head_); each_; each_ = each_->next) \
                        SINK_NOTIFY(each_, member, __VA_ARGS__);               \
        } while (0)
