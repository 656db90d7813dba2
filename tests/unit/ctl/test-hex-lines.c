/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <time.h>

#include "base/util.h"
#include "ctl/input.h"
#include "ctl/verbs/hex-lines.h"
#include "tests/unit/test.h"

#define MS    UINT64_C(1000)
#define START (83141 * 1000 * MS) /* 23:05:41 of the first day */
#define LINE \
        "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f"

/* Bytes count up from 0 through all pieces. */
static struct lines_case {
        const char *name;
        struct {
                size_t n;
                uint64_t after_usec; /* since the piece before */
        } pieces[4];
        const char *want;
} cases[] = {
        { "nothing", { { 0, 0 } }, "" },
        { "pieces of a line",
          { { 2, 0 }, { 3, 20 * MS }, { 1, 0 } },
          "# 23:05:41\n00 01 02 03 04 05\n" },
        { "a line is full", { { 30, 0 }, { 4, 20 * MS } }, "# 23:05:41\n" LINE "\n20 21\n" },
        { "full at the end", { { 30, 0 }, { 2, 20 * MS } }, "# 23:05:41\n" LINE "\n" },
        { "full at a pause",
          { { 32, 0 }, { 1, 1000 * MS } },
          "# 23:05:41\n" LINE "\n# 23:05:42\n20\n" },
        { "a pause ends the line",
          { { 2, 0 }, { 1, 5000 * MS } },
          "# 23:05:41\n00 01\n# 23:05:46\n02\n" },
        { "as long as a pause has to be",
          { { 1, 0 }, { 1, HEX_LINES_PAUSE_USEC } },
          "# 23:05:41\n00\n# 23:05:41\n01\n" },
        { "a little less", { { 1, 0 }, { 1, HEX_LINES_PAUSE_USEC - 1 } }, "# 23:05:41\n00 01\n" },
};

static void run_case(void **state)
{
        const struct lines_case *c = *state;
        struct hex_lines lines = { 0 };
        struct input_hex hex = { 0 };
        uint8_t bytes[256], back[1024];
        uint64_t now = START;
        char *text = NULL;
        size_t at = 0, size = 0;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = (uint8_t)i;
        for (size_t i = 0; i < ELEMENTSOF(c->pieces); i++) {
                now += c->pieces[i].after_usec;
                hex_lines_print(&lines, out, (struct slice){ bytes + at, c->pieces[i].n }, now,
                                now);
                at += c->pieces[i].n;
        }
        hex_lines_end(&lines, out);
        assert_int_equal(fclose(out), 0);
        assert_string_equal(text, c->want);

        /* What is written is read again. */
        struct slice read = { (const uint8_t *)text, size };

        if (size > 0)
                assert_int_equal(input_sniff(read), INPUT_HEX);
        assert_int_equal(input_hex_decode(&hex, read, back), at);
        assert_memory_equal(back, bytes, at);
        assert_int_equal(hex.n_bad, 0);
        free(text);
}

int main(void)
{
        if (setenv("TZ", "UTC", 1) != 0)
                return 1;
        tzset();
        return test_run_rows("hex-lines", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
