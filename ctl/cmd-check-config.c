/* SPDX-License-Identifier: MIT */
/*
 * smctl check-config: the service's own parser judges the file, so there is only one. It is run as
 * `smartmeterd --check-config FILE`; its findings and exit status are ours.
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "config-build.h"
#include "i18n.h"
#include "lib/util.h"
#include "options.h"
#include "output.h"
#include "verb.h"

#define DEFAULT_FILE SYSCONFDIR "/smartmeterd/smartmeterd.conf"

/* $SMARTMETERD, the build tree beside us, where it is installed. */
static const char *find_daemon(char buf[static PATH_MAX])
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

int cmd_check_config(int argc, char **argv)
{
        const struct options options = {
                .about = N_("Without FILE it is the configuration of the service. The files of the "
                            "folder\nsmartmeterd.conf.d beside it are checked too."),
                .max_arguments = 1,
        };
        char path[PATH_MAX];
        const char *daemon, *file;
        char *child[6];
        int first, n = 0, r;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        file = first < argc ? argv[first] : DEFAULT_FILE;
        /* To the service a missing file is an empty one; to whoever names a file it is a mistake.
         */
        if (first < argc && access(file, F_OK) < 0)
                return output_fail("%s: %s", file, strerror(errno));
        daemon = find_daemon(path);
        child[n++] = strdup(daemon);
        child[n++] = strdup("--check-config");
        if (ctl_settings.json)
                child[n++] = strdup("--json");
        child[n++] = strdup("--config");
        child[n++] = strdup(file);
        child[n] = NULL;
        r = child_run(child);
        while (n > 0)
                free(child[--n]);
        if (r == -ENOENT || r == 127)
                return output_fail(_("%s is not there: the check is done by the service's own "
                                     "program. Install it, or name it in $SMARTMETERD"),
                                   daemon);
        if (r < 0)
                return output_fail("%s: %s", daemon, strerror(-r));
        if (r == EXIT_DONE && !ctl_settings.json)
                printf(_("%s: no errors\n"), file);
        return r > EXIT_MISUSED ? EXIT_FAILED : r;
}
