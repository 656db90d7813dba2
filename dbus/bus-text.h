/* SPDX-License-Identifier: MIT */
/*
 * Text for the bus. D-Bus takes UTF-8 only: one byte that is none makes a whole reply fail, and the
 * caller waits until its time is out. So every text that may come from outside passes here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-bus.h>

/* True when D-Bus takes it as it stands. */
bool bus_text_is_valid(const char *text);
/* Copies what fits, whole characters only; each byte that is no UTF-8 becomes U+FFFD. Returns ret.
 * `size` is at least 1. */
char *bus_text_clean(const char *text, char *ret, size_t size);
/* Appends a string that D-Bus takes as it stands, a name of ours or one that was cleaned: a signal
 * has dozens, and sd_bus_message_append_basic() looks at each of their characters. */
int bus_text_append_valid(sd_bus_message *m, const char *text);
/* Appends a string, cleaned (and cut at a few kB) where it must be. */
int bus_text_append(sd_bus_message *m, const char *text);
