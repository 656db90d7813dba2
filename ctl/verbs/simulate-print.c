/* SPDX-License-Identifier: MIT */
/*
 * The output of `smctl simulate` about the telegrams it sends. The values are those the encoder
 * noted while it wrote the bytes, so that they can be compared with what a decoder makes of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "ctl/view/json.h"
#include "lib/value/decimal.h"
#include "lib/value/obis.h"
#include "simulate.h"

void simulate_print_tty(const struct simulate *s)
{
        const char *path = s->play.link ? s->play.link : s->play.slave;

        if (s->json) {
                OWNED(json) struct json_object *line = json_new_object();

                json_set_text(line, "event", "plugged");
                json_set_text(line, "tty", s->play.slave);
                json_set_text(line, "link", path);
                json_print_line(line);
        } else {
                puts(path);
                (void)fflush(stdout); /* a failing stdout is found at the end */
        }
}

void simulate_print_unplugged(const struct simulate *s)
{
        if (s->json) {
                OWNED(json) struct json_object *line = json_new_object();

                json_set_text(line, "event", "unplugged");
                json_print_line(line);
        }
}

/* ISO 8601, with the offset only when the telegram has it. "" when it has no time. */
static void print_time(const struct sim_telegram *t, char *buf, size_t size)
{
        const struct sim_clock *c = &t->clock;
        int off = c->offset_min < 0 ? -c->offset_min : c->offset_min;
        int n;

        buf[0] = '\0';
        if (!t->has_time)
                return;
        n = snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02d", c->year, c->month, c->day, c->hour,
                     c->minute, c->second);
        if (t->zone == SIM_ZONE_OFFSET && n > 0 && (size_t)n < size)
                (void)snprintf(buf + n, size - (size_t)n, "%c%02d:%02d",
                               c->offset_min < 0 ? '-' : '+', off / 60, off % 60);
}

static const char *name_of_request(enum sim_request_kind kind)
{
        switch (kind) {
        case SIM_REQUEST_NOISE:
                return NULL;
        case SIM_REQUEST_SIGN_ON:
                return "sign-on";
        case SIM_REQUEST_READOUT:
                return "readout";
        case SIM_REQUEST_PROGRAM:
                return "program";
        case SIM_REQUEST_READ:
                return "read";
        case SIM_REQUEST_ACKNOWLEDGE:
                return "acknowledge";
        }
        abort(); /* all are named */
}

void simulate_print_request(const struct simulate *s, const struct sim_request *request,
                            unsigned int baud, uint64_t heard_bytes)
{
        OWNED(json) struct json_object *line = NULL;
        char hex[2 * SIM_REQUEST_MAX + 1];

        if (!s->json)
                return;
        line = json_new_object();
        json_set_text(line, "event", "request");
        json_set_text(line, "understood", name_of_request(request->kind));
        json_set_text(line, "command",
                      request->command > 0 ? s->profile->commands[request->command - 1] : NULL);
        json_set_number(line, "baud", baud);
        json_set_text(line, "hex", hex_print(request->bytes, request->n, hex, sizeof(hex)));
        json_set_number(line, "heard_bytes", (int64_t)heard_bytes);
        json_print_line(line);
}

static struct json_object *json_of_reading(const struct sim_value *value)
{
        struct json_object *object = json_new_object();
        char code[OBIS_TEXT_MAX], number[DECIMAL_TEXT_MAX];
        struct decimal decimal = { value->mantissa, (int8_t)value->exponent };

        decimal_print(decimal, number);
        json_set_text(object, "obis", obis_print(obis_of_bytes(value->obis), code));
        json_set(object, "value", json_made(json_object_new_double_s(0, number)));
        json_set_text(object, "unit", value->unit);
        return object;
}

static struct json_object *json_of_text(const struct sim_text *text)
{
        struct json_object *object = json_new_object();
        char code[OBIS_TEXT_MAX];

        if (text->label)
                json_set_text(object, "label", text->label);
        else
                json_set_text(object, "obis", obis_print(obis_of_bytes(text->obis), code));
        json_set_text(object, "value", text->text);
        return object;
}

void simulate_print_telegram(const struct simulate *s)
{
        const struct sim_telegram *t = &s->telegram;
        OWNED(json) struct json_object *line = json_new_object();
        struct json_object *readings = json_new_array();
        struct json_object *texts = json_new_array();
        char when[40];

        for (size_t i = 0; i < t->n_values; i++)
                json_push(readings, json_of_reading(&t->values[i]));
        for (size_t i = 0; i < t->n_texts; i++)
                json_push(texts, json_of_text(&t->texts[i]));
        print_time(t, when, sizeof(when));
        json_set_text(line, "event", "telegram");
        json_set_number(line, "sequence", (int64_t)s->n_sent);
        json_set_text(line, "profile", s->profile->name);
        json_set_text(line, "meter", t->meter_id);
        json_set_flag(line, "encrypted", t->encrypted);
        json_set_text(line, "time", when[0] ? when : NULL);
        json_set_number(line, "bytes", (int64_t)t->wire.out.len);
        json_set(line, "readings", readings);
        json_set(line, "texts", texts);
        json_print_line(line);
}

static void print_key(int fd, const char *name, const uint8_t key[static SIM_KEY_BYTES])
{
        (void)dprintf(fd, "# %s: ", name);
        for (size_t i = 0; i < SIM_KEY_BYTES; i++)
                (void)dprintf(fd, "%02X", key[i]);
        (void)dprintf(fd, "\n");
}

int simulate_print_hex(const struct simulate *s)
{
        const struct sim_telegram *t = &s->telegram;
        int fd = s->play.fd;

        if (dprintf(fd, "# %s, simulated, seed %" PRIu64 "\n", s->profile->name, s->options.seed) <
            0)
                return -errno;
        if (t->encrypted) {
                print_key(fd, "key", s->meter.cipher.key);
                if (s->meter.cipher.control & 0x10)
                        print_key(fd, "auth_key", s->meter.cipher.auth_key);
        }
        for (size_t i = 0; i < t->wire.out.len; i++)
                if (dprintf(fd, "%02X%c", t->wire.out.data[i],
                            i % 32 == 31 || i + 1 == t->wire.out.len ? '\n' : ' ') < 0)
                        return -errno;
        return 0;
}
