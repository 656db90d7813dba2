/* SPDX-License-Identifier: MIT */
#include "tests/unit/test.h"

#include "base/text.h"

static struct text_case {
        const char *name;
        const char *text;
        bool is_utf8;
        size_t size; /* of the buffer it is copied into */
        const char *copied, *clean;
} cases[] = {
        { "ASCII", "abc", true, 8, "abc", "abc" },
        { "ASCII that is cut", "abcdef", true, 4, "abc", "abcdef" },
        { "nothing fits", "abc", true, 1, "", "abc" },
        { "a letter of two bytes that fits", "Zähler", true, 4, "Zä", "Zähler" },
        { "and one that does not", "Zähler", true, 3, "Z", "Zähler" },
        { "four bytes cut in the third", "a\xf0\x9f\x94\x8c", true, 4, "a", "a\xf0\x9f\x94\x8c" },
        { "Latin-1", "Z\xe4hler", false, 16, "Z\xe4hler", "Zhler" },
        { "a lone continuation", "a\x80z", false, 16, "a\x80z", "a?z" },
        { "an overlong slash", "\xc0\xaf", false, 16, "\xc0\xaf", "??" },
        { "a surrogate", "\xed\xa0\x80", false, 16, "\xed\xa0\x80", "???" },
        { "beyond Unicode", "\xf4\x90\x80\x80", false, 16, "\xf4\x90\x80\x80", "????" },
        { "a letter that was cut at the end", "Z\xc3", false, 16, "Z\xc3", "Z" },
        { "a letter that was cut before a quote", "Z\xe2\x82'", false, 16, "Z\xe2\x82'", "Z'" },
        { "an escape sequence", "a\x1b[2Jb", true, 16, "a\x1b[2Jb", "a?[2Jb" },
        { "C1: a CSI of one letter",
          "a\xc2\x9b"
          "2J",
          true, 16,
          "a\xc2\x9b"
          "2J",
          "a?2J" },
        { "DEL and newline", "a\x7f\nb", true, 16, "a\x7f\nb", "a??b" },
};

static void run_case(void **state)
{
        const struct text_case *c = *state;
        char buf[64];

        assert_int_equal(text_is_utf8(c->text), c->is_utf8);
        assert_string_equal(text_copy(buf, c->size, c->text), c->copied);
        (void)text_copy(buf, sizeof(buf), c->text);
        assert_string_equal(text_clean(buf), c->clean);
        assert_true(text_is_utf8(buf));
}

int main(void)
{
        return test_run_rows("text", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
