/* SPDX-License-Identifier: MIT */
/*
 * The checks of smctl doctor as rows, and the one place where their objects are walked.
 */
#include "doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/i18n.h"
#include "ctl/view/json.h"

#define NEEDS_MAX 3

struct check {
        const char *name;   /* "brltty" */
        const char *passed; /* said when nothing was found; marked for translation */
        bool needs_service;
        /* False: there is nothing to look at, and it has said why where this is no success. */
        bool (*applies)(struct doctor *doctor);
        /* Called with each object of its kind. */
        void (*usb)(struct doctor *doctor, const struct usb_serial *serial);
        void (*converter)(struct doctor *doctor, struct json_object *converter);
        void (*meter)(struct doctor *doctor, struct json_object *meter);
        void (*output)(struct doctor *doctor, struct json_object *output);
        /* Called once, after the objects: about the service, the machine or all of them. */
        void (*whole)(struct doctor *doctor);
        const struct need *needs[NEEDS_MAX]; /* the first that is missing is named */
};

/* In the order in which trouble builds up: machine, port, line, meter, broker. */
static const struct check checks[] = {
        { "service", N_("The service runs."), false, .whole = doctor_check_service },
        { "starts", N_("The service has not fallen over."), false, .whole = doctor_check_starts },
        { "config", N_("The configuration is right."), false, .whole = doctor_check_config },
        { "usb", N_("A converter is there."), false, .usb = doctor_count_usb,
          .whole = doctor_check_usb },
        { "driver", N_("Each converter has a driver."), false, .usb = doctor_check_driver },
        { "tty", N_("Each converter has a port."), false, .usb = doctor_check_tty },
        { "container", N_("The ports are in this container."), false,
          .applies = doctor_in_container, .usb = doctor_check_node },
        { "waiting", N_("No port is missing."), true, .converter = doctor_check_waiting,
          .needs = { &doctor_needs_used } },
        { "permission", N_("The service may open the ports."), true,
          .converter = doctor_check_permission,
          .needs = { &doctor_needs_used, &doctor_needs_open } },
        { "holder", N_("No other program holds a port."), false, .whole = doctor_check_holder },
        { "console", N_("No port is the kernel's console."), true, .applies = doctor_knows_console,
          .converter = doctor_check_console, .needs = { &doctor_needs_port } },
        { "brltty", N_("brltty is not in the way."), false, .whole = doctor_check_brltty },
        { "gpsd", N_("gpsd is not in the way."), false, .whole = doctor_check_gpsd },
        { "modemmanager", N_("ModemManager is not in the way."), false,
          .applies = doctor_modemmanager_runs, .usb = doctor_check_modem },
        { "ignored", N_("The service reads a converter, or waits for it."), true,
          .converter = doctor_check_moved, .whole = doctor_check_ignored },
        { "line", N_("The line settings are right."), true, .converter = doctor_check_line,
          .needs = { &doctor_needs_used, &doctor_needs_telegrams } },
        { "detecting", N_("No meter is being looked for."), true,
          .converter = doctor_check_detecting,
          .needs = { &doctor_needs_used, &doctor_needs_open } },
        { "silent", N_("No converter is silent."), true, .converter = doctor_check_silent,
          .needs = { &doctor_needs_used, &doctor_needs_open, &doctor_needs_bytes } },
        { "damage", N_("The frames arrive whole."), true, .converter = doctor_check_damage,
          .needs = { &doctor_needs_frames, &doctor_needs_used } },
        { "telegrams", N_("There are telegrams in the frames."), true,
          .converter = doctor_check_telegrams,
          .needs = { &doctor_needs_used, &doctor_needs_telegrams } },
        { "forged", N_("No telegram was refused as forged."), true,
          .converter = doctor_check_forged,
          .needs = { &doctor_needs_used, &doctor_needs_telegrams } },
        { "named", N_("The telegrams name their meter."), true, .converter = doctor_check_named,
          .needs = { &doctor_needs_used, &doctor_needs_telegrams } },
        { "key", N_("No meter lacks a key."), true, .meter = doctor_check_key,
          .needs = { &doctor_needs_meter, &doctor_needs_heard } },
        { "layout", N_("The telegrams are understood."), true, .meter = doctor_check_layout,
          .needs = { &doctor_needs_reading } },
        { "scale", N_("The scale of every number is known."), true, .meter = doctor_check_scale,
          .needs = { &doctor_needs_reading } },
        { "suspect", N_("The readings are believed."), true, .meter = doctor_check_suspect,
          .needs = { &doctor_needs_reading } },
        { "offline", N_("No meter is offline."), true, .meter = doctor_check_offline,
          .needs = { &doctor_needs_meter, &doctor_needs_heard } },
        { "clock", N_("The clocks of the meters are right."), true, .meter = doctor_check_clock,
          .needs = { &doctor_needs_meter, &doctor_needs_clock } },
        { "broker", N_("Every broker is connected."), true, .output = doctor_check_broker,
          .needs = { &doctor_needs_broker } },
        { "tls", N_("No broker fails for TLS."), true, .output = doctor_check_tls,
          .needs = { &doctor_needs_broker } },
        { "acl", N_("The brokers let us publish."), true, .output = doctor_check_acl,
          .needs = { &doctor_needs_broker } },
        { "files", N_("The files are written."), true, .output = doctor_check_files,
          .needs = { &doctor_needs_file } },
        { "disk", N_("There is room on the disk."), false, .whole = doctor_check_disk },
        { "reading", N_("A meter is read."), true, .meter = doctor_count_read,
          .whole = doctor_check_reading },
};

static void add_result(struct doctor *doctor, const char *status, const char *about,
                       const char *finding, const char *fix)
{
        struct json_object *result = json_new_object();

        json_set_text(result, "check", doctor->check->name);
        json_set_text(result, "status", status);
        json_set_text(result, "about", about && *about ? about : NULL);
        json_set_text(result, "finding", finding);
        json_set_text(result, "cure", fix);
        json_push(doctor->results, result);
}

void doctor_wrong(struct doctor *doctor, const char *about, const char *fix, const char *format,
                  ...)
{
        char finding[1024];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(finding, sizeof(finding), format, arguments);
        va_end(arguments);
        add_result(doctor, "wrong", about, finding, fix);
        doctor->n_wrong++;
        doctor->n_here++;
}

const char *doctor_fix(struct doctor *doctor, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(doctor->fix, sizeof(doctor->fix), format, arguments);
        va_end(arguments);
        return doctor->fix;
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

bool doctor_any(const struct doctor *doctor, const char *list,
                bool (*has)(struct json_object *object))
{
        struct json_object *objects = json_member(doctor->all, list);

        for (size_t i = 0; i < json_count(objects); i++)
                if (!has || has(json_object_array_get_idx(objects, i)))
                        return true;
        return false;
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

/* False: no object has what one must have before any of them is looked at. */
static bool are_looked_at(const struct doctor *doctor, const char *list)
{
        const struct need *const *needs = doctor->check->needs;

        for (size_t i = 0; i < NEEDS_MAX && needs[i]; i++)
                if (needs[i]->first && !doctor_any(doctor, list, needs[i]->has))
                        return false;
        return true;
}

static void look_at_list(struct doctor *doctor, const char *list,
                         void (*run)(struct doctor *doctor, struct json_object *object))
{
        const struct need *const *needs = doctor->check->needs;

        if (!run)
                return;
        if (are_looked_at(doctor, list))
                doctor_each(doctor, list, run);
        for (size_t i = 0; i < NEEDS_MAX && needs[i] && !doctor->skipped; i++)
                if (!doctor_any(doctor, list, needs[i]->has))
                        doctor_skip(doctor, _(needs[i]->why));
}

static void run_check(struct doctor *doctor, const struct check *check)
{
        if (check->applies && !check->applies(doctor))
                return;
        if (check->usb && doctor_each_usb(doctor, check->usb) == 0)
                doctor_skip(doctor, _("No converter is on USB."));
        look_at_list(doctor, "converters", check->converter);
        look_at_list(doctor, "meters", check->meter);
        look_at_list(doctor, "outputs", check->output);
        if (check->whole)
                check->whole(doctor);
}

void doctor_run(struct doctor *doctor)
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
                run_check(doctor, &checks[i]);
                close_check(doctor);
        }
}
