/* SPDX-License-Identifier: MIT */
/*
 * Every telegram of the profiles, and every synthetic one of this folder: whole, byte by byte,
 * after garbage, twice in a row; cut at every length and with every byte damaged, which may give
 * nothing, or what was sent, but no reading of a frame that proves itself. A profile has one
 * telegram at least, and that telegram is its own.
 */
#include <dirent.h>
#include <unistd.h>

#include "lib/decoder.h"
#include "lib/dlms/raw.h"
#include "lib/link/link.h"
#include "sim-files.h"
#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

/* The garbage looks like the head of an M-Bus frame, whose length may have overflowed. */
#define GARBAGE_CLAIMS_BYTES 512

#define FILES_MAX 128
#define BYTES_MAX 8192

static struct telegram_file {
        const char *name;
        char text[128];
        char profile[64]; /* whose folder it is in, or "" */
        char *expect;
        struct cipher_keys keys;
        uint8_t bytes[BYTES_MAX];
        size_t len;
        bool proven; /* came in a framing with a check sum */
} files[FILES_MAX];
static size_t n_files;

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        return userdata;
}

/* A line of the expectation that the telegram does not have is a failure, and a value too many. */
static bool matches(const struct telegram *t, const char *expect, const char **ret_why)
{
        char text[DATETIME_TEXT_MAX], *print = NULL;
        size_t size, n_values = 0;
        FILE *out = open_memstream(&print, &size);
        bool ok = true;
        static char line[256];

        (void)datetime_print(&t->time, text);
        (void)fprintf(out, "\nmeter %s\ntime %s\nencrypted %s\n", t->meter_id, text,
                      t->encrypted ? "yes" : "no");
        for (size_t i = 0; i < t->n_readings; i++)
                sim_files_print_value(out, t->readings[i].obis, t->readings[i].value,
                                      unit_name(t->readings[i].unit));
        for (size_t i = 0; i < t->n_texts; i++)
                sim_files_print_text(out, t->texts[i].obis, t->texts[i].label, t->texts[i].value);
        (void)fclose(out);
        for (const char *p = expect; *p && ok; p = strchr(p, '\n') + 1) {
                (void)snprintf(line, sizeof(line), "\n%.*s\n", (int)strcspn(p, "\n"), p);
                n_values += strncmp(p, "value ", 6) == 0;
                ok = strstr(print, line) != NULL;
                *ret_why = line;
        }
        if (ok && n_values != t->n_readings) {
                ok = false;
                *ret_why = "values that were not sent";
        }
        free(print);
        return ok;
}

/* Counts readable telegrams. Each must be the expected one when it claims to be proven. */
static void drain(struct decoder *d, struct telegram_file *f, bool damaged, size_t *n)
{
        struct decoder_event event;
        const char *why = "";

        while (decoder_next(d, &event) > 0) {
                if (event.type != DECODER_TELEGRAM)
                        continue;
                if (event.telegram->status != TELEGRAM_OK) {
                        assert_int_equal(event.telegram->n_readings, 0);
                        continue;
                }
                (*n)++;
                f->proven = link_find(event.framing)->proves_itself;
                if (damaged && !f->proven)
                        continue;
                if (!matches(event.telegram, f->expect, &why))
                        fail_msg("%s: %s", f->name, why);
                if (*f->profile && (!event.telegram->profile ||
                                    strcmp(event.telegram->profile->name, f->profile) != 0))
                        fail_msg("%s: it is taken for one of %s", f->name,
                                 event.telegram->profile ? event.telegram->profile->name : "none");
        }
}

static size_t decode(struct telegram_file *f, struct slice bytes, size_t step, bool damaged)
{
        struct decoder_options options = { .profiles = known_profiles(),
                                           .keyring = { .find = find_keys, .userdata = &f->keys },
                                           .input = raw_is_all(bytes) ? SCANNER_UNFRAMED
                                                                      : SCANNER_FILE };
        struct decoder *d = NULL;
        size_t n = 0;

        assert_int_equal(decoder_new(&options, &d), 0);
        for (size_t at = 0; at < bytes.len; at += step) {
                decoder_feed(d, (struct slice){ bytes.data + at, MIN(step, bytes.len - at) });
                drain(d, f, damaged, &n);
        }
        decoder_finish(d);
        drain(d, f, damaged, &n);
        decoder_free(d);
        return n;
}

static void run_file(void **state)
{
        static const uint8_t garbage[] = { 0x00, 0x7e, 0xa0, 0x84, 0x68, 0xfa, 0xfa,
                                           0x68, 0x2f, 0x1b, 0x1b, 0xff, 0x0d, 0x0a };
        struct telegram_file *f = *state;
        static uint8_t stream[3 * BYTES_MAX];
        size_t n = sizeof(garbage), copies, found;

        if (f->len == 0)
                fail_msg("%s: a profile needs a telegram that proves it", f->name);
        assert_int_equal(decode(f, (struct slice){ f->bytes, f->len }, f->len, false), 1);
        assert_int_equal(decode(f, (struct slice){ f->bytes, f->len }, 1, false), 1);

        f->keys.has_auth_key = false; /* what comes twice would be refused as replayed */
        copies = GARBAGE_CLAIMS_BYTES / f->len + 2;
        memcpy(stream, garbage, n);
        for (size_t i = 0; i < copies; i++, n += f->len)
                memcpy(stream + n, f->bytes, f->len);
        assert_int_equal(
                decode(f, (struct slice){ stream + sizeof(garbage), 2 * f->len }, n, false), 2);
        /* What has no check sum is not believed behind garbage. */
        found = decode(f, (struct slice){ stream, n }, 13, false);
        assert_true(found == copies || (!f->proven));

        for (size_t cut = 0; cut < f->len; cut++)
                (void)decode(f, (struct slice){ f->bytes, cut }, BYTES_MAX, true);
        for (size_t at = 0; at < f->len; at++) {
                memcpy(stream, f->bytes, f->len);
                stream[at] ^= 0xff;
                (void)decode(f, (struct slice){ stream, f->len }, BYTES_MAX, true);
        }
}

static char *read_all(const char *folder, const char *name, const char *ending)
{
        char path[4096], *text = NULL;
        size_t size = 0;
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/%s%s", folder, name, ending);
        file = fopen(path, "re");
        if (!file || getdelim(&text, &size, '\0', file) < 0) {
                perror(path);
                exit(1);
        }
        (void)fclose(file);
        return text;
}

static void take_line(struct telegram_file *f, const char *line)
{
        const char *fault;
        unsigned int byte;

        if (strncmp(line, "# key: ", 7) == 0) {
                f->keys.has_key = cipher_key_parse(line + 7, f->keys.key, &fault) == 0;
        } else if (strncmp(line, "# auth_key: ", 12) == 0) {
                f->keys.has_auth_key = cipher_key_parse(line + 12, f->keys.auth_key, &fault) == 0;
        } else if (line[0] != '#') {
                for (int n; f->len < BYTES_MAX && sscanf(line, "%2x%n", &byte, &n) == 1; line += n)
                        f->bytes[f->len++] = (uint8_t)byte;
        }
}

static struct telegram_file *add(const char *profile, const char *name)
{
        struct telegram_file *f = &files[n_files];

        if (n_files == FILES_MAX) {
                (void)fprintf(stderr, "more than %d telegrams: raise FILES_MAX\n", FILES_MAX);
                exit(1);
        }
        n_files++;
        (void)snprintf(f->profile, sizeof(f->profile), "%s", profile);
        (void)snprintf(f->text, sizeof(f->text), "%s%s%s", profile, *profile ? "/" : "", name);
        f->name = f->text;
        return f;
}

static void load(const char *folder, const char *profile, const char *file)
{
        char name[96], *hex, *rest;
        struct telegram_file *f;

        (void)snprintf(name, sizeof(name), "%.*s", (int)(strlen(file) - 4), file);
        f = add(profile, name);
        f->expect = read_all(folder, name, ".expect");
        hex = rest = read_all(folder, name, ".hex");
        for (char *line; (line = strsep(&rest, "\n"));)
                take_line(f, line);
        free(hex);
}

static size_t load_folder(const char *path, const char *profile)
{
        DIR *dir = opendir(path);
        size_t n = 0;

        for (struct dirent *entry; dir && (entry = readdir(dir));) {
                size_t length = strlen(entry->d_name);

                if (length > 4 && strcmp(entry->d_name + length - 4, ".hex") == 0) {
                        load(path, profile, entry->d_name);
                        n++;
                }
        }
        if (dir)
                (void)closedir(dir);
        return n;
}

/* A new folder is found: nothing lists them. */
static void load_profiles(const char *root)
{
        DIR *dir = opendir(root);
        char path[4096];

        for (struct dirent *entry; dir && (entry = readdir(dir));) {
                (void)snprintf(path, sizeof(path), "%s/%s/profile", root, entry->d_name);
                if (*entry->d_name == '.' || access(path, F_OK) < 0)
                        continue;
                (void)snprintf(path, sizeof(path), "%s/%s", root, entry->d_name);
                if (load_folder(path, entry->d_name) == 0)
                        (void)add(entry->d_name, "nothing");
        }
        if (dir)
                (void)closedir(dir);
}

static int by_name(const void *a, const void *b)
{
        const struct telegram_file *x = a, *y = b;

        return strcmp(x->text, y->text);
}

int main(int argc, char **argv)
{
        int r;

        if (argc != 3) {
                (void)fprintf(stderr, "usage: test-sim-files PROFILES FOLDER\n");
                return 2;
        }
        load_profiles(argv[1]);
        (void)load_folder(argv[2], "");
        qsort(files, n_files, sizeof(files[0]), by_name);
        for (size_t i = 0; i < n_files; i++)
                files[i].name = files[i].text;
        r = test_run_rows("sim-files", files, n_files, sizeof(files[0]), run_file);
        for (size_t i = 0; i < n_files; i++)
                free(files[i].expect);
        return n_files == 0 ? 1 : r;
}
