/* SPDX-License-Identifier: MIT */
/*
 * A slow machine: what is written over a TLS connection first, when the handshake is over here, is
 * written when the other side has hung up already.
 */
#include <dlfcn.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#define APPLICATION_DATA 0x17 /* RFC 8446 §5.1; the handshake's last flight begins otherwise */
#define PATIENCE_MS      20000

ssize_t write(int fd, const void *buf, size_t count)
{
        ssize_t (*real_write)(int, const void *, size_t) = NULL;
        const uint8_t *bytes = buf;

        *(void **)&real_write = dlsym(RTLD_NEXT, "write");
        if (count > 5 && bytes[0] == APPLICATION_DATA && bytes[1] == 3)
                (void)poll(&(struct pollfd){ .fd = fd, .events = POLLRDHUP }, 1, PATIENCE_MS);
        return real_write(fd, buf, count);
}
