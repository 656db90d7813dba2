/* SPDX-License-Identifier: MIT */
/* A tty that is listened to: opening order, line settings, PARMRK, hang-up. */
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include <libserialport.h>

/* The tty layer buffers 4 KiB (N_TTY_BUF_SIZE): one read empties it. */
#define PORT_READ_MAX 4096
/* At most this long without looking, however many bytes are still to come. */
#define PORT_HOLD_MAX_USEC (250 * 1000)
/* Below this, waking up for the bytes costs less than the timer. */
#define PORT_HOLD_MIN_USEC (8 * 1000)
/* A converter hands over a few bytes at a time; more at once, and it is no line of this pace. */
#define PORT_TRICKLE_BYTES 64

/* UNIX98 pseudo terminals (the kernel's devices.txt). */
#define PTY_MAJOR_FIRST 136
#define PTY_MAJOR_LAST  143

struct port {
        struct sp_port *serial; /* NULL: plain termios on fd */
        int fd;                 /* owned when serial is NULL */
        struct serial_line line;
        const struct port_ops *ops;
        void *userdata;
        sd_event_source *source, *hold;
        struct port_statistics statistics;
        uint8_t mark; /* state of port_unescape() */
        bool marking; /* PARMRK is on: FF is doubled */
        size_t expected;
        uint64_t burst_usec; /* when the bytes that are coming began to come */
        uint64_t last_usec;
        size_t burst_bytes, last_bytes;
        size_t chunk_bytes; /* how many the converter hands over at once, at most, of late */
        bool held;          /* what is read now has gathered while we slept */
};

size_t port_unescape(uint8_t *buf, size_t len, uint8_t *at_mark, uint64_t *line_errors)
{
        size_t n = 0, i = 0;

        while (i < len) {
                if (*at_mark == 0) {
                        /* Marks are rare: what lies between them is moved as a whole. */
                        const uint8_t *mark = memchr(buf + i, 0xff, len - i);
                        size_t run = mark ? (size_t)(mark - buf) - i : len - i;

                        memmove(buf + n, buf + i, run);
                        n += run;
                        i += run + (mark != NULL);
                        *at_mark = mark != NULL;
                        continue;
                }
                if (*at_mark == 2) {
                        (*line_errors)++;
                        *at_mark = 0;
                } else {
                        *at_mark = buf[i] == 0 ? 2 : 0;
                        if (buf[i] != 0) /* FF FF; anything else cannot be, and is kept as it is */
                                buf[n++] = buf[i];
                }
                i++;
        }
        return n;
}

static speed_t speed_of(uint32_t baud)
{
        static const struct {
                uint32_t baud;
                speed_t speed;
        } speeds[] = {
                { 300, B300 },     { 600, B600 },       { 1200, B1200 },     { 2400, B2400 },
                { 4800, B4800 },   { 9600, B9600 },     { 19200, B19200 },   { 38400, B38400 },
                { 57600, B57600 }, { 115200, B115200 }, { 230400, B230400 },
        };

        for (size_t i = 0; i < ELEMENTSOF(speeds); i++)
                if (speeds[i].baud == baud)
                        return speeds[i].speed;
        return B0;
}

static int set_termios(int fd, const struct serial_line *line)
{
        struct termios t;
        speed_t speed = speed_of(line->baud);

        if (speed == B0)
                return -EINVAL;
        if (tcgetattr(fd, &t) < 0)
                return -errno;
        cfmakeraw(&t);
        t.c_cflag &= ~(tcflag_t)(CSIZE | PARENB | PARODD | CSTOPB | CRTSCTS);
        t.c_cflag |= line->bits == 7 ? CS7 : CS8;
        if (line->parity != PARITY_NONE)
                t.c_cflag |= line->parity == PARITY_ODD ? PARENB | PARODD : PARENB;
        if (line->stop == 2)
                t.c_cflag |= CSTOPB;
        if (cfsetspeed(&t, speed) < 0 || tcsetattr(fd, TCSANOW, &t) < 0)
                return -errno;
        return 0;
}

static int errno_of_sp(enum sp_return r)
{
        switch (r) {
        case SP_OK:
                return 0;
        case SP_ERR_ARG:
                return -EINVAL;
        case SP_ERR_MEM:
                return -ENOMEM;
        case SP_ERR_SUPP:
                return -EOPNOTSUPP;
        case SP_ERR_FAIL:
                break;
        }
        return sp_last_error_code() > 0 ? -sp_last_error_code() : -EIO;
}

/* One sp_set_config(): a PL2303 loses bytes each time its line is set, even to the same. */
static int set_serial(struct sp_port *serial, const struct serial_line *line)
{
        static const enum sp_parity parities[] = {
                [PARITY_NONE] = SP_PARITY_NONE,
                [PARITY_EVEN] = SP_PARITY_EVEN,
                [PARITY_ODD] = SP_PARITY_ODD,
        };
        struct sp_port_config *config;
        enum sp_return r = sp_new_config(&config);

        if (r != SP_OK)
                return errno_of_sp(r);
        (void)sp_set_config_baudrate(config, (int)line->baud); /* these only fill in the struct */
        (void)sp_set_config_bits(config, line->bits);
        (void)sp_set_config_parity(config, parities[line->parity]);
        (void)sp_set_config_stopbits(config, line->stop);
        (void)sp_set_config_flowcontrol(config, SP_FLOWCONTROL_NONE);
        r = sp_set_config(serial, config);
        int error = errno_of_sp(r);
        sp_free_config(config);
        return error;
}

/*
 * What libserialport does not set: damaged bytes are marked and counted, not passed for good ones;
 * modem lines are ignored and left alone on close; a wake-up per byte at most.
 */
static int set_listening(struct port *port)
{
        struct termios t;

        if (tcgetattr(port->fd, &t) < 0)
                return -errno;
        t.c_iflag &= ~(tcflag_t)(IGNPAR | IGNBRK | BRKINT | ISTRIP | IXON | IXOFF);
        t.c_iflag |= INPCK | PARMRK;
        t.c_cflag |= CLOCAL | CREAD;
        t.c_cflag &= ~(tcflag_t)HUPCL;
        t.c_cc[VMIN] = 1;
        t.c_cc[VTIME] = 0;
        if (tcsetattr(port->fd, TCSANOW, &t) < 0 || tcgetattr(port->fd, &t) < 0)
                return -errno;
        port->marking = t.c_iflag & PARMRK; /* tcsetattr succeeds when any of it was done */
        return 0;
}

static int apply_line(struct port *port, const struct serial_line *line)
{
        int r = port->serial ? set_serial(port->serial, line) : set_termios(port->fd, line);

        if (r < 0)
                return r;
        port->line = *line;
        return set_listening(port);
}

/*
 * flock first: it tells the programs that cooperate; TIOCEXCL then keeps out the others. Not on a
 * pty: its flag outlives us as long as the other end is open, and after a crash nobody but root
 * could open it again.
 */
static int lock(int fd)
{
        struct stat st;

        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        if (fstat(fd, &st) == 0 && major(st.st_rdev) >= PTY_MAJOR_FIRST &&
            major(st.st_rdev) <= PTY_MAJOR_LAST)
                return 0;
        if (ioctl(fd, TIOCEXCL) < 0 && errno != ENOTTY && errno != EINVAL)
                return -errno;
        return 0;
}

/*
 * A tty that was never opened echoes, as a terminal does: what the meter sends would go back to it
 * at a wrong speed until sp_open() gets to turn that off, and we are never to transmit (DESIGN §3).
 * The line's settings stay as they are: a PL2303 loses bytes when they are set.
 */
static int stop_echo(int fd)
{
        struct termios t;

        if (tcgetattr(fd, &t) <
            0) /* what is no tty echoes nothing; other trouble comes again below */
                return 0;
        if (!(t.c_lflag & (ECHO | ECHONL)))
                return 0;
        t.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
        return tcsetattr(fd, TCSANOW, &t) < 0 ? -errno : 0;
}

/*
 * sp_open() changes settings before anyone could lock, which would disturb the one who holds the
 * port: so a look first, with a descriptor of our own. (libserialport 0.1.2 takes the same lock on
 * its descriptor: ours must be gone from it by then.)
 */
static int open_plain(const char *devnode, int *ret)
{
        OWNED_FD int fd = open(devnode, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;
        r = stop_echo(fd);
        if (r < 0)
                return r;
        *ret = TAKE_FD(fd);
        return 0;
}

static int open_serial(struct port *port, const char *devnode)
{
        struct sp_port *serial;
        int r;

        if (sp_get_port_by_name(devnode, &serial) != SP_OK)
                return -ENOTTY; /* no serial hardware: nothing of that name in /sys/class/tty */
        r = errno_of_sp(sp_open(serial, SP_MODE_READ));
        if (r < 0) {
                sp_free_port(serial);
                return r;
        }
        port->serial = serial;
        return errno_of_sp(sp_get_port_handle(serial, &port->fd));
}

static int open_device(struct port *port, const char *devnode)
{
        OWNED_FD int fd = -1;
        int r = open_plain(devnode, &fd);

        if (r < 0)
                return r;
        (void)flock(fd, LOCK_UN); /* cannot fail for a lock that is held */
        r = open_serial(port, devnode);
        if (r < 0 && r != -ENOTTY && r != -EINVAL && r != -EOPNOTSUPP)
                return r;
        if (r < 0)
                port->fd = TAKE_FD(fd);
        return lock(port->fd);
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
        (void)sd_event_source_set_io_events(port->source, 0); /* hang-ups are still told */
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

static int on_readable(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct port *port = userdata;
        uint8_t buf[PORT_READ_MAX];
        ssize_t n = read(fd, buf, sizeof(buf));

        port->statistics.wakeups++;
        if (n > 0) {
                size_t len = (size_t)n;

                account(port, len);
                if (port->marking)
                        len = port_unescape(buf, len, &port->mark, &port->statistics.line_errors);
                port->statistics.bytes += len;
                /* may free the port: touch nothing after this */
                port->ops->bytes((struct slice){ buf, len }, port->userdata);
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR) ||
                   revents & (EPOLLHUP | EPOLLERR)) {
                leave(port, n < 0 ? errno : 0);
        }
        return 0;
}

static int watch(struct port *port, sd_event *event)
{
        int r = sd_event_add_io(event, &port->source, port->fd, EPOLLIN, on_readable, port);

        if (r < 0)
                return r;
        r = sd_event_add_time(event, &port->hold, CLOCK_MONOTONIC, 0, 1000, on_hold_over, port);
        if (r < 0)
                return r;
        (void)sd_event_source_set_description(port->source, "port"); /* for debugging only */
        (void)sd_event_source_set_description(port->hold, "port-hold");
        return sd_event_source_set_enabled(port->hold, SD_EVENT_OFF);
}

int port_open(sd_event *event, const char *devnode, const struct serial_line *line,
              const struct port_ops *ops, void *userdata, struct port **ret)
{
        OWNED(port) struct port *port = calloc(1, sizeof(*port));
        int r;

        if (!port)
                return -ENOMEM;
        port->fd = -1;
        port->ops = ops;
        port->userdata = userdata;
        r = open_device(port, devnode);
        if (r < 0)
                return r;
        r = apply_line(port, line);
        if (r < 0)
                return r;
        r = watch(port, event);
        if (r < 0)
                return r;

        *ret = TAKE(port);
        return 0;
}

int port_set_line(struct port *port, const struct serial_line *line)
{
        int r;

        if (serial_line_equal(&port->line, line))
                return 0;
        r = apply_line(port, line);
        if (r < 0)
                return r;
        (void)tcflush(port->fd, TCIFLUSH); /* what was read at the old line would only confuse */
        port->mark = 0;
        return 0;
}

void port_expect(struct port *port, size_t bytes)
{
        port->expected = bytes;
        hold(port);
}

const struct port_statistics *port_statistics_get(const struct port *port)
{
        return &port->statistics;
}

struct port *port_free(struct port *port)
{
        if (!port)
                return NULL;
        sd_event_source_disable_unref(port->source);
        sd_event_source_disable_unref(port->hold);
        if (port->serial) {
                (void)sp_close(port->serial); /* nothing can be done about a failing close */
                sp_free_port(port->serial);
        } else if (port->fd >= 0) {
                (void)close(port->fd);
        }
        free(port);
        return NULL;
}
