/* SPDX-License-Identifier: MIT */
/*
 * The table of outputs, one row per kind, and those that the configuration names: each gets the
 * whole model, and is itself shown by the others.
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
/* Lists the sinks anew: outputs that keep telegrams before others show them, the bus, callers
 * without a bus, the other outputs. */
void outputs_list_sinks(struct manager *m);
/* Hands the whole model to a new one. */
void outputs_announce(struct manager *m, struct sink *sink);
void outputs_free(struct manager *m);
