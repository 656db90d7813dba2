/* SPDX-License-Identifier: MIT */
/* What good configurations mean, how files follow one another, and who may read secrets. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/mqtt/mqtt-config.h"
#include "daemon/outputs.h"
#include "format-bit.h"

struct place {
        char directory[64];
        char path[128];
        struct config *config;
};

static int make_place(void **state)
{
        struct place *place = calloc(1, sizeof(*place));
        char path[128];

        assert_non_null(place);
        strcpy(place->directory, "/tmp/test-config.XXXXXX");
        assert_non_null(mkdtemp(place->directory));
        (void)snprintf(place->path, sizeof(place->path), "%s/smartmeterd.conf", place->directory);
        (void)snprintf(path, sizeof(path), "%s/smartmeterd.conf.d", place->directory);
        assert_int_equal(mkdir(path, 0700), 0);
        (void)unsetenv("CREDENTIALS_DIRECTORY");
        *state = place;
        return 0;
}

static int remove_place(void **state)
{
        static const char *const names[] = {
                "smartmeterd.conf",
                "secret",
                "key",
                "smartmeterd.conf.d/10-a.conf",
                "smartmeterd.conf.d/20-b.conf",
                "smartmeterd.conf.d/note.txt",
                "smartmeterd.conf.d/.30-hidden.conf",
                "smartmeterd.conf.d",
                "",
        };
        struct place *place = *state;
        char path[160];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", place->directory, names[i]);
                (void)remove(path); /* most tests make only some of them */
        }
        config_free(place->config);
        free(place);
        return 0;
}

static void put_bytes(const struct place *place, const char *name, mode_t mode, const char *text,
                      size_t len)
{
        char path[160];

        (void)snprintf(path, sizeof(path), "%s/%s", place->directory, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, len), (ssize_t)len);
        assert_int_equal(fchmod(fd, mode), 0);
        (void)close(fd);
}

static void put(const struct place *place, const char *name, mode_t mode, const char *text)
{
        put_bytes(place, name, mode, text, strlen(text));
}

static const struct config_meter *first_meter(const struct place *place)
{
        return config_first(place->config, &config_section_meter);
}

static const struct config_mqtt *first_broker(const struct place *place)
{
        return config_first(place->config, &config_section_mqtt);
}

static const char *first_problem(const struct place *place)
{
        return place->config && place->config->problems ? place->config->problems->message : "";
}

static void no_file_at_all_gives_the_defaults(void **state)
{
        struct place *place = *state;

        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);
        assert_true(place->config->daemon->auto_bind);
        assert_int_equal(place->config->daemon->log_level, 0);
        assert_null(place->config->daemon->readers_group);
        assert_null(config_first(place->config, &config_section_converter));
        assert_null(config_first(place->config, &config_section_mqtt));
        assert_null(place->config->problems);
}

static void converter_takes_all_its_keys(void **state)
{
        struct place *place = *state;

        put(place, "smartmeterd.conf", 0640,
            "[converter \"roof\"]\nVendorId = 0x067B\nProductId=23*\nSerial=A B\n"
            "Path=pci-0000:00:14.0-usb-0:2:1.0\nInterface=1\nLine=9600 7E1\nProfile=lgz-e450\n"
            "Key=00112233445566778899aabbccddeeff\nAuthKey=ff112233445566778899AABBCCDDEEFF\n"
            "SystemTitle=4c475a0000000001\nDetectTimeout=1min 30s\nUsbReset=yes\n"
            "[converter \"uart\"]\nDevice=/dev/ttyAMA0\nLine=auto\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);

        const struct config_converter *c = config_first(place->config, &config_section_converter);
        assert_string_equal(c->item.name, "roof");
        assert_string_equal(c->vendor_id, "067b");
        assert_string_equal(c->product_id, "23*");
        assert_string_equal(c->serial, "A B");
        assert_string_equal(c->path, "pci-0000:00:14.0-usb-0:2:1.0");
        assert_string_equal(c->interface, "01");
        assert_false(c->line.automatic);
        assert_int_equal(c->line.line.baud, 9600);
        assert_int_equal(c->line.line.bits, 7);
        assert_int_equal(c->line.line.parity, PARITY_EVEN);
        assert_string_equal(c->profile, "lgz-e450");
        assert_true(c->keys.has_key && c->keys.has_auth_key && c->keys.has_title);
        assert_int_equal(c->keys.key[15], 0xff);
        assert_int_equal(c->keys.auth_key[0], 0xff);
        assert_int_equal(c->keys.title[7], 1);
        assert_int_equal(c->detect_timeout_usec, 90 * 1000000);
        assert_true(c->usb_reset);

        c = config_next(c);
        assert_string_equal(c->device, "/dev/ttyAMA0");
        assert_true(c->line.automatic);
        assert_int_equal(c->detect_timeout_usec, 300 * 1000000);
        assert_false(c->usb_reset);
        assert_null(config_next(c));
}

static void meter_and_tariff_take_all_their_keys(void **state)
{
        struct place *place = *state;

        put(place, "smartmeterd.conf", 0644,
            "[meter \"4C475A0000000001\"]\nName=Heat pump\nMaxPower=25kW\nTimeSource=host\n"
            "Scale.1.8.0=0.1\nScale.1-0:32.7.0=10\n"
            "[tariff]\nLabel.1=HP\nLabel.2=HC\nSlot=1 Mon..Fri 07:00-20:00\nDefault=2\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);

        const struct config_meter *m = config_find_meter(place->config, "4c475a0000000001");
        assert_non_null(m);
        assert_null(config_find_meter(place->config, "another"));
        assert_string_equal(m->settings.name, "Heat pump");
        assert_int_equal(m->settings.max_power_w, 25000);
        assert_true(m->settings.use_host_time);
        assert_int_equal(m->settings.n_scales, 2);
        assert_int_equal(m->settings.scales[1].obis.c, 32);
        assert_int_equal(m->settings.scales[1].scale.mantissa, 10);
        assert_ptr_equal(m->settings.tariff, &place->config->tariff->settings);
        assert_string_equal(place->config->tariff->settings.label[1], "HC");
        assert_int_equal(place->config->tariff->settings.n_slots, 1);
        assert_int_equal(place->config->tariff->settings.fallback, 2);
}

static void broker_has_defaults_and_takes_all_its_keys(void **state)
{
        struct place *place = *state;

        put(place, "secret", 0600, "open sesame \r\nsecond line\n");
        char text[1024];
        (void)snprintf(
                text, sizeof(text),
                "[mqtt \"local\"]\n[mqtt \"far\"]\nHost=b.example\nPort=8884\n"
                "Protocol=3.1.1\nTls=on\nCaFile=%s/secret\nCertFile=%s/secret\nCertKeyFile=%s/secret\n"
                "VerifyHost=no\nUsername=u\nPasswordFile=%s/secret\nClientId=id\n"
                "Instance=i\nFormats=rl-dsp, jeedom\nGroup=g\nDiscoveryPrefix=ha\n"
                "JeedomRoot=home/jeedom\nInterval=10s\nDeadband=0.5%%\nSpool=no\n"
                "SpoolMax=1 GiB\nDurability=always\n",
                place->directory, place->directory, place->directory, place->directory);
        put(place, "smartmeterd.conf", 0644, text);
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);

        const struct config_mqtt *m = config_first(place->config, &config_section_mqtt);
        assert_string_equal(m->host, "localhost");
        assert_int_equal(m->port, 0);
        assert_int_equal(m->protocol, MQTT_AUTO);
        assert_true(m->verify_host && m->spool == MQTT_SPOOL_YES && !m->tls &&
                    m->durability == MQTT_NORMAL);
        assert_int_equal(m->spool_max_bytes, 64 << 20);
        assert_int_equal(m->formats, format_bit("native") | format_bit("homeassistant") |
                                             format_bit("datacollector"));
        assert_string_equal(m->discovery_prefix, "homeassistant");

        m = config_next(m);
        assert_string_equal(m->host, "b.example");
        assert_int_equal(m->port, 8884);
        assert_int_equal(m->protocol, MQTT_3_1_1);
        assert_true(m->tls && !m->verify_host && m->spool == MQTT_SPOOL_NO &&
                    m->durability == MQTT_ALWAYS);
        assert_string_equal(m->password, "open sesame ");
        assert_int_equal(m->formats, format_bit("rl-dsp") | format_bit("jeedom"));
        assert_string_equal(m->jeedom_root, "home/jeedom");
        assert_int_equal(m->interval_usec, 10000000);
        assert_int_equal(m->deadband.mantissa, 5);
        assert_int_equal(m->deadband.exponent, -1);
        assert_int_equal(m->spool_max_bytes, 1 << 30);
}

static void dropins_win_in_the_order_of_their_names(void **state)
{
        struct place *place = *state;

        put(place, "smartmeterd.conf", 0644,
            "[daemon]\nLogLevel=err\n[mqtt \"a\"]\nHost=one\n"
            "[tariff]\nSlot=1 Mon..Fri 07:00-20:00\n");
        put(place, "smartmeterd.conf.d/20-b.conf", 0644, "[mqtt \"a\"]\nPort=3\n");
        put(place, "smartmeterd.conf.d/10-a.conf", 0644,
            "[daemon]\nLogLevel=debug\n[mqtt \"a\"]\nPort=2\n[tariff]\nSlot=\n");
        put(place, "smartmeterd.conf.d/note.txt", 0644, "not ours\n");
        put(place, "smartmeterd.conf.d/.30-hidden.conf", 0644, "nor this\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);
        assert_int_equal(place->config->daemon->log_level, 7);
        assert_string_equal(first_broker(place)->host, "one");
        assert_int_equal(first_broker(place)->port, 3);
        assert_null(config_next(first_broker(place)));
        assert_int_equal(place->config->tariff->settings.n_slots, 0);
}

static void fault_in_a_dropin_names_that_file(void **state)
{
        struct place *place = *state;

        put(place, "smartmeterd.conf.d/10-a.conf", 0644, "\n[daemon]\nLogLeval=err\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), -EINVAL);
        assert_non_null(strstr(place->config->problems->file, "smartmeterd.conf.d/10-a.conf"));
        assert_int_equal(place->config->problems->line, 3);
        assert_null(place->config->problems->next);
}

static void key_in_a_file_for_all_is_refused(void **state)
{
        struct place *place = *state;

        put(place, "smartmeterd.conf", 0644,
            "[meter \"m\"]\nKey=00112233445566778899aabbccddeeff\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), -EINVAL);
        assert_non_null(strstr(first_problem(place), "everyone can read this file"));
        assert_null(strstr(first_problem(place), "0011"));
        place->config = config_free(place->config);

        put(place, "smartmeterd.conf", 0640,
            "[meter \"m\"]\nKey=00112233445566778899aabbccddeeff\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);
}

static void wrong_key_does_not_get_into_the_message(void **state)
{
        struct place *place = *state;

        put(place, "smartmeterd.conf", 0600, "[meter \"m\"]\nKey=00112233445566778899aabbccddee\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), -EINVAL);
        assert_null(strstr(first_problem(place), "8899"));
}

static void key_file_for_all_is_refused(void **state)
{
        struct place *place = *state;
        char text[256];

        (void)snprintf(text, sizeof(text), "[meter \"m\"]\nKeyFile=%s/key\n", place->directory);
        put(place, "smartmeterd.conf", 0644, text);
        put(place, "key", 0644, "00112233445566778899aabbccddeeff\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), -EINVAL);
        assert_non_null(strstr(first_problem(place), "can be read by everyone"));
        place->config = config_free(place->config);

        put(place, "key", 0640, "00 11 22 33 44 55 66 77 88 99 aa bb cc dd ee ff\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);
        assert_int_equal(first_meter(place)->keys.key[1], 0x11);
}

/* Root reads everything: for this test it becomes nobody. */
static void become_nobody(bool nobody)
{
        static uid_t before;

        if (nobody)
                before = geteuid();
        if (before == 0)
                assert_int_equal(seteuid(nobody ? 65534 : 0), 0);
}

static void secret_for_the_service_alone_is_a_warning_to_others(void **state)
{
        struct place *place = *state;
        char text[400];
        int r, strict;

        put(place, "secret", 0, "hush\n");
        (void)snprintf(text, sizeof(text),
                       "[mqtt \"a\"]\nHost=h\nUsername=u\nPasswordFile=%s/secret\n",
                       place->directory);
        put(place, "smartmeterd.conf", 0644, text);
        assert_int_equal(chmod(place->directory, 0755), 0);
        (void)snprintf(text, sizeof(text), "%s/smartmeterd.conf.d", place->directory);
        assert_int_equal(chmod(text, 0755), 0);

        become_nobody(true);
        strict = config_load(place->path, outputs_section_at, &place->config);
        config_free(place->config);
        place->config = NULL;
        r = config_load_for_another(place->path, outputs_section_at, &place->config);
        become_nobody(false);

        assert_int_equal(strict, -EINVAL); /* for the service itself it is no password */
        assert_int_equal(r, 0);
        assert_non_null(strstr(first_problem(place), "cannot be read by you; the service may"));
        assert_true(place->config->problems->warning);
        assert_null(first_broker(place)->password);
}

static void secret_that_is_missing_is_an_error_to_others_too(void **state)
{
        struct place *place = *state;

        put(place, "smartmeterd.conf", 0600, "[meter \"m\"]\nKeyFile=/nonexistent/key\n");
        assert_int_equal(config_load_for_another(place->path, outputs_section_at, &place->config),
                         -EINVAL);
}

static void key_file_by_name_is_a_credential(void **state)
{
        struct place *place = *state;

        put(place, "smartmeterd.conf", 0644, "[meter \"m\"]\nKeyFile=key\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);
        assert_true(place->config->problems->warning);
        assert_non_null(strstr(first_problem(place), "LoadCredential=NAME:"));
        assert_null(strstr(first_problem(place), "KeyFile=key"));
        assert_false(first_meter(place)->keys.has_key);
        place->config = config_free(place->config);

        put(place, "key", 0400, "00112233445566778899aabbccddeeff");
        (void)setenv("CREDENTIALS_DIRECTORY", place->directory, 1);
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), 0);
        assert_null(place->config->problems);
        assert_true(first_meter(place)->keys.has_key);
}

static void fifo_for_a_file_is_refused_at_once(void **state)
{
        struct place *place = *state;

        assert_int_equal(mkfifo(place->path, 0600), 0);
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), -EINVAL);
        assert_string_equal(first_problem(place), "is not a regular file");
}

static void load_reports_every_fault(void **state)
{
        struct place *place = *state;
        unsigned int n = 0;

        put(place, "smartmeterd.conf", 0600, "[daemon]\nA=1\nB=2\nprose\n[what]\n");
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), -EINVAL);
        for (struct config_problem *p = place->config->problems; p; p = p->next)
                assert_int_equal(p->line, ++n + 1);
        assert_int_equal(n, 4);
}

/* Its first problem, as it is printed behind the path. */
static void assert_refused(struct place *place, const char *text, size_t len, const char *want)
{
        char printed[640];

        put_bytes(place, "smartmeterd.conf", 0600, text, len);
        assert_int_equal(config_load(place->path, outputs_section_at, &place->config), -EINVAL);
        config_problem_print(place->config->problems, printed, sizeof(printed));
        assert_memory_equal(printed, place->path, strlen(place->path));
        assert_string_equal(printed + strlen(place->path), want);
        place->config = config_free(place->config);
}

static void load_refuses_bytes_that_are_no_text(void **state)
{
        static const char nul[] = "[daemon]\nLog\0Level=info\n";
        char line[400];

        assert_refused(*state, nul, sizeof(nul) - 1,
                       ":2: error: a NUL byte is in this line: this is no text file");
        memset(line, 'x', sizeof(line));
        line[sizeof(line) - 1] = '\n';
        assert_refused(*state, line, sizeof(line), ":1: error: a line has at most 198 bytes");
}

#define HERE(function) cmocka_unit_test_setup_teardown(function, make_place, remove_place)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                HERE(no_file_at_all_gives_the_defaults),
                HERE(converter_takes_all_its_keys),
                HERE(meter_and_tariff_take_all_their_keys),
                HERE(broker_has_defaults_and_takes_all_its_keys),
                HERE(dropins_win_in_the_order_of_their_names),
                HERE(fault_in_a_dropin_names_that_file),
                HERE(key_in_a_file_for_all_is_refused),
                HERE(wrong_key_does_not_get_into_the_message),
                HERE(key_file_for_all_is_refused),
                HERE(secret_for_the_service_alone_is_a_warning_to_others),
                HERE(secret_that_is_missing_is_an_error_to_others_too),
                HERE(key_file_by_name_is_a_credential),
                HERE(fifo_for_a_file_is_refused_at_once),
                HERE(load_reports_every_fault),
                HERE(load_refuses_bytes_that_are_no_text),
        };

        return cmocka_run_group_tests_name("config-files", tests, NULL, NULL);
}
