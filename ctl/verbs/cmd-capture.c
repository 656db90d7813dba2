/* SPDX-License-Identifier: MIT */
/*
 * smctl capture: the raw bytes of a line as they come, for `smctl decode` and for reports of
 * meters we cannot read yet. The service goes on reading meanwhile.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/hex.h"
#include "ctl/client/client.h"
#include "ctl/i18n.h"
#include "ctl/options.h"
#include "ctl/view/output.h"
#include "hex-lines.h"
#include "verb.h"

#define CHUNK_BYTES 4096

struct capture {
        const char *file; /* NULL: stdout */
        bool hex;
        uint64_t usec; /* 0: no limit */
        unsigned int bytes;
        FILE *out;
        uint64_t n_bytes;
        struct hex_lines lines;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
        interrupted = number;
}

static void write_json(const uint8_t *data, size_t n)
{
        OWNED(json) struct json_object *object = json_new_object();
        char hex[2 * CHUNK_BYTES + 1], time[OUTPUT_TEXT_MAX];

        json_set_text(object, "received", output_time_iso(output_now_usec(), time));
        json_set_text(object, "hex", hex_print(data, n, hex, sizeof(hex)));
        json_print_line(object);
}

static int write_chunk(struct capture *capture, const uint8_t *data, size_t n)
{
        capture->n_bytes += n;
        if (ctl_settings.json && !capture->file)
                write_json(data, n);
        else if (capture->hex)
                hex_lines_print(&capture->lines, capture->out, (struct slice){ data, n },
                                output_mono_usec(), output_now_usec());
        else
                (void)fwrite(data, 1, n, capture->out); /* asked below */
        return fflush(capture->out) != 0 ? -errno : 0;
}

static int wait_readable(int fd, uint64_t until_usec)
{
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        uint64_t now = output_now_usec();
        int timeout = -1;

        if (until_usec != 0)
                timeout = now >= until_usec ? 0 : (int)((until_usec - now + 999) / 1000);
        int r = poll(&poll_fd, 1, timeout);
        return r < 0 ? -errno : r;
}

/* Until a limit, Ctrl-C, or the end: the converter is gone or the service stops. */
static int copy(struct capture *capture, int fd)
{
        uint64_t until = capture->usec ? output_now_usec() + capture->usec : 0;
        uint8_t buf[CHUNK_BYTES];

        while (!interrupted) {
                size_t wanted = sizeof(buf);
                ssize_t n;
                int r;

                if (capture->bytes && capture->n_bytes >= capture->bytes)
                        return 0;
                if (capture->bytes)
                        wanted = MIN(wanted, (size_t)(capture->bytes - capture->n_bytes));
                r = wait_readable(fd, until);
                if (r == -EINTR)
                        continue;
                if (r <= 0)
                        return r;
                n = read(fd, buf, wanted);
                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                r = write_chunk(capture, buf, (size_t)n);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int run(struct capture *capture, const char *word)
{
        struct sigaction action = { .sa_handler = on_signal };
        OWNED(json) struct json_object *all = NULL;
        OWNED(bus) sd_bus *bus = NULL;
        struct json_object *converter;
        OWNED_FD int fd = -1;
        int r;

        if (client_open(&bus) < 0 || client_fetch_converter(bus, word, &all, &converter) < 0)
                return EXIT_FAILED;
        fd = client_capture(bus, json_text(converter, "object"));
        if (fd < 0)
                return EXIT_FAILED;
        capture->out = capture->file ? fopen(capture->file, "we") : stdout;
        if (!capture->out)
                return output_fail("%s: %s", capture->file, strerror(errno));
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
        r = copy(capture, fd);
        hex_lines_end(&capture->lines, capture->out);
        if (capture->file && fclose(capture->out) != 0 && r == 0)
                r = -errno;
        if (r < 0 && r != -EPIPE)
                return output_fail("%s: %s", capture->file ? capture->file : _("standard output"),
                                   strerror(-r));
        return EXIT_DONE;
}

static void report(const struct capture *capture)
{
        if (!capture->file)
                return;
        if (ctl_settings.json) {
                OWNED(json) struct json_object *object = json_new_object();

                json_set_text(object, "file", capture->file);
                json_set_number(object, "bytes", (int64_t)capture->n_bytes);
                json_print(object);
        } else {
                output_say(_("%llu bytes in %s\n"), (unsigned long long)capture->n_bytes,
                           capture->file);
        }
}

int cmd_capture(int argc, char **argv)
{
        struct capture capture = { 0 };
        const struct option_row rows[] = {
                { "output", 'o', OPTION_STRING, N_("FILE"), N_("write to FILE"), &capture.file },
                { "hex", 'x', OPTION_FLAG, NULL,
                  N_("write hex text; on a terminal it is always so"), &capture.hex },
                { "seconds", 's', OPTION_TIME, N_("N"), N_("stop after N seconds"), &capture.usec },
                { "bytes", 'b', OPTION_NUMBER, N_("N"), N_("stop after N bytes"), &capture.bytes },
        };
        const struct options options = {
                .rows = rows,
                .n_rows = ELEMENTSOF(rows),
                .about = N_("Goes on until Ctrl-C, a limit, or until the converter is unplugged. "
                            "A capture\ntells when someone was at home: mind whom you send it."),
                .min_arguments = 1,
                .max_arguments = 1,
        };
        int code, first;

        first = options_parse(&options, argc, argv);
        if (first <= 0)
                return options_exit(first);
        if (!capture.file && output_is_terminal())
                capture.hex = true;
        code = run(&capture, argv[first]);
        if (code == EXIT_DONE)
                report(&capture);
        return code;
}
