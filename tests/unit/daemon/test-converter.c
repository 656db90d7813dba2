/* SPDX-License-Identifier: MIT */
/*
 * A whole converter on a pty, with a clock that only the test moves: silence, flapping, retries.
 * The linker puts the functions below in the place of sd-event's clock (--wrap), and a count in the
 * place of the USB reset, which test_converters.py looks at.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/converter/converter-private.h"
#include "daemon/converter/converter.h"

#define S           UINT64_C(1000000)
#define SOURCES_MAX 8
#define LOOP_TURNS  50
/* 20 s of real time at most */
#define FEED_TURNS     200
#define FEED_TURN_USEC (S / 10)
#define IDENTITY       "067b:2303@here"

/* A frame whose check sum holds, and nothing in it: the address, UA, and the FCS. */
static const char frame[] = "\x7e\xa0\x07\x03\x21\x93\x0f\x01\x7e";

/* A whole telegram of P1. */
static const char telegram[] = "/LGZ5E360\r\n"
                               "\r\n"
                               "0-0:96.1.1(31323334)\r\n"
                               "1-0:1.8.0(000123.456*kWh)\r\n"
                               "!EBC6\r\n";

/* The clock */

static uint64_t clock_usec;
static struct {
        sd_event_source *source;
        uint64_t at_usec;
} timers[SOURCES_MAX];

int __real_sd_event_source_set_time(sd_event_source *source, uint64_t usec);
sd_event_source *__real_sd_event_source_disable_unref(sd_event_source *source);
int __wrap_sd_event_now(sd_event *event, clockid_t clock, uint64_t *ret);
int __wrap_sd_event_source_set_time(sd_event_source *source, uint64_t usec);
sd_event_source *__wrap_sd_event_source_disable_unref(sd_event_source *source);
int __wrap_converter_usb_reset(struct converter *c);
int __wrap_converter_may_reset(const struct converter *c);

int __wrap_sd_event_now(sd_event *event, clockid_t clock, uint64_t *ret)
{
        *ret = clock_usec;
        return 0;
}

/* Due at once or never: the real clock has no say. */
static int set_real(sd_event_source *source, uint64_t usec)
{
        return __real_sd_event_source_set_time(source, usec <= clock_usec ? 0 : UINT64_MAX);
}

int __wrap_sd_event_source_set_time(sd_event_source *source, uint64_t usec)
{
        size_t i = 0;

        while (timers[i].source && timers[i].source != source)
                assert_true(++i < SOURCES_MAX);
        timers[i].source = source;
        timers[i].at_usec = usec;
        return set_real(source, usec);
}

sd_event_source *__wrap_sd_event_source_disable_unref(sd_event_source *source)
{
        for (size_t i = 0; i < SOURCES_MAX; i++)
                if (source && timers[i].source == source)
                        timers[i].source = NULL;
        return __real_sd_event_source_disable_unref(source);
}

/* One converter and what it reported */

struct bed {
        sd_event *event;
        struct config_converter config;
        struct converter *converter;
        struct hotplug_device device;
        int master;
        unsigned int resets, telegrams;
        int assessed;       /* of a trial */
        bool reset_replugs; /* as the kernel does: the drivers are bound anew */
};

static struct bed *the_bed;

static void count_telegram(struct converter *c, const struct telegram *t, void *userdata)
{
        the_bed->telegrams++;
}

static void ignore_change(struct converter *c, void *userdata)
{
}

static int assess(struct converter *c, const struct telegram *t, void *userdata)
{
        return the_bed->assessed;
}

static const struct converter_ops ops = { .telegram = count_telegram,
                                          .changed = ignore_change,
                                          .lost = ignore_change,
                                          .assess = assess };

int __wrap_converter_may_reset(const struct converter *c)
{
        return 0;
}

int __wrap_converter_usb_reset(struct converter *c)
{
        the_bed->resets++;
        if (the_bed->reset_replugs) {
                converter_unplugged(c);
                converter_plugged(c, &the_bed->device);
        }
        return 0;
}

/* An error of opening that root cannot have otherwise; 0: none. The worker has a copy. */
static int open_error;
static unsigned int open_delay_usec;

int __wrap_tty_open(const char *devnode, const struct serial_line *line, bool write, int *ret_fd,
                    bool *ret_marked);
int __real_tty_open(const char *devnode, const struct serial_line *line, bool write, int *ret_fd,
                    bool *ret_marked);

int __wrap_tty_open(const char *devnode, const struct serial_line *line, bool write, int *ret_fd,
                    bool *ret_marked)
{
        (void)usleep(open_delay_usec);
        return open_error ? -open_error : __real_tty_open(devnode, line, write, ret_fd, ret_marked);
}

/* Workers take real time. */
static void turn(struct bed *bed)
{
        for (int i = 0; i < LOOP_TURNS; i++)
                assert_true(sd_event_run(bed->event, 0) >= 0);
        for (int i = 0; i < FEED_TURNS && port_is_under_way(bed->converter->port); i++)
                assert_true(sd_event_run(bed->event, FEED_TURN_USEC) >= 0);
        assert_false(port_is_under_way(bed->converter->port));
}

/* A second at a time, so that every timer has its turn when it is due. */
static void pass(struct bed *bed, uint64_t seconds)
{
        while (seconds-- > 0) {
                clock_usec += S;
                for (size_t i = 0; i < SOURCES_MAX; i++)
                        if (timers[i].source)
                                assert_true(set_real(timers[i].source, timers[i].at_usec) >= 0);
                turn(bed);
        }
}

static uint64_t counted(struct bed *bed, const char *name)
{
        const struct converter_view *view = converter_view_get(bed->converter);

        converter_update_view(bed->converter);
        for (size_t i = 0; i < view->n_statistics; i++)
                if (strcmp(view->statistics[i].name, name) == 0)
                        return view->statistics[i].value;
        fail_msg("no counter %s", name);
        return 0;
}

/* The kernel hands a pty's bytes over when it likes: this alone waits in real time. */
static void feed_bytes(struct bed *bed, const char *bytes, size_t len)
{
        uint64_t want = counted(bed, "bytes") + len;

        assert_int_equal(write(bed->master, bytes, len), len);
        for (int i = 0; i < FEED_TURNS && counted(bed, "bytes") < want; i++)
                assert_true(sd_event_run(bed->event, FEED_TURN_USEC) >= 0);
        assert_int_equal(counted(bed, "bytes"), want);
        turn(bed);
}

static void feed(struct bed *bed)
{
        feed_bytes(bed, telegram, sizeof(telegram) - 1);
}

static void assert_code(struct bed *bed, const char *code)
{
        assert_string_equal(converter_view_get(bed->converter)->code, code);
}

static void assert_state(struct bed *bed, enum converter_state state)
{
        assert_string_equal(converter_state_name(converter_state_get(bed->converter)),
                            converter_state_name(state));
}

static void plug(struct bed *bed, const char *syspath)
{
        (void)snprintf(bed->device.syspath, sizeof(bed->device.syspath), "%s", syspath);
        converter_plugged(bed->converter, &bed->device);
        turn(bed);
}

static int set_up(void **state)
{
        struct bed *bed = calloc(1, sizeof(*bed));
        struct converter_options options = { .ops = &ops };

        assert_non_null(bed);
        *state = the_bed = bed;
        clock_usec = 1000 * S;
        log_set_level(0);
        assert_true(sd_event_new(&bed->event) >= 0);
        options.event = bed->event;
        bed->config.line.automatic = true;
        bed->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(bed->master >= 0 && grantpt(bed->master) >= 0 && unlockpt(bed->master) >= 0);
        (void)snprintf(bed->device.devnode, sizeof(bed->device.devnode), "%s",
                       ptsname(bed->master));
        assert_int_equal(converter_new(&options, IDENTITY, &bed->converter), 0);
        converter_configure(bed->converter, &bed->config, (struct converter_ban){ 0 });
        return 0;
}

static int tear_down(void **state)
{
        struct bed *bed = *state;

        converter_free(bed->converter);
        (void)close(bed->master);
        sd_event_unref(bed->event);
        free(bed);
        return 0;
}

static void set_up_receiving(struct bed *bed)
{
        plug(bed, "/first");
        assert_state(bed, CONVERTER_DETECTING);
        for (int i = 0; i < 3; i++) {
                pass(bed, 5);
                feed(bed);
        }
        assert_state(bed, CONVERTER_RECEIVING);
}

static void test_silence_is_reopened_after_15_s_and_then_silent(void **state)
{
        struct bed *bed = *state;

        set_up_receiving(bed);
        pass(bed, 14);
        assert_int_equal(counted(bed, "reopens"), 0);
        pass(bed, 1);
        assert_int_equal(counted(bed, "reopens"), 1);
        assert_int_equal(counted(bed, "opens"), 2);
        assert_state(bed, CONVERTER_DETECTING);
        pass(bed, 14);
        assert_state(bed, CONVERTER_DETECTING);
        pass(bed, 1);
        assert_state(bed, CONVERTER_SILENT);

        /* It listens on: for hours, at the same line, and without another try. */
        pass(bed, 3600);
        assert_state(bed, CONVERTER_SILENT);
        assert_int_equal(counted(bed, "opens"), 2);
        assert_int_equal(bed->resets, 0);
        feed(bed);
        assert_state(bed, CONVERTER_RECEIVING);
}

static void test_stalled_endpoint_is_recovered_by_reopening(void **state)
{
        struct bed *bed = *state;

        set_up_receiving(bed);
        pass(bed, 15);
        feed(bed);
        assert_state(bed, CONVERTER_RECEIVING);
        pass(bed, 14); /* and the watch begins anew */
        assert_int_equal(counted(bed, "reopens"), 1);
        pass(bed, 1);
        assert_int_equal(counted(bed, "reopens"), 2);
}

static void test_usb_reset_is_never_done_without_being_asked_for(void **state)
{
        struct bed *bed = *state;

        set_up_receiving(bed);
        for (int i = 0; i < 10; i++) {
                pass(bed, 600);
                assert_state(bed, CONVERTER_SILENT);
                feed(bed);
        }
        assert_int_equal(bed->resets, 0);
}

static void test_usb_reset_at_most_once_in_ten_minutes(void **state)
{
        struct bed *bed = *state;
        uint64_t last = 0;

        bed->config.usb_reset = true;
        set_up_receiving(bed);
        for (int i = 0; i < 3600; i++) { /* falls silent again and again */
                unsigned int before = bed->resets;

                pass(bed, 1);
                if (bed->resets > before) {
                        assert_true(last == 0 || clock_usec - last >= 600 * S);
                        last = clock_usec;
                }
                if (i % 190 == 0)
                        feed(bed);
        }
        assert_in_range(bed->resets, 4, 6);
}

static void test_converter_that_comes_back_from_its_reset_is_silent_not_no_meter(void **state)
{
        struct bed *bed = *state;

        bed->config.usb_reset = bed->reset_replugs = true;
        set_up_receiving(bed);
        pass(bed, 30);
        assert_int_equal(bed->resets, 1);
        pass(bed, 15);
        assert_state(bed, CONVERTER_SILENT);
        pass(bed, 3600);
        assert_state(bed, CONVERTER_SILENT);
        feed(bed);
        assert_state(bed, CONVERTER_RECEIVING);
}

static void test_flapping_is_opened_with_a_growing_pause(void **state)
{
        struct bed *bed = *state;
        char syspath[32];

        for (int i = 1; i < 20; i++) {
                (void)snprintf(syspath, sizeof(syspath), "/%d", i);
                plug(bed, syspath);
                assert_state(bed, CONVERTER_DETECTING);
                converter_unplugged(bed->converter);
                assert_state(bed, CONVERTER_GONE);
        }
        plug(bed, "/20");
        assert_state(bed, CONVERTER_WAITING);
        pass(bed, 1);
        assert_state(bed, CONVERTER_DETECTING);
        converter_unplugged(bed->converter);
        plug(bed, "/21");
        pass(bed, 1);
        assert_state(bed, CONVERTER_WAITING);
        pass(bed, 1);
        assert_state(bed, CONVERTER_DETECTING);

        /* A byte, and it is as good as new. */
        feed(bed);
        converter_unplugged(bed->converter);
        plug(bed, "/22");
        assert_state(bed, CONVERTER_DETECTING);
}

static void test_flapping_is_forgiven_after_a_minute(void **state)
{
        struct bed *bed = *state;
        char syspath[32];

        for (int i = 0; i < 60; i++) {
                pass(bed, 4); /* 15 a minute */
                (void)snprintf(syspath, sizeof(syspath), "/%d", i);
                plug(bed, syspath);
                assert_state(bed, CONVERTER_DETECTING);
                converter_unplugged(bed->converter);
        }
}

static void test_tty_that_is_not_there_yet_is_tried_again(void **state)
{
        struct bed *bed = *state;
        struct hotplug_device real = bed->device;

        (void)snprintf(bed->device.devnode, sizeof(bed->device.devnode), "/nowhere/ttyUSB0");
        plug(bed, "/first");
        assert_state(bed, CONVERTER_WAITING);
        pass(bed, 120);
        assert_state(bed, CONVERTER_WAITING);
        assert_int_equal(counted(bed, "opens"), 0);
        (void)snprintf(bed->device.devnode, sizeof(bed->device.devnode), "%s", real.devnode);
        plug(bed, "/first"); /* "change": at once */
        assert_state(bed, CONVERTER_DETECTING);
}

static void test_group_and_sandbox_that_deny_are_told_apart(void **state)
{
        struct bed *bed = *state;

        open_error = EACCES;
        plug(bed, "/first");
        assert_state(bed, CONVERTER_DENIED);
        assert_non_null(strstr(converter_view_get(bed->converter)->reason, "group"));
        open_error = EPERM;
        pass(bed, 2);
        assert_state(bed, CONVERTER_DENIED);
        assert_non_null(strstr(converter_view_get(bed->converter)->reason, "DeviceAllow="));
        open_error = 0;
        pass(bed, 120);
        assert_state(bed, CONVERTER_DETECTING);
}

static void test_frames_without_a_telegram_are_not_receiving(void **state)
{
        struct bed *bed = *state;

        plug(bed, "/first");
        assert_code(bed, "listening");
        for (int i = 0; i < 5; i++) {
                pass(bed, 5);
                feed_bytes(bed, frame, sizeof(frame) - 1);
        }
        assert_state(bed, CONVERTER_DETECTING);
        assert_code(bed, "no-telegrams");
        pass(bed, 10);
        feed(bed);
        assert_state(bed, CONVERTER_RECEIVING);
        assert_code(bed, "telegrams");
}

static void test_mostly_damaged_frames_are_said_and_forgiven(void **state)
{
        struct bed *bed = *state;
        char damaged[sizeof(telegram)];

        memcpy(damaged, telegram, sizeof(telegram));
        damaged[40] ^= 1;
        set_up_receiving(bed);
        for (int i = 0; i < 15; i++) {
                pass(bed, 5);
                feed_bytes(bed, damaged, sizeof(damaged) - 1);
        }
        pass(bed, 3);
        assert_state(bed, CONVERTER_RECEIVING);
        assert_code(bed, "damaged-frames");
        for (int i = 0; i < 30; i++) {
                pass(bed, 5);
                feed(bed);
        }
        pass(bed, 3);
        assert_code(bed, "telegrams");
}

static void test_configured_line_without_frames_is_said(void **state)
{
        struct bed *bed = *state;
        static const char noise[512];

        bed->config.line.automatic = false;
        bed->config.line.line = (struct serial_line){ 2400, 8, PARITY_EVEN, 1 };
        converter_configure(bed->converter, &bed->config, (struct converter_ban){ 0 });
        plug(bed, "/first");
        for (int i = 0; i < 8; i++) {
                pass(bed, 5);
                feed_bytes(bed, noise, sizeof(noise));
        }
        pass(bed, 3);
        assert_state(bed, CONVERTER_DETECTING);
        assert_code(bed, "no-frames");
}

static void test_device_that_answers_late_is_asked_again_after_a_minute(void **state)
{
        struct bed *bed = *state;

        open_delay_usec = 2500000;
        open_error = EIO;
        plug(bed, "/first");
        assert_state(bed, CONVERTER_WAITING);
        assert_code(bed, "no-usb-answer");
        open_delay_usec = 0;
        open_error = 0;
        pass(bed, 59);
        assert_state(bed, CONVERTER_WAITING);
        pass(bed, 30);
        assert_state(bed, CONVERTER_DETECTING);
}

/* It may be the adopted one that left its socket. */
static void set_up_trial(struct bed *bed)
{
        static const struct serial_line line = { 115200, 8, PARITY_NONE, 1 };

        converter_try(bed->converter, &line);
        plug(bed, "/second");
        assert_state(bed, CONVERTER_DETECTING);
}

static void test_trial_in_which_nothing_is_heard_ends_after_75_s(void **state)
{
        struct bed *bed = *state;

        set_up_trial(bed);
        pass(bed, 74);
        assert_true(converter_is_on_trial(bed->converter));
        assert_true(bed->converter->listening);
        pass(bed, 2);
        assert_state(bed, CONVERTER_IGNORED);
        assert_code(bed, "other-meter");
        assert_false(bed->converter->listening);
        /* Not tried again, whatever passes. */
        pass(bed, 3600);
        assert_state(bed, CONVERTER_IGNORED);
        assert_int_equal(counted(bed, "opens"), 1);
}

/* A telegram without an id neither ends the trial nor lengthens it, and is not passed on. */
static void test_trial_ends_after_75_s_of_telegrams_that_name_nobody(void **state)
{
        struct bed *bed = *state;

        set_up_trial(bed);
        for (int i = 0; i < 14; i++) {
                pass(bed, 5);
                feed(bed);
        }
        assert_true(bed->converter->listening);
        assert_int_equal(bed->telegrams, 0);
        pass(bed, 6);
        assert_state(bed, CONVERTER_IGNORED);
        assert_code(bed, "other-meter");
        assert_int_equal(bed->telegrams, 0);
}

static void test_trial_is_over_with_the_first_telegram_that_tells(void **state)
{
        static const struct {
                int assessed;
                enum converter_state state;
                bool told;
        } cases[] = { { 1, CONVERTER_RECEIVING, true }, { -1, CONVERTER_IGNORED, false } };
        struct bed *bed = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                bed->telegrams = 0;
                set_up_trial(bed);
                bed->assessed = cases[i].assessed;
                pass(bed, 5);
                feed(bed);
                pass(bed, 1);
                assert_state(bed, cases[i].state);
                assert_int_equal(bed->telegrams > 0, cases[i].told);
                assert_false(converter_is_on_trial(bed->converter) && bed->converter->listening);
                converter_unplugged(bed->converter);
                turn(bed);
        }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_silence_is_reopened_after_15_s_and_then_silent),
                TEST(test_stalled_endpoint_is_recovered_by_reopening),
                TEST(test_usb_reset_is_never_done_without_being_asked_for),
                TEST(test_usb_reset_at_most_once_in_ten_minutes),
                TEST(test_converter_that_comes_back_from_its_reset_is_silent_not_no_meter),
                TEST(test_flapping_is_opened_with_a_growing_pause),
                TEST(test_flapping_is_forgiven_after_a_minute),
                TEST(test_tty_that_is_not_there_yet_is_tried_again),
                TEST(test_group_and_sandbox_that_deny_are_told_apart),
                TEST(test_frames_without_a_telegram_are_not_receiving),
                TEST(test_mostly_damaged_frames_are_said_and_forgiven),
                TEST(test_configured_line_without_frames_is_said),
                TEST(test_device_that_answers_late_is_asked_again_after_a_minute),
                TEST(test_trial_in_which_nothing_is_heard_ends_after_75_s),
                TEST(test_trial_ends_after_75_s_of_telegrams_that_name_nobody),
                TEST(test_trial_is_over_with_the_first_telegram_that_tells),
        };

        return cmocka_run_group_tests_name("converter", tests, NULL, NULL);
}
