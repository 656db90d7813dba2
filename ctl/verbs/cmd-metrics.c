/* SPDX-License-Identifier: MIT */
/*
 * smctl metrics: everything the service shows as the text that Prometheus reads, the same that
 * [metrics] writes into a file. With --http one request on standard input is answered, as systemd
 * hands over a connection (smartmeterd-metrics.socket).
 */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "lib/model/metrics.h"
#include "lib/value/quantity.h"
#include "verb.h"

#define REQUEST_MAX  8192 /* of a scraper some hundred bytes */
#define REQUEST_USEC 5000000

/* The number as the service knows it: what D-Bus carries as a double has at most 15 digits. */
static bool read_decimal(double value, struct decimal *ret)
{
        char text[JSON_DOUBLE_MAX];

        return isfinite(value) &&
               decimal_parse(slice_of_string(json_double_print(value, text)), ret) > 0;
}

static void add_readings(struct metrics *m, struct json_object *meter)
{
        struct json_object *readings = json_member(meter, "readings");

        for (size_t i = 0; i < json_count(readings); i++) {
                struct json_object *reading = json_object_array_get_idx(readings, i);
                const struct quantity *quantity = quantity_find_name(json_text(reading, "name"));
                struct decimal value;

                /* As the service itself does: a power of an hour ago is no power. */
                if (!(quantity && quantity_is_counter(quantity)) &&
                    (!json_flag(meter, "online") || json_has_word(reading, "flags", "stale")))
                        continue;
                if (json_has_word(reading, "flags", "unscaled"))
                        continue;
                if (read_decimal(json_double(reading, "value"), &value))
                        metrics_add_reading(m, json_text(meter, "id"), json_text(meter, "name"),
                                            json_text(reading, "name"), json_text(reading, "unit"),
                                            value);
        }
}

static uint64_t count(struct json_object *statistics, const char *name)
{
        return (uint64_t)MAX(json_number(statistics, name), (int64_t)0);
}

static void add_meter(struct metrics *m, struct json_object *meter)
{
        struct json_object *statistics = json_member(meter, "statistics");
        struct json_object *tariff = json_member(meter, "tariff");
        const struct metrics_meter row = {
                .id = json_text(meter, "id"),
                .name = json_text(meter, "name"),
                .manufacturer = json_text(meter, "manufacturer"),
                .model = json_text(meter, "model"),
                .medium = json_text(meter, "medium"),
                .online = json_flag(meter, "online"),
                .last_telegram_usec = count(meter, "last_telegram_usec"),
                .telegrams = count(statistics, "telegrams"),
                .suspects = count(statistics, "suspects"),
                .key_failures = count(statistics, "key-failures"),
                .replays = count(statistics, "replays"),
                .tariff = (unsigned int)count(tariff, "active"),
                .tariff_label = json_text(tariff, "label"),
        };

        metrics_add_meter(m, &row);
        add_readings(m, meter);
}

static void add_converter(struct metrics *m, struct json_object *converter)
{
        struct converter_view view = {
                .id = json_text(converter, "id"),
                .state = json_text(converter, "state"),
                .code = json_text(converter, "state_code"),
        };
        struct json_object *statistics = json_member(converter, "statistics");

        (void)snprintf(view.device, sizeof(view.device), "%s", json_text(converter, "device"));
        (void)snprintf(view.line, sizeof(view.line), "%s", json_text(converter, "line"));
        if (statistics) {
                json_object_object_foreach(statistics, name, value)
                {
                        if (view.n_statistics == CONVERTER_STATISTICS_MAX)
                                break;
                        view.statistics[view.n_statistics].name = name;
                        view.statistics[view.n_statistics++].value =
                                (uint64_t)json_object_get_int64(value);
                }
        }
        metrics_add_converter(m, &view);
}

static void add_output(struct metrics *m, struct json_object *output)
{
        struct output_view view = {
                .name = json_text(output, "name"),
                .kind = json_text(output, "kind"),
                .connected = json_flag(output, "connected"),
                .error_code = json_text(output, "last_error_code"),
                .queued = count(output, "queued"),
                .spooled = count(output, "spooled"),
                .published = count(output, "published"),
                .dropped = count(output, "dropped"),
        };

        (void)snprintf(view.last_error, sizeof(view.last_error), "%s",
                       json_text(output, "last_error"));
        metrics_add_output(m, &view);
}

static void add_each(struct metrics *m, struct json_object *list,
                     void (*add)(struct metrics *m, struct json_object *object))
{
        for (size_t i = 0; i < json_count(list); i++)
                add(m, json_object_array_get_idx(list, i));
}

/* Owned by the caller; NULL: no memory. */
static char *text_of(struct json_object *all)
{
        struct metrics *m = metrics_new();
        struct json_object *outputs;
        char *text;

        if (!m)
                return NULL;
        metrics_add_service(m, json_text(json_member(all, "service"), "version"));
        add_each(m, json_member(all, "converters"), add_converter);
        add_each(m, json_member(all, "meters"), add_meter);
        outputs = json_member(all, "outputs");
        add_each(m, outputs ? outputs : json_member(all, "sinks"), add_output);
        text = metrics_text(m);
        metrics_free(m);
        return text;
}

/* ---- one HTTP request ---- */

static int64_t now_usec(void)
{
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock */
        return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The head of the request; false: it did not come in time, or is too long. */
static bool read_request(char buf[static REQUEST_MAX])
{
        int64_t until = now_usec() + REQUEST_USEC;
        size_t n = 0;

        for (;;) {
                struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
                int64_t left = until - now_usec();
                ssize_t got;

                if (left <= 0 || n + 1 >= REQUEST_MAX || poll(&in, 1, (int)(left / 1000) + 1) <= 0)
                        return false;
                got = read(STDIN_FILENO, buf + n, REQUEST_MAX - 1 - n);
                if (got <= 0)
                        return false;
                n += (size_t)got;
                buf[n] = '\0';
                if (strstr(buf, "\r\n\r\n") || strstr(buf, "\n\n"))
                        return true;
        }
}

/* Closing a connection with unread bytes resets it, and the answer may be lost. */
static void drain(void)
{
        int64_t until = now_usec() + REQUEST_USEC / 5;
        char rest[4096];

        (void)shutdown(STDOUT_FILENO, SHUT_WR); /* a pipe has no such thing */
        for (size_t n = 0; n < 64 * REQUEST_MAX; n += sizeof(rest)) {
                struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
                int64_t left = until - now_usec();

                if (left <= 0 || poll(&in, 1, (int)(left / 1000) + 1) <= 0 ||
                    read(STDIN_FILENO, rest, sizeof(rest)) <= 0)
                        return;
        }
}

static int answer(const char *status, const char *type, const char *text, bool head)
{
        printf("HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\nContent-Length: %zu\r\n"
               "Cache-Control: no-store\r\nConnection: close\r\n\r\n%s",
               status, type, strlen(text), head ? "" : text);
        if (fflush(stdout) != 0)
                return EXIT_FAILED; /* the caller went away */
        drain();
        return EXIT_DONE;
}

static bool is_path(const char *target, const char *path)
{
        size_t n = strlen(path);

        return strncmp(target, path, n) == 0 && strchr(" ?", target[n]);
}

static int answer_request(void)
{
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        OWNED_FREE char *text = NULL;
        char request[REQUEST_MAX];
        bool head;
        int r;

        if (!read_request(request))
                return answer("400 Bad Request", "text/plain", "This is no HTTP request.\n", false);
        head = strncmp(request, "HEAD ", 5) == 0;
        if (!head && strncmp(request, "GET ", 4) != 0)
                return answer("405 Method Not Allowed", "text/plain", "GET alone is served.\n",
                              false);
        if (!is_path(strchr(request, ' ') + 1, "/metrics") &&
            !is_path(strchr(request, ' ') + 1, "/"))
                return answer("404 Not Found", "text/plain", "There is /metrics, nothing else.\n",
                              head);
        r = client_open(&bus);
        if (r >= 0)
                r = client_fetch(bus, &all);
        if (r >= 0)
                text = text_of(all);
        if (!text)
                return answer("503 Service Unavailable", "text/plain",
                              "smartmeterd does not answer; `smctl doctor` says why.\n", head);
        return answer("200 OK", "text/plain; version=0.0.4", text, head);
}

int cmd_metrics(int argc, char **argv)
{
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        OWNED_FREE char *text = NULL;
        bool http = false;
        const struct option_row rows[] = {
                { "http", 0, OPTION_FLAG, NULL,
                  N_("answer one HTTP request on standard input, for a socket unit"), &http },
        };
        const struct options options = { .rows = rows, .n_rows = ELEMENTSOF(rows) };
        int first = options_parse(&options, argc, argv);

        if (first <= 0)
                return options_exit(first);
        if (http)
                return answer_request();
        if (client_open(&bus) < 0 || client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        text = text_of(all);
        if (!text)
                return output_fail("%s", strerror(ENOMEM));
        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_new_object();

                json_set_text(object, "text", text);
                json_print(object);
                return EXIT_DONE;
        }
        return fputs(text, stdout) < 0 ? EXIT_FAILED : EXIT_DONE;
}
