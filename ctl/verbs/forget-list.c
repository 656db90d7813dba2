/* SPDX-License-Identifier: MIT */
#include "forget-list.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/table.h"
#include "dbus/names.h"
#include "verb.h"

struct remembered {
        const char *id, *kind, *name;
        uint64_t heard_usec;
};

static void add_json(struct json_object *array, const struct remembered *one)
{
        struct json_object *object = json_new_object();

        json_set_text(object, "id", one->id);
        json_set_text(object, "kind", one->kind);
        json_set_text(object, "name", *one->name ? one->name : NULL);
        json_set_number(object, "heard_usec", (int64_t)one->heard_usec);
        json_push(array, object);
}

static void add_line(struct table *table, const struct remembered *one)
{
        char heard[OUTPUT_TEXT_MAX];

        table_line(table);
        table_cell(table, 0, one->id);
        table_cell(table, 1, strcmp(one->kind, "meter") == 0 ? _("meter") : _("converter"));
        table_cell(table, 2, *one->name ? one->name : NULL);
        table_cell(table, 3, output_time(one->heard_usec, heard));
}

static int read_all(sd_bus_message *reply, struct table *table, struct json_object *array)
{
        struct remembered one;
        int r = sd_bus_message_enter_container(reply, 'a', "(ssst)");

        while (r >= 0 && (r = sd_bus_message_read(reply, "(ssst)", &one.id, &one.kind, &one.name,
                                                  &one.heard_usec)) > 0) {
                add_json(array, &one);
                add_line(table, &one);
        }
        return r;
}

int forget_list(sd_bus *bus)
{
        const struct column columns[] = { { N_("ID"), 0, 0 },
                                          { N_("KIND"), 0, 60 },
                                          { N_("NAME"), COLUMN_CUT, 40 },
                                          { N_("HEARD"), 0, 80 } };
        OWNED(table) struct table *table = table_new(columns, ELEMENTSOF(columns));
        OWNED(json) struct json_object *array = json_new_array();
        OWNED(message) sd_bus_message *reply = NULL;

        if (!table ||
            client_call(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "ListRemembered", &reply, NULL) < 0)
                return EXIT_FAILED;
        if (read_all(reply, table, array) < 0)
                return EXIT_FAILED;
        if (ctl_settings.json)
                json_print(array);
        else if (json_object_array_length(array) > 0)
                (void)table_print(table);
        else
                puts(_("Nothing is remembered that is not there."));
        return EXIT_DONE;
}
