/* SPDX-License-Identifier: MIT */
/* Any bytes for a configuration: it is read or refused with words, and all of it is freed. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/outputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A file in memory that others cannot read, as secrets want it; written anew for each input. */
static const char *write_file(const uint8_t *data, size_t size)
{
        static char path[32];
        static int fd = -1;

        if (fd < 0) {
                fd = memfd_create("fuzz.conf", MFD_CLOEXEC);
                if (fd < 0 || fchmod(fd, 0600) < 0)
                        abort();
                (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        }
        if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
                abort();
        return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct config *config = NULL;
        char text[CONFIG_MESSAGE_MAX * 2];

        int r = config_load(write_file(data, size), outputs_section_at, &config);
        if (r != 0 && r != -EINVAL)
                abort();
        if (r == -EINVAL && (!config->problems || config->items))
                abort(); /* refused: problems, and nothing else */
        for (const struct config_problem *p = config->problems; p; p = p->next)
                (void)config_problem_print(p, text, sizeof(text));

        config_free(config);
        return 0;
}
