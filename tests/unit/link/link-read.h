/* SPDX-License-Identifier: MIT */
/*
 * Bytes that are one whole frame, read as the decoder reads them: probed first.
 */
#pragma once

#include <errno.h>

#include "lib/link/link.h"
#include "lib/value/telegram.h"

/* -EBADMSG when `s` is not exactly one frame; `t` is untouched then. */
static inline int link_read(const struct link_ops *link, struct slice s, struct telegram *t)
{
        struct link_fault fault = { 0 };

        if (s.len == 0 || !link->starts(s.data[0]) ||
            link->probe(s, (struct slice){ 0 }, &fault) != (ssize_t)s.len)
                return -EBADMSG;
        return link->read(s, t);
}

/* The APDU that the frame carries; empty when it carries none, or is none. */
static inline struct slice link_apdu(const struct link_ops *link, struct slice s)
{
        struct link_piece piece = { 0 };
        struct link_fault fault = { 0 };

        if (s.len > 0 && link->starts(s.data[0]) &&
            link->probe(s, (struct slice){ 0 }, &fault) == (ssize_t)s.len)
                link->open(s, &piece);
        return piece.bytes;
}
