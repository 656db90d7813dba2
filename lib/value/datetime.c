/* SPDX-License-Identifier: MIT */
/*
 * COSEM date-time (IEC 62056-6-2 §4.1.6.1) to civil fields and back to text.
 *
 *      year(2) month day weekday hour minute second hundredths deviation(2) status
 */
#include "datetime.h"

#include <stdlib.h>

#define COSEM_DATETIME_BYTES  12
#define DEVIATION_UNSPECIFIED (-0x8000)
#define STATUS_DST_ACTIVE     0x80
#define STATUS_INVALID_VALUE  0x01
#define STATUS_IS_INVALID     0x08 /* the status itself, in a bit of it at least */
#define STATUS_NOT_SPECIFIED  0xff
/* UTC+14 … UTC-12, the widest zones in use (IEC 62056-6-2 limits deviation to ±720 minutes). */
#define OFFSET_MAX_MIN (14 * 60)

static int days_of_month(int year, int month)
{
        static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

        return days[month - 1] + (month == 2 && leap);
}

struct datetime datetime_of_fields(int year, int month, int day, int hour, int minute, int second)
{
        if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 ||
            day > days_of_month(year, month) || hour < 0 || hour > 23 || minute < 0 ||
            minute > 59 || second < 0 || second > 59)
                return (struct datetime){ 0 };
        return (struct datetime){ .valid = true,
                                  .year = (uint16_t)year,
                                  .month = (uint8_t)month,
                                  .day = (uint8_t)day,
                                  .hour = (uint8_t)hour,
                                  .minute = (uint8_t)minute,
                                  .second = (uint8_t)second };
}

struct datetime datetime_of_cosem(struct slice bytes)
{
        struct reader r = reader_over(bytes);
        struct datetime t;
        uint16_t year = reader_be16(&r);
        uint8_t month = reader_u8(&r), day = reader_u8(&r);
        uint8_t hour, minute, second, status;
        int deviation;

        (void)reader_u8(&r); /* the weekday follows from the date */
        hour = reader_u8(&r);
        minute = reader_u8(&r);
        second = reader_u8(&r);
        (void)reader_u8(&r); /* hundredths are dropped */
        deviation = (int16_t)reader_be16(&r);
        status = reader_u8(&r);
        if (!reader_ok(&r) || bytes.len != COSEM_DATETIME_BYTES)
                return (struct datetime){ 0 };

        /* A meter that does not give seconds (FF) means the full minute. */
        t = datetime_of_fields(year, month, day, hour, minute, second == 0xff ? 0 : second);
        if (!t.valid)
                return t;
        if (deviation != DEVIATION_UNSPECIFIED && deviation >= -OFFSET_MAX_MIN &&
            deviation <= OFFSET_MAX_MIN) {
                t.has_offset = true;
                t.offset_min = (int16_t)-deviation;
        }
        t.denied = (status & (STATUS_INVALID_VALUE | STATUS_IS_INVALID)) == STATUS_INVALID_VALUE;
        if (status != STATUS_NOT_SPECIFIED)
                t.dst = status & STATUS_DST_ACTIVE ? DATETIME_DST_SUMMER : DATETIME_DST_UNKNOWN;
        return t;
}

/* Two digits, behind a mark unless that is 0. Not by snprintf(): each telegram has times. */
static char *print_two(char *to, char mark, unsigned int n)
{
        if (mark)
                *to++ = mark;
        *to++ = (char)('0' + n / 10 % 10);
        *to++ = (char)('0' + n % 10);
        return to;
}

size_t datetime_print(const struct datetime *t, char buf[static DATETIME_TEXT_MAX])
{
        char *to = buf;

        buf[0] = '\0';
        if (!t->valid)
                return 0;
        to = print_two(to, 0, t->year / 100U);
        to = print_two(to, 0, t->year % 100U);
        to = print_two(to, '-', t->month);
        to = print_two(to, '-', t->day);
        to = print_two(to, 'T', t->hour);
        to = print_two(to, ':', t->minute);
        to = print_two(to, ':', t->second);
        if (t->has_offset) {
                unsigned int offset = (unsigned int)abs(t->offset_min);

                to = print_two(to, t->offset_min < 0 ? '-' : '+', offset / 60);
                to = print_two(to, ':', offset % 60);
        }
        *to = '\0';
        return (size_t)(to - buf);
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar, years counted from March. */
static int64_t days_since_epoch(int year, int month, int day)
{
        int64_t y = month <= 2 ? year - 1 : year;
        int64_t era = y / 400, year_of_era = y % 400;
        int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

        return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 +
               day_of_year - 719468;
}

int64_t datetime_to_epoch(const struct datetime *t)
{
        int64_t seconds = days_since_epoch(t->year, t->month, t->day) * 86400 + t->hour * 3600 +
                          t->minute * 60 + t->second;

        return t->has_offset ? seconds - t->offset_min * 60 : seconds;
}
