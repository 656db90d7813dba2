/* SPDX-License-Identifier: MIT */
/*
 * THE table of verbs, in the order of the help: the name in C (cmd_<name>() in its own file) and as
 * it is typed, what follows it without options, and one line for the help.
 */
#pragma once

#include "base/util.h"
#include "ctl/verb.h"

/* clang-format off */
#define VERBS(ROW) \
        ROW(status, "status", "", N_("what the service sees and does, at a glance")) \
        ROW(list_converters, "list-converters", "", N_("the USB converters, opened or not")) \
        ROW(list_meters, "list-meters", "", N_("the meters that have been heard")) \
        ROW(show, "show", N_("ID"), N_("everything about one converter, meter or broker")) \
        ROW(readings, "readings", N_("[METER [NAME…]]"), N_("the latest readings, or one number of them")) \
        ROW(monitor, "monitor", N_("[METER]"), N_("readings as they come")) \
        ROW(metrics, "metrics", "", N_("all of it as text for Prometheus")) \
        ROW(history, "history", N_("METER"), N_("what a meter counted, by hour, day or month")) \
        ROW(import_history, "import-history", N_("FILE [METER]"), N_("take what another program counted into the history")) \
        ROW(identify, "identify", "", N_("find out which converter is which: unplug or plug it")) \
        ROW(adopt, "adopt", N_("TTY"), N_("let the service use this port from now on")) \
        ROW(forget, "forget", N_("ID"), N_("drop what was learned about a converter or meter")) \
        ROW(probe, "probe", N_("ID"), N_("look for the line settings of a converter again")) \
        ROW(inhibit, "inhibit", N_("ID -- COMMAND…"), N_("free the port while a command runs")) \
        ROW(capture, "capture", N_("ID"), N_("record the raw bytes of a converter")) \
        ROW(decode, "decode", N_("[FILE…|-]"), N_("decode telegrams from files; needs no service")) \
        ROW(learn, "learn", N_("METER|FILE"), N_("teach a meter whose values are not known yet")) \
        ROW(report, "report", N_("[CONVERTER|FILE]"), N_("make an anonymous capture that can be published")) \
        ROW(profiles, "profiles", "", N_("the meter families that are known; needs no service")) \
        ROW(simulate, "simulate", N_("PROFILE"), N_("play a virtual meter; needs no service")) \
        ROW(set_key, "set-key", N_("METER"), N_("give the service the key of an encrypted meter")) \
        ROW(set_broker, "set-broker", N_("[HOST]"), N_("send the readings to this MQTT broker, and try it")) \
        ROW(check_config, "check-config", N_("[FILE]"), N_("check a configuration file")) \
        ROW(import_config, "import-config", N_("[FILE]"), N_("translate datacollector's or Jeedom's configuration into ours")) \
        ROW(doctor, "doctor", "", N_("find what is wrong, and how to fix it")) \
        ROW(reload, "reload", "", N_("make the service read its configuration again")) \
        ROW(version, "version", "", N_("versions of smctl and of the service"))
/* clang-format on */

#define VERB_DECLARE(c_name, ...) int cmd_##c_name(int argc, char **argv);
VERBS(VERB_DECLARE)
#undef VERB_DECLARE
