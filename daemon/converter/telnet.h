/* SPDX-License-Identifier: MIT */
/*
 * The Telnet COM Port Control Option (RFC 2217): a serial port on the network whose line can be
 * set. Its data is what RFC 854 leaves over: FF is doubled, and commands stand between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/profile/profile.h"
#include "lib/value/reader.h"

/* Answers to a peer that offers or asks for something else; further ones get no answer. */
#define TELNET_REPLY_MAX 48

/* Where in a command the stream stands; all zero at first. */
struct telnet {
        uint8_t state, verb;
        uint8_t sub[2]; /* the option and its command, of the subnegotiation that is being read */
        uint8_t n_sub;
        bool agreed, refused; /* the peer lets us set the line, or says that it does not */
        uint8_t confirmed;    /* TELNET_SPEED … */
        uint8_t reply[TELNET_REPLY_MAX]; /* to be sent; the caller takes it by n_reply = 0 */
        size_t n_reply;
};

/* What the peer has confirmed of the line. */
enum telnet_confirmed {
        TELNET_SPEED = 1 << 0,
        TELNET_BITS = 1 << 1,
        TELNET_PARITY = 1 << 2,
        TELNET_STOP = 1 << 3,
        TELNET_ALL = TELNET_SPEED | TELNET_BITS | TELNET_PARITY | TELNET_STOP,
};

/* Takes commands out, in place; returns the bytes left. Cuts of the stream do not matter. */
size_t telnet_unescape(struct telnet *t, uint8_t *buf, size_t len);

/* Doubles FF in what is to be sent. Returns the bytes written; 0 when `size` is too small. */
size_t telnet_escape(struct slice bytes, uint8_t *to, size_t size);

/*
 * Both on a connection that does not block: offers the option; sets the line. Data that comes
 * meanwhile is dropped, and none behind the last answer is read. Each waits at most 10 s, so
 * workers call them. -EPROTONOSUPPORT: the peer does not speak RFC 2217; -ECONNRESET and errno
 * values of reading and writing.
 */
int telnet_begin(int fd);
int telnet_set_line(int fd, const struct serial_line *line);
