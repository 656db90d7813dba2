/* SPDX-License-Identifier: MIT */
/* The life of a converter: allowed or not, opened, closed, tried again, lent. */
#include "converter.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/usbdevice_fs.h>

#include "converter-private.h"
#include "daemon/holder.h"
#include "daemon/log.h"

#define USEC             UINT64_C(1000000)
#define BACKOFF_MIN_USEC (100 * 1000ULL)
#define BACKOFF_MAX_USEC (30 * USEC)
/* So often plugged and gone without a byte, within a minute: a loose plug or a failing hub. */
#define FLAPS_MAX           20
#define FLAPS_WINDOW_USEC   (60 * USEC)
#define FLAPS_BACKOFF_USEC  USEC
#define TIMER_ACCURACY_USEC 1000
#define STORE_DELAY_USEC    (USEC / 5)

static const char *const state_names[] = {
        [CONVERTER_IGNORED] = "ignored",     [CONVERTER_WAITING] = "waiting",
        [CONVERTER_DENIED] = "denied",       [CONVERTER_BUSY] = "busy",
        [CONVERTER_DETECTING] = "detecting", [CONVERTER_RECEIVING] = "receiving",
        [CONVERTER_SILENT] = "silent",       [CONVERTER_NO_METER] = "no-meter",
        [CONVERTER_INHIBITED] = "inhibited", [CONVERTER_GONE] = "gone",
};

const char *converter_state_name(enum converter_state state)
{
        return state_names[state];
}

uint64_t converter_now(const struct converter *c)
{
        uint64_t now = 0;

        (void)sd_event_now(c->options.event, CLOCK_MONOTONIC, &now); /* fails only after a fork */
        return now;
}

static void log_state(const struct converter *c)
{
        const sd_id128_t id = LOG_ID_CONVERTER_STATE;
        bool trouble = c->state == CONVERTER_DENIED || c->state == CONVERTER_BUSY ||
                       c->state == CONVERTER_SILENT || c->state == CONVERTER_NO_METER;
        const struct log_about about = { .converter = c->id,
                                         .port = c->view.device,
                                         .message_id = &id };

        log_about(trouble ? LOG_WARNING : LOG_INFO, &about, "%s: %s", c->view.state,
                  c->view.reason);
}

void converter_set_state(struct converter *c, enum converter_state state, const char *format, ...)
{
        bool changed = state != c->state;
        va_list ap;

        va_start(ap, format);
        (void)vsnprintf(c->view.reason, sizeof(c->view.reason), format, ap);
        va_end(ap);
        c->state = state;
        c->view.state = state_names[state];
        if (state != CONVERTER_BUSY)
                c->view.holder_pid = 0;
        if (changed)
                log_state(c);
        converter_update_view(c);
        c->options.ops->changed(c, c->options.userdata);
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
        r = store_learn_converter(c->options.store, &c->learned);
        if (r < 0) {
                const struct log_about about = { .converter = c->id, .error = -r };

                log_about(LOG_WARNING, &about, "its settings cannot be remembered: %s",
                          strerror(-r));
        }
}

static void load_learned(struct converter *c)
{
        c->learned = (struct store_converter){ 0 };
        /* not known, or no memory at all: then it is learned anew */
        if (store_find_converter(c->options.store, c->id, &c->learned) <= 0)
                c->learned = (struct store_converter){ 0 };
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct converter *c = userdata;
        uint64_t now = converter_now(c);

        c->armed_usec = 0;
        if (c->retry_usec != 0 && now >= c->retry_usec) {
                c->retry_usec = 0;
                converter_try_open(c);
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

void converter_retry_later(struct converter *c)
{
        uint64_t jitter = converter_now(c) % (c->backoff_usec / 4 + 1);

        c->retry_usec = converter_now(c) + c->backoff_usec + jitter;
        c->backoff_usec = MIN(2 * c->backoff_usec, BACKOFF_MAX_USEC);
        converter_arm(c);
}

void converter_close(struct converter *c)
{
        const struct port_statistics *s;

        if (!c->port)
                return;
        s = port_statistics_get(c->port);
        c->totals.line_errors += s->line_errors;
        c->totals.wakeups += s->wakeups;
        c->port = port_free(c->port);
        c->gap_usec = 0;
        c->in_burst = false;
        decoder_reset(c->decoder); /* half a telegram has no second half any more */
        c->options.ops->lost(c, c->options.userdata);
}

static const char *devnode(const struct converter *c)
{
        return *c->path ? c->path : c->device.devnode;
}

static void show_busy(struct converter *c)
{
        struct holder holder = holder_find(devnode(c));

        c->view.holder_pid = holder.pid;
        if (holder.pid != 0)
                converter_set_state(c, CONVERTER_BUSY, "held by %s (pid %" PRIu32 ")",
                                    *holder.name ? holder.name : "a process", holder.pid);
        else
                converter_set_state(c, CONVERTER_BUSY, "held by a process we may not see");
}

static void open_failed(struct converter *c, int error)
{
        if (error == EBUSY)
                show_busy(c);
        else if (error == EACCES)
                converter_set_state(c, CONVERTER_DENIED,
                                    "no permission to open %s: is the service in its group?",
                                    devnode(c));
        else if (error == EPERM) /* DevicePolicy=closed; modes and groups give EACCES */
                converter_set_state(c, CONVERTER_DENIED,
                                    "the sandbox of the unit does not allow %s: it needs a "
                                    "DeviceAllow= (systemctl edit smartmeterd)",
                                    devnode(c));
        else
                converter_set_state(c, CONVERTER_WAITING, "cannot open %s: %s", devnode(c),
                                    strerror(error));
        converter_retry_later(c);
}

static const struct inhibitor *first_inhibitor(const struct converter *c)
{
        for (size_t i = 0; i < ELEMENTSOF(c->inhibitors); i++)
                if (c->inhibitors[i].cookie != 0)
                        return &c->inhibitors[i];
        return NULL;
}

/* Says in which state a converter is that must not be open now; true when there is such a reason.
 */
static bool must_stay_closed(struct converter *c)
{
        const struct inhibitor *inhibitor = first_inhibitor(c);

        if (!c->plugged && !*c->path) {
                converter_set_state(c, CONVERTER_GONE, "unplugged");
        } else if (!c->allowed) {
                c->view.line[0] = '\0';
                converter_set_state(c, CONVERTER_IGNORED, "%s", c->why_not);
        } else if (inhibitor) {
                converter_set_state(c, CONVERTER_INHIBITED, "%s", inhibitor->text);
        } else if (*c->path && access(c->path, F_OK) < 0) {
                converter_set_state(c, CONVERTER_WAITING, "%s is not there", c->path);
        } else {
                return false;
        }
        c->retry_usec = 0;
        return true;
}

void converter_try_open(struct converter *c)
{
        int r;

        if (c->port || must_stay_closed(c))
                return;
        c->retry_usec = 0;
        r = converter_data_prepare(c);
        if (r >= 0)
                r = port_open(c->options.event, devnode(c), line_sweep_get(&c->sweep),
                              &converter_port_ops, c, &c->port);
        if (r < 0) {
                open_failed(c, -r);
                return;
        }
        c->totals.opens++;
        converter_data_opened(c);
        converter_arm(c);
}

static void close_for(struct converter *c)
{
        converter_close(c);
        (void)must_stay_closed(c);
}

/* Does the section ask for the same line and profile as what the port was opened with? */
static bool asks_the_same(const struct converter *c, const struct config_converter *config)
{
        bool fixed = config && !config->line_auto;

        return c->fixed == fixed && c->profile == (config ? config->profile : NULL) &&
               (!fixed || serial_line_equal(&c->fixed_line, &config->line));
}

void converter_configure(struct converter *c, const struct config_converter *config, bool allowed,
                         const char *why)
{
        bool same = asks_the_same(c, config);

        c->config = config;
        c->fixed = config && !config->line_auto;
        c->profile = config ? config->profile : NULL;
        if (c->fixed)
                c->fixed_line = config->line;
        c->allowed = allowed;
        (void)snprintf(c->why_not, sizeof(c->why_not), "%s", why ? why : "");
        if (!allowed) {
                close_for(c);
                return;
        }
        if (same && (c->port || c->state == CONVERTER_NO_METER))
                return;
        converter_close(c);
        c->backoff_usec = BACKOFF_MIN_USEC;
        converter_try_open(c);
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

static void show_device(struct converter *c)
{
        const struct hotplug_device *d = &c->device;

        (void)snprintf(c->view.device, sizeof(c->view.device), "%s", d->devnode);
        (void)snprintf(c->view.vendor, sizeof(c->view.vendor), "%s", d->vendor);
        (void)snprintf(c->view.product, sizeof(c->view.product), "%s", d->product);
        (void)snprintf(c->view.serial, sizeof(c->view.serial), "%s", d->serial);
        (void)snprintf(c->view.path, sizeof(c->view.path), "%s", d->path);
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
        if (c->port && again)
                return; /* "change": what is open stays open */
        if (!again) {
                c->generation = ++generations;
                converter_close(c);
        }
        c->plugged = true;
        c->backoff_usec = BACKOFF_MIN_USEC;
        if (again && c->state == CONVERTER_NO_METER)
                return;
        if (!again && c->allowed && is_flapping(c)) {
                converter_set_state(
                        c, CONVERTER_WAITING,
                        "plugged %u times in a minute without a byte: a loose plug or a "
                        "failing hub?",
                        c->flaps);
                c->retry_usec = converter_now(c) + c->backoff_usec;
                converter_arm(c);
                return;
        }
        converter_try_open(c);
}

void converter_unplugged(struct converter *c)
{
        if (!c->plugged)
                return;
        c->plugged = false;
        c->totals.unplugs++;
        if (!silence_outlives_unplug(&c->silence, converter_now(c)))
                silence_forget(&c->silence);
        c->view.device[0] = '\0';
        c->view.line[0] = '\0';
        close_for(c);
}

static void on_path_changed(void *userdata)
{
        struct converter *c = userdata;

        if (c->port) /* a link may point elsewhere now; the port itself tells when it hangs up */
                return;
        c->backoff_usec = BACKOFF_MIN_USEC;
        if (c->state != CONVERTER_NO_METER || access(c->path, F_OK) < 0)
                converter_try_open(c);
}

int converter_await(struct converter *c, const char *path)
{
        static const char prefix[] = "/";

        if (strncmp(path, prefix, 1) != 0 || strlen(path) >= sizeof(c->path))
                return -EINVAL;
        (void)snprintf(c->path, sizeof(c->path), "%s", path);
        (void)snprintf(c->view.device, sizeof(c->view.device), "%s", path);
        (void)snprintf(c->view.path, sizeof(c->view.path), "%s", path);
        return device_watch_new(c->options.event, path, on_path_changed, c, &c->watch);
}

int converter_usb_reset(struct converter *c)
{
        struct log_about about = { .converter = c->id };
        OWNED_FD int fd = -1;
        int r;

        if (!*c->device.usb_node)
                return -ENODEV;
        fd = open(c->device.usb_node, O_WRONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : 0;
        c->silence.reset_usec = converter_now(c);
        if (r >= 0) {
                /* The driver must not meet an open tty; the call takes the bus's 50 ms and more,
                 * which is accepted for a converter that has been dead for minutes. */
                converter_close(c);
                r = ioctl(fd, USBDEVFS_RESET, 0) < 0 ? -errno : 0;
                c->totals.usb_resets++;
                c->retry_usec = converter_now(c) + BACKOFF_MIN_USEC;
                converter_set_state(c, CONVERTER_WAITING, "USB reset");
                converter_arm(c);
        }
        about.error = r < 0 ? -r : 0;
        log_about(LOG_NOTICE, &about, "USB reset of %s: %s", c->device.usb_node,
                  r < 0 ? strerror(-r) : "done");
        return r;
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
        c->state = CONVERTER_GONE;
        c->view.id = c->id;
        c->view.state = state_names[c->state];
        c->view.profile = "";
        c->view.meter_ids = no_meters;
        c->backoff_usec = BACKOFF_MIN_USEC;
        load_learned(c);
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
        c->decoder = decoder_free(c->decoder);
        free(c);
        return NULL;
}

int converter_rename(struct converter *c, const char *id)
{
        write_learned(c);
        (void)snprintf(c->id, sizeof(c->id), "%s", id);
        load_learned(c);
        return 0;
}
