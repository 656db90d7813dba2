/* SPDX-License-Identifier: MIT */
/*
 * The last step of a DLMS meter: the APDU, ciphered when this meter does that, put into the frames
 * of its line. All return 0, or -EIO when libcrypto fails.
 */
#pragma once

#include "hdlc.h"
#include "mbus.h"
#include "sim.h"

/* LLC and APDU in as many HDLC segments as it takes (one, when it fits). */
int sim_frames_hdlc(const struct sim_meter *meter, struct sim_telegram *t,
                    const struct sim_hdlc *link, const struct sim_out *apdu);

/* General-block-transfer blocks of the meter's size (112 unless asked otherwise), one per frame. */
int sim_frames_gbt(const struct sim_meter *meter, struct sim_telegram *t,
                   const struct sim_hdlc *link, const struct sim_out *apdu);

/* M-Bus long frames. */
int sim_frames_mbus(const struct sim_meter *meter, struct sim_telegram *t,
                    const struct sim_mbus *link, const struct sim_out *apdu);

/* The APDU on the line, with nothing around it. */
int sim_frames_raw(const struct sim_meter *meter, struct sim_telegram *t,
                   const struct sim_out *apdu);
