/* SPDX-License-Identifier: MIT */
/*
 * `smctl simulate` of a meter that must be asked: hears what the other end of the tty sends, and at
 * which speed, and answers as sim/asked.h decides.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/suggest.h"
#include "base/util.h"
#include "simulate.h"

/* After its acknowledge the other side has 200 ms to change its speed; on a loaded machine it may
 * be later, and a program is not worse for that. */
#define SPEED_USEC 2000000
#define LOOK_USEC  5000
/* IEC 62056-21 has 60 to 120 s: a session in which nothing is said for so long is over. */
#define SESSION_USEC 60000000
#define WORD_MAX     32

static const struct trouble_word {
        const char *word;
        size_t offset;
} words[] = {
        { "echo", offsetof(struct sim_trouble, echo) },
        { "slow", offsetof(struct sim_trouble, slow) },
        { "stays-at-300", offsetof(struct sim_trouble, stays) },
        { "no-answer", offsetof(struct sim_trouble, no_answer) },
        { "wrong-check", offsetof(struct sim_trouble, wrong_check) },
        { "no-check", offsetof(struct sim_trouble, no_check) },
        { "no-speed", offsetof(struct sim_trouble, no_speed) },
        { "session-ends", offsetof(struct sim_trouble, ends) },
};

/* ---- --trouble ---- */

static bool take_word(struct simulate *s, char *word)
{
        char *times = strchr(word, '='), *end = NULL;
        unsigned long n = SIM_ALWAYS;

        if (times) {
                *times = '\0';
                n = strtoul(times + 1, &end, 10);
                if (times[1] < '1' || times[1] > '9' || *end || n > SIM_ALWAYS) {
                        *times = '=';
                        return false;
                }
        }
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcmp(words[i].word, word) == 0) {
                        *(uint32_t *)(void *)((char *)&s->trouble + words[i].offset) = (uint32_t)n;
                        return true;
                }
        return false;
}

bool simulate_take_trouble(struct simulate *s, const char *text, char ret_word[static WORD_MAX],
                           const char **ret_near)
{
        const char *names[ELEMENTSOF(words)];

        for (const char *at = text;; at++) {
                size_t n = strcspn(at, ",");

                (void)snprintf(ret_word, WORD_MAX, "%.*s", (int)MIN(n, (size_t)WORD_MAX), at);
                if (!take_word(s, ret_word))
                        break;
                at += n;
                if (!*at)
                        return true;
        }
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                names[i] = words[i].word;
        *ret_near = suggest(ret_word, names, ELEMENTSOF(words));
        return false;
}

/* ---- the conversation ---- */

/* Until the other side speaks at the speed agreed on; what is sent to it before is noise. */
static int wait_speed(struct simulate *s, unsigned int baud)
{
        int64_t deadline = sim_play_now_usec() + SPEED_USEC;
        int r = 0;

        while (r == 0 && sim_play_listener_baud(&s->play) != baud && sim_play_now_usec() < deadline)
                r = sim_play_wait_until(&s->play, sim_play_now_usec() + LOOK_USEC);
        return r;
}

static int say(struct simulate *s, const struct sim_answer *answer)
{
        uint8_t noise[SIM_OUT_MAX];
        int r;

        if (answer->n == 0)
                return 0;
        r = wait_speed(s, answer->agreed_baud);
        if (r < 0)
                return r;
        s->play.line.baud = answer->baud;
        if (sim_play_listener_baud(&s->play) == answer->baud)
                return sim_play_send(&s->play, answer->bytes, answer->n);
        for (size_t i = 0; i < answer->n; i++)
                noise[i] = (uint8_t)((answer->bytes[i] ^ 0x55) | 0x80);
        return sim_play_send(&s->play, noise, answer->n);
}

/* On a tty a request is there at once: its answer counts from when its last bit would be. */
static int answer(struct simulate *s, struct sim_asked *asked, const struct sim_request *request)
{
        struct sim_line line = s->profile->line;
        struct sim_answer answer;
        int r;

        line.baud = asked->baud;
        r = sim_asked_answer(asked, request, simulate_clock(s, s->n_sent), &s->telegram, &answer);

        if (r < 0 || answer.n == 0)
                return r;
        r = sim_play_wait_until(&s->play, sim_play_now_usec() + sim_line_usec(&line, request->n) +
                                                  answer.after_usec);
        if (r == 0)
                r = say(s, &answer);
        if (r == 0 && answer.is_telegram)
                simulate_after_telegram(s);
        return r;
}

static int hear(struct simulate *s, struct sim_asked *asked, const uint8_t *bytes, size_t n)
{
        unsigned int baud = sim_play_listener_baud(&s->play);
        struct sim_request request;
        int r = 0;

        if (asked->trouble.echo)
                r = sim_play_send(&s->play, bytes, n);
        for (size_t i = 0; r == 0 && !s->ends && i < n; i++) {
                if (!sim_asked_hear(asked, bytes[i], baud, &request))
                        continue;
                if (request.kind != SIM_REQUEST_NOISE)
                        asked->understood_usec = sim_play_now_usec();
                simulate_print_request(s, &request, baud, asked->heard_bytes);
                r = answer(s, asked, &request);
        }
        return r;
}

/* The telegrams that the meter sends unasked. */
static int send_due(struct simulate *s, struct sim_asked *asked)
{
        struct sim_answer answer;
        int r;

        r = sim_asked_due(asked, simulate_clock(s, s->n_sent), &s->telegram, &answer);
        if (r == 0 && answer.n > 0)
                r = sim_play_send(&s->play, answer.bytes, answer.n);
        if (r == 0 && answer.is_telegram)
                simulate_after_telegram(s);
        return r;
}

/* Nothing came: whose head was taken off, or whose session is over, begins anew. */
static void on_quiet(const struct simulate *s, struct sim_asked *asked)
{
        if (!s->play.listened ||
            (asked->programming && sim_play_now_usec() - asked->understood_usec > SESSION_USEC))
                sim_asked_rest(asked);
}

/* One turn: until something was heard, or something is due. */
static int take_turn(struct simulate *s, struct sim_asked *asked, int64_t *due_usec)
{
        bool sends = s->profile->way == SIM_ACKNOWLEDGED;
        int64_t now = sim_play_now_usec();
        uint8_t bytes[SIM_REQUEST_MAX];
        ssize_t n;

        if (sends && s->play.listened && now >= *due_usec) {
                *due_usec = now + s->interval_usec;
                return send_due(s, asked);
        }
        n = sim_play_receive(&s->play, bytes, sizeof(bytes),
                             sends && s->play.listened ? *due_usec : now + 1000000);
        if (n > 0)
                return hear(s, asked, bytes, (size_t)n);
        on_quiet(s, asked);
        return (int)n;
}

int simulate_run_asked(struct simulate *s)
{
        struct sim_asked asked;
        int64_t due = 0;

        sim_asked_init(&asked, &s->meter, &s->trouble);
        while (!s->ends) {
                int r;

                if (s->play.fd < 0) { /* unplugged; a signal or the time plugs it in again */
                        sim_asked_rest(&asked);
                        r = sim_play_wait_until(&s->play, s->replug_at_usec
                                                                  ? s->replug_at_usec
                                                                  : sim_play_now_usec() + 1000000);
                } else {
                        r = take_turn(s, &asked, &due);
                }
                if (r < 0 && r != -EINTR)
                        return r;
        }
        return 0;
}
