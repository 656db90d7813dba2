/* SPDX-License-Identifier: MIT */
/*
 * The TLS side of one connection attempt, between our socket and what we check of the broker's
 * bytes. Host names are checked by OpenSSL, and what it found, or what the broker complained of,
 * comes back as a sentence. Nothing waits.
 */
#pragma once

#include <sys/types.h>

#include "mqtt-settings.h"

struct mqtt_tls;

/* -EINVAL with a sentence in `error` when a file or the PSK cannot be used; -ENOMEM. */
int mqtt_tls_new(const struct mqtt_settings *settings, char *error, size_t error_size,
                 struct mqtt_tls **ret);
struct mqtt_tls *mqtt_tls_free(struct mqtt_tls *tls);

#define MQTT_TLS_WANT_READ  1
#define MQTT_TLS_WANT_WRITE 2

/* `fd` stays the caller's, and open until mqtt_tls_free(). */
int mqtt_tls_connect(struct mqtt_tls *tls, int fd);
/* 0: done; a MQTT_TLS_WANT_… ; or negative. */
int mqtt_tls_handshake(struct mqtt_tls *tls);
/* As read(2) and send(2) do it without waiting: -EAGAIN, 0 for the end, or -errno. */
ssize_t mqtt_tls_read(struct mqtt_tls *tls, void *buf, size_t size);
ssize_t mqtt_tls_write(struct mqtt_tls *tls, const void *buf, size_t size);
bool mqtt_tls_has_pending(const struct mqtt_tls *tls);

/* Why the handshake failed. False when TLS has nothing to do with it. */
bool mqtt_tls_explain(const struct mqtt_tls *tls, const struct mqtt_settings *settings, char *error,
                      size_t error_size);
