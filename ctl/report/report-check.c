/* SPDX-License-Identifier: MIT */
#include "report-check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "lib/link/crc.h"
#include "lib/text/text-line.h"
#include "report-sml.h"

#define STX 0x02
#define ETX 0x03

/* ---- HDLC (lib/link/hdlc.c) ---- */

static void put_x25(uint8_t *frame, size_t n)
{
        uint16_t crc = crc16_x25((struct slice){ frame, n });

        frame[n] = (uint8_t)crc;
        frame[n + 1] = (uint8_t)(crc >> 8);
}

/* Where an address that begins at `at` ends: behind the first byte with its lowest bit set. */
static size_t address_end(const uint8_t *frame, size_t n, size_t at)
{
        while (at < n && !(frame[at] & 1))
                at++;
        return at + 1;
}

#define ADDRESS_BYTES  4 /* two of the logical device, two of the physical one */
#define PHYSICAL_LEAST 0x0010
#define PHYSICAL_MOST  0x3ffd

static void move_address(uint8_t *address, size_t n, unsigned int shift)
{
        unsigned int physical;

        if (n != ADDRESS_BYTES)
                return;
        physical = (unsigned int)(address[2] >> 1) << 7 | address[3] >> 1;
        if (physical < PHYSICAL_LEAST || physical > PHYSICAL_MOST)
                return; /* nobody, everybody */
        physical = PHYSICAL_LEAST +
                   (physical - PHYSICAL_LEAST + shift) % (PHYSICAL_MOST - PHYSICAL_LEAST + 1);
        address[2] = (uint8_t)(physical >> 7 << 1);
        address[3] = (uint8_t)((physical & 0x7f) << 1 | 1);
}

void report_check_move_addresses(uint8_t *frame, size_t n, unsigned int shift)
{
        size_t destination = 3, source = address_end(frame, n, destination),
               control = address_end(frame, n, source);

        if (control > n)
                return;
        move_address(frame + destination, source - destination, shift);
        move_address(frame + source, control - source, shift);
}

static int fix_hdlc(uint8_t *frame, size_t n)
{
        size_t format = 3, control = address_end(frame, n, address_end(frame, n, format));

        if (control + 3 > n || n < 5)
                return -EBADMSG;
        put_x25(frame + 1, control);
        put_x25(frame + 1, n - 3);
        return 0;
}

/* ---- M-Bus (lib/link/mbus.c) ---- */

static int fix_mbus(uint8_t *frame, size_t n)
{
        if (n < 8 || frame[0] != 0x68)
                return 0;
        frame[n - 2] = crc_mbus_sum((struct slice){ frame + 4, n - 6 });
        return 0;
}

/* ---- text: P1 (DSMR P1 5.0.2 §6.2), readouts (IEC 62056-21 §6.3), TIC ---- */

static uint8_t plain(const uint8_t *text, size_t at, bool parity)
{
        return parity ? text[at] & 0x7f : text[at];
}

/* The '!' that begins the last line; n when there is none. */
static size_t find_end(const uint8_t *text, size_t n, bool parity)
{
        for (size_t at = n; at-- > 1;)
                if (plain(text, at, parity) == '!' && plain(text, at - 1, parity) == '\n')
                        return at;
        return n;
}

static uint16_t crc_of(const uint8_t *text, size_t n, bool parity)
{
        uint16_t crc = CRC16_ARC_INIT;

        for (size_t i = 0; i < n; i++) {
                uint8_t byte = plain(text, i, parity);

                crc = crc16_arc_update(crc, (struct slice){ &byte, 1 });
        }
        return crc;
}

static int fix_p1(uint8_t *text, size_t n, bool parity)
{
        size_t end = find_end(text, n, parity), digits = 0;
        char printed[8];
        uint16_t crc;
        bool small = false;

        while (end + 1 + digits < n && digits < 4 &&
               hex_digit(plain(text, end + 1 + digits, parity)) >= 0) {
                small |= plain(text, end + 1 + digits, parity) >= 'a';
                digits++;
        }
        if (digits == 0)
                return 0; /* versions before DSMR 4 have none */
        crc = crc_of(text, end + 1, parity);
        if (crc >> (4 * digits))
                return -EAGAIN; /* it was sent without leading zeros */
        (void)snprintf(printed, sizeof(printed), small ? "%0*x" : "%0*X", (int)digits, crc);
        for (size_t i = 0; i < digits; i++)
                text[end + 1 + i] = text_on_wire((uint8_t)printed[i], parity);
        return 0;
}

int report_check_fix_p1(uint8_t *text, size_t n)
{
        return n > 0 ? fix_p1(text, n, text[0] > 0x7f) : 0;
}

/* XOR of everything behind STX up to and with ETX. */
static int fix_readout(uint8_t *text, size_t n)
{
        const uint8_t *start = memchr(text, STX, n);
        bool parity = text[0] > 0x7f;
        uint8_t bcc = 0;
        size_t at;

        for (at = 0; !start && at < n; at++)
                if (plain(text, at, parity) == STX)
                        start = text + at;
        if (!start || n < 4 || plain(text, n - 2, parity) != ETX)
                return 0; /* mode D has no block check */
        for (at = (size_t)(start - text) + 1; at < n - 1; at++)
                bcc ^= text[at];
        text[n - 1] = parity ? text_on_wire(bcc & 0x7f, true) : bcc;
        return 0;
}

/* A group from behind its LF to before its CR: its last character is the check. */
static void fix_group(uint8_t *group, size_t n, bool parity)
{
        uint8_t sum = 0;
        bool standard;

        if (n < 4)
                return;
        standard = plain(group, n - 2, parity) == '\t';
        for (size_t i = 0; i < n - (standard ? 1 : 2); i++)
                sum = (uint8_t)(sum + plain(group, i, parity));
        group[n - 1] = text_on_wire((uint8_t)((sum & 0x3f) + 0x20), parity);
}

static int fix_tic(uint8_t *text, size_t n)
{
        bool parity = text[0] > 0x7f;
        size_t from = 0;

        for (size_t at = 0; at < n; at++) {
                uint8_t c = plain(text, at, parity);

                if (c == '\n')
                        from = at + 1;
                else if (c == '\r' && from > 0)
                        fix_group(text + from, at - from, parity);
        }
        return 0;
}

int report_check_fix(const struct link_ops *link, const uint8_t *before, uint8_t *frame, size_t n)
{
        if (n == 0)
                return 0;
        if (link == &link_hdlc)
                return fix_hdlc(frame, n);
        if (link == &link_mbus)
                return fix_mbus(frame, n);
        if (link == &link_sml)
                return report_sml_fix(before, frame, n);
        if (link == &link_p1)
                return report_check_fix_p1(frame, n);
        if (link == &link_iec62056_21)
                return fix_readout(frame, n);
        if (link == &link_tic)
                return fix_tic(frame, n);
        return 0; /* APDUs without framing have no check */
}
