/* SPDX-License-Identifier: MIT */
/*
 * One connection to a broker. libmosquitto speaks the protocol, but sees no byte of the broker that
 * mqtt-inspect.c has not written: 2.0.11 to 2.1.2 end the process on an unknown property, and take
 * memory for whatever length a packet announces.
 *
 *      libmosquitto ⇄ UNIX socket pair ⇄ [out | mqtt_inspect] ⇄ mqtt_net ⇄ broker
 */
#include "mqtt-client.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "base/util.h"
#include "mqtt-error.h"
#include "mqtt-inspect.h"
#include "mqtt-net.h"
#include "mqtt-pair.h"

#define KEEPALIVE_S   30
#define GREETING_USEC (UINT64_C(15) * 1000000) /* from CONNECT to CONNACK */
#define MISC_USEC     UINT64_C(500000)         /* its clock counts seconds */
#define READ_BYTES    4096
/* Limit of bytes that wait for the network; beyond half of it messages stay where they are. */
#define OUT_BYTES      (64 * 1024)
#define PUBLISH_GATHER 16 /* messages until they are taken out of the socket pair */

struct mqtt_client {
        const struct mqtt_settings *settings; /* borrowed */
        struct mqtt_client_events events;
        struct mqtt_net *net;
        struct mosquitto *mosq; /* NULL: closed, or the network is not up yet */
        int pair;               /* our end of libmosquitto's socket; -1: none */
        struct mqtt_inspect inspect;
        uint8_t *out; /* from libmosquitto, not sent yet; NULL while closed */
        size_t n_out;
        unsigned int n_gathered;
        bool in_library; /* it may be calling us back: until it returns `mosq` must live */
        enum mqtt_client_state state;
        uint64_t greet_usec; /* CONNACK must have come by then */
        uint64_t misc_usec;  /* when it looked at its keepalive last */
        bool use_311;        /* the broker said it knows no MQTT 5 */
        bool try_311;        /* it hung up on MQTT 5 without a word: once with the older one */
        bool bare_will;      /* the broker takes nothing of QoS 1, so not the will either */
        bool try_bare;       /* it just said so */
        bool is_v5;          /* this connection */
        bool is_known;       /* it is known whether the broker remembers us */
        bool hung_up;        /* it closed a connection it had greeted, and said nothing of us */
        int refused;         /* CONNACK reason, 0: none */
        char error[MQTT_ERROR_TEXT_MAX];
        const char *code; /* for programs; static */
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
        int r;

        if (!c)
                return -ENOMEM;
        c->settings = settings;
        c->events = *events;
        c->pair = -1;
        r = mqtt_net_new(settings, &c->net);
        if (r < 0) {
                free(c);
                return r;
        }
        *ret = c;
        return 0;
}

static void drop(struct mqtt_client *c)
{
        assert(!c->in_library);
        if (c->mosq)
                mosquitto_destroy(c->mosq); /* closes its end of the pair */
        c->mosq = NULL;
        if (c->pair >= 0)
                (void)close(c->pair);
        c->pair = -1;
        mqtt_net_close(c->net);
        free(c->out);
        c->out = NULL;
        c->n_out = 0;
        c->state = MQTT_CLIENT_CLOSED;
}

struct mqtt_client *mqtt_client_free(struct mqtt_client *c)
{
        if (!c)
                return NULL;
        drop(c);
        c->net = mqtt_net_free(c->net);
        free(c);
        return NULL;
}

/* Calls that call back: requests that come meanwhile must not end the connection. */
static int loop(struct mqtt_client *c, int (*turn)(struct mosquitto *mosq))
{
        bool outer = c->in_library;
        int rc;

        c->in_library = true;
        rc = turn(c->mosq);
        c->in_library = outer;
        return rc;
}

static int loop_read(struct mosquitto *mosq)
{
        return mosquitto_loop_read(mosq, 1);
}

static int loop_write(struct mosquitto *mosq)
{
        return mosquitto_loop_write(mosq, 1);
}

/* One reading from the network into libmosquitto: 0, or the rc and errno it ended with. */
static int read_once(struct mqtt_client *c, int *ret_errno)
{
        uint8_t in[READ_BYTES], checked[MQTT_INSPECT_OUT_MAX(READ_BYTES)];
        ssize_t n = mqtt_net_read(c->net, in, sizeof(in));
        int len, left = 0, rc = MOSQ_ERR_SUCCESS;

        *ret_errno = n < 0 ? (int)-n : 0;
        if (n == 0)
                return MOSQ_ERR_CONN_LOST;
        if (n < 0)
                return MOSQ_ERR_ERRNO;
        len = mqtt_inspect_feed(&c->inspect, in, (size_t)n, checked);
        if (len < 0)
                return MOSQ_ERR_MALFORMED_PACKET;
        /* It is empty here, and has room for many times this. */
        if (len > 0 && send(c->pair, checked, (size_t)len, MSG_NOSIGNAL) != len)
                return MOSQ_ERR_NOMEM;
        while (rc == MOSQ_ERR_SUCCESS && mosquitto_socket(c->mosq) >= 0 &&
               ioctl(mosquitto_socket(c->mosq), FIONREAD, &left) >= 0 && left > 0)
                rc = loop(c, loop_read);
        *ret_errno = errno;
        return rc;
}

/* Reads the reason that the broker gave before it closed, if writing has failed first. */
static void read_last_words(struct mqtt_client *c)
{
        int error_number;

        while (c->mosq && read_once(c, &error_number) == MOSQ_ERR_SUCCESS)
                ;
}

static bool wants_311(const struct mqtt_client *c)
{
        return c->is_v5 && c->settings->protocol == MQTT_AUTO;
}

/* The connection has ended by itself: finds the sentence, and whether MQTT 3.1.1 is worth a try. */
static void fail(struct mqtt_client *c, int rc, int error_number)
{
        const struct mqtt_settings *s = c->settings;
        bool greeted = c->state == MQTT_CLIENT_UP;

        c->try_311 = c->try_bare = false;
        /* Before the greeting too: an alert of TLS 1.3 (RFC 8446 §4.4.2.4) that asks for a
         * certificate comes when the handshake is over here, and writing may fail before it is
         * read. */
        if (rc != MOSQ_ERR_MALFORMED_PACKET)
                read_last_words(c);
        c->hung_up = greeted && (c->refused != 0 ? mqtt_error_is_of_message(c->refused)
                                                 : mqtt_error_is_hangup(rc, error_number));
        if (c->refused != 0) {
                c->code = mqtt_error_of_connack(c->refused, c->is_v5, s, c->error);
                if (mqtt_error_is_protocol(c->refused, c->is_v5) && wants_311(c))
                        c->use_311 = c->try_311 = true;
                if (c->refused == MQTT_RC_QOS_NOT_SUPPORTED && !greeted && !c->bare_will)
                        c->bare_will = c->try_bare = true;
        } else if (c->inspect.fault) {
                c->code = mqtt_error_of_bytes(c->inspect.fault, s, c->error);
                c->hung_up = false;
        } else if (!greeted && mqtt_net_explain(c->net, c->error, sizeof(c->error))) {
                c->code = "tls";
        } else {
                c->code = mqtt_error_of_loop(rc, error_number, greeted, s, c->error);
                c->try_311 = !greeted && wants_311(c) && mqtt_error_is_hangup(rc, error_number);
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
        c->is_known = false;
        c->error[0] = '\0';
        /* Without them discovery is only as fresh as the last connection. */
        for (size_t i = 0; i < c->inspect.n_topics; i++)
                (void)mosquitto_subscribe(mosq, NULL, c->inspect.topics[i], 0);
}

static void on_disconnect(struct mosquitto *mosq, void *userdata, int rc,
                          const mosquitto_property *properties)
{
        struct mqtt_client *c = userdata;

        (void)mosq;
        (void)properties;
        /* Reason codes of MQTT 5 from the broker; smaller numbers are libmosquitto's own. */
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
        bool is_own = strcmp(m->topic, c->settings->state_topic) == 0;

        /* A retained one was there before us: all has just been published. */
        if (is_own && !c->is_known)
                /* Our own "online" comes behind what was retained. */
                c->events.on_memory(c->events.userdata, m->retain);
        c->is_known = c->is_known || is_own;
        if (m->retain)
                return;
        if (is_own) {
                if (m->payloadlen == 7 && memcmp(m->payload, "offline", 7) == 0)
                        c->events.on_offline(c->events.userdata);
        } else if (m->payloadlen == 6 && memcmp(m->payload, "online", 6) == 0) {
                c->events.on_birth(c->events.userdata);
        }
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
        rc = mosquitto_int_option(c->mosq, MOSQ_OPT_PROTOCOL_VERSION,
                                  c->is_v5 ? MQTT_PROTOCOL_V5 : MQTT_PROTOCOL_V311);
        if (rc == MOSQ_ERR_SUCCESS)
                rc = mosquitto_max_inflight_messages_set(c->mosq, MQTT_IN_FLIGHT_MAX);
        if (rc == MOSQ_ERR_SUCCESS)
                rc = mosquitto_will_set(c->mosq, s->state_topic, 7, "offline", c->bare_will ? 0 : 1,
                                        true);
        if (rc == MOSQ_ERR_SUCCESS && s->username)
                rc = mosquitto_username_pw_set(c->mosq, s->username, s->password);
        if (rc != MOSQ_ERR_SUCCESS) {
                c->code = "settings";
                (void)snprintf(c->error, sizeof(c->error), "the MQTT settings cannot be used: %s",
                               mosquitto_strerror(rc));
                return -EINVAL;
        }
        return 0;
}

/* The network is up: libmosquitto writes its CONNECT, for us to send. */
static int begin_protocol(struct mqtt_client *c, uint64_t now)
{
        mosquitto_property *properties = NULL;
        int r;

        c->greet_usec = now + GREETING_USEC;
        c->is_v5 = c->settings->protocol != MQTT_3_1_1 && !c->use_311 && !c->try_311;
        c->try_311 = c->try_bare = false;
        c->inspect = (struct mqtt_inspect){ .is_v5 = c->is_v5 };
        c->inspect.topics[c->inspect.n_topics++] = c->settings->state_topic;
        for (size_t i = 0; i < MQTT_BIRTHS_MAX; i++)
                if (c->settings->birth_topics[i])
                        c->inspect.topics[c->inspect.n_topics++] = c->settings->birth_topics[i];
        r = prepare(c);
        if (r < 0)
                return r;
        c->out = malloc(OUT_BYTES);
        if (!c->out)
                return -ENOMEM;
        if (c->is_v5 && mosquitto_property_add_int32(&properties, MQTT_PROP_MAXIMUM_PACKET_SIZE,
                                                     MQTT_INSPECT_PACKET_MAX) != MOSQ_ERR_SUCCESS)
                return -ENOMEM;
        r = mqtt_pair_connect(c->mosq, KEEPALIVE_S, properties, &c->pair);
        mosquitto_property_free_all(&properties);
        c->code = "no-socket";
        if (r < 0)
                (void)snprintf(c->error, sizeof(c->error),
                               "no socket can be made in /run or /tmp for libmosquitto: %s",
                               strerror(-r));
        return r;
}

void mqtt_client_open(struct mqtt_client *c, uint64_t now)
{
        drop(c);
        c->refused = 0;
        c->hung_up = false;
        c->state = MQTT_CLIENT_CONNECTING;
        mqtt_net_open(c->net, now);
        mqtt_client_turn(c, 0, now);
}

void mqtt_client_time_out(struct mqtt_client *c)
{
        if (c->state == MQTT_CLIENT_UP)
                c->code = mqtt_error_of_frozen(c->settings, c->error);
        else
                c->code = mqtt_error_of_silence(mqtt_net_state(c->net) == MQTT_NET_UP, c->settings,
                                                c->error);
        drop(c);
}

/* Moves what libmosquitto has written behind what waits for the network. */
static void gather(struct mqtt_client *c)
{
        ssize_t n;

        c->n_gathered = 0;
        if (c->n_out == OUT_BYTES)
                return;
        n = recv(c->pair, c->out + c->n_out, OUT_BYTES - c->n_out, 0);
        if (n > 0) /* all of it, or as much as there is room for; unix(7) joins what was written */
                c->n_out += (size_t)n;
}

/* Sends what can be sent: 0, or errno. */
static int flush_out(struct mqtt_client *c)
{
        ssize_t n;

        do {
                /* Packets made in a callback are not written yet. Errors come in misc. */
                if (mosquitto_want_write(c->mosq))
                        (void)loop(c, loop_write);
                gather(c);
                if (c->n_out == 0)
                        return 0;
                n = mqtt_net_write(c->net, c->out, c->n_out);
                if (n == -EAGAIN)
                        return 0;
                if (n <= 0)
                        return n == 0 ? EPIPE : (int)-n;
                memmove(c->out, c->out + n, c->n_out - (size_t)n);
                c->n_out -= (size_t)n;
        } while (c->n_out > 0 || mosquitto_want_write(c->mosq));
        return 0;
}

void mqtt_client_disconnect(struct mqtt_client *c)
{
        if (c->state == MQTT_CLIENT_UP) {
                (void)mosquitto_disconnect(c->mosq); /* it may have ended already: just as well */
                (void)flush_out(c);
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

const char *mqtt_client_error_code(const struct mqtt_client *c)
{
        return c->code;
}

bool mqtt_client_retry_now(const struct mqtt_client *c)
{
        return c->try_311 || c->try_bare;
}

bool mqtt_client_hung_up(const struct mqtt_client *c)
{
        return c->hung_up;
}

int mqtt_client_knock(const struct mqtt_client *c)
{
        return mqtt_net_knock(c->net);
}

bool mqtt_client_has_reasons(const struct mqtt_client *c)
{
        return c->is_v5;
}

int mqtt_client_fd(const struct mqtt_client *c)
{
        return c->state == MQTT_CLIENT_CLOSED ? -1 : mqtt_net_fd(c->net);
}

short mqtt_client_poll_events(const struct mqtt_client *c)
{
        short events = mqtt_net_events(c->net);

        return c->n_out > 0 && mqtt_net_state(c->net) == MQTT_NET_UP ? events | POLLOUT : events;
}

uint64_t mqtt_client_deadline(const struct mqtt_client *c)
{
        if (c->state == MQTT_CLIENT_CLOSED)
                return UINT64_MAX;
        return c->state == MQTT_CLIENT_CONNECTING && c->mosq ? c->greet_usec
                                                             : mqtt_net_deadline(c->net);
}

bool mqtt_client_has_room(const struct mqtt_client *c)
{
        return c->mosq && c->n_out < OUT_BYTES / 2 && !mosquitto_want_write(c->mosq);
}

/* The broker allows messages of this size (MQTT 5, Maximum Packet Size). */
static bool mqtt_client_takes(const struct mqtt_client *c, const struct message *m)
{
        /* MQTT 5 §3.3: fixed header, topic, packet id, one property. */
        size_t bytes = 5 + 2 + m->topic_len + 2 + 6 + m->payload_len;

        return c->inspect.max_packet == 0 || bytes <= c->inspect.max_packet;
}

uint8_t mqtt_client_max_qos(const struct mqtt_client *c)
{
        return c->inspect.max_qos;
}

/* The way up, as far as it goes now. True when there is a connection to speak over. */
static bool climb(struct mqtt_client *c, short revents, uint64_t now)
{
        if (c->mosq)
                return true;
        mqtt_net_turn(c->net, revents, now);
        if (mqtt_net_state(c->net) == MQTT_NET_CLOSED) {
                (void)snprintf(c->error, sizeof(c->error), "%s", mqtt_net_error(c->net));
                c->code = mqtt_net_error_code(c->net);
                c->try_311 = c->try_bare = false;
                drop(c);
        } else if (mqtt_net_state(c->net) == MQTT_NET_UP) {
                if (begin_protocol(c, now) >= 0)
                        return true;
                drop(c);
        }
        return false;
}

/* Nothing came, nothing waits, and libmosquitto has looked at its clock. */
static bool is_idle(const struct mqtt_client *c, short revents, uint64_t now)
{
        return c->state == MQTT_CLIENT_UP && revents == 0 && c->refused == 0 &&
               c->n_out + c->n_gathered == 0 && now - c->misc_usec < MISC_USEC &&
               mosquitto_socket(c->mosq) >= 0 && !mosquitto_want_write(c->mosq);
}

void mqtt_client_turn(struct mqtt_client *c, short revents, uint64_t now)
{
        int rc = MOSQ_ERR_SUCCESS, error_number = 0;
        bool climbed = !c->mosq;

        if (c->state == MQTT_CLIENT_CLOSED || is_idle(c, revents, now) || !climb(c, revents, now))
                return;
        if (!climbed && revents & (POLLIN | POLLHUP | POLLERR))
                do
                        rc = read_once(c, &error_number);
                while (rc == MOSQ_ERR_SUCCESS && mqtt_net_has_pending(c->net));
        if (rc == MOSQ_ERR_ERRNO && error_number == EAGAIN)
                rc = MOSQ_ERR_SUCCESS;
        if (rc == MOSQ_ERR_SUCCESS) {
                errno = 0;
                rc = loop(c, mosquitto_loop_misc);
                error_number = errno;
                c->misc_usec = now;
        }
        if (rc == MOSQ_ERR_SUCCESS) {
                error_number = flush_out(c);
                rc = error_number ? MOSQ_ERR_ERRNO : MOSQ_ERR_SUCCESS;
        }
        if (rc != MOSQ_ERR_SUCCESS || c->refused != 0 || mosquitto_socket(c->mosq) < 0)
                fail(c, rc, error_number);
        else if (c->state == MQTT_CLIENT_CONNECTING && now >= c->greet_usec)
                mqtt_client_time_out(c);
}

void mqtt_client_flush(struct mqtt_client *c)
{
        int error_number;

        if (c->state != MQTT_CLIENT_UP || c->in_library) /* the turn ends with it */
                return;
        error_number = flush_out(c);
        if (error_number)
                fail(c, MOSQ_ERR_ERRNO, error_number);
}

int mqtt_client_publish(struct mqtt_client *c, const struct message *m, int *ret_mid)
{
        const struct message_attributes *a = &m->attributes;
        mosquitto_property *properties = NULL;
        int rc;

        if (c->state != MQTT_CLIENT_UP)
                return -ENOTCONN;
        if (!mqtt_client_has_room(c))
                return -EAGAIN;
        if (!mqtt_client_takes(c, m))
                return -EMSGSIZE;
        if (c->is_v5 && a->expiry_s > 0 &&
            mosquitto_property_add_int32(&properties, MQTT_PROP_MESSAGE_EXPIRY_INTERVAL,
                                         a->expiry_s) != MOSQ_ERR_SUCCESS)
                return -ENOMEM;
        errno = 0;
        rc = mosquitto_publish_v5(c->mosq, ret_mid, message_topic(m), (int)m->payload_len,
                                  message_payload(m), MIN(a->qos, c->inspect.max_qos),
                                  a->retain && !c->inspect.no_retain, properties);
        mosquitto_property_free_all(&properties);
        if (++c->n_gathered == PUBLISH_GATHER)
                gather(c);
        switch (rc) {
        case MOSQ_ERR_SUCCESS:
                return 0;
        case MOSQ_ERR_OVERSIZE_PACKET:
        case MOSQ_ERR_PAYLOAD_SIZE:
                return -EMSGSIZE;
        case MOSQ_ERR_INVAL:
        case MOSQ_ERR_MALFORMED_UTF8:
        case MOSQ_ERR_QOS_NOT_SUPPORTED:
        case MOSQ_ERR_RETAIN_NOT_SUPPORTED:
                return -EINVAL;
        default:
                if (!c->in_library) /* else the turn sees that libmosquitto has closed its socket */
                        fail(c, rc, errno);
                return -ENOTCONN;
        }
}
