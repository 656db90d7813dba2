/* SPDX-License-Identifier: MIT */
/*
 * The states of a converter: one table, state × event → next state and action. Pure like silence.h:
 * no port, no clock; converter.c reports events and carries out what the table answers.
 * docs/architecture.md draws it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum converter_state {
        CONVERTER_IGNORED,   /* not configured, or not to be opened: never opened */
        CONVERTER_WAITING,   /* a failure that may pass, flapping, or its Device= is not there */
        CONVERTER_OPENING,   /* a worker opens it; shown as waiting */
        CONVERTER_DENIED,    /* permission */
        CONVERTER_BUSY,      /* somebody holds it */
        CONVERTER_DETECTING, /* open, no telegram yet */
        CONVERTER_RECEIVING, /* telegrams */
        CONVERTER_SILENT,    /* no byte, and reopening did not help */
        CONVERTER_NO_METER,  /* nothing after a full sweep: closed */
        CONVERTER_INHIBITED, /* lent to somebody */
        CONVERTER_GONE,      /* unplugged */
        CONVERTER_N_STATES,
};

enum machine_event {
        /* what is so: looked at after each change of it */
        MACHINE_MAY_OPEN,  /* it is there, permitted, and not lent */
        MACHINE_UNPLUGGED, /* not there */
        MACHINE_ABSENT,    /* the path of its Device= is not there */
        MACHINE_FORBIDDEN, /* not configured */
        MACHINE_LENT,
        MACHINE_FLAPPING, /* plugged again and again without a byte */
        /* the port */
        MACHINE_OPENED,
        MACHINE_LATE, /* the device has not answered for two seconds */
        MACHINE_HELD,
        MACHINE_IN_USE, /* by a program that had it before it was opened by itself */
        MACHINE_DENIED,
        MACHINE_FAILED,
        MACHINE_HUNG_UP,
        /* the line */
        MACHINE_FRAME,    /* a frame whose check sum holds, no telegram yet */
        MACHINE_TELEGRAM, /* read or not */
        MACHINE_REJECTED, /* this candidate is not the line */
        MACHINE_LOST,     /* no valid frame for long, where there were some */
        MACHINE_SWEPT,    /* nothing at any line */
        MACHINE_FOREIGN,  /* a talker that is no meter: a GPS mouse, a Modbus */
        /* silence */
        MACHINE_STALLED,    /* no byte for long: to be reopened */
        MACHINE_STUCK,      /* reopening did not help: USB reset */
        MACHINE_QUIET,      /* nothing helped */
        MACHINE_UNANSWERED, /* nothing helped, and the device answers late or never over USB */
        MACHINE_SPEAKS,     /* bytes come again */
        /* people */
        MACHINE_ASKED,   /* smctl probe, reset */
        MACHINE_CHANGED, /* another line or profile is configured */
        MACHINE_N_EVENTS,
};

enum machine_action {
        MACHINE_NOTHING,
        MACHINE_OPEN,
        MACHINE_CLOSE,
        MACHINE_RETRY,     /* close what is open, and try again after the back-off */
        MACHINE_REOPEN,    /* close and open */
        MACHINE_LISTEN,    /* begin with the first candidate of the sweep */
        MACHINE_NEXT_LINE, /* the next candidate */
        MACHINE_SWEEP,     /* detect the line anew */
        MACHINE_RESUME,    /* go on at the same line */
        MACHINE_RESET,     /* close, then USB reset */
};

struct machine_step {
        enum converter_state state;
        enum machine_action action;
};

/* What the event does in this state; false: nothing, the event has no meaning there. */
bool machine_next(enum converter_state state, enum machine_event event, struct machine_step *ret);

/* Is the port open, or about to be, in this state? */
bool machine_is_open(enum converter_state state);
/* Is it trouble that somebody should look at? For the log. */
bool machine_is_trouble(enum converter_state state);

/* "receiving"; static. */
const char *converter_state_name(enum converter_state state);
