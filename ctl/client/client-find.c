/* SPDX-License-Identifier: MIT */
/*
 * Finds the object of a word that a user typed: an id, a tty with or without /dev/, a name, or the
 * beginning of one of these when only one object begins so.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/suggest.h"
#include "ctl/i18n.h"
#include "ctl/secret.h"
#include "ctl/view/output.h"
#include "dbus/names.h"

#define FIND_WORDS_MAX 256

/* By these members an object is called; the tty also without its folder. */
static const char *const names[] = { "id", "device", "name" };

static const char *without_folder(const char *device)
{
        return strncmp(device, "/dev/", 5) == 0 ? device + 5 : device;
}

static bool is_called(struct json_object *object, const char *word)
{
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                const char *name = json_text(object, names[i]);

                if (*name && (strcasecmp(name, word) == 0 ||
                              strcmp(without_folder(name), without_folder(word)) == 0))
                        return true;
        }
        return false;
}

static bool begins_so(struct json_object *object, const char *word)
{
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (strncasecmp(json_text(object, names[i]), word, strlen(word)) == 0)
                        return true;
        return false;
}

static struct json_object *find_exact(struct json_object *list, const char *word)
{
        for (size_t i = 0; i < json_count(list); i++) {
                struct json_object *object = json_object_array_get_idx(list, i);

                if (is_called(object, word))
                        return object;
        }
        return NULL;
}

static struct json_object *find_beginning(struct json_object *list, const char *word, size_t *n)
{
        struct json_object *found = NULL;

        for (size_t i = 0; i < json_count(list); i++) {
                struct json_object *object = json_object_array_get_idx(list, i);

                if (begins_so(object, word)) {
                        found = object;
                        ++*n;
                }
        }
        return found;
}

static size_t collect_words(struct json_object *list, const char *words[], size_t n)
{
        for (size_t i = 0; i < json_count(list); i++) {
                struct json_object *object = json_object_array_get_idx(list, i);

                for (size_t j = 0; j < ELEMENTSOF(names) && n < FIND_WORDS_MAX; j++) {
                        const char *name = without_folder(json_text(object, names[j]));

                        if (*name)
                                words[n++] = name;
                }
        }
        return n;
}

static struct json_object *find_in(struct json_object *all, const char *const lists[],
                                   size_t n_lists, const char *word, const char **ret_kind,
                                   bool *ret_ambiguous)
{
        struct json_object *found = NULL;
        size_t n = 0;

        for (size_t i = 0; i < n_lists; i++) {
                found = find_exact(json_member(all, lists[i]), word);
                if (found) {
                        *ret_kind = lists[i];
                        return found;
                }
        }
        for (size_t i = 0; i < n_lists; i++) {
                struct json_object *one = find_beginning(json_member(all, lists[i]), word, &n);

                if (one) {
                        *ret_kind = lists[i];
                        found = one;
                }
        }
        *ret_ambiguous = n > 1;
        return n == 1 ? found : NULL;
}

static struct json_object *find_or_complain(struct json_object *all, const char *const lists[],
                                            size_t n_lists, const char *word,
                                            const char *format_unknown, const char **ret_kind)
{
        const char *words[FIND_WORDS_MAX], *near;
        struct json_object *found;
        bool ambiguous = false;
        const char *typed = word;
        size_t n = 0;

        found = find_in(all, lists, n_lists, word, ret_kind, &ambiguous);
        if (found)
                return found;
        word = secret_shown(word);
        if (ambiguous) {
                (void)output_fail(_("\"%s\" is the beginning of several; type more of it"), word);
                return NULL;
        }
        for (size_t i = 0; i < n_lists; i++)
                n = collect_words(json_member(all, lists[i]), words, n);
        near = suggest(typed, words, n);
        if (near) {
                char unknown[512], question[256];

                (void)snprintf(unknown, sizeof(unknown), format_unknown, word);
                (void)snprintf(question, sizeof(question), _("did you mean \"%s\"?"), near);
                (void)output_fail("%s; %s", unknown, question);
        } else {
                (void)output_fail(format_unknown, word);
        }
        return NULL;
}

struct json_object *client_find_converter(struct json_object *all, const char *word)
{
        static const char *const lists[] = { "converters" };
        const char *kind;

        return find_or_complain(all, lists, ELEMENTSOF(lists), word,
                                _("there is no converter \"%s\" (smctl list-converters)"), &kind);
}

struct json_object *client_find_meter(struct json_object *all, const char *word)
{
        static const char *const lists[] = { "meters" };
        const char *kind;

        return find_or_complain(all, lists, ELEMENTSOF(lists), word,
                                _("there is no meter \"%s\" (smctl list-meters)"), &kind);
}

struct json_object *client_find_any(struct json_object *all, const char *word,
                                    const char **ret_kind)
{
        static const char *const lists[] = { "meters", "converters", "outputs" };

        return find_or_complain(all, lists, ELEMENTSOF(lists), word,
                                _("there is no converter, meter or broker \"%s\" (smctl status)"),
                                ret_kind);
}

struct json_object *client_find_quietly(struct json_object *all, const char *word)
{
        static const char *const lists[] = { "meters", "converters", "outputs" };
        const char *kind;
        bool ambiguous;

        return find_in(all, lists, ELEMENTSOF(lists), word, &kind, &ambiguous);
}

/* The service knows more names: those of the sections of its configuration. */
static struct json_object *ask_service(sd_bus *bus, struct json_object *all, const char *word)
{
        OWNED(message) sd_bus_message *reply = NULL;
        struct json_object *list = json_member(all, "converters");
        const char *path;

        if (sd_bus_call_method(bus, BUS_NAME, BUS_PATH, BUS_INTERFACE_MANAGER, "GetConverter", NULL,
                               &reply, "s", word) < 0 ||
            sd_bus_message_read(reply, "o", &path) <= 0)
                return NULL; /* whoever asked complains in the user's words */
        for (size_t i = 0; i < json_count(list); i++) {
                struct json_object *object = json_object_array_get_idx(list, i);

                if (strcmp(json_text(object, "object"), path) == 0)
                        return object;
        }
        return NULL;
}

int client_fetch_converter(sd_bus *bus, const char *word, struct json_object **ret_all,
                           struct json_object **ret)
{
        OWNED(json) struct json_object *all = NULL;
        struct json_object *converter;
        int r;

        r = client_fetch(bus, &all);
        if (r < 0)
                return r;
        converter = ask_service(bus, all, word);
        if (!converter)
                converter = client_find_converter(all, word);
        if (!converter)
                return -ENOENT;
        *ret_all = TAKE(all);
        *ret = converter;
        return 0;
}

void client_print_words(struct json_object *all, const char *list)
{
        const char *words[FIND_WORDS_MAX];
        size_t n = collect_words(json_member(all, list), words, 0);

        for (size_t i = 0; i < n; i++)
                puts(words[i]);
}
