/* SPDX-License-Identifier: MIT */
/*
 * The loop of `smctl simulate`: telegram after telegram at the meter's interval, whether someone
 * listens or not; signals are looked at in the pauses between bytes.
 */
#include "simulate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/util.h"
#include "ctl/i18n.h"

/* Set by handlers, which run only while sim_play_wait_until() waits. */
static volatile sig_atomic_t wants_end, wants_unplug, wants_replug;

static void on_signal(int number)
{
        if (number == SIGUSR1)
                wants_unplug = 1;
        else if (number == SIGUSR2)
                wants_replug = 1;
        else
                wants_end = 1;
}

void simulate_catch_signals(struct simulate *s)
{
        static const int numbers[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP };
        struct sigaction action = { .sa_handler = on_signal };
        sigset_t blocked;

        (void)sigemptyset(&blocked);
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++) {
                (void)sigaddset(&blocked, numbers[i]);
                (void)sigaction(numbers[i], &action, NULL);
        }
        (void)sigprocmask(SIG_BLOCK, &blocked, &s->play.wait_mask);
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                (void)sigdelset(&s->play.wait_mask, numbers[i]);
        (void)signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failing write */
}

static void unplug(struct simulate *s)
{
        if (s->play.fd < 0 || !s->play.is_pty)
                return;
        sim_play_unplug(&s->play);
        simulate_print_unplugged(s);
}

static void replug(struct simulate *s)
{
        int r;

        s->replug_at_usec = 0;
        if (s->play.fd >= 0)
                return;
        r = sim_play_plug(&s->play);
        if (r < 0)
                fprintf(stderr, "smctl simulate: %s: %s\n", _("cannot plug in again"),
                        strerror(-r));
        else
                simulate_print_tty(s);
}

/* sim_play asks after every pause: what the signals wanted happens here, at once. */
static bool is_interrupted(void *userdata)
{
        struct simulate *s = userdata;
        bool was_plugged = s->play.fd >= 0;

        if (wants_end)
                s->ends = true;
        if (wants_unplug) {
                wants_unplug = 0;
                unplug(s);
        }
        if (wants_replug || (s->replug_at_usec && sim_play_now_usec() >= s->replug_at_usec)) {
                wants_replug = 0;
                replug(s);
        }
        /* A telegram that was being sent is cut off by the plug. */
        return s->ends || (was_plugged && s->play.fd < 0);
}

/* The local time of this machine, as the meter's display shows it. */
static struct sim_clock local_clock(int64_t epoch_s)
{
        time_t t = (time_t)epoch_s;
        struct tm tm;

        if (!localtime_r(&t, &tm))
                return sim_clock_at(epoch_s, 0, false);
        return sim_clock_at(epoch_s, (int)(tm.tm_gmtoff / 60), tm.tm_isdst > 0);
}

struct sim_clock simulate_clock(const struct simulate *s, uint64_t n)
{
        int64_t now = (int64_t)time(NULL);

        if (s->start_epoch_s < 0)
                return local_clock(now);
        return local_clock(s->start_epoch_s + (int64_t)n * s->interval_usec / 1000000);
}

static int send_telegram(struct simulate *s)
{
        const struct sim_wire *wire = &s->telegram.wire;
        int r;

        if (s->hex)
                return simulate_print_hex(s);
        for (size_t i = 0; i < wire->n_frames; i++) {
                size_t from = sim_wire_start_get(wire, i);

                if (i > 0 && s->profile->frame_gap_ms > 0 && !s->play.fast) {
                        r = sim_play_wait_until(&s->play, sim_play_now_usec() +
                                                                  s->profile->frame_gap_ms * 1000);
                        if (r < 0)
                                return r;
                }
                r = sim_play_send(&s->play, wire->out.data + from, wire->ends[i] - from);
                if (r < 0)
                        return r;
        }
        return 0;
}

void simulate_after_telegram(struct simulate *s)
{
        s->n_sent++;
        if (s->json)
                simulate_print_telegram(s);
        if (s->count && s->n_sent >= s->count)
                s->ends = true;
        if (s->unplug_after && s->n_sent == s->unplug_after && !s->ends) {
                unplug(s);
                if (s->replug_after_usec >= 0)
                        s->replug_at_usec = sim_play_now_usec() + s->replug_after_usec;
        }
}

/* Waits for the next telegram's time; a plug that is to be put in again does not wait for it. */
static int rest(struct simulate *s, int64_t due_usec)
{
        int r;

        do {
                int64_t until = s->replug_at_usec ? MIN(s->replug_at_usec, due_usec) : due_usec;

                r = sim_play_wait_until(&s->play, until);
                if (r < 0 && r != -EINTR)
                        return r;
        } while (!s->ends && sim_play_now_usec() < due_usec);
        return 0;
}

static int play_one(struct simulate *s)
{
        int r;

        if (s->play.fd < 0)
                return 0; /* the meter goes on, unheard */
        r = send_telegram(s);
        if (r == -EINTR)
                return 0;
        if (r < 0)
                return r;
        simulate_after_telegram(s);
        return 0;
}

int simulate_run(struct simulate *s)
{
        int64_t due = sim_play_now_usec();
        int r;

        s->play.interrupted = is_interrupted;
        s->play.userdata = s;
        if (s->profile->way != SIM_PUSHES && s->play.is_pty)
                return simulate_run_asked(s);
        for (uint64_t n = 0; !s->ends; n++) {
                r = sim_meter_telegram(&s->meter, simulate_clock(s, n), &s->telegram);
                if (r < 0)
                        return r;
                r = play_one(s);
                if (r < 0)
                        return r;
                /* To a file as fast as it is taken; on a line never two telegrams at once. */
                if (s->play.fast && !s->play.is_pty)
                        due = 0;
                else
                        due = MAX(due + s->interval_usec, sim_play_now_usec());
                r = s->ends ? 0 : rest(s, due);
                if (r < 0)
                        return r;
        }
        return 0;
}
