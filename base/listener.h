/* SPDX-License-Identifier: MIT */
/*
 * Who listens on a TCP port of this machine, and whether somebody with root put it there: any user
 * may listen on 1883 while no broker is installed. Read from /proc/net/tcp and tcp6 (proc(5)).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* smartmeterd-holders answers a line LISTENER_QUESTION " ADDRESS PORT" with "UID", or an empty
 * line. */
#define LISTENER_HELPER       "/run/smartmeterd-holders"
#define LISTENER_QUESTION     "listener"
#define LISTENER_QUESTION_MAX 96

#define LISTENER_NOBODY  65534      /* also: a user that our user namespace does not know */
#define LISTENER_UNKNOWN UINT32_MAX /* no answer, or none in time */

/* True for an address of this machine that only this machine reaches: 127.0.0.0/8, ::1. */
bool listener_is_local(const struct sockaddr *address);

/*
 * Whose socket takes a connection to `address`. `folder` has tcp and tcp6 in it: "/proc/net", or
 * that of another process. 1: *ret_uid is set; 0: nothing listens; -errno: cannot be read.
 */
int listener_owner(const char *folder, const struct sockaddr *address, uint32_t *ret_uid);

/* Root, an account of the system (below 1000), systemd's dynamic users (61184 to 65519), and the
 * user that we are. */
bool listener_is_trusted(uint32_t uid);
