/* SPDX-License-Identifier: MIT */
/* The conversation with a meter that must be asked, by IEC 62056-21 §6.3 and EN 13757-2 §5. */
#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "lib/link/link.h"

#define USEC UINT64_C(1000000)
#define MSEC UINT64_C(1000)

#define SOH 0x01
#define STX 0x02
#define ETX 0x03
#define ACK 0x06
#define NAK 0x15

/* IEC 62056-21 §6.3.14: the reaction takes 200 to 1500 ms, and so much may pass between two
 * characters; the rest is for converters that hold bytes back. */
#define REACTION_USEC  (2500 * MSEC)
#define CHARACTER_USEC (2000 * MSEC)
/* Some meters want 300 ms between their identification and our answer. */
#define BEFORE_ACK_USEC (300 * MSEC)
/* After the last bit has left the converter, before the speed is changed: below the 200 ms after
 * which the meter may speak. */
#define BEFORE_SPEED_USEC (60 * MSEC)
/* What a meter says on entering programming mode (P0) is over by then. */
#define SETTLE_USEC (500 * MSEC)
#define ANSWER_USEC (5 * USEC)
/* The end of an answer that has no end mark. */
#define QUIET_USEC (500 * MSEC)
/* Some meters stay awake, and hear a new request only after two seconds of silence. */
#define REST_LEAST_USEC    (3 * USEC)
#define BACKOFF_LEAST_USEC (5 * USEC)
#define BACKOFF_MOST_USEC  (300 * USEC)
#define ROUND_USEC         (900 * USEC) /* a readout at 300 Bd takes minutes */

#define SENT_MAX   24
#define IDENT_MAX  64
#define ANSWER_MAX 8192 /* four times the longest readout seen */

enum stage {
        STAGE_REST,       /* until the next round is due */
        STAGE_FIRST_LINE, /* the first line is being set */
        STAGE_IDENT,      /* asked who it is */
        STAGE_BEFORE_ACK,
        STAGE_AFTER_ACK, /* the acknowledge leaves the converter */
        STAGE_NEW_LINE,  /* the new line is being set */
        STAGE_BLOCK,     /* the data block of a readout comes */
        STAGE_SETTLE,
        STAGE_ANSWER,      /* of one command */
        STAGE_ACKNOWLEDGE, /* for good */
};

struct ask {
        struct config_ask settings;
        struct serial_line first, line;
        enum stage stage;
        uint64_t due_usec, round_usec;
        unsigned int failures;
        bool signed_on; /* in programming mode */
        bool slow;      /* it did not speak at the speed that it offered */

        uint8_t sent[SENT_MAX]; /* what may be echoed */
        size_t n_sent, n_echoed;

        char ident[IDENT_MAX]; /* "LGZ4ZMD…" without the slash */
        size_t n_ident;
        uint8_t in[ANSWER_MAX];
        size_t n_in;
        size_t command;
        bool unchecked;                           /* an answer came without block check */
        uint8_t out[ANSWER_MAX + IDENT_MAX + 16]; /* the telegram of a round */
        size_t n_out, n_head;

        struct ask_order orders[4]; /* not yet taken */
        size_t n_orders, next_order;
};

static const struct {
        uint32_t baud;
        char offered; /* IEC 62056-21 §6.3.2, mode C */
} speeds[] = {
        { 300, '0' },  { 600, '1' },  { 1200, '2' },  { 2400, '3' },
        { 4800, '4' }, { 9600, '5' }, { 19200, '6' },
};

int ask_new(const struct config_ask *settings, struct ask **ret)
{
        struct ask *ask = calloc(1, sizeof(*ask));

        if (!ask)
                return -ENOMEM;
        ask->settings = *settings;
        ask->first = settings->kind == CONFIG_ASK_ACKNOWLEDGE
                             ? (struct serial_line){ 9600, 8, PARITY_EVEN, 1 }
                             : (struct serial_line){ 300, 7, PARITY_EVEN, 1 };
        if (settings->has_line)
                ask->first = settings->line;
        ask->due_usec = UINT64_MAX;
        *ret = ask;
        return 0;
}

struct ask *ask_free(struct ask *ask)
{
        free(ask);
        return NULL;
}

const struct serial_line *ask_first_line(const struct ask *ask)
{
        return &ask->first;
}

bool ask_only_acknowledges(const struct ask *ask)
{
        return ask->settings.kind == CONFIG_ASK_ACKNOWLEDGE;
}

uint64_t ask_deadline(const struct ask *ask)
{
        return ask->due_usec;
}

/* --- orders --------------------------------------------------------------------------------- */

static struct ask_order *add_order(struct ask *ask, enum ask_order_kind kind)
{
        static struct ask_order none;

        if (ask->n_orders == ELEMENTSOF(ask->orders))
                return &none; /* each step gives one or two, and all are taken before the next */
        ask->orders[ask->n_orders] = (struct ask_order){ .kind = kind };
        return &ask->orders[ask->n_orders++];
}

static void send(struct ask *ask, const uint8_t *bytes, size_t n)
{
        memcpy(ask->sent, bytes, n);
        ask->n_sent = n;
        ask->n_echoed = 0;
        add_order(ask, ASK_SEND)->bytes = (struct slice){ ask->sent, n };
}

static void set_line(struct ask *ask, const struct serial_line *line, enum stage stage)
{
        ask->line = *line;
        ask->stage = stage;
        ask->due_usec = UINT64_MAX; /* the port answers, or hangs up */
        add_order(ask, ASK_SET_LINE)->line = *line;
}

static void go(struct ask *ask, enum stage stage, uint64_t due)
{
        ask->stage = stage;
        ask->due_usec = due;
}

static void fail(struct ask *ask, const char *why, uint64_t now)
{
        uint64_t pause = BACKOFF_LEAST_USEC << MIN(ask->failures, 6U);
        struct ask_order *order;

        ask->failures++;
        ask->signed_on = false;
        ask->n_sent = ask->n_echoed = 0;
        go(ask, STAGE_REST, now + MIN(pause, BACKOFF_MOST_USEC));
        order = add_order(ask, ASK_FAILED);
        order->why = why;
        order->failures = ask->failures;
}

/* How long so many characters are on the line. */
static uint64_t usec_of(const struct ask *ask, size_t n)
{
        return n * 10 * USEC / MAX(ask->line.baud, 1U);
}

/* --- the telegram of a round ---------------------------------------------------------------- */

static uint8_t block_check(struct slice s)
{
        uint8_t check = 0;

        for (size_t i = 0; i < s.len; i++)
                check ^= s.data[i];
        return check;
}

static void put(struct ask *ask, const void *bytes, size_t n)
{
        if (n == 0 || ask->n_out + n + 8 > sizeof(ask->out))
                return; /* more than any meter sends: its telegram will not be whole */
        memcpy(ask->out + ask->n_out, bytes, n);
        ask->n_out += n;
}

static void begin_telegram(struct ask *ask)
{
        ask->n_out = 0;
        ask->unchecked = false;
        put(ask, "/", 1);
        put(ask, ask->ident, ask->n_ident);
        put(ask, "\r\n", 2);
        ask->n_head = ask->n_out;
        put(ask, (const uint8_t[]){ STX }, 1);
}

/* All answers of a round as one readout: one meter, one time. Their block checks have held; one
 * that had none makes a readout without. */
static void end_telegram(struct ask *ask, uint64_t now, uint64_t next)
{
        put(ask, "!\r\n", 3);
        if (ask->unchecked) {
                memmove(ask->out + ask->n_head, ask->out + ask->n_head + 1,
                        ask->n_out - ask->n_head - 1);
                ask->n_out--;
        } else {
                struct slice checked = { ask->out + ask->n_head + 1, 0 };

                put(ask, (const uint8_t[]){ ETX }, 1);
                checked.len = ask->n_out - ask->n_head - 1;
                put(ask, (const uint8_t[]){ block_check(checked) }, 1);
        }
        ask->failures = 0;
        add_order(ask, ASK_TELEGRAM)->bytes = (struct slice){ ask->out, ask->n_out };
        go(ask, STAGE_REST, MAX(next, now));
}

/* Lines without what ends a readout. */
static void put_lines(struct ask *ask, struct slice lines)
{
        static const uint8_t end[] = { '!', '\r', '\n' };

        if (lines.len >= sizeof(end) &&
            memcmp(lines.data + lines.len - sizeof(end), end, sizeof(end)) == 0)
                lines.len -= sizeof(end);
        put(ask, lines.data, lines.len);
        if (lines.len > 0 && lines.data[lines.len - 1] != '\n')
                put(ask, "\r\n", 2);
}

enum block {
        BLOCK_NONE, /* no STX yet */
        BLOCK_OPEN,
        BLOCK_GOOD,
        BLOCK_BAD,
};

/* STX … ETX BCC in what came in; *ret is what stands between them. */
static enum block find_block(const struct ask *ask, struct slice *ret)
{
        const uint8_t *start = memchr(ask->in, STX, ask->n_in), *end;
        size_t left;

        if (!start)
                return BLOCK_NONE;
        start++;
        left = ask->n_in - (size_t)(start - ask->in);
        end = left > 0 ? memchr(start, ETX, left) : NULL;
        if (!end || (size_t)(end - start) + 1 == left)
                return BLOCK_OPEN;
        *ret = (struct slice){ start, (size_t)(end - start) };
        return block_check((struct slice){ start, ret->len + 1 }) == end[1] ? BLOCK_GOOD
                                                                            : BLOCK_BAD;
}

/* --- a round -------------------------------------------------------------------------------- */

static void sign_on(struct ask *ask, uint64_t now)
{
        static const uint8_t request[] = { '/', '?', '!', '\r', '\n' };

        ask->n_in = 0;
        send(ask, request, sizeof(request));
        go(ask, STAGE_IDENT, now + usec_of(ask, sizeof(request)) + REACTION_USEC);
}

static void send_command(struct ask *ask, uint64_t now)
{
        const char *name = ask->settings.commands[ask->command];
        uint8_t message[SENT_MAX] = { SOH, 'R', '2', STX };
        size_t n = 4, len = strlen(name);

        memcpy(message + n, name, len);
        n += len;
        message[n++] = ETX;
        message[n] = block_check((struct slice){ message + 1, n - 1 });
        n++;
        message[n++] = '\r';
        message[n++] = '\n';
        ask->n_in = 0;
        send(ask, message, n);
        go(ask, STAGE_ANSWER, now + ANSWER_USEC);
}

static void begin_commands(struct ask *ask, uint64_t now)
{
        ask->command = 0;
        begin_telegram(ask);
        send_command(ask, now);
}

static void begin_round(struct ask *ask, uint64_t now)
{
        ask->round_usec = now;
        if (ask->signed_on)
                begin_commands(ask, now);
        else if (!serial_line_equal(&ask->line, &ask->first))
                set_line(ask, &ask->first, STAGE_FIRST_LINE);
        else
                sign_on(ask, now);
}

/* The speed that both speak: the one offered, or AskBaud=; 300 where that failed. */
static char choose_speed(const struct ask *ask, uint32_t *ret_baud)
{
        char offered = ask->ident[3];

        for (size_t i = 0; i < ELEMENTSOF(speeds); i++) {
                bool wanted = ask->slow            ? i == 0
                              : ask->settings.baud ? speeds[i].baud == ask->settings.baud
                                                   : speeds[i].offered == offered;

                if (wanted) {
                        *ret_baud = speeds[i].baud;
                        return speeds[i].offered;
                }
        }
        return 0;
}

static void acknowledge(struct ask *ask, uint64_t now)
{
        uint32_t baud = 0;
        char speed = choose_speed(ask, &baud);
        uint8_t message[] = {
                ACK,  '0', (uint8_t)speed, ask->settings.kind == CONFIG_ASK_READOUT ? '0' : '1',
                '\r', '\n'
        };

        ask->n_in = 0;
        send(ask, message, sizeof(message));
        go(ask, STAGE_AFTER_ACK, now + usec_of(ask, sizeof(message)) + BEFORE_SPEED_USEC);
        ask->line.baud = baud; /* set when the message has left */
}

/* "/LGZ4\2ZMD…\r\n": three letters, the speed, the name. */
static void take_ident(struct ask *ask, uint64_t now)
{
        const uint8_t *slash = memchr(ask->in, '/', ask->n_in);
        size_t n = slash ? ask->n_in - (size_t)(slash - ask->in) : 0;
        const uint8_t *end = n > 0 ? memchr(slash, '\n', n) : NULL;
        uint32_t baud;

        if (!end)
                return;
        n = (size_t)(end - slash) - 1;
        while (n > 0 && slash[n] == '\r')
                n--;
        if (n < 4 || n >= IDENT_MAX || slash[1] == '?') {
                ask->n_in = 0; /* a request of someone else, or damaged */
                return;
        }
        memcpy(ask->ident, slash + 1, n);
        ask->n_ident = n;
        if (!choose_speed(ask, &baud))
                fail(ask, "it offers no speed: a meter of mode B or D is not asked", now);
        else
                go(ask, STAGE_BEFORE_ACK, now + BEFORE_ACK_USEC);
}

static void take_block(struct ask *ask, uint64_t now)
{
        struct slice block;

        switch (find_block(ask, &block)) {
        case BLOCK_NONE:
        case BLOCK_OPEN:
                ask->due_usec = MIN(now + CHARACTER_USEC, ask->round_usec + ROUND_USEC);
                break;
        case BLOCK_BAD:
                fail(ask, "its data block is damaged: the block check is wrong", now);
                break;
        case BLOCK_GOOD:
                begin_telegram(ask);
                put_lines(ask, block);
                end_telegram(
                        ask, now,
                        MAX(ask->round_usec + ask->settings.every_usec, now + REST_LEAST_USEC));
                break;
        }
}

static void after_ack(struct ask *ask, uint64_t now)
{
        if (ask->settings.kind == CONFIG_ASK_READOUT) {
                go(ask, STAGE_BLOCK, now + REACTION_USEC);
                if (ask->n_in > 0)
                        take_block(ask, now); /* at 300 Bd it may have begun already */
        } else {
                go(ask, STAGE_SETTLE, now + SETTLE_USEC);
        }
}

static void change_speed(struct ask *ask, uint64_t now)
{
        struct serial_line line = ask->first;

        if (ask->line.baud == ask->first.baud) {
                after_ack(ask, now);
                return;
        }
        line.baud = ask->line.baud;
        set_line(ask, &line, STAGE_NEW_LINE);
}

static void no_block(struct ask *ask, uint64_t now)
{
        if (memchr(ask->in, STX, ask->n_in) || ask->line.baud == ask->first.baud) {
                fail(ask,
                     ask->n_in > 0 ? "its data block ends too early"
                                   : "it gave its name, and no data",
                     now);
                return;
        }
        ask->slow = true;
        fail(ask, "nothing came at the speed that it offered: 300 Bd is tried", now);
}

static void next_command(struct ask *ask, uint64_t now)
{
        ask->signed_on = true;
        if (++ask->command < ask->settings.n_commands)
                send_command(ask, now);
        else
                end_telegram(ask, now, ask->round_usec + ask->settings.every_usec);
}

static void take_answer(struct ask *ask, uint64_t now)
{
        struct slice block;

        switch (find_block(ask, &block)) {
        case BLOCK_NONE:
        case BLOCK_OPEN:
                ask->due_usec = now + QUIET_USEC;
                break;
        case BLOCK_BAD:
                fail(ask, "an answer is damaged: the block check is wrong", now);
                break;
        case BLOCK_GOOD:
                put_lines(ask, block);
                next_command(ask, now);
                break;
        }
}

/* An answer is over by silence: lines without block check, or nothing of use. */
static void end_answer(struct ask *ask, uint64_t now)
{
        if (ask->n_in == 0)
                fail(ask, "it does not answer any more", now);
        else if (ask->in[0] == NAK)
                fail(ask, "it refuses the command", now);
        else if (memchr(ask->in, STX, ask->n_in) || ask->in[ask->n_in - 1] != '\n')
                fail(ask, "an answer ends too early", now);
        else {
                ask->unchecked = true;
                put_lines(ask, (struct slice){ ask->in, ask->n_in });
                next_command(ask, now);
        }
}

/* --- E5 ------------------------------------------------------------------------------------- */

#define MBUS_SHORT       0x10
#define MBUS_LONG        0x68
#define MBUS_STOP        0x16
#define MBUS_SND_NKE     0x40
#define MBUS_SND_UD      0x53
#define MBUS_FCB         0x20
#define MBUS_COUNTER     0xf0 /* the customer's device, as the meter addresses it */
#define MBUS_LONG_EXTRA  6
#define MBUS_SHORT_BYTES 5

/* The frame that begins here: its length, 0 when more bytes are needed, -1 when it is none. */
static ssize_t frame_at(struct slice s)
{
        size_t n = s.data[0] == MBUS_SHORT ? MBUS_SHORT_BYTES
                   : s.len > 1             ? s.data[1] + (size_t)MBUS_LONG_EXTRA
                                           : 0;
        size_t head = s.data[0] == MBUS_SHORT ? 1 : 4;
        uint8_t sum = 0;

        if (s.data[0] != MBUS_SHORT && s.data[0] != MBUS_LONG)
                return -1;
        if (n == 0 || s.len < n)
                return 0;
        if (head == 4 && (s.data[2] != s.data[1] || s.data[3] != MBUS_LONG || s.data[1] < 3))
                return -1;
        for (size_t i = head; i < n - 2; i++)
                sum = (uint8_t)(sum + s.data[i]);
        return sum == s.data[n - 2] && s.data[n - 1] == MBUS_STOP ? (ssize_t)n : -1;
}

/* Only whole frames of a sender that waits for it are acknowledged. */
static bool wants_answer(struct slice frame)
{
        size_t head = frame.data[0] == MBUS_SHORT ? 1 : 4;
        uint8_t control = frame.data[head] & (uint8_t)~MBUS_FCB;

        return frame.data[head + 1] == MBUS_COUNTER &&
               (control == MBUS_SND_NKE || control == MBUS_SND_UD);
}

static void acknowledge_frames(struct ask *ask)
{
        static const uint8_t e5[] = { 0xe5 };
        size_t at = 0;

        while (at < ask->n_in) {
                struct slice left = { ask->in + at, ask->n_in - at };
                ssize_t n = frame_at(left);

                if (n == 0)
                        break;
                if (n > 0 && wants_answer(left) && at + (size_t)n == ask->n_in)
                        send(ask, e5, sizeof(e5)); /* of several at once the last one waits */
                at += n > 0 ? (size_t)n : 1;
        }
        memmove(ask->in, ask->in + at, ask->n_in - at);
        ask->n_in -= at;
}

/* --- what comes in -------------------------------------------------------------------------- */

/* Some optical heads hear themselves: what was sent comes back first, and is dropped. */
static struct slice drop_echo(struct ask *ask, struct slice bytes)
{
        while (ask->n_sent > 0 && bytes.len > 0) {
                if (bytes.data[0] != ask->sent[ask->n_echoed]) {
                        /* It was none: what looked like its beginning is part of the answer. */
                        memcpy(ask->in + ask->n_in, ask->sent, ask->n_echoed);
                        ask->n_in += ask->n_echoed;
                        ask->n_sent = 0;
                        break;
                }
                bytes = slice_from(bytes, 1);
                if (++ask->n_echoed == ask->n_sent)
                        ask->n_sent = 0;
        }
        return bytes;
}

void ask_bytes(struct ask *ask, struct slice bytes, uint64_t now)
{
        size_t n;

        if (ask->n_in + SENT_MAX >= sizeof(ask->in))
                ask->n_in = 0; /* longer than any answer of a meter: noise */
        bytes = drop_echo(ask, bytes);
        n = MIN(bytes.len, sizeof(ask->in) - ask->n_in);
        if (n == 0)
                return;
        memcpy(ask->in + ask->n_in, bytes.data, n);
        ask->n_in += n;
        switch (ask->stage) {
        case STAGE_IDENT:
                ask->due_usec = MIN(now + CHARACTER_USEC, ask->round_usec + ROUND_USEC);
                take_ident(ask, now);
                break;
        case STAGE_BLOCK:
                take_block(ask, now);
                break;
        case STAGE_ANSWER:
                take_answer(ask, now);
                break;
        case STAGE_ACKNOWLEDGE:
                memcpy(ask->out, bytes.data, n);
                add_order(ask, ASK_TELEGRAM)->bytes = (struct slice){ ask->out, n };
                acknowledge_frames(ask);
                break;
        case STAGE_AFTER_ACK: /* at 300 Bd the block may begin before the pause is over */
                break;
        case STAGE_REST:
        case STAGE_FIRST_LINE:
        case STAGE_BEFORE_ACK:
        case STAGE_NEW_LINE:
        case STAGE_SETTLE:
                ask->n_in = 0;
                break;
        }
}

void ask_opened(struct ask *ask, uint64_t now)
{
        ask->line = ask->first;
        ask->signed_on = ask->slow = false;
        ask->n_in = ask->n_sent = ask->n_echoed = 0;
        ask->n_orders = ask->next_order = 0;
        if (ask_only_acknowledges(ask))
                go(ask, STAGE_ACKNOWLEDGE, UINT64_MAX);
        else /* after a failure the pause goes on over a reopening */
                go(ask, STAGE_REST, ask->failures > 0 ? now + BACKOFF_LEAST_USEC : now);
}

void ask_line_set(struct ask *ask, uint64_t now)
{
        ask->n_in = 0;
        if (ask->stage == STAGE_FIRST_LINE)
                sign_on(ask, now);
        else if (ask->stage == STAGE_NEW_LINE)
                after_ack(ask, now);
}

static void on_due(struct ask *ask, uint64_t now)
{
        ask->due_usec = UINT64_MAX;
        switch (ask->stage) {
        case STAGE_REST:
                begin_round(ask, now);
                break;
        case STAGE_IDENT:
                fail(ask,
                     ask->n_in > 0 ? "what it answers is no identification" : "it does not answer",
                     now);
                break;
        case STAGE_BEFORE_ACK:
                acknowledge(ask, now);
                break;
        case STAGE_AFTER_ACK:
                change_speed(ask, now);
                break;
        case STAGE_BLOCK:
                no_block(ask, now);
                break;
        case STAGE_SETTLE:
                begin_commands(ask, now);
                break;
        case STAGE_ANSWER:
                end_answer(ask, now);
                break;
        case STAGE_FIRST_LINE:
        case STAGE_NEW_LINE:
        case STAGE_ACKNOWLEDGE:
                break;
        }
}

bool ask_next(struct ask *ask, uint64_t now, struct ask_order *ret)
{
        if (ask->next_order == ask->n_orders) {
                ask->next_order = ask->n_orders = 0;
                if (now >= ask->due_usec)
                        on_due(ask, now);
        }
        if (ask->next_order == ask->n_orders)
                return false;
        *ret = ask->orders[ask->next_order++];
        return true;
}
