/* SPDX-License-Identifier: MIT */
/* Frames damaged in the last hour, from a counter that is looked at now and then. */
#include "daemon/mqtt/link-quality.h"
#include "tests/unit/test.h"

#define MINUTE UINT64_C(60000000)

static struct quality_case {
        const char *name;
        struct {
                uint64_t minute;
                int64_t total; /* -1: not counted */
                uint64_t want;
        } looks[6];
} cases[] = {
        { "what was damaged before the first look does not count",
          { { 0, 500, 0 }, { 1, 500, 0 } } },
        { "what is damaged adds up", { { 0, 0, 0 }, { 1, 3, 3 }, { 7, 4, 4 }, { 59, 6, 6 } } },
        { "an hour later it is forgotten",
          { { 0, 0, 0 }, { 1, 3, 3 }, { 30, 5, 5 }, { 62, 5, 2 } } },
        { "a day without a look forgets all", { { 0, 0, 0 }, { 1, 9, 9 }, { 1440, 9, 0 } } },
        { "another converter begins anew",
          { { 0, 0, 0 }, { 1, 9, 9 }, { 2, 4, 9 }, { 3, 6, 11 } } },
        { "while nobody counts nothing is added",
          { { 0, -1, 0 }, { 1, 700, 0 }, { 2, -1, 0 }, { 3, 702, 2 } } },
};

static void run_case(void **state)
{
        const struct quality_case *c = *state;
        struct link_quality quality = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(c->looks); i++) {
                uint64_t total = (uint64_t)c->looks[i].total;

                if (i > 0 && c->looks[i].minute == 0)
                        break;
                assert_int_equal(link_quality_look(&quality, c->looks[i].total < 0 ? NULL : &total,
                                                   c->looks[i].minute * MINUTE),
                                 c->looks[i].want);
        }
}

static void a_meter_is_assessed_by_the_converter_that_reads_it(void **state)
{
        const char *const first_ids[] = { "A", "B", NULL }, *const second_ids[] = { "C", NULL };
        struct converter_view first = { .meter_ids = first_ids, .n_statistics = 2 };
        struct converter_view second = { .meter_ids = second_ids, .n_statistics = 1 };
        struct link_converters converters = { 0 };
        struct link_quality quality = { 0 };

        (void)state;
        first.statistics[0].name = "frames";
        first.statistics[1].name = second.statistics[0].name = "damaged-frames";
        link_converters_add(&converters, &first);
        link_converters_add(&converters, &second);
        assert_int_equal(link_quality_of(&quality, &converters, "B", 0), 0);
        first.statistics[1].value = 4;
        second.statistics[0].value = 100;
        assert_int_equal(link_quality_of(&quality, &converters, "B", MINUTE), 4);
        link_converters_remove(&converters, &first);
        assert_int_equal(link_quality_of(&quality, &converters, "B", 2 * MINUTE), 4);
        link_converters_remove(&converters, &second);
        assert_int_equal(link_quality_of(&quality, &converters, "C", 2 * MINUTE), 4);
        link_converters_done(&converters);
}

int main(void)
{
        const struct CMUnitTest more[] = {
                cmocka_unit_test(a_meter_is_assessed_by_the_converter_that_reads_it),
        };

        return test_run_rows_and("link-quality", cases, ELEMENTSOF(cases), sizeof(cases[0]),
                                 run_case, more, ELEMENTSOF(more));
}
