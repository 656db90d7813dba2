/* SPDX-License-Identifier: MIT */
#include "maker.h"

#include <stddef.h>
#include <string.h>

#include "base/util.h"

static const struct {
        char id[4];
        const char *name;
} makers[] = {
        { "ABB", "ABB" },          { "ACE", "Itron" },     { "ACW", "Itron" },
        { "ADN", "Aidon" },        { "AID", "Aidon" },     { "AMT", "Integra Metering" },
        { "APA", "Apator" },       { "BMT", "BMeters" },   { "DME", "Diehl" },
        { "DZG", "DZG Metering" }, { "EFE", "Engelmann" }, { "EFR", "EFR" },
        { "ELS", "Elster" },       { "ELV", "Elvaco" },    { "EMH", "EMH metering" },
        { "ESY", "EasyMeter" },    { "FLU", "Fluvius" },   { "GAV", "Carlo Gavazzi" },
        { "HAG", "Hager" },        { "HXE", "Hexing" },    { "HYD", "Diehl" },
        { "ISK", "Iskraemeco" },   { "ITR", "Itron" },     { "ITW", "Itron" },
        { "KAM", "Kamstrup" },     { "KFM", "Kaifa" },     { "KMP", "Kamstrup" },
        { "LGZ", "Landis+Gyr" },   { "LOG", "Logarex" },   { "LUG", "Landis+Gyr" },
        { "NES", "NES" },          { "NZR", "NZR" },       { "QDS", "Qundis" },
        { "SAG", "Sagemcom" },     { "SAP", "Diehl" },     { "SBC", "Saia-Burgess" },
        { "SEN", "Sensus" },       { "SIE", "Siemens" },   { "SON", "Sontex" },
        { "TCH", "Techem" },       { "XMX", "Xemex" },     { "ZPA", "ZPA" },
        { "ZRI", "Minol-Zenner" },
};

const char *maker_name(const char *flag_id)
{
        for (size_t i = 0; i < ELEMENTSOF(makers); i++)
                if (strcmp(makers[i].id, flag_id) == 0)
                        return makers[i].name;
        return "";
}

const char *maker_skip(const char *flag_id, const char *model)
{
        const char *name = maker_name(flag_id);
        size_t n = strlen(name);

        if (n > 0 && strncmp(model, name, n) == 0 && model[n] == ' ')
                return model + n + 1;
        return model;
}
