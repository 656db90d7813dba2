/* SPDX-License-Identifier: MIT */
/* Opening order, locks, line settings, and what a tty must not do while it is listened to. */
#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include <libserialport.h>

#include "base/util.h"

/* UNIX98 pseudo terminals (the kernel's devices.txt). */
#define PTY_MAJOR_FIRST 136
#define PTY_MAJOR_LAST  143

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
static int set_listening(int fd, bool *ret_marked)
{
        struct termios t;

        if (tcgetattr(fd, &t) < 0)
                return -errno;
        t.c_iflag &= ~(tcflag_t)(IGNPAR | IGNBRK | BRKINT | ISTRIP | IXON | IXOFF);
        t.c_iflag |= INPCK | PARMRK;
        t.c_cflag |= CLOCAL | CREAD;
        t.c_cflag &= ~(tcflag_t)HUPCL;
        t.c_cc[VMIN] = 1;
        t.c_cc[VTIME] = 0;
        if (tcsetattr(fd, TCSANOW, &t) < 0 || tcgetattr(fd, &t) < 0)
                return -errno;
        *ret_marked = t.c_iflag & PARMRK; /* tcsetattr succeeds when any of it was done */
        return 0;
}

/*
 * flock first: it keeps out the programs that cooperate; TIOCEXCL then keeps out the others. Not on
 * a pty: its flag outlives us as long as the other end is open, and after a crash only root could
 * open it again.
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
 * at a wrong speed until sp_open() gets to turn that off, and we are never to transmit.
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
static int open_plain(const char *devnode, bool write, int *ret)
{
        OWNED_FD int fd =
                open(devnode, (write ? O_RDWR : O_RDONLY) | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
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

/* The descriptor outlives libserialport's struct: the worker hands it to the loop. */
static int open_serial(const char *devnode, const struct serial_line *line, bool write, int *ret)
{
        struct sp_port *serial;
        OWNED_FD int fd = -1;
        int r;

        if (sp_get_port_by_name(devnode, &serial) != SP_OK)
                return -ENOTTY; /* no serial hardware: nothing of that name in /sys/class/tty */
        r = errno_of_sp(sp_open(serial, write ? SP_MODE_READ_WRITE : SP_MODE_READ));
        if (r >= 0)
                r = errno_of_sp(sp_get_port_handle(serial, &fd));
        if (r >= 0)
                r = set_serial(serial, line);
        sp_free_port(serial);
        if (r < 0)
                return r;
        *ret = TAKE_FD(fd);
        return 0;
}

int tty_open(const char *devnode, const struct serial_line *line, bool write, int *ret_fd,
             bool *ret_marked)
{
        OWNED_FD int plain = -1, fd = -1;
        int r = open_plain(devnode, write, &plain);

        if (r < 0)
                return r;
        (void)flock(plain, LOCK_UN); /* cannot fail for a lock that is held */
        r = open_serial(devnode, line, write, &fd);
        if (r < 0 && r != -ENOTTY && r != -EINVAL && r != -EOPNOTSUPP)
                return r;
        if (r < 0) {
                fd = TAKE_FD(plain);
                r = set_termios(fd, line);
                if (r < 0)
                        return r;
        }
        r = lock(fd);
        if (r >= 0)
                r = set_listening(fd, ret_marked);
        if (r < 0)
                return r;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

int tty_set_line(int fd, const struct serial_line *line, bool *ret_marked)
{
        int r = set_termios(fd, line);

        if (r >= 0)
                r = set_listening(fd, ret_marked);
        if (r >= 0)
                (void)tcflush(fd, TCIFLUSH); /* bytes read at the old line would only confuse */
        return r;
}
