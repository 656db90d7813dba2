/* SPDX-License-Identifier: MIT */
/*
 * Host= to addresses, without waiting: getaddrinfo() knows no deadline, so a thread of its own
 * waits for it. There is one thread at most; a question asked again while it hangs gets its
 * answer when it comes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#define MQTT_ADDRESSES_MAX 8

struct mqtt_address {
        struct sockaddr_storage address;
        socklen_t len;
};

struct mqtt_resolver;

int mqtt_resolver_new(struct mqtt_resolver **ret);
/* Never waits: a thread that hangs is left behind, and ends by itself. */
struct mqtt_resolver *mqtt_resolver_free(struct mqtt_resolver *r);

/* Begins to ask, unless it is being asked. -errno when no thread can be made. */
int mqtt_resolver_ask(struct mqtt_resolver *r, const char *host, unsigned short port);
/* Readable when there is an answer. */
int mqtt_resolver_fd(const struct mqtt_resolver *r);
/* Takes the answer: true when there is one. *ret_code is getaddrinfo()'s, with errno beside it. */
bool mqtt_resolver_take(struct mqtt_resolver *r, struct mqtt_address ret[static MQTT_ADDRESSES_MAX],
                        size_t *ret_n, int *ret_code, int *ret_errno);
