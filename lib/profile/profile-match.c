/* SPDX-License-Identifier: MIT */
/*
 * Which profile a telegram belongs to: facts of [match] are weighed, and one that contradicts
 * excludes the profile.
 */
#include "profile.h"

#include <string.h>

#include "base/util.h"

/* The weight of a fact that holds. An id that a family alone uses outweighs everything. */
enum weight {
        WEIGHT_LIST_ID = 50,
        WEIGHT_IDENT = 40,
        WEIGHT_MAKER = 20,
        WEIGHT_REGISTERS = 20,
        WEIGHT_OWN_LIST = 15,
        WEIGHT_PUSH = 10,
        WEIGHT_LAYOUT = 5,
};

#define EXCLUDED (-1000)

static bool fits_pattern(struct slice pattern, struct slice text)
{
        const uint8_t *star = memchr(pattern.data, '*', pattern.len);
        struct slice head = pattern, tail;

        if (!star)
                return slice_equal(pattern, text);
        head.len = (size_t)(star - pattern.data);
        if (!slice_starts_with(text, head))
                return false;
        tail = slice_from(pattern, head.len + 1);
        if (tail.len == 0)
                return true;
        for (size_t at = head.len; at <= text.len; at++)
                if (fits_pattern(tail, slice_from(text, at)))
                        return true;
        return false;
}

bool profile_pattern_fits(const char *patterns, struct slice text)
{
        while (*patterns) {
                size_t n;

                patterns += strspn(patterns, " ");
                n = strcspn(patterns, " ");
                if (n > 0 && fits_pattern((struct slice){ (const uint8_t *)patterns, n }, text))
                        return true;
                patterns += n;
        }
        return false;
}

/* The list id in front, or the list version identifier x:0.2.129 of Norwegian HAN telegrams. */
static struct slice list_id_of(const struct telegram *t)
{
        if (t->hints.list_id[0])
                return slice_of_string(t->hints.list_id);
        for (size_t i = 0; i < t->n_texts; i++) {
                const struct text *text = &t->texts[i];

                if (text->obis.c == 0 && text->obis.d == 2 && text->obis.e == 129)
                        return text->value;
        }
        return (struct slice){ 0 };
}

static int weigh_list_id(const struct profile_match *match, struct slice id)
{
        if (!match->list_id)
                return 0;
        if (id.len == 0)
                return 0;
        return profile_pattern_fits(match->list_id, id) ? WEIGHT_LIST_ID : EXCLUDED;
}

static int weigh_maker(const struct profile_match *match, const struct telegram *t)
{
        const char *maker = match->makers;

        if (!maker || !t->manufacturer[0])
                return 0;
        for (; maker[0] && maker[1] && maker[2]; maker++)
                if (memcmp(maker, t->manufacturer, 3) == 0)
                        return WEIGHT_MAKER;
        return EXCLUDED;
}

static int weigh_push(const struct profile_match *match, const struct telegram *t)
{
        if (!match->has_push || !t->hints.has_push)
                return 0;
        return t->hints.push_channel >= match->push_least &&
                               t->hints.push_channel <= match->push_most
                       ? WEIGHT_PUSH
                       : EXCLUDED;
}

/* A telegram without wide registers may still be of a meter that has some. */
static int weigh_registers(const struct profile_match *match, const struct telegram *t)
{
        if (match->registers == 0 || (match->registers == 32 && !t->hints.wide))
                return 0;
        return match->registers == 64 && t->hints.wide ? WEIGHT_REGISTERS : EXCLUDED;
}

static int weigh_ident(const struct profile_match *match, const struct telegram *t)
{
        if (!match->ident || !*t->hints.ident)
                return 0;
        return profile_pattern_fits(match->ident, slice_of_string(t->model)) ||
                               profile_pattern_fits(match->ident, slice_of_string(t->hints.ident))
                       ? WEIGHT_IDENT
                       : EXCLUDED;
}

static int weigh_layout(const struct profile_match *match, const struct telegram *t)
{
        if (!match->layout)
                return 0;
        return t->hints.layout && strcmp(match->layout, t->hints.layout) == 0 ? WEIGHT_LAYOUT
                                                                              : EXCLUDED;
}

/* The facts that exclude most and cost least: this runs for every telegram and profile. */
static inline bool is_excluded(const struct meter_profile *profile, const struct telegram *t)
{
        const struct profile_match *match = &profile->match;

        return (match->own_list && (!t->hints.list || t->hints.list->owner != profile)) ||
               (match->title && !t->has_system_title) || weigh_maker(match, t) < 0;
}

static unsigned int weigh(const struct meter_profile *profile, const struct telegram *t,
                          struct slice list_id)
{
        const struct profile_match *match = &profile->match;
        int points = weigh_maker(match, t) + weigh_layout(match, t);

        if (points < 0)
                return 0;
        points += weigh_push(match, t) + weigh_registers(match, t);
        if (t->hints.list && t->hints.list->owner == profile)
                points += WEIGHT_OWN_LIST;
        if (points < 0)
                return 0;
        points += weigh_list_id(match, list_id) + weigh_ident(match, t);
        if (points <= 0 || points < match->least)
                return 0;
        if (match->framings && !profile_pattern_fits(match->framings, slice_of_string(t->framing)))
                return 0;
        return (unsigned int)points;
}

unsigned int profile_points(const struct meter_profile *profile, const struct telegram *t)
{
        return is_excluded(profile, t) ? 0 : weigh(profile, t, list_id_of(t));
}

static const struct meter_profile *find_best(const struct profile_set *set,
                                             const struct telegram *t, struct slice list_id)
{
        const struct meter_profile *best = NULL, *profile;
        unsigned int best_points = 0;

        for (size_t i = 0; (profile = profile_set_at(set, i)); i++) {
                unsigned int points = is_excluded(profile, t) ? 0 : weigh(profile, t, list_id);

                if (points > best_points) {
                        best = profile;
                        best_points = points;
                }
        }
        return best;
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
        sum = (sum ^ word) * 0x9e3779b97f4a7c15ULL;
        return sum ^ sum >> 32;
}

static uint64_t mix_text(uint64_t sum, struct slice text)
{
        for (size_t at = 0; at < text.len; at += sizeof(uint64_t)) {
                uint64_t word = 0;

                memcpy(&word, text.data + at, MIN(sizeof(word), text.len - at));
                sum = mix(sum, word);
        }
        return mix(sum, text.len);
}

/* All that is_excluded() and weigh() look at. */
static uint64_t facts_of(const struct telegram *t, struct slice list_id)
{
        const struct telegram_hints *h = &t->hints;
        uint64_t flags = (uint64_t)h->push_channel << 3 | (uint64_t)h->has_push << 2 |
                         (uint64_t)h->wide << 1 | t->has_system_title;
        uint32_t maker;
        uint64_t sum;

        memcpy(&maker, t->manufacturer, sizeof(maker)); /* three letters, or none */
        maker = t->manufacturer[0] ? maker : 0;
        sum = mix(flags, maker);
        sum = mix(sum, (uintptr_t)h->list);
        sum = mix(sum, (uintptr_t)h->layout);
        sum = mix(sum, (uintptr_t)t->framing);
        sum = mix_text(sum, list_id);
        if (h->ident[0]) {
                sum = mix_text(sum, slice_of_string(h->ident));
                sum = mix_text(sum, slice_of_string(t->model));
        }
        return sum;
}

const struct meter_profile *profile_set_match(const struct profile_set *set,
                                              const struct telegram *t, struct profile_memo *memo)
{
        struct slice list_id = list_id_of(t);
        struct profile_memo now;

        if (!memo)
                return find_best(set, t, list_id);
        now.facts = facts_of(t, list_id);
        now.generation = profile_set_generation(set);
        if (now.facts != memo->facts || now.generation != memo->generation) {
                now.profile = find_best(set, t, list_id);
                *memo = now;
        }
        return memo->profile;
}

char profile_kind_of(struct obis obis)
{
        /* By group C without its phase (IEC 62056-6-1 §7.5): of instantaneous values, of energy. */
        static const char instant[] = "-PPQQQQQQSSIUAFPPPPPP", energies[] = "-EEEEEEEEEE----EEEEEE";
        bool energy = obis.d == 8 || obis.d == 9 || obis.d == 29;
        uint8_t c = obis_phaseless(obis.c);
        char kind = 0;

        /* Instantaneous values, their averages, least and greatest (IEC 62056-6-1, group D). */
        if (obis.a != 1 || (!energy && (obis.d < 2 || obis.d > 7)))
                return 0;
        if (c < sizeof(instant) - 1)
                kind = energy ? energies[c] : instant[c];
        else if (!energy && (c == 90 || c == 91))
                kind = 'I';
        return kind == '-' ? 0 : kind;
}

static uint32_t scale_code_of(struct obis obis)
{
        return profile_scale_code(profile_kind_of(obis), obis_phaseless(obis.c), obis.d, obis.e);
}

const struct profile_scale *profile_find_scale(const struct meter_profile *profile,
                                               struct obis obis)
{
        uint32_t code;

        if (obis.a != 1)
                return NULL;
        code = scale_code_of(obis);
        for (size_t i = 0; i < profile->n_scales; i++)
                if (((profile->scales[i].wanted ^ code) & profile->scales[i].mask) == 0)
                        return &profile->scales[i];
        return NULL;
}

const struct profile_scale *profile_scale_of(const struct meter_profile *profile,
                                             const struct reading *reading)
{
        uint8_t row;

        if (!reading->quantity)
                return profile_find_scale(profile, reading->obis);
        row = profile->scale_of[quantity_index(reading->quantity)];
        return row > 0 ? &profile->scales[row - 1] : NULL;
}

/* Row by row, the first last: so the inner loop is one that compilers make wide. */
void profile_scales_settle(struct meter_profile *profile)
{
        uint32_t codes[QUANTITIES_MAX];
        const struct quantity *quantity;
        size_t n = 0;

        memset(profile->scale_of, 0, sizeof(profile->scale_of));
        if (profile->n_scales == 0)
                return;
        for (; (quantity = quantity_at(n)); n++)
                codes[n] = scale_code_of((struct obis)OBIS_OF(quantity->a, 0, quantity->c,
                                                              quantity->d, quantity->e, 255));
        for (size_t i = profile->n_scales; i-- > 0;) {
                uint32_t wanted = profile->scales[i].wanted, mask = profile->scales[i].mask;

                for (size_t k = 0; k < n; k++)
                        if (((wanted ^ codes[k]) & mask) == 0)
                                profile->scale_of[k] = (uint8_t)(i + 1);
        }
        for (size_t i = 0; i < n; i++)
                if (quantity_at(i)->a != 1) /* rows are of electricity */
                        profile->scale_of[i] = 0;
}

const struct profile_range *profile_range_of(const struct meter_profile *profile, char kind)
{
        const struct profile_range *range = NULL;

        switch (kind) {
        case 'P':
        case 'Q':
        case 'S':
                range = &profile->power;
                break;
        case 'I':
                range = &profile->current;
                break;
        case 'U':
                range = &profile->voltage;
                break;
        case 'F':
                range = &profile->frequency;
                break;
        default:
                break;
        }
        return range && range->given ? range : NULL;
}

const struct profile_range *profile_find_range(const struct meter_profile *profile,
                                               struct obis obis)
{
        return profile_range_of(profile, profile_kind_of(obis));
}

bool profile_range_holds(const struct profile_range *range, struct decimal value)
{
        struct decimal size = value;

        if (value.mantissa == 0)
                return true;
        if (range->least.mantissa >= 0 && value.mantissa < 0)
                size.mantissa = value.mantissa == INT64_MIN ? INT64_MAX : -value.mantissa;
        return decimal_compare(size, range->least) >= 0 && decimal_compare(size, range->most) <= 0;
}

const struct profile_topic *profile_find_topic(const struct meter_profile *profile,
                                               struct obis obis)
{
        for (size_t i = 0; profile && i < profile->n_topics; i++) {
                const struct profile_topic *topic = &profile->topics[i];

                if (topic->c == obis.c && topic->d == obis.d && topic->e == obis.e)
                        return topic;
        }
        return NULL;
}
