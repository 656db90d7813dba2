/* SPDX-License-Identifier: MIT */
/*
 * What an output must be able to do: D-Bus, each MQTT broker and the file of metrics are sinks of
 * the whole model (converters, meters, outputs), and the manager knows them only by this table. All
 * calls come from the main loop; none may block; what is handed in is borrowed for the call, views
 * of converters and outputs until they are removed. Optional members may be NULL.
 */
#pragma once

#include "converter-view.h"
#include "meter.h"
#include "output-view.h"

struct sink; /* each output embeds it as its first member */

/* What a meter has been, over restarts. Asked each time: it is brought up to date then, and not
 * with every telegram. */
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
         * Behind stop(), where nobody may be waited for: it is told nothing more, and shows
         * nothing. True: free() does not wait. Else `on_left` of its options says when that is so.
         * NULL: free() waits for nothing.
         */
        bool (*leave)(struct sink *sink);
        /* Of one that was made while others of its kind were leaving, which are gone now: what it
         * was told meanwhile comes behind what one of its name left. -errno: it is to be freed. */
        int (*begin)(struct sink *sink);
        /* Output1.Reconnect: drops the connection and tries at once. */
        void (*reconnect)(struct sink *sink);
        /* Tries at once what is waited with: connecting, and what was refused. */
        void (*retry)(struct sink *sink);
        /* It leaves for good: what others keep of it is to vanish. stop() follows. */
        void (*withdraw)(struct sink *sink);
        /*
         * What a meter has been, over restarts, whether it is heard now or not: told before it is
         * added, once, for outputs that describe meters to others. It lives until the meter is
         * forgotten. `exact`: what others were told last is in it.
         */
        void (*meter_known)(struct sink *sink, struct meter_memory *memory, bool exact);
        void (*meter_added)(struct sink *sink, const struct meter *meter);
        void (*meter_removed)(struct sink *sink, const struct meter *meter);
        /*
         * An accepted telegram is about to be told: of the first one, before the meter is added.
         * A sink that keeps it (`keeps`) has what is told of it from now on held back until it is
         * safe; what is told carries a ticket, and may leave when that, or a later one, is
         * released.
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
        bool keeps;        /* it is told before those that do not */
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
