/* SPDX-License-Identifier: MIT */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "util.h"

#define STATE_LISTEN 10 /* TCP_LISTEN of the kernel's tcp_states.h */

#define SYSTEM_UID_MAX  999   /* SYS_UID_MAX of login.defs(5) */
#define DYNAMIC_UID_MIN 61184 /* of systemd.exec(5), DynamicUser= */
#define DYNAMIC_UID_MAX 65519

/* An address as the tables write it, and the table it stands in. */
struct place {
        const char *table;
        char text[33];
};

static void write_words(const void *address, size_t n_words, char *to)
{
        for (size_t i = 0; i < n_words; i++) {
                uint32_t word;

                memcpy(&word, (const uint8_t *)address + 4 * i, sizeof(word));
                (void)snprintf(to + 8 * i, 9, "%08X", word); /* the bytes as one host number */
        }
}

/* Where to look, in the order in which the kernel prefers them: the most exact address first. */
static size_t places_of(const struct sockaddr *address, struct place ret[static 4])
{
        struct in6_addr mapped = { .s6_addr = { [10] = 0xff, [11] = 0xff } };
        static const uint8_t any[16];

        if (address->sa_family == AF_INET6) {
                const void *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

                ret[0].table = ret[1].table = "tcp6";
                write_words(in6, 4, ret[0].text);
                write_words(any, 4, ret[1].text);
                return 2;
        }
        const void *in = &((const struct sockaddr_in *)address)->sin_addr;
        memcpy(&mapped.s6_addr[12], in, 4);
        ret[0].table = ret[1].table = "tcp";
        ret[2].table = ret[3].table = "tcp6";
        write_words(in, 1, ret[0].text);
        write_words(any, 1, ret[1].text);
        write_words(&mapped, 4, ret[2].text);
        write_words(any, 4, ret[3].text);
        return 4;
}

static unsigned int port_of(const struct sockaddr *address)
{
        return ntohs(address->sa_family == AF_INET6
                             ? ((const struct sockaddr_in6 *)address)->sin6_port
                             : ((const struct sockaddr_in *)address)->sin_port);
}

/* "0: 0100007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000 115 0 …" */
static int find_in(const char *folder, const struct place *place, unsigned int port,
                   uint32_t *ret_uid)
{
        char path[PATH_MAX], line[256];
        int found = 0;
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/%s", folder, place->table);
        file = fopen(path, "re");
        if (!file)
                return errno == ENOENT ? 0 : -errno; /* a kernel without IPv6 */
        while (!found && fgets(line, sizeof(line), file)) {
                unsigned int its_port, state, uid;
                char text[33];

                if (sscanf(line, "%*u: %32[0-9A-F]:%x %*s %x %*s %*s %*s %u", text, &its_port,
                           &state, &uid) == 4 &&
                    state == STATE_LISTEN && its_port == port && strcmp(text, place->text) == 0) {
                        *ret_uid = uid;
                        found = 1;
                }
        }
        (void)fclose(file); /* opened for reading */
        return found;
}

bool listener_is_local(const struct sockaddr *address)
{
        if (address->sa_family == AF_INET6) {
                const struct in6_addr *in6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

                return IN6_IS_ADDR_LOOPBACK(in6) ||
                       (IN6_IS_ADDR_V4MAPPED(in6) && in6->s6_addr[12] == IN_LOOPBACKNET);
        }
        return address->sa_family == AF_INET &&
               ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> IN_CLASSA_NSHIFT ==
                       IN_LOOPBACKNET;
}

int listener_owner(const char *folder, const struct sockaddr *address, uint32_t *ret_uid)
{
        struct place places[4];
        size_t n = places_of(address, places);
        int r = 0;

        for (size_t i = 0; r == 0 && i < n; i++)
                r = find_in(folder, &places[i], port_of(address), ret_uid);
        return r;
}

bool listener_is_trusted(uint32_t uid)
{
        return uid <= SYSTEM_UID_MAX || (uid >= DYNAMIC_UID_MIN && uid <= DYNAMIC_UID_MAX) ||
               (uid == geteuid() && uid != LISTENER_NOBODY);
}
