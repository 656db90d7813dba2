/* SPDX-License-Identifier: MIT */
/*
 * Labels of readings in the user's language. The table of quantities marks its labels, and puts
 * ", phase 1" and ", tariff 1" behind: these are translated apart.
 */
#include "reading-label.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "lib/value/quantity.h"

const char *reading_label(const char *name, char buf[static OUTPUT_TEXT_MAX])
{
        static const struct {
                const char *english, *format; /* the number follows, to the end of the label */
        } ends[] = { { ", phase ", N_("%s, phase %s") }, { ", tariff ", N_("%s, tariff %s") } };
        const struct quantity *quantity = quantity_find_name(name);
        char base[OUTPUT_TEXT_MAX];

        if (!quantity)
                return name;
        for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
                const char *end = strstr(quantity->label, ends[i].english);

                if (!end)
                        continue;
                (void)snprintf(base, sizeof(base), "%.*s", (int)(end - quantity->label),
                               quantity->label);
                (void)snprintf(buf, OUTPUT_TEXT_MAX, _(ends[i].format), _(base),
                               end + strlen(ends[i].english));
                return buf;
        }
        return _(quantity->label);
}
