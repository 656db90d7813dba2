/* SPDX-License-Identifier: MIT */
/*
 * Keys that `smctl set-key` stored, read from outside the service: for `smartmeterd --print-keys`.
 * Whoever may read the file may read them.
 */
#pragma once

#include "lib/dlms/cipher.h"

/* `meter` is an id or a system title. Both are borrowed for the call. */
typedef void store_keys_each(const struct cipher_keys *keys, const char *meter, void *userdata);

/* -ENOENT where nothing is stored yet, -EACCES, or another -errno. */
int store_keys_of_file(const char *directory, store_keys_each *each, void *userdata);
