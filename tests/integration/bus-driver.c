/* SPDX-License-Identifier: MIT */
/*
 * The bus without a daemon: dbus/ exported with synthetic converters, meters and outputs that
 * follow commands on stdin, one per line; each is answered by "ok" or "error ERRNO". What callers
 * ask for comes out as "request …". Test scripts drive it over a private bus.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "base/util.h"
#include "bus-driver.h"
#include "dbus/names.h"
#include "lib/value/unit.h"

#define TELL(member, ...) SINK_NOTIFY(bus_sink_get(driver.bus), member, __VA_ARGS__)

static struct driver driver;

static struct driver_converter *converter_find(const char *id)
{
        for (size_t i = 0; i < DRIVER_MAX; i++)
                if (driver.converters[i].used && strcmp(driver.converters[i].id, id) == 0)
                        return &driver.converters[i];
        return NULL;
}

/* converter-add ID [uart]: on USB, or of a Device= section. */
static int converter_add(char *args)
{
        const char *id = strtok(args, " "), *kind = strtok(NULL, " ");
        size_t i = 0;

        while (i < DRIVER_MAX && driver.converters[i].used)
                i++;
        if (!id || i == DRIVER_MAX)
                return -EINVAL;
        struct driver_converter *c = &driver.converters[i];

        *c = (struct driver_converter){ .used = true };
        (void)snprintf(c->id, sizeof(c->id), "%s", id);
        (void)snprintf(c->state, sizeof(c->state), "receiving");
        c->bus = (struct converter_view){
                .id = c->id,
                .state = c->state,
                .code = "telegrams",
                .framing = "hdlc",
                .reason = "Telegrams arrive.",
                .vendor_id = 0x067b,
                .product_id = 0x2303,
                .vendor = "Prolific",
                .product = "USB-Serial",
                .socket = "pci-0000:00:14.0-usb-0:1:1.0",
                .driver = "pl2303",
                .line = "2400 8E1",
                .profile = "lgz-e450",
                .meter_ids = c->meter_ids,
                .statistics = { { "bytes", 0 }, { "frames", 0 }, { "damaged-frames", 0 } },
                .n_statistics = 2
        };
        if (kind) {
                c->bus.vendor_id = c->bus.product_id = 0;
                c->bus.vendor[0] = c->bus.product[0] = '\0';
                c->bus.socket[0] = c->bus.driver[0] = '\0';
        }
        (void)snprintf(c->bus.device, sizeof(c->bus.device), "/dev/tty%s%zu", kind ? "S" : "USB",
                       i);
        TELL(converter_added, &c->bus);
        return 0;
}

/* The code that the service would give a state where nothing else is known. */
static const char *code_of_state(const char *state)
{
        static const struct {
                const char *state, *code;
        } codes[] = {
                { "ignored", "not-configured" }, { "waiting", "not-there" },
                { "denied", "no-permission" },   { "busy", "held-by-process" },
                { "detecting", "listening" },    { "silent", "no-bytes" },
                { "no-meter", "no-bytes" },      { "inhibited", "lent" },
                { "gone", "unplugged" },
        };

        for (size_t i = 0; i < ELEMENTSOF(codes); i++)
                if (strcmp(codes[i].state, state) == 0)
                        return codes[i].code;
        return "telegrams";
}

/* holder PID [UNIT] */
static void set_holder(struct driver_converter *c, const char *value)
{
        const char *unit = strchr(value, ' ');

        c->bus.holder_pid = (uint32_t)strtoul(value, NULL, 10);
        (void)snprintf(c->bus.holder_unit, sizeof(c->bus.holder_unit), "%s", unit ? unit + 1 : "");
}

/* converter ID FIELD VALUE… */
static int converter_set(char *args)
{
        struct driver_converter *c = converter_find(strtok(args, " "));
        const char *field = strtok(NULL, " "), *value = strtok(NULL, "");

        if (!c || !field)
                return -EINVAL;
        value = value ? value : "";
        if (strcmp(field, "state") == 0) {
                (void)snprintf(c->state, sizeof(c->state), "%s", value);
                c->bus.code = code_of_state(c->state);
        } else if (strcmp(field, "code") == 0) {
                (void)snprintf(c->code, sizeof(c->code), "%s", value);
                c->bus.code = c->code;
        } else if (strcmp(field, "holder") == 0) {
                set_holder(c, value);
        } else if (strcmp(field, "frames") == 0) {
                c->bus.statistics[1].value = strtoull(value, NULL, 10);
                c->bus.n_statistics = 3;
                c->frames_announced = true;
        } else if (strcmp(field, "damaged") == 0) {
                c->bus.statistics[2].value = strtoull(value, NULL, 10);
        } else if (strcmp(field, "reason") == 0) {
                (void)snprintf(c->bus.reason, sizeof(c->bus.reason), "%s", value);
        } else if (strcmp(field, "device") == 0) {
                (void)snprintf(c->bus.device, sizeof(c->bus.device), "%s", value);
        } else if (strcmp(field, "bytes") == 0) {
                c->bus.statistics[0].value += strtoull(value, NULL, 10);
                c->bus.last_byte_usec = driver_now(CLOCK_REALTIME);
        } else if (strcmp(field, "meter") == 0) {
                (void)snprintf(c->meter_id, sizeof(c->meter_id), "%s", value);
                c->meter_ids[0] = *value ? c->meter_id : NULL;
        } else {
                return -EINVAL;
        }
        TELL(converter_changed, &c->bus);
        return 0;
}

static int converter_remove(char *args)
{
        struct driver_converter *c = converter_find(strtok(args, " "));

        if (!c)
                return -EINVAL;
        TELL(converter_removed, &c->bus);
        c->used = false;
        return 0;
}

/* meter-add ID [PARENT [MEDIUM]]: with a medium it is on channel 1 of its telegrams. */
static int meter_add(char *args)
{
        static const char *const media[] = { "gas", "water", "heat" };
        const char *id = strtok(args, " "), *parent = strtok(NULL, " ");
        const char *medium = strtok(NULL, " ");
        size_t i = 0;
        int r;

        while (i < DRIVER_MAX && driver.meters[i])
                i++;
        if (!id || i == DRIVER_MAX)
                return -EINVAL;
        r = meter_new(id, &driver.meters[i]);
        if (r < 0)
                return r;
        if (parent)
                (void)snprintf(driver.meters[i]->parent_id, sizeof(driver.meters[i]->parent_id),
                               "%s", parent);
        for (size_t j = 0; medium && j < ELEMENTSOF(media); j++)
                if (strcmp(medium, media[j]) == 0) {
                        driver.meters[i]->channel = 1;
                        driver.meters[i]->medium = media[j];
                }
        TELL(meter_added, driver.meters[i]);
        return 0;
}

/* The unit behind "12.5*GJ"; its prefix is not looked at. */
static enum unit unit_of(const char *number)
{
        const char *text = strchr(number, '*');
        enum unit unit = UNIT_UNSAID;
        int8_t exponent;

        if (text)
                (void)unit_parse(text + 1, strlen(text + 1), &unit, &exponent);
        return unit == UNIT_JOULE ? UNIT_GJ : unit;
}

/* telegram METER CODE=NUMBER[*UNIT] | CODE#TEXT … */
static int telegram(char *args)
{
        static struct telegram t;
        static struct meter_update update;
        struct meter *meter = driver_find_meter(&driver, strtok(args, " "));
        int r;

        if (!meter)
                return -EINVAL;
        telegram_reset(&t, "hdlc");
        for (char *item; (item = strtok(NULL, " "));) {
                struct slice code = { (const uint8_t *)item, strlen(item) };
                struct decimal value;
                struct obis obis;
                int n = obis_parse(code, &obis);

                if (n <= 0 || (item[n] != '=' && item[n] != '#'))
                        return -EINVAL;
                struct slice text = { (const uint8_t *)item + n + 1, strlen(item + n + 1) };

                if (item[n] == '#')
                        telegram_add_text(&t, obis, text);
                else if (decimal_parse(text, &value) > 0)
                        telegram_add_reading(&t, obis, value, unit_of(item + n + 1), SCALE_WIRE);
        }
        r = meter_update(meter, &t, driver_now(CLOCK_REALTIME), driver_now(CLOCK_MONOTONIC), 0,
                         NULL, &update);
        if (r >= 0)
                TELL(telegram, meter, &update);
        return r;
}

/* hold TICKET, release TICKET: what is announced after the first waits for the second. */
static int hold(char *args)
{
        TELL(hold, strtoull(args, NULL, 10));
        return 0;
}

static int release(char *args)
{
        TELL(release, strtoull(args, NULL, 10));
        return 0;
}

/* refuse METER STATUS: an encrypted telegram that cannot be read; enum telegram_status. */
static int refuse(char *args)
{
        static struct telegram t;
        struct meter *meter = driver_find_meter(&driver, strtok(args, " "));
        const char *status = strtok(NULL, " ");

        if (!meter || !status)
                return -EINVAL;
        telegram_reset(&t, "hdlc");
        t.encrypted = true;
        t.status = (enum telegram_status)atoi(status);
        if (meter_refuse(meter, &t, driver_now(CLOCK_REALTIME), driver_now(CLOCK_MONOTONIC)))
                TELL(meter_changed, meter);
        return 0;
}

/* heard-later METER SECONDS: a telegram of an unknown layout, so much after now. */
static int heard_later(char *args)
{
        static struct telegram t;
        struct meter *meter = driver_find_meter(&driver, strtok(args, " "));
        const char *seconds = strtok(NULL, " ");
        uint64_t later = seconds ? strtoull(seconds, NULL, 10) * 1000000 : 0;

        if (!meter || !seconds)
                return -EINVAL;
        telegram_reset(&t, "hdlc");
        t.status = TELEGRAM_LAYOUT_UNKNOWN;
        (void)meter_refuse(meter, &t, driver_now(CLOCK_REALTIME) + later,
                           driver_now(CLOCK_MONOTONIC) + later);
        TELL(meter_changed, meter);
        return 0;
}

/* clock METER SECONDS: a telegram from a meter whose clock is so far ahead. */
static int set_clock(char *args)
{
        static struct telegram t;
        static struct meter_update update;
        struct meter *meter = driver_find_meter(&driver, strtok(args, " "));
        const char *seconds = strtok(NULL, " ");
        uint64_t now = driver_now(CLOCK_REALTIME);
        int r;

        if (!meter || !seconds)
                return -EINVAL;
        telegram_reset(&t, "hdlc");
        r = meter_update(meter, &t, now, driver_now(CLOCK_MONOTONIC),
                         (int64_t)now + atoll(seconds) * 1000000, NULL, &update);
        if (r >= 0)
                TELL(telegram, meter, &update);
        return r;
}

static int meter_offline(char *args)
{
        struct meter *meter = driver_find_meter(&driver, strtok(args, " "));

        if (!meter)
                return -EINVAL;
        if (meter_expire(meter, driver_now(CLOCK_MONOTONIC), true))
                TELL(meter_changed, meter);
        return 0;
}

/* A call of meter_changed although nothing changed. */
static int meter_touch(char *args)
{
        struct meter *meter = driver_find_meter(&driver, strtok(args, " "));

        if (!meter)
                return -EINVAL;
        TELL(meter_changed, meter);
        return 0;
}

static int meter_remove(char *args)
{
        const char *id = strtok(args, " ");

        for (size_t i = 0; id && i < DRIVER_MAX; i++) {
                if (!driver.meters[i] || strcmp(driver.meters[i]->id, id) != 0)
                        continue;
                TELL(meter_removed, driver.meters[i]);
                driver.meters[i] = meter_free(driver.meters[i]);
                return 0;
        }
        return -EINVAL;
}

static int output_add(char *args)
{
        (void)snprintf(driver.output_name, sizeof(driver.output_name), "%s", args);
        driver.output = (struct output_view){ .name = driver.output_name,
                                              .kind = "mqtt",
                                              .error_code = "failed",
                                              .last_error = "No broker." };
        TELL(output_added, &driver.output);
        return 0;
}

static int output_set(char *args)
{
        driver.output.connected = strcmp(args, "connected") == 0;
        (void)snprintf(driver.output.last_error, sizeof(driver.output.last_error), "%s",
                       driver.output.connected ? "" : args);
        driver.output.error_code = driver.output.connected ? "" : "failed";
        driver.output.published++;
        TELL(output_changed, &driver.output);
        return 0;
}

/* output-code CODE: beside the sentence of "output". */
static int output_code(char *args)
{
        (void)snprintf(driver.output_code, sizeof(driver.output_code), "%s", args);
        driver.output.error_code = driver.output_code;
        TELL(output_changed, &driver.output);
        return 0;
}

/* output-counts WAITING LOST */
static int output_counts(char *args)
{
        const char *waiting = strtok(args, " "), *lost = strtok(NULL, " ");

        driver.output.queued = waiting ? strtoull(waiting, NULL, 10) : 0;
        driver.output.dropped = lost ? strtoull(lost, NULL, 10) : 0;
        TELL(output_changed, &driver.output);
        return 0;
}

static int output_remove(char *args)
{
        TELL(output_removed, &driver.output);
        return 0;
}

static int request_name(char *args)
{
        return bus_request_name(driver.bus);
}

static int set_state(char *args)
{
        bus_set_state(driver.bus, args);
        return 0;
}

static int set_reload_error(char *args)
{
        bus_set_reload_error(driver.bus, args);
        return 0;
}

static int set_readers(char *args)
{
        bus_set_readers_group(driver.bus, *args ? args : NULL);
        return 0;
}

/* fail ERRNO: what the next requests answer; 0 for success. */
static int set_failure(char *args)
{
        driver.fail = -atoi(args);
        return 0;
}

static int capture_write(char *args)
{
        return driver.capture_fd >= 0 && write(driver.capture_fd, args, strlen(args)) >= 0 ? 0
                                                                                           : -EPIPE;
}

static int capture_close(char *args)
{
        if (driver.capture_fd >= 0)
                (void)close(driver.capture_fd);
        driver.capture_fd = -1;
        return 0;
}

/* bench METER N: the mean processor time of a telegram on the bus, printed, never assessed. */
static int bench(char *args)
{
        const char *id = strtok(args, " "), *count = strtok(NULL, " ");
        unsigned long n = count ? strtoul(count, NULL, 10) : 0;
        char line[256];
        uint64_t spent = 0;

        for (unsigned long i = 0; i < n; i++) {
                (void)snprintf(line, sizeof(line),
                               "%s 1.7.0=%lu 2.7.0=0 1.8.0=%lu 2.8.0=1 32.7.0=230.%lu "
                               "52.7.0=231.%lu 72.7.0=229.%lu 31.7.0=1.%02lu 51.7.0=2.%02lu "
                               "71.7.0=3.%02lu 21.7.0=%lu 41.7.0=%lu",
                               id, i % 3000, 1000 + i / 100, i % 10, i % 9, i % 8, i % 100, i % 90,
                               i % 80, i % 1000, i % 1000);
                uint64_t start = driver_now(CLOCK_PROCESS_CPUTIME_ID);

                if (telegram(line) < 0)
                        return -EINVAL;
                while (sd_event_run(driver.event, 0) > 0)
                        ; /* sends what is queued */
                spent += driver_now(CLOCK_PROCESS_CPUTIME_ID) - start;
        }
        printf("bench %.1f us per telegram\n", n ? (double)spent / (double)n : 0.0);
        return 0;
}

static int quit(char *args)
{
        return sd_event_exit(driver.event, 0);
}

static const struct {
        const char *name;
        int (*run)(char *args);
} commands[] = {
        { "converter-add", converter_add },
        { "converter", converter_set },
        { "converter-remove", converter_remove },
        { "meter-add", meter_add },
        { "telegram", telegram },
        { "hold", hold },
        { "release", release },
        { "refuse", refuse },
        { "heard-later", heard_later },
        { "clock", set_clock },
        { "meter-offline", meter_offline },
        { "meter-touch", meter_touch },
        { "meter-remove", meter_remove },
        { "output-add", output_add },
        { "output", output_set },
        { "output-code", output_code },
        { "output-counts", output_counts },
        { "output-remove", output_remove },
        { "name", request_name },
        { "state", set_state },
        { "reload-error", set_reload_error },
        { "readers", set_readers },
        { "fail", set_failure },
        { "capture-write", capture_write },
        { "capture-close", capture_close },
        { "bench", bench },
        { "quit", quit },
};

static void run_line(char *line)
{
        char *args = strchr(line, ' ');
        int r = -ENOSYS;

        if (args)
                *args++ = '\0';
        for (size_t i = 0; i < ELEMENTSOF(commands); i++)
                if (strcmp(line, commands[i].name) == 0)
                        r = commands[i].run(args ? args : line + strlen(line));
        if (r < 0)
                printf("error %d\n", r);
        else
                printf("ok\n");
        (void)fflush(stdout);
}

static int on_stdin(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        static char buf[8192];
        static size_t used;
        ssize_t n = read(fd, buf + used, sizeof(buf) - used - 1);
        char *end;

        if (n <= 0)
                return sd_event_exit(driver.event, 0);
        used += (size_t)n;
        buf[used] = '\0';
        while ((end = strchr(buf, '\n'))) {
                *end = '\0';
                run_line(buf);
                used -= (size_t)(end + 1 - buf);
                memmove(buf, end + 1, used + 1);
        }
        return 0;
}

static void on_lost(void *userdata)
{
        printf("lost\n");
        (void)sd_event_exit(driver.event, 1);
}

int main(int argc, char **argv)
{
        const struct bus_options options = {
                .readers_group = argc > 1 ? argv[1] : NULL,
                .requests = &driver_requests,
                .userdata = &driver,
                .on_lost = on_lost,
        };
        int r;

        driver.capture_fd = -1;
        (void)signal(SIGPIPE, SIG_IGN); /* as the daemon does: readers of a capture may leave */
        r = sd_event_new(&driver.event);
        if (r >= 0)
                r = sd_event_add_io(driver.event, NULL, STDIN_FILENO, EPOLLIN, on_stdin, NULL);
        if (r >= 0)
                r = bus_new(driver.event, &options, &driver.bus);
        if (r < 0) {
                (void)fprintf(stderr, "bus-driver: %s\n", strerror(-r));
                return 1;
        }
        printf("ready\n");
        (void)fflush(stdout);
        r = sd_event_loop(driver.event);
        driver.bus = bus_free(driver.bus);
        for (size_t i = 0; i < DRIVER_MAX; i++)
                driver.meters[i] = meter_free(driver.meters[i]);
        driver.event = sd_event_unref(driver.event);
        if (driver.capture_fd >= 0)
                (void)close(driver.capture_fd);
        return r < 0 ? 1 : r;
}
