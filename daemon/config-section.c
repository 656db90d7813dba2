/* SPDX-License-Identifier: MIT */
/*
 * The sections of a configuration as they are opened for the first time: with their defaults, which
 * smartmeterd.conf(5) and the shipped file repeat.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config-read.h"

struct config_converter *config_section_converter(struct config *config, const char *name)
{
        struct config_converter **p = &config->converters;

        while (*p && strcmp((*p)->name, name) != 0)
                p = &(*p)->next;
        if (!*p) {
                struct config_converter *converter = calloc(1, sizeof(*converter));

                if (!converter)
                        return NULL;
                converter->name = strdup(name);
                if (!converter->name) {
                        free(converter);
                        return NULL;
                }
                converter->line_auto = true;
                converter->detect_timeout_usec = 5 * 60 * 1000000ULL;
                *p = converter;
        }
        return *p;
}

struct config_meter *config_section_meter(struct config *config, const char *id)
{
        struct config_meter **p = &config->meters;

        while (*p && strcasecmp((*p)->id, id) != 0) /* system titles are hex in any case */
                p = &(*p)->next;
        if (!*p) {
                struct config_meter *meter = calloc(1, sizeof(*meter));

                if (!meter)
                        return NULL;
                meter->id = strdup(id);
                if (!meter->id) {
                        free(meter);
                        return NULL;
                }
                *p = meter;
        }
        return *p;
}

struct config_mqtt *config_section_mqtt(struct config *config, const char *name)
{
        struct config_mqtt **p = &config->mqtts;

        while (*p && strcmp((*p)->name, name) != 0)
                p = &(*p)->next;
        if (!*p) {
                struct config_mqtt *mqtt = calloc(1, sizeof(*mqtt));

                if (!mqtt)
                        return NULL;
                *p = mqtt; /* config_free() takes half-filled ones */
                mqtt->name = strdup(name);
                mqtt->host = strdup("localhost");
                mqtt->group = strdup("building");
                mqtt->discovery_prefix = strdup("homeassistant");
                mqtt->jeedom_root = strdup("jeedom");
                mqtt->verify_host = true;
                mqtt->formats =
                        MQTT_FORMAT_NATIVE | MQTT_FORMAT_HOMEASSISTANT | MQTT_FORMAT_DATACOLLECTOR;
                mqtt->spool = MQTT_SPOOL_YES;
                mqtt->spool_max_bytes = 64 << 20;
                if (!mqtt->name || !mqtt->host || !mqtt->group || !mqtt->discovery_prefix ||
                    !mqtt->jeedom_root)
                        return NULL;
        }
        return *p;
}
