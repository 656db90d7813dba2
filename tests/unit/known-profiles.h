/* SPDX-License-Identifier: MIT */
/*
 * The built-in profiles, for tests, fuzzers and benchmarks: read once, never freed.
 */
#pragma once

#include <stdlib.h>

#include "lib/profile/profile.h"

static inline const struct profile_set *known_profiles(void)
{
        static struct profile_set *set;

        if (!set && profile_set_new(&set) < 0)
                abort();
        return set;
}

/* The same, and a family of which nothing is known but that it counts W and Wh: what a test writes
 * as pairs of code and value without a scaler. */
static inline const struct profile_set *known_profiles_and_pairs(void)
{
        static const char pairs[] = "[profile]\nName=test-pairs\nMaker=TST\nModel=pairs\n"
                                    "[match]\nLayout=pairs\n[scale]\nP=0\nQ=0\nS=0\nE=0\n";
        static struct profile_set *set;

        if (!set && (profile_set_new(&set) < 0 ||
                     profile_set_add(set, slice_of_string(pairs), "pairs", NULL) < 0))
                abort();
        return set;
}

static inline const struct meter_profile *known_profile(const char *name)
{
        return profile_set_find(known_profiles(), name);
}
