/* SPDX-License-Identifier: MIT */
/*
 * smartmeterd-holders: says who has a character device open, or who listens on a TCP port of this
 * machine, and nothing else. systemd starts it as root for each connection of the service to
 * /run/smartmeterd-holders; the service itself may not see other users.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/listener.h"
#include "holder.h"

/* The tables of the asking process: this one has a network namespace of its own. */
static void name_folder(char *buf, size_t size)
{
        struct ucred peer = { 0 };
        socklen_t len = sizeof(peer);

        if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.pid > 0)
                (void)snprintf(buf, size, "/proc/%ld/net", (long)peer.pid);
        else
                (void)snprintf(buf, size, "/proc/net"); /* asked by hand */
}

static int print_listener(const char *question)
{
        struct sockaddr_storage address = { 0 };
        struct sockaddr_in *in = (struct sockaddr_in *)&address;
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;
        char text[INET6_ADDRSTRLEN], folder[32];
        unsigned int port;
        uint32_t uid;

        if (sscanf(question, LISTENER_QUESTION " %45[0-9a-fA-F.:] %u", text, &port) != 2 ||
            port > UINT16_MAX)
                return EXIT_FAILURE;
        if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
                in->sin_family = AF_INET;
                in->sin_port = htons((uint16_t)port);
        } else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
                in6->sin6_family = AF_INET6;
                in6->sin6_port = htons((uint16_t)port);
        } else {
                return EXIT_FAILURE;
        }
        name_folder(folder, sizeof(folder));
        if (listener_owner(folder, (struct sockaddr *)&address, &uid) > 0)
                (void)printf("%u", uid);
        return EXIT_SUCCESS;
}

static int print_holder(const char *question)
{
        unsigned int major_number, minor_number;
        struct holder holder;

        if (sscanf(question, "%u:%u", &major_number, &minor_number) != 2)
                return EXIT_FAILURE;
        holder = holder_of_number(major_number, minor_number);
        if (holder.pid != 0)
                (void)printf("%u\t%s\t%s", holder.pid, *holder.name ? holder.name : "-",
                             holder.unit);
        return EXIT_SUCCESS;
}

int main(void)
{
        char line[LISTENER_QUESTION_MAX];
        int code;

        if (!fgets(line, sizeof(line), stdin))
                return EXIT_FAILURE;
        code = strncmp(line, LISTENER_QUESTION " ", sizeof(LISTENER_QUESTION)) == 0
                       ? print_listener(line)
                       : print_holder(line);
        if (code != EXIT_SUCCESS)
                return code;
        (void)puts("");
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
