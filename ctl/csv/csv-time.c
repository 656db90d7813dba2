/* SPDX-License-Identifier: MIT */
#include "csv-time.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Exactly `n` digits. */
static bool take_digits(const char **at, int n, int *ret)
{
        int value = 0;

        for (int i = 0; i < n; i++) {
                if (!isdigit((unsigned char)(*at)[i]))
                        return false;
                value = value * 10 + (*at)[i] - '0';
        }
        *at += n;
        *ret = value;
        return true;
}

static bool take(const char **at, char c)
{
        bool there = **at == c;

        *at += there;
        return there;
}

static void skip_digits(const char **at)
{
        while (isdigit((unsigned char)**at))
                (*at)++;
}

/* "1774785600", "1774785600.5": nine digits are a day in 1973, and no day is written so. */
static bool is_seconds(const char *text, int64_t *ret)
{
        const char *at = text;

        skip_digits(&at);
        if (at - text < 9 || at - text > 11)
                return false;
        *ret = strtoll(text, NULL, 10); /* of 11 digits at most */
        if (take(&at, '.'))
                skip_digits(&at);
        return !*at;
}

/* 2026-03-29 or 29.03.2026. */
static bool take_date(const char **at, struct tm *tm)
{
        bool iso = strlen(*at) > 4 && (*at)[4] == '-';
        bool good = iso ? take_digits(at, 4, &tm->tm_year) && take(at, '-') &&
                                    take_digits(at, 2, &tm->tm_mon) && take(at, '-') &&
                                    take_digits(at, 2, &tm->tm_mday)
                        : take_digits(at, 2, &tm->tm_mday) && take(at, '.') &&
                                    take_digits(at, 2, &tm->tm_mon) && take(at, '.') &&
                                    take_digits(at, 4, &tm->tm_year);

        tm->tm_year -= 1900;
        tm->tm_mon -= 1;
        return good;
}

/* 14:00, 14:00:30, 14:00:30.250 */
static bool take_clock(const char **at, struct tm *tm)
{
        if (!take_digits(at, 2, &tm->tm_hour) || !take(at, ':') || !take_digits(at, 2, &tm->tm_min))
                return false;
        if (take(at, ':') && !take_digits(at, 2, &tm->tm_sec))
                return false;
        if (take(at, '.'))
                skip_digits(at);
        return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 60;
}

/* Z, +02:00, +0200, +02. True with *ret_has: there is one. */
static bool take_offset(const char **at, bool *ret_has, int *ret_seconds)
{
        int hours = 0, minutes = 0;
        bool west = **at == '-';

        *ret_has = **at != '\0';
        *ret_seconds = 0;
        if (!*ret_has || take(at, 'Z') || take(at, 'z'))
                return true;
        if (!take(at, '+') && !take(at, '-'))
                return false;
        if (!take_digits(at, 2, &hours))
                return false;
        if ((take(at, ':') || isdigit((unsigned char)**at)) && !take_digits(at, 2, &minutes))
                return false;
        *ret_seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
        return hours < 24 && minutes < 60;
}

/* The day and month are as they were: not the 30th of February. */
static bool exists(const struct tm *fields, int64_t *ret)
{
        struct tm tm = *fields;

        *ret = (int64_t)timegm(&tm);
        return tm.tm_mday == fields->tm_mday && tm.tm_mon == fields->tm_mon;
}

/* When the clocks of the zone showed so, in summer time or not; false: they never did. */
static bool local_time(const struct tm *fields, int is_dst, int64_t *ret)
{
        struct tm tm = *fields, back;
        time_t t;

        tm.tm_isdst = is_dst;
        t = mktime(&tm);
        *ret = (int64_t)t;
        return t != (time_t)-1 && localtime_r(&t, &back) && back.tm_hour == fields->tm_hour &&
               back.tm_min == fields->tm_min && back.tm_mday == fields->tm_mday;
}

static int resolve_local(const struct tm *fields, int64_t previous, int64_t *ret)
{
        int64_t summer, winter;
        bool is_summer = local_time(fields, 1, &summer);
        bool is_winter = local_time(fields, 0, &winter);

        if (!is_summer && !is_winter)
                return -ENOENT;
        if (is_summer && is_winter) {
                int64_t first = summer < winter ? summer : winter;
                int64_t second = summer < winter ? winter : summer;

                *ret = previous != INT64_MIN && previous >= first ? second : first;
                return 0;
        }
        *ret = is_summer ? summer : winter;
        return 0;
}

int csv_time_parse(const char *text, int64_t previous, int64_t *ret)
{
        struct tm tm = { 0 };
        bool has_offset = false;
        int offset = 0;
        int64_t as_utc;

        if (is_seconds(text, ret))
                return 0;
        if (!take_date(&text, &tm))
                return -EINVAL;
        if (*text && !take(&text, 'T') && !take(&text, ' '))
                return -EINVAL;
        if (*text && !take_clock(&text, &tm))
                return -EINVAL;
        (void)take(&text, ' '); /* some write one before the offset */
        if (!take_offset(&text, &has_offset, &offset) || *text)
                return -EINVAL;
        if (!exists(&tm, &as_utc) || tm.tm_year < 70)
                return -EINVAL;
        if (!has_offset)
                return resolve_local(&tm, previous, ret);
        *ret = as_utc - offset;
        return 0;
}
