/* SPDX-License-Identifier: MIT */
/*
 * smctl learn: teaches a meter whose values come without codes, from its telegrams and from what
 * its display shows. Writes a profile (docs/new-meter.md).
 */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config-build.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/learn/telegram-source.h"
#include "ctl/options.h"
#include "ctl/profiles.h"
#include "ctl/secret.h"
#include "ctl/view/output.h"
#include "ctl/whole-file.h"
#include "dbus/names.h"
#include "learn.h"
#include "lib/dlms/layout-tree.h"
#include "lib/value/axdr.h"
#include "set-key.h"
#include "verb.h"

#define PROFILE_FOLDER    SYSCONFDIR "/smartmeterd/profiles.d"
#define LISTEN_USUAL_USEC 60000000U
#define USEC_PER_SEC      1000000U
#define SHOW_SECONDS      60 /* until the meter shows itself with its new profile */
#define PROFILE_MAX       (64 << 10)

DEFINE_OWNED(stream, FILE *, fclose);

/* --- where telegrams come from -------------------------------------------------------------- */

static int get_telegrams(struct learn *learn)
{
        OWNED(json) struct json_object *converter = NULL;
        int code =
                telegram_source_read(learn->source, learn->listen_usec, &learn->file, &converter);

        learn->live = converter != NULL;
        if (converter)
                (void)snprintf(learn->names.line, sizeof(learn->names.line), "%s",
                               json_text(converter, "line"));
        return code;
}

static int read_lists(struct learn *learn, const struct profile_set *profiles)
{
        int r;

        learn_capture_done(&learn->capture);
        r = telegram_file_decode(&learn->file, &learn->keys, learn->anew ? NULL : profiles, NULL,
                                 learn_capture_add, &learn->capture);
        if (r < 0)
                return output_fail("%s", strerror(-r));
        learn_capture_end(&learn->capture);
        return EXIT_DONE;
}

static int explain_nothing(const struct learn *learn)
{
        const struct learn_capture *capture = &learn->capture;

        if (capture->n_locked > 0)
                return output_fail(_("%s; give the key with --key"), capture->error);
        if (capture->n_understood > 0)
                return output_fail(_("all %zu telegrams are understood already; --anew teaches a "
                                     "list again"),
                                   capture->n_understood);
        return output_fail("%s", _("no telegram was found; \"smctl decode\" says what there is"));
}

/* Chooses the list; EXIT_DONE with learn->list. */
static int choose_list(struct learn *learn, const struct profile_set *profiles, bool interactive)
{
        int code = read_lists(learn, profiles);

        if (code == EXIT_DONE && learn->capture.n_lists == 0 && learn->capture.n_locked > 0 &&
            interactive && !learn->keys.has_key) {
                printf("%s\n", learn->capture.error);
                if (set_key_ask(&learn->keys) < 0)
                        return EXIT_FAILED;
                code = read_lists(learn, profiles);
        }
        if (code != EXIT_DONE)
                return code;
        if (learn->capture.n_lists == 0)
                return explain_nothing(learn);
        if (learn->number > learn->capture.n_lists)
                return output_fail(_("there is no list %u, only %zu"), learn->number,
                                   learn->capture.n_lists);
        if (!ctl_settings.json && learn->capture.n_lists > 1)
                learn_print_lists(&learn->capture);
        if (interactive && learn->capture.n_lists > 1 && learn_ask_list(learn) < 0)
                return EXIT_FAILED;
        if (!interactive && learn->number == 0 && learn->capture.n_lists > 1 && learn->set)
                return output_fail(_("there are %zu lists; --list says which one is meant"),
                                   learn->capture.n_lists);
        learn->list = learn->capture.lists[learn->number ? learn->number - 1 : 0];
        return EXIT_DONE;
}

/* --- names ---------------------------------------------------------------------------------- */

/* "acm-mx-300" of ACM and "MX 300". */
static void make_name(struct learn_names *names)
{
        size_t n = 0;

        for (const char *c = names->maker; *c && n + 1 < sizeof(names->name); c++)
                names->name[n++] = (char)tolower((unsigned char)*c);
        names->name[n++] = '-';
        for (const char *c = names->model; *c && n + 1 < sizeof(names->name); c++)
                if (isalnum((unsigned char)*c))
                        names->name[n++] = (char)tolower((unsigned char)*c);
                else if (names->name[n - 1] != '-')
                        names->name[n++] = '-';
        names->name[n] = '\0';
}

static bool is_file_name(const char *name)
{
        if (!*name || *name == '.' || *name == '-' || strlen(name) >= LEARN_NAME_MAX)
                return false;
        return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] == '\0';
}

static int take_names(struct learn *learn, bool interactive)
{
        struct learn_names *names = &learn->names;

        learn_find_maker(learn->list, names->maker);
        if (learn->maker)
                (void)snprintf(names->maker, sizeof(names->maker), "%s", learn->maker);
        (void)snprintf(names->model, sizeof(names->model), "%s",
                       learn->model ? learn->model : "meter");
        if (learn->line)
                (void)snprintf(names->line, sizeof(names->line), "%s", learn->line);
        if (interactive && learn_ask_names(learn) < 0)
                return output_fail("%s", _("nothing was written"));
        if (!*names->maker)
                return output_fail("%s",
                                   _("the telegrams do not say who made the meter: --maker=ABC "
                                     "gives its three letters"));
        if (learn->name)
                (void)snprintf(names->name, sizeof(names->name), "%s", learn->name);
        else
                make_name(names);
        return EXIT_DONE;
}

/* --- the profile ---------------------------------------------------------------------------- */

static void report(void *userdata, const char *file, unsigned int line, bool warning,
                   const char *message)
{
        output_say("%s:%u: %s", file, line, message);
}

static const char *output_of(const struct learn *learn, char path[static PATH_MAX])
{
        if (learn->output)
                return learn->output;
        (void)snprintf(path, PATH_MAX, "%s/%s.profile", PROFILE_FOLDER, learn->names.name);
        return path;
}

/* The file that is there already, if it is a profile of that name; owned. */
static char *read_before(const char *path, const char *name)
{
        OWNED(stream) FILE *stream = fopen(path, "re");
        char line[LEARN_NAME_MAX + 16], wanted[LEARN_NAME_MAX + 16];
        OWNED_FREE char *text = calloc(1, PROFILE_MAX);

        if (!stream || !text)
                return NULL;
        size_t n = fread(text, 1, PROFILE_MAX - 1, stream);
        text[n] = '\0';
        rewind(stream);
        (void)snprintf(wanted, sizeof(wanted), "Name=%s\n", name);
        while (fgets(line, sizeof(line), stream))
                if (strcmp(line, wanted) == 0)
                        return TAKE(text);
        return NULL;
}

static int write_profile(const struct learn *learn, const char *text)
{
        char path[PATH_MAX];
        const char *output = output_of(learn, path);
        int r;

        if (strcmp(output, "-") == 0) {
                if (!ctl_settings.json)
                        printf("%s", text);
                return EXIT_DONE;
        }
        if (!learn->output && mkdir(PROFILE_FOLDER, 0755) < 0 && errno != EEXIST)
                return output_fail("%s: %s", PROFILE_FOLDER, strerror(errno));
        r = whole_file_write(
                output, text,
                &(struct whole_file){ .mode = 0644, .uid = (uid_t)-1, .gid = (gid_t)-1 });
        return r < 0 ? output_fail("%s: %s", output, strerror(-r)) : EXIT_DONE;
}

/* Asked before anything else, not after five minutes of typing. */
static int may_write(const struct learn *learn)
{
        if (learn->output || access(PROFILE_FOLDER, W_OK) == 0 ||
            (errno == ENOENT && access(SYSCONFDIR "/smartmeterd", W_OK) == 0))
                return EXIT_DONE;
        return output_fail(_("%s cannot be written (%s): run it with sudo, or give a file with -o"),
                           PROFILE_FOLDER, strerror(errno));
}

static int prove(const struct learn *learn, const char *text, struct learn_proof *proof)
{
        const struct profile_reporter reporter = { report, NULL };
        OWNED(profiles) struct profile_set *all = NULL;
        int r = profiles_load(&all);

        if (r == 0)
                r = learn_profile_prove(text, learn->names.name, learn->list, &learn->file,
                                        &learn->keys, &reporter, all, proof);
        if (r < 0)
                return output_fail("%s", r == -EINVAL ? _("what was said makes no profile")
                                                      : strerror(-r));
        if (proof->n_read < learn->list->n_telegrams)
                return output_fail(_("the profile reads only %zu of %zu telegrams; nothing was "
                                     "written"),
                                   proof->n_read, learn->list->n_telegrams);
        return EXIT_DONE;
}

/* --- output --------------------------------------------------------------------------------- */

static struct json_object *fact_to_json(const struct learn_list *list,
                                        const struct learn_fact *fact)
{
        struct json_object *object = json_new_object();
        char code[OBIS_TEXT_MAX];

        json_set_text(object, "word", fact->word);
        json_set_text(object, "obis", obis_print(fact->obis, code));
        if (fact->found) {
                json_set_number(object, "place", (int64_t)fact->found);
                json_set_number(object, "places", (int64_t)fact->width);
                json_set_number(object, "exponent", fact->exponent);
                json_set_text(object, "type",
                              list->places[fact->found - 1].tag == PROFILE_NUMBER
                                      ? "int"
                                      : layout_type_name(list->places[fact->found - 1].tag));
        }
        json_set_text(object, "reason", *fact->reason ? fact->reason : NULL);
        return object;
}

static void print_json(const struct learn *learn, const char *text, const struct learn_proof *proof)
{
        OWNED(json) struct json_object *object = json_new_object();
        struct json_object *facts = json_new_array();
        char path[PATH_MAX];

        for (size_t i = 0; i < learn->n_facts; i++)
                json_push(facts, fact_to_json(learn->list, &learn->facts[i]));
        json_set_text(object, "profile", text ? learn->names.name : NULL);
        json_set_text(object, "file", text ? output_of(learn, path) : NULL);
        json_set_number(object, "telegrams", (int64_t)learn->list->n_telegrams);
        json_set_number(object, "places", (int64_t)learn->list->n_places);
        json_set(object, "facts", facts);
        json_set_text(object, "text", text);
        json_set_text(object, "other", proof && proof->n_elsewhere ? proof->other : NULL);
        json_print(object);
}

static struct json_object *find_learned(struct json_object *all, const char *name)
{
        return json_find(json_member(all, "meters"), "profile", name);
}

/* The service takes the profile; then the meter must show itself. */
static int show_meter(const struct learn *learn)
{
        uint64_t until = output_mono_usec() + (uint64_t)SHOW_SECONDS * USEC_PER_SEC;
        OWNED(bus) sd_bus *bus = NULL;

        if (client_open(&bus) < 0 ||
            client_call(bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Reload", NULL, "") < 0)
                return EXIT_FAILED;
        printf("%s\n", _("The service has read it. Waiting for the meter …"));
        (void)fflush(stdout); /* asked at the end */
        while (output_mono_usec() < until) {
                OWNED(json) struct json_object *all = NULL;
                struct json_object *meter;

                if (client_fetch(bus, &all) < 0)
                        return EXIT_FAILED;
                meter = find_learned(all, learn->names.name);
                if (meter) {
                        char energy[OUTPUT_TEXT_MAX];

                        printf(_("Meter %s: %s in all. All is well.\n"), json_text(meter, "id"),
                               output_value(json_double(meter, "energy_import"), "Wh", energy));
                        return EXIT_DONE;
                }
                (void)poll(NULL, 0, 500);
        }
        return output_fail("%s", _("the meter did not show itself yet; \"smctl list-meters\" will "
                                   "tell"));
}

static int finish(struct learn *learn)
{
        char path[PATH_MAX];
        const char *output = output_of(learn, path);
        OWNED_FREE char *before =
                strcmp(output, "-") == 0 ? NULL : read_before(output, learn->names.name);
        OWNED_FREE char *text = NULL;
        struct learn_proof proof = { 0 };
        int code;

        /* Scales are of the whole meter: what stands there is not added to. */
        if (before && learn->list->coded)
                return output_fail(_("%s is there already; -o gives another name"), output);
        if (!before && strcmp(output, "-") != 0 && access(output, F_OK) == 0)
                return output_fail(_("%s is there already, and is no profile \"%s\"; --name or -o "
                                     "give another one"),
                                   output, learn->names.name);
        text = learn_profile_text(learn->list, learn->facts, learn->n_facts, &learn->names, before);
        if (!text)
                return output_fail("%s", strerror(ENOMEM));
        code = prove(learn, text, &proof);
        if (code == EXIT_DONE)
                code = write_profile(learn, text);
        if (code != EXIT_DONE)
                return code;
        if (ctl_settings.json) {
                print_json(learn, text, &proof);
                return EXIT_DONE;
        }
        if (proof.n_elsewhere > 0)
                fprintf(stderr,
                        _("Another profile fits as well (%s): Profile=%s in [converter] "
                          "decides.\n"),
                        proof.other, learn->names.name);
        if (strcmp(output, "-") == 0)
                return EXIT_DONE;
        printf(_("%s reads all %zu telegrams.\n"), output, proof.n_read);
        if (learn->live && !learn->output)
                return show_meter(learn);
        printf(_("Next: %s\n"),
               learn->output ? "smctl decode --pretty --profile" : "sudo smctl reload");
        return EXIT_DONE;
}

/* --- both ways ------------------------------------------------------------------------------ */

static int take_arguments(struct learn *learn, int argc, char **argv)
{
        for (int i = 0; i < argc; i++) {
                char why[LEARN_REASON_MAX];

                if (!strchr(argv[i], '=')) {
                        if (learn->source)
                                return options_misuse("learn", _("one meter or file at a time"));
                        learn->source = argv[i];
                        continue;
                }
                if (learn->n_facts == LEARN_FACTS_MAX - 2)
                        return options_misuse("learn", _("too many values"));
                if (learn_fact_parse(argv[i], &learn->facts[learn->n_facts++], why) < 0)
                        return options_misuse("learn", "%s", why);
        }
        if (!learn->source)
                return options_misuse("learn", _("which meter, converter or file?"));
        if (learn->n_facts > 0 && !learn->set)
                return options_misuse("learn", _("values are given behind --set"));
        return EXIT_DONE;
}

/* --set: all of it, or nothing. */
static int learn_by_arguments(struct learn *learn)
{
        learn_fit(learn->list, learn->facts, learn->n_facts);
        if (learn_count_refused(learn) > 0) {
                if (ctl_settings.json)
                        print_json(learn, NULL, NULL);
                else
                        learn_print_facts(learn);
                (void)fflush(stdout); /* asked at the end */
                return output_fail("%s", _("nothing was written"));
        }
        learn->n_facts = learn_fit_rest(learn->list, learn->facts, learn->n_facts);
        if (!ctl_settings.json && !(learn->output && strcmp(learn->output, "-") == 0))
                learn_print_facts(learn);
        return EXIT_DONE;
}

static int learn_by_asking(struct learn *learn)
{
        printf(learn->list->coded ? _("%zu telegrams of %zu values without scale:\n\n")
                                  : _("%zu telegrams of %zu values without codes:\n\n"),
               learn->list->n_telegrams, learn->list->n_places);
        learn_print_places(learn->list);
        switch (learn_ask_facts(learn)) {
        case 0:
                return EXIT_DONE;
        case -ENODATA:
                return output_fail("%s", _("nothing was learned, and nothing was written"));
        default:
                return output_fail("%s", _("nothing was written"));
        }
}

static int run(struct learn *learn)
{
        bool interactive =
                !learn->set && !ctl_settings.json && isatty(STDIN_FILENO) && output_is_terminal();
        OWNED(profiles) struct profile_set *profiles = NULL;
        int code = EXIT_DONE;

        if (profiles_load(&profiles) < 0)
                return output_fail("%s", strerror(ENOMEM));
        if (learn->set || interactive)
                code = may_write(learn);
        if (code == EXIT_DONE)
                code = get_telegrams(learn);
        if (code == EXIT_DONE)
                code = choose_list(learn, profiles, interactive);
        if (code != EXIT_DONE)
                return code;
        if (!learn->set && !interactive) {
                if (ctl_settings.json)
                        print_json(learn, NULL, NULL);
                else
                        learn_print_places(learn->list);
                (void)fflush(stdout); /* asked at the end */
                return output_fail("%s", _("without a terminal, --set says what the display shows: "
                                           "--set 1.8.0=40091.0kWh …"));
        }
        code = learn->set ? learn_by_arguments(learn) : learn_by_asking(learn);
        if (code == EXIT_DONE)
                code = take_names(learn, interactive);
        return code == EXIT_DONE ? finish(learn) : code;
}

static int take_key(const char *text, const char *option, uint8_t *key, bool *ret_has)
{
        const char *fault;

        if (!text)
                return EXIT_DONE;
        if (cipher_key_parse(text, key, &fault) < 0)
                return options_misuse("learn", "%s: %s", option, fault);
        *ret_has = true;
        return EXIT_DONE;
}

static int check_options(struct learn *learn)
{
        struct serial_line line;

        if (learn->maker &&
            (strlen(learn->maker) != 3 || strspn(learn->maker, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3))
                return options_misuse("learn", _("--maker wants three capital letters"));
        if (learn->name && !is_file_name(learn->name))
                return options_misuse("learn",
                                      _("--name wants small letters, digits, and - between"));
        if (learn->model && strcspn(learn->model, "\r\n;") != strlen(learn->model))
                return options_misuse("learn", _("--model is one line without ';'"));
        if (learn->line && serial_line_parse(learn->line, &line) < 0)
                return options_misuse("learn", _("--line is of the form \"2400 8E1\""));
        return EXIT_DONE;
}

int cmd_learn(int argc, char **argv)
{
        const char *key = NULL, *auth_key = NULL;
        OWNED_FREE struct learn *learn = calloc(1, sizeof(*learn));
        int code, first;

        if (!learn)
                return output_fail("%s", strerror(ENOMEM));
        const struct option_row rows[] = {
                { "set", 's', OPTION_FLAG, NULL,
                  N_("ask nothing: what the display shows stands behind"), &learn->set },
                { "name", 'n', OPTION_STRING, N_("NAME"), N_("name of the profile"), &learn->name },
                { "maker", 0, OPTION_STRING, N_("ABC"), N_("three letters of the maker"),
                  &learn->maker },
                { "model", 0, OPTION_STRING, N_("TEXT"), N_("model of the meter"), &learn->model },
                { "line", 0, OPTION_STRING, N_("LINE"), N_("its line, as \"2400 8E1\""),
                  &learn->line },
                { "list", 'l', OPTION_NUMBER, N_("N"), N_("which list, where there are several"),
                  &learn->number },
                { "anew", 0, OPTION_FLAG, NULL, N_("teach a list that is known"), &learn->anew },
                { "seconds", 0, OPTION_TIME, N_("N"), N_("listen to the meter for N seconds"),
                  &learn->listen_usec },
                { "key", 'k', OPTION_STRING, N_("HEX"), N_("encryption key, 32 hex digits"), &key },
                { "auth-key", 'a', OPTION_STRING, N_("HEX"), N_("authentication key"), &auth_key },
                { "output", 'o', OPTION_STRING, N_("FILE"),
                  N_("write the profile to FILE (-: print it)"), &learn->output },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about =
                        N_("Shows the values of a list that nobody knows, asks what the display of "
                           "the meter\nsays, finds which value is which, and writes a profile. "
                           "What fits two places or\nscales is not learned. A FILE is read "
                           "instead where there is one of that name."),
                .min_arguments = 1,
                .max_arguments = OPTIONS_ANY_NUMBER,
        };

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (learn->listen_usec == 0)
                learn->listen_usec = LISTEN_USUAL_USEC;
        code = check_options(learn);
        if (code == EXIT_DONE)
                code = take_key(key, "--key", learn->keys.key, &learn->keys.has_key);
        if (code == EXIT_DONE)
                code = take_key(auth_key, "--auth-key", learn->keys.auth_key,
                                &learn->keys.has_auth_key);
        if (code == EXIT_DONE)
                code = take_arguments(learn, argc - first, argv + first);
        if (code == EXIT_DONE)
                code = run(learn);
        cipher_keys_wipe(&learn->keys);
        telegram_file_done(&learn->file);
        learn_capture_done(&learn->capture);
        return code;
}
