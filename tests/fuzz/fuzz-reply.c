/* SPDX-License-Identifier: MIT */
/*
 * Any value of D-Bus as what smctl reads of the service: it becomes JSON, or an error, and what is
 * found in it is shown. The input is a small program that builds the message.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/client/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
        const uint8_t *data;
        size_t size;
};

static uint8_t next(struct input *in)
{
        if (in->size == 0)
                return 0;
        in->size--;
        return *in->data++;
}

/* A bus without answers: messages need one to belong to. */
static sd_bus *make_bus(void)
{
        static int pair[2];
        static sd_bus *bus;

        if (bus)
                return bus;
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 || sd_bus_new(&bus) < 0 ||
            sd_bus_set_fd(bus, pair[0], pair[0]) < 0 || sd_bus_start(bus) < 0)
                abort();
        return bus;
}

/* A string of at most 15 bytes, made UTF-8. */
static const char *text(struct input *in, char buf[static 16])
{
        size_t n = next(in) & 15;

        for (size_t i = 0; i < n; i++)
                buf[i] = (char)(next(in) & 0x7f);
        buf[n] = '\0';
        return buf;
}

static int append_value(sd_bus_message *m, struct input *in, unsigned int depth);

static int append_variant(sd_bus_message *m, struct input *in, unsigned int depth)
{
        static const char *const kinds[] = { "s",    "b",  "u",  "t",     "x",          "d",
                                             "y",    "o",  "as", "a{sv}", "a{s(dstu)}", "v",
                                             "(su)", "ay", "i",  "q" };
        const char *kind = kinds[next(in) & 15];
        char word[16];
        uint64_t number = 0;
        int r;

        r = sd_bus_message_open_container(m, 'v', kind);
        if (r < 0)
                return r;
        for (unsigned int i = 0; i < 8; i++)
                number = number << 8 | next(in);
        if (strcmp(kind, "s") == 0) {
                r = sd_bus_message_append(m, "s", text(in, word));
        } else if (strcmp(kind, "o") == 0) {
                r = sd_bus_message_append(m, "o", number & 1 ? "/org/smartmeterd/meter/a" : "/");
        } else if (strcmp(kind, "d") == 0) {
                double d;

                memcpy(&d, &number, sizeof(d));
                r = sd_bus_message_append(m, "d", d);
        } else if (strcmp(kind, "t") == 0 || strcmp(kind, "x") == 0) {
                r = sd_bus_message_append_basic(m, *kind, &number);
        } else if (strlen(kind) == 1 && strchr("buyiq", *kind)) {
                uint32_t small = *kind == 'b' ? number & 1 : (uint32_t)number;

                r = sd_bus_message_append_basic(m, *kind, &small);
        } else if (strcmp(kind, "v") == 0) {
                r = append_variant(m, in, depth + 1);
        } else if (strcmp(kind, "as") == 0) {
                r = sd_bus_message_append(m, "as", 2, text(in, word), "b");
        } else if (strcmp(kind, "ay") == 0) {
                r = sd_bus_message_append(m, "ay", 3, 1, 2, 255);
        } else if (strcmp(kind, "(su)") == 0) {
                r = sd_bus_message_append(m, "(su)", text(in, word), (uint32_t)number);
        } else if (strcmp(kind, "a{s(dstu)}") == 0) {
                double d;

                memcpy(&d, &number, sizeof(d));
                r = sd_bus_message_append(m, "a{s(dstu)}", 1, text(in, word), d, "Wh", number,
                                          (uint32_t)number);
        } else {
                r = append_value(m, in, depth + 1);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

/* a{sv} */
static int append_value(sd_bus_message *m, struct input *in, unsigned int depth)
{
        static const char *const names[] = { "Id",        "State",  "Readings",     "Name",
                                             "Converter", "Meters", "LastByteUSec", "Statistics" };
        size_t n = depth < 6 ? next(in) & 7 : 0;
        char word[16];
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (size_t i = 0; r >= 0 && i < n; i++) {
                uint8_t which = next(in);

                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s",
                                                  which & 8 ? text(in, word) : names[which & 7]);
                if (r >= 0)
                        r = depth < 6 ? append_variant(m, in, depth + 1)
                                      : sd_bus_message_append(m, "v", "u", 1);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct input in = { data, size };
        struct json_object *object = NULL;
        sd_bus_message *m = NULL;
        bool readings;

        if (size < 1)
                return 0;
        readings = next(&in) & 1;
        if (sd_bus_message_new_signal(make_bus(), &m, "/a", "a.b", "C") < 0)
                abort();
        /* What cannot be built is no message. */
        if (append_value(m, &in, 0) >= 0 && sd_bus_message_seal(m, 1, 0) >= 0 &&
            (readings ? client_read_readings(m, &object) : client_message_to_json(m, &object)) >=
                    0) {
                if (object)
                        (void)json_object_to_json_string(object);
                json_object_put(object);
        }
        sd_bus_message_unref(m);
        return 0;
}
