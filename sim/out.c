/* SPDX-License-Identifier: MIT */
#include "out.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sim_out_bytes(struct sim_out *out, const void *data, size_t len)
{
        assert(len <= SIM_OUT_MAX - out->len);
        if (len > 0)
                memcpy(out->data + out->len, data, len);
        out->len += len;
}

void sim_out_u8(struct sim_out *out, unsigned int value)
{
        sim_out_bytes(out, &(uint8_t){ (uint8_t)value }, 1);
}

void sim_out_be16(struct sim_out *out, unsigned int value)
{
        sim_out_u8(out, value >> 8);
        sim_out_u8(out, value);
}

void sim_out_be32(struct sim_out *out, uint32_t value)
{
        sim_out_be16(out, value >> 16);
        sim_out_be16(out, value & 0xffff);
}

void sim_out_be64(struct sim_out *out, uint64_t value)
{
        sim_out_be32(out, (uint32_t)(value >> 32));
        sim_out_be32(out, (uint32_t)value);
}

void sim_out_le16(struct sim_out *out, unsigned int value)
{
        sim_out_u8(out, value);
        sim_out_u8(out, value >> 8);
}

void sim_out_text(struct sim_out *out, const char *text)
{
        sim_out_bytes(out, text, strlen(text));
}

void sim_out_printf(struct sim_out *out, const char *format, ...)
{
        char text[512];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(text, sizeof(text), format, args);
        va_end(args);
        assert(n >= 0 && (size_t)n < sizeof(text));
        sim_out_bytes(out, text, (size_t)n);
}

void sim_out_hex_text(struct sim_out *out, const char *text)
{
        for (; *text; text++)
                sim_out_printf(out, "%02X", (unsigned int)(uint8_t)*text);
}

void sim_out_length(struct sim_out *out, size_t len)
{
        assert(len <= 0xffff);
        if (len < 128) {
                sim_out_u8(out, (unsigned int)len);
        } else if (len < 256) {
                sim_out_u8(out, 0x81);
                sim_out_u8(out, (unsigned int)len);
        } else {
                sim_out_u8(out, 0x82);
                sim_out_be16(out, (unsigned int)len);
        }
}

void sim_wire_end_frame(struct sim_wire *wire)
{
        assert(wire->n_frames < SIM_FRAMES_MAX);
        wire->ends[wire->n_frames++] = wire->out.len;
}

size_t sim_wire_start_get(const struct sim_wire *wire, size_t i)
{
        return i == 0 ? 0 : wire->ends[i - 1];
}
