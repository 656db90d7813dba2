/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/util.h"
#include "report-collect.h"
#include "report-rewrite.h"

#define ATTEMPTS    300 /* a check sum printed with three digits fits one time in sixteen */
#define PROOFS      5   /* so often new substitutes are tried where the decoder reads otherwise */
#define GAP_FILLERS "\x7e\xe5\r\n"

/* ---- what the decoder said ---- */

struct listening {
        struct report_outcomes *to;
        struct report_names *names; /* or NULL */
        size_t max;
};

/* 1 ends the decoding: enough was heard. */
static int on_event(void *userdata, const struct decoder_event *event)
{
        struct listening *l = userdata;
        int r;

        if (event->type != DECODER_TELEGRAM)
                return 0;
        if (l->to->n == l->max)
                return 1;
        r = report_outcomes_add(l->to, event);
        if (r < 0)
                return r;
        return l->names ? report_collect_telegram(l->names, event->telegram) : 0;
}

static int listen_to(const struct report_options *options, const struct telegram_file *file,
                     const struct cipher_keys *keys, struct listening *listening)
{
        int r = telegram_file_decode(file, keys, options->profiles, options->profile, on_event,
                                     listening);

        return r < 0 ? r : 0;
}

/* The telegrams of the report are those of the capture whose frames were kept. */
static bool same_outcomes(const struct report_work *work, const struct report_outcomes *after)
{
        size_t k = 0;

        for (size_t i = 0; i < work->before.n; i++) {
                if (!work->kept[work->before.items[i].offset])
                        continue;
                if (k == after->n ||
                    !report_outcome_equal(&work->before.items[i], &after->items[k]))
                        return false;
                k++;
        }
        return k == after->n && k > 0;
}

/* ---- making it ---- */

static bool is_wanted(const struct report_work *work, const struct report_run *run)
{
        return work->before.n > 0 && run->offset <= work->before.items[work->before.n - 1].offset;
}

static int look_into(void *userdata, const struct report_run *run)
{
        struct report_work *work = userdata;

        return is_wanted(work, run) ? report_look_into(work, run) : 0;
}

static int rewrite(void *userdata, const struct report_run *run)
{
        struct report_work *work = userdata;
        int r = is_wanted(work, run) ? report_rewrite(work, run) : 0;

        if (r != -EBADMSG)
                return r;
        for (size_t i = 0; i < run->n_frames; i++) /* it cannot be rewritten: left out */
                memset(work->kept + run->frames[i].at, 0, run->frames[i].n);
        return 0;
}

/* Keys of this report alone. */
static int draw_keys(struct report_work *work)
{
        struct cipher_keys *keys = &work->new_keys;
        const struct cipher_keys *owners = work->options->keys;

        *keys = (struct cipher_keys){ .has_key = owners && owners->has_key,
                                      .has_auth_key = owners && owners->has_auth_key };
        if (getrandom(&work->address_shift, sizeof(work->address_shift), 0) !=
                    sizeof(work->address_shift) ||
            getrandom(keys->key, sizeof(keys->key), 0) != sizeof(keys->key) ||
            getrandom(keys->auth_key, sizeof(keys->auth_key), 0) != sizeof(keys->auth_key))
                return -EIO;
        return 0;
}

/* New substitutes, new keys, until every check sum fits where it stands. */
static int rewrite_all(struct report_work *work)
{
        int r = -EAGAIN;

        for (unsigned int i = 0; i < ATTEMPTS && r == -EAGAIN; i++) {
                memcpy(work->out, work->capture.data, work->capture.len);
                memset(work->kept, 0, work->capture.len * sizeof(*work->kept));
                r = report_names_choose(&work->names);
                r = r < 0 ? r : draw_keys(work);
                r = r < 0 ? r : report_frames_walk(work->capture, rewrite, work);
        }
        return r;
}

/* Flags and line ends between the frames stay, all else that is no frame goes. */
static bool is_gap(const struct report_work *work, size_t at, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (work->capture.data[at + i] != 0 &&
                    !strchr(GAP_FILLERS, work->capture.data[at + i]))
                        return false;
        return true;
}

static int put_together(const struct report_work *work, struct report *ret)
{
        size_t n = work->capture.len;

        ret->bytes = malloc(n + 1);
        ret->ends = calloc(n + 1, sizeof(*ret->ends));
        ret->n = ret->n_ends = 0;
        if (!ret->bytes || !ret->ends)
                return -ENOMEM;
        for (size_t at = 0, next; at < n; at = next) {
                for (next = at; next < n && work->kept[next] == work->kept[at]; next++)
                        ;
                if (!work->kept[at] && (at == 0 || next == n || !is_gap(work, at, next - at)))
                        continue;
                memcpy(ret->bytes + ret->n, work->out + at, next - at);
                ret->n += next - at;
                if (work->kept[at])
                        ret->ends[ret->n_ends++] = ret->n;
        }
        ret->left_out = n - ret->n;
        return 0;
}

static int say(struct report_line *line, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static int say(struct report_line *line, const char *format, ...)
{
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(&line->text, format, arguments);
        va_end(arguments);
        if (n < 0)
                line->text = NULL;
        return n < 0 ? -ENOMEM : 0;
}

static int say_all(const struct report_outcomes *after, struct report *ret)
{
        int r = 0;

        ret->lines = calloc(after->n, sizeof(*ret->lines));
        if (!ret->lines)
                return -ENOMEM;
        for (size_t i = 0; i < after->n && r == 0; i++) {
                const struct report_outcome *o = &after->items[i];
                char time[DATETIME_TEXT_MAX];

                datetime_print(&o->time, time);
                ret->lines[i].read = o->status == TELEGRAM_OK;
                r = say(&ret->lines[i], "%s%s, meter %s, profile %s, %s, %zu readings%s%s",
                        o->framing, o->encrypted ? ", encrypted" : "",
                        *o->meter_id ? o->meter_id : "unknown",
                        o->profile ? o->profile->name : "none", *time ? time : "no time",
                        o->n_readings, *o->error ? ": " : "", o->error);
                ret->n_lines++;
                ret->n_closed += o->encrypted && !report_outcome_is_read(o) &&
                                 o->status != TELEGRAM_REPLAYED;
        }
        return r;
}

static int fail(char *why, int r, const char *reason)
{
        (void)snprintf(why, REPORT_REASON_MAX, "%s", reason);
        return r;
}

/* Nothing of what was replaced may be left, in whatever spelling. */
static bool is_clean(struct report_work *work, const struct report *report)
{
        work->found = report_names_find(&work->names, (struct slice){ report->bytes, report->n });
        for (size_t i = 0; i < report->n_lines && !work->found; i++)
                work->found =
                        report_names_find(&work->names, slice_of_string(report->lines[i].text));
        return !work->found;
}

/* 0, or 1 when it reads otherwise or is not clean, or -errno. */
static int prove(struct report_work *work, struct report *report, char *why)
{
        const struct telegram_file file = { report->bytes, report->n };
        struct report_outcomes after = { 0 };
        struct listening listening = { .to = &after, .max = SIZE_MAX };
        int r = listen_to(work->options, &file, &work->new_keys, &listening);

        if (r == 0 && !same_outcomes(work, &after)) {
                (void)fail(why, 0, "the decoder reads it otherwise with other names");
                r = 1;
        }
        if (r == 0)
                r = say_all(&after, report);
        if (r == 0 && !is_clean(work, report)) {
                (void)snprintf(why, REPORT_REASON_MAX, "an id, a title or a key is still in it, %s",
                               work->found);
                r = 1;
        }
        report_outcomes_done(&after);
        return r;
}

static int make(struct report_work *work, struct report *ret, char *why)
{
        int r = 1;

        for (unsigned int i = 0; i < PROOFS && r == 1; i++) {
                report_done(ret);
                r = rewrite_all(work);
                if (r == -EAGAIN)
                        return fail(why, -EPERM,
                                    work->found ? "an id, a title or a key could not be replaced"
                                                : "a check sum does not fit in its place");
                r = r < 0 ? r : put_together(work, ret);
                if (r == 0 && ret->n == 0)
                        return fail(why, -ENOMSG, "no whole telegram in it");
                r = r < 0 ? r : prove(work, ret, why);
        }
        return r == 1 ? -EPERM : r;
}

static int add_secrets(struct report_work *work)
{
        const struct cipher_keys *keys = work->options->keys;
        int r = 0;

        if (keys && keys->has_key)
                r = report_names_add_secret(&work->names,
                                            (struct slice){ keys->key, sizeof(keys->key) });
        if (r == 0 && keys && keys->has_auth_key)
                r = report_names_add_secret(
                        &work->names, (struct slice){ keys->auth_key, sizeof(keys->auth_key) });
        return r;
}

static void spare_readings(struct report_work *work)
{
        for (size_t i = 0; i < work->before.n; i++)
                for (size_t k = 0; k < work->before.items[i].n_readings; k++) {
                        struct decimal value = work->before.items[i].readings[k].value;
                        int64_t whole;

                        report_names_spare(&work->names, value.mantissa);
                        if (decimal_to_whole(value, 0, &whole) == 0 && whole != value.mantissa)
                                report_names_spare(&work->names, whole);
                }
}

static int look_at_all(struct report_work *work, char *why)
{
        struct listening listening = { .to = &work->before,
                                       .names = &work->names,
                                       .max = work->options->max_telegrams };
        int r = listen_to(work->options, work->options->file, work->options->keys, &listening);

        if (r == 0 && work->before.n == 0)
                return fail(why, -ENOMSG, "no telegram in it");
        if (r == 0)
                r = report_frames_walk(work->capture, look_into, work);
        if (r == 0)
                r = add_secrets(work);
        spare_readings(work);
        return r;
}

static void take_maker(const struct report_work *work, struct report *ret)
{
        for (size_t i = 0; i < work->before.n && !*ret->maker; i++)
                memcpy(ret->maker, work->before.items[i].maker, sizeof(ret->maker));
}

static void work_done(struct report_work *work)
{
        report_names_done(&work->names);
        report_outcomes_done(&work->before);
        work->aead = aead_free(work->aead);
        cipher_keys_wipe(&work->new_keys);
        free(work->out);
        free(work->kept);
}

int report_make(const struct report_options *options, struct report *ret,
                char why[static REPORT_REASON_MAX])
{
        struct report_work work = { .options = options,
                                    .capture = { options->file->bytes, options->file->n } };
        int r;

        *ret = (struct report){ 0 };
        *why = '\0';
        work.out = malloc(work.capture.len + 1);
        work.kept = calloc(work.capture.len + 1, sizeof(*work.kept));
        r = work.out && work.kept ? aead_new(&work.aead) : -ENOMEM;
        r = r < 0 ? r : look_at_all(&work, why);
        r = r < 0 ? r : make(&work, ret, why);
        if (r == 0) {
                take_maker(&work, ret);
                ret->keys = work.new_keys;
        } else {
                report_done(ret);
        }
        if (r < 0 && !*why)
                (void)fail(why, r, strerror(-r));
        work_done(&work);
        return r;
}

void report_done(struct report *report)
{
        for (size_t i = 0; i < report->n_lines; i++)
                free(report->lines[i].text);
        free(report->lines);
        free(report->ends);
        free(report->bytes);
        cipher_keys_wipe(&report->keys);
        *report = (struct report){ 0 };
}
