/* SPDX-License-Identifier: MIT */
/*
 * The MQTT worker: connects, waits, connects again. All its times are monotonic microseconds.
 */
#include "mqtt-worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/jobs.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/util.h"
#include "mqtt-client.h"
#include "mqtt-error.h"
#include "mqtt-net.h"
#include "mqtt-outbox.h"

#define USEC_PER_SEC UINT64_C(1000000)

#define BACKOFF_MIN_USEC  (1 * USEC_PER_SEC)
#define BACKOFF_MAX_USEC  (60 * USEC_PER_SEC)
#define BACKOFF_CALM_USEC (10 * USEC_PER_SEC) /* a connection this old was a good one */
/* So often in a row it is worth coming back soon to a broker that hangs up on single topics. */
#define QUICK_RETRIES_MAX (2 * MQTT_DENIED_MAX)
/* libmosquitto's keepalive wants to be looked after: a ping is late by this much and half a second
 * (mqtt_client_turn()) at most, and the broker waits for it 1.5 × 30 s. 0.07 wake-ups a second. */
#define HOUSEKEEPING_USEC (27 * USEC_PER_SEC / 2)
/* So often in this time, by a broker that goes on taking connections, is no accident: another
 * client has our client id. */
#define CLASH_HANGUPS 3
#define CLASH_USEC    (60 * USEC_PER_SEC)
/* A broker that leaves, or is not yet back, has shown it by then; shorter than any retry. */
#define KNOCK_USEC   (USEC_PER_SEC / 2)
#define STOP_USEC    (1 * USEC_PER_SEC) /* to send what is left */
#define GOODBYE_USEC (USEC_PER_SEC / 2) /* for "offline" to be acknowledged */
#define STACK_BYTES  (512 * 1024)       /* address space; TLS needs some 100 kB */

struct mqtt_worker {
        pthread_t thread;
        pthread_mutex_t lock; /* of these three */
        pthread_cond_t over;
        bool ended, abandoned; /* the second to come frees what is left */
        struct mqtt_queue *queue;
        struct mqtt_settings settings;
        struct mqtt_client *client;
        struct mqtt_outbox outbox;
        struct mqtt_spool
                *later; /* for the outbox, when the broker has answered; NULL: it has it */
        bool spool_when_reached;

        bool is_open;                    /* opened, and its end not yet dealt with */
        bool was_up;                     /* … and greeted */
        uint64_t hangups[CLASH_HANGUPS]; /* when it hung up; the last first; 0: not yet */
        int knock;                       /* is it still there, after the last time? -1: not asked */
        uint64_t hung_up_usec;           /* that last time */
        uint64_t up_usec, retry_usec, backoff_usec;
        unsigned int n_quick_retries;
        bool stopping, said_offline;
        bool withdrawn; /* the goodbye leaves nothing retained */
        uint64_t stop_usec;
        uint64_t asked_usec; /* when it was first asked to stop; the main loop's, 0: it was not */
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
        status->kept = mqtt_outbox_is_kept(o);
        status->published = o->published;
        status->dropped = o->dropped;
        status->spooled = mqtt_outbox_spooled(o);
        set_denied(w);
        status->hold_reason = up ? o->hold_reason : 0;
        if (strcmp(status->too_large, o->too_large) != 0)
                (void)snprintf(status->too_large, sizeof(status->too_large), "%.127s",
                               o->too_large);
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

static void forget_hangups(struct mqtt_worker *w)
{
        memset(w->hangups, 0, sizeof(w->hangups));
}

static void end_knock(struct mqtt_worker *w)
{
        if (w->knock >= 0)
                (void)close(w->knock); /* nothing was sent */
        w->knock = -1;
}

/* A broker that is started anew hangs up on everybody, but then it is away: that is no take-over,
 * and what came before it says no more. */
static void take_knock(struct mqtt_worker *w)
{
        if (w->knock < 0)
                return;
        if (mqtt_net_was_let_in(w->knock)) {
                memmove(&w->hangups[1], &w->hangups[0], sizeof(w->hangups) - sizeof(w->hangups[0]));
                w->hangups[0] = w->hung_up_usec;
        } else {
                forget_hangups(w);
        }
        end_knock(w);
}

/* One that throws another out and is thrown out by it is greeted each time, and then hung up on. */
static bool is_clash(struct mqtt_worker *w, enum mqtt_hangup hangup, uint64_t now)
{
        uint64_t first = w->hangups[CLASH_HANGUPS - 1];

        if (hangup == MQTT_HANGUP_DENIED)
                return false;
        if (!mqtt_client_hung_up(w->client)) { /* not there, not answering, or with a reason */
                forget_hangups(w);
                return false;
        }
        end_knock(w);
        w->hung_up_usec = now;
        w->knock = mqtt_client_knock(w->client);
        if (w->knock < 0)
                forget_hangups(w);
        return w->knock >= 0 && first != 0 && now - first < CLASH_USEC;
}

static void report_clash(struct mqtt_worker *w)
{
        char error[MQTT_ERROR_MAX];

        w->status.error_code = mqtt_error_of_clash(&w->settings, error);
        set_error(w, w->status.error, error);
}

static void connection_lost(struct mqtt_worker *w, uint64_t now)
{
        bool calm = w->was_up && now - w->up_usec >= BACKOFF_CALM_USEC;
        enum mqtt_hangup hangup =
                mqtt_outbox_assess(&w->outbox, mqtt_client_hung_up(w->client), now);
        bool quick = hangup != MQTT_HANGUP_PLAIN;
        bool older = mqtt_client_retry_now(w->client); /* the next version of MQTT may be spoken */

        mqtt_outbox_recover(&w->outbox);
        w->is_open = w->was_up = false;
        if (!older) {
                /* It has hung up after refusing a message: the refusal is the news then. */
                set_error(w, w->status.error,
                          hangup == MQTT_HANGUP_DENIED ? "" : mqtt_client_error(w->client));
                w->status.error_code = mqtt_client_error_code(w->client);
        }
        if (!older && is_clash(w, hangup, now))
                report_clash(w);
        w->n_quick_retries = quick && !calm ? w->n_quick_retries + 1 : 0;
        quick = quick && w->n_quick_retries <= QUICK_RETRIES_MAX;
        if (older || (quick && hangup == MQTT_HANGUP_DENIED)) {
                w->retry_usec = now;
                return;
        }
        if (calm || quick || w->backoff_usec == 0)
                w->backoff_usec = BACKOFF_MIN_USEC;
        w->retry_usec = now + jitter(w->backoff_usec);
        w->backoff_usec = MIN(2 * w->backoff_usec, BACKOFF_MAX_USEC);
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
        w->status.memory = MQTT_MEMORY_UNKNOWN;
        w->status_changed = true;
        w->outbox.has_reasons = mqtt_client_has_reasons(w->client);
        set_error(w, w->status.error, "");
        if (w->later) {
                mqtt_spool_set_reached(w->later);
                w->outbox.spool = TAKE(w->later);
        }
        say_online(w, now);
}

/* Topics that were left out may be allowed by now: the states among them are published again. */
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

/* A will of another connection, or a foreign client: the retained state must be true again. */
static void on_offline(void *userdata)
{
        struct mqtt_worker *w = userdata;

        if (w->stopping)
                return;
        w->status.n_offlines++;
        w->status_changed = true;
        say_online(w, now_usec());
}

static void on_memory(void *userdata, bool kept)
{
        struct mqtt_worker *w = userdata;

        w->status.memory = kept ? MQTT_MEMORY_KEPT : MQTT_MEMORY_BLANK;
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
                if (w->knock >= 0)
                        next = MIN(next, w->hung_up_usec + KNOCK_USEC);
                return MIN(next, w->retry_usec);
        case MQTT_CLIENT_CONNECTING:
                return MIN(next, mqtt_client_deadline(w->client));
        case MQTT_CLIENT_UP:
                break;
        }
        /* More to send than one burst: only a look at the socket. */
        if (mqtt_outbox_can_send(&w->outbox, now) && mqtt_client_has_room(w->client))
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
                mqtt_client_turn(w->client, r > 0 ? fds[1].revents : 0, now_usec());
}

static void watch_connection(struct mqtt_worker *w, uint64_t now)
{
        if (mqtt_client_state(w->client) == MQTT_CLIENT_UP &&
            mqtt_outbox_is_overdue(&w->outbox, now))
                mqtt_client_time_out(w->client);
        if (w->is_open && mqtt_client_state(w->client) == MQTT_CLIENT_CLOSED)
                connection_lost(w, now);
}

/* One step of connecting, publishing, or keeping. */
static void step(struct mqtt_worker *w)
{
        uint64_t now = now_usec();

        if (now >= MIN(w->retry_usec, w->hung_up_usec + KNOCK_USEC))
                take_knock(w);
        if (mqtt_client_state(w->client) == MQTT_CLIENT_CLOSED && !w->stopping &&
            now >= w->retry_usec) {
                mqtt_client_open(w->client, now);
                w->is_open = true;
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
        w->withdrawn = w->withdrawn || requests & MQTT_REQUEST_WITHDRAW;
        w->said_offline = w->said_offline || requests & MQTT_REQUEST_NO_GOODBYE;
        if (requests & MQTT_REQUEST_STOP) {
                if (!w->stopping)
                        w->stop_usec = now_usec() + STOP_USEC;
                w->stopping = true;
        }
}

/* True when there is nothing more to do, or no more time for it. */
static bool has_stopped(struct mqtt_worker *w)
{
        uint64_t now = now_usec();

        if (!w->stopping)
                return false;
        /* A broker that hangs takes no goodbye either; its will says "offline". */
        if (mqtt_client_state(w->client) != MQTT_CLIENT_UP ||
            mqtt_outbox_is_stalled(&w->outbox, now))
                return true;
        if (!mqtt_outbox_is_empty(&w->outbox) && now < w->stop_usec)
                return false;
        if (w->said_offline)
                return true;
        w->said_offline = true;
        w->stop_usec = now + GOODBYE_USEC;
        return !mqtt_outbox_say(&w->outbox, w->client, w->settings.state_topic,
                                w->withdrawn ? "" : "offline", now);
}

static void worker_destroy(struct mqtt_worker *w)
{
        end_knock(w);
        w->client = mqtt_client_free(w->client);
        mqtt_outbox_done(&w->outbox);
        w->later = mqtt_spool_free(w->later);
        mqtt_settings_done(&w->settings);
        w->queue = mqtt_queue_free(w->queue);
        mqtt_client_library_done();
        (void)pthread_cond_destroy(&w->over);
        (void)pthread_mutex_destroy(&w->lock);
        free(w);
}

/* Messages left in memory go to the spool; those without a place there stay pending. */
static void store_rest(struct mqtt_worker *w)
{
        (void)mqtt_queue_take(w->queue, &w->outbox.pending);
        (void)mqtt_outbox_store(&w->outbox);
}

/* A disk may keep this thread waiting, and no other. */
static void open_spool(struct mqtt_worker *w)
{
        if (!w->outbox.spool)
                return;
        mqtt_spool_open(w->outbox.spool);
        if (w->spool_when_reached && !mqtt_spool_was_reached(w->outbox.spool))
                w->later = TAKE(w->outbox.spool);
}

/* Messages that are not on disk now are in `pending`, for the next worker. */
static void close_spool(struct mqtt_worker *w)
{
        store_rest(w);
        report(w);
        w->outbox.spool = mqtt_spool_free(w->outbox.spool);
        w->later = mqtt_spool_free(w->later);
}

static void *run(void *userdata)
{
        struct mqtt_worker *w = userdata;
        bool abandoned;

        (void)pthread_setname_np(pthread_self(), "mqtt"); /* only a name for debuggers */
        open_spool(w);
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
        close_spool(w);
        (void)pthread_mutex_lock(&w->lock);
        w->ended = true;
        abandoned = w->abandoned;
        mqtt_queue_report(w->queue, &w->status, true);
        (void)pthread_cond_signal(&w->over);
        (void)pthread_mutex_unlock(&w->lock);
        if (abandoned)
                worker_destroy(w);
        return NULL;
}

/* Its deadline is on the monotonic clock. */
static void init_end(struct mqtt_worker *w)
{
        pthread_condattr_t attr;

        /* None of these can fail, with a clock that exists. */
        (void)pthread_mutex_init(&w->lock, NULL);
        (void)pthread_condattr_init(&attr);
        (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&w->over, &attr);
        (void)pthread_condattr_destroy(&attr);
}

int mqtt_worker_new(struct mqtt_worker_options *options, struct mqtt_worker **ret)
{
        struct mqtt_worker *w = calloc(1, sizeof(*w));
        struct mqtt_client_events events = { on_ack, on_birth, on_offline, on_memory, w };
        int r;

        if (!w) {
                options->queue = mqtt_queue_free(options->queue);
                mqtt_settings_done(&options->settings);
                options->spool = mqtt_spool_free(options->spool);
                return -ENOMEM;
        }
        init_end(w);
        w->knock = -1;
        w->queue = TAKE(options->queue);
        w->settings = options->settings;
        w->spool_when_reached = options->spool_when_reached;
        w->outbox.spool = TAKE(options->spool);
        w->outbox.write_ahead = options->write_ahead;
        w->outbox.denied.usec = options->denied_usec;
        options->settings = (struct mqtt_settings){ 0 };
        mqtt_client_library_init();
        r = mqtt_client_new(&w->settings, &events, &w->client);
        if (r >= 0)
                r = thread_start(run, w, STACK_BYTES, &w->thread);
        if (r < 0) {
                worker_destroy(w);
                return r;
        }
        *ret = w;
        return 0;
}

void mqtt_worker_stop(struct mqtt_worker *w)
{
        if (w->asked_usec == 0)
                w->asked_usec = now_usec();
        mqtt_queue_request(w->queue, MQTT_REQUEST_STOP);
}

bool mqtt_worker_has_ended(struct mqtt_worker *w)
{
        bool ended;

        (void)pthread_mutex_lock(&w->lock);
        ended = w->ended;
        (void)pthread_mutex_unlock(&w->lock);
        return ended;
}

uint64_t mqtt_worker_left_usec(const struct mqtt_worker *w)
{
        return jobs_left_usec(w->asked_usec, JOBS_STOP_USEC);
}

/* True: the thread has ended. Else it hangs in a call to the disk, and frees all after that. */
static bool join(struct mqtt_worker *w)
{
        uint64_t usec = w->asked_usec + JOBS_STOP_USEC;
        const struct timespec until = { .tv_sec = (time_t)(usec / USEC_PER_SEC),
                                        .tv_nsec = (long)(usec % USEC_PER_SEC * 1000) };
        int code = 0;
        bool ended;

        (void)pthread_mutex_lock(&w->lock);
        while (!w->ended && code == 0)
                code = pthread_cond_timedwait(&w->over, &w->lock, &until);
        ended = w->ended;
        w->abandoned = !ended;
        if (!ended)
                (void)pthread_detach(w->thread); /* ours, and joinable: cannot fail */
        (void)pthread_mutex_unlock(&w->lock);
        if (ended)
                (void)pthread_join(w->thread, NULL); /* likewise */
        return ended;
}

struct mqtt_worker *mqtt_worker_free(struct mqtt_worker *w, struct message_list *ret_left)
{
        if (!w)
                return NULL;
        mqtt_worker_stop(w);
        if (!join(w)) {
                log_warning("MQTT: the disk took no more in time: what waited in memory is lost");
                return NULL;
        }
        /* messages that came after its last look, if any */
        (void)mqtt_queue_take(w->queue, &w->outbox.pending);
        message_list_append(ret_left, &w->outbox.pending);
        worker_destroy(w);
        return NULL;
}
