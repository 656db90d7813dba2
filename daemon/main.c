/* SPDX-License-Identifier: MIT */
/* smartmeterd: options, the loop, signals, and what systemd wants to hear. Nothing else. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/json.h"
#include "base/log.h"
#include "base/util.h"
#include "config-build.h"
#include "converter/worker.h"
#include "daemon/config/config.h"
#include "manager.h"
#include "meters/zone.h"
#include "outputs.h"
#include "print-keys.h"
#include "store/store-memory.h"
#include "udev/hotplug.h"

#define CONFIG_FILE     SYSCONFDIR "/smartmeterd/smartmeterd.conf"
#define STATE_DIRECTORY "/var/lib/smartmeterd"
/* The line `systemctl status` shows is renewed at most so often. */
#define STATUS_PAUSE_USEC (60 * 1000000ULL)

struct options {
        const char *config_path, *state_directory, *bus_address;
        int log_level; /* -1: not given */
        bool check_config, print_keys, json, udevd;
};

struct daemon {
        const struct options *options;
        sd_event *event;
        struct manager *manager;
        sd_event_source *status;
        char status_text[128];
};

static int usage(FILE *to)
{
        (void)fputs(
                "smartmeterd: reads smart meters behind USB converters; serves D-Bus and MQTT\n"
                "\n"
                "  --config FILE      configuration (" CONFIG_FILE ")\n"
                "  --state-dir DIR    what is remembered ($STATE_DIRECTORY, else " STATE_DIRECTORY
                ")\n"
                "  --bus ADDRESS      message bus to serve on (the system bus), or none\n"
                "  --udev yes|no      are converters found by udevd? (yes where it runs)\n"
                "  --log-level LEVEL  err, warning, notice, info, debug\n"
                "  --check-config     print what is wrong with the configuration, and end\n"
                "  --print-keys       print the keys of meters, never to a terminal, and end\n"
                "  --json             with --check-config: as JSON\n"
                "  --version, --help\n",
                to);
        return to == stdout ? EXIT_SUCCESS : 2;
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *ret)
{
        static const struct option table[] = {
                { "config", required_argument, NULL, 'c' },
                { "state-dir", required_argument, NULL, 's' },
                { "bus", required_argument, NULL, 'b' },
                { "udev", required_argument, NULL, 'u' },
                { "log-level", required_argument, NULL, 'l' },
                { "check-config", no_argument, NULL, 'C' },
                { "print-keys", no_argument, NULL, 'k' },
                { "json", no_argument, NULL, 'j' },
                { "version", no_argument, NULL, 'V' },
                { "help", no_argument, NULL, 'h' },
                { 0 },
        };
        int option;

        while ((option = getopt_long(argc, argv, "c:h", table, NULL)) >= 0)
                switch (option) {
                case 'c':
                        ret->config_path = optarg;
                        break;
                case 's':
                        ret->state_directory = optarg;
                        break;
                case 'b':
                        ret->bus_address = optarg;
                        break;
                case 'u':
                        ret->udevd = strcmp(optarg, "yes") == 0;
                        if (!ret->udevd && strcmp(optarg, "no") != 0) {
                                (void)fprintf(stderr, "smartmeterd: --udev is yes or no\n");
                                return usage(stderr);
                        }
                        break;
                case 'l':
                        ret->log_level = log_level_parse(optarg);
                        if (ret->log_level < 0) {
                                (void)fprintf(stderr, "smartmeterd: no log level '%s'\n", optarg);
                                return usage(stderr);
                        }
                        break;
                case 'C':
                        ret->check_config = true;
                        break;
                case 'k':
                        ret->print_keys = true;
                        break;
                case 'j':
                        ret->json = true;
                        break;
                case 'V':
                        (void)puts("smartmeterd " PROJECT_VERSION);
                        return EXIT_SUCCESS;
                case 'h':
                        return usage(stdout);
                default:
                        return usage(stderr);
                }
        return optind == argc ? -1 : usage(stderr);
}

static struct json_object *problem_to_json(const struct config_problem *p)
{
        struct json_object *o = json_object_new_object();

        json_add_text(&o, "file", p->file ? p->file : "");
        json_add(&o, "line", json_object_new_int64(p->line));
        json_add_text(&o, "severity", p->warning ? "warning" : "error");
        json_add_text(&o, "message", p->message);
        return o;
}

/* Profiles that take the place of others: no mistake, but good to know. */
static void print_override(const struct profile_set *profiles, const struct meter_profile *profile,
                           bool json, struct json_object **list)
{
        const char *overrides, *file = profile_set_origin(profiles, profile, &overrides);
        char text[PATH_MAX + 256];
        struct json_object *o;

        if (!overrides)
                return;
        (void)snprintf(text, sizeof(text), "takes the place of %s for %s",
                       *overrides ? overrides : "the built-in profile", profile->name);
        if (!json) {
                (void)printf("%s: %s\n", file, text);
                return;
        }
        o = json_object_new_object();
        json_add_text(&o, "file", file);
        json_add(&o, "line", json_object_new_int(0));
        json_add_text(&o, "severity", "note");
        json_add_text(&o, "message", text);
        json_append(list, o);
}

/* -ENOMEM: nothing was printed. */
static int print_problems(const struct config *config, bool json)
{
        struct json_object *list = json ? json_object_new_array() : NULL;
        const struct profile_set *profiles = config ? config->profiles : NULL;
        const struct meter_profile *profile;
        const char *text;

        for (const struct config_problem *p = config ? config->problems : NULL; p; p = p->next) {
                char line[CONFIG_MESSAGE_MAX + 4096];

                if (json)
                        json_append(&list, problem_to_json(p));
                else
                        (void)puts(config_problem_print(p, line, sizeof(line)));
        }
        for (size_t i = 0; profiles && (profile = profile_set_at(profiles, i)); i++)
                print_override(profiles, profile, json, &list);
        if (!json)
                return 0;
        text = json_to_text(list, JSON_C_TO_STRING_NOSLASHESCAPE);
        if (text)
                (void)puts(text);
        (void)json_object_put(list);
        return text ? 0 : -ENOMEM;
}

/* Neither the service nor root: then it is no fault that files of the service cannot be read. */
static bool is_another(void)
{
        const struct passwd *service = getpwnam("smartmeterd");

        return geteuid() != 0 && !(service && service->pw_uid == geteuid());
}

static int check_config(const struct options *options)
{
        struct config *config = NULL;
        int r = is_another()
                        ? config_load_for_another(options->config_path, outputs_section_at, &config)
                        : config_load(options->config_path, outputs_section_at, &config);

        if (r < 0 && r != -EINVAL)
                (void)fprintf(stderr, "smartmeterd: %s: %s\n", options->config_path, strerror(-r));
        if (print_problems(config, options->json) < 0) {
                (void)fprintf(stderr, "smartmeterd: %s\n", strerror(ENOMEM));
                r = -ENOMEM;
        }
        config_free(config);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int load_config(const struct options *options, struct config **ret)
{
        struct config *config = NULL;
        const sd_id128_t id = LOG_ID_CONFIGURATION;
        const struct log_about about = { .message_id = &id };
        int r = config_load(options->config_path, outputs_section_at, &config);

        for (const struct config_problem *p = config ? config->problems : NULL; p; p = p->next) {
                char text[CONFIG_MESSAGE_MAX + 4096];

                log_about(p->warning ? LOG_WARNING : LOG_ERR, &about, "%s",
                          config_problem_print(p, text, sizeof(text)));
        }
        if (r < 0) {
                if (r != -EINVAL)
                        log_error("%s: %s", options->config_path, strerror(-r));
                config_free(config);
                return r;
        }
        if (config->daemon->log_level > 0 && options->log_level < 0)
                log_set_level(config->daemon->log_level);
        *ret = config;
        return 0;
}

/* `state`: a line to be sent along, or "". Outside systemd there is no listener. */
static void notify_status(struct daemon *d, const char *state)
{
        char text[128];

        manager_describe(d->manager, text, sizeof(text));
        if (strcmp(text, d->status_text) == 0 && !*state)
                return;
        (void)snprintf(d->status_text, sizeof(d->status_text), "%s", text);
        (void)sd_notifyf(false, "STATUS=%s\n%s", text, state);
}

static int on_status(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct daemon *d = userdata;

        notify_status(d, "");
        (void)sd_event_source_set_time_relative(source, STATUS_PAUSE_USEC);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata)
{
        struct daemon *d = userdata;

        (void)sd_notify(false, "RELOADING=1"); /* no listener outside systemd */
        /* It logs what is wrong, and nothing changed then. */
        (void)manager_reload(d->manager, NULL, NULL);
        (void)sd_notify(false, "READY=1");
        return 0;
}

/* Before anything else: a SIGHUP during the start is answered by the loop, and does not end us. */
static void block_hangup(void)
{
        sigset_t hangup;

        (void)sigemptyset(&hangup); /* none of these can fail with these arguments */
        (void)sigaddset(&hangup, SIGHUP);
        (void)sigprocmask(SIG_BLOCK, &hangup, NULL);
}

/* Before any thread starts, so that the signals reach this loop and no other. */
static int prepare_loop(struct daemon *d)
{
        int r = sd_event_default(&d->event);

        if (r < 0)
                return r;
        (void)signal(SIGPIPE, SIG_IGN); /* a reader of Capture went away: write() says so */
        r = sd_event_set_signal_exit(d->event, true);
        if (r < 0)
                return r;
        return sd_event_set_watchdog(d->event, true);
}

static int add_sources(struct daemon *d)
{
        int r = sd_event_add_signal(d->event, NULL, SIGHUP, on_hangup, d);

        if (r < 0)
                return r;
        /* Only systemd reads it: no wake-ups without it. */
        if (!getenv("NOTIFY_SOCKET"))
                return 0;
        return sd_event_add_time_relative(d->event, &d->status, CLOCK_MONOTONIC, 5000000, 1000000,
                                          on_status, d);
}

/* The disk is read while we read the configuration. */
static int begin(struct daemon *d)
{
        struct manager_options options = {
                .config_path = d->options->config_path,
                .state_directory = d->options->state_directory,
                .bus_address = d->options->bus_address,
                .no_bus = d->options->bus_address && strcmp(d->options->bus_address, "none") == 0,
                .udevd = d->options->udevd,
                .version = PROJECT_VERSION,
        };
        int r = prepare_loop(d);

        options.event = d->event;
        if (r >= 0)
                r = zone_set(NULL);
        if (r >= 0)
                r = manager_new(&options, &d->manager);
        if (r < 0)
                log_error("cannot begin: %s", strerror(-r));
        return r;
}

static int run(struct daemon *d, struct config *config)
{
        int r = manager_configure(d->manager, config);

        if (r >= 0)
                r = add_sources(d);
        if (r >= 0)
                r = manager_start(d->manager);
        if (r >= 0) {
                notify_status(d, "READY=1");
                manager_open(d->manager);
                r = sd_event_loop(d->event);
        }
        (void)sd_notify(false, "STOPPING=1");
        return r;
}

/* A memory image would hold keys. Of the limits, 1 alone also keeps the kernel from handing it to a
 * program that collects them (fs/coredump.c of Linux). */
static void write_no_memory_image(void)
{
        const struct rlimit limit = { 1, 1 };

        /* Fails where it may write none at all, and may not ask for more. */
        (void)setrlimit(RLIMIT_CORE, &limit);
}

int main(int argc, char **argv)
{
        const char *state = getenv("STATE_DIRECTORY");
        struct options options = {
                .config_path = CONFIG_FILE,
                .state_directory = state && *state ? state : STATE_DIRECTORY,
                .log_level = -1,
                .udevd = hotplug_has_udevd(),
        };
        struct daemon d = { .options = &options };
        struct config *config = NULL;
        int r, status = EXIT_FAILURE;

        block_hangup();
        write_no_memory_image();
        r = parse_options(argc, argv, &options);
        if (r >= 0)
                return r;
        if (options.check_config)
                return check_config(&options);
        if (options.print_keys)
                return print_keys(options.config_path, options.state_directory, is_another());
        log_init();
        r = worker_server_start();
        if (r < 0)
                log_warning("devices are asked by forks of the service itself: %s", strerror(-r));
        store_memory_init();
        if (options.log_level >= 0)
                log_set_level(options.log_level);
        if (begin(&d) >= 0) {
                if (load_config(&options, &config) < 0)
                        status = EX_CONFIG; /* to be started again would not help */
                else if (run(&d, config) >= 0)
                        status = EXIT_SUCCESS;
        }
        sd_event_source_disable_unref(d.status);
        manager_free(d.manager);
        worker_server_stop();
        sd_event_unref(d.event);
        return status;
}
