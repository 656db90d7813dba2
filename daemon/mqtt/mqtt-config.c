/* SPDX-License-Identifier: MIT */
#include "mqtt-config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "base/util.h"
#include "daemon/config/config-read.h"
#include "daemon/config/config-value.h"
#include "daemon/formats/format-filter.h"

#define PORT_PLAIN 1883
#define PORT_TLS   8883

/* Makes the digits of the instance differ from the machine id (sd_id128_get_machine(3)). */
#define INSTANCE_APPLICATION \
        SD_ID128_MAKE(61, b0, 9d, 2e, 4a, c7, 43, 18, 95, 0f, 7a, d4, e3, 86, 1c, 52)

uint16_t mqtt_config_port(const struct config_mqtt *config)
{
        return config->port ? config->port : config->tls || config->psk ? PORT_TLS : PORT_PLAIN;
}

static const char *host_name(const char *host)
{
        return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0 ? "localhost" : host;
}

char *mqtt_config_retained_key(const struct config_mqtt *config, char buf[static MQTT_PLACE_MAX])
{
        (void)snprintf(buf, MQTT_PLACE_MAX, "%.255s:%u\t%.100s", host_name(config->host),
                       *config->host == '/' ? 0u : mqtt_config_port(config), config->item.name);
        return buf;
}

bool mqtt_config_same_place(const char *key, const char *other)
{
        size_t n = strcspn(key, "\t");

        return strcspn(other, "\t") == n && strncmp(key, other, n) == 0;
}

/* A configured word of a topic; slashes inside separate levels and stay. */
static void set_levels(const char *from, char buf[static FORMAT_SEGMENT_MAX])
{
        size_t n = 0;

        for (; from[n] && n + 1 < FORMAT_SEGMENT_MAX; n++) {
                char level[2] = { from[n], '\0' };

                if (from[n] != '/')
                        (void)format_segment(level, level, sizeof(level));
                buf[n] = level[0];
        }
        buf[n] = '\0';
}

/* "raspberrypi-3f2a": two that are called alike, as images of systems are, do not meet. Without a
 * machine id it is the name alone, which at least stays the same. */
static void default_instance(char *buf, size_t size)
{
        char host[256] = "";
        sd_id128_t machine;

        (void)gethostname(host, sizeof(host) - 1); /* an unnamed machine is "-3f2a" */
        host[strcspn(host, ".")] = '\0';
        if (sd_id128_get_machine_app_specific(INSTANCE_APPLICATION, &machine) < 0)
                (void)snprintf(buf, size, "%.59s", host);
        else
                (void)snprintf(buf, size, "%.59s-%02x%02x", host, machine.bytes[0],
                               machine.bytes[1]);
}

/* Jeedom is at home in French; a machine that was set up in another language is not. */
static bool is_machine_english(void)
{
        const char *language = getenv("LANG");

        return language && *language && strncmp(language, "fr", 2) != 0 &&
               strncmp(language, "C", 1) != 0 && strcmp(language, "POSIX") != 0;
}

void mqtt_config_context(const struct config_mqtt *config, struct format_context *ret)
{
        char instance[FORMAT_SEGMENT_MAX];

        default_instance(instance, sizeof(instance));
        *ret = (struct format_context){ .formats = config->formats,
                                        .version = "",
                                        .meter_name = "" };
        (void)format_segment(config->instance ? config->instance : instance, ret->instance,
                             sizeof(ret->instance));
        (void)format_segment(config->group, ret->group, sizeof(ret->group));
        set_levels(config->discovery_prefix, ret->discovery_prefix);
        set_levels(config->jeedom_root, ret->jeedom_root);
        ret->discovery_entity = config->discovery == MQTT_ENTITY;
        ret->english = config->language == MQTT_ENGLISH ||
                       (config->language == MQTT_LANGUAGE_AUTO && is_machine_english());
        ret->resend_usec = MAX(config->interval_usec,
                               config->deadband.mantissa != 0 ? FORMAT_FILTER_REST_USEC : 0);
}

/* ---- keys ---- */

static int parse_host(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        const char *colon = strchr(value, ':');

        if (strncasecmp(value, "ws://", 5) == 0 || strncasecmp(value, "wss://", 6) == 0) {
                config_answer(ret, "MQTT over WebSockets cannot be spoken by libmosquitto: write "
                                   "the bare name, and the broker's other port as Port= (1883; "
                                   "with Tls=yes 8883)");
                return -EINVAL;
        }
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

/* MQTT Manager takes its own root for itself and passes over whatever lies below. */
static int parse_jeedom_root(const char *value, const char *suffix, void *field,
                             struct config_answer *ret)
{
        if (strcasecmp(value, "jeedom") == 0) {
                config_answer(ret, "Jeedom ignores what lies below its own root; take another word "
                                   "and name it in MQTT Manager, \"Topic des Jeedom liée\"");
                return -EINVAL;
        }
        return config_value_topic(value, suffix, field, ret);
}

static const char *protocol_at(size_t i)
{
        static const char *const names[] = {
                [MQTT_AUTO] = "auto", [MQTT_5] = "5", [MQTT_3_1_1] = "3.1.1"
        };

        return i < ELEMENTSOF(names) ? names[i] : NULL;
}

static const char *listener_at(size_t i)
{
        static const char *const names[] = { [MQTT_ANY] = "any", [MQTT_SYSTEM] = "system" };

        return i < ELEMENTSOF(names) ? names[i] : NULL;
}

static const char *spooling_at(size_t i)
{
        static const char *const names[] = {
                [MQTT_SPOOL_NO] = "no", [MQTT_SPOOL_YES] = "yes", [MQTT_SPOOL_REACHED] = "reached"
        };

        return i < ELEMENTSOF(names) ? names[i] : NULL;
}

static const char *discovery_at(size_t i)
{
        static const char *const names[] = { [MQTT_DEVICE] = "device", [MQTT_ENTITY] = "entity" };

        return i < ELEMENTSOF(names) ? names[i] : NULL;
}

static const char *language_at(size_t i)
{
        static const char *const names[] = {
                [MQTT_LANGUAGE_AUTO] = "auto", [MQTT_ENGLISH] = "en", [MQTT_FRENCH] = "fr"
        };

        return i < ELEMENTSOF(names) ? names[i] : NULL;
}

static const char *durability_at(size_t i)
{
        static const char *const names[] = { [MQTT_NORMAL] = "normal", [MQTT_ALWAYS] = "always" };

        return i < ELEMENTSOF(names) ? names[i] : NULL;
}

#define CLEARABLE .clearable = true
#define MQTT(name_, kind_, field_, ...)                                         \
        {                                                                       \
                name_, kind_, offsetof(struct config_mqtt, field_), __VA_ARGS__ \
        }

/* clang-format off: a table reads better as one */
static const struct config_key mqtt_keys[] = {
        MQTT("Host", &config_string, host, "localhost", .parse = parse_host),
        MQTT("Port", &config_port, port),
        MQTT("Listener", &config_enum, listener, "any", .choice = listener_at),
        MQTT("Protocol", &config_enum, protocol, "auto", .choice = protocol_at),
        MQTT("Tls", &config_boolean, tls, "no"),
        MQTT("CaFile", &config_string, ca_file, .parse = config_value_file, CLEARABLE),
        MQTT("CertFile", &config_string, cert_file, .parse = config_value_file, CLEARABLE),
        MQTT("CertKeyFile", &config_string, cert_key_file, .parse = config_value_file, CLEARABLE),
        MQTT("VerifyHost", &config_boolean, verify_host, "yes"),
        MQTT("Psk", &config_secret, psk, .parse = config_value_hex, .secret = true, CLEARABLE),
        MQTT("PskIdentity", &config_string, psk_identity, CLEARABLE),
        MQTT("Username", &config_string, username, CLEARABLE),
        MQTT("PasswordFile", &config_secret, password, .parse = config_value_secret_file,
             CLEARABLE),
        MQTT("ClientId", &config_string, client_id, .parse = config_value_word, CLEARABLE),
        MQTT("Instance", &config_string, instance, .parse = config_value_word, CLEARABLE),
        MQTT("Formats", &config_set, formats, "native homeassistant datacollector",
             .choice = format_name_at),
        MQTT("Group", &config_string, group, "building", .parse = config_value_word),
        MQTT("DiscoveryPrefix", &config_string, discovery_prefix, "homeassistant",
             .parse = config_value_topic),
        MQTT("Discovery", &config_enum, discovery, "device", .choice = discovery_at),
        MQTT("JeedomRoot", &config_string, jeedom_root, "smartmeters", .parse = parse_jeedom_root),
        MQTT("Language", &config_enum, language, "auto", .choice = language_at),
        MQTT("Interval", &config_usec, interval_usec, "0"),
        MQTT("Deadband", &config_percent, deadband, "0%"),
        MQTT("Spool", &config_enum, spool, "yes", .choice = spooling_at),
        MQTT("SpoolMax", &config_bytes, spool_max_bytes, "64M"),
        MQTT("Durability", &config_enum, durability, "normal", .choice = durability_at),
};
/* clang-format on */

static const struct config_hint mqtt_hints[] = {
        { "Hostname", "write Host=" },
        { "Server", "write Host=" },
        { "Broker", "write Host=" },
        { "Address", "write Host=" },
        { "User", "write Username=" },
        { "Password", "write PasswordFile= with the path of a file that holds it" },
        { "Topic", "topics are fixed; Formats= chooses among them" },
        { 0 },
};

/* ---- the section as a whole ---- */

static void check_together(struct config_reader *reader, const struct config_mqtt *mqtt)
{
        if (!mqtt->cert_file != !mqtt->cert_key_file)
                config_read_problem_of(reader, &mqtt->item,
                                       "[mqtt \"%s\"]: CertFile= and CertKeyFile= go together",
                                       mqtt->item.name);
        if (!mqtt->psk != !mqtt->psk_identity)
                config_read_problem_of(reader, &mqtt->item,
                                       "[mqtt \"%s\"]: Psk= and PskIdentity= go together",
                                       mqtt->item.name);
        if (mqtt->psk && (mqtt->ca_file || mqtt->cert_file))
                config_read_problem_of(reader, &mqtt->item,
                                       "[mqtt \"%s\"]: either Psk= or certificates, not both",
                                       mqtt->item.name);
        /* Without this word the password would travel in the clear, against what was meant. */
        if (!mqtt->tls && (mqtt->ca_file || mqtt->cert_file || mqtt->psk))
                config_read_problem_of(reader, &mqtt->item,
                                       "[mqtt \"%s\"]: add Tls=yes, else %s is of no use",
                                       mqtt->item.name,
                                       mqtt->ca_file     ? "CaFile="
                                       : mqtt->cert_file ? "CertFile="
                                                         : "Psk=");
        if (mqtt->username && !mqtt->password && !mqtt->cert_file)
                config_read_warning_of(reader, &mqtt->item,
                                       "[mqtt \"%s\"]: Username= without PasswordFile=: hardly any "
                                       "broker lets in a user without a password",
                                       mqtt->item.name);
        if (mqtt->password && !mqtt->username)
                config_read_problem_of(
                        reader, &mqtt->item,
                        "[mqtt \"%s\"]: PasswordFile= needs Username=", mqtt->item.name);
}

static bool same(const char *a, const char *b)
{
        return a == b || (a && b && strcasecmp(a, b) == 0);
}

static bool same_broker(const struct config_mqtt *a, const struct config_mqtt *b)
{
        return same(host_name(a->host), host_name(b->host)) &&
               (*a->host == '/' || mqtt_config_port(a) == mqtt_config_port(b));
}

/* A format whose topics both would send; NULL: none. */
static const struct format *common_format(const struct config_mqtt *a, const struct config_mqtt *b)
{
        struct format_context context_a, context_b;

        mqtt_config_context(a, &context_a);
        mqtt_config_context(b, &context_b);
        return format_common(&context_a, &context_b);
}

static void check_doubled(struct config_reader *reader, const struct config_mqtt *mqtt)
{
        const struct config_mqtt *first = config_first(reader->config, &config_section_mqtt);

        while (first != mqtt && !(same_broker(first, mqtt) && common_format(first, mqtt)))
                first = config_next(first);
        if (first != mqtt)
                config_read_warning_of(reader, &mqtt->item,
                                       "[mqtt \"%.60s\"] and [mqtt \"%.60s\"] are the same broker "
                                       "and both send %s: every message goes out twice; give "
                                       "both sections the same name, or other Formats=",
                                       mqtt->item.name, first->item.name,
                                       common_format(first, mqtt)->name);
}

static void check_mqtt(struct config_reader *reader, struct config_item *item)
{
        const struct config_mqtt *mqtt = (const struct config_mqtt *)item;

        check_together(reader, mqtt);
        check_doubled(reader, mqtt);
}

const struct config_section config_section_mqtt = {
        .name = "mqtt",
        .example = "local",
        .size = sizeof(struct config_mqtt),
        .keys = mqtt_keys,
        .n_keys = ELEMENTSOF(mqtt_keys),
        .hints = mqtt_hints,
        .check = check_mqtt,
};
