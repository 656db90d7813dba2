/* SPDX-License-Identifier: MIT */
/*
 * Small helpers of the bus: the tables of models and their objects, and errors with names.
 */
#include "bus-private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int bus_table_add(struct bus_table *table, const void *model, void *object)
{
        if (table->n == table->n_allocated) {
                size_t n = table->n_allocated ? table->n_allocated * 2 : 4;
                struct bus_entry *grown = reallocarray(table->entries, n, sizeof(*grown));

                if (!grown)
                        return -ENOMEM;
                table->entries = grown;
                table->n_allocated = n;
        }
        table->entries[table->n++] = (struct bus_entry){ model, object };
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

int bus_fail(sd_bus_error *error, int r, const char *name, const char *format, ...)
{
        va_list args;

        va_start(args, format);
        (void)sd_bus_error_setfv(error, name, format, args); /* answers with its own errno */
        va_end(args);
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
