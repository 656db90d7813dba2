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

#define PORT_PLAIN 1883
#define PORT_TLS   8883

/* Makes the client id of this machine differ from its machine id (sd_id128_get_machine(3)). */
#define CLIENT_ID_APPLICATION \
        SD_ID128_MAKE(8e, 52, 7c, 19, 3b, 04, 4d, 7f, a1, 6e, 90, c8, 2d, 5b, f3, 47)

static bool copy(const char *from, char **ret)
{
        *ret = from ? strdup(from) : NULL;
        return !from || *ret;
}

int mqtt_settings_copy(const struct config_mqtt *config, const char *client_id,
                       const char *state_topic, const char *birth_topic, struct mqtt_settings *ret)
{
        struct mqtt_settings s = {
                .port = config->port,
                .protocol = config->protocol,
                .tls = config->tls || config->psk,
                .verify_host = config->verify_host,
        };
        bool good = true;

        if (s.port == 0)
                s.port = s.tls ? PORT_TLS : PORT_PLAIN;
        good = copy(config->host ? config->host : "localhost", &s.host) && good;
        good = copy(config->ca_file, &s.ca_file) && good;
        good = copy(config->cert_file, &s.cert_file) && good;
        good = copy(config->cert_key_file, &s.cert_key_file) && good;
        good = copy(config->psk, &s.psk) && good;
        good = copy(config->psk_identity, &s.psk_identity) && good;
        good = copy(config->username, &s.username) && good;
        good = copy(config->password, &s.password) && good;
        good = copy(client_id, &s.client_id) && good;
        good = copy(state_topic, &s.state_topic) && good;
        good = copy(birth_topic, &s.birth_topic) && good;
        if (!good) {
                mqtt_settings_done(&s);
                return -ENOMEM;
        }
        *ret = s;
        return 0;
}

static void wipe(char *secret)
{
        if (secret)
                explicit_bzero(secret, strlen(secret));
        free(secret);
}

void mqtt_settings_done(struct mqtt_settings *s)
{
        free(s->host);
        free(s->ca_file);
        free(s->cert_file);
        free(s->cert_key_file);
        free(s->psk_identity);
        free(s->username);
        free(s->client_id);
        free(s->state_topic);
        free(s->birth_topic);
        wipe(s->psk);
        wipe(s->password);
        *s = (struct mqtt_settings){ 0 };
}

void mqtt_settings_client_id(const struct config_mqtt *config, char *buf, size_t size)
{
        sd_id128_t machine = SD_ID128_NULL;
        uint32_t id = 0;

        if (config->client_id && *config->client_id) {
                (void)snprintf(buf, size, "%s", config->client_id);
                return;
        }
        if (sd_id128_get_machine_app_specific(CLIENT_ID_APPLICATION, &machine) < 0)
                (void)sd_id128_randomize(&machine); /* no machine id: stable while we run */
        for (size_t i = 0; i < sizeof(id); i++)
                id = id << 8 | machine.bytes[i];
        for (const char *c = config->name; c && *c; c++)
                id = id * 31 + (unsigned char)*c;
        (void)snprintf(buf, size, "smartmeterd-%08" PRIx32, id);
}
