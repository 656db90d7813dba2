/* SPDX-License-Identifier: MIT */
#include "secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/i18n.h"

/* A key has 32; people type a digit too few or too many. A server id of SML has 20. */
#define KEY_DIGITS_MIN 24

static int read_line(int fd, char ret[static SECRET_LINE_MAX])
{
        size_t n = 0;

        for (;;) {
                char c;
                ssize_t got = read(fd, &c, 1);

                if (got < 0)
                        return -errno;
                if (got == 0)
                        return -ECANCELED;
                if (c == '\n')
                        break;
                if (n + 1 < SECRET_LINE_MAX)
                        ret[n++] = c;
        }
        ret[n] = '\0';
        return 0;
}

int secret_ask(const char *prompt, char ret[static SECRET_LINE_MAX])
{
        OWNED_FD int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
        struct termios old, quiet;
        sigset_t block, before;
        int r;

        if (fd < 0)
                return -ENOTTY;
        if (tcgetattr(fd, &old) < 0)
                return -errno;
        quiet = old;
        quiet.c_lflag &= (tcflag_t) ~(ECHO | ISIG); /* Ctrl-C is read, so the echo comes back */
        quiet.c_lflag |= ECHONL;
        sigemptyset(&block);
        sigaddset(&block, SIGTERM);
        sigaddset(&block, SIGTSTP);
        (void)sigprocmask(SIG_BLOCK, &block, &before);
        (void)tcsetattr(fd, TCSAFLUSH, &quiet);
        /* Asked only now: what is typed in answer to it is neither shown nor flushed away. */
        r = write(fd, prompt, strlen(prompt)) < 0 ? -errno : read_line(fd, ret);
        (void)tcsetattr(fd, TCSAFLUSH, &old);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        if (r == 0 && strchr(ret, 3)) /* Ctrl-C */
                r = -ECANCELED;
        return r;
}

bool secret_looks_like_key(const char *word)
{
        const char *equals = strchr(word, '=');
        size_t n = 0;

        if (equals)
                word = equals + 1;
        if (word[0] == '0' && (word[1] | 0x20) == 'x')
                word += 2;
        for (; *word; word++) {
                if (isxdigit((unsigned char)*word))
                        n++;
                else if (!strchr(" :-", *word))
                        return false;
        }
        return n >= KEY_DIGITS_MIN;
}

const char *secret_shown(const char *word)
{
        return secret_looks_like_key(word) ? _("(not shown: it may be a key)") : word;
}

int secret_read(FILE *stream, char ret[static SECRET_LINE_MAX])
{
        while (fgets(ret, SECRET_LINE_MAX, stream)) {
                ret[strcspn(ret, "\r\n")] = '\0';
                if (*ret && *ret != '#')
                        return 0;
        }
        return ferror(stream) ? -EIO : -ENODATA;
}
