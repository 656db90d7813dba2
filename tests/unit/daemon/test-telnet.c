/* SPDX-License-Identifier: MIT */
/* RFC 2217: data between commands, cut anywhere; lines that a server confirms. */
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/converter/telnet.h"

#define CONFIRM(code) "\xff\xfa\x2c" code "\xff\xf0"

static struct telnet_case {
        const char *name;
        const char *in;
        size_t len;
        const char *want;
        size_t want_len;
        bool agreed, refused;
        unsigned int confirmed;
        const char *reply;
        size_t reply_len;
} cases[] = {
#define ROW(name, in, want, ...)                                                 \
        {                                                                        \
                name, in, sizeof(in) - 1, want, sizeof(want) - 1, ##__VA_ARGS__, \
        }
#define REPLY(text) .reply = (text), .reply_len = sizeof(text) - 1
        ROW("data alone", "\x7e\xa0\x00\x0d", "\x7e\xa0\x00\x0d"),
        ROW("a doubled FF",
            "a\xff\xff\xff\xff"
            "b",
            "a\xff\xff"
            "b"),
        ROW("as ser2net begins", "\xff\xfb\x03\xff\xfd\x03\xff\xfd\x2c/LGZ", "/LGZ",
            .agreed = true),
        ROW("a server that declines", "\xff\xfe\x2c", "", .refused = true),
        ROW("all of the line is confirmed",
            CONFIRM("\x65\x00\x00\x09\x60") "x" CONFIRM("\x66\x08") CONFIRM("\x67\x03")
                    CONFIRM("\x68\x01") "y",
            "xy", .confirmed = TELNET_ALL),
        ROW("a speed with an FF in it", CONFIRM("\x65\x00\x00\xff\xff\x60") "x", "x",
            .confirmed = TELNET_SPEED),
        ROW("a modem state that nobody asked for", CONFIRM("\x6b\x30") "x", "x"),
        ROW("an option that we have not", "\xff\xfd\x18x\xff\xfb\x01", "x",
            REPLY("\xff\xfc\x18\xff\xfe\x01")),
        ROW("commands of one byte", "\xff\xf1x\xff\xf9y", "xy"),
        ROW("a subnegotiation that never ends as it should", "\xff\xfa\x2c\x65\xff\xfd\x03x", "x"),
        ROW("a long subnegotiation of another option", "\xff\xfa\x18\x01secret\xff\xf0x", "x"),
};

static void check(const struct telnet_case *c, const struct telnet *t, const uint8_t *got, size_t n)
{
        assert_int_equal(n, c->want_len);
        assert_memory_equal(got, c->want, n);
        assert_int_equal(t->agreed, c->agreed);
        assert_int_equal(t->refused, c->refused);
        assert_int_equal(t->confirmed, c->confirmed);
        assert_int_equal(t->n_reply, c->reply_len);
        if (c->reply_len)
                assert_memory_equal(t->reply, c->reply, c->reply_len);
}

static void run_cuts(void **state)
{
        const struct telnet_case *c = *state;

        for (size_t cut = 0; cut <= c->len; cut++) {
                struct telnet t = { 0 };
                uint8_t buf[128];
                size_t n;

                memcpy(buf, c->in, c->len);
                n = telnet_unescape(&t, buf, cut);
                memmove(buf + n, buf + cut, c->len - cut);
                n += telnet_unescape(&t, buf + n, c->len - cut);
                check(c, &t, buf, n);
        }
}

/* Who asks without end gets answers of a bounded size. */
static void asked_for_ever(void **state)
{
        struct telnet t = { 0 };

        for (int i = 0; i < 1000; i++) {
                uint8_t ask[] = { 0xff, 0xfd, 0x18 };

                assert_int_equal(telnet_unescape(&t, ask, sizeof(ask)), 0);
        }
        assert_true(t.n_reply <= TELNET_REPLY_MAX);
}

/* A server that says `text` and keeps the connection open. Returns our end. */
static int serve(const char *text, size_t len)
{
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        assert_int_equal(send(ends[1], text, len, 0), (ssize_t)len);
        return ends[0]; /* the other end stays open for as long as this test runs */
}

static const struct serial_line e450 = { 2400, 8, PARITY_EVEN, 1 };

static void data_behind_the_last_answer_is_left_to_read(void **state)
{
        static const char text[] = "old" CONFIRM("\x65\x00\x00\x09\x60") CONFIRM("\x66\x08")
                CONFIRM("\x67\x03") CONFIRM("\x68\x01") "\xff\xff"
                                                        "new";
        char rest[16];
        int fd = serve(text, sizeof(text) - 1);

        assert_int_equal(telnet_set_line(fd, &e450), 0);
        assert_int_equal(recv(fd, rest, sizeof(rest), 0), 5);
        assert_memory_equal(rest,
                            "\xff\xff"
                            "new",
                            5);
        (void)close(fd);
}

static void refusal_is_told_at_once(void **state)
{
        int fd = serve("\xff\xfe\x2c", 3);

        assert_int_equal(telnet_begin(fd), -EPROTONOSUPPORT);
        (void)close(fd);
}

static void peer_that_hangs_up(void **state)
{
        int ends[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
        assert_int_equal(telnet_begin(ends[0]), -ECONNRESET);
        (void)close(ends[0]);
        (void)close(ends[1]);
}

static void ff_is_doubled_in_what_is_sent(void **state)
{
        static const uint8_t said[] = { 0x06, 0xff, 0x30, 0xff, 0xff };
        static const uint8_t wanted[] = { 0x06, 0xff, 0xff, 0x30, 0xff, 0xff, 0xff, 0xff };
        struct telnet t = { 0 };
        uint8_t sent[8];

        assert_int_equal(telnet_escape((struct slice){ said, sizeof(said) }, sent, sizeof(sent)),
                         sizeof(wanted));
        assert_memory_equal(sent, wanted, sizeof(wanted));
        assert_int_equal(telnet_unescape(&t, sent, sizeof(sent)), sizeof(said));
        assert_memory_equal(sent, said, sizeof(said));
        assert_int_equal(telnet_escape((struct slice){ said, sizeof(said) }, sent, 7), 0);
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(asked_for_ever),
                cmocka_unit_test(ff_is_doubled_in_what_is_sent),
                cmocka_unit_test(data_behind_the_last_answer_is_left_to_read),
                cmocka_unit_test(refusal_is_told_at_once),
                cmocka_unit_test(peer_that_hangs_up),
        };

        return test_run_rows_and("telnet", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_cuts,
                                 more, ELEMENTSOF(more));
}
