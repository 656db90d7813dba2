/* SPDX-License-Identifier: MIT */
/*
 * inih takes lines apart; the reader callback below counts them, and looks at what inih would pass
 * over: sections (it cuts their names at 50 bytes), lines that are too long, lines without a key.
 */
#include "config-read.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include <ini.h>

#include "lib/util.h"

struct config_seen {
        struct config_seen *next;
        unsigned int line;
        const void *target;
        char name[];
};

struct config_mark {
        struct config_mark *next;
        const void *target;
        const char *file;
        unsigned int line;
};

static void report(struct config_reader *reader, const char *file, unsigned int line, bool warning,
                   const char *format, va_list arguments)
{
        if (!warning)
                reader->n_errors++;
        if (reader->n_problems >= CONFIG_PROBLEMS_MAX)
                return;

        struct config_problem *problem = calloc(1, sizeof(*problem));
        if (problem)
                problem->file = strdup(file);
        if (!problem || !problem->file) {
                free(problem);
                reader->out_of_memory = true;
                return;
        }
        problem->line = line;
        problem->warning = warning;
        (void)vsnprintf(problem->message, sizeof(problem->message), format, arguments);
        *reader->end = problem;
        reader->end = &problem->next;
        reader->n_problems++;
}

void config_read_problem(struct config_reader *reader, const char *file, unsigned int line,
                         bool warning, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        report(reader, file, line, warning, format, arguments);
        va_end(arguments);
}

__attribute__((format(printf, 2, 3))) static void error_here(struct config_reader *reader,
                                                             const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        report(reader, reader->file, reader->line, false, format, arguments);
        va_end(arguments);
}

/* `[converter "house"]` or `[tariff]`, as it is to be named in messages. */
static const char *section_title(const struct config_reader *reader, char buf[static 96])
{
        const char *name = config_sections[reader->section].name;

        if (config_sections[reader->section].example)
                (void)snprintf(buf, 96, "[%s \"%.60s\"]", name, reader->section_id);
        else
                (void)snprintf(buf, 96, "[%s]", name);
        return buf;
}

static const struct config_mark *find_mark(const struct config_reader *reader, const void *target)
{
        const struct config_mark *mark = reader->marks;

        while (mark && mark->target != target)
                mark = mark->next;
        return mark;
}

/* Problems of a section as a whole point at the line where it began last. */
static void mark_section(struct config_reader *reader)
{
        struct config_mark *mark = calloc(1, sizeof(*mark));

        if (!mark) {
                reader->out_of_memory = true;
                return;
        }
        *mark = (struct config_mark){ reader->marks, reader->target, reader->file, reader->line };
        reader->marks = mark;
}

static void open_section(struct config_reader *reader, enum config_section section, const char *id)
{
        struct config *config = reader->config;

        reader->section = section;
        reader->section_id = "";
        switch (section) {
        case CONFIG_DAEMON:
        case CONFIG_TARIFF:
                reader->target = config;
                break;
        case CONFIG_CONVERTER:
                reader->target = config_section_converter(config, id);
                if (reader->target)
                        reader->section_id = ((struct config_converter *)reader->target)->name;
                break;
        case CONFIG_METER:
                reader->target = config_section_meter(config, id);
                if (reader->target)
                        reader->section_id = ((struct config_meter *)reader->target)->id;
                break;
        case CONFIG_MQTT:
                reader->target = config_section_mqtt(config, id);
                if (reader->target)
                        reader->section_id = ((struct config_mqtt *)reader->target)->name;
                break;
        case CONFIG_SECTIONS:
                break;
        }
        if (!reader->target) {
                reader->out_of_memory = true;
                reader->section = CONFIG_SECTIONS;
                return;
        }
        mark_section(reader);
}

static const char *section_name(size_t i)
{
        return i < CONFIG_SECTIONS ? config_sections[i].name : NULL;
}

static bool check_section_id(struct config_reader *reader, const char *name, const char *example,
                             const char *id)
{
        if (example && !id) {
                error_here(reader, "[%s] needs a name: write [%s \"%s\"]", name, name, example);
                return false;
        }
        if (!example && id) {
                error_here(reader, "there is one [%s] only: write it without a name", name);
                return false;
        }
        if (id && (!*id || strlen(id) >= METER_ID_MAX || strpbrk(id, "\"/"))) {
                error_here(reader, "the name of a [%s] has 1 to %d characters, no quote, no '/'",
                           name, METER_ID_MAX - 1);
                return false;
        }
        return true;
}

/* `text` is the line from its '[' on; it is taken apart in place. */
static void on_section(struct config_reader *reader, char *text)
{
        char *name = text + 1, *id = NULL, *quote;
        char *end = strrchr(text, ']');

        reader->section = CONFIG_SECTIONS;
        reader->refused = true;
        if (!end || (end[1] && !strchr("#;", end[1 + strspn(end + 1, " \t")]))) {
                error_here(reader, "a section is written [name] or [name \"id\"]");
                return;
        }
        *end = 0;
        quote = strchr(name, '"');
        if (quote) {
                char *last = strrchr(quote + 1, '"');

                if (!last || last[1 + strspn(last + 1, " \t")]) {
                        error_here(reader, "a quote is missing: write [name \"id\"]");
                        return;
                }
                *last = 0;
                *quote = 0;
                id = quote + 1;
        }
        for (size_t n = strlen(name); n && isspace((unsigned char)name[n - 1]);)
                name[--n] = 0;

        for (int s = 0; s < CONFIG_SECTIONS; s++) {
                if (strcmp(name, config_sections[s].name) != 0)
                        continue;
                if (check_section_id(reader, name, config_sections[s].example, id)) {
                        reader->refused = false;
                        open_section(reader, (enum config_section)s, id);
                }
                return;
        }

        char word[41];
        (void)snprintf(word, sizeof(word), "%s", name);
        word[strcspn(word, " \t")] = 0; /* [converter house]: the quotes are missing */
        const char *nearest = config_nearest(word, section_name);
        error_here(reader, "unknown section [%.40s]%s%s%s", name, nearest ? "; did you mean [" : "",
                   nearest ? nearest : "", nearest ? strchr(name, ' ') ? " \"…\"]?" : "]?" : "");
}

/* True when this key stands for the first time in this section and file. */
static bool note_key(struct config_reader *reader, const char *name)
{
        for (struct config_seen *seen = reader->seen; seen; seen = seen->next) {
                if (seen->target == reader->target && strcmp(seen->name, name) == 0) {
                        error_here(reader, "%.60s= stands here twice, first in line %u", name,
                                   seen->line);
                        return false;
                }
        }
        size_t n = strlen(name) + 1;
        struct config_seen *seen = malloc(sizeof(*seen) + n);
        if (!seen) {
                reader->out_of_memory = true;
                return false;
        }
        *seen = (struct config_seen){ reader->seen, reader->line, reader->target };
        memcpy(seen->name, name, n);
        reader->seen = seen;
        return true;
}

static void set_key(struct config_reader *reader, const struct config_key *key, const char *name,
                    const char *suffix, const char *value)
{
        struct config_answer answer = { .for_another = reader->for_another };
        char title[96];

        if (!*value && !key->clearable) {
                error_here(reader, "%.60s= in %s has no value", name, section_title(reader, title));
                return;
        }
        if (key->secret && *value && reader->world_readable) {
                error_here(reader,
                           "%s= is a secret, and everyone can read this file; do: chmod 640 %.80s"
                           " && chgrp smartmeterd %.80s",
                           key->name, reader->file, reader->file);
                return;
        }

        int r = key->parse(value, suffix, (char *)reader->target + key->offset, &answer);
        /* A secret that is wrong is still one: it does not belong into a log. */
        const char *shown = key->secret || answer.hides_value ? "…" : value;
        if (r == -ENOMEM) {
                reader->out_of_memory = true;
        } else if (r < 0) {
                error_here(reader, "%.60s=%.60s: %s", name, shown, answer.text);
        } else if (*answer.text) {
                config_read_problem(reader, reader->file, reader->line, true, "%.60s=%.60s: %s",
                                    name, shown, answer.text);
        }
}

/* inih also splits at ':', which OBIS codes have in them: Scale.1-0:1.8.0=0.1 */
static void rejoin(char *name, size_t size, const char **value)
{
        const char *equals = strchr(*value, '=');
        size_t n = strlen(name);

        if (strncmp(name, "Scale.", 6) != 0 || !equals || strchr(name + 6, ':'))
                return;
        (void)snprintf(name + n, size - n, ":%.*s", (int)(equals - *value), *value);
        for (n = strlen(name); n && name[n - 1] == ' ';)
                name[--n] = 0;
        *value = equals + 1 + strspn(equals + 1, " \t");
}

static int on_key(void *userdata, const char *ini_section, const char *ini_name,
                  const char *ini_value)
{
        struct config_reader *reader = userdata;
        const char *suffix, *value = ini_value;
        char name[CONFIG_LINE_MAX + 2], cure[96], title[96];

        reader->expects_key = false;
        if (reader->section == CONFIG_SECTIONS) {
                if (!reader->refused) /* else its keys say nothing new */
                        error_here(reader, "%.60s= stands before any [section]", ini_name);
                return 1;
        }
        (void)snprintf(name, sizeof(name), "%s", ini_name);
        rejoin(name, sizeof(name), &value);

        const struct config_key *key = config_key_find(reader->section, name, &suffix);
        if (!key) {
                config_key_suggest(reader->section, name, cure, sizeof(cure));
                error_here(reader, "unknown key '%.60s' in %s%s%s", name,
                           section_title(reader, title), *cure ? "; " : "", cure);
                return 1;
        }
        if (key->repeated || note_key(reader, name))
                set_key(reader, key, name, suffix, value);
        return 1;
}

/* The line before this one should have been a key, and inih found none in it. */
static void check_last_line(struct config_reader *reader)
{
        if (reader->expects_key)
                error_here(reader, "neither [section] nor Key=value");
        reader->expects_key = false;
}

/* Looks at a line before inih does. NULL: it is not for inih. */
static const char *preview(struct config_reader *reader, char *text, size_t n)
{
        if (strlen(text) != n) {
                error_here(reader, "a NUL byte is in this line: this is no text file");
                return NULL;
        }
        if (reader->line == 1 && strncmp(text, "\xef\xbb\xbf", 3) == 0)
                text += 3;           /* a byte order mark, as some editors leave it */
        text += strspn(text, " \t"); /* else inih would take it for a continuation */
        for (n = strlen(text); n && isspace((unsigned char)text[n - 1]);)
                text[--n] = 0;

        if (!*text || *text == '#' || *text == ';')
                return NULL;
        if (n > CONFIG_LINE_MAX) {
                error_here(reader, "a line has at most %d bytes", CONFIG_LINE_MAX);
                return NULL;
        }
        if (*text == '[') {
                on_section(reader, text);
                return NULL;
        }
        reader->expects_key = true;
        return text;
}

/* fgets() for inih: one line, without its indentation, or an empty one in place of what it must
 * not see. */
static char *next_line(char *buf, int size, void *userdata)
{
        struct config_reader *reader = userdata;

        check_last_line(reader);
        ssize_t n = getline(&reader->raw, &reader->raw_size, reader->stream);
        if (n < 0 || reader->out_of_memory)
                return NULL;
        reader->line++;
        reader->bytes += (size_t)n;
        if (reader->bytes > CONFIG_FILE_MAX) {
                error_here(reader, "the file goes on for more than 1 MiB: this is none of ours");
                return NULL;
        }

        const char *text = preview(reader, reader->raw, (size_t)n);
        (void)snprintf(buf, (size_t)size, "%s\n", text ? text : "");
        return buf;
}

void config_read_stream(struct config_reader *reader, FILE *stream, const char *file,
                        bool world_readable)
{
        reader->file = file;
        reader->stream = stream;
        reader->world_readable = world_readable;
        reader->line = 0;
        reader->bytes = 0;
        reader->section = CONFIG_SECTIONS;
        reader->refused = false;
        reader->target = NULL;

        /* What inih could tell, the callbacks have told already. */
        (void)ini_parse_stream(next_line, reader, on_key, reader);
        if (ferror(stream))
                config_read_problem(reader, file, 0, false, "cannot be read: %s", strerror(errno));

        for (struct config_seen *seen; (seen = reader->seen);) {
                reader->seen = seen->next;
                free(seen);
        }
        if (reader->raw)
                explicit_bzero(reader->raw, reader->raw_size);
        free(reader->raw);
        reader->raw = NULL;
        reader->raw_size = 0;
}

void config_read_problem_of(struct config_reader *reader, const void *target, const char *format,
                            ...)
{
        const struct config_mark *mark = find_mark(reader, target);
        va_list arguments;

        va_start(arguments, format);
        report(reader, mark ? mark->file : "", mark ? mark->line : 0, false, format, arguments);
        va_end(arguments);
}

void config_read_warning_of(struct config_reader *reader, const void *target, const char *format,
                            ...)
{
        const struct config_mark *mark = find_mark(reader, target);
        va_list arguments;

        va_start(arguments, format);
        report(reader, mark ? mark->file : "", mark ? mark->line : 0, true, format, arguments);
        va_end(arguments);
}

int config_read_begin(struct config_reader *reader)
{
        *reader = (struct config_reader){ .config = calloc(1, sizeof(struct config)) };
        if (!reader->config)
                return -ENOMEM;
        reader->config->log_level = -1;
        reader->config->auto_bind = true;
        reader->end = &reader->config->problems;
        return 0;
}

int config_read_finish(struct config_reader *reader, struct config **ret)
{
        struct config *config = reader->config;

        if (!reader->out_of_memory)
                config_check(reader);
        for (struct config_mark *mark; (mark = reader->marks);) {
                reader->marks = mark->next;
                free(mark);
        }
        reader->config = NULL;

        if (reader->out_of_memory) {
                config_free(config);
                return -ENOMEM;
        }
        if (reader->n_errors > 0) {
                struct config *refused = calloc(1, sizeof(*refused));

                if (refused)
                        refused->problems = TAKE(config->problems);
                config_free(config);
                if (!refused)
                        return -ENOMEM;
                *ret = refused;
                return -EINVAL;
        }
        *ret = config;
        return 0;
}
