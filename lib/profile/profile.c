/* SPDX-License-Identifier: MIT */
/*
 * Settings of a serial line as text.
 */
#include "profile.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int serial_line_parse(const char *text, struct serial_line *ret)
{
        struct serial_line line = { 0 };
        unsigned int baud, bits, stop;
        char parity;
        int end = 0;

        if (sscanf(text, "%7u%*1[ ,]%1u%c%1u%n", &baud, &bits, &parity, &stop, &end) != 4 ||
            text[end] != '\0')
                return -EINVAL;
        if (baud < 50 || baud > 4000000 || bits < 5 || bits > 8 || stop < 1 || stop > 2)
                return -EINVAL;
        switch (parity) {
        case 'N':
        case 'n':
                line.parity = PARITY_NONE;
                break;
        case 'E':
        case 'e':
                line.parity = PARITY_EVEN;
                break;
        case 'O':
        case 'o':
                line.parity = PARITY_ODD;
                break;
        default:
                return -EINVAL;
        }
        line.baud = baud;
        line.bits = (uint8_t)bits;
        line.stop = (uint8_t)stop;
        *ret = line;
        return 0;
}

char *serial_line_print(const struct serial_line *line, char buf[static SERIAL_LINE_TEXT_MAX])
{
        static const char letters[] = {
                [PARITY_NONE] = 'N', [PARITY_EVEN] = 'E', [PARITY_ODD] = 'O'
        };

        (void)snprintf(buf, SERIAL_LINE_TEXT_MAX, "%u %u%c%u", line->baud, line->bits,
                       letters[line->parity], line->stop);
        return buf;
}

bool serial_line_equal(const struct serial_line *a, const struct serial_line *b)
{
        return a->baud == b->baud && a->bits == b->bits && a->parity == b->parity &&
               a->stop == b->stop;
}
