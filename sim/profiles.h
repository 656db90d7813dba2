/* SPDX-License-Identifier: MIT */
/* The virtual meters, one family per file. sim.c lists them. */
#pragma once

#include "sim.h"

extern const struct sim_profile sim_profile_lgz_e450;
extern const struct sim_profile sim_profile_lgz_e450_styria;
extern const struct sim_profile sim_profile_lgz_e450_values;
extern const struct sim_profile sim_profile_lgz_e570;
extern const struct sim_profile sim_profile_lgz_e360;
extern const struct sim_profile sim_profile_iskra_am550;
extern const struct sim_profile sim_profile_iskra_am550_romandy;
extern const struct sim_profile sim_profile_iskra_am550_si;
extern const struct sim_profile sim_profile_kamstrup_omnipower;
extern const struct sim_profile sim_profile_kamstrup_2017;
extern const struct sim_profile sim_profile_aidon;
extern const struct sim_profile sim_profile_kaifa_no;
extern const struct sim_profile sim_profile_xt211;
extern const struct sim_profile sim_profile_kaifa_ma309;
extern const struct sim_profile sim_profile_sagemcom_t210d;
extern const struct sim_profile sim_profile_raw;
extern const struct sim_profile sim_profile_lgz_e360_p1;
extern const struct sim_profile sim_profile_dsmr5;
extern const struct sim_profile sim_profile_emucs;
extern const struct sim_profile sim_profile_luxembourg;
extern const struct sim_profile sim_profile_sml;
extern const struct sim_profile sim_profile_d0;
extern const struct sim_profile sim_profile_tic;
extern const struct sim_profile sim_profile_tic_standard;
extern const struct sim_profile sim_profile_mode_c;
extern const struct sim_profile sim_profile_siemens_td3511;
extern const struct sim_profile sim_profile_siemens_amis;
