/* SPDX-License-Identifier: MIT */
/*
 * One question at a time, shared by the asker and the thread, and freed by the last of the two.
 */
#include "mqtt-resolver.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/thread.h"
#include "base/util.h"

#define STACK_BYTES \
        (256 * 1024) /* address space; getaddrinfo() with nss modules needs some 50 kB */
#define HOST_MAX 256

struct mqtt_resolver {
        pthread_mutex_t mutex;
        int n_users; /* the asker, and the thread while there is one */
        int fd;
        bool asked, answered;
        char host[HOST_MAX], port[8];
        struct mqtt_address addresses[MQTT_ADDRESSES_MAX];
        size_t n;
        int code, error_number;
};

int mqtt_resolver_new(struct mqtt_resolver **ret)
{
        struct mqtt_resolver *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (r->fd < 0) {
                free(r);
                return -errno;
        }
        (void)pthread_mutex_init(&r->mutex, NULL); /* cannot fail for a default mutex */
        r->n_users = 1;
        *ret = r;
        return 0;
}

/* Under the lock: the thread of the question before may be about to leave. */
static int count_user(struct mqtt_resolver *r, int change)
{
        int left;

        (void)pthread_mutex_lock(&r->mutex);
        r->n_users += change;
        left = r->n_users;
        (void)pthread_mutex_unlock(&r->mutex);
        return left;
}

struct mqtt_resolver *mqtt_resolver_free(struct mqtt_resolver *r)
{
        if (!r || count_user(r, -1) > 0)
                return NULL;
        (void)close(r->fd);
        (void)pthread_mutex_destroy(&r->mutex);
        free(r);
        return NULL;
}

static void answer(struct mqtt_resolver *r, int code, int error_number, const struct addrinfo *list)
{
        uint64_t one = 1;

        (void)pthread_mutex_lock(&r->mutex);
        r->code = code;
        r->error_number = error_number;
        r->n = 0;
        for (const struct addrinfo *a = list; a && r->n < MQTT_ADDRESSES_MAX; a = a->ai_next) {
                if (a->ai_addrlen > sizeof(r->addresses[0].address))
                        continue;
                memcpy(&r->addresses[r->n].address, a->ai_addr, a->ai_addrlen);
                r->addresses[r->n++].len = a->ai_addrlen;
        }
        r->answered = true;
        (void)!write(r->fd, &one, sizeof(one)); /* a counter at 0 takes 1 */
        (void)pthread_mutex_unlock(&r->mutex);
}

static void resolve(struct mqtt_resolver *r, int flags)
{
        struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags }, *list = NULL;
        int code;

        errno = 0;
        code = getaddrinfo(r->host, r->port, &hints, &list);
        if (code == 0 || !(flags & AI_NUMERICHOST))
                answer(r, code, errno, list);
        if (list)
                freeaddrinfo(list);
}

static void *run(void *userdata)
{
        struct mqtt_resolver *r = userdata;

        (void)pthread_setname_np(pthread_self(), "resolver"); /* only a name for debuggers */
        resolve(r, 0);
        (void)mqtt_resolver_free(r);
        return NULL;
}

static int start_thread(struct mqtt_resolver *r)
{
        int result;

        (void)count_user(r, 1);
        result = thread_start(run, r, STACK_BYTES, NULL);
        if (result < 0)
                (void)count_user(r, -1);
        return result;
}

int mqtt_resolver_ask(struct mqtt_resolver *r, const char *host, unsigned short port)
{
        int result;

        if (r->asked)
                return 0;
        (void)snprintf(r->host, sizeof(r->host), "%s", host);
        (void)snprintf(r->port, sizeof(r->port), "%u", port);
        r->asked = true;
        resolve(r, AI_NUMERICHOST); /* no name: no question, and no thread */
        if (r->answered)
                return 0;
        result = start_thread(r);
        if (result < 0)
                r->asked = false;
        return result;
}

int mqtt_resolver_fd(const struct mqtt_resolver *r)
{
        return r->fd;
}

bool mqtt_resolver_take(struct mqtt_resolver *r, struct mqtt_address ret[static MQTT_ADDRESSES_MAX],
                        size_t *ret_n, int *ret_code, int *ret_errno)
{
        uint64_t count;
        bool answered;

        (void)pthread_mutex_lock(&r->mutex);
        answered = r->answered;
        if (answered) {
                memcpy(ret, r->addresses, sizeof(r->addresses));
                *ret_n = r->n;
                *ret_code = r->code;
                *ret_errno = r->error_number;
                r->asked = r->answered = false;
                (void)!read(r->fd, &count, sizeof(count)); /* written with the answer */
        }
        (void)pthread_mutex_unlock(&r->mutex);
        return answered;
}
