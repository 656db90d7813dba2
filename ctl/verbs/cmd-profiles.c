/* SPDX-License-Identifier: MIT */
/*
 * smctl profiles: the meter families that are known, and where each one comes from. Works without
 * the service.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/profiles.h"
#include "ctl/view/json.h"
#include "ctl/view/output.h"
#include "ctl/view/table.h"
#include "verb.h"

/* "" where the profile names no line. */
static const char *line_of(const struct meter_profile *p, char buf[static SERIAL_LINE_TEXT_MAX])
{
        buf[0] = '\0';
        return p->line.baud ? serial_line_print(&p->line, buf) : buf;
}

static int print_json(const struct profile_set *set)
{
        OWNED(json) struct json_object *array = json_new_array();
        const struct meter_profile *p;

        for (size_t i = 0; (p = profile_set_at(set, i)); i++) {
                struct json_object *element = json_new_object();
                const char *overrides, *file = profile_set_origin(set, p, &overrides);
                char line[SERIAL_LINE_TEXT_MAX];

                json_set_text(element, "name", p->name);
                json_set_text(element, "maker", p->manufacturer);
                json_set_text(element, "manufacturer", p->manufacturer_name);
                json_set_text(element, "model", p->model_name);
                json_set_text(element, "medium", p->medium);
                json_set_text(element, "line", *line_of(p, line) ? line : NULL);
                json_set_text(element, "connection", p->connection);
                json_set_text(element, "encryption", p->encryption);
                json_set_text(element, "ask_for", p->ask_for);
                json_set_text(element, "ask", p->ask);
                json_set_number(element, "lists", (int64_t)p->n_lists);
                json_set_text(element, "file", file);
                json_set_text(element, "overrides",
                              overrides && !*overrides ? "built-in" : overrides);
                json_push(array, element);
        }
        json_print(array);
        return EXIT_DONE;
}

static int print_table(const struct profile_set *set)
{
        const struct column columns[] = {
                { N_("PROFILE"), 0, 0 },        { N_("MAKER"), 0, 0 },
                { N_("MODEL"), COLUMN_CUT, 0 }, { N_("LINE"), 0, 60 },
                { N_("FROM"), COLUMN_CUT, 0 },
        };
        OWNED(table) struct table *table = table_new(columns, ELEMENTSOF(columns));
        const struct meter_profile *p;

        if (!table)
                return EXIT_FAILED;
        for (size_t i = 0; (p = profile_set_at(set, i)); i++) {
                const char *overrides, *file = profile_set_origin(set, p, &overrides);
                char line[SERIAL_LINE_TEXT_MAX];

                table_line(table);
                table_cell(table, 0, p->name);
                table_cell(table, 1, p->manufacturer);
                table_cell(table, 2, p->model);
                table_cell(table, 3, *line_of(p, line) ? line : NULL);
                table_cell(table, 4, file ? file : _("built in"));
        }
        table_print(table);
        return EXIT_DONE;
}

int cmd_profiles(int argc, char **argv)
{
        const struct options options = {
                .about = N_("A profile is what is known of a meter family. The administrator's own "
                            "stand in\n/etc/smartmeterd/profiles.d and win over built-in ones of "
                            "the same name."),
        };
        OWNED(profiles) struct profile_set *set = NULL;
        int first = options_parse(&options, argc, argv);

        if (first <= 0)
                return options_exit(first);
        if (profiles_load(&set) < 0)
                return output_fail(_("out of memory"));
        return ctl_settings.json ? print_json(set) : print_table(set);
}
