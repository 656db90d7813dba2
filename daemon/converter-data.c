/* SPDX-License-Identifier: MIT */
/*
 * What a converter does with its bytes: through the decoder to telegrams, and meanwhile the line
 * detection, the gap between telegrams, and the silence watchdog.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "converter-private.h"
#include "daemon/log.h"

#define USEC UINT64_C(1000000)
/* Less than a telegram: noise of plugging is no burst. */
#define BURST_BYTES_MIN 16
/* At most so often are clients told that nothing but counters has changed. */
#define TELL_PAUSE_USEC (10 * USEC)
/* So much without a frame, for so long, where frames had come: it is another meter now. */
#define LOST_LINE_BYTES 3072
#define LOST_LINE_USEC  (60 * USEC)

static const struct cipher_keys *find_keys(void *userdata, const uint8_t *title)
{
        struct converter *c = userdata;

        return c->options.ops->find_keys(c, title, c->options.userdata);
}

static const struct cipher_keys *try_keys(void *userdata, size_t attempt)
{
        struct converter *c = userdata;

        return c->options.ops->try_keys(c, attempt, c->options.userdata);
}

/* The profile whose usual line is worth an early try: configured, or the one last seen. */
static const struct meter_profile *likely_profile(const struct converter *c)
{
        return c->profile || !*c->learned.profile ? c->profile : profile_find(c->learned.profile);
}

static void begin_sweep(struct converter *c)
{
        const struct meter_profile *profile = likely_profile(c);
        uint64_t timeout = c->config && c->config->detect_timeout_usec
                                   ? c->config->detect_timeout_usec
                                   : 300 * USEC;
        uint64_t now = converter_now(c);

        if (c->fixed)
                line_sweep_fixed(&c->sweep, &c->fixed_line, timeout, now);
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
                r = decoder_new(&(struct decoder_options){ c->profile, find_keys, c, try_keys,
                                                           c->options.scratch },
                                &c->decoder);
                if (r < 0)
                        return r;
                c->decoder_profile = c->profile;
        }
        decoder_reset(c->decoder);
        begin_sweep(c);
        return 0;
}

static void begin_candidate(struct converter *c)
{
        const struct port_statistics *s = port_statistics_get(c->port);
        uint64_t now = converter_now(c);

        c->evidence = (struct line_evidence){ .since_usec = now };
        c->errors_before = s->line_errors;
        c->opened_usec = now;
        c->in_burst = false;
        (void)serial_line_print(line_sweep_get(&c->sweep), c->view.line);
}

void converter_data_opened(struct converter *c)
{
        begin_candidate(c);
        c->bytes_since_frame = 0;
        c->last_byte_usec = 0;
        c->silence.from_usec = c->opened_usec;
        converter_set_state(c, CONVERTER_DETECTING, "listening at %s", c->view.line);
}

static void restart_detection(struct converter *c, const char *why)
{
        decoder_reset(c->decoder);
        begin_sweep(c);
        if (port_set_line(c->port, line_sweep_get(&c->sweep)) < 0)
                return; /* it is being unplugged: the port will say so */
        begin_candidate(c);
        converter_set_state(c, CONVERTER_DETECTING, "%s; listening at %s", why, c->view.line);
}

static void next_candidate(struct converter *c)
{
        char left[SERIAL_LINE_TEXT_MAX];

        (void)snprintf(left, sizeof(left), "%s", c->view.line);
        c->sweep.bytes_seen |= c->evidence.bytes + c->evidence.line_errors > 0;
        line_sweep_advance(&c->sweep);
        if (port_set_line(c->port, line_sweep_get(&c->sweep)) < 0)
                return; /* it is being unplugged: the port will say so */
        decoder_reset(c->decoder);
        begin_candidate(c);
        converter_set_state(c, CONVERTER_DETECTING, "not %s; listening at %s", left, c->view.line);
}

static void give_up(struct converter *c)
{
        /* It was of a meter that was exchanged; where nothing came at all, that is not known. */
        if (c->learned.has_line && c->sweep.bytes_seen) {
                c->learned.has_line = false;
                converter_store(c);
        }
        converter_close(c);
        c->view.line[0] = '\0';
        converter_set_state(c, CONVERTER_NO_METER,
                            "%s; replug it or run `smctl probe` to try again",
                            c->sweep.bytes_seen ? "bytes came, but no line gave a valid frame"
                                                : "nothing came at any line");
}

/* After a silence at the right line there is nothing to detect before bytes come again. */
static bool detection_counts(const struct converter *c)
{
        return c->port && c->state == CONVERTER_DETECTING && c->silence.tried == SILENCE_NOTHING;
}

/* May close the port. */
static void judge(struct converter *c, uint64_t now)
{
        if (!detection_counts(c))
                return;
        if (line_sweep_is_over(&c->sweep, now))
                give_up(c);
        else if (line_judge(&c->sweep, &c->evidence, now) == LINE_REJECT)
                next_candidate(c);
}

static void accept_line(struct converter *c)
{
        const struct serial_line *line = line_sweep_get(&c->sweep);

        c->last_frame_usec = converter_now(c);
        c->bytes_since_frame = 0;
        c->burst_has_frame = true;
        if (c->state == CONVERTER_RECEIVING)
                return;
        converter_set_state(c, CONVERTER_RECEIVING, "valid frames at %s", c->view.line);
        if (!c->learned.has_line || !serial_line_equal(&c->learned.line, line)) {
                c->learned.has_line = true;
                c->learned.line = *line;
                converter_store(c);
        }
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

static void drain(struct converter *c)
{
        const struct log_about about = { .converter = c->id, .port = c->view.device };
        struct decoder_event event;

        while (decoder_next(c->decoder, &event) > 0)
                switch (event.type) {
                case DECODER_TELEGRAM:
                        accept_line(c);
                        learn_profile(c, event.telegram->profile);
                        c->options.ops->telegram(c, event.telegram, c->options.userdata);
                        break;
                case DECODER_FRAME:
                        accept_line(c);
                        break;
                case DECODER_FAULT: /* counted by the decoder */
                        log_about(LOG_DEBUG, &about, "%s", event.fault);
                        break;
                }
}

/* The same line goes on, with a new sweep's time before it. */
static void resume_detection(struct converter *c)
{
        begin_sweep(c);
        begin_candidate(c);
        converter_set_state(c, CONVERTER_DETECTING, "bytes come again at %s", c->view.line);
}

/* Bytes begin to come after a pause. */
static void begin_burst(struct converter *c, uint64_t now)
{
        uint64_t pause = c->last_byte_usec ? now - c->last_byte_usec : 0;
        bool whole = now - c->opened_usec >= USEC;
        bool was_silent = c->silence.tried != SILENCE_NOTHING;

        silence_ended(&c->silence, pause);
        if (was_silent)
                resume_detection(c);
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

static void on_bytes(struct slice bytes, void *userdata)
{
        struct converter *c = userdata;
        uint64_t now = converter_now(c), wall = 0;

        if (!c->in_burst)
                begin_burst(c, now);
        c->last_byte_usec = c->heard_usec = now;
        c->flaps = 0;
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
                decoder_feed(c->decoder, bytes);
                drain(c);
        }
        judge(c, now);
        if (c->port)
                port_expect(c->port, decoder_wanted(c->decoder));
        if (c->port && c->gap_usec == 0)
                c->gap_usec = now + CONVERTER_GAP_USEC;
        converter_arm(c);
}

static void on_gone(int error, void *userdata)
{
        struct converter *c = userdata;
        bool lasted = converter_now(c) - c->opened_usec >= USEC;

        converter_close(c);
        converter_set_state(c, CONVERTER_WAITING, "the port was hung up%s%s", error ? ": " : "",
                            error ? strerror(error) : "");
        /* Under udev "remove" follows; if not, the port is tried again. A tty without udev may have
         * been replaced already. */
        if (*c->path && lasted)
                converter_try_open(c);
        else
                converter_retry_later(c);
}

const struct port_ops converter_port_ops = { on_bytes, on_gone };

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
        if (c->state == CONVERTER_RECEIVING && c->sweep.n > 1 &&
            c->bytes_since_frame >= LOST_LINE_BYTES && now - c->last_frame_usec >= LOST_LINE_USEC)
                restart_detection(c, "no valid frame for long");
        if (now - c->told_usec >= TELL_PAUSE_USEC) {
                c->told_usec = now;
                c->options.ops->changed(c, c->options.userdata);
        }
}

/* Detection has its own clock, unless there is but one line to listen at. */
static bool silence_counts(const struct converter *c)
{
        return c->port && (c->state == CONVERTER_RECEIVING ||
                           (c->state == CONVERTER_DETECTING &&
                            (c->sweep.n == 1 || c->silence.tried != SILENCE_NOTHING)));
}

static void reopen(struct converter *c)
{
        c->totals.reopens++;
        converter_close(c);
        converter_try_open(c);
        if (c->port)
                converter_set_state(c, CONVERTER_DETECTING, "no byte for %" PRIu64 " s: reopened",
                                    silence_limit(&c->silence) / USEC);
}

static void show_silent(struct converter *c, uint64_t now)
{
        converter_set_state(c, CONVERTER_SILENT,
                            "no byte for %" PRIu64 " s, reopening did not help: look at the cable, "
                            "the meter's interface, and its power",
                            (now - (c->heard_usec ? c->heard_usec : c->opened_usec)) / USEC);
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
                reopen(c);
                break;
        case SILENCE_USB_RESET: /* "remove" and "add" follow, or the same port goes on */
                if (converter_usb_reset(c) >= 0)
                        break;
                silence_reset_failed(&c->silence);
                show_silent(c, now);
                break;
        case SILENCE_SILENT:
                show_silent(c, now);
                break;
        }
}

void converter_data_tick(struct converter *c, uint64_t now)
{
        if (c->port)
                tick_gap(c, now);
        if (c->port)
                tick_silence(c, now);
        if (c->port)
                judge(c, now);
}

uint64_t converter_data_deadline(struct converter *c, uint64_t now)
{
        uint64_t at = UINT64_MAX;

        if (!c->port)
                return at;
        if (c->gap_usec != 0)
                at = MIN(at, c->gap_usec);
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
        const struct port_statistics *p = c->port ? port_statistics_get(c->port) : &closed;
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
                { "line-errors", c->totals.line_errors + p->line_errors },
                { "wakeups", c->totals.wakeups + p->wakeups },
                { "opens", c->totals.opens },
                { "reopens", c->totals.reopens },
                { "unplugs", c->totals.unplugs },
                { "usb-resets", c->totals.usb_resets },
        };

        _Static_assert(ELEMENTSOF(rows) <= BUS_STATISTICS_MAX, "more rows than the bus shows");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
                c->view.statistics[i].name = rows[i].name;
                c->view.statistics[i].value = rows[i].value;
        }
        c->view.n_statistics = ELEMENTSOF(rows);
}
