/* SPDX-License-Identifier: MIT */
/*
 * The other end of libmosquitto's socket.
 */
#include "mqtt-pair.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <mosquitto.h>

#include "base/util.h"

#define FOLDER_MAX 80 /* with the socket's name it fits sun_path */

static int make_folder(char folder[static FOLDER_MAX])
{
        const char *parents[] = { getenv("RUNTIME_DIRECTORY"), "/run", "/tmp" };
        int r = -ENOENT;

        for (size_t i = 0; i < ELEMENTSOF(parents); i++) {
                if (!parents[i] || parents[i][0] != '/' || strlen(parents[i]) > FOLDER_MAX - 24)
                        continue;
                (void)snprintf(folder, FOLDER_MAX, "%.55s/smartmeterd-XXXXXX", parents[i]);
                if (mkdtemp(folder)) /* 0700: no other user can connect to a socket in it */
                        return 0;
                r = -errno;
        }
        return r;
}

static int listen_at(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

        if (fd < 0)
                return -errno;
        (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) >= 0 && listen(fd, 1) >= 0)
                return fd;
        r = -errno;
        (void)close(fd);
        return r;
}

static int connect_and_accept(struct mosquitto *mosq, const char *path, int keepalive_s,
                              const struct mqtt5__property *properties, int *ret_fd)
{
        int listener = listen_at(path), rc, r = 0;

        if (listener < 0)
                return listener;
        errno = 0;
        rc = mosquitto_connect_bind_v5(mosq, path, 0, keepalive_s, NULL, properties);
        if (rc == MOSQ_ERR_SUCCESS)
                *ret_fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (rc != MOSQ_ERR_SUCCESS || *ret_fd < 0)
                r = errno ? -errno : -EIO;
        (void)close(listener);
        (void)unlink(path);
        return r;
}

int mqtt_pair_connect(struct mosquitto *mosq, int keepalive_s,
                      const struct mqtt5__property *properties, int *ret_fd)
{
        char folder[FOLDER_MAX], path[FOLDER_MAX + 8];
        int r = make_folder(folder);

        if (r < 0)
                return r;
        (void)snprintf(path, sizeof(path), "%s/mqtt", folder);
        r = connect_and_accept(mosq, path, keepalive_s, properties, ret_fd);
        (void)rmdir(folder); /* empty again */
        return r;
}
