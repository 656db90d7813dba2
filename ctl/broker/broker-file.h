/* SPDX-License-Identifier: MIT */
/*
 * A broker as `smctl set-broker` writes it: a file of smartmeterd.conf.d with one [mqtt] section,
 * and a file with the password beside smartmeterd.conf. What stood there before can be put back.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define BROKER_NAME_MAX 64
#define BROKER_TEXT_MAX 256

struct broker {
        char name[BROKER_NAME_MAX]; /* of the section */
        char host[BROKER_TEXT_MAX]; /* a name, an address, or the path of a socket */
        unsigned int port;          /* 0: 1883, with TLS 8883 */
        bool tls;
        const char *ca_file;            /* NULL: the system's authorities */
        const char *formats;            /* NULL: as they are */
        char username[BROKER_TEXT_MAX]; /* "": none */
        char password[BROKER_TEXT_MAX];
};

/* The files, and what was in them before: NULL when they were not there. */
struct broker_files {
        char drop_in[4096], secret[4096];
        char *old_drop_in, *old_secret; /* owned */
};

/* Takes "mqtt://host:1883", "mqtts://host", "host:1883", "[::1]:1883", "host" or a path apart.
 * False with the fault in words when it is none of these. */
bool broker_parse_host(const char *text, struct broker *broker, const char **ret_fault);

/* Letters, digits, '-', '_' and '.': it becomes a file's name. */
bool broker_is_name(const char *name);

/* Writes both, each whole or not at all, the password readable by root and the service alone.
 * `config` is the path of smartmeterd.conf. On failure nothing is changed, and the reason is on
 * standard error. */
int broker_write(const struct broker *broker, const char *config, struct broker_files *ret);

/* Puts back what was there. */
void broker_restore(struct broker_files *files);
void broker_files_done(struct broker_files *files);
