/* SPDX-License-Identifier: MIT */
/*
 * smctl check-config: the service's own parser assesses the file, so there is only one. It is run
 * as `smartmeterd --check-config FILE`; its findings and exit status are ours.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"
#include "config-build.h"
#include "ctl/client/child.h"
#include "ctl/client/daemon-program.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/json.h"
#include "ctl/view/output.h"
#include "ctl/view/sentences.h"
#include "verb.h"

#define DEFAULT_FILE SYSCONFDIR "/smartmeterd/smartmeterd.conf"

/* Prints the program's findings in the user's language. Its exit status, or -errno. */
static int run_translated(char *const child[])
{
        OWNED(json) struct json_object *problems = NULL;
        OWNED_FREE char *text = NULL;
        int r = child_capture(child, &text);

        if (r < 0)
                return r;
        problems = json_tokener_parse(text);
        for (size_t i = 0; i < json_count(problems); i++) {
                struct json_object *problem = json_object_array_get_idx(problems, i);
                const char *severity = json_text(problem, "severity");
                int64_t line = json_number(problem, "line");

                printf("%s:", json_text(problem, "file"));
                if (line > 0)
                        printf("%lld:", (long long)line);
                if (strcmp(severity, "note") != 0)
                        printf(" %s:",
                               strcmp(severity, "warning") == 0 ? _("warning") : _("error"));
                printf(" %s\n", sentences_say(json_text(problem, "message")));
        }
        return r;
}

int cmd_check_config(int argc, char **argv)
{
        const struct options options = {
                .about = N_("Without FILE it is the configuration of the service. The files of the "
                            "folder\nsmartmeterd.conf.d beside it are checked too."),
                .max_arguments = 1,
        };
        char path[PATH_MAX], shown[PATH_MAX];
        const char *daemon, *file;
        char *child[6];
        bool translated;
        int first, n = 0, r;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        file = first < argc ? argv[first] : DEFAULT_FILE;
        /* For the service a missing file is an empty one; for a user who names it, a mistake. */
        if (first < argc && access(file, F_OK) < 0)
                return output_fail("%s: %s", file, strerror(errno));
        daemon = daemon_program(path);
        child[n++] = strdup(daemon);
        child[n++] = strdup("--check-config");
        translated = !ctl_settings.json && sentences_are_translated();
        if (ctl_settings.json || translated)
                child[n++] = strdup("--json");
        child[n++] = strdup("--config");
        child[n++] = strdup(file);
        child[n] = NULL;
        r = translated ? run_translated(child) : child_run(child);
        while (n > 0)
                free(child[--n]);
        if (r == -ENOENT || r == 127)
                return output_fail(_("%s is not there: the check is done by the service's own "
                                     "program. Install it, or name it in $SMARTMETERD"),
                                   daemon);
        if (r < 0)
                return output_fail("%s: %s", daemon, strerror(-r));
        if (r == EXIT_DONE && !ctl_settings.json)
                printf(_("%s: no errors\n"), text_clean(text_copy(shown, sizeof(shown), file)));
        return r > EXIT_MISUSED ? EXIT_FAILED : r;
}
