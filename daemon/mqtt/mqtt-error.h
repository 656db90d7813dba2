/* SPDX-License-Identifier: MIT */
/*
 * Why there is no connection, in a sentence that says what to do, and in a word for programs: the
 * last error that an output shows. The functions that make a sentence return the word; the words
 * are listed in docs/mqtt.md.
 */
#pragma once

#include "mqtt-queue.h"
#include "mqtt-settings.h"

#define MQTT_ERROR_TEXT_MAX 240

/* getaddrinfo()'s code, and errno for EAI_SYSTEM. */
const char *mqtt_error_of_resolver(int code, int error_number, const struct mqtt_settings *s,
                                   char error[static MQTT_ERROR_TEXT_MAX]);
/* It takes longer than we wait. */
const char *mqtt_error_of_slow_resolver(const struct mqtt_settings *s,
                                        char error[static MQTT_ERROR_TEXT_MAX]);
/* errno of connect(), read() or write(). */
const char *mqtt_error_of_network(int error_number, const struct mqtt_settings *s,
                                  char error[static MQTT_ERROR_TEXT_MAX]);
/* Listener=system, and `uid`, which is of no system service, listens. */
const char *mqtt_error_of_listener(uint32_t uid, const struct mqtt_settings *s,
                                   char error[static MQTT_ERROR_TEXT_MAX]);
/* The broker sends something else than MQTT. */
const char *mqtt_error_of_bytes(const char *fault, const struct mqtt_settings *s,
                                char error[static MQTT_ERROR_TEXT_MAX]);
/* The reason in a CONNACK, or in a DISCONNECT of MQTT 5. */
const char *mqtt_error_of_connack(int reason, bool is_v5, const struct mqtt_settings *s,
                                  char error[static MQTT_ERROR_TEXT_MAX]);
/* libmosquitto's result, with errno; `greeted`: the connection had been made before. */
const char *mqtt_error_of_loop(int rc, int error_number, bool greeted,
                               const struct mqtt_settings *s,
                               char error[static MQTT_ERROR_TEXT_MAX]);
/* Greeted and then hung up on, three times in a minute, for no reason that was given. */
const char *mqtt_error_of_clash(const struct mqtt_settings *s,
                                char error[static MQTT_ERROR_TEXT_MAX]);
/* No TCP connection, or no CONNACK, within its time. */
const char *mqtt_error_of_silence(bool tcp_connected, const struct mqtt_settings *s,
                                  char error[static MQTT_ERROR_TEXT_MAX]);
/* Messages in flight stay without an answer. */
const char *mqtt_error_of_frozen(const struct mqtt_settings *s,
                                 char error[static MQTT_ERROR_TEXT_MAX]);

/* The broker does not know this version of MQTT. */
bool mqtt_error_is_protocol(int reason, bool is_v5);
/* The reason in a DISCONNECT of MQTT 5 is about a message, not about us. */
bool mqtt_error_is_of_message(int reason);
/* The reason in a PUBACK is about the message, and would be given again. With all others, quota and
 * faults of the broker among them, it may be taken later (MQTT 5 §3.4.2.1). */
bool mqtt_error_is_of_topic(int reason);
/* The broker closed the connection, or sent what is no MQTT 5. */
bool mqtt_error_is_hangup(int rc, int error_number);

/* No connection, or else what the broker refuses; and beside it what is wrong with the spool. ""
 * when all is well. */
const char *mqtt_error_of_status(const struct mqtt_status *w, char *error, size_t size);
