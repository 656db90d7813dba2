/* SPDX-License-Identifier: MIT */
/*
 * The configuration of DESIGN §7: read whole, checked strictly, then constant. A new one is made on
 * reload and takes the old one's place only when it has no error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/cipher.h"
#include "lib/meter.h"
#include "lib/profile.h"
#include "lib/tariff.h"

#define CONFIG_MESSAGE_MAX 320

/* One finding: `smartmeterd.conf:12: unknown key 'Vendorid' in [converter "a"]; did you mean
 * VendorId?` */
struct config_problem {
        bool warning; /* else an error */
        char *file;
        unsigned int line; /* 0: of the file as a whole */
        char message[CONFIG_MESSAGE_MAX];
        struct config_problem *next;
};

struct config_converter {
        char *name;      /* of the section: [converter "name"] */
        char *vendor_id; /* shell wildcards over the lower-case hex; NULL: any */
        char *product_id;
        char *serial;
        char *path;      /* ID_PATH */
        char *interface; /* ID_USB_INTERFACE_NUM */
        char *device;    /* a tty that is not under USB, or a link to one; NULL: by udev */
        bool line_auto;
        struct serial_line line;             /* when not line_auto */
        const struct meter_profile *profile; /* NULL: found by itself */
        struct cipher_keys keys;
        uint64_t detect_timeout_usec;
        bool usb_reset;
        struct config_converter *next;
};

struct config_meter {
        char *id; /* meter id or system title (16 hex digits) */
        char *name;
        struct cipher_keys keys;
        struct meter_settings settings;
        struct config_meter *next;
};

enum config_mqtt_format {
        MQTT_FORMAT_NATIVE = 1,
        MQTT_FORMAT_HOMEASSISTANT = 2,
        MQTT_FORMAT_DATACOLLECTOR = 4,
        MQTT_FORMAT_RL_DSP = 8,
        MQTT_FORMAT_JEEDOM = 16,
};

enum config_mqtt_protocol {
        MQTT_PROTOCOL_AUTO, /* 5, falling back to 3.1.1 */
        MQTT_PROTOCOL_5,
        MQTT_PROTOCOL_311,
};

enum config_mqtt_spool {
        MQTT_SPOOL_NO, /* memory only */
        MQTT_SPOOL_YES,
        MQTT_SPOOL_REACHED, /* once the broker has answered for the first time */
};

struct config_mqtt {
        char *name;    /* of the section: [mqtt "name"] */
        char *host;    /* a name, an address, or the path of a UNIX socket */
        uint16_t port; /* 0: 1883, or 8883 with TLS */
        enum config_mqtt_protocol protocol;
        bool tls;
        char *ca_file, *cert_file, *cert_key_file; /* NULL: system CAs, no client certificate */
        bool verify_host;
        char *psk, *psk_identity;   /* hex; NULL: none */
        char *username, *password;  /* the content of PasswordFile; wiped with the configuration */
        char *client_id, *instance; /* NULL: made from the machine id and the host name */
        unsigned int formats;       /* enum config_mqtt_format, or-ed */
        char *group;                /* rl-dsp; "building" */
        char *discovery_prefix;     /* "homeassistant" */
        char *jeedom_root;          /* "jeedom" */
        uint64_t interval_usec;     /* at most one message per topic in this time; 0: all */
        struct decimal deadband;    /* relative change in percent that must be exceeded; 0: all */
        enum config_mqtt_spool spool;
        uint64_t spool_max_bytes;
        bool durability_always; /* write-ahead; else written only while the broker is away */
        struct config_mqtt *next;
};

struct config {
        char *readers_group; /* [daemon] Readers=; NULL: everyone local */
        int log_level;       /* -1: not set */
        bool auto_bind;      /* AutoBind=: open converters that the hwdb marks */
        struct config_converter *converters;
        struct config_meter *meters;
        struct config_mqtt *mqtts;
        struct tariff_settings tariff;
        char *timezone;                  /* [tariff] Timezone=; NULL: the system's */
        struct config_problem *problems; /* warnings of a good one; errors of a refused one */
};

/*
 * Reads `path` and then DIR/smartmeterd.conf.d/ *.conf in order, where DIR is the file's folder. A
 * missing file is an empty one. Returns 0 with *ret owned by the caller; -EINVAL when there are
 * errors: then *ret is owned too and holds nothing but its problems; -ENOMEM, and errno values of
 * opening.
 */
int config_load(const char *path, struct config **ret);
/* The same for a user who is not the service: a file with a secret that only the service may read
 * is a warning, and its key is not there. */
int config_load_for_another(const char *path, struct config **ret);
/* The same for one stream that is nobody's file: `smctl check-config -`. `name` is for messages. */
int config_load_stream(FILE *stream, const char *name, struct config **ret);
struct config *config_free(struct config *config); /* wipes keys and passwords */

/* The settings of a meter by id or system title; NULL when there is no section. */
const struct config_meter *config_find_meter(const struct config *config, const char *id);

/* "config.conf:12: error: …" of one problem; returns `buf`. */
char *config_problem_print(const struct config_problem *problem, char *buf, size_t size);
