/* SPDX-License-Identifier: MIT */
/*
 * The worker's own copy of its settings.
 */
#include "mqtt-settings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-id128.h>

/* Makes the client id of this machine differ from its machine id (sd_id128_get_machine(3)). */
#define CLIENT_ID_APPLICATION \
        SD_ID128_MAKE(8e, 52, 7c, 19, 3b, 04, 4d, 7f, a1, 6e, 90, c8, 2d, 5b, f3, 47)

static bool copy(const char *from, char **ret)
{
        *ret = from ? strdup(from) : NULL;
        return !from || *ret;
}

int mqtt_settings_copy(const struct config_mqtt *config, const char *client_id,
                       const char *state_topic,
                       char births[static MQTT_BIRTHS_MAX][FORMAT_TOPIC_MAX],
                       struct mqtt_settings *ret)
{
        struct config_mqtt *c = (struct config_mqtt *)config_item_copy(&config->item);
        struct mqtt_settings s = { .config = c };
        bool good = c;

        good = copy(client_id, &s.client_id) && good;
        good = copy(state_topic, &s.state_topic) && good;
        for (size_t i = 0; i < MQTT_BIRTHS_MAX; i++)
                good = copy(*births[i] ? births[i] : NULL, &s.birth_topics[i]) && good;
        if (!good) {
                mqtt_settings_done(&s);
                return -ENOMEM;
        }
        s.host = c->host;
        s.port = mqtt_config_port(c);
        s.protocol = (enum mqtt_protocol)c->protocol;
        s.only_system = c->listener == MQTT_SYSTEM;
        s.tls = c->tls || c->psk;
        s.verify_host = c->verify_host;
        s.ca_file = c->ca_file;
        s.cert_file = c->cert_file;
        s.cert_key_file = c->cert_key_file;
        s.psk = c->psk;
        s.psk_identity = c->psk_identity;
        s.username = c->username;
        s.password = c->password;
        *ret = s;
        return 0;
}

void mqtt_settings_done(struct mqtt_settings *s)
{
        if (s->config)
                (void)config_item_free(&s->config->item); /* NULL; wipes the secrets */
        free(s->client_id);
        free(s->state_topic);
        for (size_t i = 0; i < MQTT_BIRTHS_MAX; i++)
                free(s->birth_topics[i]);
        *s = (struct mqtt_settings){ 0 };
}

void mqtt_settings_client_id(const struct config_mqtt *config, char *buf, size_t size)
{
        sd_id128_t machine = SD_ID128_NULL;
        uint32_t id = 0;

        if (config->client_id) {
                (void)snprintf(buf, size, "%s", config->client_id);
                return;
        }
        if (sd_id128_get_machine_app_specific(CLIENT_ID_APPLICATION, &machine) < 0)
                (void)sd_id128_randomize(&machine); /* no machine id: stable while we run */
        for (size_t i = 0; i < sizeof(id); i++)
                id = id << 8 | machine.bytes[i];
        for (const char *c = config->item.name; *c; c++)
                id = id * 31 + (unsigned char)*c;
        (void)snprintf(buf, size, "smartmeterd-%08" PRIx32, id);
}
