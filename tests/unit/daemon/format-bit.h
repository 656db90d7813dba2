/* SPDX-License-Identifier: MIT */
/* "native" → its bit in format_context.formats; 0 when there is none of that name. */
#pragma once

#include <string.h>

#include "daemon/formats/format.h"

static inline unsigned int format_bit(const char *name)
{
        for (size_t i = 0; format_name_at(i); i++)
                if (strcmp(format_name_at(i), name) == 0)
                        return 1U << i;
        return 0;
}
