/* SPDX-License-Identifier: MIT */
#include "telnet.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/util.h"

/* RFC 854 */
enum command {
        SE = 240,
        SB = 250,
        WILL = 251,
        WONT = 252,
        DO = 253,
        DONT = 254,
        IAC = 255,
};

/* RFC 856, 858, 2217 */
enum option {
        BINARY = 0,
        SUPPRESS_GO_AHEAD = 3,
        COM_PORT = 44,
};

/* RFC 2217 §3; the server's answer is 100 more. */
enum com_port {
        SET_BAUDRATE = 1,
        SET_DATASIZE = 2,
        SET_PARITY = 3,
        SET_STOPSIZE = 4,
        SET_CONTROL = 5,
        PURGE_DATA = 12,
        ANSWER = 100,
};

enum state {
        DATA,
        COMMAND,     /* behind IAC */
        OPTION,      /* behind IAC WILL and the like */
        SUB,         /* behind IAC SB */
        SUB_COMMAND, /* behind IAC within it */
};

#define PATIENCE_MSEC 10000

static void answer(struct telnet *t, uint8_t verb, uint8_t option)
{
        if (t->n_reply + 3 > sizeof(t->reply))
                return;
        t->reply[t->n_reply++] = IAC;
        t->reply[t->n_reply++] = verb;
        t->reply[t->n_reply++] = option;
}

/* What we offered ourselves (telnet_begin) needs no answer; the rest is declined. */
static void on_option(struct telnet *t, uint8_t option)
{
        bool ours = option == BINARY || option == SUPPRESS_GO_AHEAD || option == COM_PORT;

        if (option == COM_PORT && (t->verb == DO || t->verb == WILL))
                t->agreed = true;
        else if (option == COM_PORT && t->verb == DONT)
                t->refused = true;
        else if (!ours && t->verb == DO)
                answer(t, WONT, option);
        else if (!ours && t->verb == WILL)
                answer(t, DONT, option);
}

static void on_subnegotiation(struct telnet *t)
{
        if (t->n_sub < sizeof(t->sub) || t->sub[0] != COM_PORT)
                return;
        switch (t->sub[1]) {
        case ANSWER + SET_BAUDRATE:
                t->confirmed |= TELNET_SPEED;
                break;
        case ANSWER + SET_DATASIZE:
                t->confirmed |= TELNET_BITS;
                break;
        case ANSWER + SET_PARITY:
                t->confirmed |= TELNET_PARITY;
                break;
        case ANSWER + SET_STOPSIZE:
                t->confirmed |= TELNET_STOP;
                break;
        default: /* states of line and modem, which were not asked for */
                break;
        }
}

static void on_command(struct telnet *t, uint8_t byte)
{
        t->state = DATA; /* commands of one byte mean nothing here */
        if (byte == SB) {
                t->state = SUB;
                t->n_sub = 0;
        } else if (byte >= WILL && byte <= DONT) {
                t->state = OPTION;
                t->verb = byte;
        }
}

static void on_sub_byte(struct telnet *t, uint8_t byte)
{
        t->state = SUB;
        if (t->n_sub < sizeof(t->sub))
                t->sub[t->n_sub++] = byte;
}

size_t telnet_unescape(struct telnet *t, uint8_t *buf, size_t len)
{
        size_t n = 0;

        for (size_t i = 0; i < len; i++) {
                uint8_t byte = buf[i];

                switch ((enum state)t->state) {
                case DATA:
                        if (byte == IAC)
                                t->state = COMMAND;
                        else
                                buf[n++] = byte;
                        break;
                case COMMAND:
                        if (byte == IAC)
                                buf[n++] = byte;
                        on_command(t, byte);
                        break;
                case OPTION:
                        t->state = DATA;
                        on_option(t, byte);
                        break;
                case SUB:
                        if (byte == IAC)
                                t->state = SUB_COMMAND;
                        else
                                on_sub_byte(t, byte);
                        break;
                case SUB_COMMAND:
                        if (byte == IAC) {
                                on_sub_byte(t, byte);
                                break;
                        }
                        t->state = DATA;
                        if (byte == SE)
                                on_subnegotiation(t);
                        else /* it was never ended */
                                on_command(t, byte);
                        break;
                }
        }
        return n;
}

static void add_set(uint8_t *to, size_t *n, uint8_t command, const uint8_t *value, size_t n_value)
{
        to[(*n)++] = IAC;
        to[(*n)++] = SB;
        to[(*n)++] = COM_PORT;
        to[(*n)++] = command;
        for (size_t i = 0; i < n_value; i++) {
                if (value[i] == IAC)
                        to[(*n)++] = IAC;
                to[(*n)++] = value[i];
        }
        to[(*n)++] = IAC;
        to[(*n)++] = SE;
}

static size_t print_line(const struct serial_line *line, uint8_t to[static 128])
{
        const uint8_t speed[] = { (uint8_t)(line->baud >> 24), (uint8_t)(line->baud >> 16),
                                  (uint8_t)(line->baud >> 8), (uint8_t)line->baud };
        const uint8_t bits = line->bits, stop = line->stop, one = 1;
        const uint8_t parity = line->parity == PARITY_ODD ? 2 : line->parity == PARITY_EVEN ? 3 : 1;
        size_t n = 0;

        add_set(to, &n, SET_BAUDRATE, speed, sizeof(speed));
        add_set(to, &n, SET_DATASIZE, &bits, 1);
        add_set(to, &n, SET_PARITY, &parity, 1);
        add_set(to, &n, SET_STOPSIZE, &stop, 1);
        add_set(to, &n, SET_CONTROL, &one, 1); /* no flow control: nothing is sent */
        add_set(to, &n, PURGE_DATA, &one, 1);  /* what came at the old line would only confuse */
        return n;
}

static int64_t now_msec(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now); /* it exists */
        return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t end)
{
        struct pollfd p = { .fd = fd, .events = events };
        int64_t left = end - now_msec();
        int n = left > 0 ? poll(&p, 1, (int)left) : 0;

        return n < 0 && errno != EINTR ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int send_all(int fd, const uint8_t *data, size_t len, int64_t end)
{
        while (len > 0) {
                ssize_t n = send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
                int r = n >= 0 ? 0 : errno == EAGAIN ? wait_for(fd, POLLOUT, end) : -errno;

                if (r < 0)
                        return r;
                data += n > 0 ? n : 0;
                len -= n > 0 ? (size_t)n : 0;
        }
        return 0;
}

/* One byte, so that none behind the last answer is taken from the reader of the data. */
static int take_byte(int fd, struct telnet *t, int64_t end)
{
        uint8_t byte;
        ssize_t n = recv(fd, &byte, 1, MSG_DONTWAIT);

        if (n == 0)
                return -ECONNRESET;
        if (n < 0)
                return errno == EAGAIN ? wait_for(fd, POLLIN, end) : -errno;
        (void)telnet_unescape(t, &byte, 1); /* data of before is not wanted */
        if (t->n_reply == 0)
                return 0;
        n = (ssize_t)t->n_reply;
        t->n_reply = 0;
        return send_all(fd, t->reply, (size_t)n, end);
}

static bool is_done(const struct telnet *t, bool (*done)(const struct telnet *t))
{
        return t->state == DATA && (done(t) || t->refused);
}

static bool has_agreed(const struct telnet *t)
{
        return t->agreed;
}

static bool has_confirmed(const struct telnet *t)
{
        return t->confirmed == TELNET_ALL;
}

static int wait_until(int fd, struct telnet *t, bool (*done)(const struct telnet *t), int64_t end)
{
        int r = 0;

        while (r >= 0 && !is_done(t, done))
                r = now_msec() < end ? take_byte(fd, t, end) : -ETIMEDOUT;
        /* A peer that answers none of it is no server of this kind, however much data it sends. */
        return r == -ETIMEDOUT || t->refused ? -EPROTONOSUPPORT : r;
}

size_t telnet_escape(struct slice bytes, uint8_t *to, size_t size)
{
        size_t n = 0;

        for (size_t i = 0; i < bytes.len; i++) {
                bool doubled = bytes.data[i] == IAC;

                if (n + 1 + doubled > size)
                        return 0;
                to[n++] = bytes.data[i];
                if (doubled)
                        to[n++] = IAC;
        }
        return n;
}

int telnet_begin(int fd)
{
        static const uint8_t offer[] = {
                IAC, WILL, BINARY,
                IAC, DO,   BINARY,
                IAC, WILL, SUPPRESS_GO_AHEAD,
                IAC, DO,   SUPPRESS_GO_AHEAD,
                IAC, WILL, COM_PORT,
        };
        int64_t end = now_msec() + PATIENCE_MSEC;
        struct telnet t = { 0 };
        int r = send_all(fd, offer, sizeof(offer), end);

        return r < 0 ? r : wait_until(fd, &t, has_agreed, end);
}

int telnet_set_line(int fd, const struct serial_line *line)
{
        int64_t end = now_msec() + PATIENCE_MSEC;
        struct telnet t = { 0 };
        uint8_t text[128];
        int r = send_all(fd, text, print_line(line, text), end);

        return r < 0 ? r : wait_until(fd, &t, has_confirmed, end);
}
