/* SPDX-License-Identifier: MIT */
#include "lib/dlms/raw.h"
#include "lib/link/link.h"
#include "link-read.h"
#include "tests/unit/test.h"

/* A notification of 26 bytes: no time, an array of one {1-0:1.7.0, 4117}. */
#define NOTIFICATION                                                                              \
        0x0f, 0, 0, 0, 1, 0, 1, 1, 2, 3, 9, 6, 1, 0, 1, 7, 0, 255, 6, 0, 0, 0x10, 0x15, 2, 2, 15, \
                0, 22, 27
#define TITLE 0xdb, 8, 'L', 'G', 'Z', 1, 2, 3, 4, 5

static struct raw_case {
        const char *name;
        struct slice in, before;
        enum link_result want;
        size_t want_len;
} cases[] = {
        { "notification", BYTES(NOTIFICATION), { 0 }, LINK_WHOLE, 29 },
        { "bytes after it", BYTES(NOTIFICATION, 1, 2), { 0 }, LINK_DAMAGED, 0 },
        { "another after it", BYTES(NOTIFICATION, 0x0f, 0), { 0 }, LINK_WHOLE, 29 },
        { "an LLC after it", BYTES(NOTIFICATION, 0xe6, 0xe7), { 0 }, LINK_WHOLE, 29 },
        { "fill after it", BYTES(NOTIFICATION, 0, 0x0d, 0x0a), { 0 }, LINK_WHOLE, 29 },
        { "LLC before it", BYTES(0xe6, 0xe7, 0, NOTIFICATION), { 0 }, LINK_WHOLE, 32 },
        { "LLC and nothing after it", BYTES(0xe6, 0xe7, 0), { 0 }, LINK_MORE, 0 },
        { "a cut LLC", BYTES(0xe6, 0xe7), { 0 }, LINK_MORE, 0 },
        { "no LLC", BYTES(0xe6, 0x11, 0), { 0 }, LINK_NONE, 0 },
        { "noise before it", BYTES(NOTIFICATION), BYTES(0x11, 0x22, 0x33, 0x44, 0x55), LINK_WHOLE,
          29 },
        { "not all there", BYTES(0x0f, 0, 0, 0, 1, 0, 1, 1, 2, 3, 9, 6, 1), { 0 }, LINK_MORE, 0 },
        { "reserved bits set", BYTES(0x0f, 0x7e, 0, 0, 1, 0, 2, 0), { 0 }, LINK_NONE, 0 },
        { "too short to be one", BYTES(0x0f, 0, 0, 0, 1, 0, 2, 0), { 0 }, LINK_NONE, 0 },
        { "neither structure nor array",
          BYTES(0x0f, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0),
          { 0 },
          LINK_NONE,
          0 },
        { "ciphered", BYTES(TITLE, 7, 0x20, 0, 0, 0, 9, 0xaa, 0xbb), { 0 }, LINK_WHOLE, 18 },
        { "general-ded",
          BYTES(0xdc, 8, 'K', 'F', 'M', 1, 2, 3, 4, 5, 6, 0x20, 0, 0, 0, 9, 0xaa),
          { 0 },
          LINK_WHOLE,
          17 },
        { "general-ciphering",
          BYTES(0xdd, 1, 7, 8, 'K', 'A', 'M', 1, 2, 3, 4, 5, 0, 0, 0, 0, 6, 0x20, 0, 0, 0, 9, 0xaa),
          { 0 },
          LINK_WHOLE,
          23 },
        { "general-ciphering, not all there",
          BYTES(0xdd, 1, 7, 8, 'K', 'A', 'M', 1, 2),
          { 0 },
          LINK_MORE,
          0 },
        { "a transaction id beyond all",
          BYTES(0xdd, 99, 7, 8, 'K', 'A', 'M', 1, 2),
          { 0 },
          LINK_NONE,
          0 },
        { "ciphered, not all there", BYTES(TITLE, 7, 0x20, 0, 0), { 0 }, LINK_MORE, 0 },
        { "a title that is no maker's",
          BYTES(0xdb, 8, 1, 2, 3, 1, 2, 3, 4, 5),
          { 0 },
          LINK_NONE,
          0 },
        { "security control unheard of",
          BYTES(TITLE, 7, 0xff, 0, 0, 0, 9, 0xaa, 0xbb),
          { 0 },
          LINK_NONE,
          0 },
        { "a length beyond all telegrams",
          BYTES(TITLE, 0x82, 0xff, 0xff, 0x20),
          { 0 },
          LINK_NONE,
          0 },
};

static void run_case(void **state)
{
        const struct raw_case *c = *state;

        assert_int_equal(link_ask(&link_raw, c->in, c->before), c->want);
        assert_int_equal(link_length(&link_raw, c->in, c->before), c->want_len);
}

/* A list of one object without tags, cut where its first bytes are a whole A-XDR structure. */
static const struct slice cut_list = BYTES(0x0f, 0, 0, 0, 1, 12, 7, 0xea, 11, 30, 1, 0, 0, 0, 0, 0,
                                           0, 0, 2, 2, 0x16, 1, 1, 1, 2, 2, 0, 3, 1);

static void length_that_more_bytes_may_change(void **state)
{
        const struct slice whole = BYTES(NOTIFICATION);
        struct link_found found = { 0 };

        assert_int_equal(link_raw.probe(cut_list, (struct slice){ 0 }, &found), LINK_WHOLE);
        assert_int_equal(found.len, 29);
        assert_true(found.unsure);
        found = (struct link_found){ 0 };
        assert_int_equal(link_raw.probe(whole, (struct slice){ 0 }, &found), LINK_WHOLE);
        assert_int_equal(found.len, 29);
        assert_false(found.unsure);
}

static struct all_case {
        const char *name;
        struct slice in;
        bool want;
} wholes[] = {
        { "one", BYTES(NOTIFICATION), true },
        { "two", BYTES(NOTIFICATION, NOTIFICATION), true },
        { "with LLC, and fill", BYTES(0xe6, 0xe7, 0, NOTIFICATION, 0x0d, 0x0a, NOTIFICATION),
          true },
        { "the last one cut", BYTES(NOTIFICATION, 0x0f, 0, 0, 0, 1, 0, 1), true },
        { "the first one of wrong length",
          BYTES(TITLE, 99, 0x20, 0, 0, 0, 9, 0xaa, 0xbb, NOTIFICATION, NOTIFICATION), true },
        { "cut, and nothing else", BYTES(0x0f, 0, 0, 0, 1, 0, 1), false },
        { "more damaged than whole", BYTES(0x0f, 9, NOTIFICATION, 0x0f, 0, 0), false },
        { "the end of a frame behind it", BYTES(NOTIFICATION, 0x12, 0x34, 0x7e), false },
        { "begun within a header", BYTES(0xe7, 0, NOTIFICATION), false },
        { "nothing", { 0 }, false },
        { "an M-Bus frame behind it",
          BYTES(NOTIFICATION, 0x0f, 0x68, 7, 7, 0x68, 0x53, 0xff, 0x10, 1, 0x67, 0xaa, 0xbb, 0x2f,
                0x16, NOTIFICATION),
          false },
};

static void run_all_case(void **state)
{
        const struct all_case *c = *state;

        assert_int_equal(raw_is_all(c->in), c->want);
}

int main(void)
{
        static struct CMUnitTest more[ELEMENTSOF(wholes) + 1] = {
                cmocka_unit_test(length_that_more_bytes_may_change),
        };
        size_t n =
                test_add_rows(more, 1, wholes, ELEMENTSOF(wholes), sizeof(wholes[0]), run_all_case);

        return test_run_rows_and("link-raw", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, n);
}
