/* SPDX-License-Identifier: MIT */
#include "config-keys.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/util.h"

const struct config_section_info config_sections[CONFIG_SECTIONS] = {
        [CONFIG_DAEMON] = { "daemon", NULL },
        [CONFIG_CONVERTER] = { "converter", "house" },
        [CONFIG_METER] = { "meter", "LGZ1030655933512" },
        [CONFIG_TARIFF] = { "tariff", NULL },
        [CONFIG_MQTT] = { "mqtt", "local" },
};

static int parse_line(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        struct config_converter *converter = field;
        struct serial_line line;

        if (strcasecmp(value, "auto") == 0) {
                converter->line_auto = true;
                return 0;
        }
        if (serial_line_parse(value, &line) < 0) {
                config_answer(ret, "write auto, or speed and format like 2400 8E1");
                return -EINVAL;
        }
        converter->line = line;
        converter->line_auto = false;
        return 0;
}

static const char *profile_name(size_t i)
{
        return profile_table[i] ? profile_table[i]->name : NULL;
}

static int parse_profile(const char *value, const char *suffix, void *field,
                         struct config_answer *ret)
{
        const struct meter_profile *profile = *value ? profile_find(value) : NULL;

        if (!profile && *value) {
                const char *nearest = config_nearest(value, profile_name);

                config_answer(ret, "no such profile; %s%s%s", nearest ? "did you mean " : "",
                              nearest ? nearest : "leave it out, it is found by itself",
                              nearest ? "?" : "");
                return -EINVAL;
        }
        *(const struct meter_profile **)field = profile;
        return 0;
}

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

static int parse_host(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        const char *colon = strchr(value, ':');

        if (strstr(value, "://")) {
                config_answer(ret, "write the bare name, and Port=, Tls= on lines of their own");
                return -EINVAL;
        }
        if (*value != '/' && colon && !strchr(colon + 1, ':')) { /* IPv6 has more than one */
                config_answer(ret, "write the port as Port=%.20s on a line of its own", colon + 1);
                return -EINVAL;
        }
        if (!*value || strpbrk(value, " \t")) {
                config_answer(ret, "write a name, an address, or the path of a socket");
                return -EINVAL;
        }
        return config_value_string(value, suffix, field, ret);
}

static int parse_protocol(const char *value, const char *suffix, void *field,
                          struct config_answer *ret)
{
        enum config_mqtt_protocol protocol;

        if (strcasecmp(value, "auto") == 0) {
                protocol = MQTT_PROTOCOL_AUTO;
        } else if (strcmp(value, "5") == 0) {
                protocol = MQTT_PROTOCOL_5;
        } else if (strcmp(value, "3.1.1") == 0) {
                protocol = MQTT_PROTOCOL_311;
        } else {
                config_answer(ret, "write auto, 5 or 3.1.1");
                return -EINVAL;
        }
        *(enum config_mqtt_protocol *)field = protocol;
        return 0;
}

static int parse_spool(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        bool yes = false;

        if (strcasecmp(value, "reached") == 0) {
                *(enum config_mqtt_spool *)field = MQTT_SPOOL_REACHED;
                return 0;
        }
        if (config_value_boolean(value, suffix, &yes, ret) < 0) {
                config_answer(ret, "write yes, no, or reached");
                return -EINVAL;
        }
        *(enum config_mqtt_spool *)field = yes ? MQTT_SPOOL_YES : MQTT_SPOOL_NO;
        return 0;
}

static int parse_durability(const char *value, const char *suffix, void *field,
                            struct config_answer *ret)
{
        if (strcasecmp(value, "always") != 0 && strcasecmp(value, "normal") != 0) {
                config_answer(ret, "write normal or always");
                return -EINVAL;
        }
        *(bool *)field = strcasecmp(value, "always") == 0;
        return 0;
}

static const struct {
        const char *name;
        enum config_mqtt_format format;
} formats[] = {
        { "native", MQTT_FORMAT_NATIVE },
        { "homeassistant", MQTT_FORMAT_HOMEASSISTANT },
        { "datacollector", MQTT_FORMAT_DATACOLLECTOR },
        { "rl-dsp", MQTT_FORMAT_RL_DSP },
        { "jeedom", MQTT_FORMAT_JEEDOM },
};

static const char *format_name(size_t i)
{
        return i < ELEMENTSOF(formats) ? formats[i].name : NULL;
}

static int parse_formats(const char *value, const char *suffix, void *field,
                         struct config_answer *ret)
{
        unsigned int found = 0;
        char words[256], *rest = words;

        (void)snprintf(words, sizeof(words), "%s", value); /* lines are shorter than this */
        for (const char *word; (word = strsep(&rest, " \t,"));) {
                size_t i = 0;

                while (i < ELEMENTSOF(formats) && strcasecmp(word, formats[i].name) != 0)
                        i++;
                if (i < ELEMENTSOF(formats)) {
                        found |= formats[i].format;
                } else if (*word) {
                        const char *nearest = config_nearest(word, format_name);

                        config_answer(ret, "no such format '%.40s'; %s%s%s", word,
                                      nearest ? "did you mean " : "",
                                      nearest ? nearest
                                              : "write native, homeassistant, "
                                                "datacollector, rl-dsp or jeedom",
                                      nearest ? "?" : "");
                        return -EINVAL;
                }
        }
        if (!found) {
                config_answer(ret, "write at least one of native, homeassistant, datacollector, "
                                   "rl-dsp, jeedom");
                return -EINVAL;
        }
        *(unsigned int *)field = found;
        return 0;
}

#define DAEMON(name_, parse_, field_, ...)                                                 \
        {                                                                                  \
                CONFIG_DAEMON, name_, parse_, offsetof(struct config, field_), __VA_ARGS__ \
        }
#define TARIFF(name_, parse_, field_, ...)                                                 \
        {                                                                                  \
                CONFIG_TARIFF, name_, parse_, offsetof(struct config, field_), __VA_ARGS__ \
        }
#define CONVERTER(name_, parse_, field_, ...)                                               \
        {                                                                                   \
                CONFIG_CONVERTER, name_, parse_, offsetof(struct config_converter, field_), \
                        __VA_ARGS__                                                         \
        }
#define METER(name_, parse_, field_, ...)                                                       \
        {                                                                                       \
                CONFIG_METER, name_, parse_, offsetof(struct config_meter, field_), __VA_ARGS__ \
        }
#define MQTT(name_, parse_, field_, ...)                                                      \
        {                                                                                     \
                CONFIG_MQTT, name_, parse_, offsetof(struct config_mqtt, field_), __VA_ARGS__ \
        }

#define CLEARABLE .clearable = true
#define SECRET    .secret = true
#define REPEATED  .repeated = true, .clearable = true

/* clang-format off: a table reads better as one */
const struct config_key config_keys[] = {
        DAEMON("Readers", config_value_group, readers_group, CLEARABLE),
        DAEMON("LogLevel", config_value_level, log_level),
        DAEMON("AutoBind", config_value_boolean, auto_bind),

        CONVERTER("VendorId", config_value_usb_id, vendor_id, CLEARABLE),
        CONVERTER("ProductId", config_value_usb_id, product_id, CLEARABLE),
        CONVERTER("Serial", config_value_string, serial, CLEARABLE),
        CONVERTER("Path", config_value_string, path, CLEARABLE),
        CONVERTER("Interface", config_value_interface, interface, CLEARABLE),
        CONVERTER("Device", config_value_path, device, CLEARABLE),
        { CONFIG_CONVERTER, "Line", parse_line, 0 },
        CONVERTER("Profile", parse_profile, profile, CLEARABLE),
        CONVERTER("Key", config_value_key, keys, SECRET),
        CONVERTER("KeyFile", config_value_key_file, keys),
        CONVERTER("AuthKey", config_value_auth_key, keys, SECRET),
        CONVERTER("AuthKeyFile", config_value_auth_key_file, keys),
        CONVERTER("SystemTitle", config_value_title, keys),
        CONVERTER("DetectTimeout", config_value_duration_some, detect_timeout_usec),
        CONVERTER("UsbReset", config_value_boolean, usb_reset),

        METER("Name", config_value_string, name, CLEARABLE),
        METER("Key", config_value_key, keys, SECRET),
        METER("KeyFile", config_value_key_file, keys),
        METER("AuthKey", config_value_auth_key, keys, SECRET),
        METER("AuthKeyFile", config_value_auth_key_file, keys),
        METER("SystemTitle", config_value_title, keys),
        METER("MaxPower", config_value_power, settings.max_power_w),
        METER("TimeSource", parse_time_source, settings.use_host_time),
        METER("Scale.", parse_scale, settings),

        TARIFF("Label.", parse_label, tariff, CLEARABLE),
        TARIFF("Slot", parse_slot, tariff, REPEATED),
        TARIFF("Default", parse_fallback, tariff.fallback, CLEARABLE),
        TARIFF("Timezone", config_value_timezone, timezone, CLEARABLE),

        MQTT("Host", parse_host, host),
        MQTT("Port", config_value_port, port),
        MQTT("Protocol", parse_protocol, protocol),
        MQTT("Tls", config_value_boolean, tls),
        MQTT("CaFile", config_value_path, ca_file, CLEARABLE),
        MQTT("CertFile", config_value_path, cert_file, CLEARABLE),
        MQTT("CertKeyFile", config_value_path, cert_key_file, CLEARABLE),
        MQTT("VerifyHost", config_value_boolean, verify_host),
        MQTT("Psk", config_value_hex, psk, SECRET, CLEARABLE),
        MQTT("PskIdentity", config_value_string, psk_identity, CLEARABLE),
        MQTT("Username", config_value_string, username, CLEARABLE),
        MQTT("PasswordFile", config_value_secret_file, password),
        MQTT("ClientId", config_value_word, client_id, CLEARABLE),
        MQTT("Instance", config_value_word, instance, CLEARABLE),
        MQTT("Formats", parse_formats, formats),
        MQTT("Group", config_value_word, group),
        MQTT("DiscoveryPrefix", config_value_topic, discovery_prefix),
        MQTT("JeedomRoot", config_value_topic, jeedom_root),
        MQTT("Interval", config_value_duration, interval_usec),
        MQTT("Deadband", config_value_percent, deadband),
        MQTT("Spool", parse_spool, spool),
        MQTT("SpoolMax", config_value_bytes, spool_max_bytes),
        MQTT("Durability", parse_durability, durability_always),
};
/* clang-format on */
const size_t config_keys_n = ELEMENTSOF(config_keys);

const struct config_key *config_key_find(enum config_section section, const char *name,
                                         const char **ret_suffix)
{
        for (size_t i = 0; i < config_keys_n; i++) {
                const struct config_key *key = &config_keys[i];
                size_t n = strlen(key->name);

                if (key->section != section)
                        continue;
                if (key->name[n - 1] == '.' ? strncmp(key->name, name, n) == 0 && name[n]
                                            : strcmp(key->name, name) == 0) {
                        *ret_suffix = name + n;
                        return key;
                }
        }
        return NULL;
}
