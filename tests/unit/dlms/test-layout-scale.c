/* SPDX-License-Identifier: MIT */
/*
 * Scales of values that came without one: by the profile alone. Of several candidates the one that
 * is possible, else the usual one where the telegram bears it out; without a profile, and where the
 * telegram does not show it, there is neither scale nor unit.
 */
#include <errno.h>

#include "layout-fixture.h"

#define PAIR(obis, value)   HEX_NAME(obis) HEX_U16(value)
#define PAIR32(obis, value) HEX_NAME(obis) HEX_U32(value)
#define ID_KAMSTRUP         "0A0E 4B616D73747275705F5630303031"
#define TYPE(text)          HEX_NAME("0000600101FF") "0A12" text
/* "686113034000A00092" */
#define TYPE_SWEDISH "363836313133303334303030413030303932"
#define KAMSTRUP     "kamstrup-omnipower"
/* 230 V in three phases */
#define VOLTS      PAIR("0100200700FF", "00E6") PAIR("0100340700FF", "00E6") PAIR("0100480700FF", "00E6")
#define TEXT_VOLTS "1-0:32.7.0=230V; 1-0:52.7.0=230V; 1-0:72.7.0=230V; "

static struct layout_case cases[] = {
        { "by no profile: no scale and no unit",
          "0206" PAIR("0100200700FF", "0901") PAIR("01001F0700FF", "00C8")
                  PAIR("0100010700FF", "03B6"),
          "1-0:32.7.0=2305?; 1-0:31.7.0=200?; 1-0:1.7.0=950?", 0, "" },
        { "a scale of the telegram wins",
          "0203" HEX_NAME("0100200700FF") HEX_U16("0902") HEX_SCALER("FF", "23"),
          "1-0:32.7.0=230.6V", 0, "lgz-e450" },
        { "by the profile",
          "0208" PAIR("01001F0700FF", "00C8") PAIR("0100200700FF", "00E6")
                  PAIR("0100010700FF", "007B") PAIR("0100010800FF", "007C"),
          "1-0:31.7.0=2.00A; 1-0:32.7.0=230V; 1-0:1.7.0=123W; 1-0:1.8.0=124Wh", 0, "lgz-e450" },
        { "least and greatest voltages",
          "0206" PAIR("0100200700FF", "08FD") PAIR("0100200300FF", "08CA")
                  PAIR("0100200600FF", "0962"),
          "1-0:32.7.0=230.1V; 1-0:32.3.0=225.0V; 1-0:32.6.0=240.2V", 0, "lgz-e360" },
        { "currents of the neutral and of all phases",
          "0204" PAIR("01005B0700FF", "0021") PAIR("01005A0700FF", "0096"),
          "1-0:91.7.0=0.33A; 1-0:90.7.0=1.50A", 0, "lgz-e450" },
        { "frequency", "0202" PAIR("01000E0700FF", "1387"), "1-0:14.7.0=49.99Hz", 0, "lgz-e450" },
        { "a quantity of no row", "0202" PAIR("0100510701FF", "0078"), "1-0:81.7.1=120?", 0,
          "lgz-e450" },
        { "another medium", "0202" PAIR("06000C0700FF", "007B"), "6-0:12.7.0=123?", 0, "lgz-e450" },
        { "a sub-meter", "0202" PAIR("0001180201FF", "007B"), "0-1:24.2.1=123?", 0, "lgz-e450" },
        { "the other candidate for volts", "0202" PAIR("0100200700FF", "0902"), "1-0:32.7.0=230.6V",
          0, "lgz-e450" },
        { "one candidate stands, whatever the network does", "0202" PAIR("0100200700FF", "01C2"),
          "1-0:32.7.0=45.0V", 0, "lgz-e360" },
        { "volts of a transformer that may be tenths",
          "0204" PAIR("0100200700FF", "01B8") PAIR("0100340700FF", "01B8"),
          "1-0:32.7.0=440?; 1-0:52.7.0=440?", 0, "lgz-e570" },
        { "hundredths of volts", "0203" ID_KAMSTRUP PAIR("0100200700FF", "56B7"),
          "1-0:32.7.0=221.99V; list=Kamstrup_V0001", 0, KAMSTRUP },
        { "a phase that is off beside one that is not",
          "0205" ID_KAMSTRUP PAIR("0100200700FF", "0000") PAIR("0100340700FF", "56B7"),
          "1-0:32.7.0=0.00V; 1-0:52.7.0=221.99V; list=Kamstrup_V0001", 0, KAMSTRUP },
        { "no voltage that can be", "0203" ID_KAMSTRUP PAIR("0100200700FF", "002D"),
          "1-0:32.7.0=45?; list=Kamstrup_V0001", 0, KAMSTRUP },
        { "no voltage at all", "0203" ID_KAMSTRUP PAIR("0100200700FF", "0000"),
          "1-0:32.7.0=0V; list=Kamstrup_V0001", 0, KAMSTRUP },
        { "energy counts 10 Wh, whatever the type number",
          "0205" ID_KAMSTRUP PAIR("0100010800FF", "007B") TYPE(TYPE_SWEDISH),
          "1-0:1.8.0=1230Wh; 0-0:96.1.1='686113034000A00092'; list=Kamstrup_V0001; "
          "id=686113034000A00092",
          0, KAMSTRUP },
        { "hundredths of amperes, as power confirms",
          "0211" ID_KAMSTRUP PAIR32("0100010700FF", "00000398") PAIR32("0100020700FF", "00000000")
                  VOLTS PAIR("01001F0700FF", "0085") PAIR("0100330700FF", "0085")
                          PAIR("0100470700FF", "0085"),
          "1-0:1.7.0=920W; 1-0:2.7.0=0W; " TEXT_VOLTS
          "1-0:31.7.0=1.33A; 1-0:51.7.0=1.33A; 1-0:71.7.0=1.33A; list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "hundredths of amperes, as power makes likely",
          "0211" ID_KAMSTRUP PAIR32("0100010700FF", "000000D2") PAIR32("0100020700FF", "00000000")
                  VOLTS PAIR("01001F0700FF", "0021") PAIR("0100330700FF", "0021")
                          PAIR("0100470700FF", "0021"),
          "1-0:1.7.0=210W; 1-0:2.7.0=0W; " TEXT_VOLTS
          "1-0:31.7.0=0.33A; 1-0:51.7.0=0.33A; 1-0:71.7.0=0.33A; list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "milliamperes, or 13 A of which phases feed in what others draw",
          "0211" ID_KAMSTRUP PAIR32("0100010700FF", "00000398") PAIR32("0100020700FF", "00000000")
                  VOLTS PAIR("01001F0700FF", "0535") PAIR("0100330700FF", "0535")
                          PAIR("0100470700FF", "0535"),
          "1-0:1.7.0=920W; 1-0:2.7.0=0W; " TEXT_VOLTS
          "1-0:31.7.0=1333?; 1-0:51.7.0=1333?; 1-0:71.7.0=1333?; list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "too little current to tell",
          "0211" ID_KAMSTRUP PAIR32("0100010700FF", "00000005") PAIR32("0100020700FF", "00000000")
                  VOLTS PAIR("01001F0700FF", "0005") PAIR("0100330700FF", "0003")
                          PAIR("0100470700FF", "0000"),
          "1-0:1.7.0=5W; 1-0:2.7.0=0W; " TEXT_VOLTS
          "1-0:31.7.0=5?; 1-0:51.7.0=3?; 1-0:71.7.0=0?; list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "milliamperes: hundredths would be more than the connection carries",
          "0211" ID_KAMSTRUP PAIR32("0100010700FF", "00002058") PAIR32("0100020700FF", "00000000")
                  VOLTS PAIR("01001F0700FF", "2EE0") PAIR("0100330700FF", "2EE0")
                          PAIR("0100470700FF", "2EE0"),
          "1-0:1.7.0=8280W; 1-0:2.7.0=0W; " TEXT_VOLTS
          "1-0:31.7.0=12.000A; 1-0:51.7.0=12.000A; 1-0:71.7.0=12.000A; list=Kamstrup_V0001",
          0, KAMSTRUP },
        { "no current at all",
          "020B" ID_KAMSTRUP PAIR32("0100010700FF", "00000000") PAIR("01001F0700FF", "0000") VOLTS,
          "1-0:1.7.0=0W; 1-0:31.7.0=0.00A; " TEXT_VOLTS "list=Kamstrup_V0001", 0, KAMSTRUP },
        { "no power, nothing to tell by",
          "0205" ID_KAMSTRUP PAIR("01001F0700FF", "0FA0") PAIR("0100200700FF", "00E6"),
          "1-0:31.7.0=4000?; 1-0:32.7.0=230V; list=Kamstrup_V0001", 0, KAMSTRUP },
        { "more amperes than the meter carries", "0203" ID_KAMSTRUP PAIR("01001F0700FF", "36B0"),
          "1-0:31.7.0=14.000A; list=Kamstrup_V0001", 0, KAMSTRUP },
};

int main(void)
{
        return test_run_rows("layout-scale", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                             run_layout_case);
}
