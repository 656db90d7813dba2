/* SPDX-License-Identifier: MIT */
/*
 * Asking for keys and handing them to the service: shared by set-key and identify.
 */
#pragma once

#include <systemd/sd-bus.h>

struct cipher_keys;

/* Asks on the terminal for both keys. -errno; the caller wipes *ret in any case. */
int set_key_ask(struct cipher_keys *ret);

/* Hands them over. On failure the reason is on standard error. */
int set_key_send(sd_bus *bus, const char *meter, const struct cipher_keys *keys);
