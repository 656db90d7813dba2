/* SPDX-License-Identifier: MIT */
/*
 * French names of quantities, made of their parts: the longest beginning that is known, and what
 * each word behind it says of phase, tariff or quadrant.
 */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "format.h"

static const struct {
        const char *name, *label;
} beginnings[] = {
        { "active_power_import", "Puissance active soutirée" },
        { "active_power_export", "Puissance active injectée" },
        { "active_power_net", "Puissance active nette" },
        { "active_power", "Puissance active" },
        { "reactive_power_import", "Puissance réactive soutirée" },
        { "reactive_power_export", "Puissance réactive injectée" },
        { "reactive_power", "Puissance réactive" },
        { "apparent_power_import", "Puissance apparente soutirée" },
        { "apparent_power_export", "Puissance apparente injectée" },
        { "apparent_power", "Puissance apparente" },
        { "active_energy_import", "Énergie active soutirée" },
        { "active_energy_export", "Énergie active injectée" },
        { "active_energy_net", "Énergie active nette" },
        { "active_energy", "Énergie active" },
        { "reactive_energy_import", "Énergie réactive soutirée" },
        { "reactive_energy_export", "Énergie réactive injectée" },
        { "reactive_energy", "Énergie réactive" },
        { "apparent_energy_import", "Énergie apparente soutirée" },
        { "apparent_energy_export", "Énergie apparente injectée" },
        { "apparent_energy", "Énergie apparente" },
        { "active_demand_import", "Puissance moyenne soutirée" },
        { "active_demand_export", "Puissance moyenne injectée" },
        { "angle_u2_u1", "Angle de phase U2 à U1" },
        { "angle_u3_u1", "Angle de phase U3 à U1" },
        { "angle_ui", "Angle de phase U à I" },
        { "angle_iu", "Angle de phase I à U" },
        { "voltage", "Tension" },
        { "current_limit", "Limite de courant" },
        { "current", "Courant" },
        { "frequency", "Fréquence" },
        { "power_factor", "Facteur de puissance" },
        { "limiter_threshold", "Seuil du limiteur" },
        { "gas_volume", "Volume de gaz" },
        { "submeter_volume", "Volume" },
};

static const struct {
        const char *word, *label;
} words[] = {
        { "l1", ", phase 1" },
        { "l2", ", phase 2" },
        { "l3", ", phase 3" },
        { "t1", ", tarif 1" },
        { "t2", ", tarif 2" },
        { "t3", ", tarif 3" },
        { "t4", ", tarif 4" },
        { "t5", ", tarif 5" },
        { "t6", ", tarif 6" },
        { "t7", ", tarif 7" },
        { "t8", ", tarif 8" },
        { "q1", ", quadrant I" },
        { "q2", ", quadrant II" },
        { "q3", ", quadrant III" },
        { "q4", ", quadrant IV" },
        { "max", ", maximum" },
        { "min", ", minimum" },
        { "average", ", moyenne" },
        { "hourly", ", à l'heure" },
        { "uncorrected", ", brut" },
        { "sum", ", somme" },
        { "neutral", ", neutre" },
        { "last", ", dernière période" },
};

static const char *label_of_word(const char *word, size_t n)
{
        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (strlen(words[i].word) == n && strncmp(words[i].word, word, n) == 0)
                        return words[i].label;
        return NULL;
}

/* The parts of "_l1_t2" behind a beginning; false when one is not known. */
static bool add_words(const char *rest, char *buf, size_t size)
{
        while (*rest == '_') {
                size_t n = strcspn(rest + 1, "_"), used = strlen(buf);
                const char *label = label_of_word(rest + 1, n);

                if (!label)
                        return false;
                (void)snprintf(buf + used, size - used, "%s", label);
                rest += n + 1;
        }
        return *rest == '\0';
}

const char *format_label_french(const struct quantity *quantity, char buf[static FORMAT_LABEL_MAX])
{
        for (size_t i = 0; i < ELEMENTSOF(beginnings); i++) {
                size_t n = strlen(beginnings[i].name);

                if (strncmp(quantity->name, beginnings[i].name, n) != 0)
                        continue;
                (void)snprintf(buf, FORMAT_LABEL_MAX, "%s", beginnings[i].label);
                if (add_words(quantity->name + n, buf, FORMAT_LABEL_MAX))
                        return buf;
        }
        (void)snprintf(buf, FORMAT_LABEL_MAX, "%s", quantity->label); /* no French yet */
        return buf;
}
