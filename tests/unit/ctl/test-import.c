/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "ctl/import/import.h"
#include "tests/unit/test.h"

#define READER "[reader0]\nport=/dev/ttyAMA0\n"
#define SINK   "[sink0]\ntype=mqtt\nhost=h\n"

/* One line of theirs each: what stands in our configuration then, and what is said of the line. */
static struct import_case {
        const char *name;
        const char *in;
        const char *key; /* whose line is looked at */
        enum import_status want;
        const char *want_config; /* part of ours, or NULL */
        const char *want_absent; /* no part of ours, or NULL */
} cases[] = {
        { "E450", READER "type=lge450\n", "type", IMPORT_MAPPED, "Profile=lgz-e450\n", NULL },
        { "E570", READER "type=lge570\n", "type", IMPORT_MAPPED, "Profile=lgz-e570\n", NULL },
        { "E360", READER "type=lge360\n", "type", IMPORT_MAPPED, "Profile=lgz-e360\n", NULL },
        { "AM550", READER "type=iskraam550\n", "type", IMPORT_MAPPED, "Profile=iskra-am550\n",
          NULL },
        { "Kamstrup", READER "type=kamstrup_han\n", "type", IMPORT_MAPPED,
          "Profile=kamstrup-omnipower\n", NULL },
        { "Siemens is asked", READER "type=siemens_td3511\n", "type", IMPORT_MAPPED,
          "Profile=siemens-td3511\nAsk=F001 F009\n", "Line=" },
        { "Siemens at another speed", READER "type=siemens_td3511\nbaudrate=9600\n", "baudrate",
          IMPORT_MAPPED, "AskBaud=9600\n", "Line=" },
        { "Siemens at its speed", READER "type=siemens_td3511\nbaudrate=19200\n", "baudrate",
          IMPORT_DROPPED, NULL, "AskBaud=" },
        { "unknown type", READER "type=lge999\n", "type", IMPORT_ERROR, NULL, "Profile" },
        { "UART", READER, "port", IMPORT_MAPPED, "Device=/dev/ttyAMA0\n", NULL },
        { "USB, not plugged in", "[reader0]\nport=/dev/ttyUSB77\n", "port", IMPORT_MANUAL,
          "VendorId=067b\n", "Device=" },
        { "usual speed", READER "type=lge450\nbaudrate=2400\n", "baudrate", IMPORT_DROPPED, NULL,
          "Line=" },
        { "another speed keeps their parity", READER "type=lge450\nbaudrate=9600\n", "baudrate",
          IMPORT_MAPPED, "Line=9600 8E1\n", NULL },
        { "empty speed", READER "baudrate=\n", "baudrate", IMPORT_ERROR, NULL, "Line=" },
        { "the plugin's misspelling", READER "type=lge450\nbaurate=115200\n", "baurate",
          IMPORT_DROPPED, NULL, "Line=" },
        { "key", READER "key=00112233445566778899aabbccddeeff\n", "key", IMPORT_MAPPED,
          "Key=00112233445566778899aabbccddeeff\n", NULL },
        { "key byte by byte", READER "key=0x00, 0x11,0x22 0x33\r44556677-8899aabb:ccddeeff\n",
          "key", IMPORT_MAPPED, "Key=00112233445566778899aabbccddeeff\n", NULL },
        { "empty key", READER "key=\n", "key", IMPORT_DROPPED, NULL, "Key=" },
        { "no key", READER "key=12\n", "key", IMPORT_ERROR, NULL, "Key=" },
        { "host time", READER "systemtime=True\n", "systemtime", IMPORT_MANUAL, "TimeSource=host",
          NULL },
        { "meter time", READER "systemtime=false\n", "systemtime", IMPORT_DROPPED, NULL,
          "TimeSource" },
        { "keys in any case", READER "SystemTime=yes\n", "systemtime", IMPORT_MANUAL, NULL, NULL },
        { "unknown key", READER "colour=red\n", "colour", IMPORT_UNKNOWN, NULL, "red" },
        { "logger", "[sink0]\ntype=logger\n", "type", IMPORT_DROPPED, NULL, "sink0" },
        { "broker", SINK, "host", IMPORT_MAPPED, "Formats=datacollector\nHost=h\n", NULL },
        { "broker, second format", "[sink0]\ntype=mqttrldsp\nhost=h\ntopic_group=flat1\n",
          "topic_group", IMPORT_MAPPED, "Formats=rl-dsp\nHost=h\nGroup=flat1\n", NULL },
        { "group with a slash", "[sink0]\ntype=mqttrldsp\nhost=h\ntopic_group=a/b\n", "topic_group",
          IMPORT_DROPPED, NULL, "Group=" },
        { "broker without host", "[sink0]\ntype=mqtt\n", "type", IMPORT_ERROR, "# Host=", NULL },
        { "the broker on this machine takes the shipped one's place",
          "[sink1]\ntype=mqtt\nhost=localhost\nport=1883\n", "type", IMPORT_MAPPED,
          "[mqtt \"local\"]\nFormats=native homeassistant datacollector\nHost=localhost\n",
          "sink1" },
        { "only one sink can do so",
          "[sink1]\ntype=mqtt\nhost=127.0.0.1\n[sink2]\n"
          "type=mqtt\nhost=localhost\n",
          "type", IMPORT_MAPPED, "[mqtt \"sink2\"]\nFormats=datacollector\n", NULL },
        { "another port is another broker", "[sink1]\ntype=mqtt\nhost=localhost\nport=1884\n",
          "type", IMPORT_MAPPED, "[mqtt \"sink1\"]\nFormats=datacollector\n", "local\"" },
        { "what the shipped one does not send stands beside it",
          "[sink1]\ntype=mqttrldsp\nhost=localhost\n", "type", IMPORT_MAPPED,
          "[mqtt \"sink1\"]\nFormats=rl-dsp\n", "local\"" },
        { "its password is called like it",
          "[sink1]\ntype=mqtt\nhost=::1\nusername=u\npassword=p\n", "password", IMPORT_MAPPED,
          "PasswordFile=/etc/x/local.password\n", NULL },
        { "TLS", SINK "tls=True\n", "tls", IMPORT_MAPPED, "Tls=yes\n", NULL },
        { "no TLS", SINK "tls=False\n", "tls", IMPORT_DROPPED, NULL, "Tls=" },
        { "empty client certificate means no TLS",
          SINK "tls=False\nclient_cert_path=\nclient_key_path=\n", "client_cert_path",
          IMPORT_DROPPED, NULL, "Tls=" },
        { "client certificate means TLS", SINK "client_cert_path=/c\nclient_key_path=/k\n",
          "client_cert_path", IMPORT_MAPPED, "Tls=yes\nCertFile=/c\nCertKeyFile=/k\n", NULL },
        { "host name unchecked, with a CA", SINK "ca_file_path=/ca\ncheck_hostname=False\n",
          "check_hostname", IMPORT_MAPPED, "VerifyHost=no\n", NULL },
        { "host name unchecked, without one", SINK "check_hostname=False\n", "check_hostname",
          IMPORT_DROPPED, NULL, "VerifyHost" },
        { "password goes to a file", SINK "username=u\npassword=p%%w\n", "password", IMPORT_MAPPED,
          "Username=u\nPasswordFile=/etc/x/sink0.password\n", "p%w" },
        { "password without a user", SINK "password=pw\n", "password", IMPORT_DROPPED, NULL,
          "PasswordFile" },
        { "log level", "[logging]\ndefault=ERROR\n", "default", IMPORT_MAPPED, "LogLevel=err\n",
          NULL },
        { "debug would log readings", "[logging]\ndefault=DEBUG\n", "default", IMPORT_DROPPED, NULL,
          "LogLevel" },
        { "level of one logger", "[logging]\ncollector=DEBUG\n", "collector", IMPORT_DROPPED, NULL,
          "LogLevel" },
};

static const struct import_line *find_line(const struct import *import, const char *key)
{
        for (size_t i = 0; i < import->n_lines; i++)
                if (strcmp(import->lines[i].key, key) == 0)
                        return &import->lines[i];
        return NULL;
}

static void run_case(void **state)
{
        const struct import_case *c = *state;
        static struct import import;
        OWNED_FREE char *config = NULL;
        const struct import_line *line;
        unsigned int fault = 0;
        size_t size;
        FILE *in = tmpfile(), *out;

        import_wipe(&import);
        import.directory = "/etc/x";
        assert_non_null(in);
        fputs(c->in, in);
        rewind(in);
        assert_int_equal(import_read(&import, in, &fault), 0);
        (void)fclose(in);
        out = open_memstream(&config, &size);
        import_translate(&import, out);
        (void)fclose(out);

        line = find_line(&import, c->key);
        assert_non_null(line);
        assert_string_equal(import_status_name(line->status), import_status_name(c->want));
        for (size_t i = 0; i < import.n_lines; i++)
                assert_true(*import.lines[i].note); /* none is passed over */
        if (c->want_config)
                assert_non_null(strstr(config, c->want_config));
        if (c->want_absent)
                assert_null(strstr(config, c->want_absent));
}

int main(void)
{
        return test_run_rows("import", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
