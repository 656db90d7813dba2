/* SPDX-License-Identifier: MIT */
/*
 * The profiles that smctl knows without the service: the built-in ones, and those of the
 * administrator, as the service reads them.
 */
#pragma once

#include "base/util.h"
#include "lib/profile/profile.h"

static inline void profiles_free_owned(struct profile_set *set)
{
        (void)profile_set_free(set);
}
DEFINE_OWNED(profiles, struct profile_set *, profiles_free_owned);

/* Owned by the caller. Mistakes in a file are printed to standard error, and the file is not
 * counted. -ENOMEM. */
int profiles_load(struct profile_set **ret);

/* Adds the profile of one file; *ret is it. Mistakes are printed to standard error. -errno. */
int profiles_load_file(struct profile_set *set, const char *path, const struct meter_profile **ret);
