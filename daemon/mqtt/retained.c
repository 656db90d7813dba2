/* SPDX-License-Identifier: MIT */
#include "retained.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/sorted.h"
#include "base/util.h"

static int compare_topics(const void *elements, size_t at, const void *key)
{
        const struct retained *retained = elements;

        return strcmp(retained->topics[at], key);
}

static size_t place_of(const struct retained *retained, const char *topic, bool *ret_found)
{
        return sorted_place(retained, retained->n, topic, compare_topics, ret_found);
}

bool retained_has(const struct retained *retained, const char *topic)
{
        bool found;

        (void)place_of(retained, topic, &found);
        return found;
}

bool retained_add(struct retained *retained, const char *topic)
{
        bool found;
        size_t at = place_of(retained, topic, &found);
        char *copy;

        if (found)
                return false;
        if (!ARRAY_GROW(retained->topics, retained->n, retained->room))
                return false;
        copy = strdup(topic);
        if (!copy)
                return false;
        memmove(retained->topics + at + 1, retained->topics + at,
                (retained->n - at) * sizeof(*retained->topics));
        retained->topics[at] = copy;
        retained->n++;
        return true;
}

bool retained_remove(struct retained *retained, const char *topic)
{
        bool found;
        size_t at = place_of(retained, topic, &found);

        if (!found)
                return false;
        free(retained->topics[at]);
        retained->n--;
        memmove(retained->topics + at, retained->topics + at + 1,
                (retained->n - at) * sizeof(*retained->topics));
        return true;
}

void retained_drop_parts(struct retained *retained)
{
        for (size_t i = retained->n; i-- > 0;)
                if (retained_is_part(retained->topics[i]))
                        (void)retained_remove(retained, retained->topics[i]); /* it is there */
}

bool retained_note(struct retained *retained, const struct message_list *list)
{
        bool changed = false;

        for (const struct message *m = list->head; m; m = m->next) {
                if (!m->attributes.retain)
                        continue;
                changed |= m->payload_len > 0 ? retained_add(retained, message_topic(m))
                                              : retained_remove(retained, message_topic(m));
        }
        return changed;
}

void retained_parse(struct retained *retained, const char *text)
{
        while (*text) {
                size_t n = strcspn(text, "\n");
                char *line = strndup(text, n);

                if (line && n > 0)
                        (void)retained_add(retained, line);
                free(line);
                text += n + (text[n] == '\n');
        }
}

char *retained_print(const struct retained *retained)
{
        size_t bytes = 1, at = 0;
        char *text;

        for (size_t i = 0; i < retained->n; i++)
                bytes += strlen(retained->topics[i]) + 1;
        text = malloc(bytes);
        if (!text)
                return NULL;
        for (size_t i = 0; i < retained->n; i++) {
                size_t n = strlen(retained->topics[i]);

                memcpy(text + at, retained->topics[i], n);
                text[at + n] = '\n';
                at += n + 1;
        }
        text[at] = '\0';
        return text;
}

void retained_done(struct retained *retained)
{
        for (size_t i = 0; i < retained->n; i++)
                free(retained->topics[i]);
        free(retained->topics);
        *retained = (struct retained){ 0 };
}
