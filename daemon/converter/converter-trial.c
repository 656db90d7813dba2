/* SPDX-License-Identifier: MIT */
/*
 * A converter that may be the adopted one which has left its socket: it has no serial number to
 * recognise it by. It is listened to at the line of that one, and kept when the same meter is
 * heard. Until then none of its telegrams is passed on; a converter that turns out to be another
 * one is closed, and not tried again.
 */
#include <stdio.h>

#include "converter-private.h"

/* Some meters send once a minute. */
#define TRIAL_USEC (75 * UINT64_C(1000000))

static const char let_go[] = "the meter of the adopted converter that left its socket was not "
                             "heard here; `smctl adopt` it if there is a meter behind it";

void converter_try(struct converter *c, const struct serial_line *line)
{
        c->trial = (struct converter_trial){ .on = true, .line = *line };
}

bool converter_is_on_trial(const struct converter *c)
{
        return c->trial.on;
}

void converter_trial_listen(struct converter *c)
{
        if (c->trial.on)
                c->trial.until_usec = converter_now(c) + TRIAL_USEC;
}

bool converter_trial_passes(struct converter *c, const struct telegram *t)
{
        int assessed;

        if (!c->trial.on)
                return true;
        assessed = c->options.ops->assess(c, t, c->options.userdata);
        c->trial.on = assessed <= 0;
        c->trial.failed = c->trial.failed || assessed < 0;
        return assessed > 0;
}

void converter_trial_look(struct converter *c, uint64_t now)
{
        if (!c->trial.on || !c->listening || (!c->trial.failed && now < c->trial.until_usec))
                return;
        converter_report(c, MACHINE_FOREIGN, "other-meter", "%s", let_go);
        converter_refuse(c, "other-meter", let_go);
}

int converter_inherit(struct converter *c, const struct store_converter *from)
{
        c->learned = *from;
        return converter_adopt(c, NULL, NULL);
}
