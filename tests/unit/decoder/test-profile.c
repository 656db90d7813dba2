/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

static struct line_case {
        const char *name;
        const char *text;
        int want_r;
        struct serial_line want;
        const char *want_text;
} cases[] = {
        { "M-Bus", "2400 8E1", 0, { 2400, 8, PARITY_EVEN, 1 }, "2400 8E1" },
        { "P1", "115200 8N1", 0, { 115200, 8, PARITY_NONE, 1 }, "115200 8N1" },
        { "lower case, comma", "9600,7e1", 0, { 9600, 7, PARITY_EVEN, 1 }, "9600 7E1" },
        { "odd, two stop bits", "300 7O2", 0, { 300, 7, PARITY_ODD, 2 }, "300 7O2" },
        { "no baud rate", "8E1", -EINVAL, { 0 }, NULL },
        { "parity unheard of", "2400 8X1", -EINVAL, { 0 }, NULL },
        { "nine bits", "2400 9N1", -EINVAL, { 0 }, NULL },
        { "three stop bits", "2400 8N3", -EINVAL, { 0 }, NULL },
        { "something after it", "2400 8N1 x", -EINVAL, { 0 }, NULL },
        { "too slow", "10 8N1", -EINVAL, { 0 }, NULL },
        { "empty", "", -EINVAL, { 0 }, NULL },
};

static void run_case(void **state)
{
        const struct line_case *c = *state;
        struct serial_line got = { 0 };
        char text[SERIAL_LINE_TEXT_MAX];

        assert_int_equal(serial_line_parse(c->text, &got), c->want_r);
        if (c->want_r < 0)
                return;
        assert_true(serial_line_equal(&got, &c->want));
        assert_string_equal(serial_line_print(&got, text), c->want_text);
}

static void test_every_profile_is_complete(void **state)
{
        const struct meter_profile *p;
        size_t n = 0;

        for (; (p = profile_set_at(known_profiles(), n)); n++) {
                assert_ptr_equal(known_profile(p->name), p);
                assert_true(p->model && p->model_name && p->manufacturer_name && p->medium);
                assert_int_equal(strlen(p->manufacturer), 3);
                assert_true(p->connection && p->encryption && p->ask_for);
                assert_true(p->line.baud > 0 && p->max_power_w > 0 && p->interval_s > 0);
                assert_null(profile_set_origin(known_profiles(), p, NULL));
        }
        assert_true(n >= 13);
        assert_null(known_profile("acme-none"));
}

static void test_first_class_profiles_have_their_lines(void **state)
{
        static const struct {
                const char *name, *line;
        } lines[] = {
                { "lgz-e360", "9600 8N1" },           { "lgz-e450", "2400 8E1" },
                { "lgz-e570", "2400 8E1" },           { "iskra-am550", "115200 8N1" },
                { "kamstrup-omnipower", "2400 8N1" },
        };
        char text[SERIAL_LINE_TEXT_MAX];

        for (size_t i = 0; i < ELEMENTSOF(lines); i++) {
                const struct meter_profile *p = known_profile(lines[i].name);

                assert_non_null(p);
                assert_string_equal(serial_line_print(&p->line, text), lines[i].line);
        }
}

static struct claim_case {
        const char *name;
        const char *framing;
        const char *manufacturer;
        struct telegram_hints hints;
        const char *want;
} claims[] = {
        { "E450, first push", "hdlc", "LGZ", { .has_push = true, .push_channel = 8 }, "lgz-e450" },
        { "E450, its hourly push, no maker named",
          "hdlc",
          "",
          { .has_push = true, .push_channel = 11 },
          "lgz-e450" },
        { "E450 of Styria, by its title", "hdlc", "LGZ", { .blocks = true }, "lgz-e450" },
        { "E360", "hdlc", "LGZ", { .has_push = true, .push_channel = 6 }, "lgz-e360" },
        { "E570",
          "hdlc",
          "LGZ",
          { .has_push = true, .push_channel = 8, .wide = true },
          "lgz-e570" },
        { "AM550", "hdlc", "ISK", { .has_push = true, .push_channel = 6 }, "iskra-am550" },
        { "an Iskra meter that speaks SML", "sml", "ISK", { 0 }, NULL },
        { "OMNIPOWER", "hdlc", "", { .list_id = "Kamstrup_V0001" }, "kamstrup-omnipower" },
        { "a P1 port without a maker", "hdlc", "", { .has_push = true, .push_channel = 6 }, NULL },
};

static void run_claim(void **state)
{
        const struct claim_case *c = *state;
        static struct telegram t;
        const struct meter_profile *got;

        telegram_reset(&t, c->framing);
        (void)snprintf(t.manufacturer, sizeof(t.manufacturer), "%s", c->manufacturer);
        t.hints = c->hints;
        got = profile_set_match(known_profiles(), &t, NULL);
        assert_string_equal(got ? got->name : "-", c->want ? c->want : "-");
}

static void test_nobody_claims_an_empty_telegram(void **state)
{
        static struct telegram t;

        telegram_reset(&t, "hdlc");
        assert_null(profile_set_match(known_profiles(), &t, NULL));
}

#define HEAD "[profile]\nName=acme-mx300\nMaker=ACM\nModel=MX300\n"

/* A text, and the one complaint about it: "LINE: MESSAGE"; NULL: there is none. */
static struct text_case {
        const char *name;
        const char *text;
        const char *want;
} texts[] = {
        { "the least", HEAD, NULL },
        { "all of the manual's example",
          "; comment\n[profile]\nName=acme-mx300\nMaker=ACM      ; FLAG id\nModel=MX300\n"
          "ManufacturerName=ACME\nMedium=electricity\nLine=2400 8E1\nInterval=5s\nClock=local\n"
          "Power=80kW  Voltage=207..253  Current=100A     ; what it can measure\nAsk=no\n"
          "[match]\nListId=ACM_V*\nPushChannel=8..\nMaker=yes\n"
          "[scale]\nU=-1\nI=-2\n1.8=1 or 0\n"
          "[list \"11 values\"]\nId=ACM_V0001\n1=time\n2=text 0-0:96.1.0\n"
          "3=1-0:32.7.0 u16 -1\n\xe2\x80\xa6=skip\n",
          NULL },
        { "blanks in front, and a byte of CR", "  [profile]\r\n\tName=a\r\nMaker=ACM\nModel=M\n",
          NULL },
        { "no name", "[profile]\nMaker=ACM\nModel=M\n", "0: Name= is missing in [profile]" },
        { "an unknown section", HEAD "[scales]\nU=0\n",
          "5: unknown section [scales]; did you mean scale?" },
        { "an unknown key", HEAD "Powr=80kW\n",
          "5: unknown key 'Powr' in [profile]; did you mean Power?" },
        { "an unknown fact", HEAD "[match]\nPushChanel=8\n",
          "6: unknown key 'PushChanel' in [match]; did you mean PushChannel?" },
        { "a key twice", HEAD "Model=M\n", "5: Model= stands there twice" },
        { "no section", "Name=a\n", "1: 'Name' stands in no section" },
        { "no key", HEAD "Power\n", "5: a line is Key=Value, a [section], or a comment behind ;" },
        { "an open section", HEAD "[match\n", "5: a section is written [name] or [list \"name\"]" },
        { "a name with capitals", "[profile]\nName=Acme\nMaker=ACM\nModel=M\n",
          "2: Name=Acme: 1 to 31 of a-z, 0-9 and '-', as in acme-mx300" },
        { "a maker of four letters", "[profile]\nName=a\nMaker=ACME\nModel=M\n",
          "3: Maker=ACME: three capital letters, the FLAG id: LGZ" },
        { "an unknown medium", HEAD "Medium=oil\n",
          "5: Medium=oil: one of electricity, gas, water, heat" },
        { "no line", HEAD "Line=fast\n",
          "5: Line=fast: speed, data bits, parity and stop bits: 2400 8E1" },
        { "a range upside down", HEAD "Voltage=253..207\n",
          "5: Voltage=253..207: a range or the greatest value, as in 207..253 or 100V" },
        { "a range in another unit", HEAD "Current=100V\n",
          "5: Current=100V: a range or the greatest value, as in 207..253 or 100A" },
        { "a scale of nothing", HEAD "[scale]\nX=1\n",
          "6: X=1: what is scaled is U, I, P, Q, S, E, F or PF, or a code without its medium: "
          "1.8" },
        { "an exponent that is none", HEAD "[scale]\nU=1 or x\n",
          "6: U=1 or x: exponents of ten, up to 4, the usual one first: -1, or: 1 or 0" },
        { "a list without a name", HEAD "[list]\n1=time\n",
          "5: [list] needs a name: write [list \"11 values\"]" },
        { "a list twice", HEAD "[list \"a\"]\n1=1-0:1.7.0\n[list \"a\"]\n",
          "7: there is a [list \"a\"] already" },
        { "a list without readings", HEAD "[list \"a\"]\n1=time\n",
          "5: [list \"a\"] has no reading" },
        { "a gap", HEAD "[list \"a\"]\n1=time\n3=1-0:1.7.0\n",
          "5: [list \"a\"]: place 2 is missing; write 2=skip if nobody knows what it is" },
        { "a place twice", HEAD "[list \"a\"]\n1=1-0:1.7.0\n1=skip\n",
          "7: 1=skip: place 1 stands there twice" },
        { "a code that is none", HEAD "[list \"a\"]\n1=1-0:1.7.0:8\n",
          "6: 1=1-0:1.7.0:8: '1-0:1.7.0:8' is no code; write it as 1-0:1.8.0" },
        { "a word one letter off", HEAD "[list \"a\"]\n1=skpi\n",
          "6: 1=skpi: a place is a code (1-0:32.7.0 u16 -1), or one of id, time, date, clock, text, "
          "state, skip; did you mean skip?" },
        { "an unknown type", HEAD "[list \"a\"]\n1=1-0:1.7.0 u12\n",
          "6: 1=1-0:1.7.0 u12: a range or the greatest value, as in 207..253 or 100W" },
        { "a range of places that are not phases", HEAD "[list \"a\"]\n1..2=1-0:1.7.0\n",
          "6: 1..2=1-0:1.7.0: several places are skipped, or they are the three phases of one "
          "quantity, with the code of the first" },
};

static void take_report(void *userdata, const char *file, unsigned int line, bool warning,
                        const char *message)
{
        char *got = userdata;

        assert_string_equal(file, "t.profile");
        if (!*got)
                (void)snprintf(got, 400, "%u: %s", line, message);
}

static void run_text(void **state)
{
        const struct text_case *c = *state;
        char got[400] = "";
        const struct profile_reporter reporter = { take_report, got };
        struct profile_set *set = NULL;

        assert_int_equal(profile_set_new(&set), 0);
        assert_int_equal(profile_set_add(set, slice_of_string(c->text), "t.profile", &reporter),
                         c->want ? -EINVAL : 0);
        assert_string_equal(got, c->want ? c->want : "");
        assert_true((profile_set_find(set, "acme-mx300") || profile_set_find(set, "a")) ==
                    !c->want);
        profile_set_free(set);
}

/* Any text whatsoever ends in an answer. */
static void test_a_text_may_be_cut_and_spoilt(void **state)
{
        const char *text = texts[1].text;
        size_t n = strlen(text);

        for (size_t i = 0; i <= n; i++) {
                struct profile_set *set = NULL;
                char copy[2048];

                (void)snprintf(copy, sizeof(copy), "%s", text);
                assert_int_equal(profile_set_new(&set), 0);
                (void)profile_set_add(set, (struct slice){ (const uint8_t *)copy, i }, "t", NULL);
                copy[i < n ? i : 0] ^= 0x15;
                (void)profile_set_add(set, (struct slice){ (const uint8_t *)copy, n }, "t", NULL);
                profile_set_free(set);
        }
}

static void test_the_later_of_a_name_wins(void **state)
{
        static const char mine[] = "[profile]\nName=lgz-e450\nMaker=LGZ\nModel=mine\n";
        const struct meter_profile *old, *other, *now;
        struct profile_set *set = NULL, *next = NULL;
        const char *overrides;

        assert_int_equal(profile_set_new(&set), 0);
        old = profile_set_find(set, "lgz-e450");
        other = profile_set_find(set, "lgz-e360");
        assert_int_equal(profile_set_new(&next), 0);
        assert_int_equal(profile_set_add(next, slice_of_string(mine), "x/mine.profile", NULL), 0);
        assert_true(profile_set_take(set, next));
        now = profile_set_find(set, "lgz-e450");
        assert_ptr_not_equal(now, old);
        assert_string_equal(now->model, "mine");
        assert_string_equal(old->model_name, "E450"); /* kept for those that point at it */
        assert_ptr_equal(profile_set_find(set, "lgz-e360"), other);
        assert_string_equal(profile_set_origin(set, now, &overrides), "x/mine.profile");
        assert_string_equal(overrides, "");

        assert_int_equal(profile_set_new(&next), 0);
        assert_int_equal(profile_set_add(next, slice_of_string(mine), "x/mine.profile", NULL), 0);
        assert_false(profile_set_take(set, next));
        assert_ptr_equal(profile_set_find(set, "lgz-e450"), now);
        profile_set_free(set);
}

int main(void)
{
        static struct CMUnitTest tests[80];
        size_t n = test_add_rows(tests, 0, cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);

        n = test_add_rows(tests, n, claims, ELEMENTSOF(claims), sizeof(claims[0]), run_claim);
        n = test_add_rows(tests, n, texts, ELEMENTSOF(texts), sizeof(texts[0]), run_text);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_a_text_may_be_cut_and_spoilt);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_the_later_of_a_name_wins);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_every_profile_is_complete);
        tests[n++] =
                (struct CMUnitTest)cmocka_unit_test(test_first_class_profiles_have_their_lines);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_nobody_claims_an_empty_telegram);
        return _cmocka_run_group_tests("profile", tests, n, NULL, NULL);
}
