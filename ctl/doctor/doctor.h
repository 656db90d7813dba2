/* SPDX-License-Identifier: MIT */
/*
 * smctl doctor: checks that are independent of each other, each with a finding and its fix in a
 * sentence or two. They look at the machine through sysroot.h and at the service through what it
 * shows on the bus, where it runs. A check is a row in doctor.c with a function for each object of
 * its kind; it passes only when it has looked at what it speaks of. What could not be looked at is
 * skipped, with the reason.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define DOCTOR_FIX_MAX  1024
#define DOCTOR_WORD_MAX 256

struct json_object;
struct check;

struct doctor {
        const struct check *check;   /* that runs now */
        struct json_object *all;     /* of client_fetch(), NULL without the service; borrowed */
        struct json_object *results; /* what --json prints; borrowed */
        size_t n_wrong, n_here;      /* in all, and by the check that runs now */
        size_t n_hidden;             /* checks that need rights to look */
        size_t n_read;               /* meters that are read, as the check "reading" counted them */
        size_t n_serial, n_ports; /* USB converters, and those with a tty: the check "usb" counts */
        const char *skipped;      /* why the check that runs now has nothing to look at, or NULL */
        bool hidden;              /* … and that it needs rights to look */
        const char *service_trouble; /* why `all` is NULL */
        bool bus_away;
        char fix[DOCTOR_FIX_MAX]; /* the last that doctor_fix() made */
};

/* A USB device that is a serial converter, by its chip or by its tty. */
struct usb_serial {
        char name[128];           /* "067b:2303 USB-Serial Controller" */
        const char *module;       /* the kernel module of its chip; NULL: no chip that we know */
        char driver[64], tty[64]; /* of its interfaces, taken together; "" none */
};

/* What an object must have for a check to pass. Where no object of the list has it, the check is
 * skipped: it has looked at nothing that it speaks of. */
struct need {
        bool (*has)(struct json_object *object); /* NULL: each object has it */
        const char *why;                         /* it is skipped; marked for translation */
        bool first;                              /* without it no object is looked at */
};

/* Runs every check, in the order in which trouble builds up. Adds to doctor->results. */
void doctor_run(struct doctor *doctor);

/* A fix in which commands name what they are about: it is to be typed as it stands. Kept until the
 * next one. */
const char *doctor_fix(struct doctor *doctor, const char *format, ...)
        __attribute__((format(printf, 2, 3)));

/* A name as one word for a shell: in quotes where it needs them. Returns `buf`. */
const char *doctor_word(const char *name, char buf[static DOCTOR_WORD_MAX]);

/* Something is wrong with `about` ("" or a port, meter, broker). */
void doctor_wrong(struct doctor *doctor, const char *about, const char *fix, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* The check has nothing to look at: neither found nor passed. `why` is not copied. */
void doctor_skip(struct doctor *doctor, const char *why);

/* The same because more rights are needed to look: "All is well" cannot be said of everything. */
void doctor_hidden(struct doctor *doctor, const char *why);

/* Calls `run` with each object of a list of `all`. */
void doctor_each(struct doctor *doctor, const char *list,
                 void (*run)(struct doctor *doctor, struct json_object *object));

/* True when an object of a list has it; NULL: when the list has an object. */
bool doctor_any(const struct doctor *doctor, const char *list,
                bool (*has)(struct json_object *object));

/* doctor-unit.c: the service's unit and its configuration. */
void doctor_check_service(struct doctor *doctor);
void doctor_check_starts(struct doctor *doctor);
void doctor_check_config(struct doctor *doctor);

/* doctor-usb.c: converters on USB. doctor_each_usb() returns how many there are. */
size_t doctor_each_usb(struct doctor *doctor,
                       void (*run)(struct doctor *doctor, const struct usb_serial *serial));
void doctor_count_usb(struct doctor *doctor, const struct usb_serial *serial);
void doctor_check_usb(struct doctor *doctor);
void doctor_check_driver(struct doctor *doctor, const struct usb_serial *serial);
void doctor_check_tty(struct doctor *doctor, const struct usb_serial *serial);

/* doctor-machine.c: containers, other programs, the disk. */
bool doctor_in_container(struct doctor *doctor);
void doctor_check_node(struct doctor *doctor, const struct usb_serial *serial);
void doctor_check_brltty(struct doctor *doctor);
void doctor_check_gpsd(struct doctor *doctor);
bool doctor_modemmanager_runs(struct doctor *doctor);
void doctor_check_modem(struct doctor *doctor, const struct usb_serial *serial);
void doctor_check_disk(struct doctor *doctor);

/* doctor-holder.c: who else has a port open. */
void doctor_check_holder(struct doctor *doctor);
extern const struct need doctor_needs_port;
bool doctor_knows_console(struct doctor *doctor);
void doctor_check_console(struct doctor *doctor, struct json_object *converter);

/* doctor-converter.c: what the service says of converters. */
extern const struct need doctor_needs_used, doctor_needs_open, doctor_needs_telegrams,
        doctor_needs_bytes, doctor_needs_frames;
void doctor_check_moved(struct doctor *doctor, struct json_object *converter);
void doctor_check_ignored(struct doctor *doctor);
void doctor_check_waiting(struct doctor *doctor, struct json_object *converter);
void doctor_check_permission(struct doctor *doctor, struct json_object *converter);
void doctor_check_line(struct doctor *doctor, struct json_object *converter);
void doctor_check_detecting(struct doctor *doctor, struct json_object *converter);
void doctor_check_silent(struct doctor *doctor, struct json_object *converter);
void doctor_check_telegrams(struct doctor *doctor, struct json_object *converter);
void doctor_check_damage(struct doctor *doctor, struct json_object *converter);
void doctor_check_forged(struct doctor *doctor, struct json_object *converter);
void doctor_check_named(struct doctor *doctor, struct json_object *converter);
/* In use; "ttyUSB0" of one, or its id when it has no port now. */
bool doctor_is_used(struct json_object *converter);
const char *doctor_port(struct json_object *converter);

/* doctor-meter.c: what the service says of meters. */
extern const struct need doctor_needs_meter, doctor_needs_heard, doctor_needs_reading,
        doctor_needs_clock;
void doctor_check_key(struct doctor *doctor, struct json_object *meter);
void doctor_check_layout(struct doctor *doctor, struct json_object *meter);
void doctor_check_scale(struct doctor *doctor, struct json_object *meter);
void doctor_check_suspect(struct doctor *doctor, struct json_object *meter);
void doctor_check_offline(struct doctor *doctor, struct json_object *meter);
void doctor_check_clock(struct doctor *doctor, struct json_object *meter);
void doctor_count_read(struct doctor *doctor, struct json_object *meter);
void doctor_check_reading(struct doctor *doctor);

/* doctor-output.c: brokers and files. */
extern const struct need doctor_needs_broker, doctor_needs_file;
void doctor_check_broker(struct doctor *doctor, struct json_object *output);
void doctor_check_tls(struct doctor *doctor, struct json_object *output);
void doctor_check_acl(struct doctor *doctor, struct json_object *output);
void doctor_check_files(struct doctor *doctor, struct json_object *output);
