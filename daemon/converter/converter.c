/* SPDX-License-Identifier: MIT */
/* The life of a converter: allowed or not, opened, closed, tried again, lent. Its states and what
 * follows from an event stand in machine.c. */
#include "converter.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "converter-private.h"
#include "net.h"

#define USEC             UINT64_C(1000000)
#define BACKOFF_MAX_USEC (30 * USEC)
/* So often plugged and gone without a byte, within a minute: a loose plug or a failing hub. */
#define FLAPS_MAX           20
#define FLAPS_WINDOW_USEC   (60 * USEC)
#define FLAPS_BACKOFF_USEC  USEC
#define TIMER_ACCURACY_USEC 1000
#define STORE_DELAY_USEC    (USEC / 5)
/* A device that did not answer is not asked again at once: each attempt takes up to 40 s. */
#define SLOW_BACKOFF_MIN_USEC (60 * USEC)
#define SLOW_BACKOFF_MAX_USEC (600 * USEC)
/* A USB reset that has not ended by then will not. */
#define RESET_LIMIT_USEC (30 * USEC)

uint64_t converter_now(const struct converter *c)
{
        uint64_t now = 0;

        (void)sd_event_now(c->options.event, CLOCK_MONOTONIC, &now); /* fails only after a fork */
        return now;
}

/* Once per change: repeated attempts are not logged each time. */
static void log_state(struct converter *c)
{
        const struct log_about *about = LOG_CONVERTER(c, .message_id = &LOG_ID_CONVERTER_STATE);

        if (c->state ==
            CONVERTER_RECEIVING) /* why telegrams cannot be read is said with the meter */
                log_about(LOG_INFO, about, "receiving telegrams at %s", c->view.line);
        else
                log_about(machine_is_trouble(c->state) ? LOG_WARNING : LOG_INFO, about, "%s: %s",
                          c->view.state, c->view.reason);
        c->logged = c->state;
}

/* One row per identity; called when what was learned changed, never in steady state. Written a
 * moment later: line, profile and meter come with the same telegram, which is not to wait. */
void converter_store(struct converter *c)
{
        if (c->store_usec == 0)
                c->store_usec = converter_now(c) + STORE_DELAY_USEC;
        converter_arm(c);
}

static void write_learned(struct converter *c)
{
        int r;

        if (c->store_usec == 0)
                return;
        c->store_usec = 0;
        (void)snprintf(c->learned.identity, sizeof(c->learned.identity), "%s", c->id);
        (void)snprintf(c->learned.socket, sizeof(c->learned.socket), "%s", c->device.path);
        r = store_learn_converter(c->options.store, &c->learned);
        if (r < 0)
                log_about(LOG_WARNING, LOG_CONVERTER(c, .error = -r),
                          "its settings cannot be remembered: %s", strerror(-r));
}

static void load_learned(struct converter *c)
{
        c->learned = (struct store_converter){ 0 };
        /* not known, or no memory at all: then it is learned anew */
        if (store_find_converter(c->options.store, c->id, &c->learned) <= 0)
                c->learned = (struct store_converter){ 0 };
}

void converter_recall(struct converter *c)
{
        if (!*c->learned.identity && c->store_usec == 0)
                load_learned(c);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct converter *c = userdata;
        uint64_t now = converter_now(c);

        c->armed_usec = 0;
        if (c->retry_usec != 0 && now >= c->retry_usec) {
                c->retry_usec = 0;
                converter_look(c);
        }
        if (c->store_usec != 0 && now >= c->store_usec)
                write_learned(c);
        converter_data_tick(c, now);
        converter_arm(c);
        return 0;
}

/* Sets the timer only when something is due earlier than it stands: no system call per byte. */
void converter_arm(struct converter *c)
{
        uint64_t now = converter_now(c), at = converter_data_deadline(c, now);

        if (c->retry_usec != 0)
                at = MIN(at, c->retry_usec);
        if (c->store_usec != 0)
                at = MIN(at, c->store_usec);
        if (at == UINT64_MAX || (c->armed_usec != 0 && c->armed_usec <= at))
                return;
        if (sd_event_source_set_time(c->timer, at) < 0 ||
            sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT) < 0)
                return; /* only in a forked child */
        c->armed_usec = at;
}

static void retry_later(struct converter *c)
{
        uint64_t jitter = converter_now(c) % (c->backoff_usec / 4 + 1);
        uint64_t longest = c->slow ? SLOW_BACKOFF_MAX_USEC : BACKOFF_MAX_USEC;

        /* Each attempt at a device that does not answer keeps the USB bus busy for long. */
        if (c->slow)
                c->backoff_usec = MAX(c->backoff_usec, SLOW_BACKOFF_MIN_USEC);
        c->retry_usec = converter_now(c) + c->backoff_usec + jitter;
        c->backoff_usec = MIN(2 * c->backoff_usec, longest);
        converter_arm(c);
}

static void close_port(struct converter *c)
{
        const struct port_statistics *s = port_statistics_get(c->port);

        port_close(c->port);
        if (!c->listening)
                return;
        c->listening = false;
        c->totals.line_errors += s->line_errors;
        c->totals.wakeups += s->wakeups;
        c->gap_usec = 0;
        c->in_burst = false;
        decoder_reset(c->decoder); /* half a telegram has no second half any more */
        c->options.ops->lost(c, c->options.userdata);
}

static const char *devnode(const struct converter *c)
{
        return *c->path ? c->path : c->device.devnode;
}

/* A converter that was never asked for nor opened is not taken from a program that has it open. A
 * board's UART, on the other hand, often has a second reader: the login prompt. */
static enum port_manners manners_of(const struct converter *c)
{
        const struct store_converter *l = &c->learned;

        if (*c->path)
                return PORT_LOOKS;
        return c->config || l->adopted || l->has_line || *l->meter_id ? PORT_TAKES : PORT_SHY;
}

static void open_port(struct converter *c)
{
        c->retry_usec = 0;
        c->slow = false;
        if (converter_data_prepare(c) < 0) /* only for want of memory */
                retry_later(c);
        else
                port_open(c->port, devnode(c), line_sweep_get(&c->sweep), manners_of(c), c->ask);
}

static void begin_reset(struct converter *c)
{
        int r;

        close_port(c);
        r = converter_usb_reset(c);
        c->retry_usec = converter_now(c) + (r < 0 ? CONVERTER_BACKOFF_MIN_USEC : RESET_LIMIT_USEC);
        converter_arm(c);
}

static void act(struct converter *c, enum machine_action action)
{
        switch (action) {
        case MACHINE_NOTHING:
                break;
        case MACHINE_OPEN:
                open_port(c);
                break;
        case MACHINE_CLOSE:
                c->retry_usec = 0;
                close_port(c);
                break;
        case MACHINE_RETRY:
                close_port(c);
                retry_later(c);
                break;
        case MACHINE_REOPEN:
                close_port(c);
                open_port(c);
                break;
        case MACHINE_LISTEN:
                converter_data_listen(c);
                break;
        case MACHINE_NEXT_LINE:
                converter_data_next_line(c);
                break;
        case MACHINE_SWEEP:
                converter_data_sweep(c);
                break;
        case MACHINE_RESUME:
                converter_data_resume(c);
                break;
        case MACHINE_RESET:
                begin_reset(c);
                break;
        }
}

static bool is_retried(enum converter_state state)
{
        return state == CONVERTER_BUSY || state == CONVERTER_DENIED || state == CONVERTER_WAITING;
}

static bool begins_to_listen(enum machine_action action)
{
        return action == MACHINE_LISTEN || action == MACHINE_NEXT_LINE || action == MACHINE_SWEEP;
}

static void add_reason(struct converter *c, const char *format, ...)
        __attribute__((format(printf, 2, 3)));
static void add_reason(struct converter *c, const char *format, ...)
{
        size_t n = strlen(c->view.reason);
        va_list ap;

        if (n > 0)
                n += (size_t)snprintf(c->view.reason + n, sizeof(c->view.reason) - n, "; ");
        n = MIN(n, sizeof(c->view.reason) - 1);
        va_start(ap, format);
        (void)vsnprintf(c->view.reason + n, sizeof(c->view.reason) - n, format, ap);
        va_end(ap);
}

/* While no telegram comes, a second reader is why: it takes the bytes. True when it is shown. */
static bool add_reader(struct converter *c)
{
        const struct holder *reader = port_reader(c->port);

        if (reader->pid == 0 || (c->state != CONVERTER_DETECTING && c->state != CONVERTER_SILENT &&
                                 c->state != CONVERTER_NO_METER))
                return false;
        c->view.code = "second-reader";
        add_reason(c, "%s reads this port, too (pid %u%s%s)",
                   *reader->name ? reader->name : "a process", reader->pid,
                   *reader->unit ? ", " : "", reader->unit);
        c->view.holder_pid = reader->pid;
        (void)snprintf(c->view.holder_unit, sizeof(c->view.holder_unit), "%s", reader->unit);
        return true;
}

void converter_report(struct converter *c, enum machine_event event, const char *code,
                      const char *format, ...)
{
        struct machine_step step;
        enum converter_state before = c->state;
        va_list ap;

        if (!machine_next(before, event, &step))
                return;
        if (event == MACHINE_MAY_OPEN && is_retried(before)) {
                c->state = step.state; /* why it waits is shown until another answer comes */
                act(c, step.action);
                return;
        }
        if (!machine_is_open(step.state))
                c->view.line[0] = '\0';
        act(c, step.action);
        va_start(ap, format);
        (void)vsnprintf(c->view.reason, sizeof(c->view.reason), format, ap);
        va_end(ap);
        c->state = step.state;
        c->view.code = code;
        c->view.state = converter_state_name(step.state);
        if (begins_to_listen(step.action)) {
                if (port_is_under_way(c->port))
                        return; /* said when the line is set: on_opened() */
                add_reason(c, "listening at %s", c->view.line);
        }
        if (step.state != CONVERTER_BUSY) {
                c->view.holder_pid = 0;
                c->view.holder_unit[0] = '\0';
        }
        (void)add_reader(c); /* with or without one, the rest is reported */
        if (step.state != c->logged && step.state != CONVERTER_OPENING)
                log_state(c);
        converter_arm(c);
        converter_update_view(c);
        c->options.ops->changed(c, c->options.userdata);
}

static const struct inhibitor *first_inhibitor(const struct converter *c)
{
        for (size_t i = 0; c->inhibitors && i < CONVERTER_INHIBITORS_MAX; i++)
                if (c->inhibitors[i].cookie != 0)
                        return &c->inhibitors[i];
        return NULL;
}

/* Not by access(2), which says EPERM of a device that is there but closed by the sandbox. */
static bool is_there(const char *path)
{
        struct stat file;

        return stat(path, &file) == 0;
}

void converter_look(struct converter *c)
{
        const struct inhibitor *inhibitor = first_inhibitor(c);

        if (c->held_back)
                return;
        if (!c->plugged && !*c->path)
                converter_report(c, MACHINE_UNPLUGGED, "unplugged", "unplugged");
        else if (c->ban.code)
                converter_report(c, MACHINE_FORBIDDEN, c->ban.code, "%s", c->ban.why);
        else if (inhibitor)
                converter_report(c, MACHINE_LENT, "lent", "%s", inhibitor->text);
        else if (*c->path && !net_is_address(c->path) && !c->listening && !is_there(c->path))
                converter_report(c, MACHINE_ABSENT, "not-there", "%s is not there", c->path);
        else if (!port_is_under_way(c->port))
                converter_report(c, MACHINE_MAY_OPEN, "opening", "opening %s", devnode(c));
}

/* The port's answers */

/* Announced once per report of the state; each reader is logged once. */
static void announce_reader(struct converter *c)
{
        uint32_t reader = port_reader(c->port)->pid;

        if (strcmp(c->view.code, "second-reader") == 0 || !add_reader(c))
                return;
        if (reader != c->logged_reader)
                log_state(c);
        c->logged_reader = reader;
        converter_update_view(c);
        c->options.ops->changed(c, c->options.userdata);
}

static void on_shared(void *userdata)
{
        struct converter *c = userdata;

        if (!port_is_under_way(c->port)) /* else on_opened() says it */
                announce_reader(c);
}

static void on_opened(void *userdata)
{
        struct converter *c = userdata;

        char why[sizeof(c->view.reason)] = "";

        if (c->ask && c->listening) { /* another line was set */
                converter_ask_line_set(c);
                announce_reader(c);
                return;
        }

        if (c->listening && c->state == CONVERTER_DETECTING) /* another line was set */
                (void)snprintf(why, sizeof(why), "%s", c->view.reason);
        converter_report(c, MACHINE_OPENED, *why ? c->view.code : "listening", "%s", why);
}

static void on_late(void *userdata)
{
        struct converter *c = userdata;

        if (net_is_address(c->path)) {
                converter_report(c, MACHINE_LATE, "no-answer", "%s does not answer yet", c->path);
                return;
        }
        c->slow = true;
        converter_report(c, MACHINE_LATE, "no-usb-answer",
                         "%s does not answer over USB: replug the converter if it stays so",
                         devnode(c));
}

static void report_held(struct converter *c, const struct holder *holder)
{
        if (holder->pid != 0)
                converter_report(c, MACHINE_HELD, "held-by-process", "held by %s (pid %u%s%s)",
                                 *holder->name ? holder->name : "a process", holder->pid,
                                 *holder->unit ? ", " : "", holder->unit);
        else
                converter_report(c, MACHINE_HELD, "held-by-process",
                                 "held by a process we may not see");
        c->view.holder_pid = holder->pid;
        (void)snprintf(c->view.holder_unit, sizeof(c->view.holder_unit), "%s", holder->unit);
        c->options.ops->changed(c, c->options.userdata);
}

static void report_unreachable(struct converter *c, int error)
{
        if (error == ECONNREFUSED)
                converter_report(c, MACHINE_FAILED, "nothing-listens", "nothing listens at %s",
                                 c->path);
        else if (error == ENXIO)
                converter_report(c, MACHINE_FAILED, "no-such-host",
                                 "the name in %s is not known: look at DNS, or write the address",
                                 c->path);
        else if (error == EPROTONOSUPPORT)
                converter_report(c, MACHINE_FAILED, "no-rfc2217",
                                 "%s answers, but does not let its line be set (RFC 2217): write "
                                 "tcp:// and set the line there",
                                 c->path);
        else
                converter_report(c, MACHINE_FAILED, "no-answer", "%s does not answer: %s", c->path,
                                 strerror(error));
}

/* It is remembered, so that a start before that program changes nothing. */
void converter_refuse(struct converter *c, const char *code, const char *why)
{
        (void)snprintf(c->learned.refused, sizeof(c->learned.refused), "%s", code);
        c->trial.on = false;
        converter_store(c);
        c->ban = (struct converter_ban){ code, why };
}

static void report_in_use(struct converter *c, const struct holder *holder)
{
        converter_report(c, MACHINE_IN_USE, "in-use",
                         "in use by %s, pid %u%s%s; `smctl adopt` it if there is a meter behind it",
                         *holder->name ? holder->name : "another program", holder->pid,
                         *holder->unit ? ", unit " : "", holder->unit);
        converter_refuse(c, "in-use",
                         "another program used it when it was first seen; `smctl adopt` it if "
                         "there is a meter behind it");
        c->view.holder_pid = holder->pid;
        (void)snprintf(c->view.holder_unit, sizeof(c->view.holder_unit), "%s", holder->unit);
        c->options.ops->changed(c, c->options.userdata);
}

static void on_failed(int error, const struct holder *holder, void *userdata)
{
        struct converter *c = userdata;

        if (net_is_address(c->path))
                report_unreachable(c, error);
        else if (error == EBUSY)
                report_held(c, holder);
        else if (error == EADDRINUSE)
                report_in_use(c, holder);
        else if (error == EACCES)
                converter_report(c, MACHINE_DENIED, "no-permission",
                                 "no permission to open %s: is the service in its group?",
                                 devnode(c));
        else if (error == EPERM) /* DevicePolicy=closed; modes and groups give EACCES */
                converter_report(c, MACHINE_DENIED, "sandbox",
                                 "the sandbox of the unit does not allow %s: it needs a "
                                 "DeviceAllow= (systemctl edit smartmeterd)",
                                 devnode(c));
        else if (error == ENOTTY || error == EISDIR)
                converter_report(c, MACHINE_FAILED, "no-port",
                                 "%s is no serial port, but a file, a folder or another device of "
                                 "that name",
                                 devnode(c));
        else if (c->slow)
                converter_report(c, MACHINE_FAILED, "no-usb-answer",
                                 "%s does not answer over USB (%s): replug the converter",
                                 devnode(c), strerror(error));
        else
                converter_report(c, MACHINE_FAILED, "cannot-open", "cannot open %s: %s", devnode(c),
                                 strerror(error));
}

static const struct port_ops port_callbacks = {
        on_opened, on_failed, on_shared, on_late, converter_data_bytes, converter_data_gone,
};

/* Profile= of the section; NULL: none is given. */
static const struct meter_profile *asked_profile(const struct converter *c,
                                                 const struct config_converter *config)
{
        return config && config->profile && c->options.profiles
                       ? profile_set_find(c->options.profiles, config->profile)
                       : NULL;
}

/* Does the section ask for the same line and profile as what the port was opened with? */
static bool asks_the_same(const struct converter *c, const struct config_converter *config)
{
        bool fixed = config && !config->line.automatic;

        return c->fixed == fixed && c->profile == asked_profile(c, config) &&
               (!fixed || serial_line_equal(&c->fixed_line, &config->line.line));
}

void converter_configure(struct converter *c, const struct config_converter *config,
                         struct converter_ban ban)
{
        bool same = asks_the_same(c, config);

        same = converter_ask_configure(c, config) && same;
        c->config = config;
        c->fixed = config && !config->line.automatic;
        c->profile = asked_profile(c, config);
        if (c->fixed)
                c->fixed_line = config->line.line;
        c->ban = ban;
        c->backoff_usec = CONVERTER_BACKOFF_MIN_USEC;
        if (!ban.code && !same)
                converter_report(c, MACHINE_CHANGED, "opening", "opening %s", devnode(c));
        converter_look(c);
}

/* Plugged and gone again and again without a byte in between: then not at once. */
static bool is_flapping(struct converter *c)
{
        uint64_t now = converter_now(c);

        if (now - c->flap_usec > FLAPS_WINDOW_USEC) {
                c->flap_usec = now;
                c->flaps = 0;
        }
        if (++c->flaps < FLAPS_MAX)
                return false;
        c->backoff_usec =
                MIN(FLAPS_BACKOFF_USEC << MIN(c->flaps - FLAPS_MAX, 5u), BACKOFF_MAX_USEC);
        return true;
}

static void show_flapping(struct converter *c)
{
        uint64_t at = converter_now(c) + c->backoff_usec;

        converter_report(c, MACHINE_FLAPPING, "flapping",
                         "plugged %u times in a minute without a byte: a loose plug or a failing "
                         "hub?",
                         c->flaps);
        c->retry_usec = at;
        converter_arm(c);
}

static void show_device(struct converter *c)
{
        const struct hotplug_device *d = &c->device;

        (void)snprintf(c->view.device, sizeof(c->view.device), "%s", d->devnode);
        (void)snprintf(c->view.vendor, sizeof(c->view.vendor), "%s", d->vendor);
        (void)snprintf(c->view.product, sizeof(c->view.product), "%s", d->product);
        (void)snprintf(c->view.serial, sizeof(c->view.serial), "%s", d->serial);
        (void)snprintf(c->view.socket, sizeof(c->view.socket), "%s", d->path);
        (void)snprintf(c->view.driver, sizeof(c->view.driver), "%s", d->driver);
        c->view.vendor_id = d->vendor_id;
        c->view.product_id = d->product_id;
}

void converter_plugged(struct converter *c, const struct hotplug_device *device)
{
        static uint64_t generations;
        bool again = c->plugged && strcmp(c->device.syspath, device->syspath) == 0;

        c->device = *device;
        show_device(c);
        if (!again) {
                c->generation = ++generations;
                if (c->plugged) { /* closes what was open under another name */
                        c->plugged = false;
                        converter_look(c);
                }
        }
        c->plugged = true;
        c->backoff_usec = CONVERTER_BACKOFF_MIN_USEC;
        if (!again && !c->ban.code && is_flapping(c))
                show_flapping(c);
        else
                converter_look(c); /* a "change" leaves open what is open */
}

void converter_unplugged(struct converter *c)
{
        if (!c->plugged)
                return;
        c->plugged = false;
        c->trial.on = false;
        c->totals.unplugs++;
        write_learned(c); /* it may come back in another socket at once */
        if (!silence_outlives_unplug(&c->silence, converter_now(c)))
                silence_forget(&c->silence);
        c->view.device[0] = '\0';
        converter_look(c);
}

static void on_path_changed(void *userdata)
{
        struct converter *c = userdata;

        if (c->listening) /* a link may point elsewhere now; the port itself reports a hang-up */
                return;
        c->backoff_usec = CONVERTER_BACKOFF_MIN_USEC;
        converter_look(c);
}

int converter_await(struct converter *c, const char *path)
{
        static const char prefix[] = "/";

        if ((strncmp(path, prefix, 1) != 0 && !net_is_address(path)) ||
            strlen(path) >= sizeof(c->path))
                return -EINVAL;
        (void)snprintf(c->path, sizeof(c->path), "%s", path);
        (void)snprintf(c->view.device, sizeof(c->view.device), "%s", path);
        (void)snprintf(c->view.socket, sizeof(c->view.socket), "%s", path);
        if (net_is_address(path))
                return 0;
        return device_watch_new(c->options.event, path, on_path_changed, c, &c->watch);
}

int converter_new(const struct converter_options *options, const char *id, struct converter **ret)
{
        static const char *const no_meters[] = { NULL };
        OWNED(converter) struct converter *c = calloc(1, sizeof(*c));
        int r;

        if (!c)
                return -ENOMEM;
        c->options = *options;
        for (size_t i = 0; i < ELEMENTSOF(c->captures); i++)
                c->captures[i].fd = -1;
        (void)snprintf(c->id, sizeof(c->id), "%s", id);
        c->state = c->logged = CONVERTER_GONE;
        c->view.id = c->id;
        c->view.state = converter_state_name(c->state);
        c->view.code = "unplugged";
        c->view.framing = "";
        c->view.profile = "";
        c->view.meter_ids = no_meters;
        c->backoff_usec = CONVERTER_BACKOFF_MIN_USEC;
        load_learned(c);
        r = port_new(options->event, &port_callbacks, c, &c->port);
        if (r < 0)
                return r;
        r = sd_event_add_time(options->event, &c->timer, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC,
                              on_timer, c);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(c->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(c->timer, "converter"); /* for debugging only */
        converter_update_view(c);

        *ret = TAKE(c);
        return 0;
}

struct converter *converter_free(struct converter *c)
{
        if (!c)
                return NULL;
        write_learned(c);
        sd_event_source_disable_unref(c->timer);
        c->watch = device_watch_free(c->watch);
        capture_close_all(c);
        c->port = port_free(c->port);
        c->reset = worker_free(c->reset);
        c->decoder = decoder_free(c->decoder);
        c->ask = ask_free(c->ask);
        free(c->inhibitors);
        free(c);
        return NULL;
}

void converter_rename(struct converter *c, const char *id)
{
        const struct store_converter before = c->learned;
        bool own = !*before.socket || strcmp(before.socket, c->device.path) == 0;

        write_learned(c);
        (void)snprintf(c->id, sizeof(c->id), "%s", id);
        load_learned(c);
        if (!own || *c->learned.identity)
                return;
        c->learned = before;
        converter_store(c);
}

void converter_hold_back(struct converter *c, bool hold)
{
        bool was = c->held_back;

        c->held_back = hold;
        if (was && !hold)
                converter_look(c);
}
