/* SPDX-License-Identifier: MIT */
/*
 * Adopted converters that have no serial number are known by their sockets. One that leaves its
 * socket, and comes back in another, is adopted there when the same meter is behind it: it is
 * listened to for that, unless two of the kind were seen at once, two adopted ones are missing, it
 * was there when we began, a program has it open, or it was tried before. Then it is left alone,
 * and the reason says what to do.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "manager-private.h"

/* Is it distinguished from others by its socket alone? */
static bool goes_by_socket(const struct hotplug_device *d)
{
        char id[IDENTITY_MAX];

        return strchr(identity_of_device(d, false, id), '@');
}

static bool is_alike(const struct hotplug_device *a, const struct hotplug_device *b)
{
        return a->vendor_id == b->vendor_id && a->product_id == b->product_id &&
               strcmp(a->interface, b->interface) == 0 && strcmp(a->port, b->port) == 0;
}

/* Another one of the same kind that is plugged in, behind `after`; NULL: none. */
static struct managed_converter *next_beside(const struct manager *m,
                                             const struct managed_converter *after,
                                             const struct hotplug_device *d)
{
        struct managed_converter *mc = after ? after->next : m->converters;

        while (mc && !(converter_is_plugged(mc->converter) &&
                       is_alike(d, converter_device(mc->converter)) &&
                       strcmp(d->syspath, converter_device(mc->converter)->syspath) != 0))
                mc = mc->next;
        return mc;
}

static bool is_plugged(const struct manager *m, const char *id)
{
        const struct managed_converter *mc = manager_find(m, id);

        return mc && converter_is_plugged(mc->converter);
}

/* How many adopted ones of its kind are in no socket; the last of them. Identities by socket begin
 * with the kind, and end with the port where the chip has several. */
static size_t count_missing(const struct manager *m, const struct hotplug_device *d,
                            struct store_converter *ret)
{
        struct store_converter row;
        char kind[16], id[IDENTITY_MAX];
        size_t n = 0;

        (void)snprintf(kind, sizeof(kind), "%04x:%04x@", d->vendor_id, d->product_id);
        (void)identity_of_device(d, true, id);
        for (size_t i = 0; store_find_converter_at(m->store, i, &row) > 0; i++)
                if (row.adopted && strncmp(row.identity, kind, strlen(kind)) == 0 &&
                    strcmp(row.identity, id) != 0 && !is_plugged(m, row.identity)) {
                        *ret = row;
                        n++;
                }
        return n;
}

bool manager_misses(const struct manager *m, const struct hotplug_device *d)
{
        struct store_converter missing;

        return goes_by_socket(d) && count_missing(m, d, &missing) > 0;
}

void manager_try_moved(struct manager *m, struct managed_converter *newcomer,
                       const struct hotplug_device *d)
{
        struct converter *c = newcomer->converter;
        struct store_converter missing;
        const struct managed_converter *gone;

        if (m->starting || !m->config->daemon->auto_bind || d->ignored || d->marked ||
            converter_is_adopted(c) || *converter_refused(c) || !goes_by_socket(d) ||
            next_beside(m, NULL, d) || count_missing(m, d, &missing) != 1)
                return;
        gone = manager_find(m, missing.identity);
        if (!gone || gone->beside || !missing.has_line || !*missing.meter_id ||
            !is_alike(d, converter_device(gone->converter)))
                return;
        (void)snprintf(newcomer->missing, sizeof(newcomer->missing), "%s", missing.identity);
        newcomer->other[0] = '\0';
        converter_try(c, &missing.line);
        log_notice("%s: is it %s in another socket? It is, if meter %s is heard", converter_id(c),
                   missing.identity, missing.meter_id);
}

/* Its socket is no converter's any more: another may be plugged in there next. */
static void give_up_socket(struct manager *m, const char *identity)
{
        struct managed_converter *gone = manager_find(m, identity);

        if (gone) {
                converter_forget(gone->converter);
                manager_remove_converter(m, gone);
        } else {
                (void)store_forget_converter(m->store, identity); /* the store has logged it */
        }
}

int manager_assess_moved(struct manager *m, struct managed_converter *mc, const struct telegram *t)
{
        struct converter *c = mc->converter;
        struct store_converter missing;
        char id[METER_ID_MAX] = "";
        int assessed;

        if (store_find_converter(m->store, mc->missing, &missing) <= 0 ||
            is_plugged(m, mc->missing))
                return -1; /* forgotten, or back in its socket */
        assessed = meters_assess(m->meters, t, missing.meter_id, id);
        if (assessed == 0)
                return 0;
        if (assessed < 0) {
                /* A damaged telegram names anything; and several meters may share a line. */
                bool again = strcmp(mc->other, id) == 0;

                if (!*mc->other)
                        (void)snprintf(mc->other, sizeof(mc->other), "%s", id);
                return again ? -1 : 0;
        }
        log_notice("%s: adopted, since meter %s of %s is behind it", converter_id(c), id,
                   missing.identity);
        (void)converter_inherit(c, &missing); /* the store has logged it */
        give_up_socket(m, missing.identity);
        return 1;
}

void manager_settle_moved(struct manager *m, struct managed_converter *mc)
{
        const char *meter = converter_learned_meter(mc->converter);
        const struct hotplug_device *d = converter_device(mc->converter);
        struct store_converter missing;

        if (!*meter)
                return;
        mc->chosen = false;
        if (goes_by_socket(d) && count_missing(m, d, &missing) == 1 &&
            strcmp(missing.meter_id, meter) == 0)
                give_up_socket(m, missing.identity);
}

void manager_look_beside(struct manager *m, const struct hotplug_device *d)
{
        struct managed_converter *self = m->converters, *other = NULL;

        if (!goes_by_socket(d))
                return;
        while (self && !(converter_is_plugged(self->converter) &&
                         strcmp(converter_device(self->converter)->syspath, d->syspath) == 0))
                self = self->next;
        while ((other = next_beside(m, other, d))) {
                if (self)
                        self->beside = other->beside = true;
                if (converter_state_get(other->converter) == CONVERTER_IGNORED)
                        manager_configure_converter(m, other);
        }
        if (self && converter_state_get(self->converter) == CONVERTER_IGNORED)
                manager_configure_converter(m, self);
}
