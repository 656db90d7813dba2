/* SPDX-License-Identifier: MIT */
/*
 * Small helpers of the bus: the tables of models and their objects, and errors with names.
 */
#include "bus-private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/util.h"
#include "bus-text.h"

#define ERROR_MAX 2048 /* a sentence and the list of what would be right */

static int on_list(sd_bus *bus, const char *prefix, void *userdata, char ***ret_nodes,
                   sd_bus_error *error)
{
        const struct bus_table *table = userdata;
        char **nodes = calloc(table->n + 1, sizeof(*nodes));
        bool complete = nodes != NULL;

        for (size_t i = 0; complete && i < table->n; i++) {
                nodes[i] = strdup(table->entries[i].path);
                complete = nodes[i] != NULL;
        }
        if (complete) {
                *ret_nodes = nodes;
                return 0;
        }
        for (char **node = nodes; node && *node; node++)
                free(*node);
        free(nodes);
        return -ENOMEM;
}

int bus_table_export(struct bus_table *table, sd_bus *bus, const char *below)
{
        return sd_bus_add_node_enumerator(bus, &table->slot, below, on_list, table);
}

void bus_table_done(struct bus_table *table)
{
        sd_bus_slot_unref(table->slot);
        free(table->entries);
        *table = (struct bus_table){ 0 };
}

int bus_table_add(struct bus_table *table, struct bus_entry entry)
{
        if (!ARRAY_GROW(table->entries, table->n, table->room))
                return -ENOMEM;
        table->entries[table->n++] = entry;
        return 0;
}

void bus_table_remove(struct bus_table *table, const void *model)
{
        for (size_t i = 0; i < table->n; i++) {
                if (table->entries[i].model != model)
                        continue;
                /* In order: lists on the bus keep the order of arrival. */
                memmove(&table->entries[i], &table->entries[i + 1],
                        (table->n - i - 1) * sizeof(table->entries[0]));
                table->n--;
                return;
        }
}

void *bus_table_find(const struct bus_table *table, const void *model)
{
        for (size_t i = 0; i < table->n; i++)
                if (table->entries[i].model == model)
                        return table->entries[i].object;
        return NULL;
}

const struct bus_entry *bus_table_by_id(const struct bus_table *table, const char *id)
{
        for (size_t i = 0; i < table->n; i++)
                if (strcmp(table->entries[i].id, id) == 0)
                        return &table->entries[i];
        return NULL;
}

void *bus_table_at(const struct bus_table *table, const char *path)
{
        for (size_t i = 0; i < table->n; i++)
                if (strcmp(table->entries[i].path, path) == 0)
                        return table->entries[i].object;
        return NULL;
}

int bus_fail(sd_bus_error *error, int r, const char *name, const char *format, ...)
{
        char text[ERROR_MAX], clean[ERROR_MAX];
        va_list args;

        va_start(args, format);
        (void)vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        /* It quotes what callers sent, cut, and may end in half a letter. */
        (void)sd_bus_error_set(error, name, bus_text_clean(text, clean, sizeof(clean)));
        return r;
}

void bus_error_clean(sd_bus_error *error)
{
        OWNED_FREE char *name = NULL;
        char clean[ERROR_MAX];

        if (!error->message || bus_text_is_valid(error->message))
                return;
        (void)bus_text_clean(error->message, clean, sizeof(clean));
        name = strdup(error->name);
        sd_bus_error_free(error);
        (void)sd_bus_error_set(error, name ? name : BUS_ERROR_FAILED, clean);
}

int bus_send_reply(sd_bus_message *reply, int r)
{
        if (r >= 0)
                r = sd_bus_send(NULL, reply, NULL);
        sd_bus_message_unref(reply);
        return r;
}

int bus_error_errno(int r, sd_bus_error *error)
{
        if (r >= 0 || sd_bus_error_is_set(error))
                return r;
        switch (-r) {
        case EINVAL:
                return bus_fail(error, r, BUS_ERROR_INVALID_ARGUMENT,
                                "The argument is not one this method understands.");
        case ENODEV:
        case ENXIO:
                return bus_fail(error, r, BUS_ERROR_GONE,
                                "The converter is unplugged; plug it in and try again.");
        case EBUSY:
                return bus_fail(error, r, BUS_ERROR_BUSY,
                                "Another request is being carried out; try again in a moment.");
        case EOPNOTSUPP:
                return bus_fail(error, r, BUS_ERROR_NOT_SUPPORTED,
                                "This cannot be done with this device or configuration.");
        default:
                return bus_fail(error, r, BUS_ERROR_FAILED,
                                "It failed: %s. The journal of smartmeterd has more.",
                                strerror(-r));
        }
}
