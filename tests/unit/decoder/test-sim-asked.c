/* SPDX-License-Identifier: MIT */
/*
 * Virtual meters that must be asked: what they understand at which speed, what they answer at
 * which, and what they do wrong when that was ordered. What they send decodes: see
 * test-sim-decode.c.
 */
#include "sim-compare.h"
#include "sim/asked.h"
#include "sim/profiles.h"

#define SIGN_ON "/?!\r\n"
#define IDENT_C "/LGZ5\\2ZMD3104100.B32\r\n"
#define F001    "\001R2\002F001\003\x16\r\n"
#define F009    "\001R2\002F009\003\x1e\r\n"

static struct asked_case {
        const char *name, *profile;
        struct sim_trouble trouble;
        struct step {
                const char *heard;
                unsigned int baud;  /* of the other side */
                const char *begins; /* the answer; "" none, NULL: noise was heard */
                unsigned int answer_baud, agreed_baud;
        } steps[6];
} cases[] = {
        { "a readout at the speed agreed on",
          "mode-c",
          { 0 },
          { { SIGN_ON, 300, IDENT_C, 300, 300 },
            { "\006040\r\n", 300, "\002F.F(00)\r\n0.0.0(40000003)\r\n", 4800, 4800 },
            { SIGN_ON, 300, IDENT_C, 300, 300 } } },
        { "nothing at another speed", "mode-c", { 0 }, { { SIGN_ON, 9600, NULL, 0, 0 } } },
        { "a speed that was changed behind the acknowledge, and no other",
          "mode-c",
          { 0 },
          { { SIGN_ON, 300, IDENT_C, 300, 300 },
            { "\006050\r\n", 4800, NULL, 0, 0 },
            { "\006050\r\n", 9600, "\002F.F", 9600, 9600 } } },
        { "an unknown speed of the listener is any",
          "mode-c",
          { 0 },
          { { SIGN_ON, 0, IDENT_C, 300, 300 } } },
        { "its own number, and no other",
          "mode-c",
          { 0 },
          { { "/?40000004!\r\n", 300, NULL, 0, 0 },
            { "/?40000003!\r\n", 300, IDENT_C, 300, 300 } } },
        { "no programming mode, no speed without number, no protocol but 0",
          "mode-c",
          { 0 },
          { { SIGN_ON, 300, IDENT_C, 300, 300 },
            { "\006051\r\n", 300, NULL, 0, 0 },
            { "\0060:0\r\n", 300, NULL, 0, 0 },
            { "\006150\r\n", 300, NULL, 0, 0 } } },
        { "reads after sign-on and password",
          "siemens-td3511",
          { 0 },
          { { SIGN_ON, 300, "/SIE6TD3511 V04.03\r\n", 300, 300 },
            { "\006061\r\n", 300, "\001P0\002(30000003)\003", 19200, 19200 },
            { F001, 19200, "\0020.0.0(30000003)\r\n0.9.1(", 19200, 19200 },
            { F009, 19200, "\0021.7.0(", 19200, 19200 } } },
        { "no read before, none with a wrong check, none of another name",
          "siemens-td3511",
          { 0 },
          { { F001, 300, NULL, 0, 0 },
            { SIGN_ON, 300, "/SIE6", 300, 300 },
            { "\006061\r\n", 300, "\001P0", 19200, 19200 },
            { "\001R2\002F001\003\x17\r\n", 19200, NULL, 0, 0 },
            { "\001R2\002F002\003\x15\r\n", 19200, NULL, 0, 0 } } },
        { "a session that ends once",
          "siemens-td3511",
          { .ends = 1 },
          { { SIGN_ON, 300, "/SIE6", 300, 300 },
            { "\006061\r\n", 300, "\001P0", 19200, 19200 },
            { F001, 19200, "", 300, 300 },
            { F001, 19200, NULL, 0, 0 },
            { SIGN_ON, 300, "/SIE6", 300, 300 } } },
        { "a meter that stays",
          "mode-c",
          { .stays = SIM_ALWAYS },
          { { SIGN_ON, 300, IDENT_C, 300, 300 },
            { "\006050\r\n", 300, "\002F.F", 300, 9600 },
            { SIGN_ON, 300, IDENT_C, 300, 300 } } },
        { "two that are not answered",
          "mode-c",
          { .no_answer = 2 },
          { { SIGN_ON, 300, "", 300, 300 },
            { SIGN_ON, 300, "", 300, 300 },
            { SIGN_ON, 300, IDENT_C, 300, 300 } } },
        { "mode B", "mode-c", { .no_speed = 1 }, { { SIGN_ON, 300, "/LGZE\\2ZMD", 300, 300 } } },
        { "no check",
          "mode-c",
          { .no_check = SIM_ALWAYS },
          { { SIGN_ON, 300, IDENT_C, 300, 300 },
            { "\006000\r\n", 300, "F.F(00)\r\n", 300, 300 } } },
};

static void run_step(struct sim_asked *asked, const struct step *step)
{
        struct sim_request request;
        struct sim_answer answer;
        static struct sim_telegram t;
        bool complete = false;

        for (const char *p = step->heard; *p; p++) {
                assert_false(complete);
                complete = sim_asked_hear(asked, (uint8_t)*p, step->baud, &request);
        }
        assert_true(complete);
        assert_int_equal(request.n, strlen(step->heard));
        assert_memory_equal(request.bytes, step->heard, request.n);
        assert_int_equal(request.kind == SIM_REQUEST_NOISE, !step->begins);
        assert_int_equal(sim_asked_answer(asked, &request, sim_test_clock(0), &t, &answer), 0);
        if (!step->begins || !*step->begins) {
                assert_int_equal(answer.n, 0);
                assert_false(answer.is_telegram);
                return;
        }
        assert_true(answer.n >= strlen(step->begins));
        assert_memory_equal(answer.bytes, step->begins, strlen(step->begins));
        assert_int_equal(answer.baud, step->answer_baud);
        assert_int_equal(answer.agreed_baud, step->agreed_baud);
}

static void run_case(void **state)
{
        const struct asked_case *c = *state;
        const struct sim_options options = { .seed = 3 };
        struct sim_meter meter;
        static struct sim_asked asked;

        assert_int_equal(
                sim_meter_init(&meter, sim_profile_find(c->profile), &options, sim_test_clock(0)),
                0);
        sim_asked_init(&asked, &meter, &c->trouble);
        for (size_t i = 0; i < ELEMENTSOF(c->steps) && c->steps[i].heard; i++)
                run_step(&asked, &c->steps[i]);
}

static void due(struct sim_asked *asked, struct sim_answer *ret)
{
        static struct sim_telegram t; /* a repetition is of the one before */

        assert_int_equal(sim_asked_due(asked, sim_test_clock(0), &t, ret), 0);
}

static void acknowledge(struct sim_asked *asked)
{
        struct sim_request request;
        struct sim_answer answer;
        struct sim_telegram t;

        assert_true(sim_asked_hear(asked, 0xe5, 9600, &request));
        assert_int_equal(request.kind, SIM_REQUEST_ACKNOWLEDGE);
        assert_int_equal(sim_asked_answer(asked, &request, sim_test_clock(0), &t, &answer), 0);
        assert_int_equal(answer.n, 0);
}

/* SND_NKE first; each frame again three times at most; after a rest as long, from the beginning. */
static void sender_repeats_until_it_is_acknowledged(void **state)
{
        static const uint8_t snd_nke[] = { 0x10, 0x40, 0xf0, 0x30, 0x16 };
        const struct sim_options options = { .seed = 3 };
        static struct sim_asked asked;
        struct sim_meter meter;
        struct sim_answer answer;
        uint8_t first[SIM_OUT_MAX];
        size_t n;

        assert_int_equal(
                sim_meter_init(&meter, &sim_profile_siemens_amis, &options, sim_test_clock(0)), 0);
        sim_asked_init(&asked, &meter, &(struct sim_trouble){ 0 });
        for (int i = 0; i < 2; i++) {
                due(&asked, &answer);
                assert_int_equal(answer.n, sizeof(snd_nke));
                assert_memory_equal(answer.bytes, snd_nke, sizeof(snd_nke));
                assert_false(answer.is_telegram);
        }
        acknowledge(&asked);
        due(&asked, &answer);
        assert_true(answer.is_telegram);
        n = answer.n;
        memcpy(first, answer.bytes, n);
        for (int i = 0; i < SIM_REPEATS; i++) {
                due(&asked, &answer);
                assert_int_equal(answer.n, n);
                assert_memory_equal(answer.bytes, first, n);
                assert_false(answer.is_telegram);
        }
        for (int i = 0; i <= SIM_REPEATS; i++) {
                due(&asked, &answer);
                assert_int_equal(answer.n, 0);
        }
        due(&asked, &answer);
        assert_memory_equal(answer.bytes, snd_nke, sizeof(snd_nke));
        acknowledge(&asked);
        due(&asked, &answer);
        assert_int_not_equal(answer.bytes[4], first[4]); /* the frame count bit */
}

static void wrong_check_is_of_the_first_blocks(void **state)
{
        const struct sim_options options = { .seed = 3 };
        static struct sim_asked asked;
        static struct sim_telegram t;
        struct sim_meter meter;
        struct sim_answer answer;

        assert_int_equal(sim_meter_init(&meter, &sim_profile_mode_c, &options, sim_test_clock(0)),
                         0);
        sim_asked_init(&asked, &meter, &(struct sim_trouble){ .wrong_check = 2, .slow = 1 });
        for (int i = 0; i < 3; i++) {
                struct sim_request request = { .kind = SIM_REQUEST_READOUT, .bytes = "\006050" };
                uint8_t check;

                assert_int_equal(sim_asked_answer(&asked, &request, sim_test_clock(0), &t, &answer),
                                 0);
                assert_true(answer.is_telegram);
                check = sim_asked_block_check(answer.bytes + 1, answer.n - 1);
                assert_int_equal(check == 0, i == 2);
                assert_int_equal(answer.after_usec > 1000000, i == 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sender_repeats_until_it_is_acknowledged),
                cmocka_unit_test(wrong_check_is_of_the_first_blocks),
        };
        return test_run_rows_and("sim-asked", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 tests, ELEMENTSOF(tests));
}
