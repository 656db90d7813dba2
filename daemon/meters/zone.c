/* SPDX-License-Identifier: MIT */
/*
 * Time zones by libc: one zone per process, set in TZ. Nothing else here uses local time, so that
 * the setting of one place cannot disturb another.
 */
#include "zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

/*
 * Clocks go forward and back on a quarter of an hour, so what libc found for one second of it holds
 * for all of it. Asking libc anew for every telegram cost two thirds of all that a telegram costs:
 * it looks at /etc/localtime each time, and searches years for a summer time the zone does not
 * have. A machine that is moved to another zone is noticed with the next quarter.
 */
#define QUARTER_S 900

/* What libc takes where TZ is not set. We set it always: to replace a variable disturbs no other
 * thread that looks for one, to add or to remove one does. */
#define OF_MACHINE "/etc/localtime"
/* The same file: libc looks at it anew only when TZ has changed (time/tzset.c of glibc). */
#define OF_MACHINE_TOO "/etc//localtime"

struct memo {
        bool used;
        int64_t quarter;
        int32_t offset_s; /* local minus UTC */
        bool summer;
};

static struct {
        /* By UTC, of an even hour and of an odd one: without a mark a time is asked for as summer
         * and as winter time, and the two would put each other out of one place. */
        struct memo locals[2];
        struct memo summers[3]; /* by local time, and the summer time flag -1, 0, 1 */
} memos;

static bool is_of_machine(const char *zone)
{
        return strcmp(zone, OF_MACHINE) == 0 || strcmp(zone, OF_MACHINE_TOO) == 0;
}

/* The machine may have been moved to another zone since. */
static int look_at_machine(void)
{
        static bool other;

        other = !other;
        if (setenv("TZ", other ? ":" OF_MACHINE : ":" OF_MACHINE_TOO, 1) < 0)
                return -errno;
        tzset();
        return 0;
}

int zone_set(const char *name)
{
        char value[128], path[160];

        if (name && (strstr(name, "..") || *name == '/' || strlen(name) > 96))
                return -EINVAL;
        (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name ? name : "");
        if (name && strcmp(name, "UTC") != 0 && access(path, R_OK) < 0)
                return -EINVAL; /* glibc takes any word for a zone, and then means UTC */
        (void)snprintf(value, sizeof(value), ":%s", name ? name : "");
        memset(&memos, 0, sizeof(memos));
        if (!name)
                return look_at_machine();
        if (setenv("TZ", value, 1) < 0)
                return -errno;
        tzset();
        return 0;
}

/* The machine's, as systemd keeps it: a link into the tz database. */
static const char *name_of_machine(void)
{
        static char target[160];
        static const char folder[] = "/zoneinfo/";
        ssize_t n = readlink("/etc/localtime", target, sizeof(target) - 1);
        const char *at;

        target[MAX(n, (ssize_t)0)] = '\0';
        at = strstr(target, folder);
        return at ? at + strlen(folder) : "";
}

const char *zone_name(void)
{
        const char *zone = getenv("TZ");
        char path[160];

        zone += zone && *zone == ':';
        if (!zone || is_of_machine(zone))
                return name_of_machine();
        (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
        return *zone && access(path, R_OK) == 0 ? zone : "";
}

static bool recalls(const struct memo *memo, int64_t seconds)
{
        return memo->used && seconds >= memo->quarter && seconds - memo->quarter < QUARTER_S;
}

static void memorize(struct memo *memo, int64_t seconds, int64_t offset_s, bool summer)
{
        int64_t into = (seconds % QUARTER_S + QUARTER_S) % QUARTER_S;

        *memo = (struct memo){ true, seconds - into, (int32_t)offset_s, summer };
}

static struct datetime to_local(int64_t epoch_s, void *userdata)
{
        struct memo *memo = &memos.locals[epoch_s / 3600 & 1];
        time_t at = (time_t)epoch_s;
        struct datetime local;
        struct tm tm;

        if (!recalls(memo, epoch_s)) {
                if (!localtime_r(&at, &tm))
                        return (struct datetime){ 0 };
                memorize(memo, epoch_s, tm.tm_gmtoff, tm.tm_isdst > 0);
        }
        at = (time_t)epoch_s + memo->offset_s;
        if (!gmtime_r(&at, &tm))
                return (struct datetime){ 0 };
        local = datetime_of_fields(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                                   tm.tm_min, tm.tm_sec);
        local.has_offset = true;
        local.offset_min = (int16_t)(memo->offset_s / 60);
        local.dst = memo->summer ? DATETIME_DST_SUMMER : DATETIME_DST_WINTER;
        return local;
}

/* mktime() with a summer time flag; -1 lets it choose. */
static int64_t local_epoch(const struct datetime *t, int is_dst)
{
        struct memo *memo = &memos.summers[is_dst + 1];
        struct datetime fields = *t;
        int64_t as_utc;

        fields.has_offset = false;
        as_utc = datetime_to_epoch(&fields);
        if (!recalls(memo, as_utc)) {
                const char *zone = getenv("TZ");
                struct tm tm = {
                        .tm_year = t->year - 1900,
                        .tm_mon = t->month - 1,
                        .tm_mday = t->day,
                        .tm_hour = t->hour,
                        .tm_min = t->minute,
                        .tm_sec = t->second,
                        .tm_isdst = is_dst,
                };

                if (zone && *zone == ':' && is_of_machine(zone + 1))
                        (void)look_at_machine(); /* no memory: it is as it was */
                memorize(memo, as_utc, as_utc - (int64_t)mktime(&tm), is_dst > 0);
        }
        return as_utc - memo->offset_s;
}

/* The reading of the fields with this flag, or INT64_MIN when the clock never showed them so. */
static int64_t exact_epoch(const struct datetime *t, int is_dst)
{
        int64_t at = local_epoch(t, is_dst);
        struct datetime back = to_local(at, NULL);

        if (back.hour != t->hour || back.minute != t->minute || back.day != t->day)
                return INT64_MIN;
        return at;
}

static int64_t to_epoch(const struct datetime *local, void *userdata)
{
        if (local->has_offset)
                return datetime_to_epoch(local);
        if (local->dst != DATETIME_DST_UNKNOWN) {
                int64_t marked = exact_epoch(local, local->dst == DATETIME_DST_SUMMER);

                if (marked != INT64_MIN)
                        return marked;
        }
        return local_epoch(local, -1);
}

const struct tariff_zone *zone_get(void)
{
        static const struct tariff_zone zone = { to_local, to_epoch, NULL };

        return &zone;
}

static int64_t distance(int64_t a, int64_t b)
{
        return a > b ? a - b : b - a;
}

/* No summer time and no offset: of a machine whose zone was never set. */
static bool is_utc(const struct datetime *t)
{
        struct datetime winter = *t, summer = *t;

        winter.has_offset = summer.has_offset = false;
        winter.month = 1;
        summer.month = 7;
        winter.day = summer.day = 1;
        return local_epoch(&winter, -1) == datetime_to_epoch(&winter) &&
               local_epoch(&summer, -1) == datetime_to_epoch(&summer);
}

int64_t zone_resolve_standard(const struct datetime *time)
{
        return time->valid ? local_epoch(time, 0) * 1000000 : 0;
}

int64_t zone_resolve(const struct datetime *time, uint64_t host_usec)
{
        int64_t summer, winter, host_s = (int64_t)(host_usec / 1000000), at;

        if (!time->valid)
                return 0;
        if (time->offset_of_mark && !is_utc(time))
                return local_epoch(time, time->dst == DATETIME_DST_SUMMER) * 1000000;
        at = to_epoch(time, NULL);
        if (!time->has_offset && time->dst == DATETIME_DST_UNKNOWN) {
                summer = exact_epoch(time, 1);
                winter = exact_epoch(time, 0);
                if (summer != INT64_MIN && winter != INT64_MIN)
                        at = distance(summer, host_s) <= distance(winter, host_s) ? summer : winter;
        }
        return at * 1000000;
}
