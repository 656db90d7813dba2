/* SPDX-License-Identifier: MIT */
#include "told.h"

#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"
#include "base/util.h"

static int compare_topics(const void *elements, size_t at, const void *key)
{
        const struct told *told = elements;

        return strcmp(told->topics[at], key);
}

static size_t place_of(const struct told *told, const char *topic, bool *ret_found)
{
        return sorted_place(told, told->n, topic, compare_topics, ret_found);
}

bool told_has(const struct told *told, const char *topic)
{
        bool found;

        (void)place_of(told, topic, &found);
        return found;
}

bool told_add(struct told *told, const char *topic)
{
        bool found;
        size_t at = place_of(told, topic, &found);
        char *copy;

        if (found)
                return false;
        if (told->n == told->room) {
                size_t room = told->room ? 2 * told->room : 8;
                char **grown = reallocarray(told->topics, room, sizeof(*grown));

                if (!grown)
                        return false;
                told->topics = grown;
                told->room = room;
        }
        copy = strdup(topic);
        if (!copy)
                return false;
        memmove(told->topics + at + 1, told->topics + at, (told->n - at) * sizeof(*told->topics));
        told->topics[at] = copy;
        told->n++;
        return true;
}

bool told_remove(struct told *told, const char *topic)
{
        bool found;
        size_t at = place_of(told, topic, &found);

        if (!found)
                return false;
        free(told->topics[at]);
        told->n--;
        memmove(told->topics + at, told->topics + at + 1, (told->n - at) * sizeof(*told->topics));
        return true;
}

void told_drop_parts(struct told *told)
{
        for (size_t i = told->n; i-- > 0;)
                if (told_is_part(told->topics[i]))
                        (void)told_remove(told, told->topics[i]); /* it is there */
}

bool told_note(struct told *told, const struct message_list *list)
{
        bool changed = false;

        for (const struct message *m = list->head; m; m = m->next) {
                if (!m->attributes.retain)
                        continue;
                changed |= m->payload_len > 0 ? told_add(told, message_topic(m))
                                              : told_remove(told, message_topic(m));
        }
        return changed;
}

void told_parse(struct told *told, const char *text)
{
        while (*text) {
                size_t n = strcspn(text, "\n");
                char *line = strndup(text, n);

                if (line && n > 0)
                        (void)told_add(told, line);
                free(line);
                text += n + (text[n] == '\n');
        }
}

char *told_print(const struct told *told)
{
        size_t bytes = 1, at = 0;
        char *text;

        for (size_t i = 0; i < told->n; i++)
                bytes += strlen(told->topics[i]) + 1;
        text = malloc(bytes);
        if (!text)
                return NULL;
        for (size_t i = 0; i < told->n; i++) {
                size_t n = strlen(told->topics[i]);

                memcpy(text + at, told->topics[i], n);
                text[at + n] = '\n';
                at += n + 1;
        }
        text[at] = '\0';
        return text;
}

void told_done(struct told *told)
{
        for (size_t i = 0; i < told->n; i++)
                free(told->topics[i]);
        free(told->topics);
        *told = (struct told){ 0 };
}
