/* SPDX-License-Identifier: MIT */
#include "report-names.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/array.h"
#include "base/hex.h"
#include "base/util.h"
#include "report-spelling.h"

#define NAMES_MAX         4096
#define NAME_MIN          5 /* characters */
#define FILL_MIN          16
#define SHARED_MIN        6    /* characters that two names share: the same number inside both */
#define NAME_MAX_TEXT     4096 /* the longest text of a telegram, in hex */
#define MAKER_LETTERS     3
#define NUMBER_DIGITS_MAX 20

static struct slice text_of(const struct report_name *name)
{
        return (struct slice){ name->text, name->n };
}

static struct slice substitute_of(const struct report_name *name)
{
        return (struct slice){ name->substitute, name->n };
}

void report_names_done(struct report_names *names)
{
        for (size_t i = 0; i < names->n; i++) {
                if (names->items[i].secret)
                        explicit_bzero(names->items[i].text, names->items[i].n);
                free(names->items[i].text);
                free(names->items[i].substitute);
        }
        free(names->items);
        *names = (struct report_names){ 0 };
}

static struct report_name *find(const struct report_names *names, struct slice text)
{
        for (size_t i = 0; i < names->n; i++)
                if (names->items[i].n == text.len &&
                    strncasecmp((const char *)names->items[i].text, (const char *)text.data,
                                text.len) == 0)
                        return &names->items[i];
        return NULL;
}

static int append(struct report_names *names, struct slice text, struct report_name **ret)
{
        struct report_name *name;

        if (!ARRAY_GROW(names->items, names->n, names->room))
                return -ENOMEM;
        name = &names->items[names->n];
        *name = (struct report_name){ .text = malloc(text.len),
                                      .substitute = malloc(text.len),
                                      .n = text.len };
        if (!name->text || !name->substitute) {
                free(name->text);
                free(name->substitute);
                return -ENOMEM;
        }
        memcpy(name->text, text.data, text.len);
        names->n++;
        *ret = name;
        return 0;
}

/* Zeros alone are an empty slot, and many of one character fill a message. */
static bool is_telling(struct slice text)
{
        size_t telling = 0, same = 0;

        for (size_t i = 0; i < text.len; i++) {
                telling += text.data[i] != '0' && isalnum(text.data[i]);
                same += text.data[i] == text.data[0];
        }
        return text.len >= NAME_MIN && text.len <= NAME_MAX_TEXT && telling > 0 &&
               (same < text.len || text.len < FILL_MIN);
}

static bool is_hex(struct slice text)
{
        for (size_t i = 0; i < text.len; i++)
                if (hex_digit(text.data[i]) < 0)
                        return false;
        return text.len > 0 && text.len % 2 == 0;
}

static bool are_capitals(struct slice text, size_t at)
{
        for (size_t i = 0; i < MAKER_LETTERS; i++)
                if (!isupper(slice_at(text, at + i)))
                        return false;
        return true;
}

/* The same of letters that are written in hex from `at` on. */
static bool are_hex_capitals(struct slice text, size_t at)
{
        uint8_t letters[MAKER_LETTERS];

        if (text.len < at + 2 * MAKER_LETTERS + 2)
                return false;
        for (size_t i = 0; i < MAKER_LETTERS; i++)
                letters[i] = (uint8_t)(hex_digit(text.data[at + 2 * i]) << 4 |
                                       hex_digit(text.data[at + 2 * i + 1]));
        return are_capitals((struct slice){ letters, sizeof(letters) }, 0);
}

#define DIN_DIGITS 20 /* 0A, medium, maker, block, and four bytes of serial number, in hex */
#define DIN_SERIAL 12

static bool is_din_id(struct slice text)
{
        return is_hex(text) && text.len == DIN_DIGITS && text.data[0] == '0' &&
               (text.data[1] | 0x20) == 'a' && are_hex_capitals(text, 4);
}

/* How much of the beginning is the maker: of a name, a system title, a server id (DIN 43863-5). */
static size_t maker_length(struct slice text)
{
        if (is_din_id(text))
                return DIN_SERIAL;
        if (is_hex(text) && are_hex_capitals(text, 0))
                return (size_t)2 * MAKER_LETTERS;
        if (isdigit(slice_at(text, 0)) && are_capitals(text, 1) && isdigit(slice_at(text, 4)))
                return 1 + MAKER_LETTERS;
        return are_capitals(text, 0) && text.len > MAKER_LETTERS ? MAKER_LETTERS : 0;
}

/* The part of a name that is a number: the longest run of digits behind the maker; all of hex. */
static struct slice core_of(struct slice text)
{
        size_t maker = maker_length(text);
        struct slice best = { 0 };

        if (maker > 0 && is_hex(text))
                return slice_from(text, maker);
        for (size_t at = maker; at < text.len;) {
                size_t n = 0;

                while (at + n < text.len && isdigit(text.data[at + n]))
                        n++;
                if (n > best.len)
                        best = slice_first(slice_from(text, at), n);
                at += n + 1;
        }
        return best;
}

int report_names_add(struct report_names *names, struct slice text)
{
        struct slice core = core_of(text);
        struct report_name *ignored;
        int r;

        while (text.len > 0 && isspace(text.data[0]))
                text = slice_from(text, 1);
        while (text.len > 0 && (isspace(text.data[text.len - 1]) || text.data[text.len - 1] == 0))
                text.len--;
        if (!is_telling(text) || find(names, text))
                return 0;
        if (names->n >= NAMES_MAX)
                return -E2BIG;
        r = append(names, text, &ignored);
        if (r == 0 && core.len >= SHARED_MIN && core.len < text.len && is_telling(core) &&
            !find(names, core))
                r = append(names, core, &ignored);
        return r;
}

static bool is_printable(struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++)
                if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
                        return false;
        return bytes.len > 0;
}

int report_names_add_bytes(struct report_names *names, struct slice bytes)
{
        OWNED_FREE char *hex = NULL;

        if (is_printable(bytes))
                return report_names_add(names, bytes);
        if (bytes.len == 0 || bytes.len > NAME_MAX_TEXT / 2)
                return 0;
        hex = malloc(2 * bytes.len);
        if (!hex)
                return -ENOMEM;
        hex_put(bytes.data, bytes.len, hex);
        return report_names_add(names, (struct slice){ (const uint8_t *)hex, 2 * bytes.len });
}

int report_names_add_harmless(struct report_names *names, struct slice text)
{
        struct report_name *name = find(names, text);
        int r = 0;

        if (name || text.len == 0)
                return 0; /* who it is counts more */
        r = append(names, text, &name);
        if (r == 0)
                name->harmless = true;
        return r;
}

int report_names_add_secret(struct report_names *names, struct slice bytes)
{
        char hex[2 * 64];
        struct report_name *name;
        int r;

        if (bytes.len == 0 || bytes.len > sizeof(hex) / 2)
                return -EINVAL;
        hex_put(bytes.data, bytes.len, hex);
        r = append(names, (struct slice){ (const uint8_t *)hex, 2 * bytes.len }, &name);
        explicit_bzero(hex, sizeof(hex));
        if (r == 0)
                name->secret = true;
        return r;
}

/* ---- substitutes ---- */

static int random_below(unsigned int limit)
{
        uint32_t number;

        if (getrandom(&number, sizeof(number), 0) != sizeof(number))
                return -EIO;
        return (int)(number % limit);
}

static int draw(uint8_t c, bool hex)
{
        int n;

        if (isdigit(c)) {
                n = random_below(10);
                return n < 0 ? n : '0' + n;
        }
        if (!isalpha(c))
                return c;
        n = random_below(hex ? 6 : 26);
        return n < 0 ? n : (isupper(c) ? 'A' : 'a') + n;
}

/*
 * The firmware of a meter goes by the first digits of its serial number (DZG: whether a number is
 * signed), so the first two of eight stay.
 */
static int draw_din_serial(struct report_name *name)
{
        char digits[16], drawn[16];
        unsigned long serial;
        int n;

        (void)snprintf(digits, sizeof(digits), "%.8s", (const char *)name->text + DIN_SERIAL);
        serial = strtoul(digits, NULL, 16);
        n = random_below(1000000);
        if (n < 0)
                return n;
        (void)snprintf(drawn, sizeof(drawn), "%08lx",
                       (serial - serial % 1000000 + (unsigned long)n) & 0xffffffffUL);
        for (size_t i = 0; i < 8; i++)
                name->substitute[DIN_SERIAL + i] =
                        (uint8_t)(isupper(digits[i]) ? toupper(drawn[i]) : drawn[i]);
        return 0;
}

/* A substitute of digits must not need more bytes as a number than what it stands for. */
static void fit_number(struct report_name *name, size_t at, size_t n)
{
        uint8_t number[SPELLING_ROOM(NUMBER_DIGITS_MAX)];
        struct slice text = slice_first(slice_from(text_of(name), at), n);
        struct slice substitute = slice_first(slice_from(substitute_of(name), at), n);
        size_t bytes = n > NUMBER_DIGITS_MAX ? 0 : spelling_write(text, SPELLING_NUMBER, 0, number);
        size_t first = 0;

        while (first < n && text.data[first] == '0')
                first++;
        for (size_t i = first; bytes > 0 && i < n; i++) {
                if (spelling_write(substitute, SPELLING_NUMBER, bytes, number) > 0)
                        return;
                name->substitute[at + i] = i == first ? '1' : '0';
        }
}

static void fit_numbers(struct report_name *name, size_t from)
{
        for (size_t at = from, n; at < name->n; at += n + 1) {
                for (n = 0; at + n < name->n && isdigit(name->text[at + n]); n++)
                        ;
                if (n >= NAME_MIN)
                        fit_number(name, at, n);
        }
}

static int draw_all(struct report_name *name)
{
        struct slice text = text_of(name);
        size_t keep = maker_length(text);
        bool hex = is_hex(text), leading = true;

        memcpy(name->substitute, name->text, name->n);
        if (is_din_id(text))
                return draw_din_serial(name);
        for (size_t i = keep; i < name->n; i++) {
                bool was_leading = leading;
                int c = name->text[i];

                leading = leading && c == '0';
                if (!leading)
                        c = draw(name->text[i], hex);
                if (c < 0)
                        return c;
                if (was_leading && !leading && c == '0')
                        c = '7'; /* as many zeros in front as before, and never zeros alone */
                name->substitute[i] = (uint8_t)c;
        }
        fit_numbers(name, keep);
        return 0;
}

/* The longest run of both, from SHARED_MIN on. */
static size_t find_shared(struct slice a, struct slice b, size_t *ret_a, size_t *ret_b)
{
        size_t best = SHARED_MIN - 1;

        for (size_t i = 0; i + best < a.len; i++)
                for (size_t k = 0; k + best < b.len; k++) {
                        size_t n = 0;

                        while (i + n < a.len && k + n < b.len &&
                               toupper(a.data[i + n]) == toupper(b.data[k + n]))
                                n++;
                        if (n > best) {
                                best = n;
                                *ret_a = i;
                                *ret_b = k;
                        }
                }
        return best >= SHARED_MIN ? best : 0;
}

/* The same number inside a longer name has a substitute already. */
static void take_shared(struct report_name *name, const struct report_name *longer)
{
        size_t at = 0, from = 0;
        size_t n = find_shared(text_of(name), text_of(longer), &at, &from);

        for (size_t i = 0; i < n; i++) {
                uint8_t c = longer->substitute[from + i];

                name->substitute[at + i] = (uint8_t)(isupper(name->text[at + i])   ? toupper(c)
                                                     : islower(name->text[at + i]) ? tolower(c)
                                                                                   : c);
        }
}

static int by_length(const void *a, const void *b)
{
        const struct report_name *x = a, *y = b;

        return x->n < y->n ? 1 : x->n > y->n ? -1 : memcmp(x->text, y->text, x->n);
}

int report_names_choose(struct report_names *names)
{
        if (names->n > 0)
                qsort(names->items, names->n, sizeof(*names->items), by_length);
        for (size_t i = 0; i < names->n; i++) {
                struct report_name *name = &names->items[i];
                int r;

                if (name->secret || name->harmless)
                        continue;
                r = draw_all(name);
                if (r < 0)
                        return r;
                for (size_t k = 0; k < i && !is_din_id(text_of(name)); k++)
                        if (!names->items[k].secret && !names->items[k].harmless)
                                take_shared(name, &names->items[k]);
        }
        return 0;
}

/* ---- replacing and looking ---- */

/* A reading that is the same number as a name stays: it says nothing of the name. */
static bool is_used(const struct report_name *name, enum spelling spelling)
{
        bool number = spelling == SPELLING_NUMBER || spelling == SPELLING_NUMBER_BACKWARDS;

        return !name->harmless && !(name->reading && number);
}

void report_names_spare(struct report_names *names, int64_t number)
{
        char digits[24];
        size_t n = (size_t)snprintf(digits, sizeof(digits), "%lld", (long long)number);

        for (size_t i = 0; i < names->n; i++) {
                struct slice text = text_of(&names->items[i]);

                while (text.len > 1 && text.data[0] == '0')
                        text = slice_from(text, 1);
                if (text.len == n && memcmp(text.data, digits, n) == 0)
                        names->items[i].reading = true;
        }
}

static void replace_spelling(const struct report_name *name, enum spelling spelling, uint8_t *bytes,
                             size_t n)
{
        uint8_t from[SPELLING_ROOM(NAME_MAX_TEXT)], to[SPELLING_ROOM(NAME_MAX_TEXT)];
        size_t length = spelling_write(text_of(name), spelling, 0, from);
        uint8_t *at = bytes;

        if (length == 0 || spelling_write(substitute_of(name), spelling, length, to) == 0)
                return;
        while ((at = memmem(at, n - (size_t)(at - bytes), from, length))) {
                memcpy(at, to, length);
                at += length;
        }
}

void report_names_replace(const struct report_names *names, uint8_t *bytes, size_t n)
{
        for (size_t i = 0; i < names->n; i++)
                for (enum spelling s = 0; s < SPELLING_N && !names->items[i].secret; s++)
                        if (is_used(&names->items[i], s))
                                replace_spelling(&names->items[i], s, bytes, n);
}

const uint8_t *report_names_substitute(const struct report_names *names, struct slice text)
{
        const struct report_name *name = find(names, text);

        return name && !name->secret && !name->harmless ? name->substitute : NULL;
}

const char *report_names_find(const struct report_names *names, struct slice bytes)
{
        uint8_t wanted[SPELLING_ROOM(NAME_MAX_TEXT)];

        for (size_t i = 0; i < names->n && bytes.len > 0; i++)
                for (enum spelling s = 0; s < SPELLING_N; s++) {
                        size_t n =
                                !is_used(&names->items[i], s)
                                        ? 0
                                        : spelling_write(text_of(&names->items[i]), s, 0, wanted);

                        if (n > 0 && memmem(bytes.data, bytes.len, wanted, n))
                                return spelling_name(s);
                }
        return NULL;
}
