/* SPDX-License-Identifier: MIT */
/* Faults of a configuration: each with its line and its cure. What good ones mean: in
 * test-config-files.c. */
#include "test.h"

#include <errno.h>

#include "daemon/config.h"

static struct fault_case {
        const char *name;
        const char *text;
        const char *want; /* the first problem as it is printed; NULL: none */
} cases[] = {
        { "an empty file is fine", "", NULL },
        { "comments and blanks are fine", "# one\n\n  ; two\n", NULL },
        { "a misspelt speed gets the cure", "[converter \"a\"]\nVendorId=067b\nBaurate=2400\n",
          "t.conf:3: error: unknown key 'Baurate' in [converter \"a\"]; write Line=2400 8E1" },
        { "another program's speed gets it too",
          "[converter \"a\"]\nVendorId=067b\nbaudrate=2400\n",
          "t.conf:3: error: unknown key 'baudrate' in [converter \"a\"]; write Line=2400 8E1" },
        { "wrong case", "[converter \"a\"]\nVendorid=067b\n",
          "t.conf:2: error: unknown key 'Vendorid' in [converter \"a\"]; did you mean VendorId?" },
        { "swapped letters", "[daemon]\nRaeders=adm\n",
          "t.conf:2: error: unknown key 'Raeders' in [daemon]; did you mean Readers?" },
        { "a key of another section", "[tariff]\nVendorId=067b\n",
          "t.conf:2: error: unknown key 'VendorId' in [tariff]; it belongs to [converter \"…\"]" },
        { "a key like none", "[daemon]\nColour=blue\n",
          "t.conf:2: error: unknown key 'Colour' in [daemon]" },
        { "a password in the open", "[mqtt \"a\"]\nPassword=x\n",
          "t.conf:2: error: unknown key 'Password' in [mqtt \"a\"]; write PasswordFile= with the "
          "path of a file that holds it" },
        { "an unknown section", "\n[convertor \"a\"]\nVendorId=067b\n",
          "t.conf:2: error: unknown section [convertor]; did you mean [converter]?" },
        { "a section without quotes", "[mqtt local]\n",
          "t.conf:1: error: unknown section [mqtt local]; did you mean [mqtt \"…\"]?" },
        { "a section without its name", "[mqtt]\n",
          "t.conf:1: error: [mqtt] needs a name: write [mqtt \"local\"]" },
        { "a section with a name too many", "[tariff \"x\"]\n",
          "t.conf:1: error: there is one [tariff] only: write it without a name" },
        { "an empty name", "[mqtt \"\"]\n",
          "t.conf:1: error: the name of a [mqtt] has 1 to 71 characters, no quote, no '/'" },
        { "a section not closed", "[daemon\n",
          "t.conf:1: error: a section is written [name] or [name \"id\"]" },
        { "a quote not closed", "[mqtt \"a]\n",
          "t.conf:1: error: a quote is missing: write [name \"id\"]" },
        { "a comment behind a section is fine", "[daemon] # ours\nLogLevel=info\n", NULL },
        { "a key before any section", "LogLevel=info\n",
          "t.conf:1: error: LogLevel= stands before any [section]" },
        { "a line of prose", "[daemon]\nhello world\n",
          "t.conf:2: error: neither [section] nor Key=value" },
        { "prose in the last line, without a newline", "[daemon]\n\nhello",
          "t.conf:3: error: neither [section] nor Key=value" },
        { "a key twice", "[daemon]\nLogLevel=info\nLogLevel=err\n",
          "t.conf:3: error: LogLevel= stands here twice, first in line 2" },
        { "a key twice in two halves of a section",
          "[daemon]\nLogLevel=info\n[tariff]\n[daemon]\nLogLevel=err\n",
          "t.conf:5: error: LogLevel= stands here twice, first in line 2" },
        { "the same key of two sections is fine",
          "[converter \"a\"]\nVendorId=067b\n[converter \"b\"]\nVendorId=0403\n", NULL },
        { "slots may come often", "[tariff]\nSlot=1 Mon..Fri 07:00-20:00\nSlot=1 Sat 07:00-13:00\n",
          NULL },
        { "no value", "[daemon]\nLogLevel=\n",
          "t.conf:2: error: LogLevel= in [daemon] has no value" },
        { "an empty string is no string", "[mqtt \"a\"]\nUsername=\n", NULL },
        { "a bad level", "[daemon]\nLogLevel=loud\n",
          "t.conf:2: error: LogLevel=loud: write err, warning, notice, info or debug" },
        { "a bad boolean", "[daemon]\nAutoBind=maybe\n",
          "t.conf:2: error: AutoBind=maybe: write yes or no" },
        { "a bad line", "[converter \"a\"]\nSerial=x\nLine=2400\n",
          "t.conf:3: error: Line=2400: write auto, or speed and format like 2400 8E1" },
        { "a comment behind a value", "[converter \"a\"]\nSerial=x\nLine=2400 8E1 # my meter\n",
          "t.conf:3: error: Line=2400 8E1 # my meter: write auto, or speed and format like "
          "2400 8E1" },
        { "a USB id of five digits", "[converter \"a\"]\nVendorId=0067b\n",
          "t.conf:2: error: VendorId=0067b: write four hex digits like 067b, or a pattern like "
          "23*" },
        { "a profile one letter off", "[converter \"a\"]\nSerial=x\nProfile=lgz-e540\n",
          "t.conf:3: error: Profile=lgz-e540: no such profile; did you mean lgz-e450?" },
        { "a profile's name in part", "[converter \"a\"]\nVendorId=067b\nProfile=E450\n",
          "t.conf:3: error: Profile=E450: no such profile; did you mean lgz-e450?" },
        { "a part of several profiles", "[converter \"a\"]\nVendorId=067b\nProfile=lgz\n",
          "t.conf:3: error: Profile=lgz: no such profile; leave it out, it is found by itself" },
        { "a converter that matches nothing", "\n[converter \"a\"]\nLine=2400 8E1\n",
          "t.conf:2: error: [converter \"a\"] says of no converter that it is meant: add VendorId= "
          "and ProductId=, Serial=, Path= or Device=; `smctl list-converters` shows them" },
        { "a device and a USB id", "[converter \"a\"]\nVendorId=067b\nDevice=/dev/ttyAMA0\n",
          "t.conf:1: error: [converter \"a\"]: either Device= or what udev knows" },
        { "a device without its folder", "[converter \"a\"]\nDevice=ttyAMA0\n",
          "t.conf:2: error: Device=ttyAMA0: write the whole path, from / on" },
        { "a timeout without a unit it knows",
          "[converter \"a\"]\nSerial=x\nDetectTimeout=5 Minuten\n",
          "t.conf:3: error: DetectTimeout=5 Minuten: write a time like 30s, 5min or 1h 30min" },
        { "a timeout of nothing", "[converter \"a\"]\nSerial=x\nDetectTimeout=0\n",
          "t.conf:3: error: DetectTimeout=0: 0 would never do anything; write a time like 5min" },
        { "a time beyond all numbers", "[mqtt \"a\"]\nInterval=99999999999999999999s\n",
          "t.conf:2: error: Interval=99999999999999999999s: write a time like 30s, 5min or 1h "
          "30min" },
        { "the disk once the broker has been reached", "[mqtt \"a\"]\nSpool=reached\n", NULL },
        { "neither yes nor no", "[mqtt \"a\"]\nSpool=perhaps\n",
          "t.conf:2: error: Spool=perhaps: write yes, no, or reached" },
        { "a size with a wrong unit", "[mqtt \"a\"]\nSpoolMax=64 Mbit\n",
          "t.conf:2: error: SpoolMax=64 Mbit: write a size like 64M, 512K or 1G" },
        { "a port of 0", "[mqtt \"a\"]\nPort=0\n",
          "t.conf:2: error: Port=0: write a port from 1 to 65535" },
        { "a port beyond 16 bits", "[mqtt \"a\"]\nPort=65536\n",
          "t.conf:2: error: Port=65536: write a port from 1 to 65535" },
        { "a URL for a host", "[mqtt \"a\"]\nHost=mqtts://b\n",
          "t.conf:2: error: Host=mqtts://b: write the bare name, and Port=, Tls= on lines of their "
          "own" },
        { "a port within the host", "[mqtt \"a\"]\nHost=b:1883\n",
          "t.conf:2: error: Host=b:1883: write the port as Port=1883 on a line of its own" },
        { "an IPv6 host is fine", "[mqtt \"a\"]\nHost=fe80::1\n", NULL },
        { "a misspelt format", "[mqtt \"a\"]\nFormats=native home-assistant\n",
          "t.conf:2: error: Formats=native home-assistant: no such format 'home-assistant'; did you "
          "mean homeassistant?" },
        { "no format", "[mqtt \"a\"]\nFormats=,\n",
          "t.conf:2: error: Formats=,: write at least one of native, homeassistant, datacollector, "
          "rl-dsp, jeedom" },
        { "a wildcard in a topic", "[mqtt \"a\"]\nInstance=a/#\n",
          "t.conf:2: error: Instance=a/#: it becomes part of MQTT topics: no blank, '/', '+' or "
          "'#'" },
        { "a certificate without its key", "[mqtt \"a\"]\nTls=yes\nCertFile=/c\n",
          "t.conf:1: error: [mqtt \"a\"]: CertFile= and CertKeyFile= go together" },
        { "a CA without TLS", "[mqtt \"a\"]\nCaFile=/c\n",
          "t.conf:1: error: [mqtt \"a\"]: add Tls=yes, else CaFile= is of no use" },
        { "half a PSK", "[mqtt \"a\"]\nTls=yes\nPsk=00ff\n",
          "t.conf:1: error: [mqtt \"a\"]: Psk= and PskIdentity= go together" },
        { "half a byte of PSK", "[mqtt \"a\"]\nPsk=00f\n",
          "t.conf:2: error: Psk=…: write hex digits, two for each byte" },
        { "a ninth tariff", "[tariff]\nLabel.9=x\n",
          "t.conf:2: error: Label.9=x: tariffs are numbered Label.1 to Label.8" },
        { "a label without a number", "[tariff]\nLabel=HP\n",
          "t.conf:2: error: unknown key 'Label' in [tariff]; write the tariff's number with it: "
          "Label.1=HP" },
        { "a scale of no OBIS code", "[meter \"m\"]\nScale.power=10\n",
          "t.conf:2: error: Scale.power=10: write an OBIS code behind Scale, like "
          "Scale.1.8.0=0.1" },
        { "a scale of zero", "[meter \"m\"]\nScale.1.8.0=0\n",
          "t.conf:2: error: Scale.1.8.0=0: write a factor like 0.1 or 1000" },
        { "a time source of neither", "[meter \"m\"]\nTimeSource=ntp\n",
          "t.conf:2: error: TimeSource=ntp: write meter or host" },
        { "one key of two", "[meter \"m\"]\nAuthKey=00112233445566778899aabbccddeeff\n",
          "t.conf:1: error: \"m\" has an authentication key and no Key=: both keys are needed to "
          "decipher" },
        { "a key file that is not there", "[meter \"m\"]\nKeyFile=/nonexistent/key\n",
          "t.conf:2: error: KeyFile=/nonexistent/key: cannot read /nonexistent/key: No such file "
          "or directory" },
        { "a relative key file", "[meter \"m\"]\nKeyFile=keys/mine\n",
          "t.conf:2: error: KeyFile=…: write a whole path, or the bare name of a systemd "
          "credential" },
        { "a zone of nowhere", "[tariff]\nTimezone=../../etc/passwd\n",
          "t.conf:2: error: Timezone=../../etc/passwd: write a name like Europe/Zurich" },
        { "a group of nobody is a warning", "[daemon]\nReaders=no-such-group-here\n",
          "t.conf:2: warning: Readers=no-such-group-here: no group of this name is known here: "
          "nobody but root can read" },
        { "two sections for the same converters are a warning",
          "[converter \"a\"]\nVendorId=067b\nProductId=23A3\n[converter \"b\"]\n"
          "VendorId=067B\nProductId=23a3\n",
          "t.conf:4: warning: [converter \"b\"] is never used: [converter \"a\"] before it takes "
          "the same converters; add Serial=, Path= or Interface= to tell them apart" },
        { "two sections for the same device are a warning",
          "[converter \"a\"]\nDevice=/dev/ttyAMA0\n[converter \"b\"]\nDevice=/dev/ttyAMA0\n",
          "t.conf:3: warning: [converter \"b\"] is never used: [converter \"a\"] before it takes "
          "the same converters; take one of them away" },
        { "a section behind a wider one is a warning",
          "[converter \"a\"]\nVendorId=067b\n[converter \"b\"]\nVendorId=067b\nSerial=x\n",
          "t.conf:3: warning: [converter \"b\"] is never used: [converter \"a\"] before it takes "
          "the same converters; let it stand before that one" },
        { "a section before a wider one is fine",
          "[converter \"b\"]\nVendorId=067b\nSerial=x\n[converter \"a\"]\nVendorId=067b\n", NULL },
        { "a second converter of the kind, by its place, is fine",
          "[converter \"a\"]\nVendorId=067b\nPath=p-1\n[converter \"b\"]\nVendorId=067b\n"
          "Path=p-2\n",
          NULL },
        { "two sections that send the same to one broker are a warning",
          "[mqtt \"local\"]\nHost=localhost\n[mqtt \"b\"]\nHost=127.0.0.1\nPort=1883\n"
          "Formats=rl-dsp datacollector\n",
          "t.conf:3: warning: [mqtt \"b\"] and [mqtt \"local\"] are the same broker and both send "
          "datacollector: every message goes out twice; give both sections the same name, or other "
          "Formats=" },
        { "two sections that send different formats to one broker are fine",
          "[mqtt \"local\"]\nHost=localhost\n[mqtt \"b\"]\nFormats=rl-dsp\n", NULL },
        { "two groups of one broker are fine",
          "[mqtt \"a\"]\nFormats=rl-dsp\n[mqtt \"b\"]\nFormats=rl-dsp\nGroup=flat\n", NULL },
        { "two brokers on one host are fine", "[mqtt \"a\"]\n[mqtt \"b\"]\nPort=1884\n", NULL },
};

static void run_case(void **state)
{
        const struct fault_case *c = *state;
        struct config *config = NULL;
        char text[640] = "";

        FILE *stream = fmemopen((void *)(uintptr_t)c->text, strlen(c->text) + !*c->text, "r");
        assert_non_null(stream);
        if (!*c->text)
                (void)fgetc(stream); /* fmemopen() wants at least one byte */
        int r = config_load_stream(stream, "t.conf", &config);
        (void)fclose(stream);

        if (config && config->problems)
                config_problem_print(config->problems, text, sizeof(text));
        assert_string_equal(text, c->want ? c->want : "");
        assert_int_equal(r, c->want && strstr(text, " error: ") ? -EINVAL : 0);
        config_free(config);
}

int main(void)
{
        return test_run_rows("config", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
