/* SPDX-License-Identifier: MIT */
#include "telegram-source.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/verb.h"
#include "ctl/view/output.h"

#define USEC_PER_SEC 1000000U
#define LIVE_MAX     (1 << 20)

static int read_live(int fd, uint64_t usec, uint8_t *bytes, size_t *n)
{
        uint64_t until = output_mono_usec() + usec;

        while (*n < LIVE_MAX) {
                struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
                uint64_t now = output_mono_usec();
                ssize_t got;

                if (now >= until)
                        return 0;
                if (poll(&poll_fd, 1, (int)((until - now + 999) / 1000)) < 0 && errno != EINTR)
                        return -errno;
                if (!poll_fd.revents)
                        continue;
                got = read(fd, bytes + *n, LIVE_MAX - *n);
                if (got < 0 && (errno == EAGAIN || errno == EINTR))
                        continue;
                if (got <= 0)
                        return got < 0 ? -errno : 0;
                *n += (size_t)got;
        }
        return 0;
}

/* The converter that a word means, also by a meter behind it. NULL after a word to the user. */
static struct json_object *find_converter(struct json_object *all, const char *word)
{
        struct json_object *meter = client_find_quietly(all, word);
        const char *converter = json_text(meter, "converter");

        return client_find_converter(all, *converter ? converter : word);
}

static int capture(sd_bus *bus, struct json_object *converter, uint64_t usec,
                   struct telegram_file *ret)
{
        OWNED_FREE uint8_t *bytes = malloc(LIVE_MAX);
        OWNED_FD int fd = -1;
        size_t n = 0;
        int r;

        if (!bytes)
                return output_fail("%s", strerror(ENOMEM));
        fd = client_capture(bus, json_text(converter, "object"));
        if (fd < 0)
                return EXIT_FAILED;
        if (!ctl_settings.json)
                fprintf(stderr, _("Listening for %u s …\n"),
                        (unsigned int)((usec + USEC_PER_SEC - 1) / USEC_PER_SEC));
        r = read_live(fd, usec, bytes, &n);
        if (r == 0)
                r = telegram_file_of((struct slice){ bytes, n }, ret);
        return r < 0 ? output_fail("%s", strerror(-r)) : EXIT_DONE;
}

static int capture_of(const char *word, uint64_t usec, struct telegram_file *ret,
                      struct json_object **ret_converter)
{
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *converters, *converter;
        int code;

        if (client_open(&bus) < 0 || client_fetch(bus, &all) < 0)
                return EXIT_FAILED;
        converters = json_member(all, "converters");
        if (!word && json_count(converters) != 1)
                return output_fail(_("there are %zu converters; which one?"),
                                   json_count(converters));
        converter = word ? find_converter(all, word) : json_object_array_get_idx(converters, 0);
        if (!converter)
                return EXIT_FAILED;
        code = capture(bus, converter, usec, ret);
        if (code == EXIT_DONE)
                *ret_converter = json_object_get(converter);
        return code;
}

int telegram_source_read(const char *source, uint64_t usec, struct telegram_file *ret,
                         struct json_object **ret_converter)
{
        bool device = strncmp(source, "/dev/", 5) == 0;
        bool live = device || (strcmp(source, "-") != 0 && access(source, F_OK) < 0);
        int r;

        *ret_converter = NULL;
        if (live && !device && strchr(source, '/'))
                return output_fail("%s: %s", source, strerror(ENOENT));
        if (live)
                return capture_of(source, usec, ret, ret_converter);
        r = telegram_file_read(source, ret);
        return r < 0 ? output_fail("%s: %s", source, strerror(-r)) : EXIT_DONE;
}

int telegram_source_read_only(uint64_t usec, struct telegram_file *ret,
                              struct json_object **ret_converter)
{
        *ret_converter = NULL;
        return capture_of(NULL, usec, ret, ret_converter);
}
