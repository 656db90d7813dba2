/* SPDX-License-Identifier: MIT */
/*
 * smctl identify: "which one is my converter?". Waits until one is unplugged or plugged, names it,
 * offers to adopt it, and watches until its first reading, asking for a key when one is needed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "ctl/view/tables.h"
#include "ctl/view/words.h"
#include "dbus/names.h"
#include "lib/dlms/cipher.h"
#include "set-key.h"
#include "verb.h"

struct identify {
        sd_bus *bus;             /* borrowed */
        struct json_object *all; /* owned: the latest picture */
        bool changed;
        bool yes;
        bool may_change;        /* the service would obey: asked before anything is unplugged */
        uint64_t patience_usec; /* 0: without end */
        uint64_t until_usec;    /* 0: no limit */
        char id[160];           /* the converter, once it is known */
        char last_state[256];
        char asked_key[80]; /* the meter whose key was asked for */
};

static int on_change(sd_bus_message *message, void *userdata, sd_bus_error *ret_error)
{
        struct identify *identify = userdata;

        identify->changed = true;
        return 0;
}

/* A step of the story: for people a line, for programs an object. */
static void print_event(const char *event, struct json_object *converter, const char *sentence)
{
        static const char *const members[] = { "id", "device", "state" };

        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_new_object();

                json_set_text(object, "event", event);
                for (size_t i = 0; i < ELEMENTSOF(members); i++) {
                        const char *text = json_text(converter, members[i]);

                        json_set_text(object, members[i], *text ? text : NULL);
                }
                json_set_text(object, "sentence", sentence);
                json_print_line(object);
        } else {
                printf("%s\n", sentence);
                (void)fflush(stdout); /* asked at the end */
        }
}

static int refresh(struct identify *identify)
{
        struct json_object *all = NULL;
        int r;

        identify->changed = false;
        r = client_fetch(identify->bus, &all);
        if (r < 0)
                return r;
        json_put(identify->all);
        identify->all = all;
        return 0;
}

/* Waits for news and fetches them. 1 news, 0 time is up, -errno. */
static int wait_news(struct identify *identify)
{
        int r;

        while (!identify->changed) {
                uint64_t now = output_now_usec(), left = UINT64_MAX;

                if (identify->until_usec) {
                        if (now >= identify->until_usec)
                                return 0;
                        left = identify->until_usec - now;
                }
                r = sd_bus_process(identify->bus, NULL);
                if (r < 0)
                        return r;
                if (r > 0 || identify->changed)
                        continue;
                r = sd_bus_wait(identify->bus, left);
                if (r < 0 && r != -EINTR)
                        return r;
        }
        r = refresh(identify);
        return r < 0 ? r : 1;
}

/* A tty of a Device= section stays in the list: it waits where one on USB would be gone. */
static bool is_present(struct json_object *converter)
{
        const char *state = json_text(converter, "state");
        bool is_usb = json_number(converter, "vendor_id") != 0 || *json_text(converter, "driver");

        return converter && strcmp(state, "gone") != 0 && (is_usb || strcmp(state, "waiting") != 0);
}

static struct json_object *find(struct json_object *all, const char *id)
{
        return json_find(json_member(all, "converters"), "id", id);
}

/* The converter that is present in one picture and not in the other; NULL when there is none. */
static struct json_object *find_missing(struct json_object *here, struct json_object *there)
{
        struct json_object *converters = json_member(here, "converters");

        for (size_t i = 0; i < json_count(converters); i++) {
                struct json_object *converter = json_object_array_get_idx(converters, i);

                if (is_present(converter) && !is_present(find(there, json_text(converter, "id"))))
                        return converter;
        }
        return NULL;
}

static void name_it(const char *event, struct json_object *converter, const char *format)
{
        const char *device = json_text(converter, "device");
        const char *vendor = json_text(converter, "vendor");
        const char *product = json_text(converter, "product"); /* nothing of a UART */
        char who[512], sentence[768];

        (void)snprintf(who, sizeof(who), "%s%s%s%s%s%s%s", device, *device ? ": " : "", vendor,
                       *vendor ? " " : "", product, *product ? " " : "",
                       json_text(converter, "id"));
        (void)snprintf(sentence, sizeof(sentence), format, who);
        print_event(event, converter, sentence);
}

/* Step one: something is plugged or unplugged. 1 it is known and there. */
static int find_it(struct identify *identify)
{
        OWNED(json) struct json_object *before = json_object_get(identify->all);
        struct json_object *converter;
        int r;

        for (;;) {
                r = wait_news(identify);
                if (r <= 0)
                        return r;
                converter = find_missing(before, identify->all);
                if (converter) {
                        name_it("unplugged", converter, _("That was %s\nNow plug it in again."));
                        json_put(before);
                        before = json_object_get(identify->all);
                        continue;
                }
                converter = find_missing(identify->all, before);
                if (converter) {
                        name_it("plugged", converter, _("This is %s"));
                        (void)snprintf(identify->id, sizeof(identify->id), "%s",
                                       json_text(converter, "id"));
                        return 1;
                }
        }
}

static bool ask_yes(const struct identify *identify, const char *question)
{
        char answer[16];

        if (identify->yes)
                return true;
        if (ctl_settings.json || !isatty(STDIN_FILENO))
                return false;
        printf("%s ", question);
        (void)fflush(stdout); /* asked at the end */
        /* Enter means yes: the question is asked of those who came to do it. */
        return fgets(answer, sizeof(answer), stdin) && !strchr("nN", answer[0]);
}

/* Step two: what is left alone is offered to be adopted. 1 go on, 0 the user does not want. */
static int adopt_it(struct identify *identify)
{
        struct json_object *converter = find(identify->all, identify->id);
        const char *device = json_text(converter, "device");

        if (strcmp(json_text(converter, "state"), "ignored") != 0)
                return 1;
        if (!identify->may_change ||
            !ask_yes(identify, _("The service leaves it alone. Is there a meter behind it; shall "
                                 "the service use it? [Y/n]"))) {
                char sentence[256];

                (void)snprintf(sentence, sizeof(sentence),
                               _("It stays as it is. To use it later: sudo smctl adopt %s"),
                               device);
                print_event("left", converter, sentence);
                return 0;
        }
        if (client_call(identify->bus, BUS_PATH, BUS_INTERFACE_MANAGER, "Adopt", NULL, "sa{sv}",
                        device, 0) < 0)
                return -EPERM;
        return refresh(identify) < 0 ? -EIO : 1;
}

static void print_state(struct identify *identify, struct json_object *converter)
{
        char text[sizeof(identify->last_state)];

        (void)snprintf(text, sizeof(text), "%s%s%s: %s", words_state(json_text(converter, "state")),
                       *json_text(converter, "line") ? " " : "", json_text(converter, "line"),
                       words_reason(converter));
        if (strcmp(text, identify->last_state) == 0)
                return;
        (void)snprintf(identify->last_state, sizeof(identify->last_state), "%s", text);
        print_event("state", converter, text);
}

static struct json_object *meter_of(struct identify *identify, struct json_object *converter)
{
        struct json_object *ids = json_member(converter, "meters");

        if (json_count(ids) == 0)
                return NULL;
        return json_find(json_member(identify->all, "meters"), "id",
                         json_object_get_string(json_object_array_get_idx(ids, 0)));
}

/* Which key is wrong: of two typed in each other's place neither fits, and that can be seen. */
static const char *key_trouble(struct json_object *converter, const char *state)
{
        if (strcmp(state, "missing") == 0)
                return _("The meter %s is encrypted; the utility gives its key.");
        if (strcmp(json_text(converter, "state_code"), "keys-exchanged") == 0)
                return _("The two keys of the meter %s are exchanged: type each in the other's "
                         "place.");
        if (strcmp(state, "wrong-authentication-key") == 0)
                return _("The encryption key of the meter %s is right, its authentication key is "
                         "wrong.");
        return _("The encryption key of the meter %s is wrong.");
}

/* A meter whose telegrams cannot be read asks for its key; until its next telegram has proven a key
 * that was given, it is "unverified". 1: it was given; -errno ends the verb. */
static int ask_key(struct identify *identify, struct json_object *converter,
                   struct json_object *meter)
{
        const char *id = json_text(meter, "id"), *state = json_text(meter, "key_state");
        struct cipher_keys keys = { 0 };
        char sentence[256];
        int r;

        if (strcmp(state, "missing") != 0 && strncmp(state, "wrong", 5) != 0)
                return 0;
        if (strcmp(identify->asked_key, id) == 0 && strcmp(state, "missing") == 0)
                return 0; /* it was given; the next telegram proves it */
        (void)snprintf(sentence, sizeof(sentence), key_trouble(converter, state), id);
        print_event("key", converter, sentence);
        if (!identify->may_change) {
                (void)snprintf(sentence, sizeof(sentence), _("To set it: sudo smctl set-key %s"),
                               id);
                print_event("key", converter, sentence);
                return -EPERM;
        }
        if (ctl_settings.json || !isatty(STDIN_FILENO))
                return -ENOKEY;
        r = set_key_ask(&keys);
        if (r >= 0)
                r = set_key_send(identify->bus, id, &keys);
        cipher_keys_wipe(&keys);
        (void)snprintf(identify->asked_key, sizeof(identify->asked_key), "%s", id);
        if (r >= 0)
                print_event("key", converter,
                            _("The meter's next telegram tells whether it is right."));
        if (r >= 0)
                r = refresh(identify);
        return r < 0 ? r : 1;
}

static bool has_reading(struct json_object *meter)
{
        const char *key = json_text(meter, "key_state");

        return json_count(json_member(meter, "readings")) > 0 &&
               (strcmp(key, "ok") == 0 || strcmp(key, "not-needed") == 0);
}

static void print_reading(struct identify *identify, struct json_object *converter,
                          struct json_object *meter)
{
        char power[OUTPUT_TEXT_MAX], energy[OUTPUT_TEXT_MAX], sentence[512];

        (void)snprintf(sentence, sizeof(sentence),
                       _("Meter %s %s: %s now, %s in all. All is well."), json_text(meter, "id"),
                       json_text(meter, "model"),
                       output_value(json_double(meter, "power_net"), "W", power),
                       output_value(json_double(meter, "energy_import"), "Wh", energy));
        print_event("reading", converter, sentence);
}

/* Step three: until the first reading, or a state in which none will come. An exit code. */
static int watch_it(struct identify *identify)
{
        static const char *const dead_ends[] = { "no-meter", "denied", "busy", "silent" };

        for (;;) {
                struct json_object *converter = find(identify->all, identify->id), *meter;
                int r;

                if (!is_present(converter))
                        return output_fail("%s", _("it was unplugged again"));
                print_state(identify, converter);
                meter = meter_of(identify, converter);
                r = meter ? ask_key(identify, converter, meter) : 0;
                if (r < 0)
                        return EXIT_FAILED;
                if (r > 0)
                        continue; /* with a new picture */
                if (meter && has_reading(meter)) {
                        print_reading(identify, converter, meter);
                        return EXIT_DONE;
                }
                for (size_t i = 0; i < ELEMENTSOF(dead_ends); i++)
                        if (strcmp(json_text(converter, "state"), dead_ends[i]) == 0)
                                return output_fail("%s", _("no reading came. \"smctl doctor\" says "
                                                           "what to do"));
                r = wait_news(identify);
                if (r <= 0)
                        return r < 0 ? output_fail("%s", strerror(-r))
                                     : output_fail("%s", _("time is up, and no reading came"));
        }
}

/*
 * Whoever pulls plugs and types keys wants to know beforehand that it will count. Rescan() changes
 * nothing and asks for the right that Adopt() asks for. Without it the converter is still named.
 */
static void ask_right(struct identify *identify)
{
        OWNED(message) sd_bus_message *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(identify->bus, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER, "Rescan",
                               &error, &reply, NULL);
        identify->may_change = r >= 0;
        if (r < 0)
                fprintf(stderr, "%s\n",
                        _("You may look, but not change: the converter is named, and not taken "
                          "into use. For that: sudo smctl identify"));
        sd_bus_error_free(&error);
}

static int run(struct identify *identify)
{
        struct json_object *converters = json_member(identify->all, "converters");
        int r;

        ask_right(identify);
        if (!ctl_settings.json && json_count(converters) > 0) {
                tables_converters(converters);
                printf("\n");
        }
        print_event(
                "waiting", NULL,
                json_count(converters) > 0
                        ? _("Unplug the converter now, or plug in another one. (Ctrl-C ends this.)")
                        : _("Plug the converter in now. (Ctrl-C ends this.)"));
        r = find_it(identify);
        if (r == 0)
                return output_fail("%s", _("time is up, and nothing was plugged or unplugged"));
        if (r > 0)
                r = adopt_it(identify);
        if (r < 0)
                return r == -EPERM ? EXIT_FAILED : output_fail("%s", strerror(-r));
        return r == 0 ? EXIT_DONE : watch_it(identify);
}

static int subscribe(struct identify *identify)
{
        int r;

        r = sd_bus_match_signal(identify->bus, NULL, BUS_NAME, NULL,
                                "org.freedesktop.DBus.ObjectManager", NULL, on_change, identify);
        if (r >= 0)
                r = sd_bus_match_signal(identify->bus, NULL, BUS_NAME, NULL,
                                        "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                        on_change, identify);
        return r;
}

int cmd_identify(int argc, char **argv)
{
        struct identify identify = { 0 };
        const struct option_row rows[] = {
                { "yes", 'y', OPTION_FLAG, NULL, N_("adopt without asking"), &identify.yes },
                { "seconds", 's', OPTION_TIME, N_("N"), N_("give up after N seconds"),
                  &identify.patience_usec },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("Waits until a converter is unplugged or plugged, names it, offers to "
                            "adopt it, and\nwatches until its first reading."),
        };
        OWNED(bus) sd_bus *bus = NULL;
        int code, first, r;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (client_open(&bus) < 0)
                return EXIT_FAILED;
        identify.bus = bus;
        /* Listening comes before looking, so that nothing happens unseen in between. */
        r = subscribe(&identify);
        if (r < 0)
                return output_fail("%s", strerror(-r));
        if (refresh(&identify) < 0)
                return EXIT_FAILED;
        if (identify.patience_usec)
                identify.until_usec = output_now_usec() + identify.patience_usec;
        code = run(&identify);
        json_put(identify.all);
        return code;
}
