/* SPDX-License-Identifier: MIT */
#include "hex-lines.h"

#include "ctl/view/output.h"

static void begin_burst(struct hex_lines *lines, FILE *out, uint64_t wall_usec)
{
        char time[OUTPUT_TEXT_MAX];

        hex_lines_end(lines, out);
        fprintf(out, "# %s\n", output_clock(wall_usec, time));
}

void hex_lines_print(struct hex_lines *lines, FILE *out, struct slice bytes, uint64_t mono_usec,
                     uint64_t wall_usec)
{
        if (bytes.len == 0)
                return;
        if (lines->last_mono_usec == 0 || mono_usec - lines->last_mono_usec >= HEX_LINES_PAUSE_USEC)
                begin_burst(lines, out, wall_usec);
        lines->last_mono_usec = mono_usec;
        for (size_t i = 0; i < bytes.len; i++) {
                fprintf(out, "%s%02x", lines->column > 0 ? " " : "", bytes.data[i]);
                if (++lines->column == HEX_LINES_BYTES)
                        hex_lines_end(lines, out);
        }
}

void hex_lines_end(struct hex_lines *lines, FILE *out)
{
        if (lines->column > 0)
                fputc('\n', out);
        lines->column = 0;
}
