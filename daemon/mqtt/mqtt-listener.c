/* SPDX-License-Identifier: MIT */
#include "mqtt-listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/listener.h"
#include "base/util.h"

static int assess(uint32_t uid)
{
        return listener_is_trusted(uid) ? 0 : -EPERM;
}

static int connect_helper(void)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = LISTENER_HELPER };
        OWNED_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* The fd of a helper that has been asked, or -errno: there is none. */
static int ask(const struct sockaddr *address)
{
        bool is_v6 = address->sa_family == AF_INET6;
        const void *number =
                is_v6 ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
                      : &((const struct sockaddr_in *)address)->sin_addr;
        uint16_t port = is_v6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                              : ((const struct sockaddr_in *)address)->sin_port;
        char text[INET6_ADDRSTRLEN], question[LISTENER_QUESTION_MAX];
        OWNED_FD int fd = connect_helper();
        int n;

        if (fd < 0)
                return fd;
        if (!inet_ntop(address->sa_family, number, text, sizeof(text)))
                return -EAFNOSUPPORT;
        n = snprintf(question, sizeof(question), LISTENER_QUESTION " %s %u\n", text, ntohs(port));
        if (send(fd, question, (size_t)n, MSG_NOSIGNAL) != n)
                return -errno;
        return TAKE_FD(fd);
}

int mqtt_listener_look(const struct sockaddr *address, uint32_t *ret_uid, int *ret_fd)
{
        int r, fd;

        if (!listener_is_local(address))
                return 0;
        *ret_uid = LISTENER_NOBODY;
        r = listener_owner("/proc/net", address, ret_uid);
        if (r == 0)
                return -ECONNREFUSED;
        if (r > 0 && *ret_uid != LISTENER_NOBODY)
                return assess(*ret_uid);
        *ret_uid = LISTENER_UNKNOWN; /* until it is answered */
        fd = ask(address);
        if (fd < 0)
                return -EPERM; /* the owner cannot be found out */
        *ret_fd = fd;
        return MQTT_LISTENER_ASKED;
}

int mqtt_listener_take(int fd, uint32_t *ret_uid)
{
        char answer[16];
        ssize_t n = recv(fd, answer, sizeof(answer) - 1, 0);

        if (n <= 0)
                return -EPERM;
        answer[n] = '\0';
        if (sscanf(answer, "%u", ret_uid) != 1)
                return -ECONNREFUSED;
        return assess(*ret_uid);
}
