/* SPDX-License-Identifier: MIT */
/*
 * The MQTT sink without the rest of the daemon, for tests: `sink-driver CONFIG STATE-DIRECTORY`
 * makes a sink of every [mqtt] section. Commands come as lines on stdin, answers and changes of
 * status go as JSON lines to stdout.
 *
 *      telegram ID TIME WH WATTS    burst ID N TIME WH (one second and one Wh apart)
 *      decode HEX                   offline ID     remove ID     forget ID
 *      ping WORD → {"pong":"WORD"}  status         reconnect     retry     quit
 *
 * SINK_DRIVER_DENIED_MS: how long a topic that the broker refuses is left out.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <json-c/json.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/config/config.h"
#include "daemon/mqtt/sink-mqtt.h"
#include "daemon/outputs.h"
#include "lib/decoder.h"
#include "tests/unit/known-profiles.h"

#define SINKS_MAX  4
#define METERS_MAX 16
#define LINE_MAX_  65536

struct driver {
        sd_event *event;
        struct sink *sinks[SINKS_MAX];
        struct output_view statuses[SINKS_MAX];
        size_t n_sinks;
        struct meter *meters[METERS_MAX];
        size_t n_meters;
        struct decoder *decoder;
        uint64_t ticket; /* of the telegrams so far */
        char line[LINE_MAX_];
        size_t n_line;
};

static void print_status(const struct output_view *s)
{
        struct json_object *object = json_object_new_object();

        json_object_object_add(object, "sink", json_object_new_string(s->name));
        json_object_object_add(object, "connected", json_object_new_boolean(s->connected));
        json_object_object_add(object, "error", json_object_new_string(s->last_error));
        json_object_object_add(object, "code",
                               json_object_new_string(s->error_code ? s->error_code : ""));
        json_object_object_add(object, "queued", json_object_new_uint64(s->queued));
        json_object_object_add(object, "spooled", json_object_new_uint64(s->spooled));
        json_object_object_add(object, "published", json_object_new_uint64(s->published));
        json_object_object_add(object, "dropped", json_object_new_uint64(s->dropped));
        puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
        json_object_put(object);
}

static void on_status(const struct output_view *status, void *userdata)
{
        struct driver *d = userdata;

        for (size_t i = 0; i < d->n_sinks; i++)
                if (d->statuses[i].name && strcmp(d->statuses[i].name, status->name) == 0)
                        d->statuses[i] = *status;
        print_status(status);
}

/* Durability=always: each telegram is a ticket, and kept ones may be shown to others. */
static uint64_t on_keep(void *userdata)
{
        struct driver *d = userdata;

        return ++d->ticket;
}

static void on_kept(uint64_t through, void *userdata)
{
        const struct driver *d = userdata;

        printf("{\"kept\":%" PRIu64 "}\n", MIN(through, d->ticket));
}

static struct meter *find_meter(struct driver *d, const char *id)
{
        struct meter *m;

        for (size_t i = 0; i < d->n_meters; i++)
                if (strcmp(d->meters[i]->id, id) == 0)
                        return d->meters[i];
        if (d->n_meters == METERS_MAX || meter_new(id, &m) < 0)
                return NULL;
        d->meters[d->n_meters++] = m;
        for (size_t i = 0; i < d->n_sinks; i++)
                SINK_NOTIFY(d->sinks[i], meter_added, m);
        return m;
}

static void feed(struct driver *d, const char *id, const struct telegram *telegram, int64_t time_s)
{
        struct meter *m = find_meter(d, id);
        struct meter_update update;
        uint64_t usec = (uint64_t)time_s * 1000000;

        if (!m || meter_update(m, telegram, usec, usec, (int64_t)usec, NULL, &update) < 0) {
                puts("{\"fault\":\"no meter\"}");
                return;
        }
        for (size_t i = 0; i < d->n_sinks; i++) {
                SINK_NOTIFY(d->sinks[i], telegram_coming, m);
                SINK_NOTIFY(d->sinks[i], telegram, m, &update);
        }
}

static void add_reading(struct telegram *t, const char *code, int64_t mantissa, int exponent)
{
        struct obis obis;

        if (obis_parse(slice_of_string(code), &obis) > 0)
                telegram_add_reading(t, obis, (struct decimal){ mantissa, (int8_t)exponent },
                                     UNIT_UNSAID, SCALE_WIRE);
}

static void synthetic(struct driver *d, const char *id, int64_t time_s, int64_t wh, int64_t watts)
{
        static struct telegram t;

        telegram_reset(&t, "hdlc");
        (void)snprintf(t.meter_id, sizeof(t.meter_id), "%s", id);
        (void)snprintf(t.model, sizeof(t.model), "Landis+Gyr E450");
        (void)snprintf(t.manufacturer, sizeof(t.manufacturer), "LGZ");
        add_reading(&t, "1-0:1.7.0", watts, 0);
        add_reading(&t, "1-0:1.8.0", wh, 0);
        add_reading(&t, "1-0:32.7.0", 2301, -1);
        feed(d, id, &t, time_s);
}

static void decode(struct driver *d, const char *hex)
{
        uint8_t bytes[LINE_MAX_ / 2];
        struct decoder_event event;
        size_t n = 0;

        for (; hex[0] && hex[1]; hex += 2, n++) {
                unsigned int byte;

                if (sscanf(hex, "%2x", &byte) != 1)
                        break;
                bytes[n] = (uint8_t)byte;
        }
        decoder_feed(d->decoder, (struct slice){ bytes, n });
        while (decoder_next(d->decoder, &event) > 0)
                if (event.type == DECODER_TELEGRAM && event.telegram->status == TELEGRAM_OK)
                        feed(d, event.telegram->meter_id, event.telegram,
                             datetime_to_epoch(&event.telegram->time));
}

static void notify_all(struct driver *d, const char *verb, const char *id)
{
        struct meter *m = NULL;
        size_t at;

        for (at = 0; at < d->n_meters && !m; at++)
                if (strcmp(d->meters[at]->id, id) == 0)
                        m = d->meters[at];
        if (strcmp(verb, "forget") == 0) {
                for (size_t i = 0; i < d->n_sinks; i++)
                        SINK_NOTIFY(d->sinks[i], meter_forgotten, id);
                return;
        }
        if (!m)
                return;
        if (strcmp(verb, "offline") == 0) {
                (void)meter_expire(m, 0, true);
                for (size_t i = 0; i < d->n_sinks; i++)
                        SINK_NOTIFY(d->sinks[i], meter_changed, m);
                return;
        }
        for (size_t i = 0; i < d->n_sinks; i++)
                SINK_NOTIFY(d->sinks[i], meter_removed, m);
        d->meters[at - 1] = d->meters[--d->n_meters];
        (void)meter_free(m);
}

static void run_command(struct driver *d, char *line)
{
        char verb[16] = "", word[80] = "";
        int64_t a = 0, b = 0, c = 0;

        (void)sscanf(line, "%15s %79s %" SCNd64 " %" SCNd64 " %" SCNd64, verb, word, &a, &b, &c);
        if (strcmp(verb, "telegram") == 0) {
                synthetic(d, word, a, b, c);
        } else if (strcmp(verb, "burst") == 0) {
                for (int64_t i = 0; i < a; i++)
                        synthetic(d, word, b + i, c + i, 100 + i % 50);
        } else if (strcmp(verb, "decode") == 0) {
                decode(d, line + strlen("decode "));
        } else if (strcmp(verb, "ping") == 0) {
                printf("{\"pong\":\"%s\"}\n", word);
        } else if (strcmp(verb, "status") == 0) {
                for (size_t i = 0; i < d->n_sinks; i++)
                        print_status(&d->statuses[i]);
        } else if (strcmp(verb, "reconnect") == 0) {
                for (size_t i = 0; i < d->n_sinks; i++)
                        d->sinks[i]->ops->reconnect(d->sinks[i]);
        } else if (strcmp(verb, "retry") == 0) {
                for (size_t i = 0; i < d->n_sinks; i++)
                        d->sinks[i]->ops->retry(d->sinks[i]);
        } else if (strcmp(verb, "quit") == 0) {
                (void)sd_event_exit(d->event, 0);
        } else {
                notify_all(d, verb, word);
        }
}

static int on_stdin(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct driver *d = userdata;
        ssize_t n = read(fd, d->line + d->n_line, sizeof(d->line) - 1 - d->n_line);
        char *end;

        (void)revents;
        if (n <= 0)
                return sd_event_exit(sd_event_source_get_event(source), 0);
        d->n_line += (size_t)n;
        d->line[d->n_line] = '\0';
        while ((end = strchr(d->line, '\n'))) {
                *end = '\0';
                run_command(d, d->line);
                d->n_line -= (size_t)(end + 1 - d->line);
                memmove(d->line, end + 1, d->n_line + 1);
        }
        return 0;
}

static uint64_t denied_usec(void)
{
        const char *ms = getenv("SINK_DRIVER_DENIED_MS");

        return ms ? strtoull(ms, NULL, 10) * 1000 : 0;
}

static int start(struct driver *d, const struct config *config, const char *state)
{
        struct decoder_options decoder = { .profiles = known_profiles() };
        int r;

        r = sd_event_default(&d->event);
        if (r >= 0)
                r = decoder_new(&decoder, &d->decoder);
        if (r >= 0)
                r = sd_event_add_io(d->event, NULL, STDIN_FILENO, EPOLLIN, on_stdin, d);
        CONFIG_EACH(struct config_mqtt, m, config, &config_section_mqtt)
        {
                if (r < 0 || d->n_sinks == SINKS_MAX)
                        break;
                struct sink_mqtt_options options = { .event = d->event,
                                                     .config = m,
                                                     .state_directory = state,
                                                     .version = "1.0.0",
                                                     .denied_usec = denied_usec(),
                                                     .on_status = on_status,
                                                     .on_keep = on_keep,
                                                     .on_kept = on_kept,
                                                     .userdata = d };

                d->statuses[d->n_sinks].name = m->item.name;
                r = sink_mqtt_new(&options, &d->sinks[d->n_sinks]);
                if (r >= 0)
                        d->n_sinks++;
        }
        return r;
}

int main(int argc, char **argv)
{
        static struct driver d;
        struct config *config = NULL;
        char problem[CONFIG_MESSAGE_MAX * 2];
        int r;

        if (argc != 3)
                return 2;
        setvbuf(stdout, NULL, _IOLBF, 0);
        log_init();
        r = config_load(argv[1], outputs_section_at, &config);
        if (r < 0) {
                for (struct config_problem *p = config ? config->problems : NULL; p; p = p->next)
                        fprintf(stderr, "%s\n", config_problem_print(p, problem, sizeof(problem)));
                (void)config_free(config);
                return 1;
        }
        r = start(&d, config, argv[2][0] ? argv[2] : NULL);
        if (r >= 0)
                r = sd_event_loop(d.event);
        for (size_t i = 0; i < d.n_sinks; i++)
                (void)d.sinks[i]->ops->free(d.sinks[i]);
        for (size_t i = 0; i < d.n_meters; i++)
                (void)meter_free(d.meters[i]);
        (void)decoder_free(d.decoder);
        (void)sd_event_unref(d.event);
        (void)config_free(config);
        puts("{\"done\":true}");
        return r < 0;
}
