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

struct retained {
        char **topics; /* owned, as they are */
        size_t n, room;
};

/* Of lines, as retained_print() makes them. Out of memory: some are missing. */
void retained_parse(struct retained *retained, const char *text);
/* Owned by the caller; NULL without memory. */
char *retained_print(const struct retained *retained);
void retained_done(struct retained *retained);

bool retained_has(const struct retained *retained, const char *topic);
/* True when it was not there before. */
bool retained_add(struct retained *retained, const char *topic);
/* True when it was there. */
bool retained_remove(struct retained *retained, const char *topic);
/* A part, not a topic. */
static inline bool retained_is_part(const char *text)
{
        return *text == '#';
}
void retained_drop_parts(struct retained *retained);
/* Notes the topics that these messages retain or empty; true when that changes the set. */
bool retained_note(struct retained *retained, const struct message_list *list);
