/* SPDX-License-Identifier: MIT */
/*
 * Every capture fed in all the ways a line can bring it: byte by byte, after garbage, twice, with
 * another meter and noise between, cut at every length, every byte damaged. The readings must
 * always be those of the undamaged telegram, or none.
 */
#include "captures.h"
#include "lib/decoder.h"
#include "lib/dlms/raw.h"
#include "lib/link/link.h"
#include "tests/unit/known-profiles.h"
#include "tests/unit/test.h"

#define TELEGRAMS_MAX 16
#define STREAM_MAX    (4 * 65536)

/* What a stream decodes to: one print per readable telegram. */
struct result {
        size_t n;
        char *telegrams[TELEGRAMS_MAX];
        bool proven[TELEGRAMS_MAX]; /* came in a framing with a check sum */
        const char *framing;        /* of the last */
};

static struct captures captures;
static uint8_t stream[STREAM_MAX];

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        return userdata;
}

static char *print(const struct telegram *t)
{
        char *text = NULL, time[DATETIME_TEXT_MAX], obis[OBIS_TEXT_MAX], value[DECIMAL_TEXT_MAX];
        size_t size;
        FILE *out = open_memstream(&text, &size);

        (void)datetime_print(&t->time, time);
        (void)fprintf(out, "%s %s %s\n", t->meter_id, time, t->profile ? t->profile->name : "-");
        for (size_t i = 0; i < t->n_readings; i++) {
                (void)decimal_print(t->readings[i].value, value);
                (void)fprintf(out, "%s %s %d\n", obis_print(t->readings[i].obis, obis), value,
                              (int)t->readings[i].unit);
        }
        (void)fclose(out);
        return text;
}

static void drain(struct decoder *d, struct result *result)
{
        struct decoder_event event;

        while (decoder_next(d, &event) > 0) {
                if (event.type != DECODER_TELEGRAM || event.telegram->status != TELEGRAM_OK ||
                    result->n == TELEGRAMS_MAX)
                        continue;
                result->framing = event.framing;
                result->proven[result->n] = link_find(event.framing)->proves_itself;
                result->telegrams[result->n++] = print(event.telegram);
        }
}

static struct result decode(const struct capture *c, struct slice bytes, size_t step)
{
        struct decoder_options options = {
                .profiles = known_profiles(),
                .keyring = { .find = find_keys, .userdata = (void *)(uintptr_t)&c->keys },
                .input = raw_is_all(bytes) ? SCANNER_UNFRAMED : SCANNER_FILE
        };
        struct decoder *d = NULL;
        struct result result = { 0 };

        assert_int_equal(decoder_new(&options, &d), 0);
        for (size_t at = 0; at < bytes.len; at += step) {
                decoder_feed(d, slice_first(slice_from(bytes, at), step));
                drain(d, &result);
        }
        decoder_finish(d);
        drain(d, &result);
        decoder_free(d);
        return result;
}

static void result_free(struct result *result)
{
        for (size_t i = 0; i < ELEMENTSOF(result->telegrams); i++)
                free(result->telegrams[i]);
        *result = (struct result){ 0 };
}

static bool contains(const struct result *result, const char *telegram)
{
        for (size_t i = 0; i < result->n; i++)
                if (strcmp(result->telegrams[i], telegram) == 0)
                        return true;
        return false;
}

static void assert_same(const struct result *got, const struct result *want, size_t from)
{
        for (size_t i = 0; i < want->n; i++)
                assert_string_equal(got->telegrams[from + i], want->telegrams[i]);
}

/* What comes twice is refused as replayed where there is an authentication key. */
static struct capture without_auth_key(const struct capture *c)
{
        struct capture copy = *c;

        copy.keys.has_auth_key = false;
        return copy;
}

static size_t put(size_t at, struct slice bytes)
{
        memcpy(stream + at, bytes.data, bytes.len);
        return at + bytes.len;
}

/* Noise without a pattern, the same in each run. */
static size_t put_noise(size_t at, size_t n, uint32_t seed)
{
        for (size_t i = 0; i < n; i++) {
                seed = seed * 1664525 + 1013904223;
                stream[at++] = (uint8_t)(seed >> 24);
        }
        return at;
}

static void test_byte_by_byte_gives_the_same(void **state)
{
        for (size_t i = 0; i < captures.n; i++) {
                const struct capture *c = &captures.list[i];
                struct result whole = decode(c, c->bytes, c->bytes.len);
                struct result bytes = decode(c, c->bytes, 1);
                struct result sevens = decode(c, c->bytes, 7);

                if (c->expect_decode != (whole.n > 0))
                        fail_msg("%s gives %zu telegrams", c->name, whole.n);
                assert_int_equal(bytes.n, whole.n);
                assert_same(&bytes, &whole, 0);
                assert_int_equal(sevens.n, whole.n);
                result_free(&whole);
                result_free(&bytes);
                result_free(&sevens);
        }
}

static void test_garbage_before_does_not_hide_it(void **state)
{
        for (size_t i = 0; i < captures.n; i++) {
                const struct capture *c = &captures.list[i];
                struct result whole = decode(c, c->bytes, c->bytes.len);

                for (uint32_t seed = 1; seed <= 20; seed++) {
                        size_t n = put(put_noise(0, 30 * seed, seed), c->bytes);
                        struct result got = decode(c, (struct slice){ stream, n }, 64);

                        /* Without a check sum, noise that runs into the first byte may hide it. */
                        if (got.n != whole.n && whole.proven[0])
                                fail_msg("%s after noise %u: %zu telegrams", c->name, seed, got.n);
                        for (size_t j = 0; j < got.n; j++)
                                assert_true(contains(&whole, got.telegrams[j]));
                        result_free(&got);
                }
                result_free(&whole);
        }
}

static void test_twice_in_a_row_gives_it_twice(void **state)
{
        for (size_t i = 0; i < captures.n; i++) {
                const struct capture copy = without_auth_key(&captures.list[i]), *c = &copy;
                struct result whole = decode(c, c->bytes, c->bytes.len);
                size_t n = put(put(0, c->bytes), c->bytes);
                struct result got = decode(c, (struct slice){ stream, n }, n);

                if (got.n != 2 * whole.n)
                        fail_msg("%s twice: %zu telegrams, not %zu", c->name, got.n, 2 * whole.n);
                assert_same(&got, &whole, 0);
                assert_same(&got, &whole, whole.n);
                result_free(&whole);
                result_free(&got);
        }
}

static void test_two_meters_with_noise_between(void **state)
{
        for (size_t i = 0; i + 1 < captures.n; i++) {
                const struct capture *a = &captures.list[i], *b = &captures.list[i + 1];
                struct result first = decode(a, a->bytes, a->bytes.len);
                struct result second = decode(b, b->bytes, b->bytes.len);
                size_t n = put(0, a->bytes);
                struct result got;

                /* One line has one key: pairs that need two are not possible here. */
                /* What has no framing is not looked for behind noise. */
                if (a->expect_decode && b->expect_decode && !a->keys.has_key && !b->keys.has_key &&
                    !raw_is_all(a->bytes) && !raw_is_all(b->bytes)) {
                        n = put(put_noise(n, 40, (uint32_t)i + 1), b->bytes);
                        got = decode(a, (struct slice){ stream, n }, n);
                        /* One line speaks one framing: then the other may be noise. */
                        if (strcmp(first.framing, second.framing) != 0 && got.n == first.n)
                                second.n = 0;
                        if (got.n != first.n + second.n)
                                fail_msg("%s and %s: %zu telegrams, not %zu", a->name, b->name,
                                         got.n, first.n + second.n);
                        assert_same(&got, &first, 0);
                        assert_same(&got, &second, first.n);
                        result_free(&got);
                }
                result_free(&first);
                result_free(&second);
        }
}

static void test_cut_anywhere_yields_nothing_false(void **state)
{
        for (size_t i = 0; i < captures.n; i++) {
                const struct capture *c = &captures.list[i];
                struct result whole = decode(c, c->bytes, c->bytes.len);

                for (size_t n = 0; n < c->bytes.len; n++) {
                        struct result got = decode(c, slice_first(c->bytes, n), n ? n : 1);

                        for (size_t j = 0; j < got.n; j++)
                                if (got.proven[j] && c->has_check_sum &&
                                    !contains(&whole, got.telegrams[j]))
                                        fail_msg("%s cut at %zu gives\n%s", c->name, n,
                                                 got.telegrams[j]);
                        result_free(&got);
                }
                result_free(&whole);
        }
}

/* A check sum of 16 bits cannot miss a change within one byte; framings without one can. */
static void test_any_byte_damaged_yields_nothing_false(void **state)
{
        static const uint8_t damages[] = { 0x01, 0x80, 0xff };

        for (size_t i = 0; i < captures.n; i++) {
                const struct capture copy = without_auth_key(&captures.list[i]), *c = &copy;
                struct result whole = decode(c, c->bytes, c->bytes.len);
                bool proven = whole.n > 0 && whole.proven[0] && c->has_check_sum;

                for (size_t at = 0; proven && at < c->bytes.len * ELEMENTSOF(damages); at++) {
                        size_t n = put(put(0, c->bytes), c->bytes);
                        struct result got;

                        stream[at / ELEMENTSOF(damages)] ^= damages[at % ELEMENTSOF(damages)];
                        got = decode(c, (struct slice){ stream, n }, n);
                        for (size_t j = 0; j < got.n; j++)
                                if (!contains(&whole, got.telegrams[j]))
                                        fail_msg("%s with byte %zu ^ %02x gives\n%s", c->name,
                                                 at / 3, damages[at % 3], got.telegrams[j]);
                        if (got.n < whole.n)
                                fail_msg("%s with byte %zu ^ %02x: the next one is lost", c->name,
                                         at / 3, damages[at % 3]);
                        result_free(&got);
                }
                result_free(&whole);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_byte_by_byte_gives_the_same),
                cmocka_unit_test(test_garbage_before_does_not_hide_it),
                cmocka_unit_test(test_twice_in_a_row_gives_it_twice),
                cmocka_unit_test(test_two_meters_with_noise_between),
                cmocka_unit_test(test_cut_anywhere_yields_nothing_false),
                cmocka_unit_test(test_any_byte_damaged_yields_nothing_false),
        };
        int failed;

        captures = captures_load();
        if (captures.n == 0) {
                (void)printf("1..0 # SKIP skipped: no captures beside the project\n");
                return 0;
        }
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        captures_free(&captures);
        return failed;
}
