/* SPDX-License-Identifier: MIT */
#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "dbus/names.h"
#include "manager-private.h"

/* Each is a person with smctl, or a program of this machine; more at once is a mistake. */
#define PEERS_MAX 16
/* Without a descriptor a call can be neither taken nor turned away: it waits, and so do we. */
#define PAUSE_USEC UINT64_C(1000000)

struct peer {
        struct peers *peers;
        struct bus *bus;
        sd_event_source *leaving;
        struct peer *next;
};

struct peers {
        struct manager *manager;
        struct sockaddr_un address;
        int fd;
        sd_event_source *source;
        sd_event_source *pause; /* ends a pause; NULL: there was none yet */
        bool is_short;          /* of descriptors, and it was logged */
        struct peer *list;
        uint32_t n_ever, n;
};

static struct peer *peer_free(struct peer *peer)
{
        if (!peer)
                return NULL;
        sd_event_source_disable_unref(peer->leaving);
        bus_free(peer->bus);
        free(peer);
        return NULL;
}
DEFINE_OWNED(peer, struct peer *, peer_free);

static int on_leave(sd_event_source *source, void *userdata)
{
        struct peer *peer = userdata, **at = &peer->peers->list;
        struct manager *m = peer->peers->manager;

        while (*at != peer)
                at = &(*at)->next;
        *at = peer->next;
        peer->peers->n--;
        outputs_list_sinks(m);
        peer_free(peer);
        return 0;
}

/* Called out of the connection itself: it is freed a moment later. */
static void on_lost(void *userdata)
{
        struct peer *peer = userdata;

        if (!peer->leaving && sd_event_add_defer(peer->peers->manager->options.event,
                                                 &peer->leaving, on_leave, peer) < 0)
                log_error("out of memory: a caller who left is still counted");
}

static bool may_call(int fd)
{
        struct ucred caller;
        socklen_t len = sizeof(caller);

        return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &caller, &len) == 0 &&
               (caller.uid == 0 || caller.uid == geteuid());
}

static int peer_new(struct peers *peers, int fd, struct peer **ret)
{
        OWNED_FD int owned_fd = fd;
        OWNED(peer) struct peer *peer = NULL;
        struct manager *m = peers->manager;
        int r;

        if (!may_call(fd))
                return -EACCES;
        if (peers->n >= PEERS_MAX)
                return -EBUSY;
        peer = calloc(1, sizeof(*peer));
        if (!peer)
                return -ENOMEM;
        peer->peers = peers;
        r = bus_new(m->options.event,
                    &(struct bus_options){
                            .peer = true,
                            .peer_fd = TAKE_FD(owned_fd),
                            .peer_number = ++peers->n_ever,
                            .version = m->version,
                            .requests = &manager_requests,
                            .userdata = m,
                            .on_lost = on_lost,
                            .lost_userdata = peer,
                    },
                    &peer->bus);
        if (r < 0)
                return r;
        *ret = TAKE(peer);
        return 0;
}

static int on_pause_end(sd_event_source *source, uint64_t usec, void *userdata)
{
        struct peers *peers = userdata;

        return sd_event_source_set_enabled(peers->source, SD_EVENT_ON);
}

static int make_pause(struct peers *peers)
{
        int r = 0;

        if (!peers->pause)
                r = sd_event_add_time_relative(peers->manager->options.event, &peers->pause,
                                               CLOCK_MONOTONIC, 0, 0, on_pause_end, peers);
        if (r >= 0)
                r = sd_event_source_set_time_relative(peers->pause, PAUSE_USEC);
        if (r >= 0)
                r = sd_event_source_set_enabled(peers->pause, SD_EVENT_ONESHOT);
        /* Without the timer listening would never go on: better to be woken for nothing. */
        return r < 0 ? r : sd_event_source_set_enabled(peers->source, SD_EVENT_OFF);
}

/* A call that is there still would wake us at once again, without end. */
static void accept_failed(struct peers *peers, int error)
{
        if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
                return; /* gone again */
        if (!peers->is_short)
                log_warning("a caller of %s has to wait: %s", peers->address.sun_path,
                            strerror(error));
        peers->is_short = true;
        if (make_pause(peers) < 0)
                log_error("out of memory: callers of %s are looked for without a pause",
                          peers->address.sun_path);
}

static int on_call(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
        struct peers *peers = userdata;
        struct peer *peer = NULL;
        int caller = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        int r;

        if (caller < 0) {
                accept_failed(peers, errno);
                return 0;
        }
        peers->is_short = false;
        r = peer_new(peers, caller, &peer);
        if (r < 0) {
                log_warning("a caller of %s is turned away: %s", peers->address.sun_path,
                            strerror(-r));
                return 0;
        }
        peer->next = peers->list;
        peers->list = peer;
        peers->n++;
        bus_set_state(peer->bus, peers->manager->state);
        if (peers->manager->reload_error)
                bus_set_reload_error(peer->bus, peers->manager->reload_error);
        outputs_list_sinks(peers->manager);
        outputs_announce(peers->manager, bus_sink_get(peer->bus));
        return 0;
}

static int listen_at(struct peers *peers)
{
        const char *folder = getenv("RUNTIME_DIRECTORY");
        struct sockaddr_un *address = &peers->address;
        mode_t mask;
        int r;

        if (!folder || !*folder)
                folder = BUS_PRIVATE_FOLDER;
        address->sun_family = AF_UNIX;
        if ((size_t)snprintf(address->sun_path, sizeof(address->sun_path), "%s/" BUS_PRIVATE_SOCKET,
                             folder) >= sizeof(address->sun_path))
                return -ENAMETOOLONG;
        if (mkdir(folder, 0755) < 0 && errno != EEXIST)
                return -errno;
        peers->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (peers->fd < 0)
                return -errno;
        (void)unlink(address->sun_path); /* of an earlier run; bind() says if it stays */
        mask = umask(0177);
        r = bind(peers->fd, (struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;
        (void)umask(mask);
        return r < 0 ? r : listen(peers->fd, PEERS_MAX) < 0 ? -errno : 0;
}

int peers_new(struct manager *m, struct peers **ret)
{
        OWNED(peers) struct peers *peers = calloc(1, sizeof(*peers));
        int r;

        if (!peers)
                return -ENOMEM;
        peers->manager = m;
        peers->fd = -1;
        r = listen_at(peers);
        if (r >= 0)
                r = sd_event_add_io(m->options.event, &peers->source, peers->fd, EPOLLIN, on_call,
                                    peers);
        if (r < 0) {
                log_error("cannot listen at %s: %s", peers->address.sun_path, strerror(-r));
                return r;
        }
        (void)sd_event_source_set_description(peers->source, "peers"); /* for debugging only */
        *ret = TAKE(peers);
        return 0;
}

struct peers *peers_free(struct peers *peers)
{
        if (!peers)
                return NULL;
        sd_event_source_disable_unref(peers->source);
        sd_event_source_disable_unref(peers->pause);
        while (peers->list) {
                struct peer *peer = peers->list;

                peers->list = peer->next;
                peer_free(peer);
        }
        if (peers->fd >= 0) {
                (void)unlink(peers->address.sun_path); /* one that is left would mislead */
                (void)close(peers->fd);
        }
        free(peers);
        return NULL;
}

void peers_each(const struct peers *peers, void (*run)(struct bus *bus, void *userdata),
                void *userdata)
{
        for (const struct peer *peer = peers ? peers->list : NULL; peer; peer = peer->next)
                run(peer->bus, userdata);
}
