/* SPDX-License-Identifier: MIT */
/* Any bytes for a configuration: it is read or refused with words, and all of it is freed. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config/config.h"
#include "daemon/outputs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct config *config = NULL;
        char text[CONFIG_MESSAGE_MAX * 2];

        if (size == 0)
                return 0;
        FILE *stream = fmemopen((void *)(uintptr_t)data, size, "r");
        if (!stream)
                return 0;

        int r = config_load_stream(stream, "fuzz.conf", outputs_section_at, &config);
        if (r != 0 && r != -EINVAL)
                abort();
        if (r == -EINVAL && (!config->problems || config->items))
                abort(); /* refused: problems, and nothing else */
        for (const struct config_problem *p = config->problems; p; p = p->next)
                (void)config_problem_print(p, text, sizeof(text));

        config_free(config);
        (void)fclose(stream);
        return 0;
}
