/* SPDX-License-Identifier: MIT */
/*
 * The table of outputs, one row per kind, and those that the configuration names: each is told of
 * everything, and is itself shown by the others.
 */
#pragma once

#include "daemon/config/output.h"

struct manager;

/* Every section that the configuration may have: those of the outputs too. NULL behind the last. */
const struct config_section *outputs_section_at(size_t i);

/* Makes what the configuration names. One whose section is unchanged keeps its connection. */
void outputs_configure(struct manager *m, const struct config *config);
/* -ENOENT: there is none of this name. */
int outputs_reconnect(struct manager *m, const char *name);
/* The first of this kind; NULL when there is none. */
struct sink *outputs_find(const struct manager *m, const struct output *kind);
/* Outputs that keep what comes before others tell of it, the bus, callers without a bus, the other
 * outputs: those who are told of everything, listed anew. */
void outputs_list_sinks(struct manager *m);
/* Tells a new one of all that there is. */
void outputs_announce(struct manager *m, struct sink *sink);
void outputs_free(struct manager *m);
