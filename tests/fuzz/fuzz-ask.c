/* SPDX-License-Identifier: MIT */
/*
 * Any answers of a meter that is asked, in any pieces and at any time: what is sent is one of the
 * four things that SECURITY.md names, whatever comes in. The first byte says how it is
 * asked; then pieces: how long the line rests before, how long they are, and their bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "daemon/converter/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECOND UINT64_C(1000000)
/* More orders than one piece can give. */
#define ORDERS_MAX 16

static void check(bool holds)
{
        if (!holds)
                abort();
}

static bool is_text(struct slice bytes, const char *text)
{
        return slice_equal(bytes, slice_of_string(text));
}

/* SOH R2 STX command ETX and its block check (IEC 62056-21 §6.3.1). */
static bool is_read(const struct config_ask *settings, struct slice bytes)
{
        for (size_t i = 0; i < settings->n_commands; i++) {
                size_t n = strlen(settings->commands[i]);

                if (bytes.len == n + 8 && memcmp(bytes.data, "\001R2\002", 4) == 0 &&
                    memcmp(bytes.data + 4, settings->commands[i], n) == 0 &&
                    bytes.data[4 + n] == 3 && memcmp(bytes.data + 6 + n, "\r\n", 2) == 0)
                        return true;
        }
        return false;
}

static bool is_acknowledge(const struct config_ask *settings, struct slice bytes)
{
        return bytes.len == 6 && bytes.data[0] == 6 && bytes.data[1] == '0' &&
               bytes.data[2] >= '0' && bytes.data[2] <= '6' &&
               bytes.data[3] == (settings->kind == CONFIG_ASK_READOUT ? '0' : '1') &&
               memcmp(bytes.data + 4, "\r\n", 2) == 0;
}

static bool may_be_sent(const struct config_ask *settings, struct slice bytes)
{
        if (settings->kind == CONFIG_ASK_ACKNOWLEDGE)
                return is_text(bytes, "\xe5");
        return is_text(bytes, "/?!\r\n") || is_acknowledge(settings, bytes) ||
               (settings->kind == CONFIG_ASK_COMMANDS && is_read(settings, bytes));
}

static void take_orders(struct ask *ask, const struct config_ask *settings, uint64_t now)
{
        struct ask_order order;
        volatile uint8_t last;

        for (size_t n = 0; ask_next(ask, now, &order); n++) {
                check(n < ORDERS_MAX);
                if (order.kind == ASK_SEND)
                        check(may_be_sent(settings, order.bytes));
                if (order.kind == ASK_SET_LINE)
                        ask_line_set(ask, now);
                if (order.kind == ASK_TELEGRAM && order.bytes.len > 0)
                        last = order.bytes.data[order.bytes.len - 1];
                if (order.kind == ASK_FAILED)
                        check(order.why);
        }
        (void)last;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const enum config_ask_kind kinds[] = { CONFIG_ASK_READOUT, CONFIG_ASK_COMMANDS,
                                                      CONFIG_ASK_ACKNOWLEDGE };
        struct config_ask settings = { .commands = { "F001", "F009" },
                                       .n_commands = 2,
                                       .every_usec = 60 * SECOND };
        uint64_t now = 1000 * SECOND;
        struct ask *ask;

        if (size < 1)
                return 0;
        settings.kind = kinds[data[0] % ELEMENTSOF(kinds)];
        settings.baud = data[0] & 0x80 ? 9600 : 0;
        if (ask_new(&settings, &ask) < 0)
                abort();
        ask_opened(ask, now);
        take_orders(ask, &settings, now);
        for (size_t at = 1; at + 2 <= size;) {
                size_t n = MIN((size_t)data[at + 1], size - at - 2);

                now += SECOND / 50 * data[at];
                take_orders(ask, &settings, now);
                ask_bytes(ask, (struct slice){ data + at + 2, n }, now);
                take_orders(ask, &settings, now);
                at += 2 + n;
        }
        ask_free(ask);
        return 0;
}
