/* SPDX-License-Identifier: MIT */
/*
 * Packets of a broker before libmosquitto sees them: each is checked and written anew with only the
 * fields that we use, so that the library reads nothing but bytes of this file. Pure: bytes
 * in, bytes out. Packets that do not concern us are skipped, of whatever length they say they are.
 *
 *      broker → [socket, TLS] → mqtt_inspect_feed() → [socket pair] → libmosquitto
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The largest packet that we have a use for: a CONNACK with its properties. Sent to the broker as
 * Maximum Packet Size (MQTT 5 §3.1.2.11.4). */
#define MQTT_INSPECT_PACKET_MAX 4096
/* Of the messages that we listen to: "online" and "offline". */
#define MQTT_INSPECT_PAYLOAD_MAX 16
#define MQTT_INSPECT_TOPICS_MAX  4

/* Zeroed storage plus the first three is one for a new connection. */
struct mqtt_inspect {
        bool is_v5;
        const char *topics[MQTT_INSPECT_TOPICS_MAX]; /* borrowed: those subscribed to */
        size_t n_topics;

        bool greeted;        /* CONNACK has been seen */
        const char *fault;   /* why the connection must end; NULL: it need not */
        uint8_t max_qos;     /* limits of CONNACK */
        uint32_t max_packet; /* 0: no limit */
        bool no_retain;

        uint8_t packet[MQTT_INSPECT_PACKET_MAX]; /* gathered so far, from its first byte on */
        size_t n;
        uint64_t skip; /* bytes of a packet that is not for us */
};

/* The most that a feed of n bytes can write: each packet of two bytes or more gives one. */
#define MQTT_INSPECT_OUT_MAX(n) (2 * (n) + MQTT_INSPECT_PACKET_MAX)

/*
 * Takes n bytes from the broker and writes the packets for libmosquitto to `out`, which has room
 * for MQTT_INSPECT_OUT_MAX(n). Returns how many bytes were written, or -EBADMSG with i->fault.
 */
int mqtt_inspect_feed(struct mqtt_inspect *i, const uint8_t *bytes, size_t n, uint8_t *out);
