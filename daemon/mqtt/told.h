/* SPDX-License-Identifier: MIT */
/*
 * The topics at which a broker has retained messages of ours about one meter: a sorted set. Beside
 * them the parts that one of these messages has named, and that are to be taken back by name when
 * they are gone: "#sensor voltage_l1" (no topic has a "#").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "daemon/formats/message.h"

struct told {
        char **topics; /* owned, as they are */
        size_t n, room;
};

/* Of lines, as told_print() makes them. Out of memory: some are missing. */
void told_parse(struct told *told, const char *text);
/* Owned by the caller; NULL without memory. */
char *told_print(const struct told *told);
void told_done(struct told *told);

bool told_has(const struct told *told, const char *topic);
/* True when it was not there before. */
bool told_add(struct told *told, const char *topic);
/* True when it was there. */
bool told_remove(struct told *told, const char *topic);
/* A part, not a topic. */
static inline bool told_is_part(const char *text)
{
        return *text == '#';
}
void told_drop_parts(struct told *told);
/* What these messages retain or empty; true when that changes the set. */
bool told_note(struct told *told, const struct message_list *list);
