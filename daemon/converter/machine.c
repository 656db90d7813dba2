/* SPDX-License-Identifier: MIT */
/* The table of a converter's states. */
#include "machine.h"

#include "base/util.h"

#define IN(state)     (1u << CONVERTER_##state)
#define ANY           ((1u << CONVERTER_N_STATES) - 1)
#define LISTENING     (IN(DETECTING) | IN(RECEIVING) | IN(SILENT))
#define UNDER_WAY     (IN(OPENING) | LISTENING)
#define TRYING        (IN(OPENING) | IN(WAITING)) /* waiting: the attempt was shown as late */
#define CLOSED        (ANY & ~UNDER_WAY)
#define WANTED_CLOSED (IN(IGNORED) | IN(GONE) | IN(INHIBITED))

/* The first rule that fits holds. */
static const struct machine_rule {
        enum machine_event event;
        unsigned int from;
        enum converter_state to;
        enum machine_action action;
} rules[] = {
        /* after a full sweep it stays closed until it is replugged or asked for */
        { MACHINE_MAY_OPEN, CLOSED & ~IN(NO_METER), CONVERTER_OPENING, MACHINE_OPEN },
        { MACHINE_UNPLUGGED, ANY, CONVERTER_GONE, MACHINE_CLOSE },
        { MACHINE_ABSENT, ANY, CONVERTER_WAITING, MACHINE_CLOSE },
        { MACHINE_FORBIDDEN, ANY, CONVERTER_IGNORED, MACHINE_CLOSE },
        { MACHINE_LENT, ANY, CONVERTER_INHIBITED, MACHINE_CLOSE },
        { MACHINE_FLAPPING, ANY, CONVERTER_WAITING, MACHINE_RETRY },

        { MACHINE_OPENED, TRYING | LISTENING, CONVERTER_DETECTING, MACHINE_LISTEN },
        { MACHINE_LATE, UNDER_WAY | IN(WAITING), CONVERTER_WAITING, MACHINE_NOTHING },
        { MACHINE_HELD, TRYING, CONVERTER_BUSY, MACHINE_RETRY },
        { MACHINE_IN_USE, TRYING, CONVERTER_IGNORED, MACHINE_CLOSE },
        { MACHINE_DENIED, TRYING, CONVERTER_DENIED, MACHINE_RETRY },
        { MACHINE_FAILED, TRYING, CONVERTER_WAITING, MACHINE_RETRY },
        { MACHINE_HUNG_UP, UNDER_WAY | IN(WAITING), CONVERTER_WAITING, MACHINE_RETRY },

        { MACHINE_FRAME, IN(DETECTING) | IN(SILENT), CONVERTER_DETECTING, MACHINE_NOTHING },
        { MACHINE_TELEGRAM, LISTENING, CONVERTER_RECEIVING, MACHINE_NOTHING },
        { MACHINE_REJECTED, IN(DETECTING), CONVERTER_DETECTING, MACHINE_NEXT_LINE },
        { MACHINE_LOST, IN(DETECTING) | IN(RECEIVING), CONVERTER_DETECTING, MACHINE_SWEEP },
        { MACHINE_SWEPT, IN(DETECTING), CONVERTER_NO_METER, MACHINE_CLOSE },
        { MACHINE_FOREIGN, IN(DETECTING), CONVERTER_IGNORED, MACHINE_CLOSE },

        { MACHINE_STALLED, LISTENING, CONVERTER_OPENING, MACHINE_REOPEN },
        { MACHINE_STUCK, ANY & ~WANTED_CLOSED, CONVERTER_WAITING, MACHINE_RESET },
        { MACHINE_QUIET, LISTENING, CONVERTER_SILENT, MACHINE_NOTHING },
        { MACHINE_UNANSWERED, LISTENING, CONVERTER_WAITING, MACHINE_RETRY },
        { MACHINE_SPEAKS, LISTENING, CONVERTER_DETECTING, MACHINE_RESUME },

        { MACHINE_ASKED, ANY & ~WANTED_CLOSED, CONVERTER_OPENING, MACHINE_REOPEN },
        { MACHINE_CHANGED, UNDER_WAY | IN(NO_METER), CONVERTER_OPENING, MACHINE_REOPEN },
};

bool machine_next(enum converter_state state, enum machine_event event, struct machine_step *ret)
{
        for (size_t i = 0; i < ELEMENTSOF(rules); i++)
                if (rules[i].event == event && rules[i].from & (1u << state)) {
                        *ret = (struct machine_step){ rules[i].to, rules[i].action };
                        return true;
                }
        return false;
}

bool machine_is_open(enum converter_state state)
{
        return UNDER_WAY & (1u << state);
}

bool machine_is_trouble(enum converter_state state)
{
        return (IN(DENIED) | IN(BUSY) | IN(SILENT) | IN(NO_METER)) & (1u << state);
}

const char *converter_state_name(enum converter_state state)
{
        static const char *const names[] = {
                [CONVERTER_IGNORED] = "ignored",     [CONVERTER_WAITING] = "waiting",
                [CONVERTER_OPENING] = "waiting",     [CONVERTER_DENIED] = "denied",
                [CONVERTER_BUSY] = "busy",           [CONVERTER_DETECTING] = "detecting",
                [CONVERTER_RECEIVING] = "receiving", [CONVERTER_SILENT] = "silent",
                [CONVERTER_NO_METER] = "no-meter",   [CONVERTER_INHIBITED] = "inhibited",
                [CONVERTER_GONE] = "gone",
        };

        return names[state];
}
