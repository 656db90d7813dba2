/* SPDX-License-Identifier: MIT */
/*
 * smctl status, list-converters, list-meters: what the service shows, as tables or JSON.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/sentences.h"
#include "ctl/view/tables.h"
#include "ctl/view/words.h"
#include "verb.h"

static int fetch_all(struct json_object **ret)
{
        OWNED(bus) sd_bus *bus = NULL;
        int r;

        r = client_open(&bus);
        return r < 0 ? r : client_fetch(bus, ret);
}

static void print_status(struct json_object *all)
{
        struct json_object *service = json_member(all, "service");
        struct json_object *converters = json_member(all, "converters");
        struct json_object *meters = json_member(all, "meters");
        struct json_object *outputs = json_member(all, "outputs");
        const char *state = json_text(service, "state");
        const char *trouble = json_text(service, "last_reload_error");

        printf("smartmeterd %s: %s%s%s\n", json_text(service, "version"),
               output_style(output_state_style(state)), words_state(state), output_plain());
        if (*trouble)
                printf("%s%s%s %s\n", output_style(STYLE_BAD),
                       _("The configuration was not reloaded:"), output_plain(),
                       sentences_say(trouble));
        printf("\n");
        if (json_count(converters) > 0)
                tables_converters(converters);
        else
                printf("%s\n", _("No USB serial converter is plugged in."));
        printf("\n");
        if (json_count(meters) > 0)
                tables_meters(meters);
        else
                printf("%s\n", _("No meter has been heard yet (smctl doctor says why)."));
        if (json_count(outputs) > 0) {
                printf("\n");
                tables_outputs(outputs);
        }
}

int cmd_status(int argc, char **argv)
{
        OWNED(json) struct json_object *all = NULL;
        const struct options options = { 0 };
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (fetch_all(&all) < 0)
                return EXIT_FAILED;
        if (ctl_settings.json)
                json_print(all);
        else
                print_status(all);
        return EXIT_DONE;
}

static int list(int argc, char **argv, const char *kind, void (*print)(struct json_object *list),
                const char *empty)
{
        OWNED(json) struct json_object *all = NULL;
        const struct options options = { 0 };
        struct json_object *objects;
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (fetch_all(&all) < 0)
                return EXIT_FAILED;
        objects = json_member(all, kind);
        if (ctl_settings.json)
                json_print(objects);
        else if (json_count(objects) > 0)
                print(objects);
        else
                fprintf(stderr, "%s\n", _(empty));
        return EXIT_DONE;
}

int cmd_list_converters(int argc, char **argv)
{
        return list(argc, argv, "converters", tables_converters,
                    N_("No USB serial converter is plugged in."));
}

int cmd_list_meters(int argc, char **argv)
{
        return list(argc, argv, "meters", tables_meters,
                    N_("No meter has been heard yet (smctl doctor says why)."));
}
