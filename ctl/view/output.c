/* SPDX-License-Identifier: MIT */
#include "output.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/util.h"
#include "ctl/verb.h"
#include "json.h"

#define DEFAULT_WIDTH    80
#define TEXT_COLUMNS_MIN 30 /* narrower than this is unreadable: it is not wrapped then */
#define USEC_PER_SEC     1000000U
#define UNIT_TEXT_MAX    24

bool output_is_terminal(void)
{
        return isatty(STDOUT_FILENO);
}

bool output_has_color(void)
{
        const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

        /* no-color.org: any value that is not empty switches colours off. */
        return output_is_terminal() && !(no_color && *no_color) &&
               !(term && strcmp(term, "dumb") == 0);
}

bool output_is_utf8(void)
{
        return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

size_t output_width(void)
{
        const char *columns = getenv("COLUMNS");
        struct winsize size;
        long n = columns ? strtol(columns, NULL, 10) : 0;

        if (n > 0 && n < 10000)
                return (size_t)n;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
                return size.ws_col;
        return DEFAULT_WIDTH;
}

const char *output_style(enum style style)
{
        if (!output_has_color())
                return "";
        switch (style) {
        case STYLE_NONE:
                return "";
        case STYLE_BOLD:
                return "\033[1m";
        case STYLE_DIM:
                return "\033[2m";
        case STYLE_GOOD:
                return "\033[32m";
        case STYLE_WARN:
                return "\033[33m";
        case STYLE_BAD:
                return "\033[31m";
        }
        return "";
}

const char *output_plain(void)
{
        return output_has_color() ? "\033[0m" : "";
}

enum style output_state_style(const char *state)
{
        static const struct {
                const char *state;
                enum style style;
        } styles[] = {
                { "receiving", STYLE_GOOD },
                { "running", STYLE_GOOD },
                { "online", STYLE_GOOD },
                { "ok", STYLE_GOOD },
                { "connected", STYLE_GOOD },
                { "detecting", STYLE_WARN },
                { "waiting", STYLE_WARN },
                { "inhibited", STYLE_WARN },
                { "starting", STYLE_WARN },
                { "degraded", STYLE_WARN },
                { "silent", STYLE_BAD },
                { "no-meter", STYLE_BAD },
                { "denied", STYLE_BAD },
                { "busy", STYLE_BAD },
                { "offline", STYLE_BAD },
                { "missing", STYLE_BAD },
                { "disconnected", STYLE_BAD },
                { "unverified", STYLE_WARN },
                { "wrong-encryption-key", STYLE_BAD },
                { "wrong-authentication-key", STYLE_BAD },
                { "ignored", STYLE_DIM },
                { "gone", STYLE_DIM },
        };

        for (size_t i = 0; i < ELEMENTSOF(styles); i++)
                if (strcmp(styles[i].state, state) == 0)
                        return styles[i].style;
        return STYLE_NONE;
}

char *output_age(uint64_t since_usec, uint64_t now_usec, char buf[static OUTPUT_TEXT_MAX])
{
        uint64_t s = now_usec > since_usec ? (now_usec - since_usec) / USEC_PER_SEC : 0;

        if (since_usec == 0)
                return strcpy(buf, "-");
        if (s < 120)
                (void)snprintf(buf, OUTPUT_TEXT_MAX, "%u s", (unsigned int)s);
        else if (s < 7200)
                (void)snprintf(buf, OUTPUT_TEXT_MAX, "%u min", (unsigned int)(s / 60));
        else if (s < 172800)
                (void)snprintf(buf, OUTPUT_TEXT_MAX, "%u h", (unsigned int)(s / 3600));
        else
                (void)snprintf(buf, OUTPUT_TEXT_MAX, "%u d", (unsigned int)(s / 86400));
        return buf;
}

static char *print_time(uint64_t usec, const char *format, char buf[static OUTPUT_TEXT_MAX])
{
        time_t seconds = (time_t)(usec / USEC_PER_SEC);
        struct tm local;

        if (usec == 0 || !localtime_r(&seconds, &local))
                return strcpy(buf, "-");
        if (strftime(buf, OUTPUT_TEXT_MAX, format, &local) == 0)
                buf[0] = '\0';
        return buf;
}

char *output_time(uint64_t usec, char buf[static OUTPUT_TEXT_MAX])
{
        return print_time(usec, "%Y-%m-%d %H:%M:%S", buf);
}

char *output_clock(uint64_t usec, char buf[static OUTPUT_TEXT_MAX])
{
        return print_time(usec, "%H:%M:%S", buf);
}

char *output_time_iso(uint64_t usec, char buf[static OUTPUT_TEXT_MAX])
{
        size_t len;

        print_time(usec, "%Y-%m-%dT%H:%M:%S%z", buf);
        len = strlen(buf);
        /* strftime() writes +0100, ISO 8601's extended form and docs/design.md §2 want +01:00. */
        if (len > 5 && len + 1 < OUTPUT_TEXT_MAX) {
                memmove(buf + len - 1, buf + len - 2, 3);
                buf[len - 2] = ':';
        }
        return buf;
}

/* "m³" and "°C" for terminals that have but ASCII, where the bytes would show. */
static const char *unit_shown(const char *unit, char buf[static UNIT_TEXT_MAX])
{
        static const struct {
                const char *sign, *ascii;
        } signs[] = { { "°", "deg" }, { "³", "3" } };
        size_t n = 0;

        if (output_is_utf8())
                return unit;
        while (*unit && n + 4 < UNIT_TEXT_MAX) {
                size_t i = 0;

                while (i < ELEMENTSOF(signs) &&
                       strncmp(unit, signs[i].sign, strlen(signs[i].sign)) != 0)
                        i++;
                if (i < ELEMENTSOF(signs)) {
                        n += (size_t)sprintf(buf + n, "%s", signs[i].ascii);
                        unit += strlen(signs[i].sign);
                } else {
                        buf[n++] = *unit++;
                }
        }
        buf[n] = '\0';
        return buf;
}

static char point[8] = ".", thousands[8] = "";

void output_take_locale(void)
{
        const struct lconv *conv = localeconv();

        (void)snprintf(point, sizeof(point), "%s",
                       *conv->decimal_point ? conv->decimal_point : ".");
        (void)snprintf(thousands, sizeof(thousands), "%s", conv->thousands_sep);
}

/* "-1234567.8" as the locale writes it: "-1 234 567,8". Four digits stay together, as 1234 W. */
static char *localize(const char *number, char buf[static OUTPUT_TEXT_MAX])
{
        size_t digits = strspn(number + (*number == '-'), "0123456789");
        size_t n = 0, first = *number == '-';
        bool grouped = *thousands && digits > 4 && !strchr(number, 'e');

        for (size_t i = 0; number[i] && n + sizeof(point) < OUTPUT_TEXT_MAX; i++) {
                size_t left = first + digits - i; /* digits from here to the point */

                if (grouped && i > first && i < first + digits && left % 3 == 0)
                        n += (size_t)sprintf(buf + n, "%s", thousands);
                if (number[i] == '.')
                        n += (size_t)sprintf(buf + n, "%s", point);
                else
                        buf[n++] = number[i];
        }
        buf[n] = '\0';
        return buf;
}

char *output_value(double value, const char *unit, char buf[static OUTPUT_TEXT_MAX])
{
        static const struct {
                const char *unit, *kilo;
        } counters[] = { { "Wh", "kWh" }, { "varh", "kvarh" }, { "VAh", "kVAh" } };
        char number[JSON_DOUBLE_MAX], shown[UNIT_TEXT_MAX], local[OUTPUT_TEXT_MAX];

        if (!isfinite(value))
                return strcpy(buf, "-");
        for (size_t i = 0; i < ELEMENTSOF(counters); i++) {
                if (strcmp(unit, counters[i].unit) != 0)
                        continue;
                (void)snprintf(number, sizeof(number), "%.3f", value / 1000);
                (void)snprintf(buf, OUTPUT_TEXT_MAX, "%.40s %s", localize(number, local),
                               counters[i].kilo);
                return buf;
        }
        (void)snprintf(buf, OUTPUT_TEXT_MAX, "%.38s%s%s",
                       localize(json_double_print(value, number), local), *unit ? " " : "",
                       unit_shown(unit, shown));
        return buf;
}

char *output_money(double value, const char *currency, char buf[static OUTPUT_TEXT_MAX])
{
        char number[64], local[OUTPUT_TEXT_MAX];

        if (!isfinite(value) || fabs(value) > 1e15)
                return strcpy(buf, "-");
        (void)snprintf(number, sizeof(number), "%.2f", value);
        (void)snprintf(buf, OUTPUT_TEXT_MAX, "%.40s%s%.8s", localize(number, local),
                       *currency ? " " : "", currency);
        return buf;
}

size_t output_columns(const char *text, size_t len)
{
        size_t n = 0;

        for (size_t i = 0; i < len; i++)
                n += ((unsigned char)text[i] & 0xc0) != 0x80; /* bytes that begin a character */
        return n;
}

void output_padded(const char *text, size_t columns)
{
        size_t n = output_columns(text, strlen(text));

        printf("%s%*s", text, n < columns ? (int)(columns - n) : 0, "");
}

void output_wrapped(const char *text, size_t indent)
{
        size_t width = output_is_terminal() ? output_width() : SIZE_MAX;
        size_t at = 0, room = width > indent + TEXT_COLUMNS_MIN ? width - indent : SIZE_MAX;

        while (*text) {
                size_t len = strcspn(text, " \n");

                if (at > 0 && at + 1 + output_columns(text, len) > room) {
                        printf("\n%*s", (int)indent, "");
                        at = 0;
                }
                printf("%s%.*s", at ? " " : "", (int)len, text);
                at += output_columns(text, len) + (at > 0);
                text += len;
                text += strspn(text, " \n");
        }
        printf("\n");
}

static uint64_t now_usec(clockid_t clock)
{
        struct timespec now;

        (void)clock_gettime(clock, &now); /* cannot fail for these clocks */
        return (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

uint64_t output_now_usec(void)
{
        return now_usec(CLOCK_REALTIME);
}

uint64_t output_mono_usec(void)
{
        return now_usec(CLOCK_MONOTONIC);
}

/* A word of the user, with its prefix. */
static void say_line(const char *before, const char *format, va_list arguments)
{
        OWNED_FREE char *text = NULL;
        size_t len;

        if (vasprintf(&text, format, arguments) < 0) {
                text = NULL;
                fprintf(stderr, "%s%s\n", before, strerror(ENOMEM));
                return;
        }
        len = strlen(text);
        if (len > 0 && text[len - 1] == '\n')
                text[len - 1] = '\0';
        fprintf(stderr, "%s%s\n", before, text_clean(text));
}

void output_say_list(const char *format, va_list arguments)
{
        say_line("", format, arguments);
}

void output_say(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        say_line("", format, arguments);
        va_end(arguments);
}

int output_fail(const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        say_line("smctl: ", format, arguments);
        va_end(arguments);
        return EXIT_FAILED;
}
