/* SPDX-License-Identifier: MIT */
/*
 * smctl import-config: prints (or writes) our configuration made of a datacollector.ini, and says
 * of every line what it became.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config-build.h"
#include "i18n.h"
#include "import.h"
#include "json.h"
#include "options.h"
#include "output.h"
#include "verb.h"

#define DEFAULT_DIRECTORY SYSCONFDIR "/smartmeterd"

static void report_text(const struct import *import, const char *file)
{
        for (size_t i = 0; i < import->n_lines; i++) {
                const struct import_line *line = &import->lines[i];
                enum style style = line->status == IMPORT_ERROR    ? STYLE_BAD
                                   : line->status == IMPORT_MANUAL ? STYLE_WARN
                                                                   : STYLE_NONE;

                fprintf(stderr, "%s:%u: [%s] %s = %s: %s%s%s\n", file, line->number, line->section,
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

static void report_json(const struct import *import, const char *config)
{
        OWNED(json) struct json_object *object = json_object_new_object();
        struct json_object *lines = json_object_new_array();

        json_set_text(object, "config", config);
        for (size_t i = 0; i < import->n_lines; i++) {
                const struct import_line *line = &import->lines[i];
                struct json_object *element = json_object_new_object();

                json_set_number(element, "line", line->number);
                json_set_text(element, "section", line->section);
                json_set_text(element, "key", line->key);
                json_set_text(element, "value", line->secret ? NULL : line->value);
                json_set_text(element, "status", import_status_name(line->status));
                json_set_text(element, "note", line->note);
                json_object_array_add(lines, element);
        }
        json_object_object_add(object, "lines", lines);
        json_print(object);
}

/* Readable by the service alone: keys and passwords are in it. -errno. */
static int write_private(const char *path, const char *content)
{
        struct passwd *user = getpwnam("smartmeterd");
        OWNED_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        size_t len = strlen(content);

        if (fd < 0)
                return -errno;
        if (geteuid() == 0 && user && fchown(fd, user->pw_uid, user->pw_gid) < 0)
                return -errno;
        if (write(fd, content, len) != (ssize_t)len)
                return errno ? -errno : -EIO;
        return 0;
}

static int write_or_explain(const char *path, const char *content)
{
        int r = write_private(path, content);

        if (r == -EEXIST)
                (void)output_fail(_("%s is there already; it is not overwritten"), path);
        else if (r < 0)
                (void)output_fail("%s: %s", path, strerror(-r));
        else
                fprintf(stderr, _("wrote %s\n"), path);
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

static void print_advice(const struct import *import, const char *output)
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
        fprintf(stderr, "%s\n",
                _("Next: sudo smctl check-config; then stop the old collector (sudo systemctl "
                  "disable --now smartmeter-datacollector) and sudo smctl reload."));
}

static int finish(struct import *import, const char *file, const char *output, const char *config)
{
        if (output && write_files(import, output, config) < 0)
                return EXIT_FAILED;
        if (ctl_settings.json) {
                report_json(import, config);
        } else {
                if (!output)
                        fputs(config, stdout);
                (void)fflush(stdout); /* before the report, which goes to stderr */
                report_text(import, file);
                print_advice(import, output);
        }
        return import->n_errors > 0 ? EXIT_FAILED : EXIT_DONE;
}

static int run(struct import *import, const char *file, const char *output)
{
        FILE *stream = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
        OWNED_FREE char *config = NULL;
        unsigned int line = 0;
        size_t size;
        FILE *out;
        int code, r;

        if (!stream)
                return output_fail("%s: %s", file, strerror(errno));
        r = import_read(import, stream, &line);
        if (stream != stdin)
                (void)fclose(stream); /* only read */
        if (r == -EBADMSG)
                return output_fail(_("%s:%u: this is no datacollector.ini"), file, line);
        if (r < 0)
                return output_fail("%s: %s", file, strerror(-r));
        out = open_memstream(&config, &size);
        if (!out)
                return output_fail("%s", strerror(errno));
        fprintf(out, _("# made by smctl import-config from %s\n\n"), file);
        import_translate(import, out);
        if (fclose(out) != 0)
                return output_fail("%s", strerror(errno));
        code = finish(import, file, output, config);
        explicit_bzero(config, size);
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
                .about = N_("FILE is the datacollector.ini of smartmeter-datacollector (in "
                            "/var/lib/\nsmartmeter-datacollector) or the config.ini of the Jeedom "
                            "plugin. The result goes\nto the standard output, what became of each "
                            "line to the standard error. Run it with\nthe converters plugged in: "
                            "then they are recognised by their USB identity."),
                .min_arguments = 1,
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
        code = run(&import, argv[first], output);
        import_wipe(&import);
        return code;
}
