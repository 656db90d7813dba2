/* SPDX-License-Identifier: MIT */
/*
 * Whether the service runs, and if not, why: what systemd says of its unit, and what the service's
 * own program says of the configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config-build.h"
#include "ctl/client/child.h"
#include "ctl/client/client.h"
#include "ctl/client/daemon-program.h"
#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "ctl/view/sentences.h"
#include "doctor.h"
#include "sysroot.h"

#define CONFIG_FILE SYSCONFDIR "/smartmeterd/smartmeterd.conf"
/* One start is the first; a second after an update or a crash is life. */
#define RESTARTS_MAX    3
#define EX_CONFIG_ENDED 78 /* sysexits.h; smartmeterd(8) */
#define FINDINGS_MAX    5

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define UNIT_PATH    "/org/freedesktop/systemd1/unit/smartmeterd_2eservice"

/* The unit's state in systemd; `known` is false without a systemd on this bus. */
struct unit {
        bool known;
        char load[32], active[32], sub[32], file[32], result[32];
        uint32_t restarts;
        int32_t status;
};

static void get_text(sd_bus *bus, const char *interface, const char *property, char ret[static 32])
{
        sd_bus_error error = SD_BUS_ERROR_NULL;
        OWNED_FREE char *text = NULL;

        ret[0] = '\0';
        if (sd_bus_get_property_string(bus, SYSTEMD_NAME, UNIT_PATH, interface, property, &error,
                                       &text) >= 0)
                (void)snprintf(ret, 32, "%.31s", text);
        sd_bus_error_free(&error);
}

static void get_number(sd_bus *bus, const char *property, char type, void *ret)
{
        sd_bus_error error = SD_BUS_ERROR_NULL;

        /* An older systemd does not count restarts: 0 stays. */
        (void)sd_bus_get_property_trivial(bus, SYSTEMD_NAME, UNIT_PATH, SYSTEMD_NAME ".Service",
                                          property, &error, type, ret);
        sd_bus_error_free(&error);
}

static struct unit look_at_unit(void)
{
        OWNED(bus) sd_bus *bus = NULL;
        struct unit unit = { 0 };

        if (client_connect(&bus) < 0)
                return unit;
        get_text(bus, SYSTEMD_NAME ".Unit", "LoadState", unit.load);
        get_text(bus, SYSTEMD_NAME ".Unit", "ActiveState", unit.active);
        get_text(bus, SYSTEMD_NAME ".Unit", "SubState", unit.sub);
        get_text(bus, SYSTEMD_NAME ".Unit", "UnitFileState", unit.file);
        get_text(bus, SYSTEMD_NAME ".Service", "Result", unit.result);
        get_number(bus, "NRestarts", 'u', &unit.restarts);
        get_number(bus, "ExecMainStatus", 'i', &unit.status);
        unit.known = *unit.load != '\0';
        return unit;
}

static bool is(const char *text, const char *word)
{
        return strcmp(text, word) == 0;
}

/* Why the service's name has no owner, as far as systemd knows. */
static void report_unit(struct doctor *doctor, const struct unit *unit)
{
        if (is(unit->load, "not-found"))
                doctor_wrong(doctor, "",
                             _("Install the package: sudo apt install ./smartmeterd_*.deb"),
                             _("The service is not installed: there is no smartmeterd.service."));
        else if (is(unit->load, "masked"))
                doctor_wrong(doctor, "",
                             _("sudo systemctl unmask smartmeterd, then: sudo systemctl enable "
                               "--now smartmeterd"),
                             _("The service is masked: somebody forbade it to start."));
        else if (is(unit->result, "start-limit-hit"))
                doctor_wrong(doctor, "",
                             _("journalctl -u smartmeterd -e says why it ends. Then: sudo "
                               "systemctl reset-failed smartmeterd && sudo systemctl start "
                               "smartmeterd"),
                             _("The service ended again and again; systemd has given it up."));
        else if (is(unit->sub, "auto-restart"))
                doctor_wrong(doctor, "", _("journalctl -u smartmeterd -e says why it ends."),
                             _("The service ends again and again: it was started anew %u times."),
                             unit->restarts);
        else if (is(unit->active, "failed") && unit->status == EX_CONFIG_ENDED)
                doctor_wrong(doctor, "",
                             _("Correct it (sudo smctl check-config names file and line), then: "
                               "sudo systemctl start smartmeterd"),
                             _("The service did not start: its configuration is wrong."));
        else if (is(unit->active, "failed"))
                doctor_wrong(doctor, "",
                             _("journalctl -u smartmeterd -e says why. Then: sudo systemctl start "
                               "smartmeterd"),
                             _("The service has failed (%s, exit status %d)."), unit->result,
                             (int)unit->status);
        else if (is(unit->active, "activating"))
                doctor_wrong(doctor, "", _("Wait some seconds, then: smctl doctor"),
                             _("The service is starting."));
        else
                doctor_wrong(doctor, "", _("sudo systemctl enable --now smartmeterd"),
                             is(unit->file, "disabled") ? _("The service is switched off (%s).")
                                                        : _("The service was stopped (%s)."),
                             doctor->service_trouble);
}

void doctor_check_service(struct doctor *doctor)
{
        struct unit unit = { 0 };

        if (doctor->bus_away) {
                doctor_wrong(doctor, "", _("Start dbus: sudo systemctl start dbus"),
                             _("The system bus cannot be reached: %s."), doctor->service_trouble);
                return;
        }
        if (doctor->all)
                return;
        unit = look_at_unit();
        if (unit.known)
                report_unit(doctor, &unit);
        else
                doctor_wrong(doctor, "",
                             _("sudo systemctl enable --now smartmeterd; its log says why it "
                               "ended: journalctl -u smartmeterd"),
                             _("The service does not run (%s)."), doctor->service_trouble);
}

void doctor_check_starts(struct doctor *doctor)
{
        struct unit unit = { 0 };

        if (!doctor->bus_away)
                unit = look_at_unit();
        if (!unit.known)
                doctor_skip(doctor, _("No systemd is on this bus."));
        else if (!doctor->all)
                doctor_skip(doctor, _("Needs the service."));
        else if (unit.restarts >= RESTARTS_MAX)
                doctor_wrong(doctor, "",
                             _("journalctl -u smartmeterd says why it ended; report it "
                               "(CONTRIBUTING.md)."),
                             _("The service fell over and was started anew %u times."),
                             unit.restarts);
}

/* As the service's own program prints them. */
static void report_problem(struct doctor *doctor, struct json_object *problem)
{
        char about[512];
        int64_t line = json_number(problem, "line");

        if (line > 0)
                (void)snprintf(about, sizeof(about), "%.400s:%lld", json_text(problem, "file"),
                               (long long)line);
        else
                (void)snprintf(about, sizeof(about), "%.400s", json_text(problem, "file"));
        doctor_wrong(doctor, about,
                     doctor->all ? _("Correct it, then: sudo smctl check-config && sudo smctl "
                                     "reload")
                                 : _("Correct it, then: sudo smctl check-config && sudo systemctl "
                                     "restart smartmeterd"),
                     "%s", sentences_say(json_text(problem, "message")));
}

static void report_problems(struct doctor *doctor, struct json_object *problems)
{
        size_t n_reported = 0;

        for (size_t i = 0; i < json_count(problems) && n_reported < FINDINGS_MAX; i++) {
                struct json_object *problem = json_object_array_get_idx(problems, i);

                if (!is(json_text(problem, "severity"), "error"))
                        continue;
                if (access(json_text(problem, "file"), R_OK) < 0 && errno == EACCES) {
                        doctor_hidden(doctor, _("A part of the configuration is hidden from you."));
                        continue;
                }
                report_problem(doctor, problem);
                n_reported++;
        }
}

/* 0 looked at, -errno with the reason for doctor_skip(). */
static int assess_file(struct doctor *doctor, char *file)
{
        char program[PATH_MAX], options[][16] = { "--check-config", "--json", "--config" };
        OWNED(json) struct json_object *problems = NULL;
        OWNED_FREE char *name = strdup(daemon_program(program)), *text = NULL;
        char *argv[] = { name, options[0], options[1], options[2], file, NULL };
        int r;

        if (!name)
                return -ENOMEM;
        r = child_capture(argv, &text);
        if (r < 0)
                return r;
        problems = json_tokener_parse(text);
        if (!json_object_is_type(problems, json_type_array))
                return -ENOENT; /* 127: it is not there; no other answer comes from it */
        report_problems(doctor, problems);
        return 0;
}

void doctor_check_config(struct doctor *doctor)
{
        const char *error = json_text(json_member(doctor->all, "service"), "last_reload_error");
        char file[SYSROOT_PATH_MAX];

        sysroot_path(file, "%s", CONFIG_FILE);
        if (*error)
                doctor_wrong(doctor, "",
                             _("Correct it, then: sudo smctl check-config && sudo smctl reload"),
                             _("The new configuration was refused and the old one is in force: %s"),
                             sentences_say(error));
        else if (access(file, R_OK) < 0 && errno == EACCES)
                doctor_hidden(doctor, _("The configuration is hidden from you."));
        else if (!sysroot_has(CONFIG_FILE) && !sysroot_has(CONFIG_FILE ".d"))
                doctor_skip(doctor, _("There is no configuration: everything is as by default."));
        else if (assess_file(doctor, file) < 0)
                doctor_skip(doctor, _("The service's program, which checks it, is not there."));
}
