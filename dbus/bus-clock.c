/* SPDX-License-Identifier: MIT */
/*
 * Whether the clock of this machine is synchronised, as systemd-timedated knows it: meters' clocks
 * are not measured against one that runs free. The kernel knows it too, but its call is not open to
 * a service that may not set the clock. Without an answer (no systemd, a container) the clock is
 * taken for right. An answer counts from the next telegram of each meter.
 */
#include "bus-private.h"

#define TIMEDATE          "org.freedesktop.timedate1"
#define ASK_AGAIN_USEC    UINT64_C(300000000)   /* while it runs free: no change is signalled */
#define ASK_NEXT_DAY_USEC UINT64_C(86400000000) /* each question starts timedated */

static int on_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
        struct bus *bus = userdata;
        int synchronised = true;

        (void)error;
        bus->clock_slot = sd_bus_slot_unref(bus->clock_slot);
        if (!sd_bus_message_is_method_error(reply, NULL))
                (void)sd_bus_message_read(reply, "v", "b", &synchronised);
        bus->clock_runs_free = !synchronised;
        bus->clock_ask_usec += synchronised ? ASK_NEXT_DAY_USEC : ASK_AGAIN_USEC;
        return 0;
}

bool bus_clock_is_right(struct bus *bus)
{
        uint64_t now = 0;

        (void)sd_event_now(bus->event, CLOCK_MONOTONIC, &now); /* fails only after a fork */
        if (bus->peer || bus->clock_slot || now < bus->clock_ask_usec)
                return !bus->clock_runs_free;
        bus->clock_ask_usec = now;
        (void)sd_bus_call_method_async(bus->bus, &bus->clock_slot, TIMEDATE,
                                       "/org/freedesktop/timedate1",
                                       "org.freedesktop.DBus.Properties", "Get", on_answer, bus,
                                       "ss", TIMEDATE, "NTPSynchronized");
        return !bus->clock_runs_free;
}
