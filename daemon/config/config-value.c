/* SPDX-License-Identifier: MIT */
#include "config-value.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/suggest.h"
#include "base/util.h"
#include "lib/dlms/cipher.h"
#include "lib/value/decimal.h"

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

/* "a, b or c" of a key's words; returns `buf`. */
static char *config_choices(const struct config_key *key, char *buf, size_t size)
{
        size_t n = 0;

        buf[0] = '\0';
        for (size_t i = 0; key->choice(i) && n < size; i++)
                n += (size_t)snprintf(buf + n, size - n, "%s%s",
                                      i == 0               ? ""
                                      : key->choice(i + 1) ? ", "
                                                           : " or ",
                                      key->choice(i));
        return buf;
}

/* -ENOENT with an answer: there is no such word. */
static int find_choice(const char *word, unsigned int *ret_number, struct config_answer *ret)
{
        const char *nearest;
        char words[96];

        for (unsigned int i = 0; ret->key->choice(i); i++)
                if (strcasecmp(word, ret->key->choice(i)) == 0) {
                        *ret_number = i;
                        return 0;
                }
        nearest = suggest_among(word, ret->key->choice);
        if (nearest)
                config_answer(ret, "there is no '%.40s'; did you mean %s?", word, nearest);
        else
                config_answer(ret, "there is no '%.40s'; write %s", word,
                              config_choices(ret->key, words, sizeof(words)));
        return -ENOENT;
}

int config_value_enum(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        bool yes = false;

        if (find_choice(value, field, ret) >= 0)
                return 0;
        /* A key with the words yes and no takes their other forms, too, like true. */
        struct config_answer quiet = { 0 };
        if (config_value_boolean(value, suffix, &yes, &quiet) < 0)
                return -EINVAL;
        struct config_answer again = { .key = ret->key };
        if (find_choice(yes ? "yes" : "no", field, &again) < 0)
                return -EINVAL;
        ret->text[0] = '\0';
        return 0;
}

int config_value_set(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        unsigned int found = 0, number = 0;
        char words[256], choices[96], *rest = words;

        (void)snprintf(words, sizeof(words), "%s", value); /* lines are shorter than this */
        for (const char *word; (word = strsep(&rest, " \t,"));) {
                if (!*word)
                        continue;
                if (find_choice(word, &number, ret) < 0)
                        return -EINVAL;
                found |= 1U << number;
        }
        if (!found) {
                config_answer(ret, "write at least one of %s",
                              config_choices(ret->key, choices, sizeof(choices)));
                return -EINVAL;
        }
        *(unsigned int *)field = found;
        return 0;
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

int config_value_file(const char *value, const char *suffix, void *field, struct config_answer *ret)
{
        struct stat st;
        int r = config_value_path(value, suffix, field, ret);

        if (r < 0 || !*value)
                return r;
        /* Not blocking: a FIFO in its place must not hold up the service. */
        OWNED_FD int fd = open(value, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 && errno == EACCES && ret->for_another) {
                config_answer(ret, "cannot be read by you; the service may: "
                                   "`sudo smctl check-config` looks into it");
                return 0;
        }
        if (fd < 0 || fstat(fd, &st) < 0) {
                config_answer(ret, "cannot be read: %s%s", strerror(errno),
                              errno == EACCES ? "; do: chgrp smartmeterd FILE && chmod 640 FILE"
                                              : "");
                return -EINVAL;
        }
        if (!S_ISREG(st.st_mode)) {
                config_answer(ret, "is not a regular file");
                return -EINVAL;
        }
        return 0;
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

/* "cellar:2001", "192.0.2.1:2001", "[2001:db8::1]:2001" */
static bool is_host_and_port(const char *text)
{
        struct config_answer quiet = { 0 };
        const char *colon = strrchr(text, ':');
        size_t len = colon ? (size_t)(colon - text) : 0;
        uint16_t port;

        if (len == 0 || config_value_port(colon + 1, "", &port, &quiet) < 0)
                return false;
        if (*text == '[') /* a name has no colon; only brackets tell an address from its port */
                return len > 2 && text[len - 1] == ']' && strcspn(text + 1, " \t/@?#[]") == len - 2;
        return strcspn(text, " \t/@?#[]:") == len;
}

int config_value_device(const char *value, const char *suffix, void *field,
                        struct config_answer *ret)
{
        static const char tcp[] = "tcp://", telnet[] = "rfc2217://";
        const char *address = strncmp(value, tcp, strlen(tcp)) == 0         ? value + strlen(tcp)
                              : strncmp(value, telnet, strlen(telnet)) == 0 ? value + strlen(telnet)
                                                                            : NULL;

        if (!address && *value && *value != '/') {
                config_answer(ret, "write the whole path, from / on, or tcp://host:port, or "
                                   "rfc2217://host:port");
                return -EINVAL;
        }
        if (address && !is_host_and_port(address)) {
                config_answer(ret, "write host and port, like tcp://cellar:2001 or "
                                   "tcp://[2001:db8::1]:2001");
                return -EINVAL;
        }
        return config_value_string(value, suffix, field, ret);
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
                { "W", 1 },
                { "kW", 1000 },
                { "MW", 1000000 },
                { NULL, 0 },
        };
        uint64_t watts = 0;

        /* 25 may be meant as kilowatts by one and as watts by another: neither is guessed. */
        if (*value && value[strspn(value, "0123456789")] == '\0' && strcmp(value, "0") != 0) {
                config_answer(ret, "%.12s of what? write %.12skW or %.12sW", value, value, value);
                return -EINVAL;
        }
        if (strcmp(value, "0") != 0 &&
            (parse_amount(&value, units, &watts) < 0 || *value || watts > 1000000000)) {
                config_answer(ret, "write a power like 25kW");
                return -EINVAL;
        }
        *(int64_t *)field = (int64_t)watts;
        return 0;
}
