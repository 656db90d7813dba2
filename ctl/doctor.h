/* SPDX-License-Identifier: MIT */
/*
 * smctl doctor: checks that are independent of each other, each with a finding and a cure in a
 * sentence or two. They look at the machine through sysroot.h and at the service through what it
 * shows on the bus, where it runs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

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
        size_t n_ports;      /* USB converters with a tty, as the check "usb" counted them */
        const char *skipped; /* why the check that runs now has nothing to look at, or NULL */
        const char *service_trouble; /* why `all` is NULL */
        bool bus_away;
};

/* Something is wrong with `about` ("" or a port, meter, broker). */
void doctor_wrong(struct doctor *doctor, const char *about, const char *cure, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* The check has nothing to look at: neither found nor passed. `why` is not copied. */
void doctor_skip(struct doctor *doctor, const char *why);

/* doctor-service.c: what the service says of itself. */
void doctor_check_service(struct doctor *doctor);
void doctor_check_config(struct doctor *doctor);
void doctor_check_ignored(struct doctor *doctor);
void doctor_check_waiting(struct doctor *doctor);
void doctor_check_permission(struct doctor *doctor);
void doctor_check_line(struct doctor *doctor);
void doctor_check_detecting(struct doctor *doctor);
void doctor_check_silent(struct doctor *doctor);
void doctor_check_key(struct doctor *doctor);
void doctor_check_layout(struct doctor *doctor);
void doctor_check_suspect(struct doctor *doctor);
void doctor_check_offline(struct doctor *doctor);
void doctor_check_clock(struct doctor *doctor);
void doctor_check_broker(struct doctor *doctor);
void doctor_check_tls(struct doctor *doctor);
void doctor_check_acl(struct doctor *doctor);

/* doctor-machine.c: USB devices, other programs, the disk. */
void doctor_check_usb(struct doctor *doctor);
void doctor_check_driver(struct doctor *doctor);
void doctor_check_tty(struct doctor *doctor);
void doctor_check_holder(struct doctor *doctor);
void doctor_check_brltty(struct doctor *doctor);
void doctor_check_gpsd(struct doctor *doctor);
void doctor_check_modemmanager(struct doctor *doctor);
void doctor_check_disk(struct doctor *doctor);
