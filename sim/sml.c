/* SPDX-License-Identifier: MIT */
#include "sml.h"

#include <assert.h>
#include <string.h>

#include "crc.h"

static const uint8_t escape[4] = { 0x1b, 0x1b, 0x1b, 0x1b };

/* Type in bits 6-4; the length counts its own bytes too, except for lists (SML 1.04 §6.3.1). */
static void put_tl(struct sim_out *out, unsigned int type, size_t len, bool is_list)
{
        size_t total = is_list ? len : len + 1;

        if (total < 16) {
                sim_out_u8(out, type << 4 | (unsigned int)total);
                return;
        }
        if (!is_list)
                total++; /* the second length byte */
        assert(total < 256);
        sim_out_u8(out, 0x80 | type << 4 | (unsigned int)(total >> 4));
        sim_out_u8(out, (unsigned int)total & 0x0f);
}

void sim_sml_list(struct sim_out *out, unsigned int n)
{
        put_tl(out, 7, n, true);
}

void sim_sml_skip(struct sim_out *out)
{
        sim_out_u8(out, 0x01);
}

void sim_sml_octets(struct sim_out *out, const void *data, size_t len)
{
        put_tl(out, 0, len, false);
        sim_out_bytes(out, data, len);
}

static void put_integer(struct sim_out *out, unsigned int type, uint64_t value, unsigned int bytes)
{
        put_tl(out, type, bytes, false);
        for (unsigned int i = bytes; i-- > 0;)
                sim_out_u8(out, (unsigned int)(value >> (8 * i)) & 0xff);
}

void sim_sml_unsigned(struct sim_out *out, uint64_t value, unsigned int bytes)
{
        put_integer(out, 6, value, bytes);
}

void sim_sml_signed(struct sim_out *out, int64_t value, unsigned int bytes)
{
        put_integer(out, 5, (uint64_t)value, bytes);
}

void sim_sml_message(struct sim_out *out, uint32_t transaction, uint16_t tag,
                     const struct sim_out *body)
{
        size_t start = out->len;
        struct sim_out id = { 0 };
        uint16_t crc;

        sim_out_be32(&id, transaction);
        sim_sml_list(out, 6);
        sim_sml_octets(out, id.data, id.len);
        sim_sml_unsigned(out, 0, 1); /* group */
        sim_sml_unsigned(out, 0, 1); /* abort on error: continue */
        sim_sml_list(out, 2);
        sim_sml_unsigned(out, tag, 2);
        sim_out_bytes(out, body->data, body->len);
        crc = sim_crc_x25(out->data + start, out->len - start);
        /* An Unsigned16, and yet low byte first: so the meters send it. */
        sim_sml_unsigned(out, (uint64_t)(crc & 0xff) << 8 | crc >> 8, 2);
        sim_out_u8(out, 0x00);
}

/* The escape sequence inside a message is sent twice. Only aligned ones count: none are unless a
 * value happens to be so. */
static void put_escaped(struct sim_out *out, const struct sim_out *messages)
{
        for (size_t i = 0; i < messages->len;) {
                if (messages->len - i >= 4 && memcmp(messages->data + i, escape, 4) == 0) {
                        sim_out_bytes(out, escape, 4);
                        sim_out_bytes(out, escape, 4);
                        i += 4;
                } else {
                        sim_out_u8(out, messages->data[i++]);
                }
        }
}

void sim_sml_transport(struct sim_wire *wire, const struct sim_out *messages)
{
        struct sim_out *out = &wire->out;
        size_t start = out->len;
        unsigned int fill;

        sim_out_bytes(out, escape, 4);
        sim_out_bytes(out, "\x01\x01\x01\x01", 4);
        put_escaped(out, messages);
        fill = (unsigned int)(4 - (out->len - start) % 4) % 4;
        sim_out_bytes(out, "\0\0\0", fill);
        sim_out_bytes(out, escape, 4);
        sim_out_u8(out, 0x1a);
        sim_out_u8(out, fill);
        sim_out_le16(out, sim_crc_x25(out->data + start, out->len - start));
        sim_wire_end_frame(wire);
}
