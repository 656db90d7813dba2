/* SPDX-License-Identifier: MIT */
/* The sections that are no output: [daemon], [converter], [meter], [tariff]. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/suggest.h"
#include "base/util.h"
#include "config-read.h"
#include "config-value.h"

#define KEY(type_, name_, kind_, field_, ...)                      \
        {                                                          \
                name_, kind_, offsetof(type_, field_), __VA_ARGS__ \
        }
#define CLEARABLE .clearable = true
#define SECRET    .secret = true
#define REPEATED  .repeated = true, .clearable = true

/* ---- [daemon] ---- */

static const struct config_kind level_kind = { sizeof(int), config_value_level };

/* clang-format off: a table reads better as one */
#define DAEMON(...) KEY(struct config_daemon, __VA_ARGS__)
static const struct config_key daemon_keys[] = {
        DAEMON("Readers", &config_string, readers_group, .parse = config_value_group, CLEARABLE),
        DAEMON("LogLevel", &level_kind, log_level),
        DAEMON("AutoBind", &config_boolean, auto_bind, "yes"),
};
/* clang-format on */

const struct config_section config_section_daemon = {
        .name = "daemon",
        .size = sizeof(struct config_daemon),
        .keys = daemon_keys,
        .n_keys = ELEMENTSOF(daemon_keys),
};

/* ---- [converter] ---- */

static int parse_line(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        struct config_line *line = field;
        struct serial_line parsed;

        if (strcasecmp(value, "auto") == 0) {
                line->automatic = true;
                return 0;
        }
        if (serial_line_parse(value, &parsed) < 0) {
                config_answer(ret, "write auto, or speed and format like 2400 8E1");
                return -EINVAL;
        }
        *line = (struct config_line){ .line = parsed };
        return 0;
}

static bool line_equal(const void *a, const void *b)
{
        const struct config_line *line_a = a, *line_b = b;

        return line_a->automatic == line_b->automatic &&
               (line_a->automatic || serial_line_equal(&line_a->line, &line_b->line));
}

static const struct config_kind line_kind = { sizeof(struct config_line), parse_line, line_equal };

/* "readout", "acknowledge", or commands of the programming mode: "F001 F009". */
static int parse_ask(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        struct config_ask ask = { 0 };
        const char *at = value;

        if (strcasecmp(value, "readout") == 0)
                ask.kind = CONFIG_ASK_READOUT;
        else if (strcasecmp(value, "acknowledge") == 0)
                ask.kind = CONFIG_ASK_ACKNOWLEDGE;
        else if (strcasecmp(value, "no") != 0)
                ask.kind = CONFIG_ASK_COMMANDS;
        while (ask.kind == CONFIG_ASK_COMMANDS && *(at += strspn(at, " "))) {
                size_t n = strcspn(at, " ");

                if (n >= CONFIG_COMMAND_MAX || ask.n_commands == CONFIG_COMMANDS_MAX ||
                    strspn(at, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") < n ||
                    !memchr(at, '0', n)) {
                        config_answer(ret, "write no, readout, acknowledge, or what is to be read: "
                                           "F001 F009");
                        return -EINVAL;
                }
                memcpy(ask.commands[ask.n_commands++], at, n);
                at += n;
        }
        *(struct config_ask *)field = ask;
        return 0;
}

static bool ask_equal(const void *a, const void *b)
{
        const struct config_ask *x = a, *y = b;

        return x->kind == y->kind && x->n_commands == y->n_commands &&
               memcmp(x->commands, y->commands, sizeof(x->commands)) == 0;
}

static const struct config_kind ask_kind = { sizeof(struct config_ask), parse_ask, ask_equal };

static int parse_ask_baud(const char *value, const char *suffix, void *field,
                          struct config_answer *ret)
{
        static const char *const speeds[] = {
                "300", "600", "1200", "2400", "4800", "9600", "19200"
        };

        for (size_t i = 0; i < ELEMENTSOF(speeds); i++)
                if (strcmp(value, speeds[i]) == 0) {
                        *(uint32_t *)field = (uint32_t)strtoul(value, NULL, 10);
                        return 0;
                }
        config_answer(ret, "write 300, 600, 1200, 2400, 4800, 9600 or 19200");
        return -EINVAL;
}

static const struct config_kind ask_baud_kind = { sizeof(uint32_t), parse_ask_baud };

#define USEC         UINT64_C(1000000)
#define SLOWEST_BAUD 300 /* at which a meter is asked, and may stay */

/* A battery meter must not be asked often; a TD-351x wants to be kept awake. */
static void check_ask(struct config_reader *reader, struct config_converter *c)
{
        bool readout = c->ask.kind == CONFIG_ASK_READOUT;
        uint64_t least = readout ? 10 * USEC : USEC;

        if (c->ask.kind == CONFIG_ASK_NO || c->ask.kind == CONFIG_ASK_ACKNOWLEDGE) {
                if (c->ask_every_usec || c->ask_baud)
                        config_read_problem_of(
                                reader,
                                c->ask_every_usec ? (const void *)&c->ask_every_usec : &c->ask_baud,
                                "[converter \"%.60s\"]: it belongs to Ask=readout or "
                                "Ask=F001 F009",
                                c->item.name);
        } else if (c->device && strncmp(c->device, "tcp://", 6) == 0 &&
                   !(readout && c->ask_baud == SLOWEST_BAUD)) {
                config_read_problem_of(reader, &c->ask,
                                       "[converter \"%.60s\"]: the meter changes its speed, and a "
                                       "raw port of the network cannot: write rfc2217:// in "
                                       "Device=, or Ask=readout with AskBaud=300",
                                       c->item.name);
        } else if (c->ask_every_usec && c->ask_every_usec < least) {
                config_read_problem_of(reader, &c->ask_every_usec,
                                       "AskEvery= is too short: %d s at least",
                                       (int)(least / USEC));
        }
        c->ask.every_usec = c->ask_every_usec ? c->ask_every_usec : (readout ? 900 : 5) * USEC;
        c->ask.baud = c->ask_baud;
        c->ask.has_line = !c->line.automatic;
        c->ask.line = c->line.line;
}

static void check_keys(struct config_reader *reader, const struct config_item *item,
                       const struct cipher_keys *keys)
{
        if (keys->has_auth_key && !keys->has_key)
                config_read_problem_of(reader, item,
                                       "\"%s\" has an authentication key and no Key=: both keys "
                                       "are needed to decipher",
                                       item->name);
}

static bool same(const char *a, const char *b)
{
        return a == b || (a && b && strcasecmp(a, b) == 0);
}

/* True when `a` fits every converter that `b` fits. A key that is not given fits all. */
static bool covers(const struct config_converter *a, const struct config_converter *b)
{
        if (a->device || b->device)
                return a->device && b->device && strcmp(a->device, b->device) == 0;
        return (!a->vendor_id || same(a->vendor_id, b->vendor_id)) &&
               (!a->product_id || same(a->product_id, b->product_id)) &&
               (!a->serial || same(a->serial, b->serial)) && (!a->path || same(a->path, b->path)) &&
               (!a->interface || same(a->interface, b->interface));
}

static void check_shadowed(struct config_reader *reader, const struct config_converter *c)
{
        const struct config_converter *first =
                config_first(reader->config, &config_section_converter);

        while (first != c && !covers(first, c))
                first = config_next(first);
        if (first != c)
                config_read_warning_of(
                        reader, &c->item,
                        "[converter \"%.60s\"] is never used: [converter \"%.60s\"] before it "
                        "takes the same converters; %s",
                        c->item.name, first->item.name,
                        c->device          ? "take one of them away"
                        : covers(c, first) ? "add Serial=, Path= or Interface= to tell them apart"
                                           : "let it stand before that one");
}

static void check_converter(struct config_reader *reader, struct config_item *item)
{
        const struct config_converter *c = (const struct config_converter *)item;

        if (!c->vendor_id && !c->product_id && !c->serial && !c->path && !c->interface &&
            !c->device)
                config_read_problem_of(
                        reader, item,
                        "[converter \"%s\"] says of no converter that it is meant: add "
                        "VendorId= and ProductId=, Serial=, Path= or Device=; "
                        "`smctl list-converters` shows them",
                        item->name);
        else
                check_shadowed(reader, c);
        if (c->device && (c->vendor_id || c->product_id || c->serial || c->path))
                config_read_problem_of(reader, item,
                                       "[converter \"%s\"]: either Device= or what udev knows",
                                       item->name);
        if (c->device && (strncmp(c->device, "/dev/ttyUSB", 11) == 0 ||
                          strncmp(c->device, "/dev/ttyACM", 11) == 0))
                config_read_warning_of(
                        reader, item,
                        "[converter \"%.60s\"]: %.40s may be another converter after the next "
                        "start: VendorId= and ProductId=, Serial= or Path= name it for good; "
                        "`smctl list-converters` shows them",
                        item->name, c->device);
        if (c->device && strncmp(c->device, "tcp://", 6) == 0 && !c->line.automatic)
                config_read_warning_of(reader, item,
                                       "[converter \"%.60s\"]: Line= has no effect on tcp://: set "
                                       "it at the bridge, or write rfc2217:// if that can be told",
                                       item->name);
        config_profiles_check(reader, c);
        check_ask(reader, (struct config_converter *)item);
        check_keys(reader, item, &c->keys);
}

/* clang-format off */
#define CONVERTER(...) KEY(struct config_converter, __VA_ARGS__)
static const struct config_key converter_keys[] = {
        CONVERTER("VendorId", &config_string, vendor_id, .parse = config_value_usb_id, CLEARABLE),
        CONVERTER("ProductId", &config_string, product_id, .parse = config_value_usb_id, CLEARABLE),
        CONVERTER("Serial", &config_string, serial, CLEARABLE),
        CONVERTER("Path", &config_string, path, CLEARABLE),
        CONVERTER("Interface", &config_string, interface, .parse = config_value_interface, CLEARABLE),
        CONVERTER("Device", &config_string, device, .parse = config_value_device, CLEARABLE),
        CONVERTER("Line", &line_kind, line, "auto"),
        CONVERTER("Profile", &config_string, profile, CLEARABLE, .marked = true),
        CONVERTER("Key", &config_keys, keys, SECRET),
        CONVERTER("KeyFile", &config_keys, keys, .parse = config_value_key_file),
        CONVERTER("AuthKey", &config_keys, keys, .parse = config_value_auth_key, SECRET),
        CONVERTER("AuthKeyFile", &config_keys, keys, .parse = config_value_auth_key_file),
        CONVERTER("SystemTitle", &config_keys, keys, .parse = config_value_title),
        CONVERTER("DetectTimeout", &config_usec, detect_timeout_usec, "5min",
                  .parse = config_value_duration_some),
        CONVERTER("UsbReset", &config_boolean, usb_reset, "no"),
        CONVERTER("Ask", &ask_kind, ask, "no", .marked = true),
        CONVERTER("AskEvery", &config_usec, ask_every_usec, .parse = config_value_duration_some, .marked = true),
        CONVERTER("AskBaud", &ask_baud_kind, ask_baud, .marked = true),
};
/* clang-format on */

/* The names in smartmeter-datacollector, vzlogger and ser2net. */
static const struct config_hint converter_hints[] = {
        { "Baudrate", "write Line=2400 8E1" },
        { "Baud", "write Line=2400 8E1" },
        { "Speed", "write Line=2400 8E1" },
        { "Parity", "write Line=2400 8E1" },
        { "Databits", "write Line=2400 8E1" },
        { "Stopbits", "write Line=2400 8E1" },
        { "Port",
          "write VendorId= and ProductId=, or Device= for a plain UART or tcp://host:port" },
        { "Host", "write Device=tcp://host:port" },
        { "Tty", "write VendorId= and ProductId=, or Device= for a plain UART" },
        { "Type", "write Profile=, or nothing: it is found by itself" },
        { "Encryption_key", "write Key= or KeyFile=" },
        { 0 },
};

const struct config_section config_section_converter = {
        .name = "converter",
        .example = "house",
        .size = sizeof(struct config_converter),
        .keys = converter_keys,
        .n_keys = ELEMENTSOF(converter_keys),
        .hints = converter_hints,
        .check = check_converter,
};

/* ---- [meter] ---- */

static int parse_time_source(const char *value, const char *suffix, void *field,
                             struct config_answer *ret)
{
        if (strcasecmp(value, "meter") != 0 && strcasecmp(value, "host") != 0) {
                config_answer(ret, "write meter or host");
                return -EINVAL;
        }
        *(bool *)field = strcasecmp(value, "host") == 0;
        return 0;
}

/* Scale.1.8.0=0.1: a later one of the same quantity takes the earlier one's place. */
static int parse_scale(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        struct meter_settings *settings = field;
        struct meter_scale scale;
        size_t i = 0;

        int n = obis_parse(slice_of_string(suffix), &scale.obis);
        if (n <= 0 || suffix[n]) {
                config_answer(ret, "write an OBIS code behind Scale, like Scale.1.8.0=0.1");
                return -EINVAL;
        }
        n = decimal_parse(slice_of_string(value), &scale.scale);
        if (n <= 0 || value[n] || scale.scale.mantissa == 0) {
                config_answer(ret, "write a factor like 0.1 or 1000");
                return -EINVAL;
        }
        while (i < settings->n_scales && !obis_same_quantity(settings->scales[i].obis, scale.obis))
                i++;
        if (i == METER_SCALES_MAX) {
                config_answer(ret, "more than %d Scale lines for one meter", METER_SCALES_MAX);
                return -EINVAL;
        }
        settings->scales[i] = scale;
        settings->n_scales = MAX(settings->n_scales, i + 1);
        return 0;
}

/* Member by member: there is padding behind a decimal, and it is not set. */
static bool scale_equal(const struct meter_scale *a, const struct meter_scale *b)
{
        return obis_equal(a->obis, b->obis) && a->scale.mantissa == b->scale.mantissa &&
               a->scale.exponent == b->scale.exponent;
}

static bool scales_equal(const void *a, const void *b)
{
        const struct meter_settings *settings_a = a, *settings_b = b;
        size_t i = 0, n = settings_a->n_scales;

        if (settings_b->n_scales != n)
                return false;
        while (i < n && scale_equal(&settings_a->scales[i], &settings_b->scales[i]))
                i++;
        return i == n;
}

static int scales_copy(void *to, const void *from)
{
        struct meter_settings *settings = to;
        const struct meter_settings *other = from;

        memcpy(settings->scales, other->scales, sizeof(settings->scales));
        settings->n_scales = other->n_scales;
        return 0;
}

/* Its field is the whole of the settings, of which it fills the scales alone. */
static const struct config_kind scales_kind = { sizeof(struct meter_settings), parse_scale,
                                                scales_equal, scales_copy };

static const struct config_kind power_kind = { sizeof(int64_t), config_value_power };

static void check_meter(struct config_reader *reader, struct config_item *item)
{
        struct config_meter *m = (struct config_meter *)item;

        m->settings.name = m->name ? m->name : "";
        m->settings.tariff = &reader->config->tariff->settings;
        check_keys(reader, item, &m->keys);
}

/* clang-format off */
#define METER(...) KEY(struct config_meter, __VA_ARGS__)
static const struct config_key meter_keys[] = {
        METER("Name", &config_string, name, CLEARABLE),
        METER("Key", &config_keys, keys, SECRET),
        METER("KeyFile", &config_keys, keys, .parse = config_value_key_file),
        METER("AuthKey", &config_keys, keys, .parse = config_value_auth_key, SECRET),
        METER("AuthKeyFile", &config_keys, keys, .parse = config_value_auth_key_file),
        METER("SystemTitle", &config_keys, keys, .parse = config_value_title),
        METER("MaxPower", &power_kind, settings.max_power_w, "0"),
        METER("TimeSource", &config_boolean, settings.use_host_time, "meter",
              .parse = parse_time_source),
        METER("Scale.", &scales_kind, settings),
};
/* clang-format on */

static const struct config_hint meter_hints[] = {
        { "Encryption_key", "write Key= or KeyFile=" },
        { "Label", "labels of tariffs stand in [tariff]" },
        { "Scale", "write the OBIS code with it: Scale.1.8.0=0.1" },
        { 0 },
};

const struct config_section config_section_meter = {
        .name = "meter",
        .example = "LGZ1030655933512",
        .size = sizeof(struct config_meter),
        .keys = meter_keys,
        .n_keys = ELEMENTSOF(meter_keys),
        .hints = meter_hints,
        .any_case = true, /* system titles are hex in any case */
        .check = check_meter,
};

/* ---- [tariff] ---- */

static int parse_tariff_number(const char *text, uint8_t *ret)
{
        if (text[0] < '1' || text[0] > '0' + TARIFF_MAX || text[1])
                return -EINVAL;
        *ret = (uint8_t)(text[0] - '0');
        return 0;
}

static int parse_label(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        struct tariff_settings *tariff = field;
        uint8_t number;

        if (parse_tariff_number(suffix, &number) < 0) {
                config_answer(ret, "tariffs are numbered Label.1 to Label.%d", TARIFF_MAX);
                return -EINVAL;
        }
        if (strlen(value) >= TARIFF_LABEL_MAX) {
                config_answer(ret, "a label has at most %d bytes", TARIFF_LABEL_MAX - 1);
                return -EINVAL;
        }
        memcpy(tariff->label[number - 1], value, strlen(value) + 1);
        return 0;
}

/* "0.2765": of a kWh. A price of zero is one; an empty one is none. */
static int parse_price(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        struct tariff_settings *tariff = field;
        struct decimal price = { 0 };
        size_t len = strlen(value);
        uint8_t number;

        if (parse_tariff_number(suffix, &number) < 0) {
                config_answer(ret, "tariffs are numbered Price.1 to Price.%d", TARIFF_MAX);
                return -EINVAL;
        }
        if (len && (*value == '-' || *value == '+' || len > 12 ||
                    decimal_parse(slice_of_string(value), &price) != (int)len)) {
                config_answer(ret, "write what a kWh costs, like 0.2765");
                return -EINVAL;
        }
        tariff->has_price[number - 1] = len > 0;
        tariff->price[number - 1] = decimal_to_double(price);
        return 0;
}

static int parse_currency(const char *value, const char *suffix, void *field,
                          struct config_answer *ret)
{
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

        if (*value && (strlen(value) != 3 || strspn(value, letters) != 3)) {
                config_answer(ret, "write its three letters, like CHF or EUR");
                return -EINVAL;
        }
        memcpy(field, value, strlen(value) + 1);
        return 0;
}

static int parse_slot(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        struct tariff_settings *tariff = field;
        const char *fault = NULL;

        if (!*value) {
                tariff->n_slots = 0;
                return 0;
        }
        if (tariff_slot_parse(tariff, value, &fault) < 0) {
                config_answer(ret, "%s; write a slot like 1 Mon..Fri 07:00-20:00",
                              fault ? fault : "too many slots");
                return -EINVAL;
        }
        return 0;
}

static int parse_fallback(const char *value, const char *suffix, void *field,
                          struct config_answer *ret)
{
        uint8_t number = 0;

        if (*value && parse_tariff_number(value, &number) < 0) {
                config_answer(ret, "write the number of a tariff, 1 to %d", TARIFF_MAX);
                return -EINVAL;
        }
        *(uint8_t *)field = number;
        return 0;
}

static const struct config_kind tariff_kind = { sizeof(struct tariff_settings), parse_slot };
static const struct config_kind currency_kind = { sizeof(((struct tariff_settings *)0)->currency),
                                                  parse_currency };
static const struct config_kind tariff_number_kind = { sizeof(uint8_t), parse_fallback };

/* clang-format off */
#define TARIFF(...) KEY(struct config_tariff, __VA_ARGS__)
static const struct config_key tariff_keys[] = {
        TARIFF("Label.", &tariff_kind, settings, .parse = parse_label, CLEARABLE),
        TARIFF("Slot", &tariff_kind, settings, REPEATED),
        TARIFF("Default", &tariff_number_kind, settings.fallback, CLEARABLE),
        TARIFF("Price.", &tariff_kind, settings, .parse = parse_price, CLEARABLE),
        TARIFF("Currency", &currency_kind, settings.currency, CLEARABLE),
        TARIFF("Timezone", &config_string, timezone, .parse = config_value_timezone, CLEARABLE),
};
/* clang-format on */

static const struct config_hint tariff_hints[] = {
        { "Label", "write the tariff's number with it: Label.1=HP" },
        { "Price", "write the tariff's number with it: Price.1=0.2765" },
        { 0 },
};

const struct config_section config_section_tariff = {
        .name = "tariff",
        .size = sizeof(struct config_tariff),
        .keys = tariff_keys,
        .n_keys = ELEMENTSOF(tariff_keys),
        .hints = tariff_hints,
};
