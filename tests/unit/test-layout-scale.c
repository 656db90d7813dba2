/* SPDX-License-Identifier: MIT */
/*
 * Scales of values that came without one: by the profile, by what most families do, and by physics
 * where a family sends two.
 */
#include <errno.h>

#include "layout-fixture.h"

#define PAIR(obis, value) HEX_NAME(obis) HEX_U16(value)
#define ID_KAMSTRUP       "0A0E 4B616D73747275705F5630303031"
#define TYPE(text)        HEX_NAME("0000600101FF") "0A12" text
/* "686113034000A00092": the type number of a meter for Sweden; and one that ends in 091. */
#define TYPE_SWEDISH "363836313133303334303030413030303932"
#define TYPE_OTHER   "363836313133303334303030413030303931"
#define KAMSTRUP     "kamstrup-omnipower"

static struct layout_case cases[] = {
        { "by no profile",
          "0206" PAIR("0100200700FF", "0901") PAIR("01001F0700FF", "00C8")
                  PAIR("01000D0700FF", "03B6"),
          "1-0:32.7.0=230.5V; 1-0:31.7.0=2.00A; 1-0:13.7.0=0.950", 0, "" },
        { "by no profile, whole volts", "0202" PAIR("0100200700FF", "00E6"), "1-0:32.7.0=230V", 0,
          "" },
        { "by no profile, tenths of volts", "0202" PAIR("0100340700FF", "0905"),
          "1-0:52.7.0=230.9V", 0, "" },
        { "neither volts nor tenths are possible", "0202" PAIR("0100480700FF", "0010"),
          "1-0:72.7.0=16V", 0, "" },
        { "no voltage at all", "0202" PAIR("0100200700FF", "0000"), "1-0:32.7.0=0V", 0, "" },
        { "the highest phase decides",
          "0204" PAIR("0100200700FF", "0000") PAIR("0100340700FF", "0901"),
          "1-0:32.7.0=0.0V; 1-0:52.7.0=230.5V", 0, "" },
        { "energy and power have no scale",
          "0204" PAIR("0100010700FF", "007B") PAIR("0100010800FF", "007C"),
          "1-0:1.7.0=123W; 1-0:1.8.0=124Wh", 0, "" },
        { "another medium has no scale", "0202" PAIR("06000C0700FF", "007B"), "6-0:12.7.0=123?", 0,
          "" },
        { "a scale of the telegram wins",
          "0203" HEX_NAME("0100200700FF") HEX_U16("0902") HEX_SCALER("FF", "23"),
          "1-0:32.7.0=230.6V", 0, "lgz-e450" },
        { "by the profile", "0204" PAIR("01001F0700FF", "00C8") PAIR("0100200700FF", "00E6"),
          "1-0:31.7.0=2.00A; 1-0:32.7.0=230V", 0, "lgz-e450" },
        { "the profile's alternative for volts", "0202" PAIR("0100200700FF", "0902"),
          "1-0:32.7.0=230.6V", 0, "lgz-e450" },
        { "tenths are the rule, whole volts the alternative", "0202" PAIR("0100200700FF", "00E6"),
          "1-0:32.7.0=230V", 0, "iskra-am550" },
        { "tenths are the rule", "0202" PAIR("0100200700FF", "08FC"), "1-0:32.7.0=230.0V", 0,
          "iskra-am550" },
        { "Kamstrup: energy counts 10 Wh", "0203" ID_KAMSTRUP PAIR("0100010800FF", "007B"),
          "1-0:1.8.0=1230Wh; list=Kamstrup_V0001", 0, KAMSTRUP },
        { "Kamstrup: in Sweden energy counts Wh",
          "0205" ID_KAMSTRUP PAIR("0100010800FF", "007B") TYPE(TYPE_SWEDISH),
          "1-0:1.8.0=123Wh; 0-0:96.1.1='686113034000A00092'; list=Kamstrup_V0001; "
          "id=686113034000A00092",
          0, KAMSTRUP },
        { "Kamstrup: another type number",
          "0205" ID_KAMSTRUP PAIR("0100010800FF", "007B") TYPE(TYPE_OTHER),
          "1-0:1.8.0=1230Wh; 0-0:96.1.1='686113034000A00091'; list=Kamstrup_V0001; "
          "id=686113034000A00091",
          0, KAMSTRUP },
        { "Kamstrup: a type number shorter than the suffix",
          "0205" ID_KAMSTRUP PAIR("0100010800FF", "007B") HEX_NAME("0000600101FF") "0A02 3932",
          "1-0:1.8.0=1230Wh; 0-0:96.1.1='92'; list=Kamstrup_V0001; id=92", 0, KAMSTRUP },
        { "Kamstrup: hundredths of amperes",
          "0209" ID_KAMSTRUP PAIR("0100150700FF", "0398") PAIR("01001F0700FF", "0190")
                  PAIR("0100200700FF", "00E6") PAIR("0100210700FF", "0064"),
          "1-0:21.7.0=920W; 1-0:31.7.0=4.00A; 1-0:32.7.0=230V; 1-0:33.7.0=1.00; "
          "list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "Kamstrup behind transformers: the phase's power knows of milliamperes",
          "0209" ID_KAMSTRUP PAIR("0100150700FF", "0398") PAIR("01001F0700FF", "0FA0")
                  PAIR("0100200700FF", "00E6") PAIR("0100210700FF", "0064"),
          "1-0:21.7.0=920W; 1-0:31.7.0=4.000A; 1-0:32.7.0=230V; 1-0:33.7.0=1.00; "
          "list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "Kamstrup behind transformers: so does its export",
          "0209" ID_KAMSTRUP PAIR("01002A0700FF", "0398") PAIR("0100330700FF", "0FA0")
                  PAIR("0100340700FF", "00E6") PAIR("0100350700FF", "0064"),
          "1-0:42.7.0=920W; 1-0:51.7.0=4.000A; 1-0:52.7.0=230V; 1-0:53.7.0=1.00; "
          "list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "too little power to tell",
          "0209" ID_KAMSTRUP PAIR("0100150700FF", "0063") PAIR("01001F0700FF", "0FA0")
                  PAIR("0100200700FF", "00E6") PAIR("0100210700FF", "0064"),
          "1-0:21.7.0=99W; 1-0:31.7.0=40.00A; 1-0:32.7.0=230V; 1-0:33.7.0=1.00; "
          "list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "no factor of power, nothing to tell by",
          "0207" ID_KAMSTRUP PAIR("0100150700FF", "0398") PAIR("01001F0700FF", "0FA0")
                  PAIR("0100200700FF", "00E6"),
          "1-0:21.7.0=920W; 1-0:31.7.0=40.00A; 1-0:32.7.0=230V; list=Kamstrup_V0001", 0, KAMSTRUP },
        { "no voltage, nothing to tell by",
          "0207" ID_KAMSTRUP PAIR("0100150700FF", "0398") PAIR("01001F0700FF", "0FA0")
                  PAIR("0100210700FF", "0064"),
          "1-0:21.7.0=920W; 1-0:31.7.0=40.00A; 1-0:33.7.0=1.00; list=Kamstrup_V0001", 0, KAMSTRUP },
        { "a factor that cannot be, nothing to tell by",
          "0209" ID_KAMSTRUP PAIR("0100150700FF", "0398") PAIR("01001F0700FF", "0FA0")
                  PAIR("0100200700FF", "00E6") PAIR("0100210700FF", "03E8"),
          "1-0:21.7.0=920W; 1-0:31.7.0=40.00A; 1-0:32.7.0=230V; 1-0:33.7.0=10.00; "
          "list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "more amperes than any meter carries", "0203" ID_KAMSTRUP PAIR("01001F0700FF", "36B0"),
          "1-0:31.7.0=14.000A; list=Kamstrup_V0001", 0, KAMSTRUP },
};

int main(void)
{
        return test_run_rows("layout-scale", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                             run_layout_case);
}
