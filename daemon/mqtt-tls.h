/* SPDX-License-Identifier: MIT */
/*
 * The TLS side of one connection attempt: an OpenSSL context made by ourselves, because
 * libmosquitto 2.0 keeps to itself why a certificate was refused. Host names are checked by
 * OpenSSL, and what it found, or what the broker complained of, comes back as a sentence.
 */
#pragma once

#include "mqtt-settings.h"

struct mosquitto;
struct mqtt_tls;

/* -EINVAL with a sentence in `error` when a file or the PSK cannot be used; -ENOMEM. */
int mqtt_tls_new(const struct mqtt_settings *settings, char *error, size_t error_size,
                 struct mqtt_tls **ret);
struct mqtt_tls *mqtt_tls_free(struct mqtt_tls *tls);

/* Makes the client use it, before connecting; the client keeps a reference of its own. */
int mqtt_tls_apply(struct mqtt_tls *tls, struct mosquitto *mosq);

/* Why the handshake failed. False when TLS has nothing to do with it. */
bool mqtt_tls_explain(const struct mqtt_tls *tls, const struct mqtt_settings *settings, char *error,
                      size_t error_size);
