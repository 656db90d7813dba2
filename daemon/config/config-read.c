/* SPDX-License-Identifier: MIT */
/*
 * inih takes lines apart; the reader callback below counts them, and checks lines that inih would
 * pass over: sections (it cuts their names at 50 bytes), lines that are too long, lines without a
 * key.
 */
#include "config-read.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include <ini.h>

#include "base/suggest.h"
#include "base/text.h"
#include "base/util.h"

struct config_seen {
        struct config_seen *next;
        unsigned int line;
        const struct config_item *item;
        char name[];
};

struct config_mark {
        struct config_mark *next;
        const void *target; /* an item, or the field of a marked key */
        const char *file;
        unsigned int line;
        bool faulty; /* a key of it was refused: the whole cannot be assessed */
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
        /* The text goes to terminals and to D-Bus, and may have been cut in a letter. */
        (void)text_clean(problem->message);
        (void)text_clean(problem->file);
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
static const char *section_title(const struct config_item *item, char buf[static 96])
{
        if (item->section->example)
                (void)snprintf(buf, 96, "[%s \"%.60s\"]", item->section->name, item->name);
        else
                (void)snprintf(buf, 96, "[%s]", item->section->name);
        return buf;
}

static struct config_mark *find_mark(const struct config_reader *reader, const void *target)
{
        struct config_mark *m = reader->marks;

        while (m && m->target != target)
                m = m->next;
        return m;
}

/* Problems of a section as a whole point at the line where it began last; those of a key that only
 * the whole can assess, at its own. */
static void mark(struct config_reader *reader, const void *target)
{
        const struct config_mark *before = find_mark(reader, target);
        struct config_mark *m = calloc(1, sizeof(*m));

        if (!m) {
                reader->out_of_memory = true;
                return;
        }
        *m = (struct config_mark){ reader->marks, target, reader->file, reader->line,
                                   before && before->faulty };
        reader->marks = m;
}

static struct config_item *find_item(const struct config_reader *reader,
                                     const struct config_section *section, const char *name)
{
        struct config_item *item = reader->config->items;

        while (item &&
               !(item->section == section && (section->any_case ? strcasecmp(item->name, name)
                                                                : strcmp(item->name, name)) == 0))
                item = item->next;
        return item;
}

/* The item of this name, made with its defaults when there is none. NULL: no memory. */
static struct config_item *need_item(struct config_reader *reader,
                                     const struct config_section *section, const char *name)
{
        struct config_item *item = find_item(reader, section, name);

        if (item)
                return item;
        item = config_item_new(section, name);
        if (!item) {
                reader->out_of_memory = true;
                return NULL;
        }
        *reader->last = item;
        reader->last = &item->next;
        return item;
}

static const struct config_section *find_section(const struct config_reader *reader,
                                                 const char *name)
{
        size_t i = 0;

        while (reader->sections(i) && strcmp(reader->sections(i)->name, name) != 0)
                i++;
        return reader->sections(i);
}

static bool has_control(const char *text)
{
        while (*text && (unsigned char)*text >= 0x20 && *text != 0x7f)
                text++;
        return *text;
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
        if (id && (!*id || strlen(id) >= METER_ID_MAX || strpbrk(id, "\"/") || has_control(id))) {
                error_here(reader, "the name of a [%s] has 1 to %d characters, no quote, no '/'",
                           name, METER_ID_MAX - 1);
                return false;
        }
        return true;
}

/* "[name \"id\"]" taken apart in place; *ret_id is NULL without an id. False: it is none. */
static bool split_section(struct config_reader *reader, char *text, char **ret_name, char **ret_id)
{
        char *name = text + 1, *quote, *end = strrchr(text, ']');

        if (!end || (end[1] && !strchr("#;", end[1 + strspn(end + 1, " \t")]))) {
                error_here(reader, "a section is written [name] or [name \"id\"]");
                return false;
        }
        *end = 0;
        *ret_id = NULL;
        quote = strchr(name, '"');
        if (quote) {
                char *last = strrchr(quote + 1, '"');

                if (!last || last[1 + strspn(last + 1, " \t")]) {
                        error_here(reader, "a quote is missing: write [name \"id\"]");
                        return false;
                }
                *last = 0;
                *quote = 0;
                *ret_id = quote + 1;
        }
        for (size_t n = strlen(name); n && isspace((unsigned char)name[n - 1]);)
                name[--n] = 0;
        *ret_name = name;
        return true;
}

static void report_unknown_section(struct config_reader *reader, const char *name)
{
        struct suggest near;
        char word[41];

        (void)snprintf(word, sizeof(word), "%s", name);
        word[strcspn(word, " \t")] = 0; /* [converter house]: the quotes are missing */
        near = suggest_for(word);
        for (size_t i = 0; reader->sections(i); i++)
                suggest_offer(&near, reader->sections(i)->name);
        const char *nearest = suggest_best(&near);
        error_here(reader, "unknown section [%.40s]%s%s%s", name, nearest ? "; did you mean [" : "",
                   nearest ? nearest : "", nearest ? strchr(name, ' ') ? " \"…\"]?" : "]?" : "");
}

static void on_section(struct config_reader *reader, char *text)
{
        const struct config_section *section;
        char *name, *id;

        reader->item = NULL;
        reader->refused = true;
        if (!split_section(reader, text, &name, &id))
                return;
        section = find_section(reader, name);
        if (!section) {
                report_unknown_section(reader, name);
                return;
        }
        if (!check_section_id(reader, name, section->example, id))
                return;
        reader->refused = false;
        reader->item = need_item(reader, section, id ? id : "");
        if (reader->item)
                mark(reader, reader->item);
}

/* True when this key stands for the first time in this section and file. */
static bool note_key(struct config_reader *reader, const char *name)
{
        for (struct config_seen *seen = reader->seen; seen; seen = seen->next) {
                if (seen->item == reader->item && strcmp(seen->name, name) == 0) {
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
        *seen = (struct config_seen){ reader->seen, reader->line, reader->item };
        memcpy(seen->name, name, n);
        reader->seen = seen;
        return true;
}

/* An error of a key: the section it stands in cannot be assessed as a whole. */
__attribute__((format(printf, 2, 3))) static void refuse_key(struct config_reader *reader,
                                                             const char *format, ...)
{
        struct config_mark *section = find_mark(reader, reader->item);
        va_list arguments;

        if (section)
                section->faulty = true;
        va_start(arguments, format);
        report(reader, reader->file, reader->line, false, format, arguments);
        va_end(arguments);
}

/* Name="House" means House; `buf` holds a line. */
static const char *unquote(const char *value, char buf[static CONFIG_LINE_MAX + 2])
{
        size_t n = strlen(value);

        if (n < 2 || (*value != '"' && *value != '\'') || value[n - 1] != *value ||
            memchr(value + 1, *value, n - 2))
                return value;
        (void)snprintf(buf, CONFIG_LINE_MAX + 2, "%.*s", (int)(n - 2), value + 1);
        return buf;
}

static void set_key(struct config_reader *reader, const struct config_key *key, const char *name,
                    const char *suffix, const char *value)
{
        struct config_answer answer = { .for_another = reader->for_another };
        char title[96];

        if (!*value && !key->clearable) {
                refuse_key(reader, "%.60s= in %s has no value", name,
                           section_title(reader->item, title));
                return;
        }
        if (key->secret && *value && reader->world_readable) {
                refuse_key(reader,
                           "%s= is a secret, and everyone can read this file; do: chmod 640 %.80s"
                           " && chgrp smartmeterd %.80s",
                           key->name, reader->file, reader->file);
                return;
        }

        if (key->marked)
                mark(reader, config_key_field(key, reader->item));
        int r = config_key_set(key, reader->item, value, suffix, &answer);
        /* A secret that is wrong is still one: it does not belong into a log. */
        const char *shown = key->secret || answer.hides_value ? "…" : value;
        if (r == -ENOMEM) {
                reader->out_of_memory = true;
        } else if (r < 0) {
                refuse_key(reader, "%.60s=%.60s: %s%s", name, shown, answer.text,
                           strstr(value, " #") ? "; a comment behind a value begins with ';'" : "");
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
        char name[CONFIG_LINE_MAX + 2], bare[CONFIG_LINE_MAX + 2], fix[96], title[96];

        reader->expects_key = false;
        if (!reader->item) {
                if (!reader->refused) /* else its keys say nothing new */
                        error_here(reader, "%.60s= stands before any [section]", ini_name);
                return 1;
        }
        (void)snprintf(name, sizeof(name), "%s", ini_name);
        rejoin(name, sizeof(name), &value);

        const struct config_key *key = config_key_find(reader->item->section, name, &suffix);
        if (!key) {
                config_key_suggest(reader->sections, reader->item->section, name, fix, sizeof(fix));
                refuse_key(reader, "unknown key '%.60s' in %s%s%s", name,
                           section_title(reader->item, title), *fix ? "; " : "", fix);
                return 1;
        }
        if (key->repeated || note_key(reader, name))
                set_key(reader, key, name, suffix, unquote(value, bare));
        explicit_bzero(bare, sizeof(bare));
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
        /* Names and values go to D-Bus and MQTT, which take nothing else. */
        if (!text_is_utf8(text)) {
                error_here(reader, "is not UTF-8: save the file in this encoding (iconv -f latin1 "
                                   "-t utf8), or write without accents");
                return NULL;
        }
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

/* fgets() for inih: one line without its indentation, or an empty one in place of a line that inih
 * must not see. */
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
        reader->item = NULL;
        reader->refused = false;

        /* The callbacks have reported every fault that inih could report. */
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
        const struct config_mark *m = find_mark(reader, target);
        va_list arguments;

        va_start(arguments, format);
        report(reader, m ? m->file : "", m ? m->line : 0, false, format, arguments);
        va_end(arguments);
}

void config_read_warning_of(struct config_reader *reader, const void *target, const char *format,
                            ...)
{
        const struct config_mark *m = find_mark(reader, target);
        va_list arguments;

        va_start(arguments, format);
        report(reader, m ? m->file : "", m ? m->line : 0, true, format, arguments);
        va_end(arguments);
}

int config_read_begin(struct config_reader *reader, config_section_at *sections)
{
        struct config *config = calloc(1, sizeof(*config));

        if (!config)
                return -ENOMEM;
        *reader = (struct config_reader){ .config = config,
                                          .sections = sections,
                                          .last = &config->items,
                                          .end = &config->problems };
        config->daemon = (void *)need_item(reader, &config_section_daemon, "");
        config->tariff = (void *)need_item(reader, &config_section_tariff, "");
        if (reader->out_of_memory) {
                config_free(config);
                return -ENOMEM;
        }
        return 0;
}

/* Assesses each section as a whole, but for those whose keys were refused. */
static void check_items(struct config_reader *reader)
{
        for (struct config_item *item = reader->config->items; item; item = item->next) {
                const struct config_mark *section = find_mark(reader, item);

                if (item->section->check && !(section && section->faulty))
                        item->section->check(reader, item);
        }
}

int config_read_finish(struct config_reader *reader, struct config **ret)
{
        struct config *config = reader->config;

        if (!reader->out_of_memory)
                check_items(reader);
        for (struct config_mark *m; (m = reader->marks);) {
                reader->marks = m->next;
                free(m);
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
