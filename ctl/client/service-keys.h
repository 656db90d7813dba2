/* SPDX-License-Identifier: MIT */
/*
 * The keys of meters that the service has, in its configuration and in what it remembers. Its own
 * program prints them, with the rights of whoever runs smctl: who may read the files may use them.
 */
#pragma once

#include <stddef.h>

#include "lib/dlms/cipher.h"

struct service_keys {
        struct cipher_keys *items;
        size_t n;
};

/*
 * *ret is filled in any case, and wiped by service_keys_done(). 0; -EACCES: there may be more, for
 * root and the service alone; another -errno: the program cannot be asked.
 */
int service_keys_read(struct service_keys *ret);
void service_keys_done(struct service_keys *keys);
