/* SPDX-License-Identifier: MIT */
/*
 * A machine whose clock is set while it runs: the time of day is that of the system plus the
 * seconds in the file $CLOCK_SHIFT (a decimal number, read at each question). Monotonic time goes
 * on.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long shift(void)
{
        const char *path = getenv("CLOCK_SHIFT");
        char text[32] = "0";
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

        if (fd >= 0) {
                ssize_t n = read(fd, text, sizeof(text) - 1);

                text[n > 0 ? n : 0] = '\0';
                (void)close(fd);
        }
        return strtol(text, NULL, 10);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
        int (*real_clock_gettime)(clockid_t, struct timespec *) = NULL;
        int r;

        *(void **)&real_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
        r = real_clock_gettime(clock, ts);
        if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
                ts->tv_sec += shift();
        return r;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
        struct timespec ts;

        (void)zone;
        if (clock_gettime(CLOCK_REALTIME, &ts) < 0)
                return -1;
        *tv = (struct timeval){ .tv_sec = ts.tv_sec, .tv_usec = ts.tv_nsec / 1000 };
        return 0;
}

time_t time(time_t *to)
{
        struct timespec ts = { 0 };

        (void)clock_gettime(CLOCK_REALTIME, &ts);
        if (to)
                *to = ts.tv_sec;
        return ts.tv_sec;
}
