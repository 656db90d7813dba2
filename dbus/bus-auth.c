/* SPDX-License-Identifier: MIT */
/*
 * Authorisation in two questions, neither of which blocks: the bus daemon gives the caller's uid (0
 * and our own may do all), then polkit decides about others. libsystemd has no public function for
 * the second, so the call of polkit's D-Bus interface is spelled out here:
 * CheckAuthorization((sa{sv})sa{ss}us) → (bba{ss}), polkit 0.105 and later.
 */
#include "bus-auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "bus-private.h"

/* Each waits for a person; more at once are no person's. Counted per user, over all connections,
 * so that one user's cannot shut out another's. Root's are never counted. */
#define AUTH_MAX_PER_USER 8
/* Calls whose user is not known yet: the bus daemon answers at once. */
#define AUTH_MAX_PER_CALLER 64
/* Long enough to look for a password, short enough to end some day. */
#define AUTH_POLKIT_USEC (UINT64_C(300) * 1000 * 1000)

#define POLKIT_NAME                   "org.freedesktop.PolicyKit1"
#define POLKIT_PATH                   "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE              "org.freedesktop.PolicyKit1.Authority"
#define POLKIT_ALLOW_USER_INTERACTION UINT32_C(1)

struct bus_auth_request {
        struct bus_auth_request *next;
        struct bus *bus;
        sd_bus_message *m;
        const char *action;
        bus_run_t run;
        bool interactive;
        bool polkit_asked; /* and not answered: to be cancelled */
        uint32_t uid;      /* of the caller, once polkit is asked */
        char cancellation_id[32];
        sd_bus_slot *watch; /* the caller leaves */
        sd_bus_slot *call;  /* the question under way */
};

static struct bus_auth_request *request_free(struct bus_auth_request *q)
{
        if (!q)
                return NULL;
        q->watch = sd_bus_slot_unref(q->watch);
        q->call = sd_bus_slot_unref(q->call);
        for (struct bus_auth_request **p = &q->bus->auth_requests; *p; p = &(*p)->next) {
                if (*p == q) {
                        *p = q->next;
                        break;
                }
        }
        if (q->polkit_asked) /* takes the password prompt from the screen; no answer wanted */
                (void)sd_bus_call_method_async(q->bus->bus, NULL, POLKIT_NAME, POLKIT_PATH,
                                               POLKIT_INTERFACE, "CancelCheckAuthorization", NULL,
                                               NULL, "s", q->cancellation_id);
        sd_bus_message_unref(q->m);
        free(q);
        return NULL;
}
DEFINE_OWNED(request, struct bus_auth_request *, request_free);

/* Ends the request: with an error unless `error` is clean, else by carrying the call out. */
static int request_finish(struct bus_auth_request *q, sd_bus_error *error)
{
        int r;

        if (!sd_bus_error_is_set(error)) {
                r = q->run(q->bus, q->m, error);
                if (r >= 0) {
                        request_free(q);
                        return 0;
                }
                (void)bus_error_errno(r, error);
        }
        bus_error_clean(error);
        /* Fails when the caller has just left: then it needs no answer. */
        (void)sd_bus_reply_method_error(q->m, error);
        sd_bus_error_free(error);
        request_free(q);
        return 0;
}

static int deny(const struct bus_auth_request *q, bool could_ask, sd_bus_error *error)
{
        if (could_ask)
                return bus_fail(error, -EACCES, BUS_ERROR_NOT_AUTHORIZED,
                                "This needs the authorisation '%s', which would be given for a "
                                "password: allow interactive authorisation, or call as root.",
                                q->action);
        return bus_fail(error, -EACCES, BUS_ERROR_NOT_AUTHORIZED,
                        "This needs the polkit authorisation '%s': call as root, or ask the "
                        "administrator for a polkit rule.",
                        q->action);
}

/* Errors of polkit: without polkit only root decides; the rest is passed on in polkit's words. */
static int explain_polkit_error(const struct bus_auth_request *q, const sd_bus_error *from,
                                sd_bus_error *error)
{
        if (sd_bus_error_has_names(from, SD_BUS_ERROR_SERVICE_UNKNOWN,
                                   SD_BUS_ERROR_NAME_HAS_NO_OWNER))
                return bus_fail(error, -EACCES, BUS_ERROR_NOT_AUTHORIZED,
                                "polkit is not installed, so only root may do this: call as root, "
                                "or install polkitd.");
        return bus_fail(error, -EACCES, BUS_ERROR_NOT_AUTHORIZED,
                        "polkit could not decide about '%s' (%s): call as root, or look at the "
                        "journal of polkit.",
                        q->action, from->message ? from->message : from->name);
}

static int on_polkit(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        struct bus_auth_request *q = userdata;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int authorized = 0, challenge = 0, r;

        q->polkit_asked = false;
        if (sd_bus_message_is_method_error(reply, NULL)) {
                (void)explain_polkit_error(q, sd_bus_message_get_error(reply), &error);
                return request_finish(q, &error);
        }
        r = sd_bus_message_enter_container(reply, 'r', "bba{ss}");
        if (r >= 0)
                r = sd_bus_message_read(reply, "bb", &authorized, &challenge);
        if (r < 0 || !authorized)
                (void)deny(q, r >= 0 && challenge && !q->interactive, &error);
        return request_finish(q, &error);
}

static int ask_polkit(struct bus_auth_request *q)
{
        sd_bus_message *m = NULL;
        int r;

        r = sd_bus_message_new_method_call(q->bus->bus, &m, POLKIT_NAME, POLKIT_PATH,
                                           POLKIT_INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = sd_bus_message_append(m, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                                          sd_bus_message_get_sender(q->m), q->action, 0,
                                          q->interactive ? POLKIT_ALLOW_USER_INTERACTION
                                                         : UINT32_C(0),
                                          q->cancellation_id);
        if (r >= 0)
                r = sd_bus_call_async(q->bus->bus, &q->call, m, on_polkit, q, AUTH_POLKIT_USEC);
        if (r >= 0)
                q->polkit_asked = true;
        sd_bus_message_unref(m);
        return r;
}

static int fail_limit(sd_bus_error *error)
{
        return bus_fail(error, -EBUSY, BUS_ERROR_LIMIT,
                        "Too many requests wait for authorisation: wait for an answer to the "
                        "earlier ones.");
}

static bool user_may_wait(const struct bus *bus, uint32_t uid)
{
        size_t n = 0;

        for (const struct bus_auth_request *q = bus->auth_requests; q; q = q->next)
                n += q->polkit_asked && q->uid == uid;
        return n < AUTH_MAX_PER_USER;
}

static int on_uid(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
        struct bus_auth_request *q = userdata;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        uint32_t uid = 0;
        int r;

        q->call = sd_bus_slot_unref(q->call);
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NAME_HAS_NO_OWNER)) {
                request_free(q); /* the caller has left */
                return 0;
        }
        r = sd_bus_message_is_method_error(reply, NULL) ? -EACCES
                                                        : sd_bus_message_read(reply, "u", &uid);
        /* Our own user could as well trace this process: refusing it would be for show. */
        if (r >= 0 && (uid == 0 || uid == geteuid()))
                return request_finish(q, &error);
        if (r >= 0 && !user_may_wait(q->bus, uid)) {
                (void)fail_limit(&error);
                return request_finish(q, &error);
        }
        q->uid = uid;
        if (r >= 0)
                r = ask_polkit(q);
        if (r < 0) {
                (void)bus_fail(&error, r, BUS_ERROR_NOT_AUTHORIZED,
                               "The caller could not be identified; try again.");
                return request_finish(q, &error);
        }
        return 0;
}

static int on_caller_gone(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
        request_free(userdata);
        return 0;
}

static int check_limits(struct bus *bus, const char *sender, sd_bus_error *error)
{
        size_t n = 0;

        for (const struct bus_auth_request *q = bus->auth_requests; q; q = q->next)
                n += strcmp(sd_bus_message_get_sender(q->m), sender) == 0;
        return n < AUTH_MAX_PER_CALLER ? 0 : fail_limit(error);
}

int bus_auth_check(struct bus *bus, sd_bus_message *m, const char *action, bus_run_t run,
                   sd_bus_error *error)
{
        OWNED(request) struct bus_auth_request *q = NULL;
        const char *sender = sd_bus_message_get_sender(m);
        int r;

        if (bus->peer) /* who may open the socket may do all */
                return run(bus, m, error);
        if (!sender)
                return bus_fail(error, -EACCES, BUS_ERROR_NOT_AUTHORIZED,
                                "The caller has no name on the bus.");
        r = check_limits(bus, sender, error);
        if (r < 0)
                return r;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        *q = (struct bus_auth_request){
                .next = bus->auth_requests,
                .bus = bus,
                .m = sd_bus_message_ref(m),
                .action = action,
                .run = run,
                .interactive = sd_bus_message_get_allow_interactive_authorization(m) > 0,
        };
        bus->auth_requests = q;
        (void)snprintf(q->cancellation_id, sizeof(q->cancellation_id), "smartmeterd-%llu",
                       (unsigned long long)++bus->auth_serial);

        /* The watch goes out first: a caller that leaves before it is missed by the question. */
        r = bus_watch_name(bus, sender, on_caller_gone, q, &q->watch);
        if (r >= 0)
                r = sd_bus_call_method_async(bus->bus, &q->call, "org.freedesktop.DBus",
                                             "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                             "GetConnectionUnixUser", on_uid, q, "s", sender);
        if (r < 0)
                return r;
        TAKE(q);
        return 1;
}

void bus_auth_drop_all(struct bus *bus)
{
        while (bus->auth_requests)
                request_free(bus->auth_requests);
}
