/* SPDX-License-Identifier: MIT */
/*
 * smctl doctor: runs every check, prints what was found and what cures it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/client/client.h"
#include "ctl/doctor/doctor.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "verb.h"

#define NAME_COLUMNS 14

/* In the order in which trouble builds up: the machine, the port, the line, the meter, the broker.
 */
static const struct check checks[] = {
        { "service", N_("The service runs."), false, doctor_check_service },
        { "starts", N_("The service has not fallen over."), false, doctor_check_starts },
        { "config", N_("The configuration is right."), false, doctor_check_config },
        { "usb", N_("A converter is there."), false, doctor_check_usb },
        { "driver", N_("Each converter has a driver."), false, doctor_check_driver },
        { "tty", N_("Each converter has a port."), false, doctor_check_tty },
        { "container", N_("The ports are in this container."), false, doctor_check_container },
        { "waiting", N_("No port is missing."), true, doctor_check_waiting },
        { "permission", N_("The service may open the ports."), true, doctor_check_permission },
        { "holder", N_("No other program holds a port."), false, doctor_check_holder },
        { "console", N_("No port is the kernel's console."), true, doctor_check_console },
        { "brltty", N_("brltty is not in the way."), false, doctor_check_brltty },
        { "gpsd", N_("gpsd is not in the way."), false, doctor_check_gpsd },
        { "modemmanager", N_("ModemManager is not in the way."), false, doctor_check_modemmanager },
        { "ignored", N_("The service reads a converter, or waits for it."), true,
          doctor_check_ignored },
        { "line", N_("The line settings are right."), true, doctor_check_line },
        { "detecting", N_("No meter is being looked for."), true, doctor_check_detecting },
        { "silent", N_("No converter is silent."), true, doctor_check_silent },
        { "damage", N_("The frames arrive whole."), true, doctor_check_damage },
        { "telegrams", N_("There are telegrams in the frames."), true, doctor_check_telegrams },
        { "forged", N_("No telegram was refused as forged."), true, doctor_check_forged },
        { "named", N_("The telegrams name their meter."), true, doctor_check_named },
        { "key", N_("No meter lacks a key."), true, doctor_check_key },
        { "layout", N_("The telegrams are understood."), true, doctor_check_layout },
        { "scale", N_("The scale of every number is known."), true, doctor_check_scale },
        { "suspect", N_("The readings are believed."), true, doctor_check_suspect },
        { "offline", N_("No meter is offline."), true, doctor_check_offline },
        { "clock", N_("The clocks of the meters are right."), true, doctor_check_clock },
        { "broker", N_("Every broker is connected."), true, doctor_check_broker },
        { "tls", N_("No broker fails for TLS."), true, doctor_check_tls },
        { "acl", N_("The brokers let us publish."), true, doctor_check_acl },
        { "files", N_("The files are written."), true, doctor_check_files },
        { "disk", N_("There is room on the disk."), false, doctor_check_disk },
        { "reading", N_("A meter is read."), true, doctor_check_reading },
};

static void add_result(struct doctor *doctor, const char *status, const char *about,
                       const char *finding, const char *cure)
{
        struct json_object *result = json_object_new_object();

        json_set_text(result, "check", doctor->check->name);
        json_set_text(result, "status", status);
        json_set_text(result, "about", about && *about ? about : NULL);
        json_set_text(result, "finding", finding);
        json_set_text(result, "cure", cure);
        json_object_array_add(doctor->results, result);
}

void doctor_wrong(struct doctor *doctor, const char *about, const char *cure, const char *format,
                  ...)
{
        char finding[1024];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(finding, sizeof(finding), format, arguments);
        va_end(arguments);
        add_result(doctor, "wrong", about, finding, cure);
        doctor->n_wrong++;
        doctor->n_here++;
}

const char *doctor_cure(struct doctor *doctor, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(doctor->cure, sizeof(doctor->cure), format, arguments);
        va_end(arguments);
        return doctor->cure;
}

/* Within single quotes a shell changes nothing; a quote itself stands between two such parts. */
const char *doctor_word(const char *name, char buf[static DOCTOR_WORD_MAX])
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_-.:/@%+,";
        size_t n = 0;

        if (*name && name[strspn(name, plain)] == '\0') {
                (void)snprintf(buf, DOCTOR_WORD_MAX, "%s", name);
                return buf;
        }
        buf[n++] = '\'';
        for (; *name && n + 6 < DOCTOR_WORD_MAX; name++) {
                if (*name == '\'') {
                        memcpy(buf + n, "'\\''", 4);
                        n += 4;
                } else {
                        buf[n++] = *name;
                }
        }
        buf[n++] = '\'';
        buf[n] = '\0';
        return buf;
}

void doctor_skip(struct doctor *doctor, const char *why)
{
        doctor->skipped = why;
}

void doctor_hidden(struct doctor *doctor, const char *why)
{
        doctor->skipped = why;
        doctor->hidden = true;
}

void doctor_each(struct doctor *doctor, const char *list,
                 void (*run)(struct doctor *doctor, struct json_object *object))
{
        struct json_object *objects = json_member(doctor->all, list);

        for (size_t i = 0; i < json_count(objects); i++)
                run(doctor, json_object_array_get_idx(objects, i));
}

/* A finding stands, whatever else could not be looked at. */
static void close_check(struct doctor *doctor)
{
        char why[512];

        if (doctor->n_here > 0)
                return;
        if (doctor->skipped && doctor->hidden) {
                (void)snprintf(why, sizeof(why), _("%s \"sudo smctl doctor\" looks at it."),
                               doctor->skipped);
                add_result(doctor, "skipped", NULL, why, NULL);
                doctor->n_hidden++;
        } else if (doctor->skipped) {
                add_result(doctor, "skipped", NULL, doctor->skipped, NULL);
        } else {
                add_result(doctor, "ok", NULL, _(doctor->check->passed), NULL);
        }
}

static void run_checks(struct doctor *doctor)
{
        for (size_t i = 0; i < ELEMENTSOF(checks); i++) {
                doctor->check = &checks[i];
                doctor->n_here = 0;
                doctor->skipped = NULL;
                doctor->hidden = false;
                if (checks[i].needs_service && !doctor->all) {
                        add_result(doctor, "skipped", NULL, _("Needs the service."), NULL);
                        continue;
                }
                checks[i].run(doctor);
                close_check(doctor);
        }
}

static void print_result(struct json_object *result)
{
        const char *status = json_text(result, "status"), *cure = json_text(result, "cure");
        const char *about = json_text(result, "about");
        bool utf8 = output_is_utf8(), wrong = strcmp(status, "wrong") == 0;
        const char *mark = wrong ? (utf8 ? "✗" : "x") : (utf8 ? "✓" : "v");
        char finding[1200];

        printf("%s%s%s %-*s ", output_style(wrong ? STYLE_BAD : STYLE_GOOD), mark, output_plain(),
               NAME_COLUMNS, json_text(result, "check"));
        (void)snprintf(finding, sizeof(finding), "%s%s%s", about, *about ? ": " : "",
                       json_text(result, "finding"));
        output_wrapped(finding, NAME_COLUMNS + 3);
        if (*cure) {
                printf("%*s%s%s%s ", NAME_COLUMNS + 3, "", output_style(STYLE_BOLD),
                       utf8 ? "→" : "->", output_plain());
                output_wrapped(cure, NAME_COLUMNS + 5 + !utf8);
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

/* What had nothing to look at for one and the same reason, in one line: it is not what people look
 * for. */
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
        object = json_object_new_object();
        doctor.results = json_object_new_array();
        look_at_service(&doctor, &all, &error);
        run_checks(&doctor);
        sd_bus_error_free(&error);
        json_set_flag(object, "ok", doctor.n_wrong == 0);
        json_object_object_add(object, "checks", doctor.results);
        if (ctl_settings.json) {
                json_print(object);
        } else {
                print_all(doctor.results);
                print_sum(&doctor);
        }
        return doctor.n_wrong > 0 ? EXIT_FAILED : EXIT_DONE;
}
