/* SPDX-License-Identifier: MIT */
/*
 * A meter that must be asked: understands what is said to it, and decides what it answers, at which
 * speed and when. Like sim.h it has neither line nor clock; what it does wrong can be ordered.
 *
 *      → /?!                          ← /LGZ5\2ZMD…             at 300 Bd
 *      → ACK 0 5 0                    ← STX lines ! ETX BCC     at the speed agreed on
 *      → ACK 0 6 1                    ← SOH P0 STX (…) ETX BCC
 *      → SOH R2 STX F001 ETX BCC      ← STX lines ! ETX BCC
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim.h"

#define SIM_REQUEST_MAX 64
/* A number of times that never ends. */
#define SIM_ALWAYS UINT32_MAX
/* How often a frame without acknowledgement is repeated. */
#define SIM_REPEATS 3

/* Times that something goes wrong; 0: never. */
struct sim_trouble {
        uint32_t echo;        /* an optical head that hears itself */
        uint32_t slow;        /* answers after 1.4 s, the longest that the standard allows */
        uint32_t stays;       /* stays at 300 Bd, whatever was agreed on */
        uint32_t no_answer;   /* a request to sign on is not answered */
        uint32_t wrong_check; /* a block check, or the sum of a frame */
        uint32_t no_check;    /* lines alone: no STX, ETX and block check */
        uint32_t no_speed;    /* mode B: the identification offers no speed */
        uint32_t ends;        /* a session ends by itself, as one read is due */
};

enum sim_request_kind {
        SIM_REQUEST_NOISE, /* not understood: it says nothing */
        SIM_REQUEST_SIGN_ON,
        SIM_REQUEST_READOUT,
        SIM_REQUEST_PROGRAM,
        SIM_REQUEST_READ,
        SIM_REQUEST_ACKNOWLEDGE,
};

struct sim_request {
        enum sim_request_kind kind;
        unsigned int command; /* SIM_REQUEST_READ: 1 is the profile's first */
        uint8_t bytes[SIM_REQUEST_MAX];
        size_t n;
};

struct sim_answer {
        const uint8_t *bytes; /* n == 0: none. Lives until the next call. */
        size_t n;
        unsigned int baud;        /* of the answer */
        unsigned int agreed_baud; /* at which the other side should be by then */
        int64_t after_usec;       /* the reaction time */
        bool is_telegram;         /* and not only an identification */
};

struct sim_asked {
        struct sim_meter *meter; /* borrowed */
        struct sim_trouble trouble;
        unsigned int baud;        /* at which it listens and speaks */
        unsigned int agreed_baud; /* the same, but of one that stays where it was */
        bool programming;
        int64_t understood_usec; /* the last request, by the clock of who plays it */
        uint8_t in[SIM_REQUEST_MAX];
        size_t n_in;
        uint64_t heard_bytes; /* since it was made, at whatever speed */
        struct sim_out out;
        bool was_reset, waits; /* SIM_ACKNOWLEDGED: of E5 */
        unsigned int repeated;
};

void sim_asked_init(struct sim_asked *asked, struct sim_meter *meter,
                    const struct sim_trouble *trouble);
/* The line was pulled or left: it listens at its first speed again, and knows of no session. */
void sim_asked_rest(struct sim_asked *asked);

/*
 * One byte from the line, whose other end speaks at `baud` (0: unknown). True when a request is
 * complete, and in *ret. What is said at another speed than it listens at is noise.
 */
bool sim_asked_hear(struct sim_asked *asked, uint8_t byte, unsigned int baud,
                    struct sim_request *ret);

/* The answer at this time; the telegram, where it is one, is in *t. Negative errno as by
 * sim_meter_telegram(). */
int sim_asked_answer(struct sim_asked *asked, const struct sim_request *request,
                     struct sim_clock clock, struct sim_telegram *t, struct sim_answer *ret);

/*
 * SIM_ACKNOWLEDGED: the meter's own messages when an interval has passed: SND_NKE, then one
 * telegram after the other, each again up to SIM_REPEATS times until it is acknowledged. After that
 * it says nothing for as long as that took, and begins anew.
 */
int sim_asked_due(struct sim_asked *asked, struct sim_clock clock, struct sim_telegram *t,
                  struct sim_answer *ret);

/* The exclusive or of all bytes (IEC 62056-21 §6.2). */
uint8_t sim_asked_block_check(const uint8_t *bytes, size_t n);
