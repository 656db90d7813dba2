/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lib/dlms/cipher.h"
#include "tests/unit/test.h"

static struct key_case {
        const char *name;
        const char *text;
        int want_r;
} keys[] = {
        { "plain", "000102030405060708090A0B0C0D0E0F", 0 },
        { "lower case", "000102030405060708090a0b0c0d0e0f", 0 },
        { "spaces", "00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F", 0 },
        { "colons", "00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f", 0 },
        { "0x in front", "0x000102030405060708090A0B0C0D0E0F", 0 },
        { "0x and commas everywhere",
          "0x00, 0x01, 0x02, 0x03, 0x04,0x05,0x06,0x07,0x08,0x09,0x0A,"
          "0x0B,0x0C,0x0D,0x0E,0x0F",
          0 },
        { "quotes and a line end", "\"000102030405060708090A0B0C0D0E0F\"\n", 0 },
        { "a digit missing", "000102030405060708090A0B0C0D0E0", -EINVAL },
        { "too long", "000102030405060708090A0B0C0D0E0F10", -EINVAL },
        { "a letter too much", "000102030405060708090A0B0C0D0E0G", -EINVAL },
        { "empty", "", -EINVAL },
};

static void run_key(void **state)
{
        const struct key_case *c = *state;
        uint8_t got[CIPHER_KEY_BYTES] = { 0 };
        const char *fault = NULL;

        assert_int_equal(cipher_key_parse(c->text, got, &fault), c->want_r);
        for (uint8_t i = 0; i < sizeof(got); i++)
                assert_int_equal(got[i], c->want_r < 0 ? 0 : i);
        assert_int_equal(fault != NULL, c->want_r < 0);
}

#define TITLE 0xdb, 8, 'L', 'G', 'Z', 1, 2, 3, 4, 5

static struct header_case {
        const char *name;
        struct slice in;
        int want_r;
        size_t want_title, want_text, want_tag, want_bytes;
} headers[] = {
        { "encrypted", BYTES(TITLE, 7, 0x20, 0, 0, 0, 9, 0xaa, 0xbb), 0, 8, 2, 0, 18 },
        { "with a tag",
          BYTES(TITLE, 18, 0x30, 0, 0, 0, 9, 0xaa, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 0, 8, 1,
          12, 29 },
        { "bytes after it", BYTES(TITLE, 6, 0x20, 0, 0, 0, 9, 0xaa, 0x55), 0, 8, 1, 0, 17 },
        { "no tag byte, no title (Stoen)", BYTES(0, 6, 0x20, 0, 0, 0, 9, 0xaa), 0, 0, 1, 0, 8 },
        { "service variant", BYTES(0xca, 6, 0x20, 0, 0, 0, 9, 0xaa), 0, 0, 1, 0, 8 },
        { "general-ciphering without key-info",
          BYTES(0xdd, 0, 8, 'K', 'A', 'M', 1, 2, 3, 4, 5, 0, 0, 0, 0, 6, 0x20, 0, 0, 0, 9, 0xaa), 0,
          8, 1, 0, 22 },
        { "general-ciphering with an identified key",
          BYTES(0xdd, 0, 8, 'K', 'A', 'M', 1, 2, 3, 4, 5, 0, 0, 0, 1, 0, 0, 6, 0x20, 0, 0, 0, 9,
                0xaa),
          0, 8, 1, 0, 24 },
        { "a wrapped key",
          BYTES(0xdd, 0, 8, 'K', 'A', 'M', 1, 2, 3, 4, 5, 0, 0, 0, 1, 1, 0, 6, 0x20, 0, 0, 0, 9,
                0xaa),
          -EBADMSG, 0, 0, 0, 0 },
        { "title of seven bytes", BYTES(0xdb, 7, 1, 2, 3, 4, 5, 6, 7, 6, 0x20, 0, 0, 0, 9, 0xaa),
          -EBADMSG, 0, 0, 0, 0 },
        { "too short for its tag", BYTES(TITLE, 6, 0x30, 0, 0, 0, 9, 0xaa), -EBADMSG, 0, 0, 0, 0 },
        { "no room for the counter", BYTES(TITLE, 2, 0x20, 0), -EBADMSG, 0, 0, 0, 0 },
        { "cut", BYTES(TITLE, 20, 0x20, 0, 0), -EAGAIN, 0, 0, 0, 0 },
};

static void run_header(void **state)
{
        const struct header_case *c = *state;
        struct cipher_header got = { 0 };
        const char *fault = NULL;

        assert_int_equal(cipher_parse(c->in, &got, &fault), c->want_r);
        assert_int_equal(fault != NULL, c->want_r < 0);
        assert_int_equal(got.title.len, c->want_title);
        assert_int_equal(got.ciphertext.len, c->want_text);
        assert_int_equal(got.tag_bytes.len, c->want_tag);
        assert_int_equal(got.apdu_bytes, c->want_bytes);
}

/*
 * Green Book 8 §9.2.7.2.4.5: glo-get-request under the example keys, authenticated and encrypted,
 * here in a general-glo-ciphering header. Plaintext C0 01 00 00 08 00 00 01 00 00 FF 02 00.
 */
static const uint8_t example[] = { 0xdb, 8,    0x4d, 0x4d, 0x4d, 0,    0,    0xbc, 0x61, 0x4e, 0x1e,
                                   0x30, 0x01, 0x23, 0x45, 0x67, 0x41, 0x13, 0x12, 0xff, 0x93, 0x5a,
                                   0x47, 0x56, 0x68, 0x27, 0xc4, 0x67, 0xbc, 0x7d, 0x82, 0x5c, 0x3b,
                                   0xe4, 0xa7, 0x7c, 0x3f, 0xcc, 0x05, 0x6b, 0x6b };
static const uint8_t plain[] = { 0xc0, 1, 0, 0, 8, 0, 0, 1, 0, 0, 0xff, 2, 0 };

static struct cipher_keys example_keys(void)
{
        struct cipher_keys k = { .has_key = true, .has_auth_key = true };

        for (uint8_t i = 0; i < CIPHER_KEY_BYTES; i++) {
                k.key[i] = i;
                k.auth_key[i] = (uint8_t)(0xd0 + i);
        }
        return k;
}

static enum cipher_tag_result open_example(const struct cipher_keys *k, int want_r, bool want_plain)
{
        struct aead *aead = NULL;
        struct cipher_header header = { 0 };
        enum cipher_tag_result tag = CIPHER_TAG_ABSENT;
        const char *fault = NULL;
        uint8_t out[32] = { 0 };

        assert_int_equal(aead_new(&aead), 0);
        assert_int_equal(cipher_parse((struct slice){ example, sizeof(example) }, &header, &fault),
                         0);
        assert_int_equal(cipher_open(aead, &header, k, out, &tag), want_r);
        assert_int_equal(memcmp(out, plain, sizeof(plain)) == 0, want_plain);
        aead_free(aead);
        return tag;
}

static void test_example_of_the_green_book(void **state)
{
        struct cipher_keys k = example_keys();

        assert_int_equal(open_example(&k, 0, true), CIPHER_TAG_OK);
}

static void test_wrong_keys_are_told_apart(void **state)
{
        struct cipher_keys k = example_keys();

        k.auth_key[3] ^= 1;
        assert_int_equal(open_example(&k, 0, true), CIPHER_TAG_WRONG);
        k.has_auth_key = false;
        assert_int_equal(open_example(&k, 0, true), CIPHER_TAG_NOT_CHECKED);
        k.key[3] ^= 1;
        assert_int_equal(open_example(&k, 0, false), CIPHER_TAG_NOT_CHECKED);
        k.has_key = false;
        (void)open_example(&k, -ENOKEY, false);
}

static void test_keys_are_wiped(void **state)
{
        struct cipher_keys k = example_keys(), zero = { 0 };

        cipher_keys_wipe(&k);
        assert_memory_equal(&k, &zero, sizeof(k));
}

int main(void)
{
        static struct CMUnitTest tests[64];
        size_t n = test_add_rows(tests, 0, keys, ELEMENTSOF(keys), sizeof(keys[0]), run_key);

        n = test_add_rows(tests, n, headers, ELEMENTSOF(headers), sizeof(headers[0]), run_header);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_example_of_the_green_book);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_wrong_keys_are_told_apart);
        tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_keys_are_wiped);
        return _cmocka_run_group_tests("cipher", tests, n, NULL, NULL);
}
