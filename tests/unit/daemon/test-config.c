/* SPDX-License-Identifier: MIT */
/* Faults of a configuration: each with its line and its fix. Good ones are in
 * test-config-files.c. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/formats/format.h"
#include "daemon/outputs.h"

#define TCP_FORM "write host and port, like tcp://cellar:2001 or tcp://[2001:db8::1]:2001"

static struct fault_case {
        const char *name;
        const char *text;
        const char *want; /* the first problem as it is printed; NULL: none */
} cases[] = {
        { "an empty file is fine", "", NULL },
        { "comments and blanks are fine", "# one\n\n  ; two\n", NULL },
        { "a misspelt speed gets the fix", "[converter \"a\"]\nVendorId=067b\nBaurate=2400\n",
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
          "2400 8E1; a comment behind a value begins with ';'" },
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
          "t.conf:2: error: Device=ttyAMA0: write the whole path, from / on, or "
          "tcp://host:port, or rfc2217://host:port" },
        { "a bridge that is told its line",
          "[converter \"a\"]\nDevice=rfc2217://cellar:2001\nLine=2400 8E1\n", NULL },
        { "such a bridge without a port", "[converter \"a\"]\nDevice=rfc2217://cellar\n",
          "t.conf:2: error: Device=rfc2217://cellar: " TCP_FORM },
        { "a host and a port", "[converter \"a\"]\nDevice=tcp://cellar:2001\n", NULL },
        { "an address and a port", "[converter \"a\"]\nDevice=tcp://192.0.2.1:65535\n", NULL },
        { "an IPv6 address and a port", "[converter \"a\"]\nDevice=tcp://[2001:db8::1]:1\n", NULL },
        { "a host without a port", "[converter \"a\"]\nDevice=tcp://cellar\n",
          "t.conf:2: error: Device=tcp://cellar: " TCP_FORM },
        { "a port without a host", "[converter \"a\"]\nDevice=tcp://:2001\n",
          "t.conf:2: error: Device=tcp://:2001: " TCP_FORM },
        { "no port behind the colon", "[converter \"a\"]\nDevice=tcp://cellar:\n",
          "t.conf:2: error: Device=tcp://cellar:: " TCP_FORM },
        { "a TCP port of 0", "[converter \"a\"]\nDevice=tcp://cellar:0\n",
          "t.conf:2: error: Device=tcp://cellar:0: " TCP_FORM },
        { "a TCP port beyond 16 bits", "[converter \"a\"]\nDevice=tcp://cellar:65536\n",
          "t.conf:2: error: Device=tcp://cellar:65536: " TCP_FORM },
        { "a TCP port with a sign", "[converter \"a\"]\nDevice=tcp://cellar:+1\n",
          "t.conf:2: error: Device=tcp://cellar:+1: " TCP_FORM },
        { "an IPv6 address without brackets", "[converter \"a\"]\nDevice=tcp://2001:db8::1\n",
          "t.conf:2: error: Device=tcp://2001:db8::1: " TCP_FORM },
        { "brackets around nothing", "[converter \"a\"]\nDevice=tcp://[]:1\n",
          "t.conf:2: error: Device=tcp://[]:1: " TCP_FORM },
        { "a path behind the port", "[converter \"a\"]\nDevice=tcp://cellar:2001/\n",
          "t.conf:2: error: Device=tcp://cellar:2001/: " TCP_FORM },
        { "another scheme", "[converter \"a\"]\nDevice=udp://cellar:2001\n",
          "t.conf:2: error: Device=udp://cellar:2001: write the whole path, from / on, or "
          "tcp://host:port, or rfc2217://host:port" },
        { "a network port and a USB id",
          "[converter \"a\"]\nVendorId=067b\nDevice=tcp://cellar:2001\n",
          "t.conf:1: error: [converter \"a\"]: either Device= or what udev knows" },
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
          "t.conf:2: error: Spool=perhaps: there is no 'perhaps'; write no, yes or reached" },
        { "a size with a wrong unit", "[mqtt \"a\"]\nSpoolMax=64 Mbit\n",
          "t.conf:2: error: SpoolMax=64 Mbit: write a size like 64M, 512K or 1G" },
        { "a port of 0", "[mqtt \"a\"]\nPort=0\n",
          "t.conf:2: error: Port=0: write a port from 1 to 65535" },
        { "a port beyond 16 bits", "[mqtt \"a\"]\nPort=65536\n",
          "t.conf:2: error: Port=65536: write a port from 1 to 65535" },
        { "a URL for a host", "[mqtt \"a\"]\nHost=mqtts://b\n",
          "t.conf:2: error: Host=mqtts://b: write the bare name, and Port=, Tls= on lines of their "
          "own" },
        { "WebSockets", "[mqtt \"a\"]\nHost=WSS://b/mqtt\n",
          "t.conf:2: error: Host=WSS://b/mqtt: MQTT over WebSockets cannot be spoken by "
          "libmosquitto: write the bare name, and the broker's other port as Port= (1883; with "
          "Tls=yes 8883)" },
        { "a port within the host", "[mqtt \"a\"]\nHost=b:1883\n",
          "t.conf:2: error: Host=b:1883: write the port as Port=1883 on a line of its own" },
        { "an IPv6 host is fine", "[mqtt \"a\"]\nHost=fe80::1\n", NULL },
        { "a misspelt format", "[mqtt \"a\"]\nFormats=native home-assistant\n",
          "t.conf:2: error: Formats=native home-assistant: there is no 'home-assistant'; did you mean "
          "homeassistant?" },
        { "a wildcard in a topic", "[mqtt \"a\"]\nInstance=a/#\n",
          "t.conf:2: error: Instance=a/#: it becomes part of MQTT topics: no blank, '/', '+' or "
          "'#'" },
        { "a certificate without its key", "[mqtt \"a\"]\nTls=yes\nCertFile=/etc/passwd\n",
          "t.conf:1: error: [mqtt \"a\"]: CertFile= and CertKeyFile= go together" },
        { "a CA without TLS", "[mqtt \"a\"]\nCaFile=/etc/passwd\n",
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
        { "a ninth price", "[tariff]\nPrice.9=1\n",
          "t.conf:2: error: Price.9=1: tariffs are numbered Price.1 to Price.8" },
        { "a price without a tariff", "[tariff]\nPrice=1\n",
          "t.conf:2: error: unknown key 'Price' in [tariff]; write the tariff's number with it: "
          "Price.1=0.2765" },
        { "a price with a comma", "[tariff]\nPrice.1=0,2765\n",
          "t.conf:2: error: Price.1=0,2765: write what a kWh costs, like 0.2765" },
        { "a price below nothing", "[tariff]\nPrice.1=-1\n",
          "t.conf:2: error: Price.1=-1: write what a kWh costs, like 0.2765" },
        { "a currency by its sign", "[tariff]\nCurrency=€\n",
          "t.conf:2: error: Currency=€: write its three letters, like CHF or EUR" },
        { "prices of two tariffs", "[tariff]\nPrice.1=0.2765\nPrice.2=0\nCurrency=CHF\n", "" },
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
        { "a name in Latin-1",
          "[mqtt \"K\xfc"
          "che\"]\n",
          "t.conf:1: error: is not UTF-8: save the file in this encoding (iconv -f latin1 -t "
          "utf8), or write without accents" },
        { "a value in Latin-1", "[meter \"a\"]\nName=Z\xe4hler\n",
          "t.conf:2: error: is not UTF-8: save the file in this encoding (iconv -f latin1 -t "
          "utf8), or write without accents" },
        { "a value in UTF-8 is fine", "[meter \"a\"]\nName=Zähler\n", NULL },
        { "a value that is cut is cut at a letter",
          "[tariff]\nDefault=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaä\n",
          "t.conf:2: error: Default=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: "
          "write the number of a tariff, 1 to 8" },
        { "an escape sequence does not reach the terminal", "[daemon]\nL\x1b[2J=x\n",
          "t.conf:2: error: unknown key 'L?[2J' in [daemon]" },
        { "nor in a name", "[mqtt \"a\x1b[2Jb\"]\n",
          "t.conf:1: error: the name of a [mqtt] has 1 to 71 characters, no quote, no '/'" },
        { "a power without a unit", "[meter \"a\"]\nMaxPower=25\n",
          "t.conf:2: error: MaxPower=25: 25 of what? write 25kW or 25W" },
        { "no limit needs none", "[meter \"a\"]\nMaxPower=0\n", NULL },
        { "a file that is not there", "[mqtt \"a\"]\nTls=yes\nCaFile=/nowhere/ca.pem\n",
          "t.conf:3: error: CaFile=/nowhere/ca.pem: cannot be read: No such file or directory" },
        { "a folder in place of a file", "[mqtt \"a\"]\nTls=yes\nCaFile=/\n",
          "t.conf:3: error: CaFile=/: is not a regular file" },
        { "a comment of another kind", "[mqtt \"a\"]\nPort=1883 # mine\n",
          "t.conf:2: error: Port=1883 # mine: write a port from 1 to 65535; a comment behind a "
          "value begins with ';'" },
        { "the host by another name", "[mqtt \"a\"]\nHostname=b\n",
          "t.conf:2: error: unknown key 'Hostname' in [mqtt \"a\"]; write Host=" },
        { "a word nearly right", "[mqtt \"a\"]\nFormats=native homeasistant\n",
          "t.conf:2: error: Formats=native homeasistant: there is no 'homeasistant'; did you mean "
          "homeassistant?" },
        { "a word like none", "[mqtt \"a\"]\nDurability=perhaps\n",
          "t.conf:2: error: Durability=perhaps: there is no 'perhaps'; write normal or always" },
        { "who may write yes may write true", "[mqtt \"a\"]\nSpool=true\n", NULL },
        { "Jeedom's own root", "[mqtt \"a\"]\nJeedomRoot=jeedom\n",
          "t.conf:2: error: JeedomRoot=jeedom: Jeedom ignores what lies below its own root; take "
          "another word and name it in MQTT Manager, \"Topic des Jeedom liée\"" },
        { "a user without a password is a warning", "[mqtt \"a\"]\nUsername=u\n",
          "t.conf:1: warning: [mqtt \"a\"]: Username= without PasswordFile=: hardly any broker "
          "lets in a user without a password" },
        { "a key that was refused is not missed as well",
          "[mqtt \"a\"]\nPsk=abc\nPskIdentity=x\nTls=yes\n",
          "t.conf:2: error: Psk=…: write hex digits, two for each byte" },
};

/* The first problem of `from` as it is printed, "" when there is none; what loading answers. */
static int first_problem(const char *from, char *text, size_t size)
{
        struct config *config = NULL;
        FILE *file = fopen("t.conf", "we");
        int r;

        assert_non_null(file);
        assert_true(fputs(from, file) >= 0);
        assert_int_equal(fclose(file), 0);
        r = config_load("t.conf", outputs_section_at, &config);
        *text = '\0';
        if (config && config->problems)
                config_problem_print(config->problems, text, size);
        config_free(config);
        return r;
}

static void run_case(void **state)
{
        const struct fault_case *c = *state;
        char text[640];
        int r = first_problem(c->text, text, sizeof(text));

        assert_string_equal(text, c->want ? c->want : "");
        assert_int_equal(r, c->want && strstr(text, " error: ") ? -EINVAL : 0);
}

/* By the table of formats, whatever is in it. */
static void no_format_lists_all_there_are(void **state)
{
        static const char begin[] = "t.conf:2: error: Formats=,: write at least one of ";
        char text[640];

        assert_int_equal(first_problem("[mqtt \"a\"]\nFormats=,\n", text, sizeof(text)), -EINVAL);
        assert_memory_equal(text, begin, strlen(begin));
        for (size_t i = 0; format_name_at(i); i++)
                assert_non_null(strstr(text, format_name_at(i)));
}

static char folder[] = "/tmp/test-config.XXXXXX";

/* Secrets are tried, too: others must not be able to read the file. */
static int enter_folder(void **state)
{
        (void)umask(077);
        return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int remove_folder(void **state)
{
        return unlink("t.conf") == 0 && chdir("/") == 0 && rmdir(folder) == 0 ? 0 : -1;
}

int main(void)
{
        static struct CMUnitTest tests[1 + ELEMENTSOF(cases)] = { cmocka_unit_test(
                no_format_lists_all_there_are) };
        size_t n = test_add_rows(tests, 1, cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);

        return _cmocka_run_group_tests("config", tests, n, enter_folder, remove_folder);
}
