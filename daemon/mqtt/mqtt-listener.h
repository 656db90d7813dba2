/* SPDX-License-Identifier: MIT */
/*
 * Listener=system: was the program that took our connection put there by root? The unit's user
 * namespace hides all users but root and our own; then smartmeterd-holders is asked, which may see
 * them.
 */
#pragma once

#include <stdint.h>
#include <sys/socket.h>

#define MQTT_LISTENER_ASKED 1 /* there is an answer when *ret_fd is readable */

/* Of an address that answered. 0: trusted, or of another machine; -EPERM: not, but the user
 * *ret_uid; -ECONNREFUSED: no listener any more; MQTT_LISTENER_ASKED. Never waits. */
int mqtt_listener_look(const struct sockaddr *address, uint32_t *ret_uid, int *ret_fd);

/* The helper's answer; as above. */
int mqtt_listener_take(int fd, uint32_t *ret_uid);
