/* SPDX-License-Identifier: MIT */
/*
 * libmosquitto opens its socket itself and reads from it itself. So that it reads only what has
 * been checked, its socket leads to us: a UNIX socket in a folder of our own, gone at once.
 */
#pragma once

struct mosquitto;
struct mqtt5__property;

/* Connects `mosq` to us: its CONNECT can be read from *ret_fd, non-blocking and owned by the
 * caller. -errno. */
int mqtt_pair_connect(struct mosquitto *mosq, int keepalive_s,
                      const struct mqtt5__property *properties, int *ret_fd);
