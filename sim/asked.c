/* SPDX-License-Identifier: MIT */
#include "asked.h"

#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define SOH 0x01
#define STX 0x02
#define ETX 0x03
#define ACK 0x06
#define E5  0xe5

/* IEC 62056-21 §6.3.14: between 200 and 1500 ms. */
#define REACTION_USEC      200000
#define SLOW_REACTION_USEC 1400000

static const struct {
        char letter; /* of mode C, §6.3.2 */
        unsigned int baud;
} speeds[] = {
        { '0', 300 },  { '1', 600 },  { '2', 1200 },  { '3', 2400 },
        { '4', 4800 }, { '5', 9600 }, { '6', 19200 },
};

static unsigned int baud_of(char letter)
{
        for (size_t i = 0; i < ELEMENTSOF(speeds); i++)
                if (speeds[i].letter == letter)
                        return speeds[i].baud;
        return 0;
}

/* True as often as was ordered. */
static bool happens(uint32_t *times)
{
        if (*times == 0)
                return false;
        if (*times != SIM_ALWAYS)
                --*times;
        return true;
}

uint8_t sim_asked_block_check(const uint8_t *bytes, size_t n)
{
        uint8_t check = 0;

        for (size_t i = 0; i < n; i++)
                check ^= bytes[i];
        return check;
}

void sim_asked_rest(struct sim_asked *asked)
{
        asked->baud = asked->agreed_baud = asked->meter->profile->line.baud;
        asked->programming = asked->was_reset = asked->waits = false;
        asked->n_in = 0;
        asked->repeated = 0;
}

void sim_asked_init(struct sim_asked *asked, struct sim_meter *meter,
                    const struct sim_trouble *trouble)
{
        *asked = (struct sim_asked){ .meter = meter, .trouble = *trouble };
        sim_asked_rest(asked);
}

/* --- requests ------------------------------------------------------------------------------- */

/* "/?!" to whoever hears it, "/?40000017!" to one meter. */
static bool is_sign_on(const struct sim_asked *asked, const struct sim_request *request)
{
        const char *id = asked->meter->id;
        size_t n = strlen(id);

        if (request->n < 5 || memcmp(request->bytes, "/?", 2) != 0 ||
            request->bytes[request->n - 3] != '!')
                return false;
        return request->n == 5 || (request->n == n + 5 && memcmp(request->bytes + 2, id, n) == 0);
}

/* SOH R2 STX name ETX BCC CR LF */
static unsigned int find_command(const struct sim_asked *asked, const struct sim_request *request)
{
        static const uint8_t head[] = { SOH, 'R', '2', STX };
        const struct sim_profile *profile = asked->meter->profile;

        if (request->n < sizeof(head) + 4 || memcmp(request->bytes, head, sizeof(head)) != 0 ||
            sim_asked_block_check(request->bytes + 1, request->n - 3) != 0)
                return 0;
        for (unsigned int i = 0; i < SIM_COMMANDS_MAX && profile->commands[i]; i++) {
                size_t n = strlen(profile->commands[i]);

                if (request->n == sizeof(head) + n + 4 &&
                    memcmp(request->bytes + sizeof(head), profile->commands[i], n) == 0)
                        return i + 1;
        }
        return 0;
}

static void understand(struct sim_asked *asked, struct sim_request *request)
{
        const uint8_t *bytes = request->bytes;

        if (is_sign_on(asked, request)) {
                request->kind = SIM_REQUEST_SIGN_ON;
        } else if (request->n == 6 && bytes[0] == ACK && bytes[1] == '0' &&
                   baud_of((char)bytes[2]) > 0) {
                if (bytes[3] == '0')
                        request->kind = SIM_REQUEST_READOUT;
                else if (bytes[3] == '1' && asked->meter->profile->way == SIM_COMMANDS)
                        request->kind = SIM_REQUEST_PROGRAM;
        } else if (asked->programming) {
                request->command = find_command(asked, request);
                if (request->command > 0)
                        request->kind = SIM_REQUEST_READ;
        }
}

/* Behind its acknowledge the other side changes to the speed in it; a late read of the tty finds
 * the new speed. */
static bool has_changed_since(const struct sim_request *request, unsigned int baud)
{
        return request->n == 6 && request->bytes[0] == ACK &&
               baud_of((char)request->bytes[2]) == baud;
}

/* A request ends with CR LF; a full buffer without is noise. */
static bool is_complete(const struct sim_asked *asked)
{
        size_t n = asked->n_in;

        if (asked->meter->profile->way == SIM_ACKNOWLEDGED)
                return true;
        return n == sizeof(asked->in) ||
               (n >= 2 && asked->in[n - 2] == '\r' && asked->in[n - 1] == '\n');
}

bool sim_asked_hear(struct sim_asked *asked, uint8_t byte, unsigned int baud,
                    struct sim_request *ret)
{
        asked->heard_bytes++;
        asked->in[asked->n_in++] = byte;
        if (!is_complete(asked))
                return false;
        *ret = (struct sim_request){ .n = asked->n_in };
        memcpy(ret->bytes, asked->in, asked->n_in);
        asked->n_in = 0;
        if (baud > 0 && baud != asked->baud && !has_changed_since(ret, baud))
                return true;
        if (asked->meter->profile->way == SIM_ACKNOWLEDGED)
                ret->kind = byte == E5 ? SIM_REQUEST_ACKNOWLEDGE : SIM_REQUEST_NOISE;
        else
                understand(asked, ret);
        return true;
}

/* --- answers -------------------------------------------------------------------------------- */

static void sign_on(struct sim_asked *asked)
{
        const char *ident = asked->meter->profile->ident;

        asked->programming = false;
        asked->baud = asked->agreed_baud = asked->meter->profile->line.baud;
        if (happens(&asked->trouble.no_answer))
                return;
        if (happens(&asked->trouble.no_speed)) /* the fourth letter is the speed */
                sim_out_printf(&asked->out, "%.4sE%s\r\n", ident, ident + 5);
        else
                sim_out_printf(&asked->out, "%s\r\n", ident);
}

/* Both change their speed after this; a meter that stays does so whatever the other side does. */
static void agree(struct sim_asked *asked, const struct sim_request *request)
{
        asked->agreed_baud = baud_of((char)request->bytes[2]);
        if (!happens(&asked->trouble.stays))
                asked->baud = asked->agreed_baud;
}

static void say_password(struct sim_asked *asked)
{
        struct sim_out *out = &asked->out;

        sim_out_u8(out, SOH);
        sim_out_printf(out, "P0%c(%s)%c", STX, asked->meter->id, ETX);
        sim_out_u8(out, sim_asked_block_check(out->data + 1, out->len - 1));
        asked->programming = true;
}

/* The frames of the telegram from `first` on; damaged where that was ordered. */
static void say_telegram(struct sim_asked *asked, const struct sim_telegram *t, size_t first)
{
        size_t from = sim_wire_start_get(&t->wire, first), n = t->wire.out.len - from;
        const uint8_t *bytes = t->wire.out.data + from;
        struct sim_out *out = &asked->out;

        if (happens(&asked->trouble.no_check)) { /* STX at the beginning, ETX and BCC at the end */
                sim_out_bytes(out, bytes + 1, n - 3);
                return;
        }
        sim_out_bytes(out, bytes, n);
        if (happens(&asked->trouble.wrong_check))
                out->data[out->len / 2] ^= 0x01;
}

static int say_data(struct sim_asked *asked, unsigned int command, struct sim_clock clock,
                    struct sim_telegram *t)
{
        int r;

        asked->meter->command = command;
        r = sim_meter_telegram(asked->meter, clock, t);
        if (r == 0)
                say_telegram(asked, t, 1); /* without the identification */
        return r;
}

static int say(struct sim_asked *asked, const struct sim_request *request, struct sim_clock clock,
               struct sim_telegram *t)
{
        switch (request->kind) {
        case SIM_REQUEST_SIGN_ON:
                sign_on(asked);
                return 0;
        case SIM_REQUEST_READOUT:
                agree(asked, request);
                return say_data(asked, 0, clock, t);
        case SIM_REQUEST_PROGRAM:
                agree(asked, request);
                say_password(asked);
                return 0;
        case SIM_REQUEST_READ:
                if (happens(&asked->trouble.ends)) {
                        sim_asked_rest(asked);
                        return 0;
                }
                return say_data(asked, request->command, clock, t);
        case SIM_REQUEST_ACKNOWLEDGE:
                asked->was_reset = true;
                asked->waits = false;
                asked->repeated = 0;
                return 0;
        case SIM_REQUEST_NOISE:
                return 0;
        }
        abort(); /* all are named */
}

static void hand_out(struct sim_asked *asked, bool is_telegram, struct sim_answer *ret)
{
        *ret = (struct sim_answer){
                .bytes = asked->out.data,
                .n = asked->out.len,
                .baud = asked->baud,
                .agreed_baud = asked->agreed_baud,
                .after_usec = asked->out.len > 0 && happens(&asked->trouble.slow)
                                      ? SLOW_REACTION_USEC
                                      : REACTION_USEC,
                .is_telegram = is_telegram && asked->out.len > 0,
        };
}

int sim_asked_answer(struct sim_asked *asked, const struct sim_request *request,
                     struct sim_clock clock, struct sim_telegram *t, struct sim_answer *ret)
{
        int r;

        asked->out.len = 0;
        r = say(asked, request, clock, t);
        if (r < 0)
                return r;
        hand_out(asked, request->kind == SIM_REQUEST_READOUT || request->kind == SIM_REQUEST_READ,
                 ret);
        if (request->kind == SIM_REQUEST_READOUT) /* the session ends with it */
                asked->baud = asked->agreed_baud = asked->meter->profile->line.baud;
        return 0;
}

int sim_asked_due(struct sim_asked *asked, struct sim_clock clock, struct sim_telegram *t,
                  struct sim_answer *ret)
{
        static const uint8_t snd_nke[] = { 0x10, 0x40, 0xf0, 0x30, 0x16 };
        bool is_new = !asked->waits;
        int r;

        asked->out.len = 0;
        if (asked->waits && asked->repeated >= SIM_REPEATS) {
                if (++asked->repeated > 2 * SIM_REPEATS)
                        sim_asked_rest(asked);
        } else {
                asked->repeated += !is_new;
                asked->waits = true;
                r = is_new && asked->was_reset ? sim_meter_telegram(asked->meter, clock, t) : 0;
                if (r < 0)
                        return r;
                if (asked->was_reset)
                        say_telegram(asked, t, 0);
                else
                        sim_out_bytes(&asked->out, snd_nke, sizeof(snd_nke));
        }
        hand_out(asked, is_new && asked->was_reset, ret);
        return 0;
}
