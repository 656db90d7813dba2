/* SPDX-License-Identifier: MIT */
#include "mbus.h"

#include <assert.h>

/* C, A, CI, STSAP, DTSAP */
#define MBUS_HEAD_BYTES 5

void sim_mbus_frame(struct sim_wire *wire, uint8_t ci, const void *data, size_t len)
{
        struct sim_out *out = &wire->out;
        unsigned int length = (unsigned int)(len + MBUS_HEAD_BYTES);
        unsigned int sum = 0;
        size_t start;

        sim_out_u8(out, 0x68);
        sim_out_u8(out, length & 0xff);
        sim_out_u8(out, length & 0xff);
        sim_out_u8(out, 0x68);
        start = out->len;
        sim_out_bytes(out, "\x53\xff", 2);
        sim_out_u8(out, ci);
        sim_out_bytes(out, "\x01\x67", 2);
        sim_out_bytes(out, data, len);
        for (size_t i = start; i < out->len; i++)
                sum += out->data[i];
        sim_out_u8(out, sum & 0xff);
        sim_out_u8(out, 0x16);
        sim_wire_end_frame(wire);
}

void sim_mbus_frames(struct sim_wire *wire, const struct sim_mbus *mbus, const uint8_t *apdu,
                     size_t len)
{
        size_t room = mbus->length - MBUS_HEAD_BYTES;
        uint8_t number = 0;

        assert(mbus->length > MBUS_HEAD_BYTES);
        for (size_t at = 0; at < len; number++) {
                size_t n = len - at < room ? len - at : room;
                uint8_t last = at + n == len ? 0x10 : 0;

                assert(number < 16); /* the number has four bits */
                sim_mbus_frame(wire, (uint8_t)(number | last), apdu + at, n);
                at += n;
        }
}
