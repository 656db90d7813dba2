/* SPDX-License-Identifier: MIT */
/*
 * smctl doctor: runs every check, prints what was found and what fixes it.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/client/client.h"
#include "ctl/doctor/doctor.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "verb.h"

#define NAME_COLUMNS 14

static void print_result(struct json_object *result)
{
        const char *status = json_text(result, "status"), *fix = json_text(result, "cure");
        const char *about = json_text(result, "about");
        bool utf8 = output_is_utf8(), wrong = strcmp(status, "wrong") == 0;
        const char *mark = wrong ? (utf8 ? "✗" : "x") : (utf8 ? "✓" : "v");
        char finding[1200];

        printf("%s%s%s %-*s ", output_style(wrong ? STYLE_BAD : STYLE_GOOD), mark, output_plain(),
               NAME_COLUMNS, json_text(result, "check"));
        (void)snprintf(finding, sizeof(finding), "%s%s%s", about, *about ? ": " : "",
                       json_text(result, "finding"));
        output_wrapped(finding, NAME_COLUMNS + 3);
        if (*fix) {
                printf("%*s%s%s%s ", NAME_COLUMNS + 3, "", output_style(STYLE_BOLD),
                       utf8 ? "→" : "->", output_plain());
                output_wrapped(fix, NAME_COLUMNS + 5 + !utf8);
        }
}

/* "All is well" is said of what was looked at alone. */
static void print_sum(const struct doctor *doctor)
{
        printf("\n");
        if (doctor->n_wrong > 0)
                printf(P_("%zu finding.\n", "%zu findings.\n", doctor->n_wrong), doctor->n_wrong);
        else if (doctor->n_hidden > 0)
                printf(P_("Nothing wrong was found, and a meter is read. %zu check needs more "
                          "rights: sudo smctl doctor\n",
                          "Nothing wrong was found, and a meter is read. %zu checks need more "
                          "rights: sudo smctl doctor\n",
                          doctor->n_hidden),
                       doctor->n_hidden);
        else
                printf("%s\n", _("All is well."));
}

/* Checks that were skipped for the same reason, in one line: people do not look for them. */
static void print_skipped(struct json_object *results, size_t from)
{
        const char *why = json_text(json_object_array_get_idx(results, from), "finding");
        char text[1200];
        size_t n = 0;

        for (size_t i = from; i < json_count(results) && n < sizeof(text) / 2; i++) {
                struct json_object *result = json_object_array_get_idx(results, i);

                if (strcmp(json_text(result, "finding"), why) == 0)
                        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? ", " : "",
                                              json_text(result, "check"));
        }
        (void)snprintf(text + n, sizeof(text) - n, ": %s", why);
        printf("%s-%s ", output_style(STYLE_DIM), output_plain());
        output_wrapped(text, 2);
}

static bool is_skipped(struct json_object *result)
{
        return strcmp(json_text(result, "status"), "skipped") == 0;
}

static void print_all(struct json_object *results)
{
        size_t n = json_count(results);

        for (size_t i = 0; i < n; i++)
                if (!is_skipped(json_object_array_get_idx(results, i)))
                        print_result(json_object_array_get_idx(results, i));
        for (size_t i = 0; i < n; i++) {
                struct json_object *result = json_object_array_get_idx(results, i);

                /* The first of its reason prints all of them. */
                if (is_skipped(result) &&
                    json_find(results, "finding", json_text(result, "finding")) == result)
                        print_skipped(results, i);
        }
}

static void look_at_service(struct doctor *doctor, struct json_object **ret_all,
                            sd_bus_error *error)
{
        OWNED(bus) sd_bus *bus = NULL;
        int r;

        r = client_connect(&bus);
        if (r < 0) {
                doctor->bus_away = true;
                doctor->service_trouble = strerror(-r);
                return;
        }
        if (!client_has_service(bus)) {
                doctor->service_trouble = _("nobody owns its name on the bus");
                return;
        }
        r = client_fetch_quietly(bus, ret_all, error);
        if (r < 0)
                doctor->service_trouble = error->message ? error->message : strerror(-r);
        else
                doctor->all = *ret_all;
}

int cmd_doctor(int argc, char **argv)
{
        OWNED(json) struct json_object *all = NULL, *object = NULL;
        const struct options options = {
                .about = N_("Exit status 1 when something is wrong. Run it with sudo to see the "
                            "processes of other\nusers too."),
        };
        sd_bus_error error = SD_BUS_ERROR_NULL;
        struct doctor doctor = { 0 };
        int first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        object = json_new_object();
        doctor.results = json_new_array();
        look_at_service(&doctor, &all, &error);
        doctor_run(&doctor);
        sd_bus_error_free(&error);
        json_set_flag(object, "ok", doctor.n_wrong == 0);
        json_set(object, "checks", doctor.results);
        if (ctl_settings.json) {
                json_print(object);
        } else {
                print_all(doctor.results);
                print_sum(&doctor);
        }
        return doctor.n_wrong > 0 ? EXIT_FAILED : EXIT_DONE;
}
