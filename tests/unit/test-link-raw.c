/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/link.h"
#include "test.h"

/* A notification of 26 bytes: no time, an array of one {1-0:1.7.0, 4117}. */
#define NOTIFICATION                                                                              \
        0x0f, 0, 0, 0, 1, 0, 1, 1, 2, 3, 9, 6, 1, 0, 1, 7, 0, 255, 6, 0, 0, 0x10, 0x15, 2, 2, 15, \
                0, 22, 27
#define TITLE 0xdb, 8, 'L', 'G', 'Z', 1, 2, 3, 4, 5

static struct raw_case {
        const char *name;
        struct slice in, before;
        ssize_t want;
} cases[] = {
        { "notification", BYTES(NOTIFICATION), { 0 }, 29 },
        { "bytes after it", BYTES(NOTIFICATION, 1, 2), { 0 }, 29 },
        { "noise before it", BYTES(NOTIFICATION), BYTES(0x11, 0x22, 0x33, 0x44, 0x55), 29 },
        { "not all there", BYTES(0x0f, 0, 0, 0, 1, 0, 1, 1, 2, 3, 9, 6, 1), { 0 }, 0 },
        { "in an HDLC frame", BYTES(NOTIFICATION), BYTES(0x12, 0x8b, 0xe6, 0xe7, 0), -EAGAIN },
        { "in one with a damaged LLC", BYTES(NOTIFICATION), BYTES(0x12, 0x8b, 0xe6, 0x67, 0),
          -EAGAIN },
        { "behind an HDLC header without LLC", BYTES(NOTIFICATION),
          BYTES(0x7e, 0xa0, 0x30, 0x41, 3, 0x13, 1, 2), -EAGAIN },
        { "reserved bits set", BYTES(0x0f, 0x7e, 0, 0, 1, 0, 2, 0), { 0 }, -EAGAIN },
        { "too short to be one", BYTES(0x0f, 0, 0, 0, 1, 0, 2, 0), { 0 }, -EAGAIN },
        { "neither structure nor array",
          BYTES(0x0f, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0),
          { 0 },
          -EAGAIN },
        { "ciphered", BYTES(TITLE, 7, 0x20, 0, 0, 0, 9, 0xaa, 0xbb), { 0 }, 18 },
        { "general-ded",
          BYTES(0xdc, 8, 'K', 'F', 'M', 1, 2, 3, 4, 5, 6, 0x20, 0, 0, 0, 9, 0xaa),
          { 0 },
          17 },
        { "general-ciphering",
          BYTES(0xdd, 1, 7, 8, 'K', 'A', 'M', 1, 2, 3, 4, 5, 0, 0, 0, 0, 6, 0x20, 0, 0, 0, 9, 0xaa),
          { 0 },
          23 },
        { "general-ciphering, not all there", BYTES(0xdd, 1, 7, 8, 'K', 'A', 'M', 1, 2), { 0 }, 0 },
        { "a transaction id beyond all",
          BYTES(0xdd, 99, 7, 8, 'K', 'A', 'M', 1, 2),
          { 0 },
          -EAGAIN },
        { "ciphered, not all there", BYTES(TITLE, 7, 0x20, 0, 0), { 0 }, 0 },
        { "ciphered, in an M-Bus frame", BYTES(TITLE, 7, 0x20, 0, 0, 0, 9, 0xaa, 0xbb),
          BYTES(0x53, 0xff, 0x10, 0x01, 0x67), -EAGAIN },
        { "ciphered, in a damaged M-Bus frame", BYTES(TITLE, 7, 0x20, 0, 0, 0, 9, 0xaa, 0xbb),
          BYTES(0x53, 0x7f, 0x10, 0x01, 0x67), -EAGAIN },
        { "a title that is no maker's", BYTES(0xdb, 8, 1, 2, 3, 1, 2, 3, 4, 5), { 0 }, -EAGAIN },
        { "security control unheard of",
          BYTES(TITLE, 7, 0xff, 0, 0, 0, 9, 0xaa, 0xbb),
          { 0 },
          -EAGAIN },
        { "a length beyond all telegrams", BYTES(TITLE, 0x82, 0xff, 0xff, 0x20), { 0 }, -EAGAIN },
};

static void run_case(void **state)
{
        const struct raw_case *c = *state;
        struct link_fault fault = { 0 };

        assert_int_equal(link_raw.probe(c->in, c->before, &fault), c->want);
}

int main(void)
{
        return test_run_rows("link-raw", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
