/* SPDX-License-Identifier: MIT */
/*
 * The bounded ring between the main loop and the MQTT worker.
 */
#include "mqtt-queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "base/util.h"

struct mqtt_queue {
        pthread_mutex_t mutex;
        struct message_list list;
        size_t bytes_max;
        uint64_t dropped, states_left_out;
        unsigned int requests;
        struct mqtt_status status;
        uint64_t pushed, taken, kept; /* tickets */
        bool wake_set, news_set;      /* the eventfd has been written and not read yet */
        int wake_fd, news_fd;
};

DEFINE_OWNED(mqtt_queue, struct mqtt_queue *, mqtt_queue_free);

int mqtt_queue_new(size_t bytes_max, struct mqtt_queue **ret)
{
        OWNED(mqtt_queue) struct mqtt_queue *q = NULL;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        q->bytes_max = bytes_max;
        q->wake_fd = q->news_fd = -1;
        (void)pthread_mutex_init(&q->mutex, NULL); /* cannot fail for a default mutex */
        q->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (q->wake_fd < 0)
                return -errno;
        q->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (q->news_fd < 0)
                return -errno;
        *ret = TAKE(q);
        return 0;
}

struct mqtt_queue *mqtt_queue_free(struct mqtt_queue *q)
{
        if (!q)
                return NULL;
        message_list_clear(&q->list);
        if (q->wake_fd >= 0)
                (void)close(q->wake_fd);
        if (q->news_fd >= 0)
                (void)close(q->news_fd);
        (void)pthread_mutex_destroy(&q->mutex);
        free(q);
        return NULL;
}

int mqtt_queue_wake_fd(const struct mqtt_queue *q)
{
        return q->wake_fd;
}

int mqtt_queue_news_fd(const struct mqtt_queue *q)
{
        return q->news_fd;
}

static void lock(struct mqtt_queue *q)
{
        int r = pthread_mutex_lock(&q->mutex);

        assert(r == 0);
}

static void unlock(struct mqtt_queue *q)
{
        int r = pthread_mutex_unlock(&q->mutex);

        assert(r == 0);
}

/* With the mutex held: true when the other side must be woken, which is done without the mutex, or
 * it would wake only to wait for us. */
static bool claim(bool *set)
{
        bool claimed = !*set;

        *set = true;
        return claimed;
}

static void wake(int fd)
{
        uint64_t one = 1;
        ssize_t n = write(fd, &one, sizeof(one)); /* a counter at 0 takes 1 without blocking */

        assert(n == sizeof(one));
}

static void clear_fd(int fd, bool *set)
{
        uint64_t count;

        if (!*set)
                return;
        /* Claimed, and not written yet: then we are woken once more, for nothing. */
        if (read(fd, &count, sizeof(count)) == sizeof(count))
                *set = false;
}

static void keep_bound(struct mqtt_queue *q)
{
        static const enum message_class order[] = { MESSAGE_INSTANTANEOUS, MESSAGE_STATE,
                                                    MESSAGE_ENERGY };

        for (size_t i = 0; i < ELEMENTSOF(order); i++) {
                while (q->list.bytes > q->bytes_max) {
                        struct message *m = message_list_take_oldest(&q->list, order[i]);

                        if (!m)
                                break;
                        if (order[i] != MESSAGE_STATE)
                                q->dropped++;
                        else if (m->attributes.qos > 0) /* a plain value comes again by itself */
                                q->states_left_out++;
                        free(m);
                }
        }
}

static void push(struct mqtt_queue *q, struct message_list *list, uint64_t ticket,
                 void (*add)(struct message_list *to, struct message_list *from))
{
        bool must_wake;

        if (!list->head)
                return;
        lock(q);
        q->pushed = MAX(q->pushed, ticket);
        add(&q->list, list);
        keep_bound(q);
        must_wake = claim(&q->wake_set);
        unlock(q);
        if (must_wake)
                wake(q->wake_fd);
}

void mqtt_queue_push_ticket(struct mqtt_queue *q, struct message_list *list, uint64_t ticket)
{
        push(q, list, ticket, message_list_append);
}

void mqtt_queue_push(struct mqtt_queue *q, struct message_list *list)
{
        push(q, list, 0, message_list_append);
}

void mqtt_queue_push_first(struct mqtt_queue *q, struct message_list *list)
{
        push(q, list, 0, message_list_prepend);
}

uint64_t mqtt_queue_kept(struct mqtt_queue *q)
{
        uint64_t kept;

        lock(q);
        kept = q->kept;
        unlock(q);
        return kept;
}

unsigned int mqtt_queue_take(struct mqtt_queue *q, struct message_list *list)
{
        unsigned int requests;

        lock(q);
        clear_fd(q->wake_fd, &q->wake_set);
        if (list) {
                message_list_append(list, &q->list);
                q->taken = q->pushed;
        }
        requests = q->requests;
        q->requests = 0;
        unlock(q);
        return requests;
}

bool mqtt_queue_is_crowded(struct mqtt_queue *q)
{
        bool crowded;

        lock(q);
        crowded = q->list.bytes >= q->bytes_max / 2;
        unlock(q);
        return crowded;
}

void mqtt_queue_request(struct mqtt_queue *q, enum mqtt_request request)
{
        bool must_wake;

        lock(q);
        q->requests |= request;
        must_wake = claim(&q->wake_set);
        unlock(q);
        if (must_wake)
                wake(q->wake_fd);
}

void mqtt_queue_report(struct mqtt_queue *q, const struct mqtt_status *status, bool urgent)
{
        bool must_wake;

        lock(q);
        q->status = *status;
        if (status->kept && q->kept != q->taken) {
                q->kept = q->taken;
                urgent = true;
        }
        must_wake = urgent && claim(&q->news_set);
        unlock(q);
        if (must_wake)
                wake(q->news_fd);
}

void mqtt_queue_status(struct mqtt_queue *q, struct mqtt_status *ret, struct mqtt_ring *ret_ring)
{
        lock(q);
        clear_fd(q->news_fd, &q->news_set);
        *ret = q->status;
        *ret_ring = (struct mqtt_ring){ q->list.n, q->dropped, q->states_left_out };
        unlock(q);
}
