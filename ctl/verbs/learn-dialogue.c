/* SPDX-License-Identifier: MIT */
#include "learn.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/view/output.h"

#define ANSWER_MAX 128

/* A line without its end; -ECANCELED at the end of the input. */
static int ask(const char *question, char ret[static ANSWER_MAX])
{
        printf("%s", question);
        (void)fflush(stdout); /* asked at the end */
        if (!fgets(ret, ANSWER_MAX, stdin)) {
                printf("\n");
                return -ECANCELED;
        }
        ret[strcspn(ret, "\r\n")] = '\0';
        return 0;
}

bool learn_ask_yes(const char *question)
{
        char answer[ANSWER_MAX];

        return ask(question, answer) == 0 && !strchr("nN", answer[0] ? answer[0] : 'y');
}

int learn_ask_list(struct learn *learn)
{
        char answer[ANSWER_MAX];

        while (learn->number == 0) {
                int r = ask(_("Which list shall be taught? [1] "), answer);

                if (r < 0)
                        return r;
                unsigned long number = *answer ? strtoul(answer, NULL, 10) : 1;
                if (number >= 1 && number <= learn->capture.n_lists)
                        learn->number = (unsigned int)number;
        }
        return 0;
}

static void say(const struct learn_fact *fact)
{
        printf("      %s%s%s\n", output_style(STYLE_WARN), fact->reason, output_plain());
}

/* One more fact, if all that was said before still stands with it; else it is left out, with the
 * reason. Facts that only the others decide are kept until the end. */
static void take_fact(struct learn *learn, const char *text)
{
        struct learn_fact *fact = &learn->facts[learn->n_facts];
        char why[LEARN_REASON_MAX];

        if (learn->n_facts == LEARN_FACTS_MAX - 2)
                return;
        if (learn_fact_parse(text, fact, why) < 0) {
                printf("      %s%s%s\n", output_style(STYLE_WARN), why, output_plain());
                return;
        }
        learn->n_facts++;
        learn_fit(learn->list, learn->facts, learn->n_facts);
        if (fact->found)
                printf(_("      place %zu\n"), fact->found);
        else
                say(fact);
}

/* A bare number is in the unit that displays have. */
static void take_answer(struct learn *learn, const char *code, const char *unit, const char *answer)
{
        char text[2 * ANSWER_MAX];
        size_t n = strspn(answer, "+-0123456789.,");

        (void)snprintf(text, sizeof(text), "%s=%.*s%s%s", code, (int)n, answer,
                       answer[n] && answer[n] != '@' ? "" : unit, answer + n);
        take_fact(learn, text);
}

/* Voltages show themselves; the person only says that they do not mislead. */
static void ask_voltages(struct learn *learn)
{
        int8_t exponent;
        size_t place = learn_find_voltages(learn->list, learn->facts, learn->n_facts, &exponent);
        char question[160], text[48];

        if (!place)
                return;
        (void)snprintf(
                question, sizeof(question),
                _("Places %zu to %zu look like the voltages of three phases. Are they? [Y/n] "),
                place, place + 2);
        if (!learn_ask_yes(question))
                return;
        (void)snprintf(text, sizeof(text), "U=%.1fV@%zu",
                       (double)learn->list->places[place - 1].most * (exponent == 0    ? 1
                                                                      : exponent == -1 ? 0.1
                                                                      : exponent == -2 ? 0.01
                                                                                       : 0.001),
                       place);
        take_fact(learn, text);
}

/* Facts without a place are left out of the profile, if the user agrees. */
static int drop_refused(struct learn *learn)
{
        size_t kept = 0, n_refused = learn_count_refused(learn);

        if (n_refused > 0 && n_refused < learn->n_facts &&
            !learn_ask_yes(_("Go on without what was not learned? [Y/n] ")))
                return -ECANCELED;
        for (size_t i = 0; i < learn->n_facts; i++)
                if (learn->facts[i].found)
                        learn->facts[kept++] = learn->facts[i];
        learn->n_facts = kept;
        return kept > 0 ? 0 : -ENODATA;
}

int learn_ask_facts(struct learn *learn)
{
        static const struct {
                const char *code, *unit, *question;
        } asked[] = {
                { "1.8.0", "kWh", N_("  1.8.0  energy drawn, in kWh: ") },
                { "2.8.0", "kWh", N_("  2.8.0  energy fed in, in kWh: ") },
                { "1.7.0", "kW", N_("  1.7.0  power drawn now, in kW: ") },
                { "2.7.0", "kW", N_("  2.7.0  power fed in now, in kW: ") },
        };
        char answer[ANSWER_MAX];
        int r;

        printf("\n%s\n", _("What does the display of the meter say now? Enter passes over what it "
                           "does not show."));
        for (size_t i = 0; i < ELEMENTSOF(asked); i++) {
                r = ask(_(asked[i].question), answer);
                if (r < 0)
                        return r;
                if (*answer)
                        take_answer(learn, asked[i].code, asked[i].unit, answer);
        }
        for (;;) {
                r = ask(_("  What else, as 1.8.1=123.4kWh or 31.7.0=2.5A (Enter: nothing): "),
                        answer);
                if (r < 0)
                        return r;
                if (!*answer)
                        break;
                take_fact(learn, answer);
        }
        learn->n_facts = learn_fit_rest(learn->list, learn->facts, learn->n_facts);
        ask_voltages(learn);
        learn->n_facts = learn_fit_rest(learn->list, learn->facts, learn->n_facts);
        printf("\n");
        learn_print_facts(learn);
        return drop_refused(learn);
}

static int ask_name(const char *question, const char *given, char *name, size_t size,
                    bool (*good)(const char *text))
{
        char answer[ANSWER_MAX], text[2 * ANSWER_MAX];
        int r;

        if (given)
                return 0;
        do {
                (void)snprintf(text, sizeof(text), "%s [%s] ", question, name);
                r = ask(text, answer);
                if (r < 0)
                        return r;
                if (*answer && strlen(answer) < size)
                        memcpy(name, answer, strlen(answer) + 1);
        } while (!good(name));
        return 0;
}

static bool is_maker(const char *text)
{
        return strlen(text) == 3 && isupper((unsigned char)text[0]) &&
               isupper((unsigned char)text[1]) && isupper((unsigned char)text[2]);
}

static bool is_any(const char *text)
{
        return *text;
}

int learn_ask_names(struct learn *learn)
{
        struct learn_names *names = &learn->names;
        int r;

        r = ask_name(_("Maker of the meter, its three letters:"), learn->maker, names->maker,
                     sizeof(names->maker), is_maker);
        if (r == 0)
                r = ask_name(_("Model, as it stands on the meter:"), learn->model, names->model,
                             sizeof(names->model), is_any);
        return r;
}
