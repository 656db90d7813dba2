/* SPDX-License-Identifier: MIT */
/*
 * smctl monitor: readings as they come. On a terminal a live table; in a pipe a line, or with
 * --json an object, per telegram. Outlives a restart of the service.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/monitor.h"
#include "ctl/view/output.h"
#include "ctl/view/terminal.h"
#include "dbus/names.h"
#include "verb.h"

#define USEC_PER_SEC 1000000U

static inline void event_unref(sd_event *event)
{
        (void)sd_event_unref(event);
}
DEFINE_OWNED(event, sd_event *, event_unref);

struct watch {
        sd_event *event; /* borrowed */
        sd_bus *bus;     /* borrowed */
        struct monitor *monitor;
        const char *only; /* path of the one meter, NULL: all */
        char only_path[128];
        bool screen;
        bool outdated; /* names or states changed: fetch them at the next tick */
        unsigned int count;
        uint64_t patience_usec; /* 0: without end */
};

static void take_meters(struct watch *watch, struct json_object *all)
{
        struct json_object *meters = json_member(all, "meters");

        for (size_t i = 0; i < json_count(meters); i++) {
                struct json_object *object = json_object_array_get_idx(meters, i);
                const char *path = json_text(object, "object");
                struct monitor_meter *meter;

                if (watch->only && strcmp(watch->only, path) != 0)
                        continue;
                meter = monitor_place(watch->monitor, path);
                if (meter)
                        monitor_describe(meter, object);
        }
        for (size_t i = watch->monitor->n_meters; i > 0; i--)
                if (!json_find(meters, "object", watch->monitor->meters[i - 1].path))
                        monitor_remove(watch->monitor, watch->monitor->meters[i - 1].path);
}

static void refresh(struct watch *watch)
{
        OWNED(json) struct json_object *all = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        watch->outdated = false;
        if (!client_has_service(watch->bus) || client_fetch_quietly(watch->bus, &all, &error) < 0) {
                watch->monitor->service_away = true;
                watch->outdated = true; /* asked again at the next tick */
        } else {
                watch->monitor->service_away = false;
                take_meters(watch, all);
        }
        sd_bus_error_free(&error);
}

/* The last values, so that the table is full at once. */
static int take_first_readings(struct watch *watch)
{
        for (size_t i = 0; i < watch->monitor->n_meters; i++) {
                struct monitor_meter *meter = &watch->monitor->meters[i];
                OWNED(json) struct json_object *readings = NULL;
                uint64_t last = 0;
                int r;

                r = client_fetch_readings(watch->bus, meter->path, &readings);
                if (r < 0)
                        return r;
                for (size_t j = 0; j < json_count(readings); j++)
                        last = MAX(last,
                                   (uint64_t)json_number(json_object_array_get_idx(readings, j),
                                                         "received_usec"));
                if (last)
                        monitor_update(meter, readings, last);
        }
        return 0;
}

static void print_line(const struct monitor_meter *meter, uint64_t host_usec,
                       struct json_object *readings)
{
        char time[OUTPUT_TEXT_MAX], number[JSON_DOUBLE_MAX];

        printf("%s %s", output_time_iso(host_usec, time), meter->id);
        for (size_t i = 0; i < json_count(readings); i++) {
                struct json_object *reading = json_object_array_get_idx(readings, i);

                printf(" %s=%s%s", json_text(reading, "name"),
                       json_double_print(json_double(reading, "value"), number),
                       json_text(reading, "unit"));
        }
        printf("\n");
        (void)fflush(stdout); /* asked at the end of each telegram */
}

static void print_json(const struct monitor_meter *meter, uint64_t host_usec, uint64_t sequence,
                       struct json_object *readings)
{
        OWNED(json) struct json_object *object = json_new_object();
        char time[OUTPUT_TEXT_MAX];

        json_set_text(object, "meter", meter->id);
        json_set_text(object, "name", meter->name);
        json_set_text(object, "received", output_time_iso(host_usec, time));
        json_set_text(object, "meter_time",
                      meter->clock_usec ? output_time_iso(meter->clock_usec, time) : NULL);
        json_set_number(object, "seq", (int64_t)sequence);
        json_set(object, "readings", json_object_get(readings));
        json_print_line(object);
}

static int on_telegram(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        struct watch *watch = userdata;
        OWNED(json) struct json_object *readings = NULL;
        const char *path = sd_bus_message_get_path(message);
        struct monitor_meter *meter;
        uint64_t host_usec, sequence;
        int r;

        if (watch->only && strcmp(watch->only, path) != 0)
                return 0;
        r = sd_bus_message_read(message, "tt", &host_usec, &sequence);
        if (r >= 0)
                r = client_read_readings(message, &readings);
        meter = monitor_place(watch->monitor, path);
        if (r < 0 || !meter)
                return 0; /* a signal that is not ours to understand ends nothing */
        if (!*meter->id)
                refresh(watch);
        meter = monitor_place(watch->monitor, path);
        if (!meter)
                return 0;
        monitor_update(meter, readings, host_usec);
        if (watch->screen)
                monitor_draw(watch->monitor);
        else if (ctl_settings.json)
                print_json(meter, host_usec, sequence, readings);
        else
                print_line(meter, host_usec, readings);
        watch->monitor->n_telegrams++;
        if (ferror(stdout) || (watch->count && watch->monitor->n_telegrams >= watch->count))
                return sd_event_exit(watch->event, 0);
        return 0;
}

/* Objects, names or states changed, or the service came or went: what exactly is fetched. */
static int on_change(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        struct watch *watch = userdata;

        watch->outdated = true;
        return 0;
}

/* A telegram's properties beside its readings; they come before its TelegramReceived. */
static int on_meter_change(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        struct watch *watch = userdata;
        OWNED(json) struct json_object *changed = NULL;
        const char *path = sd_bus_message_get_path(message);
        struct monitor_meter *meter;

        if (watch->only && strcmp(watch->only, path) != 0)
                return 0;
        if (sd_bus_message_skip(message, "s") < 0 || client_message_to_json(message, &changed) < 0)
                return 0; /* not ours to understand */
        meter = monitor_place(watch->monitor, path);
        if (meter && json_object_object_get_ex(changed, "MeterClockUSec", NULL))
                meter->clock_usec = (uint64_t)json_number(changed, "MeterClockUSec");
        return 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct watch *watch = userdata;
        uint64_t now = output_now_usec();

        if (watch->outdated)
                refresh(watch);
        for (size_t i = 0; i < watch->monitor->n_meters; i++)
                monitor_tick(&watch->monitor->meters[i], now);
        if (watch->screen)
                monitor_draw(watch->monitor);
        return sd_event_source_set_time_relative(source, USEC_PER_SEC);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct watch *watch = userdata;

        /* Fewer telegrams than asked for is a finding: a script can test a meter with it. */
        return sd_event_exit(watch->event,
                             watch->count > watch->monitor->n_telegrams ? EXIT_FAILED : EXIT_DONE);
}

static int on_key(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct watch *watch = userdata;
        char key;

        if (read(fd, &key, 1) <= 0 || key == 'q' || key == 'Q')
                return sd_event_exit(watch->event, EXIT_DONE);
        return 0;
}

static int on_signal(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct watch *watch = userdata;

        switch (info->ssi_signo) {
        case SIGWINCH:
                monitor_draw(watch->monitor);
                return 0;
        case SIGTSTP:
                terminal_leave();
                (void)raise(SIGSTOP);
                (void)terminal_enter(); /* it was one before */
                monitor_draw(watch->monitor);
                return 0;
        default:
                return sd_event_exit(watch->event, EXIT_DONE);
        }
}

static int add_signals(struct watch *watch)
{
        static const int always[] = { SIGINT, SIGTERM, SIGHUP };
        static const int on_screen[] = { SIGWINCH, SIGTSTP };
        sigset_t set;

        sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(always); i++)
                sigaddset(&set, always[i]);
        for (size_t i = 0; watch->screen && i < ELEMENTSOF(on_screen); i++)
                sigaddset(&set, on_screen[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
                return -errno;
        for (int number = 1; number < SIGRTMIN; number++) {
                int r = sigismember(&set, number) == 1
                                ? sd_event_add_signal(watch->event, NULL, number, on_signal, watch)
                                : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

static int add_sources(struct watch *watch)
{
        sd_event_source *tick = NULL;
        int r;

        r = sd_bus_match_signal(watch->bus, NULL, BUS_NAME, NULL, BUS_INTERFACE_METER,
                                "TelegramReceived", on_telegram, watch);
        if (r >= 0)
                r = sd_bus_match_signal(watch->bus, NULL, BUS_NAME, NULL,
                                        "org.freedesktop.DBus.ObjectManager", NULL, on_change,
                                        watch);
        if (r >= 0 && ctl_settings.json)
                r = sd_bus_add_match(watch->bus, NULL,
                                     "type='signal',sender='" BUS_NAME "',"
                                     "interface='org.freedesktop.DBus.Properties',"
                                     "member='PropertiesChanged',arg0='" BUS_INTERFACE_METER "'",
                                     on_meter_change, watch);
        if (r >= 0 && watch->screen) /* names and states show there only */
                r = sd_bus_match_signal(watch->bus, NULL, BUS_NAME, NULL,
                                        "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                        on_change, watch);
        if (r >= 0)
                r = sd_bus_add_match(watch->bus, NULL,
                                     "type='signal',sender='org.freedesktop.DBus',"
                                     "member='NameOwnerChanged',arg0='" BUS_NAME "'",
                                     on_change, watch);
        if (r >= 0)
                r = sd_bus_attach_event(watch->bus, watch->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = sd_event_add_time_relative(watch->event, &tick, CLOCK_MONOTONIC, USEC_PER_SEC,
                                               100000, on_tick, watch);
        if (r >= 0)
                r = sd_event_source_set_enabled(tick, SD_EVENT_ON);
        if (tick) {
                (void)sd_event_source_set_floating(tick, true); /* lives as long as the loop */
                (void)sd_event_source_unref(tick);
        }
        if (r >= 0 && watch->patience_usec)
                r = sd_event_add_time_relative(watch->event, NULL, CLOCK_MONOTONIC,
                                               watch->patience_usec, 0, on_deadline, watch);
        if (r >= 0 && watch->screen)
                r = sd_event_add_io(watch->event, NULL, STDIN_FILENO, EPOLLIN, on_key, watch);
        return r < 0 ? r : add_signals(watch);
}

static int run(struct watch *watch, const char *word)
{
        OWNED(json) struct json_object *all = NULL;
        struct json_object *meter;
        int r;

        if (client_fetch(watch->bus, &all) < 0)
                return EXIT_FAILED;
        if (word) {
                meter = client_find_meter(all, word);
                if (!meter)
                        return EXIT_FAILED;
                (void)snprintf(watch->only_path, sizeof(watch->only_path), "%s",
                               json_text(meter, "object"));
                watch->only = watch->only_path;
        }
        take_meters(watch, all);
        if (watch->screen && take_first_readings(watch) < 0)
                return EXIT_FAILED;
        r = add_sources(watch);
        if (r < 0)
                return output_fail("%s", strerror(-r));
        if (watch->screen) {
                r = terminal_enter();
                if (r < 0)
                        return output_fail("%s", strerror(-r));
                monitor_draw(watch->monitor);
        }
        r = sd_event_loop(watch->event);
        terminal_leave();
        return r < 0 ? output_fail("%s", strerror(-r)) : r;
}

int cmd_monitor(int argc, char **argv)
{
        struct watch watch = { 0 };
        const struct option_row rows[] = {
                { "count", 'n', OPTION_NUMBER, N_("N"), N_("stop after N telegrams"),
                  &watch.count },
                { "seconds", 's', OPTION_TIME, N_("N"),
                  N_("stop after N seconds; exit 1 when --count was not reached"),
                  &watch.patience_usec },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("On a terminal a live table (q quits), in a pipe a line per telegram, "
                            "with --json\nan object per telegram and line."),
                .max_arguments = 1,
        };
        static struct monitor monitor; /* 80 kB: too much for a stack */
        OWNED(bus) sd_bus *bus = NULL;
        OWNED(event) sd_event *event = NULL;
        int first, r;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (client_open(&bus) < 0)
                return EXIT_FAILED;
        r = sd_event_new(&event);
        if (r < 0)
                return output_fail("%s", strerror(-r));
        watch.event = event;
        watch.bus = bus;
        watch.monitor = &monitor;
        watch.screen = !ctl_settings.json && output_is_terminal() && isatty(STDIN_FILENO);
        return run(&watch, first < argc ? argv[first] : NULL);
}
