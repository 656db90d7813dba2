/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

static struct log_case {
        const char *name;
        int level, priority;
        struct log_about about;
        const char *text;
        const char *want;
} cases[] = {
        { "plain", LOG_INFO, LOG_NOTICE, { 0 }, "hello", "notice: hello\n" },
        { "below the level", LOG_NOTICE, LOG_INFO, { 0 }, "hello", "" },
        { "at the level", LOG_DEBUG, LOG_DEBUG, { 0 }, "hello", "debug: hello\n" },
        { "about a port",
          LOG_INFO,
          LOG_ERR,
          { .port = "ttyUSB0" },
          "gone",
          "err: ttyUSB0: gone\n" },
        { "about a meter behind a port",
          LOG_INFO,
          LOG_WARNING,
          { .port = "ttyUSB0", .meter = "M1" },
          "silent",
          "warning: M1: silent\n" },
        { "no line is forged",
          LOG_INFO,
          LOG_INFO,
          { 0 },
          "one\ntwo\033[2J",
          "info: one?two?[2J\n" },
};

/* What one call writes to stderr. */
static void capture(int priority, const struct log_about *about, const char *text, char *ret,
                    size_t size)
{
        int ends[2], saved = dup(STDERR_FILENO);

        assert_int_equal(pipe(ends), 0);
        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        errno = ENOENT;
        log_about(priority, about, "%s", text);
        int kept = errno;
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        (void)close(saved);
        (void)close(ends[1]);
        ssize_t n = read(ends[0], ret, size - 1);
        (void)close(ends[0]);
        assert_true(n >= 0);
        ret[n] = 0;
        assert_int_equal(kept, ENOENT);
}

static void run_case(void **state)
{
        const struct log_case *c = *state;
        char got[2048];

        log_set_level(c->level);
        capture(c->priority, &c->about, c->text, got, sizeof(got));
        assert_string_equal(got, c->want);
}

static void long_message_is_cut_and_stays_one_line(void **state)
{
        char text[3000], got[4096];

        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = 0;
        log_set_level(LOG_INFO);
        capture(LOG_INFO, NULL, text, got, sizeof(got));
        assert_true(strlen(got) > 900 && strlen(got) < 1100);
        assert_int_equal(got[strlen(got) - 1], '\n');
}

static void level_names_go_both_ways(void **state)
{
        for (int level = LOG_EMERG; level <= LOG_DEBUG; level++)
                assert_int_equal(log_level_parse(log_level_name(level)), level);
        assert_int_equal(log_level_parse("loud"), -EINVAL);
        assert_int_equal(log_level_parse(""), -EINVAL);
}

static void target_follows_the_journal_stream(void **state)
{
        (void)setenv("JOURNAL_STREAM", "1:2", 1);
        log_init();
        assert_string_equal(log_target_get(), "console");
        assert_int_equal(log_target_set("journal"), 0);
        assert_string_equal(log_target_get(), "journal");
        assert_int_equal(log_target_set("kmsg"), -EINVAL);
        assert_string_equal(log_target_get(), "journal");
        log_init();
        assert_string_equal(log_target_get(), "console");
}

/* A journal of the test, in place of the machine's. */
static struct sockaddr_un journal = { .sun_family = AF_UNIX };

/* SENDMSG: what sendmsg() is called in libc, which has one for each size of times. */
ssize_t real_sendmsg(int fd, const struct msghdr *message, int flags) __asm__("__real_" SENDMSG);
ssize_t wrap_sendmsg(int fd, const struct msghdr *message, int flags) __asm__("__wrap_" SENDMSG);

ssize_t wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
        struct msghdr here = *message;

        here.msg_name = &journal;
        here.msg_namelen = sizeof(sa_family_t); /* and the name, which begins with a 0 */
        here.msg_namelen += 1 + (socklen_t)strlen(journal.sun_path + 1);
        return real_sendmsg(fd, &here, flags);
}

static int open_journal(void)
{
        int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

        (void)snprintf(journal.sun_path + 1, sizeof(journal.sun_path) - 1, "test-log-%d",
                       (int)getpid());
        assert_int_equal(bind(fd, (struct sockaddr *)&journal,
                              (socklen_t)(sizeof(sa_family_t) + 1 + strlen(journal.sun_path + 1))),
                         0);
        return fd;
}

static void a_journal_gets_fields_and_is_not_waited_for(void **state)
{
        static const char want[] = "SMARTMETER_METER=M?1\nMESSAGE=M?1: one?two\n";
        int fd = open_journal();
        char got[1024] = "";

        log_set_level(LOG_INFO);
        assert_int_equal(log_target_set("journal"), 0);
        log_about(LOG_INFO, LOG_SUBJECT(.meter = "M\n1"), "one\ntwo");
        assert_true(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
        assert_memory_equal(got, "PRIORITY=6\n", 11);
        assert_non_null(strstr(got, want));

        /* One that stands still takes net.unix.max_dgram_qlen of them, and then no more. */
        (void)alarm(20);
        for (int i = 0; i < 5000; i++)
                log_info("hello");
        (void)alarm(0);
        while (recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0)
                ;
        log_info("there again");
        memset(got, 0, sizeof(got));
        assert_true(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
        assert_non_null(strstr(got, " lines of this log are missing here"));
        assert_true(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT) > 0);
        assert_non_null(strstr(got, "MESSAGE=there again\n"));
        assert_int_equal(log_target_set("console"), 0);
        (void)close(fd);
}

static void a_pipe_that_nobody_empties_is_not_waited_for(void **state)
{
        int ends[2], saved = dup(STDERR_FILENO), flags;

        assert_int_equal(pipe(ends), 0);
        flags = fcntl(ends[1], F_GETFL);
        assert_int_equal(fcntl(ends[1], F_SETFL, flags | O_NONBLOCK), 0);
        while (write(ends[1], "x", 1) == 1)
                ;
        assert_int_equal(fcntl(ends[1], F_SETFL, flags), 0);
        log_set_level(LOG_INFO);
        assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
        (void)alarm(20);
        log_info("hello");
        (void)alarm(0);
        assert_true(dup2(saved, STDERR_FILENO) >= 0);
        log_info("there again"); /* and that one is missing */
        (void)close(saved);
        (void)close(ends[0]);
        (void)close(ends[1]);
}

int main(void)
{
        struct CMUnitTest tests[ELEMENTSOF(cases) + 5] = {
                cmocka_unit_test(long_message_is_cut_and_stays_one_line),
                cmocka_unit_test(level_names_go_both_ways),
                cmocka_unit_test(target_follows_the_journal_stream),
                cmocka_unit_test(a_journal_gets_fields_and_is_not_waited_for),
                cmocka_unit_test(a_pipe_that_nobody_empties_is_not_waited_for),
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                tests[5 + i] = (struct CMUnitTest){ .name = cases[i].name,
                                                    .test_func = run_case,
                                                    .initial_state = &cases[i] };
        return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
