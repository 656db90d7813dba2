/* SPDX-License-Identifier: MIT */
/*
 * smctl readings: the latest values of one meter or of all.
 */
#include <errno.h>
#include <stdio.h>

#include "client.h"
#include "i18n.h"
#include "options.h"
#include "output.h"
#include "tables.h"
#include "verb.h"

static void print_heading(struct json_object *meter, size_t i)
{
        const char *name = json_text(meter, "name");

        printf("%s%s%s%s%s%s%s%s\n", i ? "\n" : "", output_style(STYLE_BOLD),
               json_text(meter, "id"), output_plain(), *name ? "  " : "", name,
               *json_text(meter, "model") ? "  " : "", json_text(meter, "model"));
}

/* {"meter": id, "name": …, "readings": […]} of each. */
static int collect(sd_bus *bus, struct json_object *meters, struct json_object *into)
{
        for (size_t i = 0; i < json_count(meters); i++) {
                struct json_object *meter = json_object_array_get_idx(meters, i);
                struct json_object *readings = NULL, *element;
                int r;

                r = client_fetch_readings(bus, json_text(meter, "object"), &readings);
                if (r < 0)
                        return r;
                element = json_object_new_object();
                json_set_text(element, "meter", json_text(meter, "id"));
                json_set_text(element, "name", json_text(meter, "name"));
                json_object_object_add(element, "readings", readings);
                json_object_array_add(into, element);
                if (ctl_settings.json)
                        continue;
                if (json_count(meters) > 1)
                        print_heading(meter, i);
                if (json_count(readings) > 0)
                        tables_readings(readings);
                else
                        fprintf(stderr, _("%s has sent no readings yet (key: %s)\n"),
                                json_text(meter, "id"), json_text(meter, "key_state"));
        }
        return 0;
}

int cmd_readings(int argc, char **argv)
{
        const struct options options = { .max_arguments = 1 };
        OWNED(json) struct json_object *all = NULL, *chosen = NULL, *result = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *meters;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (client_open(&bus) < 0 || client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        meters = json_member(all, "meters");
        if (first < argc) {
                struct json_object *meter = client_find_meter(all, argv[first]);

                if (!meter)
                        return EXIT_FAILED;
                chosen = json_object_new_array();
                json_object_array_add(chosen, json_object_get(meter));
                meters = chosen;
        }
        result = json_object_new_array();
        if (collect(bus, meters, result) < 0)
                return EXIT_FAILED;
        if (ctl_settings.json)
                json_print(first < argc ? json_object_array_get_idx(result, 0) : result);
        else if (json_count(meters) == 0)
                fprintf(stderr, "%s\n", _("No meter has been heard yet (smctl doctor says why)."));
        return EXIT_DONE;
}
