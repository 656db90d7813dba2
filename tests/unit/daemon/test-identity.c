/* SPDX-License-Identifier: MIT */
/* What converters are called, and when two would be called the same. */
#include "tests/unit/test.h"

#include "daemon/converter/identity.h"

static struct identity_case {
        const char *name;
        struct hotplug_device device;
        bool shared;
        const char *want;
} identity_cases[] = {
        { "serial number of its own, with a colon in it",
          { .vendor_id = 0x067b, .product_id = 0x23a3, .serial = "BEA:n114J20", .interface = "00" },
          false,
          "067b:23a3:BEA:n114J20" },
        { "no serial number: its socket",
          { .vendor_id = 0x067b, .product_id = 0x2303, .path = "pci-0000:00:14.0-usb-0:2:1.0" },
          false,
          "067b:2303@pci-0000:00:14.0-usb-0:2:1.0" },
        { "the serial number of every copy is none",
          { .vendor_id = 0x10c4, .product_id = 0xea60, .serial = "0001", .path = "usb-0:1:1.0" },
          false,
          "10c4:ea60@usb-0:1:1.0" },
        { "two alike are plugged in",
          { .vendor_id = 0x0403, .product_id = 0x6001, .serial = "A403", .path = "usb-0:1:1.0" },
          true,
          "0403:6001@usb-0:1:1.0" },
        { "second port of a chip",
          { .vendor_id = 0x10c4, .product_id = 0xea70, .serial = "X7", .interface = "01" },
          false,
          "10c4:ea70:X7-if01" },
        { "second port of a chip by its socket: the path says it",
          { .vendor_id = 0x0403, .product_id = 0x6010, .path = "usb-0:1:1.1", .interface = "01" },
          false,
          "0403:6010@usb-0:1:1.1" },
        { "second port on one interface",
          { .vendor_id = 0x9710, .product_id = 0x7840, .path = "usb-0:1:1.0", .port = "1" },
          false,
          "9710:7840@usb-0:1:1.0-port1" },
        { "neither serial number nor socket",
          { .vendor_id = 0x067b, .product_id = 0x2303, .devnode = "/dev/ttyUSB3" },
          false,
          "067b:2303@-dev-ttyUSB3" },
        { "no slash and no blank",
          { .vendor_id = 1, .product_id = 2, .serial = "a/b c" },
          false,
          "0001:0002:a-b-c" },
};

static void run_identity(void **state)
{
        const struct identity_case *c = *state;
        char buf[IDENTITY_MAX];

        assert_string_equal(identity_of_device(&c->device, c->shared, buf), c->want);
}

static struct clash_case {
        const char *name;
        struct hotplug_device a, b;
        bool want;
} clash_cases[] = {
        { "same numbers",
          { .vendor_id = 1, .serial = "7" },
          { .vendor_id = 1, .serial = "7" },
          true },
        { "other serial",
          { .vendor_id = 1, .serial = "7" },
          { .vendor_id = 1, .serial = "8" },
          false },
        { "other maker",
          { .vendor_id = 1, .serial = "7" },
          { .vendor_id = 2, .serial = "7" },
          false },
        { "other product",
          { .product_id = 1, .serial = "7" },
          { .product_id = 2, .serial = "7" },
          false },
        { "no serial number to share", { .vendor_id = 1 }, { .vendor_id = 1 }, false },
        { "two ports of one chip",
          { .serial = "7", .interface = "00" },
          { .serial = "7", .interface = "01" },
          false },
};

static void run_clash(void **state)
{
        const struct clash_case *c = *state;

        assert_int_equal(identity_clashes(&c->a, &c->b), c->want);
        assert_int_equal(identity_clashes(&c->b, &c->a), c->want);
}

static void path_becomes_a_name(void **state)
{
        char buf[IDENTITY_MAX];

        assert_string_equal(identity_of_path("/dev/ttyAMA0", buf), "tty@dev-ttyAMA0");
}

int main(void)
{
        static struct CMUnitTest tests[TEST_ROWS_MAX] = { cmocka_unit_test(path_becomes_a_name) };
        size_t n = 1;

        n = test_add_rows(tests, n, identity_cases, ELEMENTSOF(identity_cases),
                          sizeof(identity_cases[0]), run_identity);
        n = test_add_rows(tests, n, clash_cases, ELEMENTSOF(clash_cases), sizeof(clash_cases[0]),
                          run_clash);
        return _cmocka_run_group_tests("identity", tests, n, NULL, NULL);
}
