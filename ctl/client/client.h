/* SPDX-License-Identifier: MIT */
/*
 * smctl's side of the bus: connects, fetches what the service shows as JSON (the shape that --json
 * prints), finds what a user means by an id, and explains errors in words.
 */
#pragma once

#include <stdbool.h>

#include <systemd/sd-bus.h>

#include "ctl/view/json.h"

/* Connects, without a word on failure. Owned by the caller (OWNED(bus)). */
int client_connect(sd_bus **ret);

/* True when the service owns its name; never starts it. */
bool client_has_service(sd_bus *bus);

/* Connects to a service that runs. Owned by the caller. -errno, with the reason on standard
 * error. */
int client_open(sd_bus **ret);

static inline void client_bus_close(sd_bus *bus)
{
        (void)sd_bus_flush_close_unref(bus);
}
DEFINE_OWNED(bus, sd_bus *, client_bus_close);
static inline void client_message_unref(sd_bus_message *message)
{
        (void)sd_bus_message_unref(message);
}
DEFINE_OWNED(message, sd_bus_message *, client_message_unref);

/*
 * All that the service shows:
 *   {"service": {…}, "converters": [{…}], "meters": [{…, "tariff": {…}}], "outputs": [{…}]}
 * Members are the D-Bus properties in snake_case (Electricity1 beside Meter1); every object also
 * has its path as "object"; paths of other objects are replaced by their ids. Owned by the caller.
 * On failure the reason is on standard error.
 */
int client_fetch(sd_bus *bus, struct json_object **ret);

/* The same without a word to the user: 0, or -errno with the error for client_explain(). */
int client_fetch_quietly(sd_bus *bus, struct json_object **ret, sd_bus_error *error);

/* Converts the value at which the message stands, as client_fetch() does. */
int client_message_to_json(sd_bus_message *message, struct json_object **ret);

/* Readings of a meter object: [{"name","obis","value","unit","received_usec","flags":[…]}], owned;
 * "obis" is missing where the name says no code. */
int client_fetch_readings(sd_bus *bus, const char *path, struct json_object **ret);

/* The a{s(dstu)} at which the message stands, likewise. */
int client_read_readings(sd_bus_message *message, struct json_object **ret);

/*
 * The object that a user means: a converter by id, device, or its name; a meter by id or name; a
 * unique beginning will do. NULL after an explanation with the nearest right word. Borrowed from
 * `all`.
 */
struct json_object *client_find_converter(struct json_object *all, const char *word);
struct json_object *client_find_meter(struct json_object *all, const char *word);
/* The same over every kind of object; *ret_kind: "converters", "meters" or "outputs". */
struct json_object *client_find_any(struct json_object *all, const char *word,
                                    const char **ret_kind);

/* Calls a method and waits. On failure the reason is on standard error. *ret may be NULL. */
int client_call(sd_bus *bus, const char *path, const char *interface, const char *method,
                sd_bus_message **ret, const char *types, ...);

/* The reading end of a converter's raw bytes, not inherited; `path` is its object. -errno after a
 * word to the user. */
int client_capture(sd_bus *bus, const char *path);

/* Says what went wrong with the service and what to do about it. Returns EXIT_FAILED. */
int client_explain(const sd_bus_error *error, int r);

/* From now on local time is the service's: its zone is that of the meters. A zone that is not known
 * here, or not known to the service, changes nothing. */
void client_use_zone(struct json_object *all);
/* The same with a zone by name: "Europe/Zurich". False: there is no such zone; nothing changes. */
bool client_set_zone(const char *name);

/* The object without a word to the user; NULL when there is none, or several. */
struct json_object *client_find_quietly(struct json_object *all, const char *word);

/* Fetches all and finds the converter that `word` means. *ret_all owns *ret. */
int client_fetch_converter(sd_bus *bus, const char *word, struct json_object **ret_all,
                           struct json_object **ret);

/* Prints what objects of this list ("converters" …) are called, one per line: for completions. */
void client_print_words(struct json_object *all, const char *list);
