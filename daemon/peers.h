/* SPDX-License-Identifier: MIT */
/*
 * Without a message bus (--bus none): D-Bus is spoken to each caller alone, over a socket in the
 * runtime directory that root and the service's own user may open. Each caller has a bus of its
 * own, with all objects on it.
 */
#pragma once

#include "base/util.h"

struct manager;
struct peers;

/* Listens; each caller is shown all that the manager knows. -errno; the reason was logged. */
int peers_new(struct manager *m, struct peers **ret);
struct peers *peers_free(struct peers *peers);
DEFINE_OWNED(peers, struct peers *, peers_free);

/* Calls `run` with the bus of each caller. */
struct bus;
void peers_each(const struct peers *peers, void (*run)(struct bus *bus, void *userdata),
                void *userdata);
