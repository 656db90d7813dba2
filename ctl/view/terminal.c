/* SPDX-License-Identifier: MIT */
#include "terminal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* ECMA-48 and xterm's private modes: 1049 alternate screen, 25 cursor, 7 wrap at the margin. */
#define ENTER_SCREEN "\033[?1049h\033[?25l\033[?7l"
#define LEAVE_SCREEN "\033[?7h\033[?25h\033[?1049l"

static struct termios before;
static bool entered;

void terminal_leave(void)
{
        if (!entered)
                return;
        entered = false;
        fputs(LEAVE_SCREEN, stdout);
        (void)fflush(stdout); /* a terminal that is gone needs no restoring */
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
}

int terminal_enter(void)
{
        static bool registered;
        struct termios keys;

        if (!isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
                return -ENOTTY;
        if (!registered && atexit(terminal_leave) != 0)
                return -ENOMEM;
        registered = true;
        keys = before;
        keys.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
        if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys) < 0)
                return -errno;
        entered = true;
        fputs(ENTER_SCREEN, stdout);
        return 0;
}

void terminal_size(size_t *ret_columns, size_t *ret_rows)
{
        struct winsize size = { 0 };

        (void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &size); /* zeros are handled */
        *ret_columns = size.ws_col ? size.ws_col : 80;
        *ret_rows = size.ws_row ? size.ws_row : 24;
}

void terminal_begin(void)
{
        fputs("\033[H", stdout);
}

void terminal_line_end(void)
{
        fputs("\033[K\n", stdout);
}

void terminal_end(void)
{
        fputs("\033[J", stdout);
        (void)fflush(stdout);
}
