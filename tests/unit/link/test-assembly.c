/* SPDX-License-Identifier: MIT */
/*
 * Pieces of one byte each, as a script, and what becomes of each. A piece is its number (M-Bus from
 * 0, B blocks from 1, H without one) and its byte; "f" begins, "l" ends an APDU; "'" is another
 * sender; "~5" are five bytes of no frame, "|" a pause.
 */
#include <stdlib.h>

#include "lib/link/assembly.h"
#include "tests/unit/test.h"

/* Results: "." more, "=ab" complete, "1" single, "r" repeated, "?" orphan. */
static struct assembly_case {
        const char *name;
        const char *script;
        const char *want;
        uint64_t n_lost;
} cases[] = {
        { "blocks in order", "B1a B2b B3cl", "..=abc", 0 },
        { "one lost", "B1a B3cl", ".?", 1 },
        { "begins in the middle", "B2b", "?", 0 },
        { "out of order", "B1a B3c B2b", ".??", 1 },
        { "repeated, the same", "B1a B2b B2b B3cl", "..r=abc", 0 },
        { "repeated, with other data", "B1a B2b B2x", "..?", 1 },
        { "the last repeated", "B1a B2bl B2bl", ".=abr", 0 },
        { "the last repeated, with other data", "B1a B2bl B2xl", ".=ab?", 0 },
        { "the last repeated after a pause", "B1a B2bl | B2bl", ".=ab?", 0 },
        { "one before the last repeated", "B1a B2b B3c B2b", "...?", 1 },
        { "begun anew", "B1a B2b B1c B2dl", "...=cd", 1 },
        { "waits for the first after a break", "B1a B3c B4d", ".??", 1 },
        { "a block alone", "B1al", "1", 0 },
        { "a pause between blocks", "B1a | B2bl", ".?", 1 },
        { "a byte between blocks", "B1a ~1 B2bl", ".=ab", 0 },
        { "noise between blocks", "B1a ~5 B2bl", ".?", 1 },
        { "noise in portions", "B1a ~3 ~2 B2bl", ".?", 1 },
        { "another sender between blocks", "B1a B2x' B2bl", ".?=ab", 0 },

        { "M-Bus segments", "M0a M1b M2cl", "..=abc", 0 },
        { "M-Bus segment alone", "M0al", "1", 0 },
        { "M-Bus segment alone ends what was begun", "M0a M0xl M1bl", ".1?", 1 },
        { "M-Bus repeats its last segment", "M0a M1bl M1bl", ".=abr", 0 },

        { "segments", "Haf Hb Hcl", "..=abc", 0 },
        { "a segment without its beginning", "Hb", "?", 0 },
        { "a frame without LLC", "Hbl", "1", 0 },
        { "a frame alone", "Hafl", "1", 0 },
        { "a frame alone ends what was begun", "Haf Hxfl Hbl", ".11", 1 },
        { "another sender's frame alone", "Haf Hxfl' Hbl", ".1=ab", 0 },
        { "another sender's segment", "Haf Hx' Hbl", ".?=ab", 0 },
        { "three octets between segments", "Haf ~3 Hbl", ".=ab", 0 },
        { "four octets between segments may be one lost", "Haf ~4 Hbl", ".1", 1 },
};

static struct link_piece parse(const char *token)
{
        static uint8_t byte;
        struct link_piece piece = { .sender = TEXT("s"), .modulus = 16 };
        const char *p = token + 1;

        if (*token != 'H') {
                piece.numbered = true;
                piece.number = (uint16_t)strtoul(p, (char **)(uintptr_t)&p, 10);
                piece.first = piece.number == (*token == 'B');
        }
        byte = (uint8_t)*p++;
        piece.bytes = (struct slice){ &byte, 1 };
        for (; *p; p++) {
                piece.first |= *p == 'f';
                piece.last |= *p == 'l';
                if (*p == '\'')
                        piece.sender = slice_of_string("other");
        }
        return piece;
}

static void log_result(const struct assembly *a, enum assembly_result result, char *log)
{
        static const char *const names[] = { ".", "=", "1", "r", "?", "!" };

        (void)strcat(log, names[result]);
        if (result == ASSEMBLY_COMPLETE)
                (void)strncat(log, (const char *)a->bytes, a->len);
}

static void run_case(void **state)
{
        const struct assembly_case *c = *state;
        static struct assembly a;
        char log[64] = "", token[16];
        int n;

        assembly_init(&a);
        for (const char *p = c->script; sscanf(p, " %15s%n", token, &n) == 1; p += n) {
                struct link_piece piece;

                if (*token == '|') {
                        assembly_drop(&a);
                } else if (*token == '~') {
                        assembly_stray(&a, strtoul(token + 1, NULL, 10));
                } else {
                        piece = parse(token);
                        log_result(&a, assembly_put(&a, &piece, 0), log);
                }
        }
        assert_string_equal(log, c->want);
        assert_int_equal(a.n_lost, c->n_lost);
        assembly_done(&a);
}

static void numbers_wrap(void **state)
{
        static struct assembly a;
        uint8_t byte = 'x';

        assembly_init(&a);
        for (uint32_t i = 1; i <= 0x10000; i++) {
                struct link_piece piece = { .bytes = { &byte, i < 100 },
                                            .numbered = true,
                                            .number = (uint16_t)i,
                                            .modulus = 0x10000,
                                            .first = i == 1,
                                            .last = i == 0x10000 };

                assert_int_equal(assembly_put(&a, &piece, 0),
                                 piece.last ? ASSEMBLY_COMPLETE : ASSEMBLY_MORE);
        }
        assert_int_equal(a.len, 99);
        assert_int_equal(a.room, ASSEMBLY_BYTES_FIRST);
        assembly_done(&a);
}

static void it_is_bounded(void **state)
{
        static struct assembly a;
        static uint8_t bytes[ASSEMBLY_BYTES];
        struct link_piece piece = { .bytes = { bytes, sizeof(bytes) }, .first = true };

        assembly_init(&a);
        assert_int_equal(assembly_put(&a, &piece, 0), ASSEMBLY_MORE);
        piece = (struct link_piece){ .bytes = { bytes, 1 } };
        assert_int_equal(assembly_put(&a, &piece, 0), ASSEMBLY_OVERFLOW);
        assert_int_equal(a.n_lost, 1);
        assembly_done(&a);
}

int main(void)
{
        static const struct CMUnitTest more[] = {
                cmocka_unit_test(numbers_wrap),
                cmocka_unit_test(it_is_bounded),
        };

        return test_run_rows_and("assembly", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case,
                                 more, ELEMENTSOF(more));
}
