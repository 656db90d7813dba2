/* SPDX-License-Identifier: MIT */
/*
 * The port of one converter, locked, exclusive, and opened to listen and never to send: read-only,
 * except where root's configuration has Ask= for it. Opening, line settings and closing are done by
 * workers, since each may wait for a device that does not answer. Hands up clean bytes and counts
 * those the driver marked as damaged on the line.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "base/util.h"
#include "holder.h"
#include "lib/profile/profile.h"
#include "lib/value/reader.h"

#define PORT_NAME_MAX 256

struct port;

/* What is done about other programs that have it open, locked or not. */
enum port_manners {
        PORT_TAKES, /* nothing */
        PORT_SHY,   /* it is not opened */
        PORT_LOOKS, /* one is looked for while it is open: `shared` */
};

/* All are called from the loop, none out of a function below; each may close the port. */
struct port_ops {
        /* It listens at the line: it was opened, or another line was set. */
        void (*opened)(void *userdata);
        /* It could not be opened: a positive errno (ENXIO also for a name that is not
         * known), and with EBUSY who holds it, with EADDRINUSE whose it is already. */
        void (*failed)(int error, const struct holder *holder, void *userdata);
        /* Another program was found to have it open beside us: port_reader() names it. */
        void (*shared)(void *userdata);
        /* The device has not answered for two seconds; the attempt goes on. */
        void (*late)(void *userdata);
        /* Borrowed for the call. */
        void (*bytes)(struct slice bytes, void *userdata);
        /* Hang-up, end of file or an error of the line: once, and the last call until it is closed
         * and opened again. */
        void (*gone)(int error, void *userdata);
};

/* What came in, since port_open(). */
struct port_statistics {
        uint64_t bytes;       /* as handed up */
        uint64_t line_errors; /* parity, framing, break: marked by the driver (PARMRK) */
        uint64_t wakeups;
};

/* One for each converter, closed at first, for as long as that lives. `ops` is borrowed. */
int port_new(sd_event *event, const struct port_ops *ops, void *userdata, struct port **ret);
/* Closes it; a device that does not answer delays no caller. */
struct port *port_free(struct port *port);
DEFINE_OWNED(port, struct port *, port_free);

/*
 * Begins to open it: `opened` or `failed` follows from the loop. Nothing happens when it is open or
 * about to be. While the last closing goes on, it is opened after that. `write`: bytes may
 * be sent.
 */
void port_open(struct port *port, const char *devnode, const struct serial_line *line,
               enum port_manners manners, bool write);
/*
 * Sends a few bytes. -EPERM when it was not opened to `write`, -EAGAIN when they do not fit: what
 * is asked is shorter than any buffer. Never waits.
 */
int port_send(struct port *port, struct slice bytes);
/* Closes at once, so that the kernel can give the number to the replugged converter. */
void port_close(struct port *port);

/* Another line; what is still buffered is dropped, and no bytes come before `opened` says that it
 * is set. Nothing happens when it is the same. Failure is reported as `gone`. */
void port_set_line(struct port *port, const struct serial_line *line);

/* Who has it open beside us, since `shared` said so; its pid is 0 before that. */
const struct holder *port_reader(const struct port *port);

bool port_is_open(const struct port *port);
/* A worker opens it or sets its line: `opened`, `failed` or `gone` will follow. */
bool port_is_under_way(const struct port *port);

/*
 * The decoder needs at least this many more bytes before it can say anything new: the port need
 * not wake up for each of them. 0 or 1: for every byte. Holds until the next bytes are handed up.
 */
void port_expect(struct port *port, size_t bytes);

const struct port_statistics *port_statistics_get(const struct port *port);

/*
 * A byte that the driver marks (parity, framing, overrun, break) stays in its place as this one: no
 * text has it, and no check sum holds over it. Taken out, a number would lose a digit.
 */
#define PORT_DAMAGED 0xff

/*
 * Undoes PARMRK in place: FF FF is the byte FF, FF 00 x is a damaged byte, which is
 * counted and becomes PORT_DAMAGED.
 * What is cut at the end stays for the next call: *at_mark is 0, 1 after FF, 2 after FF 00. Returns
 * the bytes left.
 */
size_t port_unescape(uint8_t *buf, size_t len, uint8_t *at_mark, uint64_t *line_errors);
