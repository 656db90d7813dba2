/* SPDX-License-Identifier: MIT */
#include "play.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* How much may leave at once: a USB converter delivers every 1 to 16 ms. */
#define CHUNK_USEC 10000

int64_t sim_play_now_usec(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail for this clock */
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Atomically, so that whoever waits for the name never sees half of it. Only a link is replaced: a
 * file or a device of this name is not ours. */
static int make_link(const char *target, const char *link)
{
        char temporary[SIM_PATH_MAX];
        int n = snprintf(temporary, sizeof(temporary), "%s.%ld", link, (long)getpid());
        struct stat st;

        if (lstat(link, &st) == 0 && !S_ISLNK(st.st_mode))
                return -EEXIST;
        if (n < 0 || (size_t)n >= sizeof(temporary))
                return -ENAMETOOLONG;
        (void)unlink(temporary); /* left by one that was killed */
        if (symlink(target, temporary) < 0)
                return -errno;
        if (rename(temporary, link) < 0) {
                int r = -errno;

                (void)unlink(temporary);
                return r;
        }
        return 0;
}

static int open_master(struct sim_play *play)
{
        struct termios raw;
        int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        if (grantpt(fd) < 0 || unlockpt(fd) < 0 ||
            ptsname_r(fd, play->slave, sizeof(play->slave)) != 0 || tcgetattr(fd, &raw) < 0) {
                int r = -errno;

                (void)close(fd);
                return r;
        }
        /* On the master this sets the slave: no echo, no line ends changed. */
        cfmakeraw(&raw);
        (void)tcsetattr(fd, TCSANOW, &raw); /* a reader sets its own anyway */
        play->fd = fd;
        play->is_pty = true;
        return 0;
}

/*
 * Opens and closes the slave: from then on the master has POLLHUP while nothing listens; and bytes
 * that the last listener left unread are gone, as they are from a converter's buffer.
 */
static void flush_slave(struct sim_play *play)
{
        int fd = open(play->slave, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

        if (fd < 0)
                return; /* then bytes pile up to the kernel's limit and are dropped there */
        (void)tcflush(fd, TCIFLUSH);
        (void)close(fd);
}

int sim_play_plug(struct sim_play *play)
{
        int r = open_master(play);

        if (r < 0)
                return r;
        flush_slave(play);
        play->listened = false;
        if (!play->link)
                return 0;
        r = make_link(play->slave, play->link);
        if (r < 0)
                sim_play_unplug(play);
        return r;
}

/* Only our own link: someone may have put another thing there. */
static void remove_link(const struct sim_play *play)
{
        char target[SIM_PATH_MAX];
        ssize_t n = readlink(play->link, target, sizeof(target) - 1);

        if (n < 0)
                return;
        target[n] = '\0';
        if (strcmp(target, play->slave) == 0)
                (void)unlink(play->link);
}

void sim_play_unplug(struct sim_play *play)
{
        if (play->fd < 0 || !play->is_pty)
                return;
        if (play->link)
                remove_link(play);
        (void)close(play->fd);
        play->fd = -1;
}

int sim_play_wait_until(struct sim_play *play, int64_t usec)
{
        for (;;) {
                int64_t left = usec - sim_play_now_usec();
                struct timespec timeout = { 0 };

                if (left > 0)
                        timeout = (struct timespec){ .tv_sec = (time_t)(left / 1000000),
                                                     .tv_nsec = (long)(left % 1000000) * 1000 };
                if (ppoll(NULL, 0, &timeout, &play->wait_mask) < 0 && errno != EINTR)
                        return -errno;
                if (play->interrupted && play->interrupted(play->userdata))
                        return -EINTR;
                if (sim_play_now_usec() >= usec)
                        return 0;
        }
}

static bool is_listened(struct sim_play *play)
{
        struct pollfd pollfd = { .fd = play->fd };
        bool listened = poll(&pollfd, 1, 0) >= 0 && !(pollfd.revents & POLLHUP);

        if (play->listened && !listened)
                flush_slave(play);
        play->listened = listened;
        return listened;
}

/* How long it takes to see that a listener has come. */
#define LISTENER_USEC 20000

/* Waits for bytes, or until that time; -EINTR as in sim_play_wait_until(). */
static int wait_bytes(struct sim_play *play, int64_t until_usec)
{
        int64_t left = until_usec - sim_play_now_usec();
        struct pollfd pollfd = { .fd = play->fd, .events = POLLIN };
        struct timespec timeout = { 0 };

        if (left > 0)
                timeout = (struct timespec){ .tv_sec = (time_t)(left / 1000000),
                                             .tv_nsec = (long)(left % 1000000) * 1000 };
        if (ppoll(&pollfd, 1, &timeout, &play->wait_mask) < 0 && errno != EINTR)
                return -errno;
        return play->interrupted && play->interrupted(play->userdata) ? -EINTR : 0;
}

ssize_t sim_play_receive(struct sim_play *play, uint8_t *buf, size_t size, int64_t until_usec)
{
        for (;;) {
                int64_t now = sim_play_now_usec();
                bool was_listened = play->listened;
                ssize_t n = -1;
                int r;

                if (is_listened(play)) {
                        n = read(play->fd, buf, size);
                        r = n > 0 ? 0 : wait_bytes(play, until_usec);
                } else if (was_listened) {
                        return 0;
                } else {
                        r = sim_play_wait_until(play, now + LISTENER_USEC < until_usec
                                                              ? now + LISTENER_USEC
                                                              : until_usec);
                }
                if (n > 0 || r < 0)
                        return n > 0 ? n : r;
                if (sim_play_now_usec() >= until_usec)
                        return 0;
        }
}

unsigned int sim_play_listener_baud(const struct sim_play *play)
{
        static const struct {
                speed_t code;
                unsigned int baud;
        } speeds[] = {
                { B300, 300 },   { B600, 600 },   { B1200, 1200 },   { B2400, 2400 },
                { B4800, 4800 }, { B9600, 9600 }, { B19200, 19200 },
        };
        struct termios settings;

        if (play->fd < 0 || tcgetattr(play->fd, &settings) < 0)
                return 0;
        for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
                if (speeds[i].code == cfgetospeed(&settings))
                        return speeds[i].baud;
        return 0;
}

/* A converter's transmitter takes no backpressure: bytes that do not fit are lost. */
static int write_chunk(struct sim_play *play, const uint8_t *data, size_t len)
{
        if (play->fd < 0 || (play->is_pty && !is_listened(play))) {
                play->lost_bytes += len;
                return 0;
        }
        while (len > 0) {
                ssize_t n = write(play->fd, data, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && !play->is_pty)
                        return -errno;
                if (n <= 0) {
                        play->lost_bytes += len;
                        return 0;
                }
                play->sent_bytes += (uint64_t)n;
                data += n;
                len -= (size_t)n;
        }
        return 0;
}

static void damage(struct sim_play *play, uint8_t *data, size_t len)
{
        for (size_t i = 0; i < len; i++) {
                uint64_t dice = sim_load_hash(play->damage_state++, 61, 0);

                if (dice % 1000000 >= play->damage_per_million)
                        continue;
                data[i] ^= (uint8_t)(1U << (dice >> 32 & 7));
                play->damaged_bytes++;
        }
}

int sim_play_send(struct sim_play *play, const uint8_t *data, size_t len)
{
        int64_t start = sim_play_now_usec();
        uint8_t bytes[SIM_OUT_MAX];
        int r;

        if (len > sizeof(bytes))
                return -EMSGSIZE;
        memcpy(bytes, data, len);
        if (play->damage_per_million > 0)
                damage(play, bytes, len);
        if (play->fast)
                return write_chunk(play, bytes, len);

        for (size_t at = 0; at < len;) {
                int64_t due = sim_play_now_usec() + CHUNK_USEC - start;
                size_t n = (size_t)(due * play->line.baud / 1000000 /
                                    sim_line_bits_per_byte(&play->line));

                /* A byte is there when its stop bit has passed. */
                n = n > len ? len : n > at ? n : at + 1;
                r = sim_play_wait_until(play, start + sim_line_usec(&play->line, n));
                if (r < 0)
                        return r;
                r = write_chunk(play, bytes + at, n - at);
                if (r < 0)
                        return r;
                at = n;
        }
        return 0;
}
