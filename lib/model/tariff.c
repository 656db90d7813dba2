/* SPDX-License-Identifier: MIT */
/*
 * The active tariff (docs/design.md §4). Three witnesses, the best one present is believed:
 * the meter's indicator, the register that last advanced, the slots of local time.
 */
#include "tariff.h"

#include <ctype.h>
#include <string.h>

#include "base/util.h"
#include "lib/value/telegram.h"

#define MINUTES_A_DAY 1440
#define SECONDS_A_DAY 86400
#define USEC_PER_SEC  1000000ull
#define USEC_PER_HOUR (3600 * USEC_PER_SEC)
/* Within this time a tariff switches once at most: two registers that advanced show the switch. */
#define ONE_SWITCH_USEC USEC_PER_HOUR
/* How far ahead the next switch is sought: a week without dates, a year and a leap day with. */
#define SEEK_DAYS       8
#define SEEK_DAYS_DATES 367
/* How long the answer "no switch ahead" holds. */
#define RECHECK_USEC (6 * USEC_PER_HOUR)

void tariff_configure(struct tariff *tariff, const struct tariff_settings *settings)
{
        tariff->settings = settings;
        tariff->next_usec = tariff->recheck_usec = 0;
        /* A schedule that is gone must not keep its last word. */
        if (tariff->source == TARIFF_SOURCE_SCHEDULE && (!settings || settings->n_slots == 0)) {
                tariff->source = TARIFF_SOURCE_NONE;
                tariff->active = 0;
        }
}

static bool set_active(struct tariff *tariff, uint8_t active, enum tariff_source source,
                       uint64_t host_usec)
{
        bool changed = tariff->active != active || tariff->source != source;

        if (tariff->active != active)
                tariff->since_usec = host_usec;
        tariff->active = active;
        tariff->source = source;
        return changed;
}

/* ---- indicator ---- */

/* The number that ends the text: "0002", "T2", "RATE2" are 2. 0 when there is none in 1..8. */
static uint8_t number_at_end(struct slice text)
{
        size_t at = text.len;
        unsigned int n = 0;

        while (at > 0 && isspace(text.data[at - 1]))
                text.len = --at;
        while (at > 0 && isdigit(text.data[at - 1]))
                at--;
        for (; at < text.len && n < 1000; at++)
                n = n * 10 + (unsigned int)(text.data[at] - '0');
        return n >= 1 && n <= TARIFF_MAX ? (uint8_t)n : 0;
}

static bool is_indicator(struct obis obis)
{
        return obis.a == 0 && obis.b == 0 && obis.c == 96 && obis.d == 14 && obis.e == 0;
}

static uint8_t indicated(const struct telegram *telegram)
{
        for (size_t i = 0; i < telegram->n_texts; i++) {
                const struct text *text = &telegram->texts[i];
                uint8_t n = 0;

                if (!text->label[0] && is_indicator(text->obis))
                        n = number_at_end(text->value);
                if (n)
                        return n;
        }
        for (size_t i = 0; i < telegram->n_readings; i++) {
                const struct reading *reading = &telegram->readings[i];

                if (is_indicator(reading->obis) && reading->value.exponent == 0 &&
                    reading->value.mantissa >= 1 && reading->value.mantissa <= TARIFF_MAX)
                        return (uint8_t)reading->value.mantissa;
        }
        return 0;
}

/* ---- registers ---- */

/* Bits of the tariffs whose register rose, per direction; learns the new values. */
static void learn_registers(struct tariff *tariff, const struct reading *const accepted[],
                            size_t n_accepted, uint8_t ret_advanced[static 2], bool *ret_any)
{
        uint8_t met[2] = { 0, 0 };

        for (size_t i = 0; i < n_accepted; i++) {
                const struct reading *reading = accepted[i];
                struct obis o = reading->obis;
                unsigned int direction = o.c - 1u, e = o.e - 1u;

                if (o.a != 1 || direction > 1 || o.d != 8 || e >= TARIFF_MAX || o.f != 255)
                        continue;
                /* A second channel of the same register would seem to jump back and forth. */
                if (met[direction] & 1 << e)
                        continue;
                met[direction] |= (uint8_t)(1 << e);
                *ret_any = true;
                if (tariff->seen[direction][e] &&
                    decimal_compare(reading->value, tariff->last[direction][e]) > 0)
                        ret_advanced[direction] |= (uint8_t)(1 << e);
                tariff->seen[direction][e] = true;
                tariff->last[direction][e] = reading->value;
        }
}

/* The tariff that the advanced registers of one direction show; 0: none. */
static uint8_t tariff_of(uint8_t advanced, uint8_t active, uint64_t gap_usec)
{
        uint8_t others = advanced;

        if (__builtin_popcount(advanced) == 1)
                return (uint8_t)(__builtin_ctz(advanced) + 1);
        if (active)
                others &= (uint8_t) ~(1 << (active - 1));
        if (others != advanced && gap_usec <= ONE_SWITCH_USEC && __builtin_popcount(others) == 1)
                return (uint8_t)(__builtin_ctz(others) + 1);
        return 0;
}

static bool update_by_registers(struct tariff *tariff, const struct reading *const accepted[],
                                size_t n_accepted, uint64_t host_usec)
{
        uint8_t advanced[2] = { 0, 0 };
        uint64_t gap_usec =
                host_usec > tariff->registers_usec ? host_usec - tariff->registers_usec : 0;
        bool any = false;
        uint8_t number;

        learn_registers(tariff, accepted, n_accepted, advanced, &any);
        if (any)
                tariff->registers_usec = host_usec;
        /* Energy drawn decides; energy fed in only while nothing is drawn. */
        number = tariff_of(advanced[0] ? advanced[0] : advanced[1],
                           tariff->source == TARIFF_SOURCE_REGISTER ? tariff->active : 0, gap_usec);
        if (!number)
                return false;
        return set_active(tariff, number, TARIFF_SOURCE_REGISTER, host_usec);
}

/* ---- schedule ---- */

static int weekday_of(const struct datetime *local)
{
        struct datetime day = { .year = local->year, .month = local->month, .day = local->day };
        int64_t days = datetime_to_epoch(&day) / SECONDS_A_DAY;

        return (int)((days + 3) % 7); /* 1970-01-01 was a Thursday; Monday is 0 */
}

static bool slot_begins_on(const struct tariff_slot *slot, const struct datetime *day, int weekday)
{
        return (!slot->year || slot->year == day->year) &&
               (!slot->month || slot->month == day->month) &&
               (!slot->day || slot->day == day->day) &&
               (!slot->weekdays || slot->weekdays & 1 << weekday);
}

/* The day before, for slots that wrap past midnight. */
static struct datetime day_before(const struct datetime *day)
{
        static const uint8_t days[] = { 31, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30 };
        struct datetime d = *day;
        bool leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;

        if (d.day > 1) {
                d.day--;
        } else if (d.month > 1) {
                d.day = (uint8_t)(days[d.month - 1] + (d.month == 3 && leap));
                d.month--;
        } else {
                d.year--;
                d.month = 12;
                d.day = 31;
        }
        return d;
}

static uint8_t slots_say(const struct tariff_settings *settings, const struct datetime *local)
{
        struct datetime yesterday = day_before(local);
        int weekday = weekday_of(local);
        int minute = local->hour * 60 + local->minute;

        for (size_t i = settings->n_slots; i > 0; i--) {
                const struct tariff_slot *slot = &settings->slots[i - 1];
                bool wraps = slot->to_min <= slot->from_min;

                if (minute >= slot->from_min && (wraps || minute < slot->to_min) &&
                    slot_begins_on(slot, local, weekday))
                        return slot->tariff;
                if (wraps && minute < slot->to_min &&
                    slot_begins_on(slot, &yesterday, (weekday + 6) % 7))
                        return slot->tariff;
        }
        return settings->fallback;
}

/* The tariff of this instant by the slots alone: 1..8, the fallback, or 0. */
static uint8_t tariff_scheduled(const struct tariff_settings *settings, int64_t epoch_s,
                                const struct tariff_zone *zone)
{
        struct datetime local;

        if (!settings || settings->n_slots == 0 || !zone)
                return 0;
        local = zone->to_local(epoch_s, zone->userdata);
        return slots_say(settings, &local);
}

/* Marks every minute of the day at which some slot begins or ends, and midnight for the dates. */
static void mark_boundaries(const struct tariff_settings *settings,
                            uint8_t marks[static MINUTES_A_DAY / 8])
{
        memset(marks, 0, MINUTES_A_DAY / 8);
        marks[0] |= 1;
        for (size_t i = 0; i < settings->n_slots; i++) {
                unsigned int from = settings->slots[i].from_min % MINUTES_A_DAY;
                unsigned int to = settings->slots[i].to_min % MINUTES_A_DAY;

                marks[from / 8] |= (uint8_t)(1 << from % 8);
                marks[to / 8] |= (uint8_t)(1 << to % 8);
        }
}

/*
 * The instant of a boundary that changes the tariff. When the wall clock skips it (a DST gap), the
 * zone names an instant after the gap: then the switch was where the gap began.
 */
static int64_t refine(const struct tariff_settings *settings, int64_t at_s, int64_t now_s,
                      uint8_t active, const struct tariff_zone *zone)
{
        for (int minutes = 0; minutes < 120 && at_s - 60 > now_s; minutes++, at_s -= 60)
                if (tariff_scheduled(settings, at_s - 60, zone) == active)
                        break;
        return at_s;
}

/* The next switch on the local day of `day`, after now_s; 0 when there is none. */
static int64_t next_on_day(const struct tariff_settings *settings, struct datetime day,
                           const uint8_t marks[static MINUTES_A_DAY / 8], int64_t now_s,
                           uint8_t active, const struct tariff_zone *zone)
{
        day.second = 0;
        day.has_offset = false;
        day.dst = DATETIME_DST_UNKNOWN;
        for (unsigned int minute = 0; minute < MINUTES_A_DAY; minute++) {
                int64_t at_s;

                if (!(marks[minute / 8] & 1 << minute % 8))
                        continue;
                day.hour = (uint8_t)(minute / 60);
                day.minute = (uint8_t)(minute % 60);
                if (slots_say(settings, &day) == active)
                        continue;
                at_s = zone->to_epoch(&day, zone->userdata);
                if (at_s > now_s)
                        return refine(settings, at_s, now_s, active, zone);
        }
        return 0;
}

static uint64_t next_switch(const struct tariff_settings *settings, int64_t now_s, uint8_t active,
                            const struct tariff_zone *zone)
{
        uint8_t marks[MINUTES_A_DAY / 8];
        struct datetime noon = zone->to_local(now_s, zone->userdata);
        int64_t noon_s;
        int days = SEEK_DAYS;

        for (size_t i = 0; i < settings->n_slots; i++)
                if (settings->slots[i].year || settings->slots[i].month || settings->slots[i].day)
                        days = SEEK_DAYS_DATES;
        mark_boundaries(settings, marks);
        noon.hour = 12;
        noon.minute = noon.second = 0;
        noon.has_offset = false;
        noon_s = zone->to_epoch(&noon, zone->userdata);
        for (int day = 0; day < days; day++) {
                /* Noon plus a day is the next day's, whatever DST does in the night. */
                struct datetime d =
                        zone->to_local(noon_s + (int64_t)day * SECONDS_A_DAY, zone->userdata);
                int64_t at_s = next_on_day(settings, d, marks, now_s, active, zone);

                if (at_s)
                        return (uint64_t)at_s * USEC_PER_SEC;
        }
        return 0;
}

bool tariff_tick(struct tariff *tariff, uint64_t host_usec, const struct tariff_zone *zone)
{
        const struct tariff_settings *settings = tariff->settings;
        int64_t now_s = (int64_t)(host_usec / USEC_PER_SEC);
        bool changed = false;
        uint8_t active;

        if (!settings || settings->n_slots == 0 || !zone)
                return false;
        active = tariff_scheduled(settings, now_s, zone);
        if (tariff->source == TARIFF_SOURCE_NONE || tariff->source == TARIFF_SOURCE_SCHEDULE)
                changed = set_active(tariff, active, TARIFF_SOURCE_SCHEDULE, host_usec);
        if (host_usec >= tariff->recheck_usec || changed) {
                tariff->next_usec = next_switch(settings, now_s, active, zone);
                tariff->recheck_usec = host_usec + RECHECK_USEC;
                if (tariff->next_usec && tariff->next_usec < tariff->recheck_usec)
                        tariff->recheck_usec = tariff->next_usec;
        }
        return changed;
}

/* ---- public ---- */

bool tariff_update(struct tariff *tariff, const struct telegram *telegram,
                   const struct reading *const accepted[], size_t n_accepted, uint64_t host_usec,
                   const struct tariff_zone *zone)
{
        uint8_t number = indicated(telegram);
        bool changed = false;

        if (number)
                changed = set_active(tariff, number, TARIFF_SOURCE_INDICATOR, host_usec);
        /* The meter's own indicator holds between its long lists; registers are not asked then. */
        if (tariff->source != TARIFF_SOURCE_INDICATOR)
                changed |= update_by_registers(tariff, accepted, n_accepted, host_usec);
        changed |= tariff_tick(tariff, host_usec, zone);
        return changed;
}

const char *tariff_label(const struct tariff *tariff)
{
        static const char *const digits[] = { "", "1", "2", "3", "4", "5", "6", "7", "8" };
        uint8_t active = tariff->active;

        if (active == 0 || active > TARIFF_MAX)
                return "";
        if (tariff->settings && tariff->settings->label[active - 1][0])
                return tariff->settings->label[active - 1];
        return digits[active];
}

const char *tariff_source_name(enum tariff_source source)
{
        switch (source) {
        case TARIFF_SOURCE_NONE:
                return "none";
        case TARIFF_SOURCE_INDICATOR:
                return "indicator";
        case TARIFF_SOURCE_REGISTER:
                return "register";
        case TARIFF_SOURCE_SCHEDULE:
                return "schedule";
        }
        return "none";
}
