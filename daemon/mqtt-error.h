/* SPDX-License-Identifier: MIT */
/*
 * Why there is no connection, in a sentence that says what to do: Sink1.LastError.
 */
#pragma once

#include "mqtt-queue.h"
#include "mqtt-settings.h"

#define MQTT_ERROR_TEXT_MAX 240

/* getaddrinfo()'s code, and errno for EAI_SYSTEM. */
void mqtt_error_of_resolver(int code, int error_number, const struct mqtt_settings *s,
                            char error[static MQTT_ERROR_TEXT_MAX]);
/* The reason in a CONNACK, or in a DISCONNECT of MQTT 5. */
void mqtt_error_of_connack(int reason, bool is_v5, const struct mqtt_settings *s,
                           char error[static MQTT_ERROR_TEXT_MAX]);
/* libmosquitto's result, with errno; `greeted`: the connection had been made before. */
void mqtt_error_of_loop(int rc, int error_number, bool greeted, const struct mqtt_settings *s,
                        char error[static MQTT_ERROR_TEXT_MAX]);
/* No TCP connection, or no CONNACK, within its time. */
void mqtt_error_of_silence(bool tcp_connected, const struct mqtt_settings *s,
                           char error[static MQTT_ERROR_TEXT_MAX]);
/* Messages in flight stay without an answer. */
void mqtt_error_of_frozen(const struct mqtt_settings *s, char error[static MQTT_ERROR_TEXT_MAX]);

/* The broker does not know this version of MQTT. */
bool mqtt_error_is_protocol(int reason, bool is_v5);
/* The reason in a DISCONNECT of MQTT 5 is about a message, not about us. */
bool mqtt_error_is_of_message(int reason);
/* The broker closed the connection, or sent what is no MQTT 5. */
bool mqtt_error_is_hangup(int rc, int error_number);

/* No connection, or else what the broker refuses; and beside it what is wrong with the spool. ""
 * when all is well. */
void mqtt_error_of_status(const struct mqtt_status *w, char *error, size_t size);
