/* SPDX-License-Identifier: MIT */
/* Any bytes as somebody's datacollector.ini. What comes out is our configuration and a report, both
 * without control characters, and no value can add a section or a key. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "ctl/import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shown(const char *text)
{
        for (const char *c = text; *c; c++)
                if (((unsigned char)*c < ' ' && *c != '\n') || *c == 0x7f)
                        abort();
        if (!text_is_utf8(text))
                abort();
}

/* Each line is empty, a comment, [section], or Key=… with a key that we write. */
static void check_config(char *config)
{
        static const char *const keys[] = { "Device",   "VendorId",     "ProductId", "Serial",
                                            "Path",     "Profile",      "Line",      "Key",
                                            "Formats",  "Host",         "Port",      "Tls",
                                            "CaFile",   "VerifyHost",   "CertFile",  "CertKeyFile",
                                            "Username", "PasswordFile", "Group",     "LogLevel",
                                            "ClientId", "Interface" };
        char *save = NULL;

        for (char *line = strtok_r(config, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                bool known = *line == '#' || *line == '[';

                for (size_t i = 0; !known && i < ELEMENTSOF(keys); i++)
                        known = strncmp(line, keys[i], strlen(keys[i])) == 0 &&
                                line[strlen(keys[i])] == '=';
                if (!known)
                        abort();
                if (*line == '[' && (strchr(line, ']') != line + strlen(line) - 1))
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct import import;
        char *config = NULL;
        unsigned int line;
        size_t n;
        FILE *in, *out;

        if (size == 0)
                return 0;
        import_wipe(&import);
        import.directory = "/etc/smartmeterd";
        in = fmemopen((void *)(uintptr_t)data, size, "r");
        if (!in)
                return 0;
        if (import_read(&import, in, &line) >= 0) {
                out = open_memstream(&config, &n);
                if (!out)
                        abort();
                import_translate(&import, out);
                (void)fclose(out);
                check_shown(config);
                for (size_t i = 0; i < import.n_lines; i++) {
                        check_shown(import.lines[i].section);
                        check_shown(import.lines[i].key);
                        check_shown(import.lines[i].note);
                        if (!import.lines[i].secret)
                                check_shown(import.lines[i].value);
                }
                for (size_t i = 0; i < import.n_passwords; i++)
                        if (strchr(import.passwords[i].section, '/'))
                                abort();
                check_config(config);
                free(config);
        }
        (void)fclose(in);
        return 0;
}
