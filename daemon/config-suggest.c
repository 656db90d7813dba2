/* SPDX-License-Identifier: MIT */
/*
 * The nearest right name for a wrong one, and what people of other programs mean by theirs.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config-keys.h"
#include "lib/util.h"

#define PART_MIN 3  /* less stands in too many words */
#define WORD_MAX 40 /* longer words are not compared: no key is nearly as long */

/* What the same thing is called elsewhere (smartmeter-datacollector, vzlogger, ser2net). */
static const struct {
        enum config_section section;
        const char *name;
        const char *cure;
} strangers[] = {
        { CONFIG_CONVERTER, "Baudrate", "write Line=2400 8E1" },
        { CONFIG_CONVERTER, "Baud", "write Line=2400 8E1" },
        { CONFIG_CONVERTER, "Speed", "write Line=2400 8E1" },
        { CONFIG_CONVERTER, "Parity", "write Line=2400 8E1" },
        { CONFIG_CONVERTER, "Databits", "write Line=2400 8E1" },
        { CONFIG_CONVERTER, "Stopbits", "write Line=2400 8E1" },
        { CONFIG_CONVERTER, "Port", "write VendorId= and ProductId=, or Device= for a plain UART" },
        { CONFIG_CONVERTER, "Tty", "write VendorId= and ProductId=, or Device= for a plain UART" },
        { CONFIG_CONVERTER, "Type", "write Profile=, or nothing: it is found by itself" },
        { CONFIG_CONVERTER, "Encryption_key", "write Key= or KeyFile=" },
        { CONFIG_METER, "Encryption_key", "write Key= or KeyFile=" },
        { CONFIG_METER, "Label", "labels of tariffs stand in [tariff]" },
        { CONFIG_METER, "Scale", "write the OBIS code with it: Scale.1.8.0=0.1" },
        { CONFIG_TARIFF, "Label", "write the tariff's number with it: Label.1=HP" },
        { CONFIG_MQTT, "Server", "write Host=" },
        { CONFIG_MQTT, "Broker", "write Host=" },
        { CONFIG_MQTT, "Address", "write Host=" },
        { CONFIG_MQTT, "User", "write Username=" },
        { CONFIG_MQTT, "Password", "write PasswordFile= with the path of a file that holds it" },
        { CONFIG_MQTT, "Topic", "topics are fixed; Formats= chooses among them" },
};

/* Edits between two words regardless of case, swapped neighbours counting as one (optimal string
 * alignment). */
static size_t distance(const char *a, const char *b)
{
        size_t rows[3][WORD_MAX + 1], n = strlen(a), m = strlen(b);

        if (n > WORD_MAX || m > WORD_MAX)
                return WORD_MAX;
        for (size_t j = 0; j <= m; j++)
                rows[0][j] = j;
        for (size_t i = 1; i <= n; i++) {
                size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];

                row[0] = i;
                for (size_t j = 1; j <= m; j++) {
                        int ca = tolower((unsigned char)a[i - 1]);
                        int cb = tolower((unsigned char)b[j - 1]);

                        row[j] = MIN(above[j - 1] + (ca != cb), MIN(above[j], row[j - 1]) + 1);
                        if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                            cb == tolower((unsigned char)a[i - 2]))
                                row[j] = MIN(row[j], above2[j - 2] + 1);
                }
        }
        return rows[n % 3][m];
}

/* How far a word may be off and still be meant. */
static size_t tolerance(const char *word)
{
        return MAX((size_t)1, strlen(word) / 3);
}

/* The one candidate that has the word in it, as "lgz-e450" has "e450"; NULL: none, or several. */
static const char *find_containing(const char *word, const char *(*candidate)(size_t i))
{
        const char *found = NULL;

        if (strlen(word) < PART_MIN)
                return NULL;
        for (size_t i = 0; candidate(i); i++) {
                if (!strcasestr(candidate(i), word))
                        continue;
                if (found)
                        return NULL;
                found = candidate(i);
        }
        return found;
}

const char *config_nearest(const char *word, const char *(*candidate)(size_t i))
{
        size_t best = tolerance(word) + 1;
        const char *nearest = NULL;

        for (size_t i = 0; candidate(i); i++) {
                size_t d = distance(word, candidate(i));

                if (d < best) {
                        best = d;
                        nearest = candidate(i);
                }
        }
        return nearest ? nearest : find_containing(word, candidate);
}

static bool suggest_other_section(const char *name, char *buf, size_t size)
{
        const char *suffix;

        for (int s = 0; s < CONFIG_SECTIONS; s++) {
                if (config_key_find((enum config_section)s, name, &suffix)) {
                        (void)snprintf(buf, size, "it belongs to [%s%s]", config_sections[s].name,
                                       config_sections[s].example ? " \"…\"" : "");
                        return true;
                }
        }
        return false;
}

void config_key_suggest(enum config_section section, const char *name, char *buf, size_t size)
{
        size_t best = tolerance(name) + 1;

        *buf = 0;
        for (size_t i = 0; i < config_keys_n; i++) {
                const struct config_key *key = &config_keys[i];
                size_t d = key->section == section ? distance(name, key->name) : WORD_MAX;

                if (d < best) {
                        best = d;
                        (void)snprintf(buf, size, "did you mean %s%s?", key->name,
                                       strchr(key->name, '.') ? "…" : "");
                }
        }
        for (size_t i = 0; i < ELEMENTSOF(strangers); i++) {
                size_t d = strangers[i].section == section ? distance(name, strangers[i].name)
                                                           : WORD_MAX;

                if (d < best) {
                        best = d;
                        (void)snprintf(buf, size, "%s", strangers[i].cure);
                }
        }
        if (best > 1)
                (void)suggest_other_section(name, buf, size); /* else the near one stands */
}
