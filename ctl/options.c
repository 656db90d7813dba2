/* SPDX-License-Identifier: MIT */
/*
 * The table of options over getopt_long(); its own messages are switched off, since ours say what
 * would be right.
 */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/suggest.h"
#include "base/util.h"
#include "i18n.h"
#include "secret.h"
#include "verb.h"
#include "view/output.h"

/* The most any verb has is 22; the common ones come on top. */
#define OPTIONS_MAX 32

struct ctl_settings ctl_settings;

static bool help_wanted;

static const struct option_row common_rows[] = {
        { "json", 'j', OPTION_FLAG, NULL, N_("print JSON, for programs"), &ctl_settings.json },
        { "address", 0, OPTION_STRING, N_("ADDRESS"),
          N_("D-Bus address in place of the system bus's, or socket of a service without one"),
          &ctl_settings.address },
        { "help", 'h', OPTION_FLAG, NULL, N_("explain this and do nothing"), &help_wanted },
};

struct option_set {
        const struct option_row *rows[OPTIONS_MAX];
        size_t n;
        struct option longs[OPTIONS_MAX + 1];
        char shorts[2 * OPTIONS_MAX + 3];
};

static void option_set_add(struct option_set *set, const struct option_row *row)
{
        size_t at = strlen(set->shorts);

        assert(set->n < OPTIONS_MAX);
        set->longs[set->n] = (struct option){
                .name = row->name,
                .has_arg = row->kind == OPTION_FLAG ? no_argument : required_argument,
                .val = 256 + (int)set->n,
        };
        set->rows[set->n++] = row;
        if (row->letter) {
                set->shorts[at++] = row->letter;
                if (row->kind != OPTION_FLAG)
                        set->shorts[at++] = ':';
                set->shorts[at] = '\0';
        }
}

static void option_set_init(struct option_set *set, const struct options *options)
{
        *set = (struct option_set){ 0 };
        /* '+': stop at the first argument; ':': a missing value is no unknown option. */
        strcpy(set->shorts, options->stop_at_argument ? "+:" : ":");
        for (size_t i = 0; i < options->n_rows; i++)
                option_set_add(set, &options->rows[i]);
        for (size_t i = 0; i < ELEMENTSOF(common_rows); i++)
                option_set_add(set, &common_rows[i]);
}

static const struct option_row *option_set_find(const struct option_set *set, int value)
{
        if (value >= 256 && (size_t)value - 256 < set->n)
                return set->rows[value - 256];
        for (size_t i = 0; i < set->n; i++)
                if (set->rows[i]->letter && set->rows[i]->letter == value)
                        return set->rows[i];
        return NULL;
}

int options_misuse(const char *verb, const char *format, ...)
{
        va_list arguments;

        fprintf(stderr, "smctl %s: ", verb);
        va_start(arguments, format);
        output_say_list(format, arguments);
        va_end(arguments);
        fprintf(stderr, _("\"smctl %s --help\" explains it.\n"), verb);
        return EXIT_MISUSED;
}

/* The value behind '=' may be a secret and is not printed: "--password=…" */
static const char *without_value(const char *word, char name[static 64])
{
        (void)snprintf(name, 64, "%.*s", (int)strcspn(word, "="), word);
        return secret_shown(name);
}

/* An option of which `word` is the beginning, and no more than that. */
static const char *find_shortened(const struct option_set *set, const char *word)
{
        size_t n = strcspn(word + 2, "=");
        const char *found = NULL;

        for (size_t i = 0; i < set->n; i++) {
                const char *name = set->rows[i]->name;

                if (strncmp(name, word + 2, n) != 0)
                        continue;
                if (!name[n])
                        return NULL;
                if (strstr(name, "-file"))
                        found = name;
        }
        return found;
}

static bool has_secret(const struct options *options, const struct option_set *set, int argc,
                       char **argv)
{
        if (!options->no_secrets)
                return false;
        for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
                if (strncmp(argv[i], "--", 2) != 0 || !find_shortened(set, argv[i]))
                        continue;
                (void)options_misuse(argv[0], "%s", _(options->no_secrets));
                return true;
        }
        return false;
}

static void complain_unknown(const struct option_set *set, const char *verb, const char *word)
{
        const char *names[OPTIONS_MAX];
        const char *near;
        char name[64];

        if (strncmp(word, "--", 2) != 0) {
                (void)options_misuse(verb, _("there is no option \"-%c\""), optopt);
                return;
        }
        word = without_value(word, name);
        for (size_t i = 0; i < set->n; i++)
                names[i] = set->rows[i]->name;
        near = suggest(word + 2, names, set->n);
        if (near)
                (void)options_misuse(verb, _("there is no option \"%s\"; did you mean \"--%s\"?"),
                                     word, near);
        else
                (void)options_misuse(verb, _("there is no option \"%s\""), word);
}

static int take_number(const char *value, unsigned int *ret)
{
        unsigned long number;
        char *end;

        errno = 0;
        number = strtoul(value, &end, 10);
        if (errno != 0 || *end || end == value || *value == '-' || number > 1000000000)
                return -EINVAL;
        *ret = (unsigned int)number;
        return 0;
}

/* "90", "1.5", ".5"; with a comma too, as half of Europe writes it. */
static int take_time(const char *value, uint64_t *ret_usec)
{
        uint64_t usec = 0, unit = 1000000;
        size_t n_whole = strspn(value, "0123456789");
        const char *fraction = value + n_whole;

        if (n_whole > 9)
                return -EINVAL;
        for (size_t i = 0; i < n_whole; i++)
                usec = usec * 10 + (uint64_t)(value[i] - '0') * unit;
        if (*fraction == '.' || *fraction == ',')
                fraction++;
        if (fraction == value + n_whole ? n_whole == 0 || *fraction : !*fraction)
                return -EINVAL;
        for (; *fraction >= '0' && *fraction <= '9'; fraction++) {
                unit /= 10; /* nothing is left of it behind the sixth digit */
                usec += (uint64_t)(*fraction - '0') * unit;
        }
        if (*fraction)
                return -EINVAL;
        *ret_usec = usec;
        return 0;
}

static int option_take(const char *verb, const struct option_row *row, const char *value)
{
        switch (row->kind) {
        case OPTION_FLAG:
                *(bool *)row->into = true;
                return 0;
        case OPTION_STRING:
                *(const char **)row->into = value;
                return 0;
        case OPTION_NUMBER:
                if (take_number(value, row->into) == 0)
                        return 0;
                (void)options_misuse(verb, _("--%s needs a number, not \"%s\""), row->name,
                                     secret_shown(value));
                return -EINVAL;
        case OPTION_TIME:
                if (take_time(value, row->into) == 0)
                        return 0;
                (void)options_misuse(verb, _("--%s needs seconds, such as 10 or 1.5, not \"%s\""),
                                     row->name, secret_shown(value));
                return -EINVAL;
        }
        return -EINVAL;
}

/* gettext("") would give the head of the catalogue. */
static const char *synopsis_of(const struct verb *verb)
{
        return verb && *verb->synopsis ? _(verb->synopsis) : "";
}

static void print_rows(const struct option_set *set)
{
        for (size_t i = 0; i < set->n; i++) {
                const struct option_row *row = set->rows[i];
                char left[48];

                (void)snprintf(left, sizeof(left), "%s--%s%s%s", "", row->name,
                               row->argument ? " " : "", row->argument ? _(row->argument) : "");
                if (row->letter)
                        printf("  -%c, %-22s %s\n", row->letter, left, _(row->help));
                else
                        printf("      %-22s %s\n", left, _(row->help));
        }
}

static void print_help(const struct options *options, const struct option_set *set,
                       const char *name)
{
        const struct verb *verb = ctl_settings.verb;

        printf(_("Usage: smctl %s [OPTION…] %s\n\n"), name, synopsis_of(verb));
        if (verb)
                printf("%s\n", _(verb->summary));
        if (options->about)
                printf("\n%s\n", _(options->about));
        printf("\n%s\n", _("Options:"));
        print_rows(set);
}

static int check_arguments(const struct options *options, const char *name, int n)
{
        const char *synopsis = synopsis_of(ctl_settings.verb);

        if (n < options->min_arguments) {
                (void)options_misuse(name, _("something is missing; it is: smctl %s %s"), name,
                                     synopsis);
                return -EINVAL;
        }
        if (options->max_arguments != OPTIONS_ANY_NUMBER && n > options->max_arguments) {
                (void)options_misuse(name, _("that is too much; it is: smctl %s %s"), name,
                                     synopsis);
                return -EINVAL;
        }
        return 0;
}

int options_parse(const struct options *options, int argc, char **argv)
{
        struct option_set set;
        int c, r;

        option_set_init(&set, options);
        optind = 0; /* 0, not 1: GNU getopt starts afresh, with the ordering of this verb */
        opterr = 0;
        if (has_secret(options, &set, argc, argv))
                return -EINVAL;
        while ((c = getopt_long(argc, argv, set.shorts, set.longs, NULL)) != -1) {
                const struct option_row *row = option_set_find(&set, c);

                if (!row) {
                        if (c == ':')
                                (void)options_misuse(argv[0], _("\"%s\" needs a value"),
                                                     secret_shown(argv[optind - 1]));
                        else
                                complain_unknown(&set, argv[0], argv[optind - 1]);
                        return -EINVAL;
                }
                r = option_take(argv[0], row, optarg);
                if (r < 0)
                        return r;
        }
        if (help_wanted) {
                print_help(options, &set, argv[0]);
                return 0;
        }
        r = check_arguments(options, argv[0], argc - optind);
        return r < 0 ? r : optind;
}

int options_exit(int r)
{
        return r == 0 ? EXIT_DONE : EXIT_MISUSED;
}
