/* SPDX-License-Identifier: MIT */
/* A port in the loop: workers open, set and close it; here its bytes are read and unescaped. */
#include "port.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net.h"
#include "telnet.h"
#include "tty.h"
#include "worker.h"

/* The tty layer buffers 4 KiB (N_TTY_BUF_SIZE): one read empties it. */
#define PORT_READ_MAX 4096
/* At most this long without looking, however many bytes are still to come. */
#define PORT_HOLD_MAX_USEC (250 * 1000)
/* Below this, waking up for the bytes costs less than the timer. */
#define PORT_HOLD_MIN_USEC (8 * 1000)
/* A converter hands over a few bytes at a time; more at once, and it is no line of this pace. */
#define PORT_TRICKLE_BYTES 64
/* Healthy converters take some ms; a kernel driver waits 1 to 5 s for each answer of a dead one. */
#define PORT_LATE_USEC (2 * 1000000ULL)
/* Longer than the kernel waits for a dead device (worker.h): a longer open hangs elsewhere. */
#define PORT_LIMIT_USEC (45 * 1000000ULL)
/* A name server or a host that does not answer by then is asked again later. */
#define PORT_NET_LIMIT_USEC (30 * 1000000ULL)

/* All processes are looked through for another reader. The bytes come first: that there is one is
 * only of interest where none do. */
#define PORT_LOOK_USEC (1000000ULL)

/* A question is some words long. */
#define PORT_SEND_MAX 256

enum port_stage {
        PORT_CLOSED,
        PORT_OPENING, /* a worker opens it */
        PORT_OPEN,
        PORT_SETTING, /* open, and a worker sets another line: reading would wait for it */
        PORT_CLOSING, /* a worker closes it */
};

struct request {
        char devnode[PORT_NAME_MAX];
        struct serial_line line;
        enum port_manners manners;
        bool write;
};
static_assert(sizeof(struct request) <= WORKER_ARGUMENT_MAX, "a worker takes it");

struct port {
        sd_event *event; /* borrowed: lives as long as the daemon */
        enum port_stage stage;
        struct request request; /* of the port that is open or being opened */
        bool pending;           /* `next` is to be opened as soon as the closing is over */
        struct request next;
        int fd;
        struct worker *worker;
        sd_event_source *deferred;
        int deferred_error;
        struct serial_line line; /* wanted; request.line is what a worker sets meanwhile */
        const struct port_ops *ops;
        void *userdata;
        sd_event_source *source, *hold;
        struct port_statistics statistics;
        uint8_t mark; /* state of port_unescape() */
        bool marking; /* PARMRK is on: FF is doubled */
        bool telnets; /* commands stand between the bytes */
        struct telnet telnet;
        sd_event_source *look_timer;
        struct worker *look;
        struct holder reader; /* that has it open beside us */
        size_t expected;
        uint64_t burst_usec; /* when the bytes that are coming began to come */
        uint64_t last_usec;
        size_t burst_bytes, last_bytes;
        size_t chunk_bytes; /* how many the converter hands over at once, at most, of late */
        bool held;          /* what is read now has gathered while we slept */
};

size_t port_unescape(uint8_t *buf, size_t len, uint8_t *at_mark, uint64_t *line_errors)
{
        uint8_t state = *at_mark;
        size_t n = 0, i = 0;

        while (i < len) {
                if (state == 0) {
                        /* Marks are rare: what lies between them is moved as a whole. */
                        const uint8_t *mark = memchr(buf + i, 0xff, len - i);
                        size_t run = mark ? (size_t)(mark - buf) - i : len - i;

                        memmove(buf + n, buf + i, run);
                        n += run;
                        i += run + (mark != NULL);
                        state = mark != NULL;
                        continue;
                }
                if (state == 2) {
                        /* It keeps its place, so that no check sum and no text holds around it. */
                        buf[n++] = PORT_DAMAGED;
                        (*line_errors)++;
                        state = 0;
                } else {
                        state = buf[i] == 0 ? 2 : 0;
                        if (buf[i] != 0) /* FF FF; anything else cannot be, and is kept as it is */
                                buf[n++] = buf[i];
                }
                i++;
        }
        *at_mark = state;
        return n;
}

static uint64_t now_usec(struct port *port)
{
        uint64_t now = 0;

        /* fails only outside the loop's process */
        (void)sd_event_now(sd_event_source_get_event(port->source), CLOCK_MONOTONIC, &now);
        return now;
}

static uint64_t usec_of_bytes(const struct serial_line *line, size_t bytes)
{
        unsigned int bits = 1u + line->bits + (line->parity != PARITY_NONE) + line->stop;

        return line->baud ? (uint64_t)bytes * bits * 1000000 / line->baud : 0;
}

/* Are the bytes coming one by one, no faster than the line could carry them? */
static bool is_trickle(const struct port *port, uint64_t now)
{
        return port->last_bytes <= PORT_TRICKLE_BYTES && port->burst_bytes >= 4 &&
               now - port->burst_usec >= usec_of_bytes(&port->line, port->burst_bytes) / 2;
}

/* Stops waking up until shortly before the last byte that is needed can be here. */
static void hold(struct port *port)
{
        /* so many may be on their way through the converter already, and one more is being sent */
        size_t margin = port->chunk_bytes + 2;
        uint64_t now = now_usec(port), wait;

        if (port->expected <= margin || !is_trickle(port, now))
                return;
        wait = MIN(usec_of_bytes(&port->line, port->expected - margin), PORT_HOLD_MAX_USEC);
        if (wait < PORT_HOLD_MIN_USEC)
                return;
        if (sd_event_source_set_time(port->hold, now + wait) < 0 ||
            sd_event_source_set_enabled(port->hold, SD_EVENT_ONESHOT) < 0)
                return; /* then we wake up more often, nothing worse */
        (void)sd_event_source_set_io_events(port->source, 0); /* hang-ups are still reported */
        port->held = true;
}

static int on_hold_over(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct port *port = userdata;

        return sd_event_source_set_io_events(port->source, EPOLLIN);
}

static void account(struct port *port, size_t n)
{
        uint64_t now = now_usec(port);

        if (now - port->last_usec > 500 * 1000) { /* no telegram pauses that long inside a frame */
                port->burst_usec = now;
                port->burst_bytes = port->chunk_bytes = 0;
        } else {
                port->burst_bytes += n;
        }
        if (!port->held)
                port->chunk_bytes = MAX(n, port->chunk_bytes - MIN(port->chunk_bytes, (size_t)1));
        port->held = false;
        port->last_usec = now;
        port->last_bytes = n;
        port->expected = 0;
}

static void leave(struct port *port, int error)
{
        /* no further call comes, whatever else epoll has to say about this descriptor */
        (void)sd_event_source_set_enabled(port->source, SD_EVENT_OFF);
        (void)sd_event_source_set_enabled(port->hold, SD_EVENT_OFF);
        port->ops->gone(error, port->userdata);
}

static size_t take_commands(struct port *port, uint8_t *buf, size_t len)
{
        len = telnet_unescape(&port->telnet, buf, len);
        /* A peer that does not take an answer at once gets none: the data is not affected. */
        if (port->telnet.n_reply > 0)
                (void)send(port->fd, port->telnet.reply, port->telnet.n_reply,
                           MSG_DONTWAIT | MSG_NOSIGNAL);
        port->telnet.n_reply = 0;
        return len;
}

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct port *port = userdata;
        uint8_t buf[PORT_READ_MAX];
        ssize_t n;

        if (port->stage == PORT_SETTING) { /* only a hang-up is reported now */
                leave(port, 0);
                return 0;
        }
        n = read(fd, buf, sizeof(buf));
        port->statistics.wakeups++;
        if (n > 0) {
                size_t len = (size_t)n;

                account(port, len);
                if (port->marking)
                        len = port_unescape(buf, len, &port->mark, &port->statistics.line_errors);
                else if (port->telnets)
                        len = take_commands(port, buf, len);
                port->statistics.bytes += len;
                /* may close the port: touch nothing after this */
                port->ops->bytes((struct slice){ buf, len }, port->userdata);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR) ||
                   revents & (EPOLLHUP | EPOLLERR)) {
                leave(port, n < 0 ? errno : 0);
        }
        return 0;
}

static int watch(struct port *port)
{
        int r = sd_event_add_io(port->event, &port->source, port->fd, EPOLLIN, on_readable, port);

        if (r < 0)
                return r;
        r = sd_event_add_time(port->event, &port->hold, CLOCK_MONOTONIC, 0, 1000, on_hold_over,
                              port);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(port->source, "port"); /* for debugging only */
        (void)sd_event_source_set_description(port->hold, "port-hold");
        return sd_event_source_set_enabled(port->hold, SD_EVENT_OFF);
}

static void unwatch(struct port *port)
{
        port->source = sd_event_source_disable_unref(port->source);
        port->hold = sd_event_source_disable_unref(port->hold);
        port->deferred = sd_event_source_disable_unref(port->deferred);
        port->look_timer = sd_event_source_disable_unref(port->look_timer);
        port->look = worker_free(port->look);
}

/* What the workers do */

static void work_open(const void *argument, int fd, struct worker_result *result)
{
        const struct request *request = argument;
        int r;

        if (net_is_address(request->devnode)) {
                r = net_connect(request->devnode, &result->fd, &result->gai);
                if (r >= 0 && result->gai == 0 && !net_is_raw(request->devnode)) {
                        r = telnet_begin(result->fd);
                        if (r >= 0)
                                r = telnet_set_line(result->fd, &request->line);
                }
                result->error = result->gai ? ENXIO : -r;
                return;
        }
        if (request->manners == PORT_SHY)
                result->holder = holder_ask(request->devnode, false);
        if (result->holder.pid != 0) {
                result->error = EADDRINUSE;
                return;
        }
        r = tty_open(request->devnode, &request->line, request->write, &result->fd,
                     &result->marked);
        result->error = -r;
        if (r == -EBUSY)
                result->holder = holder_find(request->devnode);
}

static void work_look(const void *argument, int fd, struct worker_result *result)
{
        const struct request *request = argument;

        result->holder = holder_ask(request->devnode, true);
}

static void work_set(const void *argument, int fd, struct worker_result *result)
{
        const struct request *request = argument;

        if (net_is_address(request->devnode))
                result->error = -telnet_set_line(fd, &request->line);
        else
                result->error = -tty_set_line(fd, &request->line, &result->marked);
}

static void work_close(const void *argument, int fd, struct worker_result *result)
{
        (void)close(fd); /* nothing can be done about a failing close */
}

static void on_late(void *userdata)
{
        struct port *port = userdata;

        if (port->stage == PORT_CLOSING)
                return;
        port->ops->late(port->userdata);
}

/* A copy with nothing from the stack between its members: all of it is sent to the fork server. */
static void copy_request(const struct request *from, struct request *to)
{
        memset(to, 0, sizeof(*to));
        (void)snprintf(to->devnode, sizeof(to->devnode), "%s", from->devnode);
        to->line.baud = from->line.baud;
        to->line.bits = from->line.bits;
        to->line.parity = from->line.parity;
        to->line.stop = from->line.stop;
        to->manners = from->manners;
        to->write = from->write;
}

static void on_looked(const struct worker_result *result, void *userdata)
{
        struct port *port = userdata;

        port->look = worker_free(port->look);
        if (result->holder.pid == 0 || result->holder.pid == (uint32_t)getpid())
                return; /* the latter: within a debugger, which has another name */
        port->reader = result->holder;
        port->ops->shared(port->userdata);
}

static int on_look(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct port *port = userdata;
        struct request request;
        const struct worker_job job = {
                .name = "port-look",
                .work = work_look,
                .argument = &request,
                .argument_size = sizeof(request),
                .fd = -1,
                .limit_usec = PORT_LIMIT_USEC,
                .done = on_looked,
                .userdata = port,
        };

        copy_request(&port->request, &request);
        (void)worker_start(port->event, &job, &port->look); /* then none is named */
        return 0;
}

static int look_later(struct port *port)
{
        if (port->request.manners != PORT_LOOKS || net_is_address(port->request.devnode))
                return 0;
        return sd_event_add_time_relative(port->event, &port->look_timer, CLOCK_MONOTONIC,
                                          PORT_LOOK_USEC, PORT_LOOK_USEC / 2, on_look, port);
}

static int start_worker(struct port *port, const char *name,
                        void (*work)(const void *, int, struct worker_result *),
                        void (*done)(const struct worker_result *, void *))
{
        struct request request;
        const struct worker_job job = {
                .name = name,
                .work = work,
                .argument = &request,
                .argument_size = sizeof(request),
                .fd = port->fd,
                .takes_fd = port->stage == PORT_CLOSING,
                .late_usec = PORT_LATE_USEC,
                .limit_usec = net_is_address(port->request.devnode) ? PORT_NET_LIMIT_USEC
                                                                    : PORT_LIMIT_USEC,
                .late = on_late,
                .done = done,
                .userdata = port,
        };

        copy_request(&port->request, &request);
        return worker_start(port->event, &job, &port->worker);
}

static void fail(struct port *port, int error, const struct holder *holder)
{
        static const struct holder nobody;

        port->stage = PORT_CLOSED;
        port->ops->failed(error, holder ? holder : &nobody, port->userdata);
}

static void on_opened(const struct worker_result *result, void *userdata)
{
        struct port *port = userdata;
        int r;

        port->worker = worker_free(port->worker);
        if (result->error != 0) {
                fail(port, result->error, &result->holder);
                return;
        }
        port->fd = result->fd;
        port->reader = (struct holder){ 0 };
        port->telnets = net_is_address(port->request.devnode) && !net_is_raw(port->request.devnode);
        port->telnet = (struct telnet){ 0 };
        port->marking = result->marked;
        port->mark = 0;
        port->line = port->request.line;
        r = watch(port);
        if (r >= 0)
                r = look_later(port);
        if (r < 0) {
                unwatch(port);
                worker_close(TAKE_FD(port->fd));
                fail(port, -r, NULL);
                return;
        }
        port->stage = PORT_OPEN;
        port->ops->opened(port->userdata);
}

/* No process could be made: reported from the loop, as all else is. */
static int on_no_worker(sd_event_source *source, void *userdata)
{
        struct port *port = userdata;

        port->deferred = sd_event_source_disable_unref(port->deferred);
        if (port->stage == PORT_OPENING)
                fail(port, port->deferred_error, NULL);
        else if (port->stage == PORT_SETTING)
                leave(port, port->deferred_error);
        return 0;
}

static void defer_failure(struct port *port, int error)
{
        port->deferred_error = error;
        /* -ENOMEM: nothing is reported, and the converter is tried again when it is asked for */
        (void)sd_event_add_defer(port->event, &port->deferred, on_no_worker, port);
}

static void begin_open(struct port *port)
{
        int r;

        port->stage = PORT_OPENING;
        port->statistics = (struct port_statistics){ 0 };
        r = start_worker(port, "port-open", work_open, on_opened);
        if (r < 0)
                defer_failure(port, -r);
}

static void on_closed(const struct worker_result *result, void *userdata)
{
        struct port *port = userdata;

        port->worker = worker_free(port->worker);
        port->stage = PORT_CLOSED;
        if (!port->pending)
                return;
        port->pending = false;
        port->request = port->next;
        begin_open(port);
}

void port_open(struct port *port, const char *devnode, const struct serial_line *line,
               enum port_manners manners, bool write)
{
        struct request request = { .line = *line, .manners = manners, .write = write };

        (void)snprintf(request.devnode, sizeof(request.devnode), "%s", devnode);
        if (port->stage == PORT_CLOSING) {
                port->pending = true;
                port->next = request;
        } else if (port->stage == PORT_CLOSED) {
                port->request = request;
                begin_open(port);
        }
}

/* The borrower need not wait for the worker; neither call asks the device. */
static void unlock(int fd)
{
        (void)ioctl(fd, TIOCNXCL);
        (void)flock(fd, LOCK_UN);
}

void port_close(struct port *port)
{
        port->pending = false;
        if (port->stage == PORT_CLOSED || port->stage == PORT_CLOSING)
                return;
        unwatch(port);
        /* What an abandoned worker opens is closed with the worker. */
        port->worker = worker_free(port->worker);
        port->stage = PORT_CLOSED;
        if (port->fd < 0)
                return;
        port->stage = PORT_CLOSING;
        unlock(port->fd);
        if (start_worker(port, "port-close", work_close, on_closed) < 0) {
                port->stage = PORT_CLOSED;
                worker_close(port->fd);
        }
        port->fd = -1;
}

static void begin_set(struct port *port);

static void on_set(const struct worker_result *result, void *userdata)
{
        struct port *port = userdata;
        bool again;

        port->worker = worker_free(port->worker);
        port->stage = PORT_OPEN;
        if (result->error != 0) {
                leave(port, result->error);
                return;
        }
        again = !serial_line_equal(&port->request.line, &port->line);
        port->telnet = (struct telnet){ 0 };
        port->marking = result->marked;
        port->mark = 0;
        if (again) {
                begin_set(port);
                return;
        }
        (void)sd_event_source_set_io_events(port->source, EPOLLIN);
        port->ops->opened(port->userdata);
}

static void begin_set(struct port *port)
{
        int r;

        (void)sd_event_source_set_io_events(port->source, 0); /* hang-ups are still reported */
        (void)sd_event_source_set_enabled(port->hold, SD_EVENT_OFF);
        port->request.line = port->line;
        port->stage = PORT_SETTING;
        r = start_worker(port, "port-line", work_set, on_set);
        if (r < 0)
                defer_failure(port, -r);
}

void port_set_line(struct port *port, const struct serial_line *line)
{
        if (!port_is_open(port) || serial_line_equal(&port->line, line))
                return;
        if (net_is_raw(port->request.devnode)) /* the bridge knows its line */
                return;
        port->line = *line;
        if (port->stage == PORT_OPEN)
                begin_set(port);
}

int port_send(struct port *port, struct slice bytes)
{
        uint8_t escaped[PORT_SEND_MAX];
        ssize_t n;

        if (port->stage != PORT_OPEN || !port->request.write)
                return -EPERM;
        if (port->telnets) {
                n = (ssize_t)telnet_escape(bytes, escaped, sizeof(escaped));
                if (n == 0)
                        return -EMSGSIZE;
                bytes = (struct slice){ escaped, (size_t)n };
        }
        /* SIGPIPE is ignored: a bridge that has gone is an error as any other. */
        n = write(port->fd, bytes.data, bytes.len);
        if (n < 0)
                return -errno;
        return (size_t)n == bytes.len ? 0 : -EAGAIN;
}

const struct holder *port_reader(const struct port *port)
{
        return &port->reader;
}

bool port_is_open(const struct port *port)
{
        return port->stage == PORT_OPEN || port->stage == PORT_SETTING;
}

bool port_is_under_way(const struct port *port)
{
        return port->stage == PORT_OPENING || port->stage == PORT_SETTING || port->pending;
}

void port_expect(struct port *port, size_t bytes)
{
        port->expected = bytes;
        if (port->stage == PORT_OPEN)
                hold(port);
}

const struct port_statistics *port_statistics_get(const struct port *port)
{
        return &port->statistics;
}

int port_new(sd_event *event, const struct port_ops *ops, void *userdata, struct port **ret)
{
        struct port *port = calloc(1, sizeof(*port));

        if (!port)
                return -ENOMEM;
        port->event = event;
        port->fd = -1;
        port->ops = ops;
        port->userdata = userdata;
        *ret = port;
        return 0;
}

struct port *port_free(struct port *port)
{
        if (!port)
                return NULL;
        unwatch(port);
        port->worker = worker_free(port->worker);
        if (port->fd >= 0) {
                unlock(port->fd);
                worker_close(port->fd);
        }
        free(port);
        return NULL;
}
