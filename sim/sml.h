/* SPDX-License-Identifier: MIT */
/*
 * SML 1.04 files (BSI TR-03109-1 Anlage IV) in the transport of version 1: type-length fields,
 * messages with a check sum, escape sequences around.
 */
#pragma once

#include <stdbool.h>

#include "out.h"

void sim_sml_list(struct sim_out *out, unsigned int n);
void sim_sml_skip(struct sim_out *out); /* an optional element that is not there */
void sim_sml_octets(struct sim_out *out, const void *data, size_t len);
void sim_sml_unsigned(struct sim_out *out, uint64_t value, unsigned int bytes);
void sim_sml_signed(struct sim_out *out, int64_t value, unsigned int bytes);

/* A message of this body tag with the bytes of `body` as content. */
void sim_sml_message(struct sim_out *out, uint32_t transaction, uint16_t tag,
                     const struct sim_out *body);

/* 1B1B1B1B 01010101 … 1B1B1B1B 1A: around all messages. */
void sim_sml_transport(struct sim_wire *wire, const struct sim_out *messages);
