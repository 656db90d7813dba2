/* SPDX-License-Identifier: MIT */
#include "csv.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/util.h"
#include "ctl/i18n.h"

int csv_init(struct csv *csv, FILE *stream, const char *name)
{
        *csv = (struct csv){ .stream = stream, .name = name };
        csv->fields = reallocarray(NULL, CSV_FIELDS_MAX, sizeof(*csv->fields));
        csv->text = malloc(CSV_LINE_MAX + 1);
        if (csv->fields && csv->text)
                return 0;
        csv_done(csv);
        return -ENOMEM;
}

void csv_done(struct csv *csv)
{
        free(csv->fields);
        free(csv->text);
        *csv = (struct csv){ 0 };
}

static void fail_at(const struct csv *csv, size_t column, const char *format, va_list arguments)
{
        char text[512];

        (void)vsnprintf(text, sizeof(text), format, arguments);
        (void)fprintf(stderr, "%s:%zu:%zu: %s\n", csv->name, csv->line, column, text_clean(text));
}

int csv_fail(const struct csv *csv, size_t field, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        fail_at(csv, field < csv->n ? csv->fields[field].column : 1, format, arguments);
        va_end(arguments);
        return -EBADMSG;
}

__attribute__((format(printf, 3, 4))) static int fail_line(const struct csv *csv, size_t column,
                                                           const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        fail_at(csv, column, format, arguments);
        va_end(arguments);
        return -EBADMSG;
}

static bool is_end(const struct csv *csv, char c)
{
        return c == '\0' || c == csv->separator;
}

/* Letters, not bytes: where an editor's cursor stands. */
static size_t column_of(const char *line, const char *at)
{
        size_t column = 1;

        while (line < at) {
                size_t n = text_letter(line);

                line += n ? n : 1;
                column++;
        }
        return column;
}

/* The quoted text from `*at`, "" meaning one quote, is moved together. */
static int take_quoted(const struct csv *csv, char **at)
{
        char *from = *at + 1, *to = *at + 1;

        for (; *from; from++) {
                if (*from == '"' && from[1] != '"')
                        break;
                from += *from == '"';
                *to++ = *from;
        }
        if (*from != '"')
                return fail_line(csv, 1, _("a quoted field does not end with its line"));
        for (from++; *from == ' ' && !is_end(csv, *from);)
                from++;
        if (!is_end(csv, *from))
                return fail_line(csv, 1, _("text follows a quoted field"));
        *at = from;
        if (to < from)
                *to = '\0';
        return 0;
}

/* Of plain text the blanks around it are no part. */
static void take_plain(const struct csv *csv, char **at)
{
        char *end = *at;

        while (!is_end(csv, *end))
                end++;
        *at = end;
}

static int take_field(struct csv *csv, const char *line, char **at)
{
        struct csv_field *field = &csv->fields[csv->n];
        bool quoted;
        char *last;
        int r = 0;

        while (**at == ' ' && !is_end(csv, **at))
                (*at)++;
        quoted = **at == '"';
        *field = (struct csv_field){ .text = *at + quoted, .column = column_of(line, *at) };
        if (quoted)
                r = take_quoted(csv, at);
        else
                take_plain(csv, at);
        if (r < 0)
                return r;
        csv->n++;
        last = *at;
        while (!quoted && last > field->text && last[-1] == ' ')
                *--last = '\0';
        return 0;
}

static int split(struct csv *csv, char *line)
{
        char *at = line;

        csv->n = 0;
        for (;;) {
                bool more;
                int r;

                if (csv->n == CSV_FIELDS_MAX)
                        return fail_line(csv, 1, _("more than %d fields"), CSV_FIELDS_MAX);
                r = take_field(csv, line, &at);
                if (r < 0)
                        return r;
                more = *at == csv->separator;
                *at = '\0';
                if (!more)
                        return 0;
                at++;
        }
}

/* The head of the table decides: whichever there are most of. */
static char separator_of(const char *line)
{
        static const char choice[] = ",;\t";
        size_t count[sizeof(choice) - 1] = { 0 }, best = 0;

        for (; *line; line++)
                for (size_t i = 0; i < ELEMENTSOF(count); i++)
                        count[i] += *line == choice[i];
        for (size_t i = 1; i < ELEMENTSOF(count); i++)
                if (count[i] > count[best])
                        best = i;
        return choice[best];
}

/* The letters of a line up to its end. 1, 0 at the end of the file. */
static int read_letters(struct csv *csv, size_t *ret_n)
{
        size_t n = 0;
        int c;

        while ((c = getc_unlocked(csv->stream)) != EOF && c != '\n') {
                if (n == CSV_LINE_MAX)
                        return fail_line(csv, 1, _("a line of more than %d bytes"), CSV_LINE_MAX);
                if (c == '\0')
                        return fail_line(csv, 1,
                                         _("this is no text: it has zeros (is it UTF-16?)"));
                csv->text[n++] = (char)c;
        }
        if (ferror(csv->stream))
                return fail_line(csv, 1, "%s", strerror(errno));
        *ret_n = n;
        return c != EOF || n > 0;
}

/* Without the end of the line, and what some programs put before the first one. */
static int read_line(struct csv *csv, char **ret)
{
        size_t n = 0;
        int r;

        csv->line++;
        csv->n = 0;
        r = read_letters(csv, &n);
        if (r == 0 && csv->line > 1)
                csv->line--; /* an error behind the last line is one of that */
        if (r <= 0)
                return r;
        n -= n > 0 && csv->text[n - 1] == '\r';
        csv->text[n] = '\0';
        *ret = csv->text;
        if (csv->line == 1 && strncmp(csv->text, "\xef\xbb\xbf", 3) == 0)
                *ret += 3;
        return 1;
}

int csv_next(struct csv *csv)
{
        char *line = NULL;
        int r;

        do {
                r = read_line(csv, &line);
                if (r <= 0)
                        return r;
        } while (line[strspn(line, " \t")] == '\0');
        if (!csv->separator)
                csv->separator = separator_of(line);
        r = split(csv, line);
        return r < 0 ? r : 1;
}

/* Digits with one point; *at is moved behind them. Further digits than a double has are cut. */
static bool take_digits(const struct csv *csv, const char **at, double *ret)
{
        uint64_t mantissa = 0;
        int exponent = 0, n = 0;
        bool point = false;

        for (;; (*at)++) {
                bool is_point = **at == '.' || (**at == ',' && csv->separator != ',');

                if (is_point && !point) {
                        point = true;
                } else if (isdigit((unsigned char)**at)) {
                        bool fits = mantissa < UINT64_C(100000000000000000);

                        if (fits)
                                mantissa = mantissa * 10 + (uint64_t)(**at - '0');
                        exponent += (fits ? 0 : 1) - (point ? 1 : 0);
                        n++;
                } else {
                        break;
                }
        }
        *ret = exponent < 0 ? (double)mantissa / pow(10, -exponent)
                            : (double)mantissa * pow(10, exponent);
        return n > 0;
}

/* Whatever the locale says of points and commas. */
bool csv_number(const struct csv *csv, const char *text, double *ret)
{
        double sign = *text == '-' ? -1 : 1, number, exponent = 0;
        bool negative;

        text += *text == '-' || *text == '+';
        if (!take_digits(csv, &text, &number))
                return false;
        if (*text == 'e' || *text == 'E') {
                text++;
                negative = *text == '-';
                text += negative || *text == '+';
                if (!take_digits(csv, &text, &exponent) || exponent > 300)
                        return false;
                exponent = negative ? -exponent : exponent;
        }
        *ret = sign * number * pow(10, exponent);
        return !*text && isfinite(*ret);
}
