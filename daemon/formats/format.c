/* SPDX-License-Identifier: MIT */
/*
 * The table of formats and what they share: topics, times, expiry.
 */
#include "format.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/util.h"

#define FORMAT_ROW(name) &format_##name,
static const struct format *const format_table[] = { FORMAT_TABLE(FORMAT_ROW) NULL };

const char *format_name_at(size_t i)
{
        return format_table[i] ? format_table[i]->name : NULL;
}

static bool is_chosen(const struct format_context *context, size_t i)
{
        return context->formats >> i & 1;
}

const struct format *format_common(const struct format_context *a, const struct format_context *b)
{
        char root_a[FORMAT_TOPIC_MAX], root_b[FORMAT_TOPIC_MAX];

        for (size_t i = 0; format_table[i]; i++) {
                if (!is_chosen(a, i) || !is_chosen(b, i))
                        continue;
                format_table[i]->root(a, root_a);
                format_table[i]->root(b, root_b);
                if (strcmp(root_a, root_b) == 0)
                        return format_table[i];
        }
        return NULL;
}

bool format_birth_topic(const struct format_context *context, size_t index,
                        char buf[static FORMAT_TOPIC_MAX])
{
        for (size_t i = 0; format_table[i]; i++)
                if (is_chosen(context, i) && format_table[i]->birth && index-- == 0) {
                        format_table[i]->birth(context, buf);
                        return true;
                }
        return false;
}

/* Rows in the order in which they speak: each chosen one, plain values behind the first of those
 * that ask for them. NULL behind the last. */
static const struct format *next_format(const struct format_context *context, size_t *at,
                                        bool *values)
{
        for (; format_table[*at / 2]; ++*at) {
                const struct format *f = format_table[*at / 2];

                if (!is_chosen(context, *at / 2) || (*at % 2 && (*values || !f->plain_values)))
                        continue;
                if (*at % 2) {
                        *values = true;
                        f = &format_values_plain;
                }
                ++*at;
                return f;
        }
        return NULL;
}

#define EACH_FORMAT(context_, f_)    \
        size_t format_at_ = 0;       \
        bool format_values_ = false; \
        for (const struct format *f_; (f_ = next_format(context_, &format_at_, &format_values_));)

void format_telegram(const struct format_context *context, const struct meter *meter,
                     const struct meter_update *update, const struct format_values *values,
                     struct message_list *ret)
{
        EACH_FORMAT(context, f)
        if (f->telegram)
                f->telegram(context, meter, update, values, ret);
}

void format_describe(const struct format_context *context, const struct meter *meter,
                     struct message_list *ret)
{
        EACH_FORMAT(context, f)
        if (f->describe)
                f->describe(context, meter, ret);
}

void format_state(const struct format_context *context, const struct meter *meter,
                  struct message_list *ret)
{
        EACH_FORMAT(context, f)
        if (f->state)
                f->state(context, meter, ret);
}

void format_health(const struct format_context *context, const struct meter *meter,
                   struct message_list *ret)
{
        EACH_FORMAT(context, f)
        if (f->health)
                f->health(context, meter, ret);
}

void format_parts(const struct format_context *context, const struct meter *meter,
                  void (*each)(const char *part, void *userdata), void *userdata)
{
        EACH_FORMAT(context, f)
        if (f->parts)
                f->parts(context, meter, each, userdata);
}

void format_counters(const struct format_context *context, const struct meter *meter,
                     uint64_t from_usec, uint64_t before_usec, struct message_list *ret)
{
        EACH_FORMAT(context, f)
        if (f->counters)
                f->counters(context, meter, from_usec, before_usec, ret);
}

void format_clear(const char *topic, struct message_list *ret)
{
        /* it counts as much as energy does */
        static const struct message_attributes cleared = { .class = MESSAGE_ENERGY,
                                                           .qos = 1,
                                                           .retain = true };

        format_add(ret, &cleared, topic, "");
}

/* In the manner of FNV-1a, 64 bits: only to notice that something differs. */
#define FNV_INIT UINT64_C(0xcbf29ce484222325)

static uint64_t hash_number(uint64_t hash, uint64_t number)
{
        hash = (hash ^ number) * 0x100000001b3;
        return hash ^ hash >> 32; /* differences in high bits alone must reach the low ones too */
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
        size_t n = strlen(text) + 1;
        uint64_t word;

        for (; n >= sizeof(word); text += sizeof(word), n -= sizeof(word)) {
                memcpy(&word, text, sizeof(word));
                hash = hash_number(hash, word);
        }
        word = 0;
        memcpy(&word, text, n);
        return hash_number(hash, word);
}

uint64_t format_signature(const struct format_context *context, const struct meter *meter)
{
        uint64_t hash = FNV_INIT, values = 0;

        hash = hash_text(hash, context->meter_name);
        hash = hash_text(hash, meter->model);
        hash = hash_text(hash, meter->manufacturer);
        hash = hash_text(hash, meter->medium);
        hash = hash_text(hash, meter->parent_id);
        hash = hash_number(hash, meter->n_values);
        for (size_t i = 0; i < meter->n_values; i++) {
                const struct meter_value *value = &meter->values[i];
                uint64_t one = hash_text(FNV_INIT, value->key);

                one = hash_number(one, format_expiry_s(context, value));
                one = hash_number(one, value->reading.scale);
                values += hash_number(one, value->reading.unit); /* in whatever order */
        }
        hash = hash_number(hash, values);
        hash = hash_number(hash, (uintptr_t)meter->tariff.settings);
        return hash_number(hash, meter->tariff.active != 0);
}

char *format_segment(const char *text, char *buf, size_t size)
{
        size_t n = 0;

        for (; text[n] && n + 1 < size; n++) {
                unsigned char c = (unsigned char)text[n];
                bool bad = c < 0x20 || c == 0x7f || c == '+' || c == '#' || c == '/';

                buf[n] = bad || (n == 0 && c == '$') ? '_' : (char)c;
        }
        if (n == 0)
                buf[n++] = '_';
        buf[n] = '\0';
        return buf;
}

char *format_identifier(const char *text, char *buf, size_t size)
{
        size_t n = 0;

        for (; text[n] && n + 1 < size; n++) {
                char c = text[n];
                bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                            (c >= '0' && c <= '9') || c == '_' || c == '-';

                buf[n] = good ? c : '_';
        }
        if (n == 0)
                buf[n++] = '_';
        buf[n] = '\0';
        return buf;
}

size_t format_meter_prefix(const struct format_context *context, const char *meter_id,
                           char buf[static FORMAT_TOPIC_MAX])
{
        char id[METER_ID_MAX], *end = buf;

        end = stpcpy(stpcpy(end, "smartmeterd/"), context->instance);
        end = stpcpy(stpcpy(end, "/meter/"), format_segment(meter_id, id, sizeof(id)));
        return (size_t)(stpcpy(end, "/") - buf);
}

void format_state_topic(const struct format_context *context, char buf[static FORMAT_TOPIC_MAX])
{
        (void)snprintf(buf, FORMAT_TOPIC_MAX, "smartmeterd/%s/state", context->instance);
}

void format_add(struct message_list *list, const struct message_attributes *attributes,
                const char *topic, const char *payload)
{
        struct message *m = message_new(attributes, topic, payload, strlen(payload));

        if (m)
                message_list_add(list, m);
        else
                list->incomplete = true;
}

void format_add_json(struct message_list *list, const struct message_attributes *attributes,
                     const char *topic, struct json_object *object)
{
        const char *payload =
                json_to_text(object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

        if (payload)
                format_add(list, attributes, topic, payload);
        else
                list->incomplete = true;
}

/* The longest distance that is usual: of the last ones the second longest, so that telegrams in
 * pairs count by the pause between them and a single night without any does not count. */
static uint64_t usual_usec(const struct meter_value *value)
{
        const struct interval *recent = &value->recent;
        uint32_t longest = 0, second = 0;

        for (uint8_t i = 0; i < recent->n; i++) {
                uint32_t ms = recent->ms[i];

                second = MAX(second, MIN(ms, longest));
                longest = MAX(longest, ms);
        }
        return MAX(value->interval_usec, (recent->n < 3 ? longest : second) * UINT64_C(1000));
}

uint32_t format_expiry_s(const struct format_context *context, const struct meter_value *value)
{
        /* Steps so wide apart, and so far from five times the usual intervals (1, 5, 10, 60 s,
         * 15 min, 1 h), that a wandering interval does not change the answer each telegram. */
        static const uint32_t steps[] = { 30,   40,   80,    160,    400,   800,
                                          2000, 6000, 24000, 100000, 500000 };
        uint64_t wanted_s;

        if (value->interval_usec == 0)
                return 0;
        wanted_s = 5 * MAX(usual_usec(value), context->resend_usec) / 1000000;
        for (size_t i = 0; i < ELEMENTSOF(steps); i++)
                if (wanted_s <= steps[i])
                        return steps[i];
        return steps[ELEMENTSOF(steps) - 1];
}

void format_time(int64_t usec, bool milliseconds, char buf[static FORMAT_TIME_MAX])
{
        int64_t fraction = usec % 1000000;
        time_t seconds = (time_t)(usec / 1000000);
        struct tm tm;
        size_t n;

        if (fraction < 0) {
                fraction += 1000000;
                seconds--;
        }
        buf[0] = '\0';
        if (!gmtime_r(&seconds, &tm))
                return;
        n = strftime(buf, FORMAT_TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
        (void)snprintf(buf + n, FORMAT_TIME_MAX - n, milliseconds ? ".%03d+00:00" : "+00:00",
                       (int)(fraction / 1000));
}

enum message_class format_class(const struct meter_value *value)
{
        return quantity_is_counter(value->reading.quantity) ||
                               (value->reading.quantity &&
                                value->reading.quantity->kind == QUANTITY_NET_ENERGY)
                       ? MESSAGE_ENERGY
                       : MESSAGE_INSTANTANEOUS;
}
