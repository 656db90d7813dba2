/* SPDX-License-Identifier: MIT */
/*
 * The bytes to and from a broker: name resolution, TCP or a UNIX socket, TLS. Nothing here waits;
 * each address of a name is given its time, and the next one is tried.
 */
#pragma once

#include <sys/types.h>

#include "mqtt-settings.h"

struct mqtt_net;

enum mqtt_net_state {
        MQTT_NET_CLOSED,
        MQTT_NET_RESOLVING,
        MQTT_NET_CONNECTING,
        MQTT_NET_LOOKING,   /* the owner of the listener: Listener=system */
        MQTT_NET_HANDSHAKE, /* TLS */
        MQTT_NET_UP,
};

int mqtt_net_new(const struct mqtt_settings *settings, struct mqtt_net **ret);
struct mqtt_net *mqtt_net_free(struct mqtt_net *n);

/* Begins anew; CLOSED afterwards when it failed at once, with the sentence in `error`. */
void mqtt_net_open(struct mqtt_net *n, uint64_t now);
void mqtt_net_close(struct mqtt_net *n);

enum mqtt_net_state mqtt_net_state(const struct mqtt_net *n);
/* Why it is closed, or closing; "" when not known. */
const char *mqtt_net_error(const struct mqtt_net *n);
const char *mqtt_net_error_code(const struct mqtt_net *n); /* static, NULL when not known */

int mqtt_net_fd(const struct mqtt_net *n);
short mqtt_net_events(const struct mqtt_net *n);
/* Goes on with what open() began: after poll(), and when the deadline is over. */
void mqtt_net_turn(struct mqtt_net *n, short revents, uint64_t now);
/* When to give up what it is doing; UINT64_MAX: never. */
uint64_t mqtt_net_deadline(const struct mqtt_net *n);

/*
 * Connects once more to where the last connection went, and sends nothing: a descriptor that the
 * caller closes, or -errno. After a moment mqtt_net_was_let_in() says whether it was accepted
 * and is kept: a broker that is leaving or not yet back does neither.
 */
int mqtt_net_knock(const struct mqtt_net *n);
bool mqtt_net_was_let_in(int fd);

/* As read(2) and send(2) do it without waiting: -EAGAIN, 0 for the end, or -errno. */
ssize_t mqtt_net_read(struct mqtt_net *n, void *buf, size_t size);
ssize_t mqtt_net_write(struct mqtt_net *n, const void *buf, size_t size);
/* Why TLS ended it, if it did: true with the sentence. */
bool mqtt_net_explain(const struct mqtt_net *n, char *error, size_t size);
/* Bytes lie inside TLS that poll() does not see. */
bool mqtt_net_has_pending(const struct mqtt_net *n);
