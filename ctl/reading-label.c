/* SPDX-License-Identifier: MIT */
/*
 * Labels of readings in the user's language. lib/ knows English alone, so that its table is marked
 * here: what stands before ", phase 1" and ", tariff 1", once each (tests hold the two together).
 */
#include "reading-label.h"

#include <stdio.h>
#include <string.h>

#include "i18n.h"
#include "lib/quantity.h"
#include "lib/util.h"

/* clang-format off */
static const char *const labels[] = {
        N_("Active demand export, last period"),
        N_("Active demand export, maximum of the month"),
        N_("Active demand export, running average"),
        N_("Active demand import, last period"),
        N_("Active demand import, maximum of the month"),
        N_("Active demand import, running average"),
        N_("Active energy export"),
        N_("Active energy import"),
        N_("Active energy, import and export added"),
        N_("Active energy, import less export"),
        N_("Active power export"),
        N_("Active power import"),
        N_("Active power, import and export added"),
        N_("Active power, import less export"),
        N_("Apparent energy export"),
        N_("Apparent energy import"),
        N_("Apparent power export"),
        N_("Apparent power import"),
        N_("Current"),
        N_("Current limit"),
        N_("Current of the neutral"),
        N_("Current, all phases added"),
        N_("Frequency"),
        N_("Limiter threshold"),
        N_("Phase angle I to U"),
        N_("Phase angle U to I"),
        N_("Phase angle U2 to U1"),
        N_("Phase angle U3 to U1"),
        N_("Power factor"),
        N_("Reactive energy export"),
        N_("Reactive energy import"),
        N_("Reactive energy quadrant I"),
        N_("Reactive energy quadrant II"),
        N_("Reactive energy quadrant III"),
        N_("Reactive energy quadrant IV"),
        N_("Reactive power export"),
        N_("Reactive power import"),
        N_("Reactive power quadrant I"),
        N_("Reactive power quadrant II"),
        N_("Reactive power quadrant III"),
        N_("Reactive power quadrant IV"),
        N_("Sub-meter volume"),
        N_("Sub-meter volume, hourly value"),
        N_("Sub-meter volume, not corrected for temperature"),
        N_("Voltage"),
};
/* clang-format on */

static const char *translate(const char *label)
{
        for (size_t i = 0; i < ELEMENTSOF(labels); i++)
                if (strcmp(label, labels[i]) == 0)
                        return _(labels[i]);
        return label;
}

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
                (void)snprintf(buf, OUTPUT_TEXT_MAX, _(ends[i].format), translate(base),
                               end + strlen(ends[i].english));
                return buf;
        }
        return translate(quantity->label);
}
