/* SPDX-License-Identifier: MIT */
/*
 * [reader…] of theirs: one meter at one port. Ours finds ports, lines and meters by itself, so what
 * is left is the key, and the converter it belongs to.
 */
#include <stdlib.h>
#include <string.h>

#include "i18n.h"
#include "import-keys.h"
#include "lib/cipher.h"
#include "sysroot.h"

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

/* Which converter it is: by USB identity where it is plugged in now, since ttyUSB0 may be another
 * one tomorrow. */
static void translate_port(struct import *import, const char *section, FILE *out)
{
        struct import_line *line = import_find(import, section, "port");
        const char *port = line && *line->value ? line->value : "/dev/ttyUSB0";
        struct usb_device device;

        if (usb_of_tty(port, &device)) {
                fprintf(out, "VendorId=%s\nProductId=%s\n", device.vendor_id, device.product_id);
                if (*device.serial)
                        fprintf(out, "Serial=%s\n", device.serial);
                import_note(import, line, IMPORT_MAPPED, "VendorId=%s ProductId=%s%s%s",
                            device.vendor_id, device.product_id, *device.serial ? " Serial=" : "",
                            device.serial);
        } else if (strstr(port, "ttyUSB") || strstr(port, "ttyACM") ||
                   strstr(port, "/serial/by-")) {
                fprintf(out, "# %s\nVendorId=067b\n",
                        _("a USB converter that is not plugged in now; "
                          "067b is the PL2303 family"));
                import_note(import, line, IMPORT_MANUAL,
                            _("VendorId=067b: a guess, since %s is not plugged in. Plug it in and "
                              "import again, or see \"smctl list-converters\""),
                            port);
        } else {
                fprintf(out, "Device=%s\n", port);
                import_note(import, line, IMPORT_MAPPED, "Device=%s", port);
        }
}

static const struct reader_type *translate_type(struct import *import, const char *section,
                                                FILE *out)
{
        struct import_line *line = import_find(import, section, "type");
        const struct reader_type *type = type_find(import_value(import, section, "type"));

        if (type) {
                fprintf(out, "Profile=%s\n", type->profile);
                import_note(import, line, IMPORT_MAPPED, "Profile=%s", type->profile);
        } else if (line && strcmp(line->value, "siemens_td3511") == 0) {
                import_note(import, line, IMPORT_ERROR,
                            _("not possible: this meter must be asked for each value, and the "
                              "service only listens"));
        } else {
                import_note(import, line, IMPORT_ERROR,
                            _("there is no such type; the meter is found by itself"));
        }
        return type;
}

/* The usual speed is found by itself; another one is kept. */
static void translate_baud(struct import *import, const char *section,
                           const struct reader_type *type, FILE *out)
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
                import_note(import, line, IMPORT_MAPPED, "Line=%lu %s", baud, type->format);
        }
}

static void translate_key(struct import *import, const char *section, FILE *out)
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
                fprintf(out, "Key=%s\n", line->value);
                import_note(import, line, IMPORT_MAPPED, "Key=…");
                import->has_keys = true;
        }
        explicit_bzero(key, sizeof(key));
}

void import_reader(struct import *import, const char *section, FILE *out)
{
        struct import_line *time = import_find(import, section, "systemtime");
        const struct reader_type *type;

        fprintf(out, "[converter \"%s\"]\n", section);
        translate_port(import, section, out);
        type = translate_type(import, section, out);
        translate_baud(import, section, type, out);
        translate_key(import, section, out);
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
        fprintf(out, "\n");
}
