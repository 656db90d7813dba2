/* SPDX-License-Identifier: MIT */
/*
 * The virtual meters, one family per file. sim.c lists them.
 */
#pragma once

#include "sim/sim.h"

extern const struct sim_profile sim_profile_lgz_e450;
extern const struct sim_profile sim_profile_lgz_e570;
extern const struct sim_profile sim_profile_lgz_e360;
