/* SPDX-License-Identifier: MIT */
/*
 * smctl doctor: checks that are independent of each other, each with a finding and a cure in a
 * sentence or two. They look at the machine through sysroot.h and at the service through what it
 * shows on the bus, where it runs. A check passes only when it has looked at what it speaks of:
 * what could not be looked at is skipped, with the reason.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define DOCTOR_CURE_MAX 1024
#define DOCTOR_WORD_MAX 256

struct json_object;
struct doctor;

struct check {
        const char *name;   /* "brltty" */
        const char *passed; /* said when nothing was found; marked for translation */
        bool needs_service;
        void (*run)(struct doctor *doctor);
};

struct doctor {
        const struct check *check;   /* that runs now */
        struct json_object *all;     /* of client_fetch(), NULL without the service; borrowed */
        struct json_object *results; /* what --json prints; borrowed */
        size_t n_wrong, n_here;      /* in all, and by the check that runs now */
        size_t n_hidden;             /* checks that need rights to look */
        size_t n_read;               /* meters that are read, as the check "reading" counted them */
        size_t n_ports;      /* USB converters with a tty, as the check "usb" counted them */
        const char *skipped; /* why the check that runs now has nothing to look at, or NULL */
        bool hidden;         /* … and that it needs rights to look */
        const char *service_trouble; /* why `all` is NULL */
        bool bus_away;
        char cure[DOCTOR_CURE_MAX]; /* the last that doctor_cure() made */
};

/* A cure in which commands name what they are about: it is to be typed as it stands. Kept until the
 * next one. */
const char *doctor_cure(struct doctor *doctor, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* A name as one word for a shell: in quotes where it needs them. Returns `buf`. */
const char *doctor_word(const char *name, char buf[static DOCTOR_WORD_MAX]);

/* Something is wrong with `about` ("" or a port, meter, broker). */
void doctor_wrong(struct doctor *doctor, const char *about, const char *cure, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* The check has nothing to look at: neither found nor passed. `why` is not copied. */
void doctor_skip(struct doctor *doctor, const char *why);

/* The same because more rights are needed to look: "All is well" cannot be said of everything. */
void doctor_hidden(struct doctor *doctor, const char *why);

/* Calls `run` with each object of a list of `all`. */
void doctor_each(struct doctor *doctor, const char *list,
                 void (*run)(struct doctor *doctor, struct json_object *object));

/* doctor-unit.c: the service's unit and its configuration. */
void doctor_check_service(struct doctor *doctor);
void doctor_check_starts(struct doctor *doctor);
void doctor_check_config(struct doctor *doctor);

/* doctor-machine.c: USB devices, other programs, the disk. */
void doctor_check_usb(struct doctor *doctor);
void doctor_check_driver(struct doctor *doctor);
void doctor_check_tty(struct doctor *doctor);
void doctor_check_container(struct doctor *doctor);
void doctor_check_brltty(struct doctor *doctor);
void doctor_check_gpsd(struct doctor *doctor);
void doctor_check_modemmanager(struct doctor *doctor);
void doctor_check_disk(struct doctor *doctor);

/* doctor-holder.c: who else has a port open. */
void doctor_check_holder(struct doctor *doctor);
void doctor_check_console(struct doctor *doctor);

/* doctor-converter.c: what the service says of converters. */
void doctor_check_ignored(struct doctor *doctor);
void doctor_check_waiting(struct doctor *doctor);
void doctor_check_permission(struct doctor *doctor);
void doctor_check_line(struct doctor *doctor);
void doctor_check_detecting(struct doctor *doctor);
void doctor_check_silent(struct doctor *doctor);
void doctor_check_telegrams(struct doctor *doctor);
void doctor_check_damage(struct doctor *doctor);
void doctor_check_forged(struct doctor *doctor);
void doctor_check_named(struct doctor *doctor);
/* How many are in use; "ttyUSB0" of one, or its id when it has no port now. */
size_t doctor_n_used(struct doctor *doctor);
const char *doctor_port(struct json_object *converter);

/* doctor-meter.c: what the service says of meters. */
void doctor_check_key(struct doctor *doctor);
void doctor_check_layout(struct doctor *doctor);
void doctor_check_scale(struct doctor *doctor);
void doctor_check_suspect(struct doctor *doctor);
void doctor_check_offline(struct doctor *doctor);
void doctor_check_clock(struct doctor *doctor);
void doctor_check_reading(struct doctor *doctor);

/* doctor-output.c: brokers and files. */
void doctor_check_broker(struct doctor *doctor);
void doctor_check_tls(struct doctor *doctor);
void doctor_check_acl(struct doctor *doctor);
void doctor_check_files(struct doctor *doctor);
