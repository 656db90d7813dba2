/* SPDX-License-Identifier: MIT */
/*
 * smctl learn: what its parts share. cmd-learn.c gets the telegrams and writes the profile,
 * learn-dialogue.c asks, learn-print.c shows.
 */
#pragma once

#include "ctl/learn/learn-profile.h"

struct learn {
        const char *name, *maker, *model, *line; /* as given, or NULL */
        const char *output;                      /* FILE, "-", or NULL: the folder of profiles */
        bool set;                                /* facts are arguments: nothing is asked */
        bool anew;
        uint64_t listen_usec;
        unsigned int number;
        const char *source; /* a file, or the word for a meter or converter */
        bool live;
        struct cipher_keys keys;
        struct telegram_file file;
        struct learn_capture capture;
        struct learn_list *list; /* borrowed from the capture */
        struct learn_fact facts[LEARN_FACTS_MAX];
        size_t n_facts;
        struct learn_names names;
};

/* The unknown lists, when there are several. */
void learn_print_lists(const struct learn_capture *capture);
/* Places side by side over the telegrams: what moves, counts up, looks like volts. */
void learn_print_places(const struct learn_list *list);
/* The results for the facts, one line each. */
void learn_print_facts(const struct learn *learn);
/* How many facts have no place. */
size_t learn_count_refused(const struct learn *learn);

/* Asks for the number of the list, the facts and the names. -ECANCELED at Ctrl-D or when nothing
 * was taught. */
int learn_ask_list(struct learn *learn);
int learn_ask_facts(struct learn *learn);
int learn_ask_names(struct learn *learn);
/* Enter means yes. */
bool learn_ask_yes(const char *question);
