/* SPDX-License-Identifier: MIT */
/*
 * The inside of `smctl simulate`: cmd-simulate.c reads the options into this, simulate-run.c plays,
 * simulate-print.c prints what was played.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "sim/asked.h"
#include "sim/play.h"
#include "sim/sim.h"

struct simulate {
        const struct sim_profile *profile;
        struct sim_options options;
        struct sim_meter meter;
        struct sim_play play;
        int64_t interval_usec;
        int64_t start_epoch_s;      /* of the meter's clock; -1: the real time */
        unsigned int count;         /* telegrams; 0: for ever */
        unsigned int unplug_after;  /* telegrams; 0: never */
        int64_t replug_after_usec;  /* -1: never */
        struct sim_trouble trouble; /* of a meter that is asked */
        bool hex;                   /* text in place of bytes */
        bool json;

        struct sim_telegram telegram; /* the latest */
        uint64_t n_sent;
        int64_t replug_at_usec; /* CLOCK_MONOTONIC; 0: not waiting for it */
        bool ends;
};

/* From here on signals wait until simulate_run() looks at them. Before the tty is announced. */
void simulate_catch_signals(struct simulate *s);

/* Plays until --count, a signal, or an error (negative errno). SIGUSR1 unplugs, SIGUSR2 replugs. */
int simulate_run(struct simulate *s);

/* The same for a meter that must be asked, once it is plugged in (simulate-ask.c). */
int simulate_run_asked(struct simulate *s);

/* A telegram has been sent: says so, and does what is due after so many. */
void simulate_after_telegram(struct simulate *s);

/* "echo,wrong-check=2" into s->trouble. False with the word that is none in `ret_word`, and the
 * nearest right one, or NULL, in *ret_near. */
bool simulate_take_trouble(struct simulate *s, const char *text, char ret_word[static 32],
                           const char **ret_near);

/* The meter's time at telegram n: from --time on, or the real one of this machine. */
struct sim_clock simulate_clock(const struct simulate *s, uint64_t n);

/* The tty to open: plain, or as JSON. */
void simulate_print_tty(const struct simulate *s);
void simulate_print_unplugged(const struct simulate *s);

/* Bytes sent to a meter that is asked: JSON only. `baud` is their speed. */
void simulate_print_request(const struct simulate *s, const struct sim_request *request,
                            unsigned int baud, uint64_t heard_bytes);

/* The values of the latest telegram, in the members of `smctl decode`, on one line. */
void simulate_print_telegram(const struct simulate *s);

/* The bytes of the latest telegram as hex text, with what is needed to read them as comments. */
int simulate_print_hex(const struct simulate *s);
