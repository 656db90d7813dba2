/* SPDX-License-Identifier: MIT */
/* Topics that a broker refuses: how long they are left out, and when a suspect is one of them. */
#include <stdlib.h>

#include "daemon/mqtt/mqtt-denied.h"
#include "tests/unit/test.h"

#define PERIOD UINT64_C(100)
/* As the table forgets a topic that has not been sent for nine periods after its time. */
#define FORGOTTEN (PERIOD * 10)

enum operation {
        END,
        ADD,     /* the broker refuses it */
        SUSPECT, /* the connection ends behind it; want: it is refused from now on */
        ACCEPT,  /* the broker takes it; want: it had been refused */
        OUT,     /* want: it is left out */
        DUE,     /* want: states are to be published again */
        RETRY,   /* a person asks for it */
        N_KNOWN, /* want: how many are refused */
};

struct step {
        enum operation operation;
        uint64_t at;
        const char *topic;
        size_t want;
};

static struct denied_case {
        const char *name;
        enum message_class class;
        struct step steps[12];
} cases[] = {
        { "a refused topic is left out, others are not",
          MESSAGE_ENERGY,
          { { ADD, 1000, "a", 0 }, { OUT, 1099, "a", 1 }, { OUT, 1099, "b", 0 } } },
        { "after its time it is tried, and still known",
          MESSAGE_ENERGY,
          { { ADD, 1000, "a", 0 }, { OUT, 1100, "a", 0 }, { N_KNOWN, 1100, "", 1 } } },
        { "refused again it is left out again",
          MESSAGE_ENERGY,
          { { ADD, 1000, "a", 0 },
            { ADD, 1100, "a", 0 },
            { OUT, 1199, "a", 1 },
            { N_KNOWN, 1199, "", 1 } } },
        { "accepted it is forgotten",
          MESSAGE_ENERGY,
          { { ADD, 1000, "a", 0 },
            { ACCEPT, 1100, "a", 1 },
            { N_KNOWN, 1100, "", 0 },
            { ACCEPT, 1100, "a", 0 } } },
        { "one suspicion makes a suspect, which is sent",
          MESSAGE_ENERGY,
          { { SUSPECT, 1000, "a", 0 }, { OUT, 1001, "a", 0 }, { N_KNOWN, 1001, "", 0 } } },
        { "the third suspicion in a row is enough",
          MESSAGE_ENERGY,
          { { SUSPECT, 1000, "a", 0 },
            { SUSPECT, 1001, "a", 0 },
            { SUSPECT, 1099, "a", 1 },
            { OUT, 1100, "a", 1 },
            { OUT, 1199, "a", 0 } } },
        { "a suspicion of long ago does not count",
          MESSAGE_ENERGY,
          { { SUSPECT, 1000, "a", 0 },
            { SUSPECT, 1000 + MQTT_DENIED_USEC, "a", 0 },
            { SUSPECT, 1001 + MQTT_DENIED_USEC, "a", 0 },
            { SUSPECT, 1002 + MQTT_DENIED_USEC, "a", 1 } } },
        { "where suspects were taken after all the link is bad, and it takes more",
          MESSAGE_ENERGY,
          { { SUSPECT, 1000, "b", 0 },
            { ACCEPT, 1001, "b", 0 },
            { SUSPECT, 1002, "c", 0 },
            { ACCEPT, 1003, "c", 0 },
            { SUSPECT, 1004, "a", 0 },
            { SUSPECT, 1005, "a", 0 },
            { SUSPECT, 1006, "a", 0 },
            { SUSPECT, 1007, "a", 0 },
            { SUSPECT, 1008, "a", 1 } } },
        { "nor one of another topic",
          MESSAGE_ENERGY,
          { { SUSPECT, 1000, "a", 0 }, { SUSPECT, 1001, "b", 0 } } },
        { "nor one before it was accepted",
          MESSAGE_ENERGY,
          { { SUSPECT, 1000, "a", 0 }, { ACCEPT, 1001, "a", 0 }, { SUSPECT, 1002, "a", 0 } } },
        { "tried again, one suspicion is enough",
          MESSAGE_ENERGY,
          { { ADD, 1000, "a", 0 }, { SUSPECT, 1100, "a", 1 }, { OUT, 1199, "a", 1 } } },
        { "a state is asked for once when its time has come",
          MESSAGE_STATE,
          { { ADD, 1000, "a", 0 },
            { DUE, 1099, "", 0 },
            { DUE, 1100, "", 1 },
            { DUE, 1101, "", 0 },
            { ADD, 1102, "a", 0 },
            { DUE, 1202, "", 1 } } },
        { "a reading comes by itself",
          MESSAGE_INSTANTANEOUS,
          { { ADD, 1000, "a", 0 }, { DUE, 1100, "", 0 } } },
        { "a topic that is not sent any more is forgotten",
          MESSAGE_STATE,
          { { ADD, 1000, "a", 0 },
            { DUE, 1100, "", 1 },
            { DUE, 999 + FORGOTTEN, "", 0 },
            { N_KNOWN, 0, "", 1 },
            { DUE, 1000 + FORGOTTEN, "", 0 },
            { N_KNOWN, 0, "", 0 } } },
        { "on demand all are tried at once",
          MESSAGE_STATE,
          { { ADD, 1000, "a", 0 },
            { ADD, 1000, "b", 0 },
            { RETRY, 1001, "", 0 },
            { OUT, 1001, "a", 0 },
            { OUT, 1001, "b", 0 },
            { DUE, 1001, "", 1 } } },
};

static struct message *make(enum message_class class, const char *topic)
{
        struct message_attributes attributes = { .class = class };
        struct message *m = message_new(&attributes, topic, "", 0);

        assert_non_null(m);
        return m;
}

static size_t do_step(struct mqtt_denied *d, const struct step *step, enum message_class class)
{
        struct message *m = make(class, step->topic);
        size_t got = 0;

        switch (step->operation) {
        case END:
                break;
        case ADD:
                mqtt_denied_add(d, m, step->at);
                break;
        case SUSPECT:
                got = mqtt_denied_suspect(d, m, step->at);
                break;
        case ACCEPT:
                got = mqtt_denied_accept(d, step->topic);
                break;
        case OUT:
                got = mqtt_denied_leaves_out(d, step->topic, step->at);
                break;
        case DUE:
                got = mqtt_denied_take_due(d, step->at);
                break;
        case RETRY:
                mqtt_denied_retry(d, step->at);
                break;
        case N_KNOWN:
                (void)mqtt_denied_first(d, &got);
                break;
        }
        free(m);
        return got;
}

static void run_case(void **state)
{
        const struct denied_case *c = *state;
        struct mqtt_denied d = { .usec = PERIOD };

        for (const struct step *step = c->steps; step->operation != END; step++)
                assert_int_equal(do_step(&d, step, c->class), step->want);
        mqtt_denied_clear(&d);
}

static void denied_keeps_those_that_are_asked_for(void **state)
{
        struct mqtt_denied d = { .usec = PERIOD };
        char topic[16];
        size_t n;

        (void)state;
        for (int i = 0; i < MQTT_DENIED_MAX; i++) {
                struct message *m;

                (void)snprintf(topic, sizeof(topic), "t%d", i);
                m = make(MESSAGE_ENERGY, topic);
                mqtt_denied_add(&d, m, 1000);
                free(m);
        }
        assert_true(mqtt_denied_leaves_out(&d, "t0", 1001));
        do_step(&d, &(struct step){ ADD, 1001, "one more", 0 }, MESSAGE_ENERGY);
        assert_non_null(mqtt_denied_first(&d, &n));
        assert_int_equal(n, MQTT_DENIED_MAX);
        assert_true(mqtt_denied_leaves_out(&d, "t0", 1002));
        assert_true(mqtt_denied_leaves_out(&d, "one more", 1002));
        assert_false(mqtt_denied_leaves_out(&d, "t1", 1002));
        mqtt_denied_clear(&d);
        assert_null(mqtt_denied_first(&d, &n));
}

static void denied_says_when_to_look(void **state)
{
        struct mqtt_denied d = { .usec = PERIOD };

        (void)state;
        assert_int_equal(mqtt_denied_deadline(&d), UINT64_MAX);
        do_step(&d, &(struct step){ SUSPECT, 1000, "a", 0 }, MESSAGE_STATE);
        assert_int_equal(mqtt_denied_deadline(&d), UINT64_MAX);
        do_step(&d, &(struct step){ ADD, 1000, "a", 0 }, MESSAGE_STATE);
        assert_int_equal(mqtt_denied_deadline(&d), 1100);
        assert_true(mqtt_denied_take_due(&d, 1100));
        assert_int_equal(mqtt_denied_deadline(&d), 1000 + FORGOTTEN);
        mqtt_denied_clear(&d);
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(denied_keeps_those_that_are_asked_for),
                cmocka_unit_test(denied_says_when_to_look),
        };

        return test_run_rows_and("mqtt-denied", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_case, more, ELEMENTSOF(more));
}
