/* SPDX-License-Identifier: MIT */
/*
 * What can only be judged when all files are read: what must stand together, and what is missing.
 */
#include <string.h>
#include <strings.h>

#include "config-read.h"

static void check_keys(struct config_reader *reader, const void *target, const char *name,
                       const struct cipher_keys *keys)
{
        if (keys->has_auth_key && !keys->has_key)
                config_read_problem_of(reader, target,
                                       "\"%s\" has an authentication key and no Key=: both keys "
                                       "are needed to decipher",
                                       name);
}

static bool same(const char *a, const char *b)
{
        return a == b || (a && b && strcasecmp(a, b) == 0);
}

/* Does `a` fit every converter that `b` fits? A key that is not given fits all. */
static bool covers(const struct config_converter *a, const struct config_converter *b)
{
        if (a->device || b->device)
                return a->device && b->device && strcmp(a->device, b->device) == 0;
        return (!a->vendor_id || same(a->vendor_id, b->vendor_id)) &&
               (!a->product_id || same(a->product_id, b->product_id)) &&
               (!a->serial || same(a->serial, b->serial)) && (!a->path || same(a->path, b->path)) &&
               (!a->interface || same(a->interface, b->interface));
}

/* The first section that fits has the converter: one that fits no other never counts. */
static void check_shadowed(struct config_reader *reader, const struct config_converter *c)
{
        const struct config_converter *first = reader->config->converters;

        while (first != c && !covers(first, c))
                first = first->next;
        if (first != c)
                config_read_warning_of(
                        reader, c,
                        "[converter \"%.60s\"] is never used: [converter \"%.60s\"] before it "
                        "takes the same converters; %s",
                        c->name, first->name,
                        c->device          ? "take one of them away"
                        : covers(c, first) ? "add Serial=, Path= or Interface= to tell them apart"
                                           : "let it stand before that one");
}

static void check_converter(struct config_reader *reader, const struct config_converter *c)
{
        if (!c->vendor_id && !c->product_id && !c->serial && !c->path && !c->interface &&
            !c->device)
                config_read_problem_of(
                        reader, c,
                        "[converter \"%s\"] says of no converter that it is meant: add "
                        "VendorId= and ProductId=, Serial=, Path= or Device=; "
                        "`smctl list-converters` shows them",
                        c->name);
        else
                check_shadowed(reader, c);
        if (c->device && (c->vendor_id || c->product_id || c->serial || c->path))
                config_read_problem_of(reader, c,
                                       "[converter \"%s\"]: either Device= or what udev knows",
                                       c->name);
        check_keys(reader, c, c->name, &c->keys);
}

static void check_mqtt(struct config_reader *reader, const struct config_mqtt *mqtt)
{
        if (!mqtt->cert_file != !mqtt->cert_key_file)
                config_read_problem_of(reader, mqtt,
                                       "[mqtt \"%s\"]: CertFile= and CertKeyFile= go together",
                                       mqtt->name);
        if (!mqtt->psk != !mqtt->psk_identity)
                config_read_problem_of(reader, mqtt,
                                       "[mqtt \"%s\"]: Psk= and PskIdentity= go together",
                                       mqtt->name);
        if (mqtt->psk && (mqtt->ca_file || mqtt->cert_file))
                config_read_problem_of(reader, mqtt,
                                       "[mqtt \"%s\"]: either Psk= or certificates, not both",
                                       mqtt->name);
        /* Without this word the password would travel in the clear, against what was meant. */
        if (!mqtt->tls && (mqtt->ca_file || mqtt->cert_file || mqtt->psk))
                config_read_problem_of(reader, mqtt,
                                       "[mqtt \"%s\"]: add Tls=yes, else %s is of no use",
                                       mqtt->name,
                                       mqtt->ca_file     ? "CaFile="
                                       : mqtt->cert_file ? "CertFile="
                                                         : "Psk=");
        if (mqtt->password && !mqtt->username)
                config_read_problem_of(reader, mqtt,
                                       "[mqtt \"%s\"]: PasswordFile= needs Username=", mqtt->name);
}

static const char *host_name(const char *host)
{
        return strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0 ? "localhost" : host;
}

static unsigned int port_number(const struct config_mqtt *m)
{
        return m->port ? m->port : m->tls ? 8883 : 1883;
}

static bool same_broker(const struct config_mqtt *a, const struct config_mqtt *b)
{
        return same(host_name(a->host), host_name(b->host)) &&
               (*a->host == '/' || port_number(a) == port_number(b));
}

/* The formats whose topics both would send; what is set beside them may keep them apart. */
static unsigned int common_formats(const struct config_mqtt *a, const struct config_mqtt *b)
{
        unsigned int common = a->formats & b->formats;

        if (!same(a->instance, b->instance))
                common &= ~(unsigned int)(MQTT_FORMAT_NATIVE | MQTT_FORMAT_HOMEASSISTANT);
        if (strcmp(a->discovery_prefix, b->discovery_prefix) != 0)
                common &= ~(unsigned int)MQTT_FORMAT_HOMEASSISTANT;
        if (strcmp(a->group, b->group) != 0)
                common &= ~(unsigned int)MQTT_FORMAT_RL_DSP;
        if (strcmp(a->jeedom_root, b->jeedom_root) != 0)
                common &= ~(unsigned int)MQTT_FORMAT_JEEDOM;
        return common;
}

static const char *first_format(unsigned int formats)
{
        return formats & MQTT_FORMAT_NATIVE          ? "native"
               : formats & MQTT_FORMAT_HOMEASSISTANT ? "homeassistant"
               : formats & MQTT_FORMAT_DATACOLLECTOR ? "datacollector"
               : formats & MQTT_FORMAT_RL_DSP        ? "rl-dsp"
                                                     : "jeedom";
}

static void check_doubled(struct config_reader *reader, const struct config_mqtt *mqtt)
{
        const struct config_mqtt *first = reader->config->mqtts;

        while (first != mqtt && !(same_broker(first, mqtt) && common_formats(first, mqtt)))
                first = first->next;
        if (first != mqtt)
                config_read_warning_of(reader, mqtt,
                                       "[mqtt \"%.60s\"] and [mqtt \"%.60s\"] are the same broker "
                                       "and both send %s: every message goes out twice; give "
                                       "both sections the same name, or other Formats=",
                                       mqtt->name, first->name,
                                       first_format(common_formats(first, mqtt)));
}

void config_check(struct config_reader *reader)
{
        struct config *config = reader->config;

        for (struct config_converter *c = config->converters; c; c = c->next)
                check_converter(reader, c);
        for (struct config_meter *m = config->meters; m; m = m->next) {
                m->settings.name = m->name ? m->name : "";
                m->settings.tariff = &config->tariff;
                check_keys(reader, m, m->id, &m->keys);
        }
        for (struct config_mqtt *m = config->mqtts; m; m = m->next) {
                check_mqtt(reader, m);
                check_doubled(reader, m);
        }
}
