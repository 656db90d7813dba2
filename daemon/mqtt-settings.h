/* SPDX-License-Identifier: MIT */
/*
 * What the worker needs of a [mqtt] section, as its own copy: a worker that hangs in a name
 * resolution may outlive the configuration it was made from.
 */
#pragma once

#include "config.h"

#define MQTT_IN_FLIGHT_MAX 20

struct mqtt_settings {
        char *host;
        uint16_t port;
        enum config_mqtt_protocol protocol;
        bool tls, verify_host;
        char *ca_file, *cert_file, *cert_key_file;
        char *psk, *psk_identity;
        char *username, *password;
        char *client_id;
        char *state_topic; /* will and availability */
        char *birth_topic; /* of Home Assistant; NULL: not listened to */
};

/* A copy; `client_id`, `state_topic`, `birth_topic` are given as they are to be. -ENOMEM. */
int mqtt_settings_copy(const struct config_mqtt *config, const char *client_id,
                       const char *state_topic, const char *birth_topic, struct mqtt_settings *ret);
void mqtt_settings_done(struct mqtt_settings *s); /* wipes the secrets */

/* ClientId=, or one that is stable per machine and section: the sinks of two sections must not
 * throw each other out of one broker. */
void mqtt_settings_client_id(const struct config_mqtt *config, char *buf, size_t size);
