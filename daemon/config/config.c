/* SPDX-License-Identifier: MIT */
/*
 * The files that make up the configuration, and the life of the result. Lines are read in
 * config-read.c; keys are listed in config-sections.c and with each output.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/util.h"
#include "config-read.h"

#define DROPINS_MAX 64

DEFINE_OWNED(stream, FILE *, fclose);

static void read_file(struct config_reader *reader, const char *path, bool may_be_missing)
{
        OWNED(stream) FILE *stream = NULL;
        struct stat st;

        /* Not blocking: a FIFO in its place must not hold up the service. */
        OWNED_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 && may_be_missing && (errno == ENOENT || errno == ENOTDIR))
                return;
        if (fd < 0 || fstat(fd, &st) < 0) {
                config_read_problem(
                        reader, path, 0, false, "cannot be opened: %s%s", strerror(errno),
                        reader->for_another && errno == EACCES ? "; do: sudo smctl check-config"
                                                               : "");
                return;
        }
        if (!S_ISREG(st.st_mode)) {
                config_read_problem(reader, path, 0, false, "is not a regular file");
                return;
        }
        stream = fdopen(fd, "re");
        if (!stream) {
                reader->out_of_memory = true;
                return;
        }
        (void)TAKE_FD(fd); /* the stream closes it */
        config_read_stream(reader, stream, path, (st.st_mode & S_IROTH) != 0);
}

static int is_dropin(const struct dirent *entry)
{
        size_t n = strlen(entry->d_name);

        return entry->d_name[0] != '.' && n > 5 && strcmp(entry->d_name + n - 5, ".conf") == 0;
}

/* alphasort() follows the locale; the order of drop-ins must not. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

struct paths {
        char *path[DROPINS_MAX];
        size_t n;
};

/* DIR/smartmeterd.conf.d/ *.conf; their paths live as long as the reader needs file names. */
static int list_dropins(struct config_reader *reader, const char *path, struct paths *ret)
{
        OWNED_FREE char *copy = strdup(path);
        OWNED_FREE char *directory = NULL;
        struct dirent **entries = NULL;

        if (!copy)
                return -ENOMEM;
        if (asprintf(&directory, "%s/smartmeterd.conf.d", dirname(copy)) < 0) {
                directory = NULL;
                return -ENOMEM;
        }
        int n = scandir(directory, &entries, is_dropin, by_bytes);
        if (n < 0 && errno != ENOENT && errno != ENOTDIR)
                config_read_problem(reader, path, 0, false, "cannot list %s: %s", directory,
                                    strerror(errno));

        int r = 0;
        for (int i = 0; i < n; i++) {
                if (ret->n == DROPINS_MAX)
                        config_read_problem(reader, directory, 0, false, "has more than %d files",
                                            DROPINS_MAX);
                else if (asprintf(&ret->path[ret->n], "%s/%s", directory, entries[i]->d_name) < 0)
                        r = -ENOMEM;
                else
                        ret->n++;
                free(entries[i]);
        }
        free(entries);
        return r;
}

static int load(const char *path, config_section_at *sections, bool for_another,
                struct config **ret)
{
        struct config_reader reader;
        struct paths dropins = { .n = 0 };

        int r = config_read_begin(&reader, sections);
        if (r < 0)
                return r;

        reader.for_another = for_another;
        read_file(&reader, path, true);
        config_profiles_read(&reader, path);
        r = list_dropins(&reader, path, &dropins);
        if (r < 0)
                reader.out_of_memory = true;
        for (size_t i = 0; i < dropins.n; i++)
                read_file(&reader, dropins.path[i], false);

        r = config_read_finish(&reader, ret);
        for (size_t i = 0; i < dropins.n; i++)
                free(dropins.path[i]);
        return r;
}

int config_load(const char *path, config_section_at *sections, struct config **ret)
{
        return load(path, sections, false, ret);
}

int config_load_for_another(const char *path, config_section_at *sections, struct config **ret)
{
        return load(path, sections, true, ret);
}

struct config *config_free(struct config *config)
{
        if (!config)
                return NULL;
        for (struct config_item *item; (item = config->items);) {
                config->items = item->next;
                (void)config_item_free(item); /* NULL, by the rule of _free */
        }
        for (struct config_problem *p; (p = config->problems);) {
                config->problems = p->next;
                free(p->file);
                free(p);
        }
        profile_set_free(config->profiles);
        free(config);
        return NULL;
}

static void *find_of(struct config_item *item, const struct config_section *section)
{
        while (item && item->section != section)
                item = item->next;
        return item;
}

void *config_first(const struct config *config, const struct config_section *section)
{
        return find_of(config->items, section);
}

void *config_next(const void *item)
{
        const struct config_item *at = item;

        return find_of(at->next, at->section);
}

const struct config_meter *config_find_meter(const struct config *config, const char *id)
{
        CONFIG_EACH(struct config_meter, m, config, &config_section_meter)
        if (strcasecmp(m->item.name, id) == 0)
                return m;
        return NULL;
}

char *config_problem_print(const struct config_problem *problem, char *buf, size_t size)
{
        char line[16] = "";

        if (problem->line)
                (void)snprintf(line, sizeof(line), "%u:", problem->line);
        (void)snprintf(buf, size, "%s:%s %s: %s", problem->file, line,
                       problem->warning ? "warning" : "error", problem->message);
        return buf;
}
