/* SPDX-License-Identifier: MIT */
/* What the service says, with its particulars, in another language. The catalogue is played. */
#include <libintl.h>

#include "ctl/view/sentences.h"
#include "tests/unit/test.h"

static bool english;

static const char *const catalogue[][2] = {
        { "out of memory", "KEIN SPEICHER" },
        { "nothing listens at %s", "BEI %s LAUSCHT NICHTS" },
        { "%llu of %llu frames at %s are damaged: look at the cable and what lies beside it",
          "BEI %3$s SIND %1$llu VON %2$llu KAPUTT" },
        { "%s does not let the user %.60s in: check Username= and PasswordFile=",
          "%s LÄSST %.60s NICHT EIN" },
        { "%s; replug it or run `smctl probe` to try again", "%s; NEU EINSTECKEN" },
        { "nothing came at any line", "ES KAM NICHTS" },
        { "unknown section [%.40s]%s%s%s", "UNBEKANNT [%.40s]%s%s%s" },
        { "did you mean [%s]?", "MEINTEN SIE [%s]?" },
        { "write a percentage like 0.5%%", "SCHREIBEN SIE 0.5%%" },
        { "cannot open %s: %s", "%s GEHT NICHT AUF: %s" },
        { "held by %s (pid %u%s%s)", "GEHALTEN VON %s (PID %u%s%s)" },
        { "%.12s of what? write %.12skW or %.12sW", "%.12s WOVON? %.12skW ODER %.12sW" },
        { "error: %s", "FEHLER: %s" },
        { "%.500s; %.500s", "%.500s; %.500s" },
        { "%.500s: %.500s", "%.500s: %.500s" },
};

char *__wrap_dcgettext(const char *domain, const char *text, int category);
char *__wrap_dgettext(const char *domain, const char *text);
char *__wrap_gettext(const char *text);

/* gettext() promises a "char *" that may not be written to. */
static char *as_gettext(const char *text)
{
        return (char *)(uintptr_t)(const void *)text;
}

char *__wrap_dcgettext(const char *domain, const char *text, int category)
{
        (void)category;
        if (domain && strcmp(domain, "libc") == 0)
                return as_gettext(strcmp(text, "Permission denied") == 0 ? "KEINE BERECHTIGUNG"
                                                                         : text);
        for (size_t i = 0; !english && i < ELEMENTSOF(catalogue); i++)
                if (strcmp(catalogue[i][0], text) == 0)
                        return as_gettext(catalogue[i][1]);
        return as_gettext(text);
}

char *__wrap_dgettext(const char *domain, const char *text)
{
        return __wrap_dcgettext(domain, text, 0);
}

char *__wrap_gettext(const char *text)
{
        return __wrap_dcgettext(NULL, text, 0);
}

static struct sentence_case {
        const char *name, *said, *want; /* NULL: it stays as it is */
} cases[] = {
        { "as it stands", "out of memory", "KEIN SPEICHER" },
        { "with an address", "nothing listens at tcp://cellar:2001",
          "BEI tcp://cellar:2001 LAUSCHT NICHTS" },
        { "in another order",
          "3 of 12 frames at 2400 8E1 are damaged: look at the cable and what lies beside it",
          "BEI 2400 8E1 SIND 3 VON 12 KAPUTT" },
        { "two particulars",
          "box:1883 does not let the user max in: check Username= and PasswordFile=",
          "box:1883 LÄSST max NICHT EIN" },
        { "a sentence in a sentence",
          "nothing came at any line; replug it or run `smctl probe` to try again",
          "ES KAM NICHTS; NEU EINSTECKEN" },
        { "what the C library says is its own", "cannot open /dev/ttyS1: Permission denied",
          "/dev/ttyS1 GEHT NICHT AUF: KEINE BERECHTIGUNG" },
        { "one behind another", "unknown section [mqttt]; did you mean [mqtt]?",
          "UNBEKANNT [mqttt]; MEINTEN SIE [mqtt]?" },
        { "one behind a name", "Deadband=x: write a percentage like 0.5%",
          "Deadband=x: SCHREIBEN SIE 0.5%" },
        { "conversions side by side", "held by cat (pid 12, user.slice)",
          "GEHALTEN VON cat (PID 12, user.slice)" },
        { "a value is not what it begins with", "MaxPower=25: 25 of what? write 25kW or 25W",
          "MaxPower=25: 25 WOVON? 25kW ODER 25W" },
        { "in a file", "/etc/a.conf:1: error: unknown section [mqttt]; did you mean [mqtt]?",
          "/etc/a.conf:1: FEHLER: UNBEKANNT [mqttt]; MEINTEN SIE [mqtt]?" },
        { "nothing of ours", "the moon is full", NULL },
        { "the beginning of one alone", "nothing listens", NULL },
        { "nothing", "", NULL },
        { "one without a translation", "there is no profile 'x'", NULL },
        { "a format is no format here", "nothing listens at %n%n%s", "BEI %n%n%s LAUSCHT NICHTS" },
};

static void run_case(void **state)
{
        const struct sentence_case *c = *state;
        char buf[SENTENCE_MAX] = "untouched";

        english = false;
        assert_int_equal(sentences_translate(c->said, buf), c->want != NULL);
        assert_string_equal(c->want ? c->want : "untouched", buf);
        assert_string_equal(sentences_say(c->said), c->want ? c->want : c->said);
}

static void english_stays_english(void **state)
{
        (void)state;
        english = true;
        assert_false(sentences_are_translated());
        assert_string_equal(sentences_say("out of memory"), "out of memory");
        english = false;
        assert_true(sentences_are_translated());
}

static void length_and_marks_without_end_end(void **state)
{
        char text[4 * SENTENCE_MAX], buf[SENTENCE_MAX];

        (void)state;
        for (size_t i = 0; i + 2 < sizeof(text); i += 2)
                memcpy(text + i, i % 4 ? ": " : "; ", 3);
        assert_false(sentences_translate(text, buf));
        text[SENTENCE_MAX - 1] = '\0';
        assert_false(sentences_translate(text, buf));
        memset(text, 'x', sizeof(text));
        memcpy(text, "nothing listens at ", strlen("nothing listens at "));
        text[SENTENCE_MAX - 1] = '\0';
        assert_true(sentences_translate(text, buf));
        assert_int_equal(strlen(buf), SENTENCE_MAX - 1);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(english_stays_english),
                cmocka_unit_test(length_and_marks_without_end_end),
        };

        return test_run_rows_and("sentences", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
