/* SPDX-License-Identifier: MIT */
/*
 * Lines go to the journal as fields when stderr is the journal's own stream (systemd.exec(5),
 * JOURNAL_STREAM), else to stderr. May be called from the MQTT worker too, hence the atomics.
 */
#include "log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "util.h"

#define LOG_MESSAGE_MAX 1024 /* a sentence with a path and an id in it */
#define LOG_FIELD_MAX   256  /* "SMARTMETER_CONVERTER=" and the longest identity */
#define LOG_FIELDS_MAX  12

#define LOG_JOURNAL_SOCKET "/run/systemd/journal/socket"

enum log_target {
        LOG_TARGET_CONSOLE,
        LOG_TARGET_JOURNAL,
};

static atomic_int log_level = LOG_INFO;
static atomic_int log_target = LOG_TARGET_CONSOLE;

static const struct {
        const char *name;
        int priority;
} levels[] = {
        { "emerg", LOG_EMERG }, { "alert", LOG_ALERT },     { "crit", LOG_CRIT },
        { "err", LOG_ERR },     { "warning", LOG_WARNING }, { "notice", LOG_NOTICE },
        { "info", LOG_INFO },   { "debug", LOG_DEBUG },
};

static bool stderr_is_journal(void)
{
        const char *stream = getenv("JOURNAL_STREAM");
        unsigned long long device, inode;
        struct stat st;

        if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
                return false;
        return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_init(void)
{
        atomic_store(&log_target, stderr_is_journal() ? LOG_TARGET_JOURNAL : LOG_TARGET_CONSOLE);
}

void log_set_level(int priority)
{
        atomic_store(&log_level, priority);
}

int log_level_get(void)
{
        return atomic_load(&log_level);
}

int log_level_parse(const char *text)
{
        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (strcmp(text, levels[i].name) == 0)
                        return levels[i].priority;
        return -EINVAL;
}

const char *log_level_name(int priority)
{
        for (size_t i = 0; i < ELEMENTSOF(levels); i++)
                if (priority == levels[i].priority)
                        return levels[i].name;
        return "info";
}

const char *log_target_get(void)
{
        return atomic_load(&log_target) == LOG_TARGET_JOURNAL ? "journal" : "console";
}

int log_target_set(const char *target)
{
        if (strcmp(target, "journal") == 0)
                atomic_store(&log_target, LOG_TARGET_JOURNAL);
        else if (strcmp(target, "console") == 0)
                atomic_store(&log_target, LOG_TARGET_CONSOLE);
        else
                return -EINVAL;
        return 0;
}

/* Text from a wire or a bus must not forge lines or move a terminal's cursor. */
static void blunt(char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || *text == 0x7f)
                        *text = '?';
}

struct log_fields {
        char text[LOG_FIELDS_MAX][LOG_FIELD_MAX];
        struct iovec vector[2 * (LOG_FIELDS_MAX + 1)]; /* and MESSAGE=; a line break behind each */
        size_t n, n_parts;
};

static void add_part(struct log_fields *fields, char *text)
{
        static char line_break[] = "\n";

        fields->vector[fields->n_parts++] = (struct iovec){ text, strlen(text) };
        fields->vector[fields->n_parts++] = (struct iovec){ line_break, 1 };
}

static void add_field(struct log_fields *fields, const char *name, const char *value)
{
        if (!value || !*value || fields->n == LOG_FIELDS_MAX)
                return;

        char *text = fields->text[fields->n];
        (void)snprintf(text, LOG_FIELD_MAX, "%s=%s", name, value); /* cut off is good enough */
        blunt(text);
        add_part(fields, text);
        fields->n++;
}

static void add_number(struct log_fields *fields, const char *name, int value)
{
        char text[16];

        (void)snprintf(text, sizeof(text), "%d", value);
        add_field(fields, name, text);
}

/*
 * In the journal's own protocol (systemd's JOURNAL_NATIVE_PROTOCOL), since sd_journal_sendv() waits
 * for a journal that takes nothing: one whose disk hangs would hold up the meters. False: it had no
 * room.
 */
static bool send_to_journal(struct log_fields *fields)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LOG_JOURNAL_SOCKET };
        const struct msghdr message = { .msg_name = &address,
                                        .msg_namelen = sizeof(address),
                                        .msg_iov = fields->vector,
                                        .msg_iovlen = fields->n_parts };
        OWNED_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        return fd >= 0 && sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static bool write_journal(int priority, const struct log_about *about, const char *file, int line,
                          char *message)
{
        struct log_fields fields;

        fields.n = fields.n_parts = 0;
        add_number(&fields, "PRIORITY", priority);
        add_field(&fields, "CODE_FILE", file);
        add_number(&fields, "CODE_LINE", line);
        add_field(&fields, "SYSLOG_IDENTIFIER", "smartmeterd");
        if (about) {
                add_field(&fields, "SMARTMETER_PORT", about->port);
                add_field(&fields, "SMARTMETER_CONVERTER", about->converter);
                add_field(&fields, "SMARTMETER_METER", about->meter);
                add_field(&fields, "SMARTMETER_SINK", about->sink);
                if (about->error > 0)
                        add_number(&fields, "ERRNO", about->error);
                if (about->message_id) {
                        char id[SD_ID128_STRING_MAX];

                        add_field(&fields, "MESSAGE_ID",
                                  sd_id128_to_string(*about->message_id, id));
                }
        }
        add_part(&fields, message);
        return send_to_journal(&fields);
}

static const char *subject_of(const struct log_about *about)
{
        const char *names[] = { about ? about->meter : NULL, about ? about->port : NULL,
                                about ? about->converter : NULL, about ? about->sink : NULL };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (names[i] && *names[i])
                        return names[i];
        return NULL;
}

static bool write_console(int priority, const char *message)
{
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* held for no call that waits */
        struct pollfd console = { .fd = STDERR_FILENO, .events = POLLOUT };
        bool written = false;

        /* A full pipe and a stopped terminal (Ctrl+S) would hold up the meters. A pipe that can be
         * written to has room for it all, if no other thread's line comes first. */
        (void)pthread_mutex_lock(&lock);
        /* One write for a whole line, so that two threads' lines do not mix. */
        if (poll(&console, 1, 0) != 0)
                written = dprintf(STDERR_FILENO, "%s: %s\n", log_level_name(priority), message) > 0;
        (void)pthread_mutex_unlock(&lock);
        return written;
}

#define PREFIX "MESSAGE="

static bool write_line(int priority, const struct log_about *about, const char *file, int line,
                       char *message)
{
        if (atomic_load(&log_target) == LOG_TARGET_JOURNAL)
                return write_journal(priority, about, file, line, message);
        return write_console(priority, message + strlen(PREFIX));
}

/* Lines that were dropped, since the journal, pipe or terminal did not take them. */
static atomic_uint n_lost;

static void report_lost(void)
{
        unsigned int n = atomic_exchange(&n_lost, 0);
        char message[128];

        if (n == 0)
                return;
        (void)snprintf(message, sizeof(message),
                       PREFIX "%u lines of this log are missing here: they were not taken in time",
                       n);
        if (!write_line(LOG_WARNING, NULL, __FILE__, __LINE__, message))
                (void)atomic_fetch_add(&n_lost, n);
}

void log_write(int priority, const struct log_about *about, const char *file, int line,
               const char *format, ...)
{
        const char *subject = subject_of(about);
        char message[LOG_MESSAGE_MAX];
        int saved = errno;
        va_list arguments;

        if (priority > atomic_load(&log_level))
                return;

        int n = snprintf(message, sizeof(message), "%s%s%s", PREFIX, subject ? subject : "",
                         subject ? ": " : "");
        size_t used = MIN((size_t)n, sizeof(message) - 1);

        va_start(arguments, format);
        (void)vsnprintf(message + used, sizeof(message) - used, format, arguments);
        va_end(arguments);
        blunt(message);

        report_lost();
        if (!write_line(priority, about, file, line, message))
                (void)atomic_fetch_add(&n_lost, 1);
        errno = saved;
}
