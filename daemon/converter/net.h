/* SPDX-License-Identifier: MIT */
/*
 * A serial port on the network: "tcp://host:port" of ser2net (raw), esp-link and other bridges,
 * which know their line; "rfc2217://host:port" of those that are sent it (telnet.h). Resolving and
 * connecting may take minutes: a worker does both.
 */
#pragma once

#include <stdbool.h>

/* Is it an address of this kind, and no path? */
bool net_is_address(const char *text);
/* … and one that knows its line. */
bool net_is_raw(const char *text);

/*
 * Resolves and connects; the connection notices a peer that is gone within a minute (keep-alive).
 * -errno, or 0 and *ret_gai when the name cannot be resolved (getaddrinfo(3)).
 */
int net_connect(const char *address, int *ret_fd, int *ret_gai);
