/* SPDX-License-Identifier: MIT */
/*
 * From the wire to the broker: a telegram of P1, whose ids and texts anybody may choose, becomes
 * messages of all formats. Topics are plain words with slashes, payloads are UTF-8, and objects are
 * JSON and no more than one.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/text.h"
#include "daemon/formats/format-filter.h"
#include "daemon/formats/format.h"
#include "lib/decoder.h"
#include "tests/unit/daemon/format-bit.h"
#include "tests/unit/known-profiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const all_formats[] = { "native", "homeassistant", "datacollector", "rl-dsp",
                                           "jeedom" };

static bool is_ascii(const char *text)
{
        while (*text && !(*text & 0x80))
                text++;
        return !*text;
}

static void check_json(const char *payload)
{
        struct json_tokener *tokener = json_tokener_new_ex(16);
        struct json_object *object;

        /* json-c 0.18 takes "É" behind a quote for a control character when it is strict, and when
         * it validates UTF-8; text_is_utf8() was asked. */
        json_tokener_set_flags(tokener, is_ascii(payload) ? JSON_TOKENER_STRICT : 0);
        object = json_tokener_parse_ex(tokener, payload, (int)strlen(payload));
        if (!object || json_tokener_get_parse_end(tokener) != strlen(payload))
                abort();
        json_object_put(object);
        json_tokener_free(tokener);
}

static void check(struct message_list *list)
{
        for (const struct message *m = list->head; m; m = m->next) {
                const char *topic = message_topic(m), *payload = message_payload(m);

                for (const char *c = topic; *c; c++)
                        if ((unsigned char)*c <= ' ' || *c == 0x7f || *c == '+' || *c == '#')
                                abort();
                if (*topic == '$' || !text_is_utf8(topic) || strlen(topic) != m->topic_len ||
                    strlen(payload) != m->payload_len || !text_is_utf8(payload))
                        abort();
                if (*payload == '{')
                        check_json(payload);
                for (const char *c = payload; *c; c++)
                        if ((unsigned char)*c < ' ')
                                abort();
        }
        message_list_clear(list);
}

static void publish(const struct telegram *telegram, uint8_t wish)
{
        struct format_context context = { .instance = "box",
                                          .group = "building",
                                          .discovery_prefix = "homeassistant",
                                          .jeedom_root = "smartmeters",
                                          .version = "1",
                                          .meter_name = wish & 1 ? "House" : "" };
        struct message_list list = { 0 };
        struct format_filter filter = { 0 };
        struct format_values values;
        struct meter_update update;
        struct meter *m;

        for (size_t i = 0; i < sizeof(all_formats) / sizeof(all_formats[0]); i++)
                context.formats |= format_bit(all_formats[i]);
        if (meter_new(telegram->meter_id, &m) < 0)
                abort();
        if (meter_update(m, telegram, 1750000000000000, 1000000, 0, NULL, &update) >= 0) {
                format_filter_apply(&filter, 0, (struct decimal){ 0 }, &update, &values);
                format_describe(&context, m, &list);
                format_state(&context, m, &list);
                format_telegram(&context, m, &update, &values, &list);
                format_counters(&context, m, 0, UINT64_MAX, &list);
                check(&list);
                format_filter_done(&filter);
        }
        meter_free(m);
}

/* CRC-16/ARC, as P1 has it: without it the fuzzer would never get past the check. */
static unsigned int crc(const uint8_t *data, size_t size)
{
        unsigned int sum = 0;

        for (size_t i = 0; i < size; i++) {
                sum ^= data[i];
                for (int bit = 0; bit < 8; bit++)
                        sum = sum >> 1 ^ (sum & 1 ? 0xa001 : 0);
        }
        return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char head[] = "/ISK5\\2M550T-1011\r\n\r\n";
        struct decoder_options options = { .profiles = known_profiles() };
        struct decoder_event event;
        struct decoder *d = NULL;
        uint8_t frame[4096];
        size_t n = sizeof(head) - 1;

        if (size < 2 || size > sizeof(frame) - 64)
                return 0;
        memcpy(frame, head, n);
        memcpy(frame + n, data + 1, size - 1);
        n += size - 1;
        memcpy(frame + n, "\r\n!", 3);
        n += 3;
        n += (size_t)snprintf((char *)frame + n, 8, "%04X\r\n", crc(frame, n));
        if (decoder_new(&options, &d) < 0)
                return 0;
        for (int turn = 0; turn < 2; turn++) {
                decoder_feed(d, (struct slice){ frame, n });
                while (decoder_next(d, &event) > 0)
                        if (event.type == DECODER_TELEGRAM && event.telegram->status == TELEGRAM_OK)
                                publish(event.telegram, data[0]);
        }
        decoder_free(d);
        return 0;
}
