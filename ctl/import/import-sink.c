/* SPDX-License-Identifier: MIT */
/*
 * [sink…] of theirs: a logger, or an MQTT broker with one of two formats, which ours writes with
 * the same topics and members.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "ctl/i18n.h"
#include "import-keys.h"

static void write_key(struct import *import, const char *section, const char *theirs,
                      const char *ours, FILE *out)
{
        struct import_line *line = import_find(import, section, theirs);

        if (!line)
                return;
        if (*line->value) {
                fprintf(out, "%s=%s\n", ours, line->value);
                import_note(import, line, IMPORT_MAPPED, "%s=%s", ours, line->value);
        } else {
                import_note(import, line, IMPORT_DROPPED, _("empty"));
        }
}

static void translate_host(struct import *import, const char *section, FILE *out)
{
        struct import_line *type = import_find(import, section, "type");

        if (!*import_value(import, section, "host")) {
                fprintf(out, "# Host=\n");
                import_note(import, type, IMPORT_ERROR, _("this broker has no host"));
        }
        write_key(import, section, "host", "Host", out);
        write_key(import, section, "port", "Port", out);
}

/*
 * A client certificate whose two keys are there but empty makes the datacollector (1.3.0 and later)
 * switch TLS on, which the Jeedom plugin never meant: only a real certificate counts here.
 */
static void translate_tls(struct import *import, const char *section, FILE *out)
{
        struct import_line *tls = import_find(import, section, "tls");
        struct import_line *check = import_find(import, section, "check_hostname");
        bool cert = *import_value(import, section, "client_cert_path") &&
                    *import_value(import, section, "client_key_path");
        bool has_ca = *import_value(import, section, "ca_file_path");
        bool on = cert || (tls && import_is_true(tls->value));

        if (on)
                fprintf(out, "Tls=yes\n");
        import_note(import, tls, on ? IMPORT_MAPPED : IMPORT_DROPPED, "%s",
                    on ? "Tls=yes" : _("not needed: without TLS is what we do by default"));
        write_key(import, section, "ca_file_path", "CaFile", out);
        write_key(import, section, "client_cert_path", "CertFile", out);
        write_key(import, section, "client_key_path", "CertKeyFile", out);
        if (check && *check->value && !import_is_true(check->value) && has_ca) {
                fprintf(out, "VerifyHost=no\n");
                import_note(import, check, IMPORT_MAPPED, "VerifyHost=no");
        } else if (check) {
                import_note(import, check, IMPORT_DROPPED,
                            _("not needed: the host name is checked"));
        }
}

static void translate_login(struct import *import, const char *section, const char *name, FILE *out)
{
        struct import_line *line = import_find(import, section, "password");
        struct import_password *password;

        write_key(import, section, "username", "Username", out);
        if (!line)
                return;
        if (!*line->value || !*import_value(import, section, "username")) {
                import_note(import, line, IMPORT_DROPPED, _("empty, or without a user name"));
                return;
        }
        if (import->n_passwords == IMPORT_PASSWORDS_MAX) {
                import_note(import, line, IMPORT_ERROR, _("too many passwords for one import"));
                return;
        }
        password = &import->passwords[import->n_passwords++];
        (void)snprintf(password->section, sizeof(password->section), "%s", name);
        (void)snprintf(password->value, sizeof(password->value), "%s", line->value);
        fprintf(out, "PasswordFile=%s/%s.password\n", import->directory, name);
        import_note(import, line, IMPORT_MAPPED, "PasswordFile=%s/%s.password", import->directory,
                    name);
}

/* Their rule: letters and digits only, else the default. */
static void translate_group(struct import *import, const char *section, FILE *out)
{
        struct import_line *line = import_find(import, section, "topic_group");
        const char *c;

        if (!line)
                return;
        for (c = line->value; isalnum((unsigned char)*c); c++)
                ;
        if (*c || !*line->value) {
                import_note(import, line, IMPORT_DROPPED,
                            _("not letters and digits only: \"building\" is used, as before"));
        } else {
                fprintf(out, "Group=%s\n", line->value);
                import_note(import, line, IMPORT_MAPPED, "Group=%s", line->value);
        }
}

/*
 * The shipped smartmeterd.conf has a [mqtt "local"] for the broker on this machine, which sends
 * these topics too: theirs takes its name, and so its place, or every message would come twice.
 */
static bool is_shipped(struct import *import, const char *section)
{
        static const char *const hosts[] = { "localhost", "127.0.0.1", "::1" };
        const char *port = import_value(import, section, "port");

        if (*port && strcmp(port, "1883") != 0)
                return false;
        for (size_t i = 0; i < ELEMENTSOF(hosts); i++)
                if (strcasecmp(import_value(import, section, "host"), hosts[i]) == 0)
                        return true;
        return false;
}

static void drop_logger(struct import *import, const char *section)
{
        import_note(import, import_find(import, section, "type"), IMPORT_DROPPED,
                    _("not needed: \"smctl monitor\" prints readings as they come"));
        import_note(import, import_find(import, section, "name"), IMPORT_DROPPED, _("not needed"));
}

void import_sink(struct import *import, const char *section, FILE *out)
{
        struct import_line *type = import_find(import, section, "type");
        const char *word = type ? type->value : "", *name = section, *formats = NULL;

        if (strcmp(word, "logger") == 0) {
                drop_logger(import, section);
                return;
        }
        if (strcmp(word, "mqtt") == 0)
                formats = "datacollector";
        else if (strcmp(word, "mqttrldsp") == 0)
                formats = "rl-dsp";
        if (!formats) {
                import_note(import, type, IMPORT_ERROR, _("there is no such type of sink"));
                return;
        }
        if (strcmp(word, "mqtt") == 0 && !import->has_local && is_shipped(import, section)) {
                import->has_local = true;
                name = "local";
                formats = "native homeassistant datacollector"; /* as shipped */
        }
        fprintf(out, "[mqtt \"%s\"]\nFormats=%s\n", name, formats);
        import_note(import, type, IMPORT_MAPPED, "[mqtt \"%s\"] Formats=%s", name, formats);
        translate_host(import, section, out);
        translate_tls(import, section, out);
        translate_login(import, section, name, out);
        if (strcmp(word, "mqttrldsp") == 0)
                translate_group(import, section, out);
        fprintf(out, "\n");
}
