/* SPDX-License-Identifier: MIT */
/*
 * [reader…] of theirs: one meter at one port. Ours finds ports, lines and meters by itself, so what
 * is left is the key, and the converter it belongs to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "i18n.h"
#include "import-keys.h"
#include "lib/cipher.h"

/* DROPIN.md, "Meter classes and line parameters". */
static const struct reader_type {
        const char *type, *profile, *baud, *format;
} reader_types[] = {
        { "lge450", "lgz-e450", "2400", "8E1" },
        { "lge570", "lgz-e570", "2400", "8E1" },
        { "lge360", "lgz-e360", "9600", "8N1" },
        { "iskraam550", "iskra-am550", "115200", "8N1" },
        { "kamstrup_han", "kamstrup-omnipower", "2400", "8N1" },
};

static const struct reader_type *type_find(const char *type)
{
        for (size_t i = 0; i < ELEMENTSOF(reader_types); i++)
                if (strcmp(reader_types[i].type, type) == 0)
                        return &reader_types[i];
        return NULL;
}

/* It must be asked for each value, and the service only listens. */
static bool is_impossible(const char *type)
{
        return strcmp(type, "siemens_td3511") == 0;
}

bool import_is_reader(struct import *import, size_t i)
{
        const char *section = import->lines[i].section;

        return strncmp(section, "reader", 6) == 0 && import_section_begins(import, i) &&
               !is_impossible(import_value(import, section, "type"));
}

static void refuse_reader(struct import *import, const char *section)
{
        for (size_t i = 0; i < import->n_lines; i++) {
                struct import_line *line = &import->lines[i];

                if (strcmp(line->section, section) != 0)
                        continue;
                if (strcmp(line->key, "type") == 0)
                        import_note(import, line, IMPORT_ERROR,
                                    _("not possible: this meter must be asked for each value, and "
                                      "the service only listens"));
                else
                        import_note(import, line, IMPORT_DROPPED,
                                    _("left out with its meter, which cannot be read"));
        }
}

static const struct reader_type *translate_type(struct import *import, const char *section,
                                                bool in_force, FILE *out)
{
        struct import_line *line = import_find(import, section, "type");
        const struct reader_type *type = type_find(import_value(import, section, "type"));

        if (type) {
                fprintf(out, "Profile=%s\n", type->profile);
                if (in_force)
                        import_note(import, line, IMPORT_MAPPED, "Profile=%s", type->profile);
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
        else {
                fprintf(out, "Line=%lu %s\n", baud, type->format);
                import_note(import, line, in_force ? IMPORT_MAPPED : IMPORT_MANUAL,
                            in_force ? "Line=%lu %s"
                                     : _("Line=%lu %s stands behind #, with its section"),
                            baud, type->format);
        }
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
                fprintf(out, "Key=%s\n", line->value);
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

        if (is_impossible(import_value(import, section, "type"))) {
                refuse_reader(import, section);
                return;
        }
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
                return; /* no memory: finishing `out` will fail too, and be told */
        if (!in_force)
                fprintf(out, "# %s\n",
                        _("most converters need no section; for one that does, fill in which it is "
                          "and take the # away"));
        write_section(text, in_force, out);
        translate_key(import, section, port == IMPORT_PORT_EXACT, out);
        translate_time(import, section, out);
        fprintf(out, "\n");
}
