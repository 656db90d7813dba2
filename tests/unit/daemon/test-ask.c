/* SPDX-License-Identifier: MIT */
/* Conversations with meters that must be asked: what comes in, what is ordered, and when. */
#include "tests/unit/test.h"

#include "daemon/converter/ask.h"

#define MS    UINT64_C(1000)
#define START (1000000 * MS)

/* A step: bytes come in at a time, or nothing does and time passes; then what is ordered. */
struct step {
        uint64_t at_ms;
        const char *in;    /* "SET": the line was set */
        const char *wants; /* orders, one after the other: bytes, "=9600", "telegram", "!why" */
};

#define BLOCK                       \
        "\x02"                      \
        "1.8.0(1*kWh)\r\n!\r\n\x03" \
        "U"

static struct ask_case {
        const char *name;
        struct config_ask settings;
        struct step steps[12];
} cases[] = {
        { "a readout goes through all its steps",
          { .kind = CONFIG_ASK_READOUT, .every_usec = 60000 * MS },
          { { 0, "", "/?!\r\n" },
            { 500, "/ABC5xyz\r\n", "" },
            { 799, "", "" },
            { 800, "",
              "\x06"
              "050\r\n" },
            { 1059, "", "" },
            { 1060, "", "=9600" },
            { 1070, "SET", "" },
            { 1300, BLOCK, "telegram" },
            { 59999, "", "" },
            { 60000, "", "=300" },
            { 60010, "SET", "/?!\r\n" } } },
        { "an echo is no answer",
          { .kind = CONFIG_ASK_READOUT, .every_usec = 60000 * MS },
          { { 0, "", "/?!\r\n" },
            { 100, "/?!\r\n", "" },
            { 500, "/ABC0xyz\r\n", "" },
            { 800, "",
              "\x06"
              "000\r\n" },
            { 900,
              "\x06"
              "000\r\n" BLOCK,
              "" },
            { 1060, "", "telegram" } } },
        { "a wrong block check is no telegram",
          { .kind = CONFIG_ASK_READOUT, .every_usec = 60000 * MS },
          { { 0, "", "/?!\r\n" },
            { 500, "/ABC0xyz\r\n", "" },
            { 800, "",
              "\x06"
              "000\r\n" },
            { 1060, "", "" },
            { 1200,
              "\x02"
              "1.8.0(2*kWh)\r\n!\r\n\x03"
              "U",
              "!its data block is damaged" },
            { 6199, "", "" },
            { 6200, "", "/?!\r\n" } } },
        { "no answer is waited for with growing pauses",
          { .kind = CONFIG_ASK_READOUT, .every_usec = 60000 * MS },
          { { 0, "", "/?!\r\n" },
            { 2700, "", "!it does not answer" },
            { 7699, "", "" },
            { 7700, "", "/?!\r\n" },
            { 10400, "", "!it does not answer" },
            { 20399, "", "" },
            { 20400, "", "/?!\r\n" } } },
        { "a meter that speaks at 300 only is asked for 300",
          { .kind = CONFIG_ASK_READOUT, .every_usec = 60000 * MS },
          { { 0, "", "/?!\r\n" },
            { 500, "/ABC5xyz\r\n", "" },
            { 800, "",
              "\x06"
              "050\r\n" },
            { 1060, "", "=9600" },
            { 1070, "SET", "" },
            { 3570, "", "!nothing came at the speed" },
            { 8570, "", "=300" },
            { 8580, "SET", "/?!\r\n" },
            { 9000, "/ABC5xyz\r\n", "" },
            { 9300, "",
              "\x06"
              "000\r\n" } } },
        { "mode B is not acknowledged",
          { .kind = CONFIG_ASK_READOUT, .every_usec = 60000 * MS },
          { { 0, "", "/?!\r\n" }, { 500, "/ABCAxyz\r\n", "!it offers no speed" } } },
        { "a command is read in programming mode",
          { .kind = CONFIG_ASK_COMMANDS,
            .commands = { "F001" },
            .n_commands = 1,
            .every_usec = 5000 * MS },
          { { 0, "", "/?!\r\n" },
            { 500, "/SIE6xyz\r\n", "" },
            { 800, "",
              "\x06"
              "061\r\n" },
            { 1060, "", "=19200" },
            { 1070, "SET", "" },
            { 1570, "",
              "\x01R2\x02"
              "F001\x03\x16\r\n" },
            { 1700, BLOCK, "telegram" },
            { 5000, "",
              "\x01R2\x02"
              "F001\x03\x16\r\n" },
            { 10000, "", "!it does not answer any more" } } },
        { "whole frames for us are acknowledged",
          { .kind = CONFIG_ASK_ACKNOWLEDGE },
          { { 0, "\x10\x40\xf0\x30\x16", "telegram\xe5" },
            { 100, "\x10\x40\xf0\x31\x16", "telegram" },
            { 200, "\x10\x40\x01\x41\x16", "telegram" },
            { 300, "\x68\x03\x03\x68\x53\xf0\x5b", "telegram" },
            { 400, "\x9e\x16", "telegram\xe5" } } },
};

static void note(const struct ask_order *order, char *said, size_t size)
{
        size_t n = strlen(said);

        switch (order->kind) {
        case ASK_SEND:
                (void)snprintf(said + n, size - n, "%.*s", (int)order->bytes.len,
                               (const char *)order->bytes.data);
                break;
        case ASK_SET_LINE:
                (void)snprintf(said + n, size - n, "=%u", order->line.baud);
                break;
        case ASK_TELEGRAM:
                (void)snprintf(said + n, size - n, "telegram");
                break;
        case ASK_FAILED:
                (void)snprintf(said + n, size - n, "!%s", order->why);
                break;
        }
}

static void run_case(void **state)
{
        const struct ask_case *c = *state;
        struct ask *ask;

        assert_int_equal(ask_new(&c->settings, &ask), 0);
        ask_opened(ask, START);
        for (size_t i = 0; i < ELEMENTSOF(c->steps) && c->steps[i].in; i++) {
                const struct step *step = &c->steps[i];
                uint64_t now = START + step->at_ms * MS;
                char said[256] = "";
                struct ask_order order;

                if (strcmp(step->in, "SET") == 0)
                        ask_line_set(ask, now);
                else if (*step->in)
                        ask_bytes(ask, slice_of_string(step->in), now);
                while (ask_next(ask, now, &order))
                        note(&order, said, sizeof(said));
                if (*step->wants == '!')
                        said[strlen(step->wants)] = '\0';
                assert_string_equal(said, step->wants);
        }
        ask_free(ask);
}

int main(void)
{
        return test_run_rows("ask", cases, ELEMENTSOF(cases), sizeof(cases[0]), run_case);
}
