/* SPDX-License-Identifier: MIT */
#include "reading.h"

const char *scale_source_name(enum scale_source source)
{
        static const char *const names[] = {
                [SCALE_NONE] = "none",
                [SCALE_CANDIDATE] = "candidate",
                [SCALE_EVIDENT] = "profile",
                [SCALE_PROFILE] = "profile",
                [SCALE_MEASURED] = "measured",
                [SCALE_WIRE] = "wire",
                [SCALE_CONFIGURED] = "configured",
                [SCALE_LIKELY] = "none",
                [SCALE_OPEN] = "none",
        };

        return names[source];
}

void reading_set_scale(struct reading *reading, int8_t exponent, enum scale_source source)
{
        reading->value.exponent = exponent;
        reading->scale = source;
        if (reading->unit != UNIT_UNSAID || reading_is_unscaled(reading))
                return;
        reading->unit = reading->quantity ? reading->quantity->unit : unit_of_obis(reading->obis);
}
