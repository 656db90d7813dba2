/* SPDX-License-Identifier: MIT */
#include "daemon-program.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "config-build.h"
#include "ctl/view/json.h"
#include "ctl/view/output.h"
#include "ctl/view/sentences.h"

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

bool daemon_program_accepts(const char *config)
{
        char program[PATH_MAX], words[][16] = { "--check-config", "--json", "--config" };
        OWNED_FREE char *name = strdup(daemon_program(program)), *file = strdup(config);
        char *argv[] = { name, words[0], words[1], words[2], file, NULL };
        OWNED(json) struct json_object *problems = NULL;
        OWNED_FREE char *text = NULL;
        bool good = true;

        if (!name || !file || child_capture(argv, &text) < 0)
                return true; /* without the program the service assesses it at reload */
        problems = json_tokener_parse(text);
        for (size_t i = 0; i < json_count(problems); i++) {
                struct json_object *problem = json_object_array_get_idx(problems, i);

                if (strcmp(json_text(problem, "severity"), "error") != 0)
                        continue;
                good = false;
                output_say("%s:%lld: %s\n", json_text(problem, "file"),
                           (long long)json_number(problem, "line"),
                           sentences_say(json_text(problem, "message")));
        }
        return good;
}
