/* SPDX-License-Identifier: MIT */
/*
 * A tty opened to listen: locked, exclusive, and set to a line. libserialport where it is serial
 * hardware, plain termios where it is not (a pty). Each call may wait for the device, up to 40 s
 * for a USB converter that does not answer: workers make them, the main loop never does.
 */
#pragma once

#include <stdbool.h>

#include "lib/profile/profile.h"

/*
 * Opens, locks (flock, then TIOCEXCL) and sets the line. `write`: also to write to. -EBUSY when
 * somebody holds it, -EACCES, -ENOENT, -ENXIO, -EIO and other errno values of opening.
 * *ret_marked: the driver marks damaged bytes (PARMRK), and doubles FF.
 */
int tty_open(const char *devnode, const struct serial_line *line, bool write, int *ret_fd,
             bool *ret_marked);

/* Another line; bytes still buffered are dropped. */
int tty_set_line(int fd, const struct serial_line *line, bool *ret_marked);
