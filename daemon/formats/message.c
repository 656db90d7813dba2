/* SPDX-License-Identifier: MIT */
/*
 * MQTT messages and lists of them.
 */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#define ALLOCATOR_BYTES 16 /* header and rounding of a glibc chunk */

struct message *message_new(const struct message_attributes *attributes, const char *topic,
                            const void *payload, size_t payload_len)
{
        size_t topic_len = strlen(topic);
        struct message *m = malloc(sizeof(*m) + topic_len + payload_len + 2);

        if (!m)
                return NULL;
        *m = (struct message){
                .attributes = *attributes,
                .topic_len = (uint32_t)topic_len,
                .payload_len = (uint32_t)payload_len,
        };
        memcpy(m->text, topic, topic_len + 1);
        if (payload_len > 0)
                memcpy(m->text + topic_len + 1, payload, payload_len);
        m->text[topic_len + 1 + payload_len] = '\0';
        return m;
}

size_t message_bytes(const struct message *m)
{
        return sizeof(*m) + m->topic_len + m->payload_len + 2 + ALLOCATOR_BYTES;
}

void message_list_add(struct message_list *list, struct message *m)
{
        m->next = NULL;
        if (list->tail)
                list->tail->next = m;
        else
                list->head = m;
        list->tail = m;
        list->n++;
        list->bytes += message_bytes(m);
}

void message_list_append(struct message_list *list, struct message_list *from)
{
        list->incomplete = list->incomplete || from->incomplete;
        from->incomplete = false;
        if (!from->head)
                return;
        if (list->tail)
                list->tail->next = from->head;
        else
                list->head = from->head;
        list->tail = from->tail;
        list->n += from->n;
        list->bytes += from->bytes;
        *from = (struct message_list){ 0 };
}

void message_list_prepend(struct message_list *list, struct message_list *from)
{
        message_list_append(from, list);
        *list = *from;
        *from = (struct message_list){ 0 };
}

struct message *message_list_pop(struct message_list *list)
{
        struct message *m = list->head;

        if (!m)
                return NULL;
        list->head = m->next;
        if (!list->head)
                list->tail = NULL;
        list->n--;
        list->bytes -= message_bytes(m);
        m->next = NULL;
        return m;
}

struct message *message_list_take_oldest(struct message_list *list, enum message_class class)
{
        struct message *before = NULL;

        for (struct message *m = list->head; m; before = m, m = m->next) {
                if (m->attributes.class != class)
                        continue;
                if (before)
                        before->next = m->next;
                else
                        list->head = m->next;
                if (list->tail == m)
                        list->tail = before;
                list->n--;
                list->bytes -= message_bytes(m);
                return m;
        }
        return NULL;
}

bool message_list_drop_oldest(struct message_list *list, enum message_class class)
{
        struct message *m = message_list_take_oldest(list, class);
        bool found = m;

        free(m);
        return found;
}

void message_list_clear(struct message_list *list)
{
        struct message *m;

        while ((m = message_list_pop(list)))
                free(m);
        list->incomplete = false;
}

bool message_list_retains(const struct message_list *list, const char *topic)
{
        for (const struct message *m = list->head; m; m = m->next)
                if (m->attributes.retain && strcmp(message_topic(m), topic) == 0)
                        return true;
        return false;
}
