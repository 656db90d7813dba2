/* SPDX-License-Identifier: MIT */
/*
 * One connection to a broker over libmosquitto 2.0. Measured on it (FIELD §3.6): connecting
 * resolves names synchronously, a name with several addresses is only tried through in blocking
 * mode, TLS keeps want_write set while it shakes hands.
 */
#include "mqtt-client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "lib/util.h"
#include "mqtt-error.h"
#include "mqtt-tls.h"

#define KEEPALIVE_S      30
#define LAST_PACKETS_MAX 64 /* more than can be in flight */

struct mqtt_client {
        const struct mqtt_settings *settings; /* borrowed */
        struct mqtt_client_events events;
        struct mosquitto *mosq; /* NULL: closed */
        struct mqtt_tls *tls;
        enum mqtt_client_state state;
        bool tcp_pending; /* a non-blocking connect() has not come back yet */
        bool use_311;     /* the broker said it knows no MQTT 5 */
        bool try_311;     /* it hung up on MQTT 5 without a word: once with the older one */
        bool is_v5;       /* this connection */
        bool closing;     /* we said goodbye */
        bool hung_up;     /* it closed a connection it had greeted, and said nothing of us */
        int refused;      /* CONNACK reason, 0: none */
        char error[MQTT_ERROR_TEXT_MAX];
};

void mqtt_client_library_init(void)
{
        (void)mosquitto_lib_init(); /* fails on Windows only */
}

void mqtt_client_library_done(void)
{
        (void)mosquitto_lib_cleanup();
}

int mqtt_client_new(const struct mqtt_settings *settings, const struct mqtt_client_events *events,
                    struct mqtt_client **ret)
{
        struct mqtt_client *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->settings = settings;
        c->events = *events;
        *ret = c;
        return 0;
}

static void drop(struct mqtt_client *c)
{
        if (c->mosq)
                mosquitto_destroy(c->mosq); /* closes the socket */
        c->mosq = NULL;
        c->tls = mqtt_tls_free(c->tls);
        c->state = MQTT_CLIENT_CLOSED;
}

struct mqtt_client *mqtt_client_free(struct mqtt_client *c)
{
        if (!c)
                return NULL;
        drop(c);
        free(c);
        return NULL;
}

/* What the broker said before it closed the connection: why, if writing has failed first. */
static void read_last_words(struct mqtt_client *c)
{
        for (int i = 0; i < LAST_PACKETS_MAX; i++)
                if (mosquitto_loop_read(c->mosq, 1) != MOSQ_ERR_SUCCESS)
                        return;
}

/* The connection has ended by itself: finds the sentence, and whether MQTT 3.1.1 is worth a try. */
static void fail(struct mqtt_client *c, int rc, int error_number)
{
        const struct mqtt_settings *s = c->settings;
        bool greeted = c->state == MQTT_CLIENT_UP;

        c->try_311 = false;
        if (greeted)
                read_last_words(c);
        c->hung_up = greeted && (c->refused != 0 ? mqtt_error_is_of_message(c->refused)
                                                 : mqtt_error_is_hangup(rc, error_number));
        if (c->refused != 0) {
                mqtt_error_of_connack(c->refused, c->is_v5, s, c->error);
                if (mqtt_error_is_protocol(c->refused, c->is_v5) && c->is_v5 &&
                    s->protocol == MQTT_PROTOCOL_AUTO)
                        c->use_311 = c->try_311 = true;
        } else if (!c->tls || greeted || c->tcp_pending ||
                   !mqtt_tls_explain(c->tls, s, c->error, sizeof(c->error))) {
                mqtt_error_of_loop(rc, error_number, greeted, s, c->error);
                if (!greeted && !c->tcp_pending && c->is_v5 && s->protocol == MQTT_PROTOCOL_AUTO &&
                    mqtt_error_is_hangup(rc, error_number))
                        c->try_311 = true;
        }
        drop(c);
}

static void on_connect(struct mosquitto *mosq, void *userdata, int rc, int flags,
                       const mosquitto_property *properties)
{
        struct mqtt_client *c = userdata;

        (void)flags;
        (void)properties;
        if (rc != 0) {
                c->refused = rc;
                return;
        }
        c->state = MQTT_CLIENT_UP;
        c->error[0] = '\0';
        if (c->settings->birth_topic)
                /* Without it discovery is only as fresh as the last connection. */
                (void)mosquitto_subscribe(mosq, NULL, c->settings->birth_topic, 0);
}

static void on_disconnect(struct mosquitto *mosq, void *userdata, int rc,
                          const mosquitto_property *properties)
{
        struct mqtt_client *c = userdata;

        (void)mosq;
        (void)properties;
        /* What the broker says in MQTT 5; smaller numbers are libmosquitto's own. */
        if (rc >= MQTT_RC_UNSPECIFIED && c->refused == 0)
                c->refused = rc;
}

static void on_publish(struct mosquitto *mosq, void *userdata, int mid, int reason,
                       const mosquitto_property *properties)
{
        struct mqtt_client *c = userdata;

        (void)mosq;
        (void)properties;
        c->events.on_ack(c->events.userdata, mid, reason);
}

static void on_message(struct mosquitto *mosq, void *userdata, const struct mosquitto_message *m,
                       const mosquitto_property *properties)
{
        struct mqtt_client *c = userdata;

        (void)mosq;
        (void)properties;
        /* A retained one was there before us: we have just told everything. */
        if (!m->retain && m->payloadlen == 6 && memcmp(m->payload, "online", 6) == 0)
                c->events.on_birth(c->events.userdata);
}

static int prepare(struct mqtt_client *c)
{
        const struct mqtt_settings *s = c->settings;
        int rc;

        c->mosq = mosquitto_new(s->client_id, true, c);
        if (!c->mosq)
                return -ENOMEM;
        mosquitto_connect_v5_callback_set(c->mosq, on_connect);
        mosquitto_disconnect_v5_callback_set(c->mosq, on_disconnect);
        mosquitto_publish_v5_callback_set(c->mosq, on_publish);
        mosquitto_message_v5_callback_set(c->mosq, on_message);
        c->is_v5 = s->protocol != MQTT_PROTOCOL_311 && !c->use_311 && !c->try_311;
        rc = mosquitto_int_option(c->mosq, MOSQ_OPT_PROTOCOL_VERSION,
                                  c->is_v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
        if (rc == MOSQ_ERR_SUCCESS)
                rc = mosquitto_int_option(c->mosq, MOSQ_OPT_TCP_NODELAY, 1);
        if (rc == MOSQ_ERR_SUCCESS)
                rc = mosquitto_max_inflight_messages_set(c->mosq, MQTT_IN_FLIGHT_MAX);
        if (rc == MOSQ_ERR_SUCCESS)
                rc = mosquitto_will_set(c->mosq, s->state_topic, 7, "offline", 1, true);
        if (rc == MOSQ_ERR_SUCCESS && s->username)
                rc = mosquitto_username_pw_set(c->mosq, s->username, s->password);
        if (rc != MOSQ_ERR_SUCCESS) {
                (void)snprintf(c->error, sizeof(c->error), "the MQTT settings cannot be used: %s",
                               mosquitto_strerror(rc));
                return -EINVAL;
        }
        if (!s->tls)
                return 0;
        rc = mqtt_tls_new(s, c->error, sizeof(c->error), &c->tls);
        return rc < 0 ? rc : mqtt_tls_apply(c->tls, c->mosq);
}

/* How many addresses the host has; 0 with a sentence when it has none. */
static size_t resolve(struct mqtt_client *c)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
        size_t n = 0;
        int code = getaddrinfo(c->settings->host, NULL, &hints, &list);

        if (code != 0) {
                mqtt_error_of_resolver(code, errno, c->settings, c->error);
                return 0;
        }
        for (const struct addrinfo *a = list; a; a = a->ai_next)
                n++;
        freeaddrinfo(list);
        return n;
}

void mqtt_client_open(struct mqtt_client *c)
{
        const struct mqtt_settings *s = c->settings;
        size_t n_addresses;
        int rc;

        drop(c);
        c->refused = 0;
        c->closing = c->tcp_pending = c->hung_up = false;
        if (prepare(c) < 0) {
                drop(c);
                return;
        }
        errno = 0;
        if (s->host[0] == '/') {
                rc = mosquitto_connect(c->mosq, s->host, 0, KEEPALIVE_S);
        } else {
                n_addresses = resolve(c);
                if (n_addresses == 0) {
                        drop(c);
                        return;
                }
                errno = 0;
                if (n_addresses == 1) {
                        c->tcp_pending = true;
                        rc = mosquitto_connect_async(c->mosq, s->host, s->port, KEEPALIVE_S);
                } else {
                        rc = mosquitto_connect(c->mosq, s->host, s->port, KEEPALIVE_S);
                }
        }
        c->try_311 = false;
        if (rc != MOSQ_ERR_SUCCESS) {
                fail(c, rc, errno);
                return;
        }
        c->state = MQTT_CLIENT_CONNECTING;
}

void mqtt_client_close(struct mqtt_client *c)
{
        drop(c);
}

void mqtt_client_time_out(struct mqtt_client *c)
{
        if (c->state == MQTT_CLIENT_UP)
                mqtt_error_of_frozen(c->settings, c->error);
        else
                mqtt_error_of_silence(!c->tcp_pending, c->settings, c->error);
        drop(c);
}

void mqtt_client_disconnect(struct mqtt_client *c)
{
        if (c->state == MQTT_CLIENT_UP) {
                c->closing = true;
                (void)mosquitto_disconnect(c->mosq); /* it may have ended already: just as well */
        }
        drop(c);
}

enum mqtt_client_state mqtt_client_state(const struct mqtt_client *c)
{
        return c->state;
}

const char *mqtt_client_error(const struct mqtt_client *c)
{
        return c->error;
}

bool mqtt_client_retry_now(const struct mqtt_client *c)
{
        return c->try_311;
}

bool mqtt_client_hung_up(const struct mqtt_client *c)
{
        return c->hung_up;
}

bool mqtt_client_has_reasons(const struct mqtt_client *c)
{
        return c->is_v5;
}

int mqtt_client_fd(const struct mqtt_client *c)
{
        return c->mosq && c->state != MQTT_CLIENT_CLOSED ? mosquitto_socket(c->mosq) : -1;
}

short mqtt_client_poll_events(const struct mqtt_client *c)
{
        if (c->tcp_pending)
                return POLLOUT;
        /* While TLS shakes hands want_write is always set: there it is the broker's turn. */
        if (c->state == MQTT_CLIENT_CONNECTING && c->tls)
                return POLLIN;
        return mosquitto_want_write(c->mosq) ? POLLIN | POLLOUT : POLLIN;
}

/* The answer of a non-blocking connect(): 0, or a positive errno. */
static int connect_result(int fd)
{
        int error_number = 0;
        socklen_t len = sizeof(error_number);

        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &len) < 0)
                return errno;
        return error_number;
}

void mqtt_client_turn(struct mqtt_client *c, short revents)
{
        int rc = MOSQ_ERR_SUCCESS, error_number;

        if (c->state == MQTT_CLIENT_CLOSED)
                return;
        if (c->tcp_pending && revents) {
                error_number = connect_result(mosquitto_socket(c->mosq));
                if (error_number != 0) {
                        fail(c, MOSQ_ERR_ERRNO, error_number);
                        return;
                }
                c->tcp_pending = false;
                revents |= POLLIN; /* begins the TLS handshake */
        }
        errno = 0;
        if (revents & (POLLIN | POLLHUP | POLLERR))
                rc = mosquitto_loop_read(c->mosq, 1);
        if (rc == MOSQ_ERR_SUCCESS && revents && mosquitto_want_write(c->mosq))
                rc = mosquitto_loop_write(c->mosq, 1);
        if (rc == MOSQ_ERR_SUCCESS && !c->tcp_pending)
                rc = mosquitto_loop_misc(c->mosq);
        error_number = errno;
        if (rc != MOSQ_ERR_SUCCESS || c->refused != 0 || mosquitto_socket(c->mosq) < 0)
                fail(c, rc, error_number);
}

static void set_cork(struct mqtt_client *c, int on)
{
        /* Not on a UNIX socket; and without it the same bytes go out, in more segments. */
        (void)setsockopt(mosquitto_socket(c->mosq), IPPROTO_TCP, TCP_CORK, &on, sizeof(on));
}

void mqtt_client_batch_begin(struct mqtt_client *c)
{
        if (c->mosq && c->settings->host[0] != '/')
                set_cork(c, 1);
}

void mqtt_client_batch_end(struct mqtt_client *c)
{
        if (c->mosq && c->settings->host[0] != '/')
                set_cork(c, 0);
}

int mqtt_client_publish(struct mqtt_client *c, const struct message *m, int *ret_mid)
{
        const struct message_attributes *a = &m->attributes;
        mosquitto_property *properties = NULL;
        int rc;

        if (c->is_v5 && a->expiry_s > 0 &&
            mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                         a->expiry_s) != MOSQ_ERR_SUCCESS)
                return -ENOMEM;
        errno = 0;
        rc = mosquitto_publish_v5(c->mosq, ret_mid, message_topic(m), (int)m->payload_len,
                                  message_payload(m), a->qos, a->retain, properties);
        mosquitto_property_free_all(&properties);
        switch (rc) {
        case MOSQ_ERR_SUCCESS:
                return 0;
        case MOSQ_ERR_INVAL:
        case MOSQ_ERR_PAYLOAD_SIZE:
        case MOSQ_ERR_OVERSIZE_PACKET:
        case MOSQ_ERR_MALFORMED_UTF8:
        case MOSQ_ERR_QOS_NOT_SUPPORTED:
        case MOSQ_ERR_RETAIN_NOT_SUPPORTED:
                return -EINVAL;
        default:
                fail(c, rc, errno);
                return -ENOTCONN;
        }
}
