/* SPDX-License-Identifier: MIT */
/*
 * Each row of each section, whatever outputs there are: its default is one that it takes, copies
 * are equal and share nothing, a value that differs is noticed, manual and shipped file name it.
 * The source folder is in SMARTMETERD_SOURCE.
 */
#include "tests/unit/test.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

#include "daemon/config/config-value.h"
#include "daemon/outputs.h"
#include "lib/dlms/cipher.h"

#define ROWS_MAX 256

struct key_row {
        const char *name; /* "[mqtt] Port" */
        const struct config_section *section;
        const struct config_key *key;
};

static struct key_row rows[ROWS_MAX];
static size_t n_rows;
static char names[ROWS_MAX][64];
static char *manual, *shipped;

static char *read_file(const char *file)
{
        const char *source = getenv("SMARTMETERD_SOURCE");
        char path[512], *text;
        FILE *stream;
        size_t n;

        (void)snprintf(path, sizeof(path), "%s/daemon/%s", source ? source : ".", file);
        stream = fopen(path, "re");
        assert_non_null(stream);
        text = calloc(1, 1 << 18);
        assert_non_null(text);
        n = fread(text, 1, (1 << 18) - 1, stream);
        assert_true(n > 0);
        (void)fclose(stream);
        return text;
}

/* Where the section begins; its end is the next line that begins with `next`. */
static char *section_of(char *text, const char *head, const char *next, char **ret_end)
{
        char *begin = strstr(text, head), *end;

        if (!begin)
                return NULL;
        end = strstr(begin + strlen(head), next);
        *ret_end = end ? end : begin + strlen(begin);
        return begin;
}

static bool is_letter(char c)
{
        return isalnum((unsigned char)c);
}

/* `word` stands in begin…end as a word of its own. */
static const char *find_word(const char *begin, const char *end, const char *word, size_t n)
{
        for (const char *p = begin; (p = strstr(p, word)) && p < end; p++)
                if ((p == begin || !is_letter(p[-1])) && !is_letter(p[n]))
                        return p;
        return NULL;
}

static size_t bare_length(const struct config_key *key)
{
        size_t n = strlen(key->name);

        return key->name[n - 1] == '.' ? n - 1 : n;
}

static void the_default_is_one_it_takes(void **state)
{
        const struct key_row *row = *state;
        struct config_answer answer = { 0 };
        struct config_item *item = config_item_new(row->section, "x");

        assert_non_null(item);
        if (row->key->standard)
                assert_int_equal(config_key_set(row->key, item, row->key->standard, "", &answer),
                                 0);
        assert_null(config_item_free(item));
}

/* The manual's paragraph of the section has an entry with the key in it, and says the default. */
static void the_manual_explains_it(void **state)
{
        const struct key_row *row = *state;
        size_t n = bare_length(row->key);
        char head[64], name[64], *begin, *end, *entry;
        bool found = false;

        (void)snprintf(head, sizeof(head), ".Ss [%s%s]", row->section->name,
                       row->section->example ? " \\(dq" : "");
        if (row->section->example)
                head[strlen(head) - 1] = '\0';
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, row->key->name);
        begin = section_of(manual, head, "\n.Ss ", &end);
        if (!begin)
                fail_msg("smartmeterd.conf.5 has no %s", head);
        for (entry = strstr(begin, "\n.It Cm "); entry && entry < end && !found;
             entry = strstr(entry + 1, "\n.It Cm "))
                found = find_word(entry, strchr(entry + 1, '\n'), name, n);
        if (!found)
                fail_msg("smartmeterd.conf.5 does not explain %s", row->name);
}

/* "#Key=…" below the section's head. */
static void the_shipped_file_teaches_it(void **state)
{
        const struct key_row *row = *state;
        char head[64], line[64];
        const char *begin;

        (void)snprintf(head, sizeof(head), "[%s%s", row->section->name,
                       row->section->example ? " " : "]");
        begin = strstr(shipped, head);
        if (!begin)
                fail_msg("smartmeterd.conf has no %s", head);
        (void)snprintf(line, sizeof(line), "\n#%s", row->key->name);
        if (!strstr(begin, line)) {
                (void)snprintf(line, sizeof(line), "\n%s", row->key->name);
                if (!strstr(begin, line))
                        fail_msg("smartmeterd.conf does not teach %s", row->name);
        }
}

/* Where the shipped file shows "#Key=value" with the note "default", it is the table's. */
static void what_is_shown_as_default_is_it(void **state)
{
        const struct key_row *row = *state;
        size_t n = strlen(row->key->name);
        char head[64], line[64], value[128] = "", *begin, *end, *at;
        struct config_item *one = config_item_new(row->section, "x");
        struct config_item *other = config_item_new(row->section, "x");
        struct config_answer answer = { 0 };

        assert_true(one && other);
        (void)snprintf(head, sizeof(head), "\n%s[%s", row->section->example ? "#" : "",
                       row->section->name);
        begin = section_of(shipped, head + (row->section->example ? 1 : 0), "\n# ---", &end);
        (void)snprintf(line, sizeof(line), "\n#%s=", row->key->name);
        at = begin ? strstr(begin, line) : NULL;
        if (at && at < end && row->key->standard && row->key->name[n - 1] != '.') {
                at += strlen(line);
                (void)snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\n"), at);
                assert_int_equal(config_key_set(row->key, other, value, "", &answer), 0);
                if (!config_item_equal(one, other))
                        fail_msg("smartmeterd.conf shows %s=%s; the default is %s", row->name,
                                 value, row->key->standard);
        }
        config_item_free(one);
        config_item_free(other);
}

/* A value that is not the default; false: none of those tried. */
static bool fill(const struct key_row *row, struct config_item *item)
{
        const char *const tries[] = { "no",
                                      "yes",
                                      "7",
                                      "77",
                                      "4800",
                                      "2401 7O1",
                                      "9600 7E1",
                                      "7min",
                                      "7M",
                                      "7kW",
                                      "0.7",
                                      "aa77",
                                      "host",
                                      "native",
                                      "0.7%",
                                      "00112233445566778899aabbccddeeff",
                                      "4c475a0000000001",
                                      "debug",
                                      "UTC",
                                      "lgz-e450",
                                      "1 Mon..Fri 07:00-20:00",
                                      "/etc/hostname" };
        struct config_item *standard = config_item_new(row->section, "x");
        bool differs = false;

        for (size_t i = 0; i < ELEMENTSOF(tries) && !differs; i++) {
                struct config_answer answer = { .for_another = true };
                const char *suffix = strcmp(row->key->name, "Scale.") == 0 ? "1.8.0" : "1";

                if (config_key_set(row->key, item, tries[i], suffix, &answer) == 0)
                        differs = !config_item_equal(item, standard);
        }
        for (size_t i = 0; row->key->choice && row->key->choice(i) && !differs; i++) {
                struct config_answer answer = { 0 };

                if (config_key_set(row->key, item, row->key->choice(i), "", &answer) == 0)
                        differs = !config_item_equal(item, standard);
        }
        config_item_free(standard);
        return differs;
}

/* Under a memory checker this also shows that what a row owns is freed, once. */
static void a_change_is_noticed_and_copied(void **state)
{
        const struct key_row *row = *state;
        struct config_item *item = config_item_new(row->section, "x");
        struct config_item *same = config_item_new(row->section, "x"), *copy;
        bool from_file = strstr(row->key->name, "File") && row->key->parse != config_value_file;

        assert_true(item && same);
        assert_true(config_item_equal(item, same));
        if (!fill(row, item) && !from_file) /* secrets of files need one that is not public */
                fail_msg("no value of %s is known to this test, or a changed one is not noticed",
                         row->name);
        copy = config_item_copy(item);
        assert_non_null(copy);
        assert_true(config_item_equal(item, copy));
        if (row->key->kind == &config_string || row->key->kind == &config_secret) {
                const char *const *text = config_key_field(row->key, item);
                const char *const *other = config_key_field(row->key, copy);

                assert_true(!*text || *text != *other);
        }
        assert_null(config_item_free(item));
        assert_null(config_item_free(copy));
        assert_null(config_item_free(same));
}

/* config_value_wipe() and cipher_keys_wipe() as the linker's --wrap has them. */
static const void *wiped;
char *__real_config_value_wipe(char *secret);
char *__wrap_config_value_wipe(char *secret);
void __real_cipher_keys_wipe(struct cipher_keys *keys);
void __wrap_cipher_keys_wipe(struct cipher_keys *keys);

char *__wrap_config_value_wipe(char *secret)
{
        wiped = secret;
        return __real_config_value_wipe(secret);
}

void __wrap_cipher_keys_wipe(struct cipher_keys *keys)
{
        wiped = keys;
        __real_cipher_keys_wipe(keys);
}

/* What is freed is overwritten before: by the kind of a row, never by a line for it. */
static void a_secret_is_overwritten(void **state)
{
        const struct key_row *row = *state;
        bool is_text = row->key->kind == &config_string || row->key->kind == &config_secret;
        struct config_item *item;
        void *field;
        const void *held;

        if (!row->key->secret && row->key->kind != &config_secret)
                return;
        if (!row->key->kind->done || row->key->kind == &config_string)
                fail_msg("%s is a secret, and of a kind that is not overwritten", row->name);
        item = config_item_new(row->section, "x");
        assert_non_null(item);
        field = config_key_field(row->key, item);
        if (is_text)
                *(char **)field = strdup("secret");
        held = is_text ? *(char **)field : field;
        wiped = NULL;
        row->key->kind->done(field);
        assert_ptr_equal(wiped, held);
        config_item_free(item);
}

static void nothing_is_taught_that_is_no_key(void **state)
{
        const struct config_section *section = NULL;
        char *copy = strdup(shipped), *rest = copy;
        const char *suffix;

        for (char *line; (line = strsep(&rest, "\n"));) {
                size_t n;

                line += *line == '#';
                n = strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
                if (*line == '[') {
                        section = NULL;
                        for (size_t i = 0; outputs_section_at(i); i++)
                                if (strncmp(line + 1, outputs_section_at(i)->name,
                                            strcspn(line + 1, " ]")) == 0)
                                        section = outputs_section_at(i);
                        assert_non_null(section);
                } else if (n > 0 && isupper((unsigned char)*line) &&
                           (line[n] == '=' || line[n] == '.') && strchr(line, '=')) {
                        *strchr(line, '=') = '\0';
                        if (!section || !config_key_find(section, line, &suffix))
                                fail_msg("smartmeterd.conf names %s, which is no key", line);
                }
        }
        free(copy);
}

static void collect(void)
{
        for (size_t s = 0; outputs_section_at(s); s++)
                for (size_t k = 0; k < outputs_section_at(s)->n_keys; k++) {
                        const struct config_section *section = outputs_section_at(s);

                        assert(n_rows < ROWS_MAX);
                        (void)snprintf(names[n_rows], sizeof(names[0]), "[%s] %s", section->name,
                                       section->keys[k].name);
                        rows[n_rows] =
                                (struct key_row){ names[n_rows], section, &section->keys[k] };
                        n_rows++;
                }
}

int main(void)
{
        static struct CMUnitTest tests[7 * ROWS_MAX] = { cmocka_unit_test(
                nothing_is_taught_that_is_no_key) };
        static const CMUnitTestFunction each[] = {
                the_default_is_one_it_takes,    the_manual_explains_it,
                the_shipped_file_teaches_it,    what_is_shown_as_default_is_it,
                a_change_is_noticed_and_copied, a_secret_is_overwritten
        };
        size_t n = 1;
        int failed;

        collect();
        manual = read_file("smartmeterd.conf.5");
        shipped = read_file("smartmeterd.conf");
        for (size_t i = 0; i < ELEMENTSOF(each); i++)
                n = test_add_rows(tests, n, rows, n_rows, sizeof(rows[0]), each[i]);
        failed = _cmocka_run_group_tests("config-keys", tests, n, NULL, NULL);
        free(manual);
        free(shipped);
        return failed;
}
