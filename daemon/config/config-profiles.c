/* SPDX-License-Identifier: MIT */
/*
 * Profiles of meter families: the built-in ones, and the files of profiles.d beside the
 * configuration. lib/ reads their text; this file finds them.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/suggest.h"
#include "base/util.h"
#include "config-read.h"

#define PROFILE_FILE_MAX (64 << 10) /* twenty times the longest of ours */
#define NAMES_MAX        256

static void report(void *userdata, const char *file, unsigned int line, bool warning,
                   const char *message)
{
        config_read_problem(userdata, file, line, warning, "%s", message);
}

static void read_profile(struct config_reader *reader, const char *path)
{
        const struct profile_reporter reporter = { report, reader };
        OWNED_FREE uint8_t *text = malloc(PROFILE_FILE_MAX);
        struct stat st;
        size_t n = 0;
        ssize_t got = 1;

        /* Not blocking: a FIFO in its place must not hold up the service. */
        OWNED_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (!text) {
                reader->out_of_memory = true;
                return;
        }
        if (fd < 0 || fstat(fd, &st) < 0) {
                config_read_problem(reader, path, 0, false, "cannot be opened: %s",
                                    strerror(errno));
                return;
        }
        if (!S_ISREG(st.st_mode) || st.st_size >= PROFILE_FILE_MAX) {
                config_read_problem(reader, path, 0, false,
                                    "is no profile: not a regular file of less than 64 KiB");
                return;
        }
        while (got > 0 && n < PROFILE_FILE_MAX) {
                got = read(fd, text + n, PROFILE_FILE_MAX - n);
                n += got > 0 ? (size_t)got : 0;
        }
        if (got < 0)
                config_read_problem(reader, path, 0, false, "cannot be read: %s", strerror(errno));
        else if (profile_set_add(reader->config->profiles, (struct slice){ text, n }, path,
                                 &reporter) == -ENOMEM)
                reader->out_of_memory = true;
}

static int is_profile(const struct dirent *entry)
{
        size_t n = strlen(entry->d_name);

        return entry->d_name[0] != '.' && n > 8 && strcmp(entry->d_name + n - 8, ".profile") == 0;
}

/* alphasort() follows the locale; which profile wins must not. */
static int by_bytes(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_folder(struct config_reader *reader, const char *folder)
{
        struct dirent **entries = NULL;
        int n = scandir(folder, &entries, is_profile, by_bytes);

        if (n > 0 && profile_set_add_builtin(reader->config->profiles) < 0)
                reader->out_of_memory = true;
        if (n < 0 && errno != ENOENT && errno != ENOTDIR)
                config_read_problem(reader, folder, 0, false, "cannot be listed: %s",
                                    strerror(errno));
        for (int i = 0; i < n; i++) {
                OWNED_FREE char *path = NULL;

                if (asprintf(&path, "%s/%s", folder, entries[i]->d_name) >= 0) {
                        read_profile(reader, path);
                } else {
                        path = NULL; /* undefined until here */
                        reader->out_of_memory = true;
                }
                free(entries[i]);
        }
        free(entries);
}

void config_profiles_read(struct config_reader *reader, const char *path)
{
        OWNED_FREE char *copy = strdup(path);
        OWNED_FREE char *folder = NULL;

        reader->config->profiles = profile_set_new_empty();
        if (!reader->config->profiles || !copy) {
                reader->out_of_memory = true;
                return;
        }
        if (asprintf(&folder, "%s/profiles.d", dirname(copy)) >= 0) {
                read_folder(reader, folder);
        } else {
                folder = NULL; /* undefined until here */
                reader->out_of_memory = true;
        }
}

/* The one that has the word in it, as "lgz-e450" has "e450", else the nearest; NULL: none, or
 * several. */
static const char *nearest(const struct profile_set *set, const char *word)
{
        const char *names[NAMES_MAX], *found = NULL;
        const struct meter_profile *profile;
        size_t n = 0, n_found = 0;

        for (size_t i = 0; n < NAMES_MAX && (profile = profile_set_at(set, i)); i++) {
                names[n++] = profile->name;
                if (strcasestr(profile->name, word)) {
                        found = profile->name;
                        n_found++;
                }
        }
        return n_found == 1 ? found : n_found > 1 ? NULL : suggest(word, names, n);
}

void config_profiles_check(struct config_reader *reader, const struct config_converter *c)
{
        struct profile_set *set = reader->config->profiles;
        const char *near;

        if (!c->profile || !set)
                return;
        if (profile_set_add_builtin(set) < 0) {
                reader->out_of_memory = true;
                return;
        }
        if (profile_set_find(set, c->profile))
                return;
        near = nearest(set, c->profile);
        config_read_problem_of(reader, &c->profile, "Profile=%.60s: no such profile; %s%s%s",
                               c->profile, near ? "did you mean " : "",
                               near ? near : "leave it out, it is found by itself",
                               near ? "?" : "");
}
