/* SPDX-License-Identifier: MIT */
/*
 * The buffer that every encoder writes into. Its size is fixed, since no telegram is endless;
 * running over it is a mistake of this folder, never of its input, and ends in an assertion.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Twice the longest telegram of the field (P1 with messages, 2.5 KiB) and frames around it. */
#define SIM_OUT_MAX 8192

struct sim_out {
        size_t len;
        uint8_t data[SIM_OUT_MAX];
};

void sim_out_u8(struct sim_out *out, unsigned int value);
void sim_out_be16(struct sim_out *out, unsigned int value);
void sim_out_be32(struct sim_out *out, uint32_t value);
void sim_out_be64(struct sim_out *out, uint64_t value);
void sim_out_le16(struct sim_out *out, unsigned int value);
void sim_out_bytes(struct sim_out *out, const void *data, size_t len);
/* Without the final NUL. */
void sim_out_text(struct sim_out *out, const char *text);
void sim_out_printf(struct sim_out *out, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
/* Each byte of the text as two upper-case hex digits, as DSMR writes identifiers. */
void sim_out_hex_text(struct sim_out *out, const char *text);

/* A-XDR length: one byte below 128, else 81 or 82 and the length (IEC 61334-6). */
void sim_out_length(struct sim_out *out, size_t len);

#define SIM_FRAMES_MAX 64

/* A telegram on the line: its bytes, and where each of its frames ends. */
struct sim_wire {
        struct sim_out out;
        size_t ends[SIM_FRAMES_MAX];
        size_t n_frames;
};

/* Everything written since the last call is one frame. */
void sim_wire_end_frame(struct sim_wire *wire);
/* Where frame i begins. */
size_t sim_wire_start_get(const struct sim_wire *wire, size_t i);
