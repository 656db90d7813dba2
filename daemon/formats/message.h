/* SPDX-License-Identifier: MIT */
/*
 * One MQTT message as plain data: made by a format of a telegram, waiting in the queue or lying
 * in the spool. One allocation each; lists are singly linked and own their messages.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Treatment of a message that cannot be sent at once. */
enum message_class {
        MESSAGE_STATE,         /* only the present counts: made anew on connecting, never kept */
        MESSAGE_INSTANTANEOUS, /* kept; the first to go when there is no room */
        MESSAGE_ENERGY,        /* kept; the last to go */
};

struct message_attributes {
        enum message_class class;
        uint8_t qos; /* 0 or 1 */
        bool retain;
        uint32_t expiry_s; /* MQTT 5 message expiry; 0: never */
};

struct message {
        struct message *next;
        int64_t row; /* in the spool; 0: not there */
        struct message_attributes attributes;
        uint32_t topic_len, payload_len;
        char text[]; /* topic, NUL, payload, NUL */
};

struct message_list {
        struct message *head, *tail;
        size_t n, bytes; /* bytes: the sum of message_bytes() */
        bool incomplete; /* there was no memory for one that a format wanted to add */
};

/* A copy of both, owned by the caller (free()). NULL when out of memory. */
struct message *message_new(const struct message_attributes *attributes, const char *topic,
                            const void *payload, size_t payload_len);

static inline const char *message_topic(const struct message *m)
{
        return m->text;
}

static inline const char *message_payload(const struct message *m)
{
        return m->text + m->topic_len + 1;
}

/* Its size in memory, the allocator's header included. */
size_t message_bytes(const struct message *m);

/* Appends and takes ownership. */
void message_list_add(struct message_list *list, struct message *m);
/* Moves all of `from` behind, or before, what `list` has; leaves `from` empty. */
void message_list_append(struct message_list *list, struct message_list *from);
void message_list_prepend(struct message_list *list, struct message_list *from);
/* Takes the first one out: owned by the caller; NULL when empty. */
struct message *message_list_pop(struct message_list *list);
/* Takes out and frees the oldest of this class; false when there is none. */
bool message_list_drop_oldest(struct message_list *list, enum message_class class);
/* The same, taken out, for the caller to free; NULL: there is none. */
struct message *message_list_take_oldest(struct message_list *list, enum message_class class);
void message_list_clear(struct message_list *list);
/* True when one of these is retained at this topic. */
bool message_list_retains(const struct message_list *list, const char *topic);
