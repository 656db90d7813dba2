/* SPDX-License-Identifier: MIT */
/*
 * main() of a fuzz target without libFuzzer: feeds every file of the folders it is given, so that
 * the corpus is a normal test for each compiler and under valgrind.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/util.h"

#define INPUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int n_done;

static int replay_file(const char *path)
{
        OWNED_FREE uint8_t *data = NULL;
        struct stat st;

        FILE *f = fopen(path, "re");
        if (!f || fstat(fileno(f), &st) < 0 || st.st_size > INPUT_MAX) {
                perror(path);
                return 1;
        }
        /* Of the exact size, so that a read past the end is seen. */
        data = malloc((size_t)st.st_size ? (size_t)st.st_size : 1);
        size_t n = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
        (void)fclose(f);
        if (!data || n != (size_t)st.st_size) {
                perror(path);
                return 1;
        }

        (void)LLVMFuzzerTestOneInput(data, n);
        n_done++;
        return 0;
}

static int replay_folder(const char *path)
{
        int failed = 0;
        DIR *folder = opendir(path);

        if (!folder) {
                perror(path);
                return 1;
        }
        for (struct dirent *entry; (entry = readdir(folder));) {
                OWNED_FREE char *name = NULL;

                if (entry->d_name[0] == '.')
                        continue;
                if (asprintf(&name, "%s/%s", path, entry->d_name) < 0)
                        abort();
                failed |= replay_file(name);
        }
        (void)closedir(folder);
        return failed;
}

int main(int argc, char **argv)
{
        int failed = 0;

        for (int i = 1; i < argc; i++) {
                struct stat st;

                if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
                        failed |= replay_folder(argv[i]);
                else
                        failed |= replay_file(argv[i]);
        }
        printf("%u inputs replayed\n", n_done);
        return failed || n_done == 0;
}
