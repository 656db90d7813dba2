/* SPDX-License-Identifier: MIT */
/*
 * The sentences.
 */
#include "mqtt-error.h"

#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include <mosquitto.h>
#include <mqtt_protocol.h>

#include "base/listener.h"

#define PLACE_MAX 112

/* "host:1883", or the path of a socket. */
static const char *place(const struct mqtt_settings *s, char buf[static PLACE_MAX])
{
        if (s->host[0] == '/')
                (void)snprintf(buf, PLACE_MAX, "%s", s->host);
        else
                (void)snprintf(buf, PLACE_MAX, "%.90s:%u", s->host, s->port);
        return buf;
}

const char *mqtt_error_of_resolver(int code, int error_number, const struct mqtt_settings *s,
                                   char error[static MQTT_ERROR_TEXT_MAX])
{
        if (code == EAI_NONAME || code == EAI_NODATA) {
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                               "the name %.90s is unknown: check Host=, or the name server",
                               s->host);
                return "name-unknown";
        }
        (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                       "the name %.90s cannot be resolved now (%s): check the network and "
                       "the name server",
                       s->host, code == EAI_SYSTEM ? strerror(error_number) : gai_strerror(code));
        return "name-server";
}

const char *mqtt_error_of_slow_resolver(const struct mqtt_settings *s,
                                        char error[static MQTT_ERROR_TEXT_MAX])
{
        (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                       "the name %.90s cannot be resolved now (no answer): check the network and "
                       "the name server",
                       s->host);
        return "name-server";
}

const char *mqtt_error_of_listener(uint32_t uid, const struct mqtt_settings *s,
                                   char error[static MQTT_ERROR_TEXT_MAX])
{
        char where[PLACE_MAX];

        if (uid == LISTENER_UNKNOWN)
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                               "%.90s: the owner of the program that listens there is not known: "
                               "nothing is sent to it yet; it is tried again",
                               place(s, where));
        else
                (void)snprintf(
                        error, MQTT_ERROR_TEXT_MAX,
                        "%.90s: a program of user %" PRIu32
                        " listens there, and no broker of the system: nothing is sent to it; stop "
                        "it, or set Listener=any",
                        place(s, where), uid);
        return "listener";
}

const char *mqtt_error_of_bytes(const char *fault, const struct mqtt_settings *s,
                                char error[static MQTT_ERROR_TEXT_MAX])
{
        char where[PLACE_MAX];

        (void)snprintf(
                error, MQTT_ERROR_TEXT_MAX,
                "%.90s sends what is no MQTT (%.40s): is it an MQTT broker, and can nobody in "
                "between change what it sends (Tls=)?",
                place(s, where), fault);
        return "not-mqtt";
}

/* MQTT 3.1.1 §3.2.2.3 to the codes of MQTT 5 §3.2.2.2. */
static int reason_of_311(int code)
{
        switch (code) {
        case CONNACK_REFUSED_PROTOCOL_VERSION:
                return MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION;
        case CONNACK_REFUSED_IDENTIFIER_REJECTED:
                return MQTT_RC_CLIENTID_NOT_VALID;
        case CONNACK_REFUSED_SERVER_UNAVAILABLE:
                return MQTT_RC_SERVER_UNAVAILABLE;
        case CONNACK_REFUSED_BAD_USERNAME_PASSWORD:
                return MQTT_RC_BAD_USERNAME_OR_PASSWORD;
        case CONNACK_REFUSED_NOT_AUTHORIZED:
                return MQTT_RC_NOT_AUTHORIZED;
        default:
                return code;
        }
}

bool mqtt_error_is_protocol(int reason, bool is_v5)
{
        (void)is_v5; /* a broker of old answers in its own code whatever it was asked */
        return reason == MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION ||
               reason == CONNACK_REFUSED_PROTOCOL_VERSION;
}

bool mqtt_error_is_of_message(int reason)
{
        switch (reason) {
        case MQTT_RC_NOT_AUTHORIZED: /* to us, it would have been a CONNACK */
        case MQTT_RC_TOPIC_NAME_INVALID:
        case MQTT_RC_PACKET_TOO_LARGE:
        case MQTT_RC_PAYLOAD_FORMAT_INVALID:
        case MQTT_RC_RETAIN_NOT_SUPPORTED:
        case MQTT_RC_QOS_NOT_SUPPORTED:
                return true;
        default:
                return false;
        }
}

bool mqtt_error_is_of_topic(int reason)
{
        return reason == MQTT_RC_NOT_AUTHORIZED || reason == MQTT_RC_TOPIC_NAME_INVALID ||
               reason == MQTT_RC_PAYLOAD_FORMAT_INVALID;
}

bool mqtt_error_is_hangup(int rc, int error_number)
{
        return rc == MOSQ_ERR_CONN_LOST || rc == MOSQ_ERR_PROTOCOL ||
               rc == MOSQ_ERR_MALFORMED_PACKET ||
               (rc == MOSQ_ERR_ERRNO && (error_number == ECONNRESET || error_number == EPIPE));
}

const char *mqtt_error_of_connack(int reason, bool is_v5, const struct mqtt_settings *s,
                                  char error[static MQTT_ERROR_TEXT_MAX])
{
        char where[PLACE_MAX];

        (void)place(s, where);
        switch (is_v5 && reason >= MQTT_RC_UNSPECIFIED ? reason : reason_of_311(reason)) {
        case MQTT_RC_BAD_USERNAME_OR_PASSWORD:
        case MQTT_RC_NOT_AUTHORIZED:
                if (s->username) {
                        (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                                       "%s does not let the user %.60s in: check Username= and "
                                       "PasswordFile=",
                                       where, s->username);
                        return "password-wrong";
                }
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                               "%s wants a user and a password: set Username= and "
                               "PasswordFile=",
                               where);
                return "password-missing";
        case MQTT_RC_UNSUPPORTED_PROTOCOL_VERSION:
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                               "%s does not speak this version of MQTT: set Protocol=auto", where);
                return "protocol-version";
        case MQTT_RC_CLIENTID_NOT_VALID:
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                               "%s does not accept the client id %.60s: set ClientId=", where,
                               s->client_id);
                return "client-id-refused";
        case MQTT_RC_SESSION_TAKEN_OVER:
                (void)snprintf(
                        error, MQTT_ERROR_TEXT_MAX,
                        "another client uses the client id %.50s at %s: set ClientId= to one "
                        "of its own",
                        s->client_id, where);
                return "client-id-taken";
        case MQTT_RC_BANNED:
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                               "%s has banned this client: ask whoever runs the broker", where);
                return "banned";
        default:
                (void)snprintf(
                        error, MQTT_ERROR_TEXT_MAX,
                        "%s cannot serve us now (%s): it is tried again; the broker's log may "
                        "say more",
                        where, mosquitto_reason_string(reason_of_311(reason)));
                return "broker-busy";
        }
}

static const char *of_errno(int error_number, const char *where, bool is_path,
                            char error[static MQTT_ERROR_TEXT_MAX])
{
        const char *fix, *code;

        switch (error_number) {
        case ECONNREFUSED:
                code = "refused";
                fix = is_path ? "nothing listens there: is the broker running?"
                              : "nothing listens there: is the broker running, and is Port= right?";
                break;
        case ENOENT:
                code = "no-socket";
                fix = "there is no such socket: is the broker running, and is Host= right?";
                break;
        case EACCES:
        case EPERM:
                code = "no-permission";
                fix = is_path ? "the service may not use this socket: check its group and mode"
                              : "the connection is forbidden here: check the firewall and the "
                                "unit's IPAddressDeny=";
                break;
        case ETIMEDOUT:
                code = "timeout";
                fix = "no answer: is the machine up, and does a firewall let us through?";
                break;
        case ENETUNREACH:
        case EHOSTUNREACH:
        case ENETDOWN:
                code = "unreachable";
                fix = "there is no way to it: check the network";
                break;
        case ECONNRESET:
        case EPIPE:
                code = "closed";
                fix = "the broker closed the connection; it is tried again";
                break;
        default:
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX, "%s: %s; it is tried again", where,
                               error_number ? strerror(error_number) : "the connection failed");
                return "closed";
        }
        (void)snprintf(error, MQTT_ERROR_TEXT_MAX, "%s: %s", where, fix);
        return code;
}

const char *mqtt_error_of_network(int error_number, const struct mqtt_settings *s,
                                  char error[static MQTT_ERROR_TEXT_MAX])
{
        char where[PLACE_MAX];

        return of_errno(error_number, place(s, where), s->host[0] == '/', error);
}

const char *mqtt_error_of_loop(int rc, int error_number, bool greeted,
                               const struct mqtt_settings *s,
                               char error[static MQTT_ERROR_TEXT_MAX])
{
        char where[PLACE_MAX];

        (void)place(s, where);
        if (!greeted && mqtt_error_is_hangup(rc, error_number)) {
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                               "%s closed the connection before it was greeted: is it an MQTT "
                               "broker, and is Tls=%s right for this port?",
                               where, s->tls ? "yes" : "no");
                return "not-mqtt";
        }
        switch (rc) {
        case MOSQ_ERR_ERRNO:
                return of_errno(error_number, where, s->host[0] == '/', error);
        case MOSQ_ERR_KEEPALIVE:
                return mqtt_error_of_frozen(s, error);
        case MOSQ_ERR_CONN_LOST:
        case MOSQ_ERR_NO_CONN:
        case MOSQ_ERR_SUCCESS:
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                               "%s: the broker closed the connection; it is tried again", where);
                return "closed";
        default:
                (void)snprintf(error, MQTT_ERROR_TEXT_MAX, "%s: %s it is tried again", where,
                               mosquitto_strerror(rc));
                return "closed";
        }
}

const char *mqtt_error_of_clash(const struct mqtt_settings *s,
                                char error[static MQTT_ERROR_TEXT_MAX])
{
        char where[PLACE_MAX];

        (void)snprintf(
                error, MQTT_ERROR_TEXT_MAX,
                "%.90s closes the connection again and again: another client may use the client "
                "id %.30s; set ClientId= to one of its own",
                place(s, where), s->client_id);
        return "client-id-taken";
}

const char *mqtt_error_of_silence(bool tcp_connected, const struct mqtt_settings *s,
                                  char error[static MQTT_ERROR_TEXT_MAX])
{
        char where[PLACE_MAX];

        (void)place(s, where);
        (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                       tcp_connected
                               ? "%s accepts the connection but does not answer: does the broker "
                                 "hang, or is it no MQTT broker?"
                               : "%s: no answer: is the machine up, and does a firewall let us "
                                 "through?",
                       where);
        return tcp_connected ? "no-answer" : "timeout";
}

const char *mqtt_error_of_frozen(const struct mqtt_settings *s,
                                 char error[static MQTT_ERROR_TEXT_MAX])
{
        char where[PLACE_MAX];

        (void)snprintf(error, MQTT_ERROR_TEXT_MAX,
                       "%s no longer answers: does the broker hang, or is the network gone?",
                       place(s, where));
        return "broker-hangs";
}

/* The word for messages that the broker refuses while the connection stands; "": it takes all. */
static const char *of_messages(const struct mqtt_status *w, char *error, size_t size)
{
        if (w->hold_reason != 0) {
                (void)snprintf(error, size,
                               "the broker takes no messages now (%s): they wait, and it is tried "
                               "again; the broker's log may say more",
                               mosquitto_reason_string(w->hold_reason));
                return "broker-busy";
        }
        if (w->denied_topic[0]) {
                (void)snprintf(error, size,
                               w->denied_guessed
                                       ? "the broker hangs up when we publish to %.100s%s: "
                                         "allow it in its access control list (ACL), or "
                                         "raise its limit of message sizes"
                                       : "the broker does not let us publish to %.110s%s: "
                                         "allow it in the broker's access control list (ACL)",
                               w->denied_topic, w->denied_more ? " and others" : "");
                return w->denied_guessed ? "topic-suspected" : "topic-refused";
        }
        if (w->too_large[0]) {
                (void)snprintf(error, size,
                               "messages to %.100s are larger than the broker takes: raise its "
                               "limit (mosquitto: max_packet_size), or leave out a format",
                               w->too_large);
                return "message-too-large";
        }
        return "";
}

const char *mqtt_error_of_status(const struct mqtt_status *w, char *error, size_t size)
{
        const char *code = w->error_code ? w->error_code : "";
        size_t n;

        error[0] = '\0';
        if (w->error[0])
                (void)snprintf(error, size, "%s", w->error);
        else
                code = of_messages(w, error, size);
        n = strlen(error);
        if (!w->spool_error[0])
                return code;
        if (n < size)
                (void)snprintf(error + n, size - n, "%s%.200s", n > 0 ? "; " : "", w->spool_error);
        return *code ? code : "spool";
}
