/* SPDX-License-Identifier: MIT */
/*
 * smctl import-config: prints (or writes) our configuration made of a datacollector.ini, and says
 * of every line what it became.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "config-build.h"
#include "ctl/i18n.h"
#include "ctl/import/import.h"
#include "ctl/options.h"
#include "ctl/view/json.h"
#include "ctl/view/output.h"
#include "ctl/whole-file.h"
#include "verb.h"

#define DEFAULT_DIRECTORY SYSCONFDIR "/smartmeterd"

static void report_text(const struct import *import, const char *file)
{
        char shown[PATH_MAX];

        (void)text_clean(text_copy(shown, sizeof(shown), file));
        for (size_t i = 0; i < import->n_lines; i++) {
                const struct import_line *line = &import->lines[i];
                enum style style = line->status == IMPORT_ERROR    ? STYLE_BAD
                                   : line->status == IMPORT_MANUAL ? STYLE_WARN
                                                                   : STYLE_NONE;

                fprintf(stderr, "%s:%u: [%s] %s = %s: %s%s%s\n", shown, line->number, line->section,
                        line->key, line->secret && *line->value ? "…" : line->value,
                        output_style(style), line->note, output_plain());
        }
        if (import->n_errors > 0)
                fprintf(stderr,
                        P_("%zu line could not be translated.\n",
                           "%zu lines could not be translated.\n", import->n_errors),
                        import->n_errors);
        if (import->n_manual > 0)
                fprintf(stderr,
                        P_("%zu line needs your hand.\n", "%zu lines need your hand.\n",
                           import->n_manual),
                        import->n_manual);
}

static void report_json(const struct import *import, const char *file, const char *config)
{
        OWNED(json) struct json_object *object = json_new_object();
        struct json_object *lines = json_new_array();

        json_set_text(object, "file", file);
        json_set_text(object, "config", config);
        for (size_t i = 0; i < import->n_lines; i++) {
                const struct import_line *line = &import->lines[i];
                struct json_object *element = json_new_object();

                json_set_number(element, "line", line->number);
                json_set_text(element, "section", line->section);
                json_set_text(element, "key", line->key);
                json_set_text(element, "value", line->secret ? NULL : line->value);
                json_set_text(element, "status", import_status_name(line->status));
                json_set_text(element, "note", line->note);
                json_push(lines, element);
        }
        json_set(object, "lines", lines);
        json_print(object);
}

/* Readable by the service alone: keys and passwords are in it. -errno. */
static int write_or_explain(const char *path, const char *content)
{
        const struct passwd *user = geteuid() == 0 ? getpwnam("smartmeterd") : NULL;
        int r = whole_file_write(path, content,
                                 &(struct whole_file){ .mode = 0600,
                                                       .uid = user ? user->pw_uid : (uid_t)-1,
                                                       .gid = user ? user->pw_gid : (gid_t)-1,
                                                       .anew = true });

        if (r == -EEXIST)
                (void)output_fail(_("%s is there already; it is not overwritten"), path);
        else if (r < 0)
                (void)output_fail("%s: %s", path, strerror(-r));
        else
                output_say(_("wrote %s\n"), path);
        return r;
}

static int write_files(const struct import *import, const char *file, const char *config)
{
        char path[PATH_MAX], line[IMPORT_VALUE_MAX + 2];
        int r;

        r = write_or_explain(file, config);
        for (size_t i = 0; r >= 0 && i < import->n_passwords; i++) {
                if (snprintf(path, sizeof(path), "%s/%s.password", import->directory,
                             import->passwords[i].section) >= (int)sizeof(path))
                        return -ENAMETOOLONG;
                (void)snprintf(line, sizeof(line), "%s\n", import->passwords[i].value);
                r = write_or_explain(path, line);
        }
        explicit_bzero(line, sizeof(line));
        return r;
}

/* Steps that no command can take for a user of Jeedom, in the order in which they work. Jeedom's
 * own words stand in French, which its plugins speak first. */
static void print_clicks(const struct import *import, const char *output)
{
        char put[PATH_MAX];
        const char *steps[] = {
                _("In Jeedom, on the configuration page of the plugin SmartMeterUSB: switch off the "
                  "automatic management of its daemon (Gestion automatique), then stop the daemon. "
                  "Jeedom would start it again within minutes, on the same port. Keep the plugin."),
                output ? _("Here: sudo smctl check-config, and sudo smctl reload.") : put,
                output && import->n_passwords > 0
                        ? _("User and password of the broker were taken over. Where they are "
                            "changed: the configuration page of the plugin MQTT Manager shows them "
                            "(Authentification: user:password), and sudo smctl set-broker "
                            "localhost --user jeedom takes them.")
                        : _("Where the broker wants a user and a password: the configuration page "
                            "of the plugin MQTT Manager shows them (Authentification: "
                            "user:password), and sudo smctl set-broker localhost --user jeedom "
                            "takes them."),
                _("In the plugin SmartMeterUSB: the meters appear with their first telegram, "
                  "disabled. Open each, tick Activer, and save."),
        };

        (void)snprintf(put, sizeof(put),
                       _("Here: the same command with sudo and --output %s, which moves the "
                         "password, too; then sudo smctl check-config, and sudo smctl reload."),
                       DEFAULT_DIRECTORY "/smartmeterd.conf.d/jeedom.conf");
        fprintf(stderr, "%s\n", _("What is left to do, in this order:"));
        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                fprintf(stderr, "%zu. %s\n", i + 1, steps[i]);
}

static void print_advice(struct import *import, const char *output)
{
        if (!output)
                for (size_t i = 0; i < import->n_passwords; i++)
                        fprintf(stderr,
                                _("The password of %s: sudo install -m 640 -g smartmeterd "
                                  "/dev/stdin %s/%s.password (type it, Enter, Ctrl-D); or use "
                                  "--output.\n"),
                                import->passwords[i].section, import->directory,
                                import->passwords[i].section);
        if (!output && import->has_keys)
                fprintf(stderr, "%s\n",
                        _("It has keys in it: store it with sudo install -m 640 -g smartmeterd, or "
                          "use --output."));
        if (import_is_jeedom(import))
                print_clicks(import, output);
        else
                fprintf(stderr, "%s\n",
                        _("Next: sudo smctl check-config; then stop the old collector (sudo "
                          "systemctl disable --now smartmeter-datacollector) and sudo smctl "
                          "reload."));
}

static int finish(struct import *import, const char *file, const char *output, const char *config)
{
        if (output && write_files(import, output, config) < 0)
                return EXIT_FAILED;
        if (ctl_settings.json) {
                report_json(import, file, config);
        } else {
                if (!output)
                        fputs(config, stdout);
                (void)fflush(stdout); /* before the report, which goes to stderr */
                report_text(import, file);
                print_advice(import, output);
        }
        return import->n_errors > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int translate(struct import *import, FILE *stream, const char *file, const char *output)
{
        OWNED_FREE char *config = NULL;
        unsigned int line = 0;
        char shown[PATH_MAX];
        size_t size;
        FILE *out;
        int code, r;

        r = import_read(import, stream, &line);
        if (r == -EBADMSG)
                return output_fail(_("%s:%u: this is no datacollector.ini"), file, line);
        if (r < 0)
                return output_fail("%s: %s", file, strerror(-r));
        if (!import_is_theirs(import))
                return output_fail(
                        _("%s is no datacollector.ini: no [reader…] and no [sink…] in it"), file);
        out = open_memstream(&config, &size);
        if (!out)
                return output_fail("%s", strerror(errno));
        (void)text_copy(shown, sizeof(shown), file);
        fprintf(out, _("# made by smctl import-config from %s\n\n"), text_clean(shown));
        import_translate(import, out);
        if (fclose(out) != 0)
                return output_fail("%s", strerror(errno));
        code = finish(import, file, output, config);
        explicit_bzero(config, size);
        return code;
}

static int explain_search(int r, const char *found)
{
        char path[SYSROOT_PATH_MAX];

        if (r == -EACCES)
                return output_fail(_("not allowed to read %s. Try it with sudo"), found);
        if (r == -EPERM)
                return output_fail(_("%s is no plain file, or belongs to somebody else, who may "
                                     "have put it there. If it is to be trusted, name it: smctl "
                                     "import-config FILE"),
                                   found);
        if (r != -ENOENT && r != -ENOTUNIQ)
                return output_fail("%s: %s", found, strerror(-r));
        (void)output_fail("%s", r == -ENOENT
                                        ? _("no configuration was found in these places; name it: "
                                            "smctl import-config FILE. Jeedom's plugin writes its "
                                            "own when its daemon is started:")
                                        : _("there are several; say which one: smctl import-config "
                                            "FILE"));
        for (size_t i = 0; import_place(i, path); i++)
                output_say("  %s", path);
        return EXIT_FAILED;
}

/* Without a file, the one that is found. */
static int run(struct import *import, const char *file, const char *output)
{
        char found[SYSROOT_PATH_MAX] = "";
        FILE *stream = NULL;
        int code, r = 0;

        if (!file)
                r = import_find_file(found, &stream);
        else if (strcmp(file, "-") == 0)
                stream = stdin;
        else
                stream = fopen(file, "re");
        if (r < 0)
                return explain_search(r, found);
        if (!stream)
                return output_fail("%s: %s", file, strerror(errno));
        code = translate(import, stream, file ? file : found, output);
        if (stream != stdin)
                (void)fclose(stream); /* only read */
        return code;
}

/* The service runs elsewhere: the path of a password file must be a full one. */
static int resolve_folder(const char *output, char ret[static PATH_MAX])
{
        OWNED_FREE char *copy = strdup(output);

        if (!copy)
                return -ENOMEM;
        return realpath(dirname(copy), ret) ? 0 : -errno;
}

int cmd_import_config(int argc, char **argv)
{
        const char *output = NULL;
        const struct option_row rows[] = {
                { "output", 'o', OPTION_STRING, N_("FILE"),
                  N_("write it, and the passwords beside it, with mode 0600"), &output },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("FILE is the datacollector.ini of smartmeter-datacollector or the "
                            "config.ini of\nJeedom's plugin SmartMeterUSB; without FILE it is "
                            "looked for where they keep it\n(/var/lib/smartmeter-datacollector, "
                            "/tmp/jeedom/SmartMeterUSB). The result goes\nto the standard output, "
                            "what became of each line to the standard error. Run it with\nthe "
                            "converters plugged in: then they are recognised by their USB "
                            "identity."),
                .max_arguments = 1,
        };
        static struct import import; /* 350 kB: too much for a stack */
        char directory[PATH_MAX];
        int code, first, r;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        import.directory = DEFAULT_DIRECTORY;
        if (output) {
                r = resolve_folder(output, directory);
                if (r < 0)
                        return output_fail("%s: %s", output, strerror(-r));
                import.directory = directory;
        }
        code = run(&import, first < argc ? argv[first] : NULL, output);
        import_wipe(&import);
        return code;
}
