/* SPDX-License-Identifier: MIT */
/*
 * Bytes given to a framing: what its probe says, and one whole frame read as the decoder reads it.
 */
#pragma once

#include <errno.h>

#include "lib/link/link.h"
#include "lib/value/telegram.h"
#include "tests/unit/test.h"

/* What its probe says of `s`, which is not empty. Of a damaged frame it must say what is wrong. */
static inline enum link_result link_ask(const struct link_ops *link, struct slice s,
                                        struct slice before)
{
        struct link_found found = { 0 };
        enum link_result result = link->probe(s, before, &found);

        if (result == LINK_DAMAGED)
                assert_non_null(found.fault);
        return result;
}

/* The length of the whole frame at its start, 0 when there is none. */
static inline size_t link_length(const struct link_ops *link, struct slice s, struct slice before)
{
        struct link_found found = { 0 };

        return link->probe(s, before, &found) == LINK_WHOLE ? found.len : 0;
}

/* -EBADMSG when `s` is not exactly one frame; `t` is untouched then. */
static inline int link_read(const struct link_ops *link, struct slice s, struct telegram *t)
{
        if (s.len == 0 || !link->starts(s.data[0]) ||
            link_length(link, s, (struct slice){ 0 }) != s.len)
                return -EBADMSG;
        return link->read(s, t);
}

/* The APDU that the frame carries; empty when it carries none, or is none. */
static inline struct slice link_apdu(const struct link_ops *link, struct slice s)
{
        struct link_piece piece = { 0 };

        if (s.len > 0 && link->starts(s.data[0]) &&
            link_length(link, s, (struct slice){ 0 }) == s.len)
                link->open(s, &piece);
        return piece.bytes;
}
