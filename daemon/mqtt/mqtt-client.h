/* SPDX-License-Identifier: MIT */
/*
 * One connection to a broker, from the attempt to its end: libmosquitto with every reason for
 * failing turned into a sentence. Driven by the worker with poll(); a connection that has ended is
 * closed and a new one made, so that nothing ever waits inside libmosquitto unseen.
 */
#pragma once

#include "daemon/formats/message.h"
#include "mqtt-settings.h"

struct mqtt_client;

enum mqtt_client_state {
        MQTT_CLIENT_CLOSED,     /* error says why, if it was not asked for */
        MQTT_CLIENT_CONNECTING, /* TCP, TLS or CONNACK still to come */
        MQTT_CLIENT_UP,
};

struct mqtt_client_events {
        /* A QoS 1 message is in the broker's hands, or refused by it (reason >= 0x80). */
        void (*on_ack)(void *userdata, int mid, int reason);
        void (*on_birth)(void *userdata);   /* Home Assistant or Jeedom came online */
        void (*on_offline)(void *userdata); /* another client says that we are offline */
        /* Whether the broker had something retained at our state topic when we came. */
        void (*on_memory)(void *userdata, bool kept);
        void *userdata;
};

/* Before the first, and after the last one. Not for each connection. */
void mqtt_client_library_init(void);
void mqtt_client_library_done(void);

int mqtt_client_new(const struct mqtt_settings *settings, const struct mqtt_client_events *events,
                    struct mqtt_client **ret);
struct mqtt_client *mqtt_client_free(struct mqtt_client *c);

/* Begins to connect, and does not wait. State CONNECTING or CLOSED afterwards. */
void mqtt_client_open(struct mqtt_client *c, uint64_t now);
/* Gives up a connection that has been silent for too long, with the sentence for it. */
void mqtt_client_time_out(struct mqtt_client *c);
/* With a goodbye. */
void mqtt_client_disconnect(struct mqtt_client *c);

enum mqtt_client_state mqtt_client_state(const struct mqtt_client *c);
const char *mqtt_client_error(const struct mqtt_client *c);
const char *mqtt_client_error_code(const struct mqtt_client *c); /* static; NULL: none */
/* The next attempt is worth making at once: with the older protocol. */
bool mqtt_client_retry_now(const struct mqtt_client *c);
/* The broker had greeted us, and then closed the connection without a reason, or with one that is
 * about a message. */
bool mqtt_client_hung_up(const struct mqtt_client *c);
/* Does its broker still take connections? As mqtt_net_knock(). */
int mqtt_client_knock(const struct mqtt_client *c);
/* This connection's PUBACKs say whether the broker has taken the message (MQTT 5). */
bool mqtt_client_has_reasons(const struct mqtt_client *c);

int mqtt_client_fd(const struct mqtt_client *c); /* -1 when closed */
short mqtt_client_poll_events(const struct mqtt_client *c);
/* When to call turn() though nothing has happened; UINT64_MAX: never. */
uint64_t mqtt_client_deadline(const struct mqtt_client *c);
/* After poll(): reads, writes, keeps alive. Callbacks come from here, and when publishing fails. */
void mqtt_client_turn(struct mqtt_client *c, short revents, uint64_t now);

/* There is room for messages; when there is none, turn() makes some. */
bool mqtt_client_has_room(const struct mqtt_client *c);
/* The highest QoS that the broker allows; messages of a higher one are sent with it. */
uint8_t mqtt_client_max_qos(const struct mqtt_client *c);

/*
 * *ret_mid names it in on_ack. -EAGAIN when there is no room, -ENOTCONN when the connection has
 * just ended, -EMSGSIZE for a message larger than this broker takes, -EINVAL for one that no broker
 * ever takes. Goes out with the next flush() or turn().
 */
int mqtt_client_publish(struct mqtt_client *c, const struct message *m, int *ret_mid);
void mqtt_client_flush(struct mqtt_client *c);
