/* SPDX-License-Identifier: MIT */
/* NMEA 0183 and Modbus RTU by their check sums. */
#include "foreign.h"

#include <stdbool.h>
#include <string.h>

#include "base/hex.h"
#include "base/util.h"

/* A sum of 8 or 16 bits holds by chance now and then; three times it does not. */
#define ENOUGH 3
/* NMEA 0183: a sentence has 82 characters at most. */
#define SENTENCE_MAX 82

/* "$GPGGA,…*47" before the CR: the sum is the XOR of what stands between $ and *. */
static bool ends_sentence(const struct foreign *f)
{
        const uint8_t *end = f->window + f->n - 1; /* at the CR */
        const uint8_t *dollar = NULL;
        uint8_t sum = 0;

        if (f->n < 10 || end[-3] != '*' || hex_digit(end[-2]) < 0 || hex_digit(end[-1]) < 0)
                return false;
        for (const uint8_t *at = end - 4; at >= f->window && end - at <= SENTENCE_MAX; at--) {
                if (*at == '$') {
                        dollar = at;
                        break;
                }
                sum ^= *at;
        }
        return dollar && dollar[1] >= 'A' && dollar[1] <= 'Z' &&
               sum == (hex_digit(end[-2]) << 4 | hex_digit(end[-1]));
}

/* Modbus over Serial Line V1.02, 6.2.2 */
static uint16_t modbus_crc(const uint8_t *data, size_t len)
{
        uint16_t crc = 0xffff;

        for (size_t i = 0; i < len; i++) {
                crc ^= data[i];
                for (int bit = 0; bit < 8; bit++)
                        crc = (uint16_t)(crc & 1 ? crc >> 1 ^ 0xa001 : crc >> 1);
        }
        return crc;
}

static bool frame_of(const struct foreign *f, size_t len)
{
        const uint8_t *frame;

        if (len > f->n)
                return false;
        frame = f->window + f->n - len;
        if (frame[0] == 0 || frame[0] > 247)
                return false;
        return modbus_crc(frame, len - 2) == (frame[len - 2] | frame[len - 1] << 8);
}

/* A request to read (8 bytes), or the answer to one, ends here. */
static bool ends_frame(const struct foreign *f)
{
        const uint8_t *end = f->window + f->n;

        if (f->n >= 8 && end[-7] >= 1 && end[-7] <= 6 && frame_of(f, 8))
                return true;
        for (size_t count = 2; count + 5 <= f->n && count <= 250; count += 2) {
                const uint8_t *frame = end - count - 5;

                if ((frame[1] == 3 || frame[1] == 4) && frame[2] == count && frame_of(f, count + 5))
                        return true;
        }
        return false;
}

static void add(struct foreign *f, uint8_t byte)
{
        if (f->n == sizeof(f->window)) {
                memmove(f->window, f->window + 1, sizeof(f->window) - 1);
                f->n--;
        }
        f->window[f->n++] = byte;
        if (byte == '\r' && ends_sentence(f))
                f->sentences++;
        if (ends_frame(f))
                f->frames++;
}

const char *foreign_feed(struct foreign *foreign, struct slice bytes)
{
        for (size_t i = 0; i < bytes.len; i++)
                add(foreign, bytes.data[i]);
        if (foreign->sentences >= ENOUGH)
                return "gps";
        return foreign->frames >= ENOUGH ? "modbus" : NULL;
}
