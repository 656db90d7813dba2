/* SPDX-License-Identifier: MIT */
/*
 * Which files make up the configuration, and the life of the result. How lines are read stands in
 * config-read.c, what keys there are in config-keys.c.
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

#include "config-read.h"
#include "lib/util.h"

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

        if (!copy || asprintf(&directory, "%s/smartmeterd.conf.d", dirname(copy)) < 0)
                return -ENOMEM;
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

static int load(const char *path, bool for_another, struct config **ret)
{
        struct config_reader reader;
        struct paths dropins = { .n = 0 };

        int r = config_read_begin(&reader);
        if (r < 0)
                return r;

        reader.for_another = for_another;
        read_file(&reader, path, true);
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

int config_load(const char *path, struct config **ret)
{
        return load(path, false, ret);
}

int config_load_for_another(const char *path, struct config **ret)
{
        return load(path, true, ret);
}

int config_load_stream(FILE *stream, const char *name, struct config **ret)
{
        struct config_reader reader;

        int r = config_read_begin(&reader);
        if (r < 0)
                return r;
        config_read_stream(&reader, stream, name, false);
        return config_read_finish(&reader, ret);
}

static void free_converters(struct config_converter *c)
{
        while (c) {
                struct config_converter *next = c->next;

                cipher_keys_wipe(&c->keys);
                free(c->name);
                free(c->vendor_id);
                free(c->product_id);
                free(c->serial);
                free(c->path);
                free(c->interface);
                free(c->device);
                free(c);
                c = next;
        }
}

static void free_meters(struct config_meter *m)
{
        while (m) {
                struct config_meter *next = m->next;

                cipher_keys_wipe(&m->keys);
                free(m->id);
                free(m->name);
                free(m);
                m = next;
        }
}

static void free_mqtts(struct config_mqtt *m)
{
        while (m) {
                struct config_mqtt *next = m->next;

                config_value_wipe(m->psk);
                config_value_wipe(m->password);
                free(m->name);
                free(m->host);
                free(m->ca_file);
                free(m->cert_file);
                free(m->cert_key_file);
                free(m->psk_identity);
                free(m->username);
                free(m->client_id);
                free(m->instance);
                free(m->group);
                free(m->discovery_prefix);
                free(m->jeedom_root);
                free(m);
                m = next;
        }
}

struct config *config_free(struct config *config)
{
        if (!config)
                return NULL;
        free_converters(config->converters);
        free_meters(config->meters);
        free_mqtts(config->mqtts);
        for (struct config_problem *p; (p = config->problems);) {
                config->problems = p->next;
                free(p->file);
                free(p);
        }
        free(config->readers_group);
        free(config->timezone);
        free(config);
        return NULL;
}

const struct config_meter *config_find_meter(const struct config *config, const char *id)
{
        const struct config_meter *m = config->meters;

        while (m && strcasecmp(m->id, id) != 0)
                m = m->next;
        return m;
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
