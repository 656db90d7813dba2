/* SPDX-License-Identifier: MIT */
/* tcp://host:port and rfc2217://host:port, resolved and connected. */
#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

#define HOST_MAX 256
/* A bridge that lost its power answers nothing, and says nothing either. */
#define IDLE_SECONDS     20
#define INTERVAL_SECONDS 10
#define PROBES           3

static const char raw[] = "tcp://", telnet[] = "rfc2217://";

bool net_is_raw(const char *text)
{
        return strncmp(text, raw, strlen(raw)) == 0;
}

bool net_is_address(const char *text)
{
        return net_is_raw(text) || strncmp(text, telnet, strlen(telnet)) == 0;
}

/* "host:port", "192.0.2.1:port", "[2001:db8::1]:port" */
static int split(const char *address, char host[static HOST_MAX], const char **ret_port)
{
        const char *from = address + strlen(net_is_raw(address) ? raw : telnet);
        const char *colon = strrchr(from, ':');
        size_t len = colon ? (size_t)(colon - from) : 0;

        if (len == 0 || len >= HOST_MAX || !colon[1])
                return -EINVAL;
        if (*from == '[' && from[len - 1] == ']') {
                from++;
                len -= 2;
        }
        memcpy(host, from, len);
        host[len] = '\0';
        *ret_port = colon + 1;
        return 0;
}

static void keep_alive(int fd)
{
        static const struct {
                int level, name, value;
        } options[] = {
                { SOL_SOCKET, SO_KEEPALIVE, 1 },
                { IPPROTO_TCP, TCP_KEEPIDLE, IDLE_SECONDS },
                { IPPROTO_TCP, TCP_KEEPINTVL, INTERVAL_SECONDS },
                { IPPROTO_TCP, TCP_KEEPCNT, PROBES },
        };

        for (size_t i = 0; i < ELEMENTSOF(options); i++) /* none fails for a TCP socket */
                (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value,
                                 sizeof(options[i].value));
}

static int connect_to(const struct addrinfo *to, int *ret)
{
        OWNED_FD int fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, to->ai_protocol);

        if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen) < 0)
                return -errno;
        keep_alive(fd);
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        *ret = TAKE_FD(fd);
        return 0;
}

int net_connect(const char *address, int *ret_fd, int *ret_gai)
{
        const struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
        struct addrinfo *found = NULL;
        char host[HOST_MAX];
        const char *port;
        int r = split(address, host, &port);

        if (r < 0)
                return r;
        *ret_gai = getaddrinfo(host, port, &hints, &found);
        if (*ret_gai == EAI_ADDRFAMILY || *ret_gai == EAI_NONAME) { /* loopback alone */
                const struct addrinfo any = { .ai_socktype = SOCK_STREAM };

                *ret_gai = getaddrinfo(host, port, &any, &found);
        }
        if (*ret_gai != 0)
                return 0;
        r = -EADDRNOTAVAIL;
        for (const struct addrinfo *to = found; to && r < 0; to = to->ai_next)
                r = connect_to(to, ret_fd);
        freeaddrinfo(found);
        return r;
}
