/* SPDX-License-Identifier: MIT */
/*
 * Checks of the meters, as the service shows them on the bus.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "ctl/view/output.h"
#include "doctor.h"

/* A meter's clock may be off by 9 s in Switzerland (METAS); a minute is a mistake by any rule. */
#define CLOCK_DEVIATION_MAX_USEC 60000000
/* A clock in another zone, or that knows no summer time, is off by whole quarter hours. */
#define QUARTER_SEC    900
#define ZONE_SLACK_SEC 60
#define SUSPECTS_MIN   6

const struct need doctor_needs_meter = { NULL, N_("No meter has been heard yet."), true };

/* Of a meter that is remembered, and not heard since the start, nothing is known. */
static bool is_heard(struct json_object *meter)
{
        return json_number(meter, "last_telegram_usec") > 0;
}

const struct need doctor_needs_heard = { .has = is_heard,
                                         .why = N_("No meter has sent a telegram yet.") };

/* Its telegrams have been looked into. */
static bool has_readings(struct json_object *meter)
{
        return json_count(json_member(meter, "readings")) > 0;
}

const struct need doctor_needs_reading = { .has = has_readings,
                                           .why = N_("No meter has sent a reading yet.") };

void doctor_check_key(struct doctor *doctor, struct json_object *meter)
{
        const char *state = json_text(meter, "key_state"), *id = json_text(meter, "id");
        char word[DOCTOR_WORD_MAX];

        doctor_word(id, word);
        if (strcmp(state, "missing") == 0)
                doctor_wrong(doctor, id,
                             doctor_fix(doctor,
                                        _("Ask the utility for the key (GUEK) of the customer "
                                          "interface, then: sudo smctl set-key %s"),
                                        word),
                             _("The telegrams are encrypted, and no key is set."));
        else if (strcmp(state, "wrong-encryption-key") == 0)
                doctor_wrong(doctor, id,
                             doctor_fix(doctor,
                                        _("Compare it with the utility's letter (32 hex digits, "
                                          "of this very meter), then: sudo smctl set-key %s"),
                                        word),
                             _("The encryption key is wrong."));
        else if (strcmp(state, "wrong-authentication-key") == 0)
                doctor_wrong(doctor, id,
                             doctor_fix(doctor,
                                        _("Set it again, or set the encryption key alone: sudo "
                                          "smctl set-key %s"),
                                        word),
                             _("The encryption key is right, but the authentication key is not."));
        else if (strcmp(state, "unverified") == 0)
                doctor_skip(doctor, _("A key was set; the meter's next telegram tells whether it "
                                      "is right."));
}

void doctor_check_offline(struct doctor *doctor, struct json_object *meter)
{
        uint64_t last = (uint64_t)json_number(meter, "last_telegram_usec");
        char age[OUTPUT_TEXT_MAX], word[DOCTOR_WORD_MAX];

        if (last == 0 || json_flag(meter, "online"))
                return;
        doctor_wrong(doctor, json_text(meter, "id"),
                     doctor_fix(doctor,
                                _("Look at its converter: smctl status. A meter that is gone for "
                                  "good: sudo smctl forget %s"),
                                doctor_word(json_text(meter, "id"), word)),
                     _("No telegram for %s."), output_age(last, output_now_usec(), age));
}

/* How many readings of a meter have this flag. */
static size_t count_flag(struct json_object *meter, const char *flag)
{
        struct json_object *readings = json_member(meter, "readings");
        size_t n = 0;

        for (size_t i = 0; i < json_count(readings); i++)
                n += json_has_word(json_object_array_get_idx(readings, i), "flags", flag);
        return n;
}

/* Heard, and yet it says nothing: none of its telegrams is understood, or none is any more. */
void doctor_check_layout(struct doctor *doctor, struct json_object *meter)
{
        struct json_object *statistics = json_member(meter, "statistics");
        size_t n_readings = json_count(json_member(meter, "readings"));
        char word[DOCTOR_WORD_MAX], port[DOCTOR_WORD_MAX];

        if (json_number(statistics, "unknown-layouts") == 0 || !json_flag(meter, "online") ||
            count_flag(meter, "stale") < n_readings)
                return;
        doctor_wrong(
                doctor, json_text(meter, "id"),
                doctor_fix(doctor,
                           _("Teach it, with what its display shows: sudo smctl learn %s. Or "
                             "attach to an issue what this makes: sudo smctl report %s; it does "
                             "not tell whose meter it is."),
                           doctor_word(json_text(meter, "id"), word),
                           doctor_word(json_text(meter, "converter"), port)),
                _("Its telegrams arrive whole, but their list is unknown: %lld so far, and no "
                  "reading."),
                (long long)json_number(statistics, "unknown-layouts"));
}

void doctor_check_scale(struct doctor *doctor, struct json_object *meter)
{
        size_t n = count_flag(meter, "unscaled");
        const char *fix = json_text(meter, "scale_cure");
        char word[DOCTOR_WORD_MAX];

        if (*fix)
                doctor_wrong(doctor, json_text(meter, "id"),
                             _("Compare its energy with the meter's display; where it is wrong, "
                               "write that line into its [meter] section. Without it, the measured "
                               "scale is taken after an hour of load (docs/evidence.md)."),
                             _("Its energy does not agree with its power over the same time: %s "
                               "would be right."),
                             fix);
        if (n > 0)
                doctor_wrong(doctor, json_text(meter, "id"),
                             doctor_fix(doctor,
                                        _("\"smctl readings %s\" shows which. Compare with the "
                                          "meter's display and write Scale.CODE= into its [meter] "
                                          "section (docs/evidence.md)."),
                                        doctor_word(json_text(meter, "id"), word)),
                             P_("%zu number has no unit, since its scale is not known.",
                                "%zu numbers have no unit, since their scale is not known.", n),
                             n);
}

void doctor_check_suspect(struct doctor *doctor, struct json_object *meter)
{
        struct json_object *statistics = json_member(meter, "statistics");
        int64_t n = json_number(statistics, "suspects");
        size_t n_now = count_flag(meter, "suspect");
        char word[DOCTOR_WORD_MAX], port[DOCTOR_WORD_MAX];

        /* An exchanged meter is doubted three times, and a leap now and then is no trouble. */
        if (n_now == 0 || n < SUSPECTS_MIN || n < json_number(statistics, "telegrams") / 10)
                return;
        doctor_wrong(
                doctor, json_text(meter, "id"),
                doctor_fix(doctor,
                           _("\"smctl readings %s\" notes which. Counters that rise faster than "
                             "the connection can carry: set MaxPower= in its [meter] section; "
                             "with a wrong factor: Scale.CODE= there. Else report it with a "
                             "record: sudo smctl capture %s -o capture.bin"),
                           doctor_word(json_text(meter, "id"), word),
                           doctor_word(json_text(meter, "converter"), port)),
                P_("%zu reading is not believed now (%lld values since the start).",
                   "%zu readings are not believed now (%lld values since the start).", n_now),
                n_now, (long long)n);
}

/* When we heard the telegram that had the meter's clock in it. One that cannot be read is heard
 * too, and later. */
static int64_t last_read_usec(struct json_object *meter)
{
        struct json_object *readings = json_member(meter, "readings");
        int64_t last = 0;

        for (size_t i = 0; i < json_count(readings); i++)
                last = MAX(last,
                           json_number(json_object_array_get_idx(readings, i), "received_usec"));
        return last ? last : json_number(meter, "last_telegram_usec");
}

static bool key_fits(struct json_object *meter)
{
        const char *state = json_text(meter, "key_state");

        return strcmp(state, "ok") == 0 || strcmp(state, "not-needed") == 0;
}

static bool has_clock(struct json_object *meter)
{
        return key_fits(meter) && json_number(meter, "meter_clock_usec") != 0 &&
               last_read_usec(meter) != 0;
}

const struct need doctor_needs_clock = { .has = has_clock,
                                         .why = N_("No meter has told its time yet.") };

void doctor_check_clock(struct doctor *doctor, struct json_object *meter)
{
        int64_t deviation = json_number(meter, "clock_deviation_usec");
        long long seconds = llabs(deviation) / 1000000;
        long long rest = seconds % QUARTER_SEC;

        if (!has_clock(meter) || llabs(deviation) < CLOCK_DEVIATION_MAX_USEC)
                return;
        if (seconds >= QUARTER_SEC - ZONE_SLACK_SEC && seconds <= 14 * 3600 + ZONE_SLACK_SEC &&
            (rest <= ZONE_SLACK_SEC || rest >= QUARTER_SEC - ZONE_SLACK_SEC))
                doctor_wrong(doctor, json_text(meter, "id"),
                             _("Is the time zone here right (timedatectl)? If it is, set "
                               "TimeSource=host in its [meter] section; and report it: its family "
                               "keeps another time than we think."),
                             _("The meter's clock is %lld s %s ours: whole quarter hours, so "
                               "another time zone, or no summer time."),
                             seconds, deviation > 0 ? _("ahead of") : _("behind"));
        else
                doctor_wrong(doctor, json_text(meter, "id"),
                             _("Is the clock here right (timedatectl)? If it is, set "
                               "TimeSource=host in [meter], and tell the utility."),
                             _("The meter's clock is %lld s %s ours."), seconds,
                             deviation > 0 ? _("ahead of") : _("behind"));
}

/* Heard within its interval, its key fits, and it has said something that is not stale. */
static bool is_read(struct json_object *meter)
{
        size_t n = json_count(json_member(meter, "readings"));

        return json_flag(meter, "online") && key_fits(meter) && n > count_flag(meter, "stale");
}

void doctor_count_read(struct doctor *doctor, struct json_object *meter)
{
        doctor->n_read += is_read(meter);
}

void doctor_check_reading(struct doctor *doctor)
{
        if (doctor->n_read > 0)
                return;
        if (doctor->n_wrong > 0)
                doctor_skip(doctor, _("No meter is read; the findings above say why."));
        else
                doctor_wrong(doctor, "",
                             _("Wait a minute, or a quarter of an hour with a meter that sends "
                               "seldom, then: smctl doctor"),
                             _("No meter is read yet, and nothing was found that keeps it from "
                               "being read."));
}
