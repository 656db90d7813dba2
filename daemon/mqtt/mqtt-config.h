/* SPDX-License-Identifier: MIT */
/* [mqtt "name"]: one broker. */
#pragma once

#include "daemon/config/config.h"
#include "daemon/formats/format.h"

enum mqtt_protocol {
        MQTT_AUTO, /* 5, falling back to 3.1.1 */
        MQTT_5,
        MQTT_3_1_1,
};

enum mqtt_spooling {
        MQTT_SPOOL_NO, /* memory only */
        MQTT_SPOOL_YES,
        MQTT_SPOOL_REACHED, /* once the broker has answered for the first time */
};

enum mqtt_listener {
        MQTT_ANY,
        MQTT_SYSTEM, /* on this machine: one that root, or a service of the system, has put there */
};

enum mqtt_discovery {
        MQTT_DEVICE, /* homeassistant: one message per meter */
        MQTT_ENTITY, /* one per value: for Home Assistant before 2024.12, openHAB, Domoticz */
};

enum mqtt_language {
        MQTT_LANGUAGE_AUTO, /* the machine's; French where it has none */
        MQTT_ENGLISH,
        MQTT_FRENCH,
};

enum mqtt_durability {
        MQTT_NORMAL, /* on disk while the broker is away */
        MQTT_ALWAYS, /* before sending */
};

struct config_mqtt {
        struct config_item item;
        char *host;            /* a name, an address, or the path of a UNIX socket */
        uint16_t port;         /* 0: 1883, or 8883 with TLS */
        unsigned int listener; /* enum mqtt_listener */
        unsigned int protocol; /* enum mqtt_protocol */
        bool tls;
        char *ca_file, *cert_file, *cert_key_file; /* NULL: system CAs, no client certificate */
        bool verify_host;
        char *psk, *psk_identity;   /* hex; NULL: none */
        char *username, *password;  /* the content of PasswordFile */
        char *client_id, *instance; /* NULL: made from the machine id and the host name */
        unsigned int formats;       /* bits, by the order of FORMAT_TABLE */
        char *group;                /* rl-dsp */
        char *discovery_prefix;     /* homeassistant */
        char *jeedom_root;
        unsigned int discovery;  /* enum mqtt_discovery */
        unsigned int language;   /* enum mqtt_language */
        uint64_t interval_usec;  /* at most one message per topic in this time; 0: all */
        struct decimal deadband; /* relative change in percent that must be exceeded; 0: all */
        unsigned int spool;      /* enum mqtt_spooling */
        uint64_t spool_max_bytes;
        unsigned int durability; /* enum mqtt_durability */
};

extern const struct config_section config_section_mqtt;

/* Port=, or what Tls= makes of it. */
uint16_t mqtt_config_port(const struct config_mqtt *config);
/*
 * The key of a section's retained topics in the store: the broker and the section,
 * "localhost:1883\tlocal". Up to the tab it is the place. Returns `buf`.
 */
#define MQTT_PLACE_MAX 384
char *mqtt_config_retained_key(const struct config_mqtt *config, char buf[static MQTT_PLACE_MAX]);
bool mqtt_config_same_place(const char *key, const char *other);
/* The part that formats need; version and meter_name are left empty. */
void mqtt_config_context(const struct config_mqtt *config, struct format_context *ret);
