/* SPDX-License-Identifier: MIT */
/*
 * The text form of slots, in the spirit of systemd's calendar events:
 *
 *      slot  = tariff [ weekdays ] [ dates ] [ times ]
 *      weekdays = day [ ".." day ] { "," … }     dates = (year|*)-(month|*)-(day|*) { "," … }
 *      times = HH:MM-HH:MM { "," … }
 */
#include "tariff.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

#define LIST_MAX      16 /* dates or time ranges in one line: public holidays fit */
#define MINUTES_A_DAY 1440

struct slot_line {
        uint8_t tariff;
        uint8_t weekdays;
        struct tariff_slot dates[LIST_MAX];
        size_t n_dates;
        struct tariff_slot times[LIST_MAX];
        size_t n_times;
        const char *fault;
};

/* The next piece up to a separator; leaves `*text` behind it, NULL after the last. */
static struct slice next_piece(const char **text, char separator)
{
        const char *end = strchr(*text, separator);
        struct slice piece = slice_of_string(*text);

        if (end)
                piece.len = (size_t)(end - *text);
        *text = end ? end + 1 : NULL;
        return piece;
}

/* Digits only, at most `max_digits`; -1 when it is anything else. */
static int number_of(struct slice s, size_t max_digits)
{
        int n = 0;

        if (s.len == 0 || s.len > max_digits)
                return -1;
        for (size_t i = 0; i < s.len; i++) {
                if (!isdigit(s.data[i]))
                        return -1;
                n = n * 10 + (s.data[i] - '0');
        }
        return n;
}

static int weekday_of(struct slice s)
{
        static const char *const names[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
                                             "Friday", "Saturday", "Sunday" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                bool whole = s.len == 3 || s.len == strlen(names[i]);

                if (whole && strncasecmp((const char *)s.data, names[i], s.len) == 0)
                        return (int)i;
        }
        return -1;
}

static void parse_weekdays(struct slot_line *line, const char *text)
{
        while (text && !line->fault) {
                struct slice piece = next_piece(&text, ',');
                const uint8_t *dots = memmem(piece.data, piece.len, "..", 2);
                struct slice from = piece, to = piece;

                if (dots) {
                        from.len = (size_t)(dots - piece.data);
                        to = slice_from(piece, from.len + 2);
                }
                int first = weekday_of(from), last = weekday_of(to);

                if (first < 0 || last < 0) {
                        line->fault = "a weekday is written Mon, Tue, Wed, Thu, Fri, Sat or Sun, a "
                                      "range Mon..Fri";
                        return;
                }
                for (int day = first;; day = (day + 1) % 7) {
                        line->weekdays |= (uint8_t)(1 << day);
                        if (day == last)
                                break;
                }
        }
}

/* One of year, month, day: a number, or 0 for "*"; -1 when it is neither. */
static int date_part(struct slice s, size_t digits)
{
        if (s.len == 1 && s.data[0] == '*')
                return 0;
        return s.len == digits ? number_of(s, digits) : -1;
}

static bool date_exists(int year, int month, int day)
{
        /* 2000 is a leap year and its January has 31 days: a missing part excludes no day. */
        return datetime_of_fields(year ? year : 2000, month ? month : 1, day ? day : 1, 0, 0, 0)
                .valid;
}

static void parse_dates(struct slot_line *line, const char *text)
{
        while (text && !line->fault) {
                struct slice piece = next_piece(&text, ',');
                const uint8_t *dash = memchr(piece.data, '-', piece.len);
                size_t year_len = dash ? (size_t)(dash - piece.data) : 0;
                struct slice rest = slice_from(piece, year_len + 1);
                const uint8_t *dash2 = rest.len ? memchr(rest.data, '-', rest.len) : NULL;
                size_t month_len = dash2 ? (size_t)(dash2 - rest.data) : 0;
                int year = date_part(slice_first(piece, year_len), 4);
                int month = date_part(slice_first(rest, month_len), 2);
                int day = date_part(slice_from(rest, month_len + 1), 2);

                if (!dash || !dash2 || year < 0 || month < 0 || day < 0) {
                        line->fault = "a date is written 2026-12-25, or *-12-25 for every year";
                        return;
                }
                if (!date_exists(year, month, day)) {
                        line->fault = "there is no such date";
                        return;
                }
                if (line->n_dates == LIST_MAX) {
                        line->fault = "too many dates in one slot: split it into several";
                        return;
                }
                line->dates[line->n_dates++] = (struct tariff_slot){ .year = (uint16_t)year,
                                                                     .month = (uint8_t)month,
                                                                     .day = (uint8_t)day };
        }
}

/* "07:00" in minutes; -1 when it is none. */
static int minutes_of(struct slice s)
{
        int hour, minute;

        if (s.len != 5 || s.data[2] != ':')
                return -1;
        hour = number_of(slice_first(s, 2), 2);
        minute = number_of(slice_from(s, 3), 2);
        if (hour < 0 || minute < 0 || hour > 24 || minute > 59 || (hour == 24 && minute > 0))
                return -1;
        return hour * 60 + minute;
}

static void parse_times(struct slot_line *line, const char *text)
{
        while (text && !line->fault) {
                struct slice piece = next_piece(&text, ',');
                int from = minutes_of(slice_first(piece, 5));
                int to = minutes_of(slice_from(piece, 6));

                if (piece.len != 11 || piece.data[5] != '-' || from < 0 || to < 0 ||
                    from == MINUTES_A_DAY) {
                        line->fault = "a time range is written 07:00-20:00 or 22:00-06:00";
                        return;
                }
                if (from == to) {
                        line->fault = "a time range ends when it begins: leave it out for the "
                                      "whole day";
                        return;
                }
                if (line->n_times == LIST_MAX) {
                        line->fault = "too many time ranges in one slot: split it into several";
                        return;
                }
                line->times[line->n_times++] =
                        (struct tariff_slot){ .from_min = (uint16_t)from, .to_min = (uint16_t)to };
        }
}

/* The letters of a word show its kind; the order is fixed, so each comes once at most. */
static void parse_words(struct slot_line *line, char *text)
{
        char *rest = NULL;
        int stage = 0;

        for (char *word = strtok_r(text, " \t", &rest); word && !line->fault;
             word = strtok_r(NULL, " \t", &rest)) {
                int kind = strchr(word, ':') ? 3 : isalpha((unsigned char)*word) ? 1 : 2;

                if (kind <= stage) {
                        line->fault = "a slot is: tariff, weekdays, dates, times, in this order, "
                                      "lists with commas and no spaces";
                        return;
                }
                stage = kind;
                if (kind == 1)
                        parse_weekdays(line, word);
                else if (kind == 2)
                        parse_dates(line, word);
                else
                        parse_times(line, word);
        }
        if (!line->fault && stage == 0)
                line->fault = "a slot needs weekdays, dates or times (Default= is for the rest)";
}

static int append(struct tariff_settings *settings, const struct slot_line *line)
{
        size_t n_dates = MAX(line->n_dates, 1u), n_times = MAX(line->n_times, 1u);

        if (n_dates * n_times > TARIFF_SLOTS_MAX - settings->n_slots)
                return -ENOSPC;
        for (size_t i = 0; i < n_dates; i++) {
                for (size_t k = 0; k < n_times; k++) {
                        struct tariff_slot slot = line->dates[i]; /* all zero where none is given */

                        slot.tariff = line->tariff;
                        slot.weekdays = line->weekdays;
                        slot.from_min = line->times[k].from_min;
                        slot.to_min = line->n_times ? line->times[k].to_min : MINUTES_A_DAY;
                        settings->slots[settings->n_slots++] = slot;
                }
        }
        return 0;
}

int tariff_slot_parse(struct tariff_settings *settings, const char *text, const char **ret_fault)
{
        struct slot_line line = { 0 };
        char copy[256];
        int r;

        while (isspace((unsigned char)*text))
                text++;
        if (text[0] < '1' || text[0] > '0' + TARIFF_MAX || (text[1] && !isspace(text[1])))
                line.fault = "a slot begins with its tariff, 1 to 8, and a space";
        else if (strlen(text) >= sizeof(copy))
                line.fault = "a slot is longer than 255 characters: split it into several";
        if (!line.fault) {
                line.tariff = (uint8_t)(text[0] - '0');
                memcpy(copy, text + 1, strlen(text));
                copy[strcspn(copy, "\r\n")] = '\0';
                parse_words(&line, copy);
        }
        if (line.fault) {
                *ret_fault = line.fault;
                return -EINVAL;
        }
        r = append(settings, &line);
        if (r < 0)
                *ret_fault = "there are more than 64 slots";
        return r;
}
