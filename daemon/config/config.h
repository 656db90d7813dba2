/* SPDX-License-Identifier: MIT */
/*
 * The configuration of smartmeterd.conf(5): read whole, checked strictly, then constant. A new one
 * is made on reload and takes the old one's place only when it has no error.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config-item.h"
#include "lib/dlms/cipher.h"
#include "lib/model/meter.h"
#include "lib/model/tariff.h"
#include "lib/profile/profile.h"

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

struct config_daemon {
        struct config_item item;
        char *readers_group; /* Readers=; NULL: everyone local */
        int log_level;       /* 0: not set */
        bool auto_bind;      /* open converters that the hwdb marks */
};

struct config_line {
        bool automatic;
        struct serial_line line; /* when it is not */
};

/* How a meter that does not send by itself is asked. Only this makes the service transmit. */
enum config_ask_kind {
        CONFIG_ASK_NO,
        CONFIG_ASK_READOUT,     /* IEC 62056-21 mode C */
        CONFIG_ASK_COMMANDS,    /* the same, programming mode */
        CONFIG_ASK_ACKNOWLEDGE, /* link-level acknowledgement of EN 13757-2 */
};

#define CONFIG_COMMANDS_MAX 8
#define CONFIG_COMMAND_MAX  9 /* "F009" and its NUL; up to 8 characters */

struct config_ask {
        enum config_ask_kind kind;
        char commands[CONFIG_COMMANDS_MAX][CONFIG_COMMAND_MAX];
        size_t n_commands;
        /* Of other keys, filled in when the section is whole. */
        uint64_t every_usec;
        uint32_t baud; /* 0: the one that the meter offers */
        bool has_line;
        struct serial_line line;
};

struct config_converter {
        struct config_item item;
        char *vendor_id; /* shell wildcards over the lower-case hex; NULL: any */
        char *product_id;
        char *serial;
        char *path;      /* ID_PATH */
        char *interface; /* ID_USB_INTERFACE_NUM */
        char *device;    /* a tty that is not under USB, or a link to one; NULL: by udev */
        struct config_line line;
        char *profile; /* its name; NULL: found by itself */
        struct cipher_keys keys;
        uint64_t detect_timeout_usec;
        bool usb_reset;
        struct config_ask ask;
        uint64_t ask_every_usec; /* 0: the usual of the kind */
        uint32_t ask_baud;
};

struct config_meter {
        struct config_item item; /* named by meter id or system title (16 hex digits) */
        char *name;
        struct cipher_keys keys;
        struct meter_settings settings;
};

struct config_tariff {
        struct config_item item;
        struct tariff_settings settings;
        char *timezone; /* NULL: the system's */
};

/* Every item that was read, in order of appearance; outputs find theirs by their own section. */
struct config {
        struct config_item *items;
        struct config_daemon *daemon; /* of items, always there */
        struct config_tariff *tariff;
        struct profile_set *profiles; /* those of profiles.d behind the built-in ones; empty until
                                       * profile_set_add_builtin() where neither a file nor
                                       * Profile= asked for them */
        struct config_problem *problems; /* warnings of a good one; errors of a refused one */
};

extern const struct config_section config_section_daemon, config_section_converter,
        config_section_meter, config_section_tariff;

/* The first item of a section, and the one behind an item; NULL: none. As the section's struct. */
void *config_first(const struct config *config, const struct config_section *section);
void *config_next(const void *item);
#define CONFIG_EACH(type_, name_, config_, section_)                      \
        for (const type_ *name_ = config_first(config_, section_); name_; \
             name_ = config_next(name_))

/*
 * Reads `path` and then DIR/smartmeterd.conf.d/ *.conf in order, where DIR is the file's folder. A
 * missing file is an empty one. `sections` are those that may stand there. Returns 0 with *ret
 * owned by the caller; -EINVAL when there are errors: then *ret is owned too and holds nothing but
 * its problems; -ENOMEM, and errno values of opening.
 */
int config_load(const char *path, config_section_at *sections, struct config **ret);
/* The same for a user who is not the service: a file with a secret that only the service may read
 * is a warning, and its key is not there. */
int config_load_for_another(const char *path, config_section_at *sections, struct config **ret);
struct config *config_free(struct config *config); /* wipes keys and passwords */

/* The settings of a meter by id or system title; NULL when there is no section. */
const struct config_meter *config_find_meter(const struct config *config, const char *id);

/* "config.conf:12: error: …" of one problem; returns `buf`. */
char *config_problem_print(const struct config_problem *problem, char *buf, size_t size);
