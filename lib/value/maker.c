/* SPDX-License-Identifier: MIT */
#include "maker.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/util.h"

static const struct {
        char id[4];
        const char *name;
} makers[] = {
        { "ABB", "ABB" },           { "ACE", "Itron" },        { "ACW", "Itron" },
        { "ADN", "Aidon" },         { "AID", "Aidon" },        { "AMT", "Integra Metering" },
        { "APA", "Apator" },        { "BMT", "BMeters" },      { "DME", "Diehl" },
        { "DZG", "DZG Metering" },  { "EBZ", "eBZ" },          { "EFE", "Engelmann" },
        { "EFR", "EFR" },           { "ELS", "Elster" },       { "ELV", "Elvaco" },
        { "EMH", "EMH metering" },  { "ESY", "EasyMeter" },    { "FLU", "Fluvius" },
        { "GAV", "Carlo Gavazzi" }, { "HAG", "Hager" },        { "HLY", "Holley" },
        { "HXE", "Hexing" },        { "HYD", "Diehl" },        { "ISK", "Iskraemeco" },
        { "ITR", "Itron" },         { "ITW", "Itron" },        { "KAM", "Kamstrup" },
        { "KFM", "Kaifa" },         { "KMP", "Kamstrup" },     { "LGZ", "Landis+Gyr" },
        { "LOG", "Logarex" },       { "LUG", "Landis+Gyr" },   { "NES", "NES" },
        { "NZR", "NZR" },           { "QDS", "Qundis" },       { "SAG", "Sagemcom" },
        { "SAP", "Diehl" },         { "SBC", "Saia-Burgess" }, { "SEN", "Sensus" },
        { "SIE", "Siemens" },       { "SON", "Sontex" },       { "TCH", "Techem" },
        { "XMX", "Xemex" },         { "ZPA", "ZPA" },          { "ZRI", "Minol-Zenner" },
};

const char *maker_name(const char *flag_id)
{
        for (size_t i = 0; i < ELEMENTSOF(makers); i++)
                if (strcmp(makers[i].id, flag_id) == 0)
                        return makers[i].name;
        return "";
}

/* True when the model begins with this maker's name, as a word. */
static bool is_named_by(const char *model, const char *name)
{
        size_t n = *model == *name ? strlen(name) : 0;

        return n > 0 && strncmp(model, name, n) == 0 && model[n] == ' ';
}

const char *maker_of(const char *flag_id, const char *model)
{
        for (size_t i = 0; i < ELEMENTSOF(makers); i++)
                if (is_named_by(model, makers[i].name))
                        return makers[i].name;
        return maker_name(flag_id);
}

const char *maker_skip(const char *flag_id, const char *model)
{
        const char *name = maker_of(flag_id, model);

        return is_named_by(model, name) ? model + strlen(name) + 1 : model;
}
