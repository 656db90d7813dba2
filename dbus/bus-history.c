/* SPDX-License-Identifier: MIT */
/*
 * org.smartmeterd.History1, on the object of its meter. The answer comes from the disk: the reply
 * is sent when it is there, and nothing waits for it. The same holds for what a file brings.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "bus-private.h"
#include "lib/model/meter.h"

/* While so many messages wait to be sent, answers of more than so many steps are not given. */
#define QUEUE_MAX   16
#define STEPS_SMALL 1000

/* Calls that wait for a slow disk. Each holds what came with it, up to 16 descriptors: those of an
 * unprivileged caller must leave some for the bus and the devices. */
#define QUESTIONS_MAX            32
#define QUESTIONS_MAX_PER_CALLER 16

/* A call that waits for its answer. */
struct question {
        struct question *next;
        sd_bus_message *call; /* referenced */
        int (*append)(sd_bus_message *reply, const struct bus_history *answer);
};

static struct question *questions; /* on all connections */

static int check_limits(sd_bus_message *m, sd_bus_error *error)
{
        size_t n = 0, n_of_caller = 0;

        for (const struct question *q = questions; q; q = q->next) {
                n++;
                n_of_caller += sd_bus_message_get_bus(q->call) == sd_bus_message_get_bus(m) &&
                               strcmp(bus_caller_of(q->call), bus_caller_of(m)) == 0;
        }
        if (n < QUESTIONS_MAX && n_of_caller < QUESTIONS_MAX_PER_CALLER)
                return 0;
        return bus_fail(error, -EBUSY, BUS_ERROR_LIMIT,
                        "%zu questions wait for their answer: wait for those of earlier ones.", n);
}

static struct question *question_free(struct question *q)
{
        struct question **at = &questions;

        while (*at != q)
                at = &(*at)->next;
        *at = q->next;
        sd_bus_message_unref(q->call);
        free(q);
        return NULL;
}

static int append_steps(sd_bus_message *reply, const struct bus_history *answer)
{
        int r = sd_bus_message_open_container(reply, 'a', "(tdddd)");

        for (size_t i = 0; i < answer->n_steps && r >= 0; i++) {
                const struct bus_history_step *step = &answer->steps[i];

                r = sd_bus_message_append(reply, "(tdddd)", step->from_usec, step->imported,
                                          step->exported, step->least, step->greatest);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_gaps(sd_bus_message *reply, const struct bus_history *answer)
{
        int r = sd_bus_message_open_container(reply, 'a', "(tts)");

        for (size_t i = 0; i < answer->n_gaps && r >= 0; i++)
                r = sd_bus_message_append(reply, "(tts)", answer->gaps[i].from_usec,
                                          answer->gaps[i].to_usec, answer->gaps[i].kind);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* None where nothing has a price. */
static int append_costs(sd_bus_message *reply, const struct bus_history *answer)
{
        int r = sd_bus_message_open_container(reply, 'a', "(tdd)");

        for (size_t i = 0; answer->currency && i < answer->n_steps && r >= 0; i++) {
                const struct bus_history_step *step = &answer->steps[i];

                r = sd_bus_message_append(reply, "(tdd)", step->from_usec, step->cost,
                                          step->unpriced);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r
                     : sd_bus_message_append(reply, "s", answer->currency ? answer->currency : "");
}

/* Each of thousands of steps takes 1.6 MB: with a bus daemon that is slower than the caller we
 * would keep all of them. */
static bool is_too_much(const struct question *q, const struct bus_history *answer)
{
        uint64_t n_queued = 0;

        return answer->n_steps > STEPS_SMALL &&
               sd_bus_get_n_queued_write(sd_bus_message_get_bus(q->call), &n_queued) >= 0 &&
               n_queued > QUEUE_MAX;
}

static int reply_with(const struct question *q, const struct bus_history *answer)
{
        sd_bus_message *reply = NULL;
        int r;

        if (answer->result < 0)
                return sd_bus_reply_method_errno(q->call, answer->result, NULL);
        if (is_too_much(q, answer))
                return sd_bus_reply_method_errorf(q->call, BUS_ERROR_LIMIT,
                                                  "Earlier answers were not taken yet: ask for "
                                                  "fewer steps, or again later.");
        r = sd_bus_message_new_method_return(q->call, &reply);
        if (r >= 0)
                r = q->append(reply, answer);
        r = bus_send_reply(reply, r);
        return r < 0 ? sd_bus_reply_method_errno(q->call, r, NULL) : r;
}

static void on_answer(const struct bus_history *answer, void *cookie)
{
        struct question *q = cookie;

        (void)reply_with(q, answer); /* the connection is gone, and with it who asked */
        question_free(q);
}

static int ask(sd_bus_message *m, struct bus_face *face,
               const struct bus_history_question *question,
               int (*append)(sd_bus_message *reply, const struct bus_history *answer),
               sd_bus_error *error)
{
        const struct meter *model = ((const struct meter_object *)face->object)->model;
        struct bus *bus = face->bus;
        struct question *q;
        int r;

        if (!bus->requests->get_history)
                return bus_fail(error, -EOPNOTSUPP, BUS_ERROR_NOT_SUPPORTED,
                                "No history is kept: the configuration has [history] Keep=no.");
        r = check_limits(m, error);
        if (r < 0)
                return r;
        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        *q = (struct question){ .next = questions,
                                .call = sd_bus_message_ref(m),
                                .append = append };
        questions = q;
        r = bus->requests->get_history(bus->userdata, model->id, question, on_answer, q, error);
        if (r < 0) {
                question_free(q);
                return bus_error_errno(r, error);
        }
        return 1; /* answered later */
}

static int ask_steps(sd_bus_message *m, struct bus_face *face, bool costs,
                     int (*append)(sd_bus_message *reply, const struct bus_history *answer),
                     sd_bus_error *error)
{
        struct bus_history_question question = { .calendar = "", .costs = costs };
        const struct bus_option options[] = {
                { "calendar", "s", "\"day\"", &question.calendar },
                { "tariff", "u", "1", &question.tariff },
        };
        uint32_t step;
        int r;

        r = sd_bus_message_read(m, "ttu", &question.from_usec, &question.to_usec, &step);
        if (r >= 0)
                r = bus_read_options(m, options, ELEMENTSOF(options), error);
        if (r < 0)
                return r;
        question.step_seconds = step;
        return ask(m, face, &question, append, error);
}

static int on_get_history(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return ask_steps(m, userdata, false, append_steps, error);
}

static int on_get_costs(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        return ask_steps(m, userdata, true, append_costs, error);
}

static int on_get_gaps(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        struct bus_history_question question = { .calendar = "year" };
        int r;

        r = sd_bus_message_read(m, "tt", &question.from_usec, &question.to_usec);
        if (r >= 0)
                r = bus_read_options(m, NULL, 0, error);
        return r < 0 ? r : ask(m, userdata, &question, append_gaps, error);
}

/* ---- what files bring ---- */

/* The meter may have gone while its caller was asked for a password. */
static int meter_of(struct bus *bus, sd_bus_message *m, const char **ret, sd_bus_error *error)
{
        const char *path = sd_bus_message_get_path(m);

        for (size_t i = 0; i < bus->meters.n; i++) {
                const struct meter_object *object = bus->meters.entries[i].object;

                if (strcmp(object->path, path) != 0)
                        continue;
                *ret = object->model->id;
                return 0;
        }
        return bus_fail(error, -ENOENT, BUS_ERROR_NO_SUCH_METER, "There is no meter %.100s.", path);
}

static int read_samples(sd_bus_message *m, struct bus_history_sample *samples, size_t *ret_n,
                        sd_bus_error *error)
{
        size_t n = 0;
        int r = sd_bus_message_enter_container(m, 'a', "(tddub)"), begins;

        while (r >= 0) {
                struct bus_history_sample s;

                r = sd_bus_message_read(m, "(tddub)", &s.time_usec, &s.imported, &s.exported,
                                        &s.tariff, &begins);
                if (r <= 0)
                        break;
                s.begins = begins != 0;
                if (n == BUS_HISTORY_SAMPLES_MAX)
                        return bus_fail(error, -E2BIG, BUS_ERROR_INVALID_ARGUMENT,
                                        "More than %d samples: send them in parts.",
                                        BUS_HISTORY_SAMPLES_MAX);
                samples[n++] = s;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(m);
        *ret_n = n;
        return r;
}

static void on_imported(int result, const struct bus_history_imported *imported, void *cookie)
{
        sd_bus_message *m = cookie;
        sd_bus_error error = SD_BUS_ERROR_NULL;

        /* None of these is sent when the connection is gone, and with it who asked. */
        if (result == 0)
                (void)sd_bus_reply_method_return(m, "uuu", imported->written, imported->measured,
                                                 imported->left_out);
        else if (result == -EMEDIUMTYPE)
                (void)bus_fail(&error, result, BUS_ERROR_INVALID_ARGUMENT,
                               "The history of this meter counts in another unit.");
        else
                (void)sd_bus_reply_method_errno(m, result, NULL);
        if (sd_bus_error_is_set(&error))
                (void)sd_bus_reply_method_error(m, &error);
        sd_bus_error_free(&error);
        sd_bus_message_unref(m);
}

static int import(struct bus *bus, sd_bus_message *m, const struct bus_history_import *import,
                  sd_bus_error *error)
{
        const char *meter = NULL;
        int r = meter_of(bus, m, &meter, error);

        if (r < 0)
                return r;
        if (!bus->requests->import_history)
                return bus_fail(error, -EOPNOTSUPP, BUS_ERROR_NOT_SUPPORTED,
                                "No history is kept: the configuration has [history] Keep=no.");
        sd_bus_message_ref(m);
        r = bus->requests->import_history(bus->userdata, meter, import, on_imported, m, error);
        if (r < 0)
                sd_bus_message_unref(m);
        return r < 0 ? r : 1; /* answered later */
}

static int run_import(struct bus *bus, sd_bus_message *m, sd_bus_error *error)
{
        OWNED_FREE struct bus_history_sample *samples =
                reallocarray(NULL, BUS_HISTORY_SAMPLES_MAX, sizeof(*samples));
        struct bus_history_import from = { .samples = samples, .interval_seconds = 900 };
        int replace = 0, r;
        const struct bus_option options[] = {
                { "interval", "u", "3600", &from.interval_seconds },
                { "replace", "b", "true", &replace },
        };

        if (!samples)
                return -ENOMEM;
        r = read_samples(m, samples, &from.n, error);
        if (r >= 0)
                r = bus_read_options(m, options, ELEMENTSOF(options), error);
        from.replace = replace != 0;
        return r < 0 ? r : import(bus, m, &from, error);
}

/* clang-format off */
static const struct bus_method methods[] = {
        METHOD("GetHistory", "ttua{sv}", "from\0to\0step\0options\0", "a(tdddd)", "steps\0", on_get_history),
        METHOD("GetCosts", "ttua{sv}", "from\0to\0step\0options\0", "a(tdd)s", "costs\0currency\0", on_get_costs),
        METHOD("GetGaps", "tta{sv}", "from\0to\0options\0", "a(tts)", "gaps\0", on_get_gaps),
        GUARDED("ImportHistory", "a(tddub)a{sv}", "samples\0options\0", "uuu", "written\0measured\0left_out\0",
                BUS_ACTION_MANAGE, run_import),
};
/* clang-format on */

const struct bus_interface bus_history_interface = {
        .name = BUS_INTERFACE_HISTORY,
        .below = BUS_PATH_METER,
        BUS_METHODS(methods),
};
