/* SPDX-License-Identifier: MIT */
/*
 * One tty, opened to listen and never to speak: read-only, locked, exclusive. libserialport where
 * it is serial hardware, plain termios where it is not (a pty). Hands up clean bytes and counts
 * those the driver marked as damaged on the line.
 */
#pragma once

#include <stdint.h>

#include <systemd/sd-event.h>

#include "lib/profile.h"
#include "lib/reader.h"
#include "lib/util.h"

struct port;

struct port_ops {
        /* Borrowed for the call. May free the port. */
        void (*bytes)(struct slice bytes, void *userdata);
        /* Hang-up, end of file or an error of the line: once, and the last call. May free it. */
        void (*gone)(int error, void *userdata);
};

/* What came in, since port_open(). */
struct port_statistics {
        uint64_t bytes;       /* as handed up */
        uint64_t line_errors; /* parity, framing, break: marked by the driver (PARMRK) */
        uint64_t wakeups;
};

/*
 * Opens, locks (flock, then TIOCEXCL) and sets the line. `ops` is borrowed. -EBUSY when somebody
 * holds it, -EACCES, -ENOENT, -ENXIO, -EIO and other errno values of opening.
 */
int port_open(sd_event *event, const char *devnode, const struct serial_line *line,
              const struct port_ops *ops, void *userdata, struct port **ret);
/* Closes at once, so that the kernel can give the number to the replugged converter. */
struct port *port_free(struct port *port);
DEFINE_OWNED(port, struct port *, port_free);

/* Another line; what is still buffered is dropped. Nothing is written when it is the same. */
int port_set_line(struct port *port, const struct serial_line *line);

/*
 * The decoder needs at least this many more bytes before it can say anything new: the port need
 * not wake up for each of them. 0 or 1: for every byte. Holds until the next bytes are handed up.
 */
void port_expect(struct port *port, size_t bytes);

const struct port_statistics *port_statistics_get(const struct port *port);

/*
 * Undoes PARMRK in place: FF FF is the byte FF, FF 00 x is a damaged byte (counted and dropped).
 * What is cut at the end stays for the next call: *at_mark is 0, 1 after FF, 2 after FF 00. Returns
 * the bytes left.
 */
size_t port_unescape(uint8_t *buf, size_t len, uint8_t *at_mark, uint64_t *line_errors);
