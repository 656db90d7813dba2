/* SPDX-License-Identifier: MIT */
/*
 * The MQTT worker: connects, waits, connects again. All its times are monotonic microseconds.
 */
#include "mqtt-worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "lib/util.h"
#include "mqtt-client.h"
#include "mqtt-outbox.h"

#define USEC_PER_SEC UINT64_C(1000000)

#define BACKOFF_MIN_USEC  (1 * USEC_PER_SEC)
#define BACKOFF_MAX_USEC  (60 * USEC_PER_SEC)
#define BACKOFF_CALM_USEC (10 * USEC_PER_SEC) /* a connection this old was a good one */
/* So often in a row it is worth coming back soon to a broker that hangs up on single topics. */
#define QUICK_RETRIES_MAX (2 * MQTT_DENIED_MAX)
#define GREETING_USEC     (15 * USEC_PER_SEC) /* from connect() to CONNACK */
/* libmosquitto's keepalive wants to be looked after: a ping is late by this much at most, and the
 * broker waits for it 1.5 × 30 s. 0.07 wake-ups a second. */
#define HOUSEKEEPING_USEC (14 * USEC_PER_SEC)
#define STOP_USEC         (1 * USEC_PER_SEC) /* to send what is left */
#define GOODBYE_USEC      (USEC_PER_SEC / 2) /* for "offline" to be acknowledged */
#define JOIN_USEC         (2 * USEC_PER_SEC)
#define STACK_BYTES       (512 * 1024) /* address space; getaddrinfo() and TLS need some 100 kB */

struct mqtt_worker {
        pthread_t thread;
        pthread_mutex_t life; /* guards the three below */
        bool in_blocking;     /* in mqtt_client_open(): touches nothing but client and settings */
        bool abandoned;       /* nobody waits any more: free yourself */
        bool finished;        /* the thread touches nothing any more */
        pthread_cond_t ended; /* tells of it; on the monotonic clock */

        struct mqtt_queue *queue;
        struct mqtt_settings settings;
        struct mqtt_client *client;
        struct mqtt_outbox outbox;
        struct mqtt_spool
                *later; /* for the outbox, when the broker has answered; NULL: it has it */

        bool is_open; /* opened, and its end not yet dealt with */
        bool was_up;  /* … and greeted */
        uint64_t opened_usec, up_usec, retry_usec, backoff_usec;
        unsigned int n_quick_retries;
        bool stopping, said_offline;
        uint64_t stop_usec;
        bool status_changed;
        struct mqtt_status status;
};

static uint64_t now_usec(void)
{
        struct timespec ts;

        (void)clock_gettime(CLOCK_MONOTONIC, &ts); /* cannot fail for this clock */
        return (uint64_t)ts.tv_sec * USEC_PER_SEC + (uint64_t)ts.tv_nsec / 1000;
}

static void set_error(struct mqtt_worker *w, char to[static MQTT_ERROR_MAX], const char *from)
{
        if (strncmp(to, from, MQTT_ERROR_MAX - 1) == 0)
                return;
        (void)snprintf(to, MQTT_ERROR_MAX, "%.*s", MQTT_ERROR_MAX - 1, from);
        w->status_changed = true;
}

static void set_denied(struct mqtt_worker *w)
{
        struct mqtt_status *status = &w->status;
        const struct mqtt_denied_topic *first;
        const char *topic;
        size_t n;

        first = mqtt_denied_first(&w->outbox.denied, &n);
        topic = first ? first->topic : "";
        status->denied_guessed = first && first->guessed;
        if (strncmp(status->denied_topic, topic, sizeof(status->denied_topic) - 1) == 0 &&
            status->denied_more == (n > 1))
                return;
        (void)snprintf(status->denied_topic, sizeof(status->denied_topic), "%.127s", topic);
        status->denied_more = n > 1;
        w->status_changed = true;
}

static void report(struct mqtt_worker *w)
{
        struct mqtt_outbox *o = &w->outbox;
        struct mqtt_status *status = &w->status;
        bool up = mqtt_client_state(w->client) == MQTT_CLIENT_UP;

        w->status_changed = w->status_changed || o->changed || status->connected != up;
        o->changed = false;
        status->connected = up;
        status->in_flight = o->n_in_flight + o->pending.n;
        status->published = o->published;
        status->dropped = o->dropped;
        status->spooled = mqtt_outbox_spooled(o);
        set_denied(w);
        if (o->spool)
                set_error(w, status->spool_error, mqtt_spool_error(o->spool));
        mqtt_queue_report(w->queue, status, w->status_changed);
        w->status_changed = false;
}

/* 75 % to 125 %: a hundred services must not come back in the same instant. */
static uint64_t jitter(uint64_t usec)
{
        uint32_t r = 0;

        if (getrandom(&r, sizeof(r), GRND_NONBLOCK) < 0)
                r = 0; /* too early for randomness: none then */
        return usec * 3 / 4 + usec / 2 * (r % 1024) / 1024;
}

static void connection_lost(struct mqtt_worker *w, uint64_t now)
{
        bool calm = w->was_up && now - w->up_usec >= BACKOFF_CALM_USEC;
        enum mqtt_hangup hangup =
                mqtt_outbox_judge(&w->outbox, mqtt_client_hung_up(w->client), now);
        bool quick = hangup != MQTT_HANGUP_PLAIN;

        mqtt_outbox_recover(&w->outbox);
        w->is_open = w->was_up = false;
        /* It has hung up after refusing a message: what it refused is the news then. */
        set_error(w, w->status.error,
                  hangup == MQTT_HANGUP_DENIED ? "" : mqtt_client_error(w->client));
        w->n_quick_retries = quick && !calm ? w->n_quick_retries + 1 : 0;
        quick = quick && w->n_quick_retries <= QUICK_RETRIES_MAX;
        if (mqtt_client_retry_now(w->client) || (quick && hangup == MQTT_HANGUP_DENIED)) {
                w->retry_usec = now;
                return;
        }
        if (calm || quick || w->backoff_usec == 0)
                w->backoff_usec = BACKOFF_MIN_USEC;
        w->retry_usec = now + jitter(w->backoff_usec);
        w->backoff_usec = MIN(2 * w->backoff_usec, BACKOFF_MAX_USEC);
}

static void leave_blocking(struct mqtt_worker *w)
{
        bool abandoned;

        (void)pthread_mutex_lock(&w->life);
        w->in_blocking = false;
        abandoned = w->abandoned;
        (void)pthread_mutex_unlock(&w->life);
        if (!abandoned)
                return;
        /* Queue and spool have been taken away; what is left is ours alone. */
        w->client = mqtt_client_free(w->client);
        mqtt_settings_done(&w->settings);
        (void)pthread_cond_destroy(&w->ended);
        (void)pthread_mutex_destroy(&w->life);
        free(w);
        pthread_exit(NULL);
}

static void open_connection(struct mqtt_worker *w)
{
        (void)pthread_mutex_lock(&w->life);
        w->in_blocking = true;
        (void)pthread_mutex_unlock(&w->life);
        mqtt_client_open(w->client);
        leave_blocking(w);

        w->opened_usec = now_usec();
        w->is_open = true;
}

static void say_online(struct mqtt_worker *w, uint64_t now)
{
        /* If it cannot be said, the connection has failed, and it is said on the next one. */
        (void)mqtt_outbox_say(&w->outbox, w->client, w->settings.state_topic, "online", now);
}

static void connection_made(struct mqtt_worker *w, uint64_t now)
{
        w->was_up = true;
        w->up_usec = now;
        w->status.n_connects++;
        w->status_changed = true;
        w->outbox.has_reasons = mqtt_client_has_reasons(w->client);
        set_error(w, w->status.error, "");
        if (w->later) {
                mqtt_spool_set_reached(w->later);
                w->outbox.spool = TAKE(w->later);
        }
        say_online(w, now);
}

/* The topics that were left out for a while may be allowed by now: the states among them are told.
 */
static void retry_denied(struct mqtt_worker *w, uint64_t now)
{
        if (!mqtt_denied_take_due(&w->outbox.denied, now))
                return;
        say_online(w, now);
        w->status.n_retries++;
        w->status_changed = true;
}

static void on_ack(void *userdata, int mid, int reason)
{
        struct mqtt_worker *w = userdata;

        mqtt_outbox_acknowledge(&w->outbox, mid, reason, now_usec());
}

static void on_birth(void *userdata)
{
        struct mqtt_worker *w = userdata;

        w->status.n_births++;
        w->status_changed = true;
}

static uint64_t deadline(const struct mqtt_worker *w, uint64_t now)
{
        enum mqtt_client_state state = mqtt_client_state(w->client);
        uint64_t next = mqtt_outbox_deadline(&w->outbox, state == MQTT_CLIENT_UP, now);

        if (w->stopping)
                next = MIN(next, w->stop_usec);
        switch (state) {
        case MQTT_CLIENT_CLOSED:
                return MIN(next, w->retry_usec);
        case MQTT_CLIENT_CONNECTING:
                return MIN(next, w->opened_usec + GREETING_USEC);
        case MQTT_CLIENT_UP:
                break;
        }
        /* More to send than one burst: only a look at the socket. */
        if (mqtt_outbox_can_send(&w->outbox))
                return 0;
        return MIN(next, now + HOUSEKEEPING_USEC);
}

static void wait_for_work(struct mqtt_worker *w)
{
        struct pollfd fds[2] = { { .fd = mqtt_queue_wake_fd(w->queue), .events = POLLIN } };
        uint64_t now = now_usec(), next = deadline(w, now);
        struct timespec timeout = { 0 };
        nfds_t n = 1;
        int r;

        if (mqtt_client_state(w->client) != MQTT_CLIENT_CLOSED)
                fds[n++] = (struct pollfd){ .fd = mqtt_client_fd(w->client),
                                            .events = mqtt_client_poll_events(w->client) };
        if (next > now) {
                timeout.tv_sec = (time_t)((next - now) / USEC_PER_SEC);
                timeout.tv_nsec = (long)((next - now) % USEC_PER_SEC * 1000);
        }
        r = ppoll(fds, n, &timeout, NULL);
        if (n > 1)
                mqtt_client_turn(w->client, r > 0 ? fds[1].revents : 0);
}

static void watch_connection(struct mqtt_worker *w, uint64_t now)
{
        bool silent = false;

        switch (mqtt_client_state(w->client)) {
        case MQTT_CLIENT_CLOSED:
                break;
        case MQTT_CLIENT_CONNECTING:
                silent = now - w->opened_usec >= GREETING_USEC;
                break;
        case MQTT_CLIENT_UP:
                silent = mqtt_outbox_is_overdue(&w->outbox, now);
                break;
        }
        if (silent)
                mqtt_client_time_out(w->client);
        if (w->is_open && mqtt_client_state(w->client) == MQTT_CLIENT_CLOSED)
                connection_lost(w, now);
}

/* One step of connecting, publishing, or keeping. */
static void step(struct mqtt_worker *w)
{
        uint64_t now = now_usec();

        if (mqtt_client_state(w->client) == MQTT_CLIENT_CLOSED && !w->stopping &&
            now >= w->retry_usec) {
                open_connection(w);
                now = now_usec();
        }
        if (mqtt_client_state(w->client) == MQTT_CLIENT_UP) {
                if (!w->was_up)
                        connection_made(w, now);
                retry_denied(w, now);
                mqtt_outbox_pump(&w->outbox, w->client, mqtt_queue_is_crowded(w->queue), now);
        } else {
                mqtt_outbox_keep(&w->outbox, now);
        }
        mqtt_outbox_tidy(&w->outbox, now);
}

static void handle_requests(struct mqtt_worker *w, unsigned int requests)
{
        if (requests & MQTT_REQUEST_RECONNECT) {
                mqtt_client_disconnect(w->client);
                mqtt_outbox_recover(&w->outbox);
                mqtt_denied_clear(&w->outbox.denied); /* perhaps it is allowed by now */
                w->outbox.careful_until_usec = 0;
                w->is_open = w->was_up = false;
                w->retry_usec = w->backoff_usec = 0;
        }
        if (requests & MQTT_REQUEST_RETRY) {
                mqtt_denied_retry(&w->outbox.denied, now_usec());
                w->retry_usec = 0;
        }
        if (requests & MQTT_REQUEST_STOP) {
                w->stopping = true;
                w->stop_usec = now_usec() + STOP_USEC;
        }
}

/* True when there is nothing more to do, or no more time for it. */
static bool has_stopped(struct mqtt_worker *w)
{
        uint64_t now = now_usec();

        if (!w->stopping)
                return false;
        if (mqtt_client_state(w->client) != MQTT_CLIENT_UP)
                return true;
        if (!mqtt_outbox_is_empty(&w->outbox) && now < w->stop_usec)
                return false;
        if (w->said_offline)
                return true;
        w->said_offline = true;
        w->stop_usec = now + GOODBYE_USEC;
        return !mqtt_outbox_say(&w->outbox, w->client, w->settings.state_topic, "offline", now);
}

static void *run(void *userdata)
{
        struct mqtt_worker *w = userdata;

        (void)pthread_setname_np(pthread_self(), "mqtt"); /* only for those who look at threads */
        for (;;) {
                handle_requests(w, mqtt_queue_take(w->queue, mqtt_outbox_has_room(&w->outbox)
                                                                     ? &w->outbox.pending
                                                                     : NULL));
                step(w);
                if (has_stopped(w))
                        break;
                report(w);
                wait_for_work(w);
                watch_connection(w, now_usec());
        }
        mqtt_client_disconnect(w->client);
        (void)pthread_mutex_lock(&w->life);
        w->finished = true;
        (void)pthread_cond_signal(&w->ended);
        (void)pthread_mutex_unlock(&w->life);
        return NULL;
}

static void worker_destroy(struct mqtt_worker *w)
{
        w->client = mqtt_client_free(w->client);
        mqtt_outbox_done(&w->outbox);
        w->later = mqtt_spool_free(w->later);
        mqtt_settings_done(&w->settings);
        (void)pthread_cond_destroy(&w->ended);
        (void)pthread_mutex_destroy(&w->life);
        mqtt_client_library_done();
        free(w);
}

static void init_locks(struct mqtt_worker *w)
{
        pthread_condattr_t attr;

        /* None of these can fail with default attributes and this clock (glibc). */
        (void)pthread_mutex_init(&w->life, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&w->ended, &attr);
        (void)pthread_condattr_destroy(&attr);
}

/* With every signal blocked: they are the main loop's. */
static int start_thread(struct mqtt_worker *w)
{
        pthread_attr_t attr;
        sigset_t all, before;
        int code;

        code = pthread_attr_init(&attr);
        if (code != 0)
                return -code;
        (void)pthread_attr_setstacksize(&attr, STACK_BYTES); /* else the default, which is larger */
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        code = pthread_create(&w->thread, &attr, run, w);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attr);
        return -code;
}

int mqtt_worker_new(struct mqtt_worker_options *options, struct mqtt_worker **ret)
{
        struct mqtt_worker *w = calloc(1, sizeof(*w));
        struct mqtt_client_events events = { on_ack, on_birth, w };
        int r;

        if (!w) {
                mqtt_settings_done(&options->settings);
                options->spool = mqtt_spool_free(options->spool);
                return -ENOMEM;
        }
        w->queue = options->queue;
        w->settings = options->settings;
        if (options->spool_when_reached && options->spool &&
            !mqtt_spool_was_reached(options->spool))
                w->later = TAKE(options->spool);
        w->outbox.spool = TAKE(options->spool);
        w->outbox.write_ahead = options->write_ahead;
        w->outbox.denied.usec = options->denied_usec;
        options->settings = (struct mqtt_settings){ 0 };
        init_locks(w);
        mqtt_client_library_init();
        r = mqtt_client_new(&w->settings, &events, &w->client);
        if (r >= 0)
                r = start_thread(w);
        if (r < 0) {
                worker_destroy(w);
                return r;
        }
        *ret = w;
        return 0;
}

/* What is left in memory goes to the spool. Returns how many messages found no place. */
static uint64_t store_rest(struct mqtt_worker *w)
{
        (void)mqtt_queue_take(w->queue, &w->outbox.pending);
        return mqtt_outbox_store(&w->outbox);
}

/* Waits for the thread. False: it hangs where it can be left behind, and has been. */
static bool wait_for_end(struct mqtt_worker *w, uint64_t *ret_lost)
{
        struct timespec until;
        bool left_behind = false;
        int code = 0;

        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += (time_t)(JOIN_USEC / USEC_PER_SEC);
        (void)pthread_mutex_lock(&w->life);
        while (!w->finished && code == 0)
                code = pthread_cond_timedwait(&w->ended, &w->life, &until);
        if (!w->finished && w->in_blocking) {
                *ret_lost = store_rest(w);
                mqtt_outbox_done(&w->outbox);
                w->abandoned = left_behind = true;
                (void)pthread_detach(w->thread); /* ours, and joinable: cannot fail */
        }
        (void)pthread_mutex_unlock(&w->life);
        return !left_behind;
}

struct mqtt_worker *mqtt_worker_free(struct mqtt_worker *w, uint64_t *ret_lost)
{
        int code;

        if (!w)
                return NULL;
        mqtt_queue_request(w->queue, MQTT_REQUEST_STOP);
        if (!wait_for_end(w, ret_lost))
                return NULL;
        code = pthread_join(w->thread,
                            NULL); /* at the worst it is at the disk: slow, not endless */
        assert(code == 0);
        *ret_lost = store_rest(w);
        worker_destroy(w);
        return NULL;
}
