/* SPDX-License-Identifier: MIT */
/* The text form of tariff slots: what is understood, and what is said of the rest. */
#include "tests/unit/test.h"

#include <errno.h>

#include "lib/model/tariff.h"

static struct slot_case {
        const char *name;
        const char *text;
        int want_r;
        size_t want_n;
        struct tariff_slot want; /* the first */
        const char *want_fault;  /* a part of it */
} slot_cases[] = {
        { "weekdays and times", "1 Mon..Fri 07:00-20:00", 0, 1, { 1, 0x1f, 0, 0, 0, 420, 1200 } },
        { "one weekday", "1 Sat 07:00-13:00", 0, 1, { 1, 0x20, 0, 0, 0, 420, 780 } },
        { "weekday list", "3 Mon,Wed,Sun 00:00-24:00", 0, 1, { 3, 0x45, 0, 0, 0, 0, 1440 } },
        { "weekday range over Sunday",
          "1 Fri..Mon 08:00-09:00",
          0,
          1,
          { 1, 0x71, 0, 0, 0, 480, 540 } },
        { "whole names in any case",
          "1 monday..FRIDAY 08:00-09:00",
          0,
          1,
          { 1, 0x1f, 0, 0, 0, 480, 540 } },
        { "weekdays without times", "2 Sat,Sun", 0, 1, { 2, 0x60, 0, 0, 0, 0, 1440 } },
        { "times every day, wrapping", "2 22:00-06:00", 0, 1, { 2, 0, 0, 0, 0, 1320, 360 } },
        { "two time ranges",
          "1 Mon 06:00-09:00,17:00-20:00",
          0,
          2,
          { 1, 0x01, 0, 0, 0, 360, 540 } },
        { "dates of every year", "2 *-01-01,*-08-01", 0, 2, { 2, 0, 1, 1, 0, 0, 1440 } },
        { "a date of one year", "2 2026-04-03", 0, 1, { 2, 0, 4, 3, 2026, 0, 1440 } },
        { "the first of each month", "4 *-*-01 00:00-12:00", 0, 1, { 4, 0, 0, 1, 0, 0, 720 } },
        { "a month", "4 *-12-*", 0, 1, { 4, 0, 12, 0, 0, 0, 1440 } },
        { "a leap day", "4 *-02-29", 0, 1, { 4, 0, 2, 29, 0, 0, 1440 } },
        { "dates and times multiply",
          "1 *-01-01,*-01-02 01:00-02:00,03:00-04:00",
          0,
          4,
          { 1, 0, 1, 1, 0, 60, 120 } },
        { "weekday and date", "1 Mon *-12-24 01:00-02:00", 0, 1, { 1, 1, 12, 24, 0, 60, 120 } },
        { "blanks around", "  8\tSat  00:00-01:00 ", 0, 1, { 8, 0x20, 0, 0, 0, 0, 60 } },
        { "no tariff", "Mon 07:00-08:00", -EINVAL, 0, { 0 }, "begins with its tariff" },
        { "tariff 0", "0 07:00-08:00", -EINVAL, 0, { 0 }, "1 to 8" },
        { "tariff 9", "9 07:00-08:00", -EINVAL, 0, { 0 }, "1 to 8" },
        { "tariff 12", "12 07:00-08:00", -EINVAL, 0, { 0 }, "1 to 8" },
        { "tariff alone", "1", -EINVAL, 0, { 0 }, "needs weekdays, dates or times" },
        { "empty", "", -EINVAL, 0, { 0 }, "begins with its tariff" },
        { "misspelt weekday", "1 Mo 07:00-08:00", -EINVAL, 0, { 0 }, "Mon..Fri" },
        { "weekday range of three", "1 Mon..Wed..Fri 07:00-08:00", -EINVAL, 0, { 0 }, "Mon..Fri" },
        { "empty weekday in a list", "1 Mon, 07:00-08:00", -EINVAL, 0, { 0 }, "Mon..Fri" },
        { "hour without zero", "1 7:00-20:00", -EINVAL, 0, { 0 }, "07:00-20:00" },
        { "hour 25", "1 07:00-25:00", -EINVAL, 0, { 0 }, "07:00-20:00" },
        { "after midnight by 24", "1 07:00-24:01", -EINVAL, 0, { 0 }, "07:00-20:00" },
        { "begins at 24:00", "1 24:00-01:00", -EINVAL, 0, { 0 }, "07:00-20:00" },
        { "minute 60", "1 07:00-08:60", -EINVAL, 0, { 0 }, "07:00-20:00" },
        { "seconds", "1 07:00:00-08:00:00", -EINVAL, 0, { 0 }, "07:00-20:00" },
        { "ends when it begins", "1 07:00-07:00", -EINVAL, 0, { 0 }, "whole day" },
        { "30 February", "1 *-02-30", -EINVAL, 0, { 0 }, "no such date" },
        { "29 February of 2027", "1 2027-02-29", -EINVAL, 0, { 0 }, "no such date" },
        { "month 13", "1 *-13-01", -EINVAL, 0, { 0 }, "no such date" },
        { "day and month alone", "1 12-25", -EINVAL, 0, { 0 }, "2026-12-25" },
        { "date with a short year", "1 26-12-25", -EINVAL, 0, { 0 }, "2026-12-25" },
        { "times before weekdays", "1 07:00-08:00 Mon", -EINVAL, 0, { 0 }, "in this order" },
        { "blank in a list", "1 Mon, Tue 07:00-08:00", -EINVAL, 0, { 0 }, "Mon..Fri" },
        { "two lists of times", "1 01:00-02:00 03:00-04:00", -EINVAL, 0, { 0 }, "in this order" },
        { "seventeen dates",
          "1 *-01-01,*-01-02,*-01-03,*-01-04,*-01-05,*-01-06,*-01-07,*-01-08,*-01-09,*-01-10,"
          "*-01-11,*-01-12,*-01-13,*-01-14,*-01-15,*-01-16,*-01-17",
          -EINVAL,
          0,
          { 0 },
          "split" },
};

static void run_slot_case(void **state)
{
        const struct slot_case *c = *state;
        struct tariff_settings settings = { 0 };
        const char *fault = "";

        assert_int_equal(tariff_slot_parse(&settings, c->text, &fault), c->want_r);
        assert_int_equal(settings.n_slots, c->want_n);
        if (c->want_r < 0)
                assert_non_null(strstr(fault, c->want_fault));
        else
                assert_memory_equal(&settings.slots[0], &c->want, sizeof(c->want));
}

static void test_too_many_slots_append_nothing(void **state)
{
        struct tariff_settings settings = { .n_slots = TARIFF_SLOTS_MAX - 1 };
        const char *fault = "";

        assert_int_equal(tariff_slot_parse(&settings, "1 *-01-01,*-01-02", &fault), -ENOSPC);
        assert_int_equal(settings.n_slots, TARIFF_SLOTS_MAX - 1);
        assert_int_equal(tariff_slot_parse(&settings, "1 *-01-01", &fault), 0);
        assert_int_equal(settings.n_slots, TARIFF_SLOTS_MAX);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(test_too_many_slots_append_nothing),
        };

        return test_run_rows_and("tariff-slot", slot_cases, ELEMENTSOF(slot_cases),
                                 sizeof(slot_cases[0]), run_slot_case, more, ELEMENTSOF(more));
}
