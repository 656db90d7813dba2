/* SPDX-License-Identifier: MIT */
/* The table of a converter's states: rows, and what must hold for each state. */
#include "tests/unit/test.h"

#include "daemon/converter/machine.h"

static struct machine_case {
        const char *name;
        enum converter_state from;
        enum machine_event event;
        bool want;
        struct machine_step step;
} cases[] = {
#define ROW(name, from, event, to, action)                     \
        {                                                      \
                name, CONVERTER_##from, MACHINE_##event, true, \
                {                                              \
                        CONVERTER_##to, MACHINE_##action       \
                }                                              \
        }
#define NO_ROW(name, from, event)                               \
        {                                                       \
                name, CONVERTER_##from, MACHINE_##event, false, \
                {                                               \
                        0                                       \
                }                                               \
        }
        ROW("plugged in", GONE, MAY_OPEN, OPENING, OPEN),
        ROW("adopted", IGNORED, MAY_OPEN, OPENING, OPEN),
        ROW("given back", INHIBITED, MAY_OPEN, OPENING, OPEN),
        ROW("free again", BUSY, MAY_OPEN, OPENING, OPEN),
        NO_ROW("open already", RECEIVING, MAY_OPEN),
        NO_ROW("being opened", OPENING, MAY_OPEN),
        NO_ROW("after a full sweep it stays closed", NO_METER, MAY_OPEN),
        ROW("asked for after a full sweep", NO_METER, ASKED, OPENING, REOPEN),
        NO_ROW("asking opens nothing that is not configured", IGNORED, ASKED),
        NO_ROW("asking opens nothing that is lent", INHIBITED, ASKED),
        NO_ROW("asking opens nothing that is not there", GONE, ASKED),
        NO_ROW("nor does a USB reset", IGNORED, STUCK),
        ROW("USB reset by hand", NO_METER, STUCK, WAITING, RESET),
        ROW("unplugged while it is opened", OPENING, UNPLUGGED, GONE, CLOSE),
        ROW("it listens", OPENING, OPENED, DETECTING, LISTEN),
        ROW("it listens after all", WAITING, OPENED, DETECTING, LISTEN),
        ROW("no answer over USB", OPENING, LATE, WAITING, NOTHING),
        ROW("no answer to another line", DETECTING, LATE, WAITING, NOTHING),
        ROW("held", OPENING, HELD, BUSY, RETRY),
        ROW("used by another program", OPENING, IN_USE, IGNORED, CLOSE),
        ROW("a GPS mouse", DETECTING, FOREIGN, IGNORED, CLOSE),
        ROW("failed after it was late", WAITING, FAILED, WAITING, RETRY),
        ROW("hung up", RECEIVING, HUNG_UP, WAITING, RETRY),
        ROW("a frame is no telegram", DETECTING, FRAME, DETECTING, NOTHING),
        ROW("the first telegram", DETECTING, TELEGRAM, RECEIVING, NOTHING),
        ROW("not this line", DETECTING, REJECTED, DETECTING, NEXT_LINE),
        ROW("nothing at any line", DETECTING, SWEPT, NO_METER, CLOSE),
        ROW("another meter", RECEIVING, LOST, DETECTING, SWEEP),
        ROW("stalled", RECEIVING, STALLED, OPENING, REOPEN),
        ROW("nothing helped", DETECTING, QUIET, SILENT, NOTHING),
        ROW("nothing helped, USB is dead", DETECTING, UNANSWERED, WAITING, RETRY),
        ROW("it speaks again", SILENT, SPEAKS, DETECTING, RESUME),
        NO_ROW("a late telegram of a closed port", GONE, TELEGRAM),
};

static void run_case(void **state)
{
        const struct machine_case *c = *state;
        struct machine_step step;

        assert_int_equal(machine_next(c->from, c->event, &step), c->want);
        if (!c->want)
                return;
        assert_int_equal(step.state, c->step.state);
        assert_int_equal(step.action, c->step.action);
}

static bool closes(enum machine_action action)
{
        return action == MACHINE_CLOSE || action == MACHINE_RETRY || action == MACHINE_RESET;
}

static bool opens(enum machine_action action)
{
        return action == MACHINE_OPEN || action == MACHINE_REOPEN;
}

/* What is opened is shown as being opened, and what is left is closed. */
static void test_every_step_leaves_the_port_as_its_state_says(void **state)
{
        for (int from = 0; from < CONVERTER_N_STATES; from++)
                for (int event = 0; event < MACHINE_N_EVENTS; event++) {
                        struct machine_step step;

                        if (!machine_next((enum converter_state)from, (enum machine_event)event,
                                          &step))
                                continue;
                        assert_int_equal(opens(step.action), step.state == CONVERTER_OPENING);
                        if (machine_is_open((enum converter_state)from) &&
                            !machine_is_open(step.state) && event != MACHINE_LATE)
                                assert_true(closes(step.action));
                }
}

/* Whatever the state: what must not be open is closed by these. */
static void test_unplugging_lending_and_forbidding_close_from_every_state(void **state)
{
        static const enum machine_event events[] = { MACHINE_UNPLUGGED, MACHINE_FORBIDDEN,
                                                     MACHINE_LENT, MACHINE_ABSENT };

        for (int from = 0; from < CONVERTER_N_STATES; from++)
                for (size_t i = 0; i < ELEMENTSOF(events); i++) {
                        struct machine_step step;

                        assert_true(machine_next((enum converter_state)from, events[i], &step));
                        assert_int_equal(step.action, MACHINE_CLOSE);
                        assert_false(machine_is_open(step.state));
                }
}

/* No state is a dead end: each is left by being asked, configured, plugged or by the port. */
static void test_every_state_can_be_left(void **state)
{
        for (int from = 0; from < CONVERTER_N_STATES; from++) {
                bool left = false;

                assert_true(*converter_state_name((enum converter_state)from) != '\0');
                for (int event = 0; event < MACHINE_N_EVENTS; event++) {
                        struct machine_step step;

                        left |= machine_next((enum converter_state)from, (enum machine_event)event,
                                             &step) &&
                                step.state == CONVERTER_OPENING;
                }
                assert_true(left || from == CONVERTER_OPENING);
        }
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_every_step_leaves_the_port_as_its_state_says),
                cmocka_unit_test(test_unplugging_lending_and_forbidding_close_from_every_state),
                cmocka_unit_test(test_every_state_can_be_left),
        };

        return test_run_rows_and("machine", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
