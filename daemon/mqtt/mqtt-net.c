/* SPDX-License-Identifier: MIT */
/*
 * A connection's way up: resolve, connect to one address after the other, shake hands.
 */
#include "mqtt-net.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/util.h"
#include "mqtt-error.h"
#include "mqtt-listener.h"
#include "mqtt-resolver.h"
#include "mqtt-tls.h"

#define USEC_PER_SEC UINT64_C(1000000)

#define RESOLVE_USEC (15 * USEC_PER_SEC)
/* A single address has as long as TCP's first five SYNs take; of several, each has less. */
#define CONNECT_USEC      (15 * USEC_PER_SEC)
#define CONNECT_EACH_USEC (3 * USEC_PER_SEC)
#define LOOK_USEC         (15 * USEC_PER_SEC) /* for the helper, that a busy systemd starts */

struct mqtt_net {
        const struct mqtt_settings *settings; /* borrowed */
        struct mqtt_resolver *resolver;
        struct mqtt_tls *tls;
        enum mqtt_net_state state;
        int fd;
        bool tls_wants_write;
        int helper;     /* asked whose listener it is; -1: not */
        bool is_vetoed; /* an address of this attempt was; by whose listener */
        uint32_t veto_uid;
        uint64_t deadline_usec;
        struct mqtt_address addresses[MQTT_ADDRESSES_MAX];
        size_t n_addresses, at;
        struct sockaddr_storage last; /* where the last attempt went */
        socklen_t last_len;           /* 0: there was none */
        char error[MQTT_ERROR_TEXT_MAX];
        const char *code;
};

int mqtt_net_new(const struct mqtt_settings *settings, struct mqtt_net **ret)
{
        struct mqtt_net *n = calloc(1, sizeof(*n));
        int r;

        if (!n)
                return -ENOMEM;
        n->settings = settings;
        n->fd = n->helper = -1;
        r = mqtt_resolver_new(&n->resolver);
        if (r < 0) {
                free(n);
                return r;
        }
        *ret = n;
        return 0;
}

struct mqtt_net *mqtt_net_free(struct mqtt_net *n)
{
        if (!n)
                return NULL;
        mqtt_net_close(n);
        n->resolver = mqtt_resolver_free(n->resolver);
        free(n);
        return NULL;
}

static void close_socket(struct mqtt_net *n)
{
        n->tls = mqtt_tls_free(n->tls);
        if (n->fd >= 0)
                (void)close(n->fd); /* the bytes written are the kernel's now */
        if (n->helper >= 0)
                (void)close(n->helper); /* only asked */
        n->fd = n->helper = -1;
}

void mqtt_net_close(struct mqtt_net *n)
{
        close_socket(n);
        n->state = MQTT_NET_CLOSED;
}

static void fail(struct mqtt_net *n, int error_number)
{
        n->code = n->is_vetoed ? mqtt_error_of_listener(n->veto_uid, n->settings, n->error)
                               : mqtt_error_of_network(error_number, n->settings, n->error);
        mqtt_net_close(n);
}

static void begin_handshake(struct mqtt_net *n, uint64_t now)
{
        int on = 1;

        if (n->settings->host[0] != '/')
                (void)setsockopt(n->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        n->state = MQTT_NET_UP;
        n->deadline_usec = UINT64_MAX;
        if (!n->settings->tls)
                return;
        n->state = MQTT_NET_HANDSHAKE;
        n->deadline_usec = now + CONNECT_USEC;
        n->code = "tls";
        if (mqtt_tls_new(n->settings, n->error, sizeof(n->error), &n->tls) < 0 ||
            mqtt_tls_connect(n->tls, n->fd) < 0)
                mqtt_net_close(n);
}

/* The result for the listener: 0, or why this address is not to be used. */
static int take_result(struct mqtt_net *n, int result, uint64_t now)
{
        if (result == -EPERM)
                n->is_vetoed = true;
        if (result == 0)
                begin_handshake(n, now);
        return result;
}

static int look_at_listener(struct mqtt_net *n, const struct sockaddr *address, uint64_t now)
{
        int r = n->settings->only_system ? mqtt_listener_look(address, &n->veto_uid, &n->helper)
                                         : 0;

        if (r != MQTT_LISTENER_ASKED)
                return take_result(n, r, now);
        n->state = MQTT_NET_LOOKING;
        n->deadline_usec = now + LOOK_USEC;
        return 0;
}

/* 0 when a connection is made or under way. */
static int connect_to(struct mqtt_net *n, const struct sockaddr *address, socklen_t len,
                      uint64_t now)
{
        int r;

        close_socket(n);
        n->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (n->fd < 0)
                return -errno;
        memcpy(&n->last, address, len);
        n->last_len = len;
        n->state = MQTT_NET_CONNECTING;
        n->deadline_usec = now + (n->n_addresses > 1 ? CONNECT_EACH_USEC : CONNECT_USEC);
        r = connect(n->fd, address, len);
        if (r < 0 && errno != EINPROGRESS)
                return -errno;
        return r == 0 ? look_at_listener(n, address, now) : 0;
}

/* The next address that can be tried; `error_number` is why the last one could not. */
static void connect_next(struct mqtt_net *n, int error_number, uint64_t now)
{
        int r = -error_number;

        while (n->at < n->n_addresses) {
                const struct mqtt_address *a = &n->addresses[n->at++];

                r = connect_to(n, (const struct sockaddr *)&a->address, a->len, now);
                if (r >= 0)
                        return;
        }
        fail(n, -r);
}

static void connect_path(struct mqtt_net *n, uint64_t now)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r;

        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", n->settings->host);
        n->n_addresses = n->at = 0;
        r = connect_to(n, (const struct sockaddr *)&address, sizeof(address), now);
        if (r < 0)
                fail(n, -r);
}

static void take_addresses(struct mqtt_net *n, uint64_t now)
{
        int code, error_number;

        if (!mqtt_resolver_take(n->resolver, n->addresses, &n->n_addresses, &code, &error_number))
                return;
        n->at = 0;
        if (code != 0) {
                n->code = mqtt_error_of_resolver(code, error_number, n->settings, n->error);
                mqtt_net_close(n);
                return;
        }
        connect_next(n, EHOSTUNREACH, now);
}

void mqtt_net_open(struct mqtt_net *n, uint64_t now)
{
        int r;

        mqtt_net_close(n);
        n->error[0] = '\0';
        n->tls_wants_write = n->is_vetoed = false;
        if (n->settings->host[0] == '/') {
                connect_path(n, now);
                return;
        }
        n->state = MQTT_NET_RESOLVING;
        n->deadline_usec = now + RESOLVE_USEC;
        r = mqtt_resolver_ask(n->resolver, n->settings->host, n->settings->port);
        if (r < 0)
                fail(n, -r);
        else
                take_addresses(n, now);
}

enum mqtt_net_state mqtt_net_state(const struct mqtt_net *n)
{
        return n->state;
}

const char *mqtt_net_error(const struct mqtt_net *n)
{
        return n->error;
}

const char *mqtt_net_error_code(const struct mqtt_net *n)
{
        return n->code;
}

int mqtt_net_fd(const struct mqtt_net *n)
{
        switch (n->state) {
        case MQTT_NET_RESOLVING:
                return mqtt_resolver_fd(n->resolver);
        case MQTT_NET_LOOKING:
                return n->helper;
        case MQTT_NET_CLOSED:
        case MQTT_NET_CONNECTING:
        case MQTT_NET_HANDSHAKE:
        case MQTT_NET_UP:
                break;
        }
        return n->fd;
}

short mqtt_net_events(const struct mqtt_net *n)
{
        switch (n->state) {
        case MQTT_NET_CONNECTING:
                return POLLOUT;
        case MQTT_NET_HANDSHAKE:
                return n->tls_wants_write ? POLLOUT : POLLIN;
        case MQTT_NET_CLOSED:
        case MQTT_NET_RESOLVING:
        case MQTT_NET_LOOKING:
        case MQTT_NET_UP:
                break;
        }
        return POLLIN;
}

uint64_t mqtt_net_deadline(const struct mqtt_net *n)
{
        return n->state == MQTT_NET_CLOSED ? UINT64_MAX : n->deadline_usec;
}

static void shake_hands(struct mqtt_net *n)
{
        int r = mqtt_tls_handshake(n->tls);

        n->tls_wants_write = r == MQTT_TLS_WANT_WRITE;
        if (r == MQTT_TLS_WANT_READ || r == MQTT_TLS_WANT_WRITE)
                return;
        if (r == 0) {
                n->state = MQTT_NET_UP;
                n->deadline_usec = UINT64_MAX;
                return;
        }
        n->code = "tls";
        if (!mqtt_tls_explain(n->tls, n->settings, n->error, sizeof(n->error)))
                n->code = mqtt_error_of_network(ECONNRESET, n->settings, n->error);
        mqtt_net_close(n);
}

static void take_connect_result(struct mqtt_net *n, uint64_t now)
{
        int error_number = 0;
        struct sockaddr_storage peer = { 0 };
        socklen_t len = sizeof(error_number), peer_len = sizeof(peer);

        if (getsockopt(n->fd, SOL_SOCKET, SO_ERROR, &error_number, &len) < 0 ||
            (error_number == 0 && getpeername(n->fd, (struct sockaddr *)&peer, &peer_len) < 0))
                error_number = errno;
        if (error_number == 0)
                error_number = -look_at_listener(n, (struct sockaddr *)&peer, now);
        if (error_number != 0)
                connect_next(n, error_number, now);
}

static void take_helpers_answer(struct mqtt_net *n, uint64_t now)
{
        int r = mqtt_listener_take(n->helper, &n->veto_uid);

        (void)close(n->helper); /* it has answered */
        n->helper = -1;
        r = take_result(n, r, now);
        if (r < 0)
                connect_next(n, -r, now);
}

static void time_out(struct mqtt_net *n, uint64_t now)
{
        if (n->state == MQTT_NET_CONNECTING && n->at < n->n_addresses) {
                connect_next(n, ETIMEDOUT, now);
                return;
        }
        if (n->state == MQTT_NET_LOOKING) {
                n->is_vetoed = true; /* the owner cannot be found out */
                connect_next(n, ETIMEDOUT, now);
                return;
        }
        if (n->state == MQTT_NET_RESOLVING)
                n->code = mqtt_error_of_slow_resolver(n->settings, n->error);
        else
                n->code = mqtt_error_of_silence(n->state == MQTT_NET_HANDSHAKE, n->settings,
                                                n->error);
        mqtt_net_close(n);
}

void mqtt_net_turn(struct mqtt_net *n, short revents, uint64_t now)
{
        if (!revents) {
                if (n->state != MQTT_NET_CLOSED && now >= n->deadline_usec)
                        time_out(n, now);
                return;
        }
        switch (n->state) {
        case MQTT_NET_RESOLVING:
                take_addresses(n, now);
                break;
        case MQTT_NET_CONNECTING:
                take_connect_result(n, now);
                break;
        case MQTT_NET_LOOKING:
                take_helpers_answer(n, now);
                break;
        case MQTT_NET_HANDSHAKE:
                shake_hands(n);
                break;
        case MQTT_NET_CLOSED:
        case MQTT_NET_UP:
                return;
        }
        /* TLS begins with our own words. */
        if (n->state == MQTT_NET_HANDSHAKE && !n->tls_wants_write)
                shake_hands(n);
}

int mqtt_net_knock(const struct mqtt_net *n)
{
        int fd, r;

        if (n->last_len == 0)
                return -ENOTCONN;
        fd = socket(n->last.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&n->last, n->last_len) == 0 ||
            errno == EINPROGRESS)
                return fd;
        r = -errno;
        (void)close(fd); /* nothing was sent */
        return r;
}

bool mqtt_net_was_let_in(int fd)
{
        struct sockaddr_storage peer;
        socklen_t len = sizeof(peer);
        ssize_t n;
        char byte;

        if (getpeername(fd, (struct sockaddr *)&peer, &len) < 0)
                return false;
        n = recv(fd, &byte, 1, MSG_PEEK);
        return n > 0 || (n < 0 && errno == EAGAIN); /* neither ended nor reset */
}

ssize_t mqtt_net_read(struct mqtt_net *n, void *buf, size_t size)
{
        ssize_t r;

        if (n->tls)
                return mqtt_tls_read(n->tls, buf, size);
        r = recv(n->fd, buf, size, 0);
        return r < 0 ? -errno : r;
}

ssize_t mqtt_net_write(struct mqtt_net *n, const void *buf, size_t size)
{
        ssize_t r;

        if (n->tls)
                return mqtt_tls_write(n->tls, buf, size);
        r = send(n->fd, buf, size, MSG_NOSIGNAL);
        return r < 0 ? -errno : r;
}

bool mqtt_net_has_pending(const struct mqtt_net *n)
{
        return n->tls && mqtt_tls_has_pending(n->tls);
}

bool mqtt_net_explain(const struct mqtt_net *n, char *error, size_t size)
{
        return n->tls && mqtt_tls_explain(n->tls, n->settings, error, size);
}
