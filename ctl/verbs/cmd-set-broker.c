/* SPDX-License-Identifier: MIT */
/*
 * smctl set-broker: sends the readings to this broker. Asks for what its options lack, writes a
 * file of smartmeterd.conf.d, has it checked and read by the service, and waits until the broker
 * has answered, so that success is reported only for a connection that works.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config-build.h"
#include "ctl/broker/broker-file.h"
#include "ctl/client/client.h"
#include "ctl/client/daemon-program.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/sentences.h"
#include "ctl/view/words.h"
#include "dbus/names.h"
#include "secret.h"
#include "verb.h"

#define CONFIG_FILE     SYSCONFDIR "/smartmeterd/smartmeterd.conf"
#define WAIT_USUAL_USEC 30000000U
#define LOOK_EVERY_USEC 200000U
/* Trouble that lasts so long after the reload is the broker's answer, and not what was before. */
#define SETTLE_USEC  3000000U
#define ASK_ATTEMPTS 3
#define DEFAULT_NAME "local"

struct set_broker {
        struct broker broker;
        const char *config, *user, *name;
        uint64_t wait_usec;
        bool asks; /* a person sits there */
};

static const char *const no_password =
        N_("a password on the command line can be seen by every user of this machine: type it when "
           "asked, or pipe it in");

/* A line of the standard input, without its end. False at its end. */
static bool read_line(char *buf, size_t size)
{
        if (!fgets(buf, (int)MIN(size, (size_t)INT_MAX), stdin))
                return false;
        buf[strcspn(buf, "\r\n")] = '\0';
        return true;
}

static bool ask_line(const char *question, char *buf, size_t size)
{
        printf("%s", question);
        (void)fflush(stdout); /* asked at the end */
        return read_line(buf, size);
}

static int ask_password(struct set_broker *s)
{
        char line[SECRET_LINE_MAX] = "", question[BROKER_TEXT_MAX + 64];
        int r;

        if (!*s->broker.username)
                return 0;
        if (!s->asks) {
                if (!read_line(s->broker.password, sizeof(s->broker.password)))
                        return output_fail("%s", _("there is no password on the standard input")),
                               -ENODATA;
                return 0;
        }
        (void)snprintf(question, sizeof(question), _("Password of %s (not shown): "),
                       s->broker.username);
        r = secret_ask(question, line);
        if (r >= 0)
                (void)snprintf(s->broker.password, sizeof(s->broker.password), "%s", line);
        else
                (void)output_fail("%s", _("no password was given"));
        explicit_bzero(line, sizeof(line));
        return r;
}

/* Asks for the values that the command line lacks. */
static int ask_rest(struct set_broker *s, const char *host)
{
        char line[BROKER_TEXT_MAX] = "";
        const char *fault;

        if (!host && s->asks && !ask_line(_("Broker (name or address): "), line, sizeof(line)))
                return -ECANCELED;
        if (!host && !s->asks)
                return options_misuse("set-broker", "%s", _("which HOST?")), -EINVAL;
        if (!broker_parse_host(host ? host : line, &s->broker, &fault))
                return options_misuse("set-broker", "\"%s\": %s", host ? host : line, fault),
                       -EINVAL;
        if (s->user)
                (void)snprintf(s->broker.username, sizeof(s->broker.username), "%s", s->user);
        else if (!host && !ask_line(_("User (Enter: none): "), s->broker.username,
                                    sizeof(s->broker.username)))
                return -ECANCELED;
        return ask_password(s);
}

/* The one broker that there is; a second one needs a name. */
static int choose_name(struct set_broker *s, struct json_object *all)
{
        struct json_object *outputs = json_member(all, "outputs");
        const char *only = NULL;
        size_t n = 0;

        for (size_t i = 0; i < json_count(outputs) && !s->name; i++) {
                struct json_object *output = json_object_array_get_idx(outputs, i);

                if (strcmp(json_text(output, "kind"), "mqtt") == 0) {
                        only = json_text(output, "name");
                        n++;
                }
        }
        if (n > 1)
                return options_misuse("set-broker", "%s",
                                      _("there are several brokers: say which with --name"));
        (void)snprintf(s->broker.name, sizeof(s->broker.name), "%s",
                       s->name  ? s->name
                       : n == 1 ? only
                                : DEFAULT_NAME);
        if (!broker_is_name(s->broker.name))
                return options_misuse("set-broker",
                                      _("\"%s\" is no name: letters, digits, - _ . are"),
                                      s->broker.name);
        return EXIT_DONE;
}

static bool is_refusal(const char *code)
{
        return strncmp(code, "password-", strlen("password-")) == 0;
}

/* Until the broker has answered, with yes or no. The latest picture is in *all. */
static struct json_object *wait_answer(struct set_broker *s, sd_bus *bus, struct json_object **all)
{
        uint64_t begin = output_mono_usec(), trouble_since = 0;
        struct json_object *output = NULL;

        while (output_mono_usec() - begin < s->wait_usec) {
                uint64_t now = output_mono_usec();

                json_put(*all);
                *all = NULL;
                if (client_fetch(bus, all) < 0)
                        return NULL;
                output = json_find(json_member(*all, "outputs"), "name", s->broker.name);
                if (output && json_flag(output, "connected"))
                        return output;
                if (!output || !*json_text(output, "last_error"))
                        trouble_since = 0;
                else if (trouble_since == 0)
                        trouble_since = now;
                else if (now - trouble_since >= SETTLE_USEC)
                        return output;
                while (sd_bus_process(bus, NULL) > 0)
                        ; /* news is not looked into: all is fetched anew */
                (void)sd_bus_wait(bus, LOOK_EVERY_USEC);
        }
        return output;
}

static int report(const struct set_broker *s, struct json_object *output,
                  const struct broker_files *files)
{
        bool connected = output && json_flag(output, "connected");
        const char *error = output ? words_error(output) : "";

        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_new_object();

                json_set_text(object, "done", "set-broker");
                json_set_text(object, "name", s->broker.name);
                json_set_text(object, "file", files->drop_in);
                json_set_flag(object, "connected", connected);
                json_set_text(object, "error", *error ? error : NULL);
                json_set_text(object, "code", output ? json_text(output, "last_error_code") : NULL);
                json_print(object);
        } else if (connected) {
                printf(_("Connected: the readings go to %s now (%s).\n"), s->broker.host,
                       files->drop_in);
                if (*error)
                        printf("%s\n", error);
        } else {
                (void)output_fail("%s: %s", s->broker.host,
                                  *error ? error : _("no answer came in time"));
                output_say(
                        _("It is written (%s), and tried again by itself. To change it: the same "
                          "command once more.\n"),
                        files->drop_in);
        }
        return connected ? EXIT_DONE : EXIT_FAILED;
}

/* Written, checked, read. -errno after a word to the user; then nothing is changed. */
static int put_in_force(struct set_broker *s, sd_bus *bus, struct broker_files *files)
{
        int r = broker_write(&s->broker, s->config, files);

        if (r < 0)
                return r;
        if (!daemon_program_accepts(s->config)) {
                broker_restore(files);
                (void)output_fail("%s", _("the configuration would be wrong; nothing was changed"));
                return -EINVAL;
        }
        if (!bus)
                return 0;
        r = client_call(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Reload", NULL, NULL);
        if (r < 0)
                broker_restore(files);
        return r;
}

/* A password that is refused is asked for again, of a person. */
static int run(struct set_broker *s, sd_bus *bus, struct json_object **all)
{
        struct json_object *output = NULL;
        struct broker_files files;
        int code;

        for (int i = 0; i < ASK_ATTEMPTS; i++) {
                if (put_in_force(s, bus, &files) < 0)
                        return EXIT_FAILED;
                if (!bus) {
                        broker_files_done(&files);
                        return output_fail("%s",
                                           _("it is written; the service does not run, so the "
                                             "broker was not tried: sudo systemctl start "
                                             "smartmeterd"));
                }
                output = wait_answer(s, bus, all);
                if (!output || json_flag(output, "connected") || !s->asks ||
                    !is_refusal(json_text(output, "last_error_code")) || i + 1 == ASK_ATTEMPTS)
                        break;
                (void)output_fail("%s: %s", s->broker.host, words_error(output));
                if (!*s->broker.username && !ask_line(_("User (Enter: none): "), s->broker.username,
                                                      sizeof(s->broker.username)))
                        break;
                if (ask_password(s) < 0)
                        break;
                broker_files_done(&files);
        }
        code = report(s, output, &files);
        broker_files_done(&files);
        return code;
}

/* Asked before a password is typed. */
static bool may_write(const char *config)
{
        char copy[PATH_MAX];

        (void)snprintf(copy, sizeof(copy), "%s", config);
        if (access(dirname(copy), W_OK) == 0)
                return true;
        if (errno == ENOENT)
                (void)output_fail(_("%s is not there: is the package installed?"), copy);
        else
                (void)output_fail(_("not allowed to write in %s. Try it with sudo"), copy);
        return false;
}

static int begin(struct set_broker *s, const char *host)
{
        static char ca_file[PATH_MAX];
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        int code, r;

        if (!may_write(s->config))
                return EXIT_FAILED;
        if (s->broker.ca_file) {
                if (!realpath(s->broker.ca_file, ca_file))
                        return output_fail("%s: %s", s->broker.ca_file, strerror(errno));
                s->broker.ca_file = ca_file; /* the service runs elsewhere */
                s->broker.tls = true;
        }
        s->asks = !ctl_settings.json && isatty(STDIN_FILENO);
        /* Without the service the files are written all the same: it finds them when it starts. */
        if (client_connect(&bus) < 0 || !client_has_service(bus)) {
                client_bus_close(bus);
                bus = NULL;
        }
        if (bus && client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        code = choose_name(s, all);
        if (code != EXIT_DONE)
                return code;
        r = ask_rest(s, host);
        if (r < 0)
                return r == -EINVAL ? EXIT_MISUSED : EXIT_FAILED;
        code = run(s, bus, &all);
        return code;
}

int cmd_set_broker(int argc, char **argv)
{
        static struct set_broker s;
        const struct option_row rows[] = {
                { "user", 'u', OPTION_STRING, N_("NAME"), N_("the user at the broker"), &s.user },
                { "port", 'p', OPTION_NUMBER, N_("N"), N_("the port; else 1883, with TLS 8883"),
                  &s.broker.port },
                { "tls", 't', OPTION_FLAG, NULL, N_("encrypt the connection"), &s.broker.tls },
                { "ca-file", 'c', OPTION_STRING, N_("FILE"),
                  N_("the authority of the broker's certificate"), &s.broker.ca_file },
                { "formats", 'f', OPTION_STRING, N_("LIST"),
                  N_("which topics, as Formats= in smartmeterd.conf(5)"), &s.broker.formats },
                { "name", 'n', OPTION_STRING, N_("NAME"),
                  N_("the [mqtt] section, where there are several"), &s.name },
                { "config", 'C', OPTION_STRING, N_("FILE"),
                  N_("the service's configuration, where it is elsewhere"), &s.config },
                { "seconds", 's', OPTION_TIME, N_("N"), N_("wait so long for the broker's answer"),
                  &s.wait_usec },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about =
                        N_("HOST is a name, an address, a socket's path, or mqtts://host:port. The "
                           "password is\nasked for on the terminal, or read from the standard "
                           "input. The broker is tried;\nthe exit status is 0 when it has let us "
                           "in."),
                .max_arguments = 1,
                .no_secrets = no_password,
        };
        int code, first;

        s.config = CONFIG_FILE;
        s.wait_usec = WAIT_USUAL_USEC;
        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        code = begin(&s, first < argc ? argv[first] : NULL);
        explicit_bzero(s.broker.password, sizeof(s.broker.password));
        return code;
}
