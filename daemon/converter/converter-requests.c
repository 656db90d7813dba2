/* SPDX-License-Identifier: MIT */
/* What people ask of a converter (Converter1), and what is asked about it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "converter-private.h"

void converter_probe(struct converter *c)
{
        silence_forget(&c->silence);
        c->flaps = 0;
        converter_report(c, MACHINE_ASKED, "opening", "opened because somebody asked");
}

int converter_reset(struct converter *c, const char *how)
{
        int r;

        if (c->ban.code)
                return -EPERM;
        if (strcmp(how, "reopen") == 0) {
                converter_probe(c);
                return 0;
        }
        if (strcmp(how, "usb") != 0)
                return -EINVAL;
        r = converter_may_reset(c);
        if (r >= 0)
                converter_report(c, MACHINE_STUCK, "usb-reset", "USB reset because somebody asked");
        return r;
}

int converter_inhibit(struct converter *c, const char *who, const char *why, uint64_t cookie)
{
        if (!c->inhibitors)
                c->inhibitors = calloc(CONVERTER_INHIBITORS_MAX, sizeof(*c->inhibitors));
        if (!c->inhibitors)
                return -ENOMEM;
        for (size_t i = 0; i < CONVERTER_INHIBITORS_MAX; i++) {
                struct inhibitor *inhibitor = &c->inhibitors[i];

                if (inhibitor->cookie != 0)
                        continue;
                inhibitor->cookie = cookie;
                (void)snprintf(inhibitor->text, sizeof(inhibitor->text), "lent to %s%s%s", who,
                               *why ? ": " : "", why);
                converter_look(c); /* which finds the inhibitor, and closes the port */
                return 0;
        }
        return -EUSERS;
}

void converter_inhibit_done(struct converter *c, uint64_t cookie)
{
        for (size_t i = 0; c->inhibitors && i < CONVERTER_INHIBITORS_MAX; i++)
                if (c->inhibitors[i].cookie == cookie)
                        c->inhibitors[i].cookie = 0;
        converter_look(c);
}

int converter_capture(struct converter *c, int fd)
{
        return capture_add(c, fd);
}

void converter_forget(struct converter *c)
{
        /* what is not in the store cannot be forgotten; a store that fails has logged it */
        (void)store_forget_converter(c->options.store, c->id);
        (void)store_forget_framing(c->options.store, c->id);
        c->learned = (struct store_converter){ 0 };
        c->store_usec = 0;
}

int converter_adopt(struct converter *c, const struct serial_line *line, const char *profile)
{
        c->learned.adopted = true;
        c->trial.on = false;
        c->learned.refused[0] = '\0';
        if (line) {
                c->learned.has_line = true;
                c->learned.line = *line;
        }
        if (profile)
                (void)snprintf(c->learned.profile, sizeof(c->learned.profile), "%s", profile);
        (void)snprintf(c->learned.identity, sizeof(c->learned.identity), "%s", c->id);
        (void)snprintf(c->learned.socket, sizeof(c->learned.socket), "%s", c->device.path);
        return c->options.store ? store_put_converter(c->options.store, &c->learned) : 0;
}

void converter_set_meters(struct converter *c, const char *const *ids)
{
        c->view.meter_ids = ids;
        c->options.ops->changed(c, c->options.userdata);
}

void converter_forget_keys(struct converter *c)
{
        if (c->decoder)
                decoder_forget_keys(c->decoder);
}

void converter_forget_titles(struct converter *c)
{
        if (c->decoder)
                decoder_forget_titles(c->decoder);
}

void converter_learn_meter(struct converter *c, const char *meter_id)
{
        if (strcmp(c->learned.meter_id, meter_id) == 0)
                return;
        (void)snprintf(c->learned.meter_id, sizeof(c->learned.meter_id), "%s", meter_id);
        converter_store(c);
}

const char *converter_learned_meter(const struct converter *c)
{
        return c->learned.meter_id;
}

const char *converter_id(const struct converter *c)
{
        return c->id;
}

enum converter_state converter_state_get(const struct converter *c)
{
        return c->state;
}

const struct config_converter *converter_config(const struct converter *c)
{
        return c->config;
}

const struct hotplug_device *converter_device(const struct converter *c)
{
        return &c->device;
}

const char *converter_awaited_path(const struct converter *c)
{
        return c->path;
}

bool converter_is_plugged(const struct converter *c)
{
        return c->plugged;
}

bool converter_is_adopted(const struct converter *c)
{
        return c->learned.adopted;
}

const char *converter_refused(const struct converter *c)
{
        return c->learned.refused;
}

uint64_t converter_generation(const struct converter *c)
{
        return c->generation;
}

const struct converter_view *converter_view_get(const struct converter *c)
{
        return &c->view;
}
