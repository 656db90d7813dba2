/* SPDX-License-Identifier: MIT */
#include "config-value.h"

#include <ctype.h>
#include <errno.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/util.h"
#include "log.h"

#define ZONEINFO "/usr/share/zoneinfo"

void config_answer(struct config_answer *answer, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(answer->text, sizeof(answer->text), format, arguments);
        va_end(arguments);
}

int config_value_boolean(const char *value, const char *suffix, void *field,
                         struct config_answer *ret)
{
        static const char *const yes[] = { "yes", "true", "on", "1" };
        static const char *const no[] = { "no", "false", "off", "0" };

        for (size_t i = 0; i < ELEMENTSOF(yes); i++) {
                if (strcasecmp(value, yes[i]) == 0 || strcasecmp(value, no[i]) == 0) {
                        *(bool *)field = strcasecmp(value, yes[i]) == 0;
                        return 0;
                }
        }
        config_answer(ret, "write yes or no");
        return -EINVAL;
}

struct unit_factor {
        const char *name;
        uint64_t factor;
};

static const struct unit_factor durations[] = {
        { "us", 1 },
        { "ms", 1000 },
        { "", 1000000 },
        { "s", 1000000 },
        { "sec", 1000000 },
        { "m", 60 * 1000000ULL },
        { "min", 60 * 1000000ULL },
        { "h", 3600 * 1000000ULL },
        { "d", 24 * 3600 * 1000000ULL },
        { NULL, 0 },
};

static const struct unit_factor sizes[] = {
        { "", 1 },        { "B", 1 },         { "K", 1 << 10 },    { "KiB", 1 << 10 },
        { "M", 1 << 20 }, { "MiB", 1 << 20 }, { "G", 1ULL << 30 }, { "GiB", 1ULL << 30 },
        { NULL, 0 },
};

/* One "5min" at *text; moves behind it. */
static int parse_amount(const char **text, const struct unit_factor *units, uint64_t *ret)
{
        const char *p = *text;
        uint64_t number = 0;

        if (!isdigit((unsigned char)*p))
                return -EINVAL;
        for (; isdigit((unsigned char)*p); p++)
                if (__builtin_mul_overflow(number, 10, &number) ||
                    __builtin_add_overflow(number, *p - '0', &number))
                        return -ERANGE;
        while (*p == ' ')
                p++;

        size_t len = 0;
        while (isalpha((unsigned char)p[len]))
                len++;
        for (; units->name; units++)
                if (strlen(units->name) == len && strncmp(units->name, p, len) == 0)
                        break;
        if (!units->name)
                return -EINVAL;

        *text = p + len;
        return __builtin_mul_overflow(number, units->factor, ret) ? -ERANGE : 0;
}

/* "1h 30min": amounts one after the other, added up. */
static int parse_amounts(const char *text, const struct unit_factor *units, uint64_t *ret)
{
        uint64_t sum = 0;

        do {
                uint64_t amount;

                int r = parse_amount(&text, units, &amount);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(sum, amount, &sum))
                        return -ERANGE;
                while (*text == ' ')
                        text++;
        } while (*text);
        *ret = sum;
        return 0;
}

int config_value_duration(const char *value, const char *suffix, void *field,
                          struct config_answer *ret)
{
        uint64_t usec;

        /* A year is as good as never, and sums with clocks stay far from overflow. */
        if (parse_amounts(value, durations, &usec) < 0 || usec > 366 * 24 * 3600 * 1000000ULL) {
                config_answer(ret, "write a time like 30s, 5min or 1h 30min");
                return -EINVAL;
        }
        *(uint64_t *)field = usec;
        return 0;
}

int config_value_duration_some(const char *value, const char *suffix, void *field,
                               struct config_answer *ret)
{
        uint64_t usec;

        int r = config_value_duration(value, suffix, &usec, ret);
        if (r == 0 && usec == 0) {
                config_answer(ret, "0 would never do anything; write a time like 5min");
                r = -EINVAL;
        }
        if (r == 0)
                *(uint64_t *)field = usec;
        return r;
}

int config_value_bytes(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        uint64_t bytes;

        if (parse_amount(&value, sizes, &bytes) < 0 || *value || bytes > 1ULL << 40) {
                config_answer(ret, "write a size like 64M, 512K or 1G");
                return -EINVAL;
        }
        *(uint64_t *)field = bytes;
        return 0;
}

static int replace_string(char **field, const char *value)
{
        char *copy = NULL;

        if (*value) {
                copy = strdup(value);
                if (!copy)
                        return -ENOMEM;
        }
        config_value_wipe(*field);
        *field = copy;
        return 0;
}

static int refuse_controls(const char *value, struct config_answer *ret)
{
        for (; *value; value++) {
                if ((unsigned char)*value < 0x20 || *value == 0x7f) {
                        config_answer(ret, "a control character is in it");
                        return -EINVAL;
                }
        }
        return 0;
}

int config_value_string(const char *value, const char *suffix, void *field,
                        struct config_answer *ret)
{
        int r = refuse_controls(value, ret);
        return r < 0 ? r : replace_string(field, value);
}

int config_value_word(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        if (strpbrk(value, " \t/+#")) {
                config_answer(ret, "it becomes part of MQTT topics: no blank, '/', '+' or '#'");
                return -EINVAL;
        }
        return config_value_string(value, suffix, field, ret);
}

int config_value_topic(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        size_t n = strlen(value);

        if (strpbrk(value, " \t+#") || (n && (value[0] == '/' || value[n - 1] == '/'))) {
                config_answer(ret, "it begins MQTT topics: no blank, '+', '#', no '/' at its ends");
                return -EINVAL;
        }
        return config_value_string(value, suffix, field, ret);
}

int config_value_path(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        if (*value && *value != '/') {
                config_answer(ret, "write the whole path, from / on");
                return -EINVAL;
        }
        return config_value_string(value, suffix, field, ret);
}

int config_value_usb_id(const char *value, const char *suffix, void *field,
                        struct config_answer *ret)
{
        char text[32];
        size_t n;

        if (strncasecmp(value, "0x", 2) == 0)
                value += 2;
        n = strlen(value);
        bool pattern = strpbrk(value, "*?[") != NULL;
        if (n >= sizeof(text) || (!pattern && n && n != 4) ||
            strspn(value, "0123456789abcdefABCDEF*?[]!-") != n) {
                config_answer(ret, "write four hex digits like 067b, or a pattern like 23*");
                return -EINVAL;
        }
        for (size_t i = 0; i <= n; i++)
                text[i] = (char)tolower((unsigned char)value[i]);
        return replace_string(field, text);
}

int config_value_interface(const char *value, const char *suffix, void *field,
                           struct config_answer *ret)
{
        char text[3] = { '0', value[0], 0 };

        /* ID_USB_INTERFACE_NUM always has two digits. */
        if (value[0] && !value[1] && isxdigit((unsigned char)value[0]))
                return replace_string(field, text);
        return config_value_string(value, suffix, field, ret);
}

int config_value_group(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        int r = config_value_string(value, suffix, field, ret);
        if (r == 0 && *value && !getgrnam(value))
                config_answer(ret, "no group of this name is known here: nobody but root can read");
        return r;
}

int config_value_timezone(const char *value, const char *suffix, void *field,
                          struct config_answer *ret)
{
        char path[256];

        int n = snprintf(path, sizeof(path), ZONEINFO "/%s", value);
        if (*value == '/' || strstr(value, "..") || n < 0 || (size_t)n >= sizeof(path)) {
                config_answer(ret, "write a name like Europe/Zurich");
                return -EINVAL;
        }
        if (*value && access(ZONEINFO, F_OK) < 0) {
                config_answer(ret, "the package tzdata is not installed: UTC is used");
        } else if (*value && access(path, R_OK) < 0) {
                config_answer(ret, "no such time zone; `timedatectl list-timezones` lists them");
                return -EINVAL;
        }
        return config_value_string(value, suffix, field, ret);
}

int config_value_hex(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        size_t n = strlen(value);

        if (n % 2 || strspn(value, "0123456789abcdefABCDEF") != n) {
                config_answer(ret, "write hex digits, two for each byte");
                return -EINVAL;
        }
        return replace_string(field, value);
}

int config_value_level(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        int level = log_level_parse(value);
        if (level < 0) {
                config_answer(ret, "write err, warning, notice, info or debug");
                return -EINVAL;
        }
        *(int *)field = level;
        return 0;
}

int config_value_port(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        static const struct unit_factor bare[] = { { "", 1 }, { NULL, 0 } };
        uint64_t port;

        if (parse_amount(&value, bare, &port) < 0 || *value || port < 1 || port > 65535) {
                config_answer(ret, "write a port from 1 to 65535");
                return -EINVAL;
        }
        *(uint16_t *)field = (uint16_t)port;
        return 0;
}

int config_value_percent(const char *value, const char *suffix, void *field,
                         struct config_answer *ret)
{
        const struct decimal none = { 0 }, all = { 100, 0 };
        struct decimal percent;

        int n = decimal_parse(slice_of_string(value), &percent);
        const char *rest = n > 0 ? value + n + strspn(value + n, " ") : "?";
        if ((*rest && strcmp(rest, "%") != 0) || decimal_compare(percent, none) < 0 ||
            decimal_compare(percent, all) > 0) {
                config_answer(ret, "write a percentage like 0.5%%");
                return -EINVAL;
        }
        *(struct decimal *)field = percent;
        return 0;
}

int config_value_power(const char *value, const char *suffix, void *field,
                       struct config_answer *ret)
{
        static const struct unit_factor units[] = {
                { "", 1 }, { "W", 1 }, { "kW", 1000 }, { "MW", 1000000 }, { NULL, 0 },
        };
        uint64_t watts;

        if (parse_amount(&value, units, &watts) < 0 || *value || watts > 1000000000) {
                config_answer(ret, "write a power like 25kW");
                return -EINVAL;
        }
        *(int64_t *)field = (int64_t)watts;
        return 0;
}
