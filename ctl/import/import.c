/* SPDX-License-Identifier: MIT */
#include "import.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <ini.h>

#include "base/text.h"
#include "ctl/i18n.h"
#include "import-keys.h"

struct parse {
        struct import *import;
        FILE *stream;
        unsigned int line;
        bool full;
};

/* inih gives its handler no line number: the line it just read is the one in question. */
static char *read_line(char *text, int size, void *userdata)
{
        struct parse *parse = userdata;

        if (!fgets(text, size, parse->stream))
                return NULL;
        if (strchr(text, '\n') || feof(parse->stream))
                parse->line++;
        return text;
}

/* configparser's interpolation: "%%" stands for "%". */
static void copy_value(char ret[static IMPORT_VALUE_MAX], const char *value)
{
        size_t n = 0;

        for (; *value && n + 1 < IMPORT_VALUE_MAX; value++) {
                ret[n++] = *value;
                if (value[0] == '%' && value[1] == '%')
                        value++;
        }
        ret[n] = '\0';
}

/* It becomes the name of a section, of a file, and a word of a command that we print. */
static void make_plain(char *section)
{
        for (char *c = section; *c; c++)
                if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
                        *c = '_';
}

static int on_line(void *userdata, const char *section, const char *name, const char *value)
{
        struct parse *parse = userdata;
        struct import_line *line;

        if (parse->import->n_lines == IMPORT_LINES_MAX) {
                parse->full = true;
                return 0;
        }
        line = &parse->import->lines[parse->import->n_lines++];
        *line = (struct import_line){ .number = parse->line };
        (void)snprintf(line->section, sizeof(line->section), "%s", section);
        (void)snprintf(line->key, sizeof(line->key), "%s", name);
        for (char *c = line->key; *c; c++)
                *c = (char)tolower((unsigned char)*c); /* as configparser does */
        copy_value(line->value, value ? value : "");
        line->secret = strcmp(line->key, "key") == 0 || strcmp(line->key, "password") == 0;
        /* The file may be anybody's, and all of this goes to a terminal. A secret does not, and is
         * to stay as it is. */
        make_plain(line->section);
        (void)text_clean(line->key);
        if (!line->secret)
                (void)text_clean(line->value);
        return 1;
}

int import_read(struct import *import, FILE *stream, unsigned int *ret_line)
{
        struct parse parse = { .import = import, .stream = stream };
        int r;

        r = ini_parse_stream(read_line, &parse, on_line, &parse);
        if (parse.full)
                return -E2BIG;
        if (r != 0) {
                *ret_line = r > 0 ? (unsigned int)r : 0;
                return r > 0 ? -EBADMSG : -EIO;
        }
        return import->n_lines > 0 ? 0 : -EBADMSG;
}

void import_note(struct import *import, struct import_line *line, enum import_status status,
                 const char *format, ...)
{
        va_list arguments;

        if (!line)
                return;
        line->status = status;
        import->n_errors += status == IMPORT_ERROR;
        import->n_manual += status == IMPORT_MANUAL;
        va_start(arguments, format);
        (void)vsnprintf(line->note, sizeof(line->note), format, arguments);
        va_end(arguments);
}

struct import_line *import_find(struct import *import, const char *section, const char *key)
{
        for (size_t i = 0; i < import->n_lines; i++)
                if (strcmp(import->lines[i].section, section) == 0 &&
                    strcmp(import->lines[i].key, key) == 0)
                        return &import->lines[i];
        return NULL;
}

const char *import_value(struct import *import, const char *section, const char *key)
{
        struct import_line *line = import_find(import, section, key);

        return line ? line->value : "";
}

/* configparser's getboolean() */
bool import_is_true(const char *value)
{
        static const char *const words[] = { "1", "yes", "true", "on" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strcasecmp(value, words[i]) == 0)
                        return true;
        return false;
}

static void translate_logging(struct import *import, const char *section, FILE *out)
{
        static const struct {
                const char *theirs, *ours;
        } levels[] = { { "INFO", "info" },
                       { "WARNING", "warning" },
                       { "ERROR", "err" },
                       { "CRITICAL", "err" } };
        struct import_line *line = import_find(import, section, "default");

        if (!line)
                return;
        import_note(import, line, IMPORT_DROPPED,
                    _("left out: at this level readings are logged, which are personal data; "
                      "LogLevel=debug in [daemon] does it"));
        for (size_t i = 0; i < ELEMENTSOF(levels); i++) {
                if (strcasecmp(line->value, levels[i].theirs) != 0)
                        continue;
                fprintf(out, "[daemon]\nLogLevel=%s\n\n", levels[i].ours);
                import_note(import, line, IMPORT_MAPPED, "[daemon] LogLevel=%s", levels[i].ours);
        }
}

static void note_rest(struct import *import, const char *section)
{
        bool logging = strcmp(section, "logging") == 0;

        for (size_t i = 0; i < import->n_lines; i++) {
                struct import_line *line = &import->lines[i];

                if (strcmp(line->section, section) != 0 || line->status != IMPORT_UNKNOWN ||
                    *line->note)
                        continue;
                if (logging)
                        import_note(import, line, IMPORT_DROPPED,
                                    _("left out: the service has one log level"));
                else
                        import_note(import, line, IMPORT_UNKNOWN,
                                    _("left out: smartmeter-datacollector does not know it "
                                      "either"));
        }
}

bool import_section_begins(const struct import *import, size_t i)
{
        for (size_t j = 0; j < i; j++)
                if (strcmp(import->lines[j].section, import->lines[i].section) == 0)
                        return false;
        return true;
}

bool import_is_theirs(const struct import *import)
{
        static const char *const sections[] = { "reader", "sink", "logging" };

        for (size_t i = 0; i < import->n_lines; i++)
                for (size_t j = 0; j < ELEMENTSOF(sections); j++)
                        if (strncmp(import->lines[i].section, sections[j], strlen(sections[j])) ==
                            0)
                                return true;
        return false;
}

void import_translate(struct import *import, FILE *out)
{
        for (size_t i = 0; i < import->n_lines; i++) {
                const char *section = import->lines[i].section;

                if (!import_section_begins(import, i))
                        continue;
                if (strncmp(section, "reader", 6) == 0)
                        import_reader(import, section, out);
                else if (strncmp(section, "sink", 4) == 0)
                        import_sink(import, section, out);
                else if (strcmp(section, "logging") == 0)
                        translate_logging(import, section, out);
                note_rest(import, section);
        }
}

/* The plugin misspells a key of every reader, and the collector has never known it. */
bool import_is_jeedom(struct import *import)
{
        for (size_t i = 0; i < import->n_lines; i++)
                if (strcmp(import->lines[i].key, "baurate") == 0)
                        return true;
        return false;
}

void import_wipe(struct import *import)
{
        explicit_bzero(import, sizeof(*import));
}

const char *import_status_name(enum import_status status)
{
        switch (status) {
        case IMPORT_UNKNOWN:
                return "unknown";
        case IMPORT_MAPPED:
                return "mapped";
        case IMPORT_DROPPED:
                return "dropped";
        case IMPORT_MANUAL:
                return "manual";
        case IMPORT_ERROR:
                return "error";
        }
        return "unknown";
}
