/* SPDX-License-Identifier: MIT */
/*
 * Every framing's probe(): it never claims more than it was given, and what it claims can be
 * opened.
 */
#include <stdlib.h>

#include "lib/link/link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void open_frame(const struct link_ops *link, struct slice frame)
{
        struct link_piece piece = { 0 };

        if (link->open)
                link->open(frame, &piece);
        if (piece.bytes.len > frame.len || piece.sender.len > frame.len)
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        size_t before = size > 0 ? data[0] % (LINK_BEFORE_MAX + 1) : 0;
        struct slice whole = { data, size };
        struct slice s = slice_from(whole, before + 1);

        if (s.len == 0)
                return 0;
        for (size_t i = 0; link_table[i]; i++) {
                struct link_found found = { 0 };

                if (!link_table[i]->starts(s.data[0]))
                        continue;
                if (link_table[i]->probe(s, slice_first(slice_from(whole, 1), before), &found) !=
                    LINK_WHOLE)
                        continue;
                if (found.len == 0 || found.len > s.len)
                        abort();
                open_frame(link_table[i], slice_first(s, found.len));
        }
        return 0;
}
