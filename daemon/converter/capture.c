/* SPDX-License-Identifier: MIT */
/* Live raw bytes of a line for Converter1.Capture: pipes that are written to, never waited for. */
#include <errno.h>
#include <fcntl.h>

#include "converter-private.h"

static void capture_close(struct capture *capture)
{
        capture->source = sd_event_source_disable_unref(capture->source);
        if (capture->fd >= 0)
                (void)close(capture->fd); /* nothing can be done about a failing close */
        capture->fd = -1;
}

/* The reader closed its end. */
static int on_closed(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        capture_close(userdata);
        return 0;
}

int capture_add(struct converter *c, int fd)
{
        OWNED_FD int owned = fd;
        struct capture *capture = NULL;
        int flags = fcntl(owned, F_GETFL), r;

        for (size_t i = 0; !capture && i < ELEMENTSOF(c->captures); i++)
                if (c->captures[i].fd < 0)
                        capture = &c->captures[i];
        if (!capture)
                return -EUSERS;
        if (flags < 0 || fcntl(owned, F_SETFL, flags | O_NONBLOCK) < 0)
                return -errno;
        capture->converter = c;
        /* no events asked for: EPOLLERR is always reported */
        r = sd_event_add_io(c->options.event, &capture->source, owned, 0, on_closed, capture);
        if (r < 0)
                return r;
        capture->fd = TAKE_FD(owned);
        return 0;
}

void capture_write(struct converter *c, struct slice bytes)
{
        for (size_t i = 0; i < ELEMENTSOF(c->captures); i++) {
                struct capture *capture = &c->captures[i];

                /* A reader that is too slow loses bytes: the line goes on without it. */
                if (capture->fd >= 0 && write(capture->fd, bytes.data, bytes.len) < 0 &&
                    errno != EAGAIN && errno != EINTR)
                        capture_close(capture);
        }
}

void capture_close_all(struct converter *c)
{
        for (size_t i = 0; i < ELEMENTSOF(c->captures); i++)
                capture_close(&c->captures[i]);
}
