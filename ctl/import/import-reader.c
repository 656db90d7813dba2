/* SPDX-License-Identifier: MIT */
/*
 * [reader…] of theirs: one meter at one port. Ours finds ports, lines and meters by itself, so what
 * is left is the key, and the converter it belongs to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "ctl/i18n.h"
#include "import-keys.h"
#include "lib/dlms/cipher.h"

/* The collector's classes of meters, and the line that each of them means. */
static const struct reader_type {
        const char *type, *profile, *baud, *format;
        const char *ask; /* of a meter that does not send by itself, or NULL */
} reader_types[] = {
        { "lge450", "lgz-e450", "2400", "8E1", NULL },
        { "lge570", "lgz-e570", "2400", "8E1", NULL },
        { "lge360", "lgz-e360", "9600", "8N1", NULL },
        { "iskraam550", "iskra-am550", "115200", "8N1", NULL },
        { "kamstrup_han", "kamstrup-omnipower", "2400", "8N1", NULL },
        { "siemens_td3511", "siemens-td3511", "19200", "7E1", "F001 F009" },
};

static const struct reader_type *type_find(const char *type)
{
        for (size_t i = 0; i < ELEMENTSOF(reader_types); i++)
                if (strcmp(reader_types[i].type, type) == 0)
                        return &reader_types[i];
        return NULL;
}

bool import_is_reader(struct import *import, size_t i)
{
        const char *section = import->lines[i].section;

        return strncmp(section, "reader", 6) == 0 && import_section_begins(import, i);
}

static const struct reader_type *translate_type(struct import *import, const char *section,
                                                bool in_force, FILE *out)
{
        struct import_line *line = import_find(import, section, "type");
        const struct reader_type *type = type_find(import_value(import, section, "type"));

        if (type) {
                fprintf(out, "Profile=%s\n", type->profile);
                if (type->ask)
                        fprintf(out, "Ask=%s\n", type->ask);
                if (in_force && type->ask)
                        import_note(import, line, IMPORT_MAPPED, "Profile=%s, Ask=%s",
                                    type->profile, type->ask);
                else if (in_force)
                        import_note(import, line, IMPORT_MAPPED, "Profile=%s", type->profile);
                else if (type->ask)
                        import_note(import, line, IMPORT_MANUAL,
                                    _("Ask=%s stands behind #, with its section"), type->ask);
                else
                        import_note(import, line, IMPORT_DROPPED,
                                    _("not needed: the meter is found by itself"));
        } else {
                import_note(import, line, IMPORT_ERROR,
                            _("there is no such type; the meter is found by itself"));
        }
        return type;
}

/* The usual speed is found by itself; another one is kept. */
static void translate_baud(struct import *import, const char *section,
                           const struct reader_type *type, bool in_force, FILE *out)
{
        struct import_line *line = import_find(import, section, "baudrate");
        unsigned long baud;
        char *end;

        import_note(import, import_find(import, section, "baurate"), IMPORT_DROPPED,
                    _("left out: misspelt by the Jeedom plugin and never obeyed; the line is found "
                      "by itself"));
        if (!line)
                return;
        baud = strtoul(line->value, &end, 10);
        if (!*line->value || *end || baud < 300 || baud > 4000000)
                import_note(import, line, IMPORT_ERROR, _("no speed; the line is found by itself"));
        else if (!type || strcmp(line->value, type->baud) == 0)
                import_note(import, line, IMPORT_DROPPED,
                            _("not needed: the line is found by itself"));
        else if (type->ask) {
                fprintf(out, "AskBaud=%lu\n", baud);
                import_note(import, line, in_force ? IMPORT_MAPPED : IMPORT_MANUAL,
                            in_force ? "AskBaud=%lu"
                                     : _("AskBaud=%lu stands behind #, with its section"),
                            baud);
        } else {
                fprintf(out, "Line=%lu %s\n", baud, type->format);
                import_note(import, line, in_force ? IMPORT_MAPPED : IMPORT_MANUAL,
                            in_force ? "Line=%lu %s"
                                     : _("Line=%lu %s stands behind #, with its section"),
                            baud, type->format);
        }
}

/* Its digits as they are spelt: cipher_key_parse() takes blanks between them, 0x before bytes. */
static void write_key(const char *value, FILE *out)
{
        size_t digits = 0;

        fprintf(out, "Key=");
        for (; *value; value++) {
                if (digits % 2 == 0 && value[0] == '0' && (value[1] == 'x' || value[1] == 'X')) {
                        value++;
                } else if (hex_digit(*value) >= 0) {
                        fputc(*value, out);
                        digits++;
                }
        }
        fprintf(out, "\n");
}

/*
 * With an exact converter the key stands there. Else it gets a [meter] section: the service tries
 * those on every meter whose own key it does not know, whichever converter it is behind.
 */
static void translate_key(struct import *import, const char *section, bool exact, FILE *out)
{
        struct import_line *line = import_find(import, section, "key");
        uint8_t key[CIPHER_KEY_BYTES];
        const char *fault;

        if (!line)
                return;
        if (!*line->value) {
                import_note(import, line, IMPORT_DROPPED, _("empty: the meter is not encrypted"));
        } else if (cipher_key_parse(line->value, key, &fault) < 0) {
                import_note(import, line, IMPORT_ERROR, _("no key: %s"), fault);
        } else {
                if (!exact)
                        fprintf(out, "\n# %s\n[meter \"%s\"]\n",
                                _("its key is tried on every meter whose key is not known; its id "
                                  "may stand here instead"),
                                section);
                write_key(line->value, out);
                import_note(import, line, IMPORT_MAPPED,
                            exact ? "Key=…" : _("Key=… in a section [meter \"%s\"]"), section);
                import->has_keys = true;
        }
        explicit_bzero(key, sizeof(key));
}

static void translate_time(struct import *import, const char *section, FILE *out)
{
        struct import_line *time = import_find(import, section, "systemtime");

        if (time && import_is_true(time->value)) {
                fprintf(out, "# %s\n",
                        _("the meter's time was not trusted: add TimeSource=host to "
                          "its section [meter \"ID\"]"));
                import_note(import, time, IMPORT_MANUAL,
                            _("TimeSource=host belongs in [meter \"ID\"]; \"smctl list-meters\" "
                              "shows the id"));
        } else {
                import_note(import, time, IMPORT_DROPPED,
                            _("not needed: the meter's time is used where it gives one"));
        }
}

/* The section as it is, or with # before each line. */
static void write_section(const char *text, bool in_force, FILE *out)
{
        while (*text) {
                size_t n = strcspn(text, "\n");

                fprintf(out, "%s%.*s\n", in_force ? "" : "#", (int)n, text);
                text += n + (text[n] == '\n');
        }
}

void import_reader(struct import *import, const char *section, FILE *out)
{
        OWNED_FREE char *text = NULL;
        const struct reader_type *type;
        enum import_port port;
        bool in_force;
        size_t size;
        FILE *body;

        body = open_memstream(&text, &size);
        if (!body) {
                import_note(import, import_find(import, section, "port"), IMPORT_ERROR, "%s",
                            strerror(errno));
                return;
        }
        fprintf(body, "[converter \"%s\"]\n", section);
        port = import_port(import, section, body);
        in_force = port != IMPORT_PORT_OPEN;
        type = translate_type(import, section, in_force, body);
        translate_baud(import, section, type, in_force, body);
        if (fclose(body) != 0)
                return; /* no memory: finishing `out` will fail too, and is reported */
        if (!in_force)
                fprintf(out, "# %s\n",
                        _("most converters need no section; for one that does, fill in which it is "
                          "and take the # away"));
        write_section(text, in_force, out);
        translate_key(import, section, port == IMPORT_PORT_EXACT, out);
        translate_time(import, section, out);
        fprintf(out, "\n");
}
