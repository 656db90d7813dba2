/* SPDX-License-Identifier: MIT */
/*
 * What a converter does with its bytes: through the decoder to telegrams, and meanwhile the line
 * detection, the gap between telegrams, and the silence watchdog.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "converter-private.h"
#include "net.h"

#define USEC UINT64_C(1000000)
/* Less than a telegram: noise of plugging is no burst. */
#define BURST_BYTES_MIN 16
/* The least pause between two announcements of nothing but changed counters. */
#define ANNOUNCE_PAUSE_USEC (10 * USEC)
/* So much without a frame, for so long, where frames had come: it is another meter now. */
#define LOST_LINE_BYTES 3072
#define LOST_LINE_USEC  (60 * USEC)
/* The share of damaged frames is looked at each time so many have come. */
#define WINDOW_FRAMES 12
/* A list that cannot be read is of no account for so long after one that could. */
#define READABLE_USEC (300 * USEC)

/* The framing of before the restart needs one frame less to prove itself. */
static void expect_framing(struct converter *c)
{
        char framing[STORE_FRAMING_MAX];

        if (store_find_framing(c->options.store, c->id, framing) > 0)
                decoder_expect(c->decoder, framing);
}

static void learn_framing(struct converter *c, const char *framing)
{
        if (c->view.framing == framing)
                return;
        c->view.framing = framing;
        (void)store_put_framing(c->options.store, c->id, framing); /* or at the next start */
}

/* The profile whose usual line is worth an early try: configured, or the one last seen. */
static const struct meter_profile *likely_profile(const struct converter *c)
{
        return c->profile || !*c->learned.profile || !c->options.profiles
                       ? c->profile
                       : profile_set_find(c->options.profiles, c->learned.profile);
}

/* A network port is read like this line: as fast as bytes come. */
static const struct serial_line network_line = { 115200, 8, PARITY_NONE, 1 };

static void begin_sweep(struct converter *c)
{
        const struct meter_profile *profile = likely_profile(c);
        uint64_t timeout = c->config && c->config->detect_timeout_usec
                                   ? c->config->detect_timeout_usec
                                   : 300 * USEC;
        uint64_t now = converter_now(c);

        if (net_is_raw(c->path)) /* the bridge knows its line */
                line_sweep_fixed(&c->sweep, &network_line, timeout, now);
        else if (c->ask)
                line_sweep_fixed(&c->sweep, ask_first_line(c->ask), timeout, now);
        else if (c->fixed)
                line_sweep_fixed(&c->sweep, &c->fixed_line, timeout, now);
        else if (c->trial.on)
                line_sweep_fixed(&c->sweep, &c->trial.line, timeout, now);
        else
                line_sweep_begin(&c->sweep, c->learned.has_line ? &c->learned.line : NULL,
                                 profile && profile->line.baud ? &profile->line : NULL, timeout,
                                 now);
}

int converter_data_prepare(struct converter *c)
{
        int r;

        if (c->decoder && c->decoder_profile != c->profile)
                c->decoder = decoder_free(c->decoder);
        if (!c->decoder) {
                r = decoder_new(&(struct decoder_options){ .profiles = c->options.profiles,
                                                           .profile = c->profile,
                                                           .keyring = c->options.keyring,
                                                           .scratch = c->options.scratch,
                                                           .confirm = true },
                                &c->decoder);
                if (r < 0)
                        return r;
                c->decoder_profile = c->profile;
                expect_framing(c);
        }
        decoder_reset(c->decoder);
        begin_sweep(c);
        return 0;
}

/* Nothing that was asked for is taken for foreign. */
static void look_for_foreign(struct converter *c, struct slice bytes)
{
        const char *code;

        if (c->accepted || c->config || c->learned.adopted || *c->path)
                return;
        code = foreign_feed(&c->foreign, bytes);
        if (!code)
                return;
        converter_report(c, MACHINE_FOREIGN, code,
                         "%s, not a meter: it is left alone; `smctl adopt` "
                         "it if that is wrong",
                         strcmp(code, "gps") == 0 ? "a GPS receiver" : "a Modbus line");
        converter_refuse(c, code, "not a meter; `smctl adopt` it if that is wrong");
}

static void begin_candidate(struct converter *c)
{
        const struct port_statistics *s = port_statistics_get(c->port);
        uint64_t now = converter_now(c);

        c->evidence = (struct line_evidence){ .since_usec = now };
        c->errors_before = s->line_errors;
        c->opened_usec = now;
        c->in_burst = false;
        c->accepted = false;
        c->foreign = (struct foreign){ 0 };
        if (net_is_raw(c->path))
                (void)snprintf(c->view.line, sizeof(c->view.line), "network");
        else
                (void)serial_line_print(line_sweep_get(&c->sweep), c->view.line);
}

/* It listens from now on: it was opened, or another line was set. */
void converter_data_listen(struct converter *c)
{
        begin_candidate(c);
        if (!c->listening) {
                c->listening = true;
                c->totals.opens++;
                c->bytes_since_frame = 0;
                c->last_byte_usec = 0;
                c->silence.from_usec = c->opened_usec;
                converter_trial_listen(c);
                if (c->ask)
                        converter_ask_opened(c);
        }
        converter_arm(c);
}

static void set_line(struct converter *c)
{
        decoder_reset(c->decoder);
        port_set_line(c->port, line_sweep_get(&c->sweep));
        if (!port_is_under_way(c->port))
                converter_data_listen(c); /* it is the same line */
}

void converter_data_sweep(struct converter *c)
{
        begin_sweep(c);
        set_line(c);
}

void converter_data_next_line(struct converter *c)
{
        c->sweep.bytes_seen |= c->evidence.bytes + c->evidence.line_errors > 0;
        line_sweep_advance(&c->sweep);
        set_line(c);
}

/* The same line goes on, with a new sweep's time before it. */
void converter_data_resume(struct converter *c)
{
        begin_sweep(c);
        begin_candidate(c);
}

static const char *what_came(bool bytes)
{
        return bytes ? "no-frames" : "no-bytes";
}

static void reject_line(struct converter *c)
{
        bool bytes = c->evidence.bytes + c->evidence.line_errors > 0;
        char left[SERIAL_LINE_TEXT_MAX];

        (void)snprintf(left, sizeof(left), "%s", c->view.line);
        converter_report(c, MACHINE_REJECTED, what_came(bytes || c->sweep.bytes_seen), "not %s",
                         left);
}

static void give_up(struct converter *c)
{
        /* It was of a meter that was exchanged; where nothing came at all, that is not known. */
        if (c->learned.has_line && c->sweep.bytes_seen) {
                c->learned.has_line = false;
                converter_store(c);
        }
        converter_report(c, MACHINE_SWEPT, what_came(c->sweep.bytes_seen),
                         "%s; replug it or run `smctl probe` to try again",
                         c->sweep.bytes_seen ? "bytes came, but no line gave a valid frame"
                                             : "nothing came at any line");
}

/* After a silence at the right line there is nothing to detect before bytes come again. */
static bool detection_counts(const struct converter *c)
{
        return c->listening && !port_is_under_way(c->port) && c->state == CONVERTER_DETECTING &&
               !c->accepted && c->silence.tried == SILENCE_NOTHING;
}

/* May close the port. */
static void weigh(struct converter *c, uint64_t now)
{
        if (!detection_counts(c))
                return;
        if (line_sweep_is_over(&c->sweep, now))
                give_up(c);
        else if (line_assess(&c->sweep, &c->evidence, now) == LINE_REJECT)
                reject_line(c);
}

/* The frames of another line, or of a damaged one, would have no valid check sum. */
static void accept_line(struct converter *c, uint64_t now)
{
        const struct serial_line *line = line_sweep_get(&c->sweep);

        c->last_frame_usec = now;
        c->bytes_since_frame = 0;
        c->burst_has_frame = true;
        if (c->accepted)
                return;
        c->accepted = true;
        c->window.frames = decoder_statistics_get(c->decoder)->frames;
        c->window.damaged = decoder_statistics_get(c->decoder)->damaged_frames;
        if (net_is_raw(c->path) || c->ask)
                return;
        if (!c->learned.has_line || !serial_line_equal(&c->learned.line, line)) {
                c->learned.has_line = true;
                c->learned.line = *line;
                converter_store(c);
        }
}

static void accept_frame(struct converter *c, uint64_t now)
{
        accept_line(c, now);
        if (c->state != CONVERTER_RECEIVING && strcmp(c->view.code, "no-telegrams") != 0)
                converter_report(c, MACHINE_FRAME, "no-telegrams",
                                 "valid frames at %s, no telegram in them yet", c->view.line);
}

static const char *code_of(enum telegram_status status)
{
        switch (status) {
        case TELEGRAM_OK:
                return "telegrams";
        case TELEGRAM_KEY_MISSING:
                return "key-missing";
        case TELEGRAM_WRONG_ENCRYPTION_KEY:
                return "wrong-encryption-key";
        case TELEGRAM_WRONG_AUTHENTICATION_KEY:
                return "wrong-authentication-key";
        case TELEGRAM_SYSTEM_TITLE_MISSING:
                return "title-missing";
        case TELEGRAM_SUITE_UNSUPPORTED:
                return "suite-unsupported";
        case TELEGRAM_DAMAGED:
                return "damaged-frames";
        case TELEGRAM_UNAUTHENTICATED:
                return "unauthenticated";
        case TELEGRAM_REPLAYED:
                return "replayed";
        case TELEGRAM_LAYOUT_UNKNOWN:
                break;
        }
        return "unknown-list";
}

static bool is_key_failure(enum telegram_status status)
{
        return status == TELEGRAM_WRONG_ENCRYPTION_KEY ||
               status == TELEGRAM_WRONG_AUTHENTICATION_KEY;
}

/* A key is called wrong only after two telegrams in a row say so, damaged ones not counted. */
static bool is_certain(struct converter *c, enum telegram_status status)
{
        bool again = c->last_status == status;

        if (status != TELEGRAM_DAMAGED)
                c->last_status = status;
        return again || !is_key_failure(status);
}

/* Some meters send a list that is read beside one that is not: the former counts. */
static void accept_telegram(struct converter *c, const struct telegram *t, uint64_t now)
{
        const char *code = t->keys_exchanged ? "keys-exchanged" : code_of(t->status);
        bool damaged = strcmp(c->view.code, "damaged-frames") == 0;

        if (!is_certain(c, t->status)) {
                accept_frame(c, now);
                return;
        }
        accept_line(c, now);
        if (t->status == TELEGRAM_OK)
                c->readable_usec = now;
        else if (c->readable_usec != 0 && now - c->readable_usec < READABLE_USEC)
                code = "telegrams";
        /* The first telegram against a key on M-Bus counts as damaged: the second decides. */
        damaged = damaged && !is_key_failure(t->status);
        if (c->state == CONVERTER_RECEIVING && (damaged || strcmp(c->view.code, code) == 0))
                return;
        if (*t->error && strcmp(code, "telegrams") != 0)
                converter_report(c, MACHINE_TELEGRAM, code, "%s", t->error);
        else
                converter_report(c, MACHINE_TELEGRAM, code, "telegrams at %s", c->view.line);
}

/* The damaged share of what comes, over some frames, so that one bad night is not forgotten at the
 * first good telegram, and one bad frame is no news. */
static void weigh_damage(struct converter *c)
{
        const struct decoder_statistics *s = decoder_statistics_get(c->decoder);
        uint64_t good = s->frames - c->window.frames, bad = s->damaged_frames - c->window.damaged;
        bool shown = strcmp(c->view.code, "damaged-frames") == 0;

        if (c->state != CONVERTER_RECEIVING || good + bad < WINDOW_FRAMES)
                return;
        c->window.frames = s->frames;
        c->window.damaged = s->damaged_frames;
        if (!shown && bad >= good)
                converter_report(c, MACHINE_TELEGRAM, "damaged-frames",
                                 "%" PRIu64 " of %" PRIu64 " frames at %s are damaged: look at the "
                                 "cable and what lies beside it",
                                 bad, good + bad, c->view.line);
        else if (shown && bad * 4 < good)
                converter_report(c, MACHINE_TELEGRAM, "telegrams", "telegrams at %s", c->view.line);
}

static void learn_profile(struct converter *c, const struct meter_profile *profile)
{
        if (!profile)
                return;
        c->view.profile = profile->name;
        if (strcmp(c->learned.profile, profile->name) == 0)
                return;
        (void)snprintf(c->learned.profile, sizeof(c->learned.profile), "%s", profile->name);
        converter_store(c);
}

/* Is it passed on? Not while it is unknown what is behind this converter. */
static bool passes(struct converter *c, const struct telegram *t)
{
        bool tried = c->trial.on;

        if (!converter_trial_passes(c, t))
                return false;
        if (tried)
                begin_sweep(c); /* of all lines, from this one on */
        return true;
}

static void drain(struct converter *c)
{
        uint64_t now = converter_now(c); /* it stands still in the meantime */
        struct decoder_event event;

        while (decoder_next(c->decoder, &event) > 0)
                switch (event.type) {
                case DECODER_TELEGRAM:
                        if (!passes(c, event.telegram))
                                break;
                        learn_framing(c, event.framing);
                        accept_telegram(c, event.telegram, now);
                        learn_profile(c, event.telegram->profile);
                        c->options.ops->telegram(c, event.telegram, c->options.userdata);
                        break;
                case DECODER_FRAME:
                        if (!c->trial.on)
                                accept_frame(c, now);
                        break;
                case DECODER_FAULT: /* counted by the decoder */
                        log_about(LOG_DEBUG, LOG_CONVERTER(c), "%s", event.fault);
                        break;
                }
}

void converter_data_decode(struct converter *c, struct slice bytes)
{
        decoder_feed(c->decoder, bytes);
        drain(c);
}

/* Bytes begin to come after a pause. */
static void begin_burst(struct converter *c, uint64_t now)
{
        uint64_t pause = c->last_byte_usec ? now - c->last_byte_usec : 0;
        bool whole = now - c->opened_usec >= USEC;
        bool was_silent = c->silence.tried != SILENCE_NOTHING;

        silence_ended(&c->silence, pause);
        if (was_silent)
                converter_report(c, MACHINE_SPEAKS, "listening", "bytes come again at %s",
                                 c->view.line);
        c->in_burst = true;
        c->burst_bytes = 0;
        c->burst_has_frame = false;
        c->burst_whole = whole;
}

static void end_burst(struct converter *c)
{
        c->in_burst = false;
        if (c->burst_whole && !c->burst_has_frame && c->burst_bytes >= BURST_BYTES_MIN)
                c->evidence.whole_bursts++;
}

void converter_data_bytes(struct slice bytes, void *userdata)
{
        struct converter *c = userdata;
        uint64_t now = converter_now(c), wall = 0;

        if (!c->in_burst)
                begin_burst(c, now);
        c->last_byte_usec = c->heard_usec = now;
        c->flaps = 0;
        c->slow = false;
        c->backoff_usec = CONVERTER_BACKOFF_MIN_USEC;
        c->burst_bytes += bytes.len;
        c->bytes_since_frame += bytes.len;
        c->evidence.bytes += bytes.len;
        c->evidence.line_errors = port_statistics_get(c->port)->line_errors - c->errors_before;
        c->evidence.last_byte_usec = now;
        if (c->evidence.first_byte_usec == 0)
                c->evidence.first_byte_usec = now;
        (void)sd_event_now(c->options.event, CLOCK_REALTIME, &wall); /* fails only after a fork */
        c->view.last_byte_usec = wall;

        if (bytes.len > 0) {
                capture_write(c, bytes);
                if (c->ask)
                        converter_ask_bytes(c, bytes);
                else
                        converter_data_decode(c, bytes);
                look_for_foreign(c, bytes);
                converter_trial_look(c, now);
        }
        weigh(c, now);
        if (c->listening) {
                port_expect(c->port, c->ask ? 0 : decoder_wanted(c->decoder));
                if (c->gap_usec == 0)
                        c->gap_usec = now + CONVERTER_GAP_USEC;
        }
        converter_arm(c);
}

void converter_data_gone(int error, void *userdata)
{
        struct converter *c = userdata;
        bool lasted = converter_now(c) - c->opened_usec >= USEC;

        converter_report(c, MACHINE_HUNG_UP, "hung-up", "the port was hung up%s%s",
                         error ? ": " : "", error ? strerror(error) : "");
        /* Under udev "remove" follows; if not, the port is tried again. A tty without udev may have
         * been replaced already. */
        if (*c->path && lasted)
                converter_look(c);
}

static void tick_gap(struct converter *c, uint64_t now)
{
        if (c->gap_usec == 0 || now < c->gap_usec)
                return;
        if (now - c->last_byte_usec < CONVERTER_GAP_USEC) {
                c->gap_usec = c->last_byte_usec + CONVERTER_GAP_USEC;
                return;
        }
        c->gap_usec = 0;
        decoder_gap(c->decoder);
        drain(c);
        end_burst(c);
        weigh_damage(c);
        if (c->accepted && c->sweep.n > 1 && c->bytes_since_frame >= LOST_LINE_BYTES &&
            now - c->last_frame_usec >= LOST_LINE_USEC)
                converter_report(c, MACHINE_LOST, "no-frames", "no valid frame for long");
        else if (c->sweep.n == 1 && c->bytes_since_frame >= LOST_LINE_BYTES &&
                 c->state == CONVERTER_DETECTING && strcmp(c->view.code, "no-frames") != 0)
                converter_report(c, MACHINE_FRAME, "no-frames",
                                 "bytes come at %s, but no valid frame: is Line= right?",
                                 c->view.line);
        if (now - c->announced_usec >= ANNOUNCE_PAUSE_USEC) {
                c->announced_usec = now;
                c->options.ops->changed(c, c->options.userdata);
        }
}

/* Detection has its own clock, unless there is only one line to listen at. */
static bool silence_counts(const struct converter *c)
{
        /* Between two questions nothing is to be heard. */
        return c->listening && !c->trial.on && (!c->ask || ask_only_acknowledges(c->ask)) &&
               (c->state == CONVERTER_RECEIVING ||
                (c->state == CONVERTER_DETECTING &&
                 (c->sweep.n == 1 || c->accepted || c->silence.tried != SILENCE_NOTHING)));
}

static void show_silent(struct converter *c, uint64_t now, int reset_error)
{
        uint64_t since = c->heard_usec ? c->heard_usec : c->opened_usec;

        if (c->slow)
                converter_report(c, MACHINE_UNANSWERED, "no-usb-answer",
                                 "no byte for %" PRIu64 " s, and it does not answer over USB: "
                                 "replug the converter",
                                 (now - since) / USEC);
        else if (reset_error)
                converter_report(c, MACHINE_QUIET, "no-bytes",
                                 "no byte for %" PRIu64 " s, and UsbReset= cannot reset it: %s "
                                 "(smartmeterd.conf(5) says what it needs)",
                                 (now - since) / USEC, strerror(reset_error));
        else
                converter_report(c, MACHINE_QUIET, "no-bytes",
                                 "no byte for %" PRIu64 " s, reopening did not help: look at the "
                                 "cable, the meter's interface, and its power",
                                 (now - since) / USEC);
}

static void reset_or_show(struct converter *c, uint64_t now)
{
        int r = converter_may_reset(c);

        if (r >= 0) { /* "remove" and "add" follow, or the same port goes on */
                converter_report(c, MACHINE_STUCK, "usb-reset", "no byte: USB reset");
                return;
        }
        silence_reset_failed(&c->silence);
        show_silent(c, now, -r);
}

static void tick_silence(struct converter *c, uint64_t now)
{
        if (!silence_counts(c))
                return;
        switch (silence_next(&c->silence, now, c->last_byte_usec,
                             c->config && c->config->usb_reset)) {
        case SILENCE_NOTHING:
                break;
        case SILENCE_REOPEN:
                c->totals.reopens++;
                converter_report(c, MACHINE_STALLED, "no-bytes",
                                 "no byte for %" PRIu64 " s: reopened",
                                 silence_limit(&c->silence) / USEC);
                break;
        case SILENCE_USB_RESET:
                reset_or_show(c, now);
                break;
        case SILENCE_SILENT:
                show_silent(c, now, 0);
                break;
        }
}

void converter_data_tick(struct converter *c, uint64_t now)
{
        if (c->listening)
                tick_gap(c, now);
        if (c->listening)
                tick_silence(c, now);
        if (c->listening)
                weigh(c, now);
        converter_trial_look(c, now);
        if (c->ask)
                converter_ask_run(c);
}

uint64_t converter_data_deadline(struct converter *c, uint64_t now)
{
        uint64_t at = UINT64_MAX;

        if (!c->listening)
                return at;
        if (c->gap_usec != 0)
                at = MIN(at, c->gap_usec);
        if (c->trial.on)
                at = MIN(at, c->trial.until_usec);
        if (c->ask && !port_is_under_way(c->port))
                at = MIN(at, ask_deadline(c->ask));
        if (silence_counts(c))
                at = MIN(at, silence_deadline(&c->silence, c->last_byte_usec));
        if (detection_counts(c))
                at = MIN(at, line_deadline(&c->sweep, &c->evidence, now));
        return at;
}

/* Counters for Converter1.Statistics; called when somebody may look. */
void converter_update_view(struct converter *c)
{
        static const struct decoder_statistics none;
        static const struct port_statistics closed;
        const struct decoder_statistics *d =
                c->decoder ? decoder_statistics_get(c->decoder) : &none;
        const struct port_statistics *p = c->listening ? port_statistics_get(c->port) : &closed;
        const struct {
                const char *name;
                uint64_t value;
        } rows[] = {
                { "bytes", d->bytes },
                { "frames", d->frames },
                { "telegrams", d->telegrams },
                { "garbage-bytes", d->garbage_bytes },
                { "damaged-frames", d->damaged_frames },
                { "lost-segments", d->lost_segments },
                { "key-failures", d->key_failures },
                { "unknown-layouts", d->unknown_layouts },
                { "replays", d->replays },
                { "unauthenticated", d->unauthenticated },
                { "unconfirmed", d->unconfirmed },
                { "line-errors", c->totals.line_errors + p->line_errors },
                { "wakeups", c->totals.wakeups + p->wakeups },
                { "opens", c->totals.opens },
                { "reopens", c->totals.reopens },
                { "unplugs", c->totals.unplugs },
                { "usb-resets", c->totals.usb_resets },
                { "sent-bytes", c->totals.sent_bytes },
                { "asked-in-vain", c->totals.asked_in_vain },
        };

        _Static_assert(ELEMENTSOF(rows) <= CONVERTER_STATISTICS_MAX,
                       "more rows than the bus shows");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                c->view.statistics[i].name = rows[i].name;
                c->view.statistics[i].value = rows[i].value;
        }
        c->view.n_statistics = ELEMENTSOF(rows);
}
