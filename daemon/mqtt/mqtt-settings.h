/* SPDX-License-Identifier: MIT */
/*
 * The part of a [mqtt] section that the worker needs, as its own copy: a worker that hangs in a
 * name resolution may outlive the configuration it was made from.
 */
#pragma once

#include "mqtt-config.h"

#define MQTT_IN_FLIGHT_MAX 20
#define MQTT_BIRTHS_MAX    2

struct mqtt_settings {
        struct config_mqtt *config; /* owned: the whole section, as config_item_copy() makes it */
        /* Borrowed from it. */
        const char *host;
        uint16_t port;
        enum mqtt_protocol protocol;
        bool only_system; /* Listener=system */
        bool tls, verify_host;
        const char *ca_file, *cert_file, *cert_key_file;
        const char *psk, *psk_identity;
        const char *username, *password;
        /* Owned. */
        char *client_id;
        char *state_topic; /* will and availability */
        /* Of Home Assistant, of Jeedom: "online" there asks for everything anew. NULL: not. */
        char *birth_topics[MQTT_BIRTHS_MAX];
};

/* A copy; `client_id`, `state_topic`, `births` are given as they are to be: "" is none. -ENOMEM. */
int mqtt_settings_copy(const struct config_mqtt *config, const char *client_id,
                       const char *state_topic,
                       char births[static MQTT_BIRTHS_MAX][FORMAT_TOPIC_MAX],
                       struct mqtt_settings *ret);
void mqtt_settings_done(struct mqtt_settings *s); /* wipes the secrets */

/* ClientId=, or one that is stable per machine and section: the sinks of two sections must not
 * throw each other out of one broker. */
void mqtt_settings_client_id(const struct config_mqtt *config, char *buf, size_t size);
