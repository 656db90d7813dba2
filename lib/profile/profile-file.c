/* SPDX-License-Identifier: MIT */
/*
 * The text of a profile: inih takes lines apart, the reader below hands them out, counts them, and
 * looks at what inih would pass over: sections, lines that are too long, lines without a key.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ini.h>

#include "base/suggest.h"
#include "base/util.h"
#include "profile-entry.h"

#define LINE_MAX_BYTES 198 /* inih's line buffer is 200 bytes with newline and NUL */
#define KEYS_MAX       64

enum section {
        SECTION_NONE, /* before the first, or in one that was refused */
        SECTION_PROFILE,
        SECTION_MATCH,
        SECTION_SCALE,
        SECTION_DATACOLLECTOR,
        SECTION_LIST,
};

struct file_reader {
        struct profile_entry *entry;
        const char *file;
        const struct profile_reporter *reporter;
        struct slice left;
        unsigned int line;
        enum section section;
        unsigned int list_line;
        bool seen[KEYS_MAX]; /* keys of [profile] */
        unsigned int n_errors;
        bool out_of_memory;
};

__attribute__((format(printf, 3, 4))) static void error_at(struct file_reader *f, unsigned int line,
                                                           const char *format, ...)
{
        char message[PROFILE_MESSAGE_MAX + 64];
        va_list arguments;

        f->n_errors++;
        if (!f->reporter)
                return;
        va_start(arguments, format);
        (void)vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        f->reporter->report(f->reporter->userdata, f->file, line, false, message);
}

/* "; did you mean Power?", or "" when nothing is near. */
static const char *profile_nearest(const char *word, const struct profile_key *keys,
                                   char buf[static PROFILE_MESSAGE_MAX])
{
        const char *names[KEYS_MAX], *near;
        size_t n = 0;

        for (; keys[n].name && n < KEYS_MAX; n++)
                names[n] = keys[n].name;
        near = suggest(word, names, n);
        buf[0] = '\0';
        if (near)
                (void)snprintf(buf, PROFILE_MESSAGE_MAX, "; did you mean %s?", near);
        return buf;
}

static struct profile_list *current_list(struct file_reader *f)
{
        return &f->entry->profile.lists[f->entry->profile.n_lists - 1];
}

static void end_list(struct file_reader *f)
{
        char why[PROFILE_MESSAGE_MAX];

        if (f->section == SECTION_LIST && profile_list_check(current_list(f), why) < 0)
                error_at(f, f->list_line, "%s", why);
}

static void begin_list(struct file_reader *f, const char *name)
{
        int r = profile_list_begin(f->entry, name);

        if (r == -EEXIST)
                error_at(f, f->line, "there is a [list \"%s\"] already", name);
        else if (r == -E2BIG)
                error_at(f, f->line, "more than %d lists", PROFILE_ROWS_MAX);
        else if (r < 0)
                f->out_of_memory = true;
        if (r < 0)
                return;
        f->section = SECTION_LIST;
        f->list_line = f->line;
}

/* Of the names below, the one that takes a name of its own: there may be several of it. */
#define LIST_AT 4

/* `text` is the line from its '[' on; it is taken apart in place. */
static void on_section(struct file_reader *f, char *text)
{
        static const struct profile_key names[] = {
                { "profile", NULL, 0 },       { "match", NULL, 0 }, { "scale", NULL, 0 },
                { "datacollector", NULL, 0 }, { "list", NULL, 0 },  { NULL, NULL, 0 },
        };
        char near[PROFILE_MESSAGE_MAX], *end = strrchr(text, ']'), *quote, *name = text + 1;
        size_t i = 0, n;

        end_list(f);
        f->section = SECTION_NONE;
        if (!end) {
                error_at(f, f->line, "a section is written [name] or [list \"name\"]");
                return;
        }
        *end = '\0';
        quote = strchr(name, '"');
        if (quote) {
                *quote++ = '\0';
                quote[strcspn(quote, "\"")] = '\0';
        }
        for (n = strlen(name); n > 0 && name[n - 1] == ' ';)
                name[--n] = '\0';
        while (names[i].name && strcmp(names[i].name, name) != 0)
                i++;
        if (!names[i].name)
                error_at(f, f->line, "unknown section [%.60s]%s", name,
                         profile_nearest(name, names, near));
        else if (i < LIST_AT && quote)
                error_at(f, f->line, "there is one [%s] only: write it without a name", name);
        else if (i == LIST_AT && (!quote || !*quote))
                error_at(f, f->line, "[list] needs a name: write [list \"11 values\"]");
        else if (i == LIST_AT)
                begin_list(f, quote);
        else
                f->section = (enum section)(SECTION_PROFILE + i);
}

static bool is_skipped(const char *line)
{
        return !*line || *line == ';' || *line == '#' || (*line == '\r' && !line[1]);
}

/* Is it one that inih is to see? Sections are taken here. */
static bool take_line(struct file_reader *f, char *buf, size_t len)
{
        if (len > LINE_MAX_BYTES || memchr(buf, '\0', len)) {
                if (!*buf || !is_skipped(buf))
                        error_at(f, f->line, "the line is longer than %d bytes, or holds a NUL",
                                 LINE_MAX_BYTES);
                return false;
        }
        if (is_skipped(buf))
                return false;
        if (*buf == '[') {
                on_section(f, buf);
                return false;
        }
        if (strchr(buf, '='))
                return true;
        error_at(f, f->line, "a line is Key=Value, a [section], or a comment behind ;");
        return false;
}

/* inih's reader: the next line as fgets() gives it, without blanks in front (they would join it to
 * the line before). */
static char *next_line(char *buf, int size, void *userdata)
{
        struct file_reader *f = userdata;

        while (f->left.len > 0) {
                const uint8_t *newline = memchr(f->left.data, '\n', f->left.len);
                size_t n = newline ? (size_t)(newline - f->left.data) : f->left.len;
                size_t skipped = 0, kept;

                while (skipped < n &&
                       (f->left.data[skipped] == ' ' || f->left.data[skipped] == '\t'))
                        skipped++;
                f->line++;
                kept = MIN(n - skipped, (size_t)size - 2);
                memcpy(buf, f->left.data + skipped, kept);
                buf[kept] = '\0';
                f->left = slice_from(f->left, n + 1);
                if (!take_line(f, buf, n - skipped))
                        continue;
                buf[kept] = '\n';
                buf[kept + 1] = '\0';
                return buf;
        }
        return NULL;
}

static void read_key(struct file_reader *f, const struct profile_key *keys, const char *key,
                     const char *value)
{
        char why[PROFILE_MESSAGE_MAX] = "";
        size_t i = 0;
        int r;

        while (keys[i].name && strcmp(keys[i].name, key) != 0)
                i++;
        if (!keys[i].name) {
                error_at(f, f->line, "unknown key '%.60s' in [%s]%s", key,
                         keys == profile_keys ? "profile" : "match",
                         profile_nearest(key, keys, why));
                return;
        }
        if (keys == profile_keys && f->seen[i]) {
                error_at(f, f->line, "%s= stands there twice", key);
                return;
        }
        f->seen[i] = f->seen[i] || keys == profile_keys;
        r = keys[i].parse(f->entry, key, value, (char *)&f->entry->profile + keys[i].offset, why);
        if (r == -ENOMEM)
                f->out_of_memory = true;
        else if (r < 0)
                error_at(f, f->line, "%s=%.80s: %s", key, value, why);
}

/*
 * "Power=80kW  Voltage=207..253" on one line: a word with a '=' behind two blanks is the next key.
 * Values with such a thing in them do not exist.
 */
static void read_keys(struct file_reader *f, const struct profile_key *keys, const char *key,
                      const char *value)
{
        char text[LINE_MAX_BYTES + 2], next[LINE_MAX_BYTES + 2];

        if (!strstr(value, "  ")) {
                read_key(f, keys, key, value);
                return;
        }
        (void)snprintf(text, sizeof(text), "%s", value);
        for (;;) {
                char *gap = strstr(text, "  "), *equals = gap ? strchr(gap, '=') : NULL;

                if (!equals) {
                        read_key(f, keys, key, text);
                        return;
                }
                *gap = *equals = '\0';
                read_key(f, keys, key, text);
                (void)snprintf(next, sizeof(next), "%s", gap + 1 + strspn(gap + 1, " "));
                (void)memmove(text, equals + 1, strlen(equals + 1) + 1);
                key = next;
        }
}

static int on_key(void *userdata, const char *section, const char *key, const char *value)
{
        struct file_reader *f = userdata;
        char why[PROFILE_MESSAGE_MAX] = "";
        int r = 0;

        switch (f->section) {
        case SECTION_NONE:
                if (f->line > 0 && f->n_errors == 0)
                        error_at(f, f->line, "'%.60s' stands in no section", key);
                return 1;
        case SECTION_PROFILE:
                read_keys(f, profile_keys, key, value);
                return 1;
        case SECTION_MATCH:
                read_keys(f, profile_match_keys, key, value);
                return 1;
        case SECTION_SCALE:
                r = profile_scale_read(f->entry, key, value, why);
                break;
        case SECTION_DATACOLLECTOR:
                r = profile_topic_read(f->entry, key, value, why);
                break;
        case SECTION_LIST:
                r = profile_list_read(f->entry, current_list(f), key, value, why);
                break;
        }
        if (r == -ENOMEM)
                f->out_of_memory = true;
        else if (r < 0)
                error_at(f, f->line, "%.60s=%.80s: %s", key, value, why);
        return 1;
}

/* "Landis+Gyr E450", for people. */
static void join_model(struct profile_entry *entry)
{
        struct meter_profile *p = &entry->profile;
        char text[128];

        if (!p->manufacturer_name) {
                p->model = p->model_name;
                return;
        }
        (void)snprintf(text, sizeof(text), "%s %s", p->manufacturer_name, p->model_name);
        p->model = profile_keep(entry, text);
}

static void check_whole(struct file_reader *f)
{
        struct meter_profile *p = &f->entry->profile;

        end_list(f);
        if (!p->name)
                error_at(f, 0, "Name= is missing in [profile]");
        if (!p->manufacturer)
                error_at(f, 0, "Maker= is missing in [profile]: three letters, the FLAG id");
        if (!p->model_name)
                error_at(f, 0, "Model= is missing in [profile]");
        if (f->n_errors > 0)
                return;
        join_model(f->entry);
        if (!p->medium)
                p->medium = "electricity";
        if (p->max_power_w == 0)
                p->max_power_w = 80000; /* 3 × 230 V × 100 A, and some */
        if (p->interval_s == 0)
                p->interval_s = 10;
        profile_scales_settle(p);
        profile_lists_settle(p);
}

int profile_file_read(struct profile_entry *entry, const char *file,
                      const struct profile_reporter *reporter)
{
        struct file_reader f = { .entry = entry,
                                 .file = file ? file : "built-in profile",
                                 .reporter = reporter,
                                 .left = { (const uint8_t *)entry->text, entry->text_len } };

        /* All words are parts of the text, and the model is a second copy of two of them. */
        entry->strings_size = 2 * entry->text_len + 256;
        entry->strings = malloc(entry->strings_size);
        if (!entry->strings)
                return -ENOMEM;
        if (ini_parse_stream(next_line, &f, on_key, &f) == -2)
                f.out_of_memory = true;
        check_whole(&f);
        if (f.out_of_memory)
                return -ENOMEM;
        return f.n_errors > 0 ? -EINVAL : 0;
}

const char *profile_keep(struct profile_entry *entry, const char *text)
{
        size_t n = strlen(text) + 1;
        char *kept = entry->strings + entry->strings_used;

        if (n > entry->strings_size - entry->strings_used)
                return "";
        memcpy(kept, text, n);
        entry->strings_used += n;
        return kept;
}
