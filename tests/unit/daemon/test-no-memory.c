/* SPDX-License-Identifier: MIT */
/*
 * JSON that is made without memory for all of it is whole, or there is none (base/json.h): each
 * call of json-c fails once, and each growth of its buffers, and every message that comes out is
 * one that comes out with memory, too.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "daemon/formats/format.h"
#include "daemon/meters/memory.h"
#include "daemon/mqtt/mqtt-publish.h"
#include "format-bit.h"
#include "lib/model/telegram-json.h"
#include "tests/unit/model/meter-fixture.h"

static size_t n_calls, failing; /* the call that fails, counted from 1; 0: none */

static bool fails(void)
{
        return ++n_calls == failing;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAS_SANITIZER
#endif

#ifndef HAS_SANITIZER /* it has this function for itself */
/* The growth of buffers within json-c: its calls come here, and ours too. */
void *realloc(void *at, size_t size)
{
        static void *(*next)(void *, size_t);
        void *found;

        if (!next) {
                found = dlsym(RTLD_NEXT, "realloc");
                memcpy(&next, &found, sizeof(next));
        }
        if (fails()) {
                errno = ENOMEM;
                return NULL;
        }
        return next(at, size);
}
#endif

/* As the linker's --wrap calls them. */
#define MAKES(name, parameters, arguments)                       \
        struct json_object *__real_##name parameters;            \
        struct json_object *__wrap_##name parameters;            \
        struct json_object *__wrap_##name parameters             \
        {                                                        \
                return fails() ? NULL : __real_##name arguments; \
        }
#define ADDS(name, parameters, arguments)                      \
        int __real_##name parameters;                          \
        int __wrap_##name parameters;                          \
        int __wrap_##name parameters                           \
        {                                                      \
                return fails() ? -1 : __real_##name arguments; \
        }

MAKES(json_object_new_object, (void), ())
MAKES(json_object_new_array, (void), ())
MAKES(json_object_new_string, (const char *text), (text))
MAKES(json_object_new_string_len, (const char *text, int n), (text, n))
MAKES(json_object_new_int, (int32_t value), (value))
MAKES(json_object_new_int64, (int64_t value), (value))
MAKES(json_object_new_boolean, (json_bool value), (value))
MAKES(json_object_new_double_s, (double value, const char *text), (value, text))
ADDS(json_object_object_add_ex,
     (struct json_object * object, const char *key, struct json_object *value,
      unsigned int options),
     (object, key, value, options))
ADDS(json_object_array_add, (struct json_object * array, struct json_object *value), (array, value))

const char *__real_json_object_to_json_string_ext(struct json_object *object, int flags);
const char *__wrap_json_object_to_json_string_ext(struct json_object *object, int flags);
const char *__wrap_json_object_to_json_string_ext(struct json_object *object, int flags)
{
        return fails() ? NULL : __real_json_object_to_json_string_ext(object, flags);
}

static char *gone[] = { (char[]){ "#sensor power_of_old" } };
static struct format_context context = {
        .instance = "box",
        .discovery_prefix = "homeassistant",
        .jeedom_root = "jeedom",
        .version = "1.0.0",
        .meter_name = "",
        .parts = gone,
        .n_parts = ELEMENTSOF(gone),
};

static struct meter *meter;
static struct meter_update update;

static void send_telegram(struct message_list *ret)
{
        static const struct format_values values = { .telegram = true };

        format_telegram(&context, meter, &update, &values, ret);
}

/* Of a sub-meter, with a value that is doubted. */
static void send_part(struct message_list *ret)
{
        meter->channel = 1;
        update.n_suspects = 1;
        send_telegram(ret);
        meter->channel = 0;
        update.n_suspects = 0;
}

static void describe(struct message_list *ret)
{
        format_describe(&context, meter, ret);
}

static void describe_entities(struct message_list *ret)
{
        context.discovery_entity = true;
        format_describe(&context, meter, ret);
        context.discovery_entity = false;
}

static void send_state(struct message_list *ret)
{
        format_state(&context, meter, ret);
}

static void add_part(const char *part, void *userdata)
{
        static const struct message_attributes attributes = { 0 };

        format_add(userdata, &attributes, part, "");
}

static void name_parts(struct message_list *ret)
{
        format_parts(&context, meter, add_part, ret);
}

static void remember(struct message_list *ret)
{
        char *text = memory_print(meter, false);

        if (text)
                add_part(text, ret);
        free(text);
}

static struct memory_case {
        const char *name, *format;
        void (*write)(struct message_list *ret);
} cases[] = {
        { "native: a telegram", "native", send_telegram },
        { "native: a telegram of a sub-meter", "native", send_part },
        { "homeassistant: a device", "homeassistant", describe },
        { "homeassistant: entities", "homeassistant", describe_entities },
        { "homeassistant: what is described", "homeassistant", name_parts },
        { "jeedom: an equipment", "jeedom", describe },
        { "jeedom: its tariff", "jeedom", send_state },
        { "the memory of a meter", "native", remember },
};

static bool is_among(const struct message_list *list, const struct message *m)
{
        for (const struct message *each = list->head; each; each = each->next)
                if (strcmp(message_topic(each), message_topic(m)) == 0 &&
                    strcmp(message_payload(each), message_payload(m)) == 0)
                        return true;
        return false;
}

static void run_case(void **state)
{
        const struct memory_case *c = *state;
        struct message_list whole = { 0 };
        size_t n;

        context.formats = format_bit(c->format);
        n_calls = failing = 0;
        c->write(&whole);
        n = n_calls;
        assert_true(whole.n > 0 && n > 3);
        for (failing = 1; failing <= n; failing++) {
                struct message_list list = { 0 };

                n_calls = 0;
                c->write(&list);
                assert_true(list.n < whole.n); /* the one that it was of is missing */
                for (const struct message *each = list.head; each; each = each->next)
                        assert_true(is_among(&whole, each));
                message_list_clear(&list);
        }
        failing = 0;
        message_list_clear(&whole);
}

/* Is each of what was sent a whole message, and none that empties a topic? */
static void assert_nothing_withdrawn(struct sink_mqtt *s)
{
        struct message_list sent = { 0 };

        (void)mqtt_queue_take(s->queue, &sent);
        for (const struct message *each = sent.head; each; each = each->next)
                assert_true(each->payload_len > 0);
        message_list_clear(&sent);
}

/* A device that Home Assistant knows is not taken away for want of memory, and described anew. */
static void description_waits_for_memory_and_takes_nothing_away(void **state)
{
        struct sink_mqtt s = { .connected = true, .state_topic = "smartmeterd/box/state" };
        struct message_list again = { 0 };
        struct mqtt_entry *e;
        size_t n;

        (void)state;
        s.context = context;
        s.context.n_parts = 0;
        s.context.formats = format_bit("homeassistant");
        assert_int_equal(mqtt_queue_new(1 << 20, &s.queue), 0);
        mqtt_publish_begin(&s);
        e = mqtt_publish_meter(&s, meter);
        assert_non_null(e);
        mqtt_publish_anew(&s, e);
        assert_nothing_withdrawn(&s);
        n_calls = 0;
        mqtt_publish_anew(&s, e);
        n = n_calls;
        assert_nothing_withdrawn(&s);
        for (failing = 1; failing <= n; failing++) {
                n_calls = 0;
                mqtt_publish_anew(&s, e);
                assert_nothing_withdrawn(&s);
        }
        for (failing = 1; !again.incomplete; failing++) {
                message_list_clear(&again);
                n_calls = 0;
                mqtt_publish_describe(&s, e, true, &again);
        }
        failing = 0;
        message_list_clear(&again);
        mqtt_publish_describe(&s, e, false, &again);
        assert_true(again.n > 0);
        message_list_clear(&again);
        mqtt_publish_end(&s);
        assert_null(mqtt_queue_free(s.queue));
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(description_waits_for_memory_and_takes_nothing_away),
        };
        int r;

        meter = new_meter();
        begin();
        add("1-0:1.8.0", 6229669, 0);
        add("1-0:1.7.0", 123, 0);
        add("1-0:2.7.0", 0, 0);
        add("1-0:199.7.0", 7, 0);
        add_text("0-0:96.13.0", "a message");
        add_text("0-1:96.1.0", "of a sub-meter");
        update = take(meter, 0);
        meter->values[0].flags |= METER_VALUE_DERIVED;
        meter->values[0].recent.n = 1;
        meter->tariff.active = 1;
        r = test_run_rows_and("no-memory", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                              more, ELEMENTSOF(more));
        (void)meter_free(meter);
        return r;
}
