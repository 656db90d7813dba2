/* SPDX-License-Identifier: MIT */
#include "daemon-program.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config-build.h"

const char *daemon_program(char buf[static PATH_MAX])
{
        const char *named = getenv("SMARTMETERD");
        char self[PATH_MAX];
        ssize_t n;

        if (named && *named)
                return named;
        n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        if (n > 0) {
                self[n] = '\0';
                if (snprintf(buf, PATH_MAX, "%s/../daemon/smartmeterd", dirname(self)) < PATH_MAX &&
                    access(buf, X_OK) == 0)
                        return buf;
        }
        return SBINDIR "/smartmeterd";
}
