/* SPDX-License-Identifier: MIT */
/*
 * A converter whose meter must be asked: carries out what ask.c orders. The only place that sends
 * anything, and only where root's configuration says Ask=.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "converter-private.h"

/* One round that fails is no news; a meter that answered before is given two more. */
#define FAILURES_MAX 3

static bool wants_to_ask(const struct config_converter *config)
{
        return config && config->ask.kind != CONFIG_ASK_NO;
}

static bool same_ask(const struct config_ask *a, const struct config_ask *b)
{
        return a->kind == b->kind && a->n_commands == b->n_commands &&
               memcmp(a->commands, b->commands, sizeof(a->commands)) == 0 && a->baud == b->baud &&
               a->every_usec == b->every_usec && a->has_line == b->has_line &&
               (!a->has_line || serial_line_equal(&a->line, &b->line));
}

bool converter_ask_configure(struct converter *c, const struct config_converter *config)
{
        if (!wants_to_ask(config)) {
                bool was = c->ask;

                c->ask = ask_free(c->ask);
                return !was;
        }
        if (c->ask && same_ask(&c->asked, &config->ask))
                return true;
        c->ask = ask_free(c->ask);
        c->asked = config->ask;
        if (ask_new(&config->ask, &c->ask) < 0)
                c->ask = NULL; /* out of memory: it only listens, and says that nothing comes */
        return false;
}

static void report_failure(struct converter *c, const struct ask_order *order)
{
        c->totals.asked_in_vain++;
        log_about(LOG_DEBUG, LOG_CONVERTER(c), "asked: %s", order->why);
        if (c->state == CONVERTER_RECEIVING && order->failures < FAILURES_MAX)
                return;
        if (c->state == CONVERTER_DETECTING && order->failures < 2)
                return;
        converter_report(c, MACHINE_QUIET, "no-answer", "asked %u times: %s", order->failures,
                         order->why);
}

static void show_line(struct converter *c, const struct serial_line *line)
{
        (void)serial_line_print(line, c->view.line);
}

/* False when the port is closed by it. */
static bool carry_out(struct converter *c, const struct ask_order *order)
{
        int r;

        switch (order->kind) {
        case ASK_SEND:
                r = port_send(c->port, order->bytes);
                if (r < 0) {
                        converter_data_gone(-r, c);
                        return false;
                }
                c->totals.sent_bytes += order->bytes.len;
                break;
        case ASK_SET_LINE:
                show_line(c, &order->line);
                port_set_line(c->port, &order->line);
                if (!port_is_under_way(c->port))
                        ask_line_set(c->ask, converter_now(c));
                break;
        case ASK_TELEGRAM:
                converter_data_decode(c, order->bytes);
                break;
        case ASK_FAILED:
                report_failure(c, order);
                break;
        }
        return c->listening;
}

void converter_ask_run(struct converter *c)
{
        struct ask_order order;

        while (c->ask && c->listening && !port_is_under_way(c->port) &&
               ask_next(c->ask, converter_now(c), &order))
                if (!carry_out(c, &order))
                        return;
}

void converter_ask_opened(struct converter *c)
{
        show_line(c, ask_first_line(c->ask));
        ask_opened(c->ask, converter_now(c)); /* begins with the timer */
}

void converter_ask_line_set(struct converter *c)
{
        ask_line_set(c->ask, converter_now(c));
        converter_ask_run(c);
        converter_arm(c);
}

void converter_ask_bytes(struct converter *c, struct slice bytes)
{
        ask_bytes(c->ask, bytes, converter_now(c));
        converter_ask_run(c);
}
