/* SPDX-License-Identifier: MIT */
/* Shared by converter.c (its life: open, close, retry), converter-data.c (its bytes: decoder, line,
 * silence) and the files beside them, and private to these. */
#pragma once

#include "ask.h"
#include "converter.h"
#include "device-watch.h"
#include "foreign.h"
#include "identity.h"
#include "lib/decoder.h"
#include "line.h"
#include "port.h"
#include "silence.h"
#include "worker.h"

/* Enough for a person with two terminals and a script; each is a pipe we write to. */
#define CONVERTER_CAPTURES_MAX   4
#define CONVERTER_INHIBITORS_MAX 8
#define CONVERTER_PATH_MAX       256

#define CONVERTER_BACKOFF_MIN_USEC (100 * 1000ULL)

/* No meter seen pauses that long inside a telegram. */
#define CONVERTER_GAP_USEC (2 * 1000000ULL)

/* The subject of a log line (log_about) about a converter; further fields may follow. */
#define LOG_CONVERTER(c, ...) \
        LOG_SUBJECT(.converter = (c)->id, .port = (c)->view.device, __VA_ARGS__)

struct capture {
        struct converter *converter;
        int fd; /* -1: free */
        sd_event_source *source;
};

struct inhibitor {
        uint64_t cookie; /* 0: free */
        char text[128];
};

/* Is it the adopted one that has left its socket? */
struct converter_trial {
        bool on, failed;
        struct serial_line line; /* of that one */
        uint64_t until_usec;
};

struct converter {
        struct converter_options options;
        char id[IDENTITY_MAX];
        struct converter_view view;
        const struct config_converter *config; /* borrowed, may be NULL */
        struct converter_ban ban;
        bool fixed; /* Line= is not auto */
        struct serial_line fixed_line;
        const struct meter_profile *profile; /* Profile=, or NULL */
        struct converter_trial trial;
        struct ask *ask;         /* Ask=, or NULL */
        struct config_ask asked; /* what `ask` was made with */
        enum converter_state state;
        enum converter_state logged; /* the last one that was logged */
        uint32_t logged_reader;      /* pid of the second reader that was; 0: none */

        /* where it is */
        struct hotplug_device device;
        bool plugged, held_back;
        char path[CONVERTER_PATH_MAX]; /* Device=, "" under udev */
        struct device_watch *watch;
        uint64_t generation;

        struct port *port; /* lives as long as the converter */
        bool listening;    /* it is open, and its bytes count */
        bool slow;         /* the last call on the device took two seconds or more */
        struct worker *reset;

        struct decoder *decoder;
        const struct meter_profile *decoder_profile; /* the one it was made with */
        struct store_converter learned;

        /* line detection, bursts, silence; monotonic µs */
        struct line_sweep sweep;
        struct line_evidence evidence;
        uint64_t errors_before; /* line errors of the port before this candidate */
        uint64_t opened_usec, last_frame_usec;
        uint64_t last_byte_usec; /* since it was opened; 0: none yet */
        uint64_t heard_usec;     /* the same, over all times it was opened */
        uint64_t bytes_since_frame;
        bool burst_whole, burst_has_frame, in_burst;
        struct foreign foreign;           /* while no frame was seen */
        bool accepted;                    /* a frame came at this line: nothing is left to detect */
        enum telegram_status last_status; /* of the last telegram that was whole */
        uint64_t readable_usec; /* when the last telegram that could be read came; 0: none */
        struct {
                uint64_t frames, damaged; /* counters of the decoder when the window began */
        } window;
        uint64_t burst_bytes;
        struct silence silence;

        /* timer: the earliest of these; 0 is never */
        sd_event_source *timer;
        uint64_t armed_usec, retry_usec, gap_usec;
        uint64_t store_usec; /* something learned is not yet written */
        uint64_t backoff_usec;
        unsigned int flaps; /* plugged and gone again without a byte, in a row */
        uint64_t flap_usec;
        uint64_t announced_usec; /* when clients last got statistics */

        struct {
                uint64_t line_errors, opens, unplugs, reopens, usb_resets, wakeups, sent_bytes,
                        asked_in_vain;
        } totals; /* of ports that are closed by now */

        struct capture captures[CONVERTER_CAPTURES_MAX];
        struct inhibitor *inhibitors; /* CONVERTER_INHIBITORS_MAX; owned; NULL: never asked for */
};

uint64_t converter_now(const struct converter *c);

/* converter.c */

/*
 * Reports what happened: the table of machine.c says what follows. The code is static, one of
 * docs/dbus-api.md; the format explains it in a sentence, and the line that is listened to from
 * now on is added where the action begins to listen.
 */
void converter_report(struct converter *c, enum machine_event event, const char *code,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Looks whether it is to be open: there, permitted, not lent. */
void converter_look(struct converter *c);
/* It is not opened by itself any more, for a reason of machine.c's codes; both static. */
void converter_refuse(struct converter *c, const char *code, const char *why);
void converter_arm(struct converter *c);
void converter_store(struct converter *c);

/* converter-reset.c: -errno when a reset is not possible; *_may_reset only looks. */
int converter_usb_reset(struct converter *c);
int converter_may_reset(const struct converter *c);

/* converter-data.c */
void converter_data_bytes(struct slice bytes, void *userdata); /* of struct port_ops */
void converter_data_gone(int error, void *userdata);
int converter_data_prepare(struct converter *c); /* the decoder, the sweep */
void converter_data_listen(struct converter *c);
void converter_data_next_line(struct converter *c);
void converter_data_sweep(struct converter *c);
void converter_data_resume(struct converter *c);
void converter_data_tick(struct converter *c, uint64_t now);
uint64_t converter_data_deadline(struct converter *c, uint64_t now);

/* All of them from the loop; bytes through the decoder, to telegrams. */
void converter_data_decode(struct converter *c, struct slice bytes);

/* converter-ask.c: where Ask= is given. _configure() says whether all stays as it was. */
bool converter_ask_configure(struct converter *c, const struct config_converter *config);
void converter_ask_opened(struct converter *c);
void converter_ask_line_set(struct converter *c);
void converter_ask_bytes(struct converter *c, struct slice bytes);
void converter_ask_run(struct converter *c);

/* converter-trial.c: nothing happens in them when it is not on trial. */
void converter_trial_listen(struct converter *c); /* its time begins */
/* May what was heard be passed on? It may from the first telegram of the right meter on. */
bool converter_trial_passes(struct converter *c, const struct telegram *t);
void converter_trial_look(struct converter *c, uint64_t now); /* may close the port */

/* capture.c */
int capture_add(struct converter *c, int fd);
void capture_write(struct converter *c, struct slice bytes);
void capture_close_all(struct converter *c);
