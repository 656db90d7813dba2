/* SPDX-License-Identifier: MIT */
#include "profiles.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config-build.h"
#include "i18n.h"
#include "view/output.h"

#define PROFILE_FOLDER   SYSCONFDIR "/smartmeterd/profiles.d"
#define PROFILE_FILE_MAX (64 << 10) /* twenty times the longest of ours */

DEFINE_OWNED(stream, FILE *, fclose);

static void report(void *userdata, const char *file, unsigned int line, bool warning,
                   const char *message)
{
        if (line > 0)
                output_say("%s:%u: %s\n", file, line, message);
        else
                output_say("%s: %s\n", file, message);
}

static int read_file(struct profile_set *set, const char *path)
{
        const struct profile_reporter reporter = { report, NULL };
        OWNED_FREE uint8_t *text = malloc(PROFILE_FILE_MAX);
        OWNED(stream) FILE *stream = fopen(path, "re");
        size_t n;

        if (!text)
                return -ENOMEM;
        if (!stream)
                return -errno;
        n = fread(text, 1, PROFILE_FILE_MAX, stream);
        if (ferror(stream))
                return -EIO;
        if (n == PROFILE_FILE_MAX)
                return -EFBIG;
        return profile_set_add(set, (struct slice){ text, n }, path, &reporter);
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

int profiles_load(struct profile_set **ret)
{
        OWNED(profiles) struct profile_set *set = NULL;
        struct dirent **entries = NULL;
        int r = profile_set_new(&set);

        if (r < 0)
                return r;
        int n = scandir(PROFILE_FOLDER, &entries, is_profile, by_bytes);
        for (int i = 0; i < n; i++) {
                char path[PATH_MAX];

                (void)snprintf(path, sizeof(path), "%s/%s", PROFILE_FOLDER, entries[i]->d_name);
                r = read_file(set, path);
                if (r < 0 && r != -EINVAL)
                        output_say("%s: %s\n", path, strerror(-r));
                free(entries[i]);
        }
        free(entries);
        *ret = TAKE(set);
        return 0;
}

int profiles_load_file(struct profile_set *set, const char *path, const struct meter_profile **ret)
{
        int r = read_file(set, path);

        if (r < 0)
                return r;
        for (size_t i = 0; (*ret = profile_set_at(set, i)); i++) {
                const char *file = profile_set_origin(set, *ret, NULL);

                if (file && strcmp(file, path) == 0)
                        return 0;
        }
        return -ENOENT;
}
