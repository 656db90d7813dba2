/* SPDX-License-Identifier: MIT */
/*
 * Who else has a port open. Two readers of one port steal each other's bytes. Files of other users'
 * processes are shown to root alone: without that right nothing is said, but for what the service
 * itself has found.
 */
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/i18n.h"
#include "ctl/view/json.h"
#include "ctl/view/words.h"
#include "doctor.h"
#include "process.h"
#include "sysroot.h"

#define PORTS_MAX 256

struct port {
        char about[160];     /* "ttyUSB0" */
        char path[PATH_MAX]; /* without links, without the root of the tests */
        struct stat node;    /* st_rdev 0: not there */
};

struct search {
        struct doctor *doctor;
        struct port *ports; /* owned */
        size_t n_ports;
        bool any;    /* without the service: whatever is a converter's port */
        bool hidden; /* a process did not show its files */
};

/* A program that has /dev/serial/by-id/… open shows the port behind the link. */
static void resolve(const char *device, struct port *port)
{
        char root[SYSROOT_PATH_MAX], full[SYSROOT_PATH_MAX];
        OWNED_FREE char *real = realpath(sysroot_path(full, "%s", device), NULL);
        size_t len = strlen(sysroot_path(root, "%s", ""));

        (void)snprintf(port->path, sizeof(port->path), "%s", real ? real + len : device);
        if (stat(full, &port->node) < 0 || !S_ISCHR(port->node.st_mode))
                port->node.st_rdev = 0;
}

static void add_port(struct search *search, struct json_object *converter)
{
        const char *device = json_text(converter, "device"), *state = json_text(converter, "state");
        struct port *port;

        if (search->n_ports == PORTS_MAX || *device != '/' || strcmp(state, "ignored") == 0)
                return;
        port = &search->ports[search->n_ports];
        *port = (struct port){ 0 };
        (void)snprintf(port->about, sizeof(port->about), "%s", doctor_port(converter));
        resolve(device, port);
        /* A port that is not there has no holder, and nothing was looked at. */
        search->n_ports += port->node.st_rdev != 0 || strcmp(state, "waiting") != 0;
}

static const struct port *find_port(const struct search *search, const char *target,
                                    const struct stat *file)
{
        for (size_t i = 0; i < search->n_ports; i++) {
                const struct port *port = &search->ports[i];

                if (strcmp(port->path, target) == 0 ||
                    (port->node.st_rdev != 0 && S_ISCHR(file->st_mode) &&
                     file->st_rdev == port->node.st_rdev))
                        return port;
        }
        return NULL;
}

static bool begins(const char *text, const char *start)
{
        return strncmp(text, start, strlen(start)) == 0;
}

/* Stopping these would stop more than the program that is meant. */
static bool stops_alone(const char *unit)
{
        static const char *const shared[] = { "cron.service",      "apache2.service",
                                              "nginx.service",     "php*.service",
                                              "ssh.service",       "sshd.service",
                                              "docker.service",    "user@*.service",
                                              "containerd.service" };
        size_t len = strlen(unit);

        for (size_t i = 0; i < ELEMENTSOF(shared); i++)
                if (fnmatch(shared[i], unit, 0) == 0)
                        return false;
        return len > 8 && strcmp(unit + len - 8, ".service") == 0;
}

static void print_fix(const struct process *process, char *buf, size_t size)
{
        if (strstr(process->command, "SmartMeterUSB"))
                (void)snprintf(buf, size, "%s",
                               _("It is the daemon of Jeedom's plugin SmartMeterUSB. On the "
                                 "plugin's page switch off the automatic management of its daemon "
                                 "(Gestion automatique), then stop it there: one that is only "
                                 "killed is started again within five minutes."));
        else if (strstr(process->command, "/plugins/"))
                (void)snprintf(buf, size, "%s",
                               _("It is the daemon of a plugin of Jeedom. On the plugin's page "
                                 "give it another port, or switch off the automatic management of "
                                 "its daemon and stop it there."));
        else if (begins(process->unit, "docker-") || begins(process->unit, "libpod-"))
                (void)snprintf(buf, size, "%s",
                               _("It runs in a container (docker ps, podman ps): stop it, or take "
                                 "the device away from it."));
        else if (begins(process->unit, "serial-getty@"))
                (void)snprintf(buf, size,
                               _("A login prompt answers the meter, and takes its bytes. Keep it "
                                 "off this port: sudo systemctl mask --now %s"),
                               process->unit);
        else if (stops_alone(process->unit))
                (void)snprintf(buf, size,
                               _("Two readers steal each other's bytes. Give it another port, or: "
                                 "sudo systemctl disable --now %s"),
                               process->unit);
        else
                (void)snprintf(buf, size,
                               _("Two readers steal each other's bytes. Give it another port, or: "
                                 "sudo kill %s"),
                               process->pid);
}

static void report_holder(struct doctor *doctor, const char *about, struct process *process)
{
        char fix[512];

        process_describe(process);
        print_fix(process, fix, sizeof(fix));
        if (*process->unit)
                doctor_wrong(doctor, about, fix, _("The port is held by %s (process %s, of %s)."),
                             process->name, process->pid, process->unit);
        else
                doctor_wrong(doctor, about, fix, _("The port is held by %s (process %s)."),
                             process->name, process->pid);
}

static void look_at_file(struct search *search, const struct process *process, const char *name)
{
        char link[SYSROOT_PATH_MAX], target[PATH_MAX];
        const struct port *port = NULL;
        struct process found = *process;
        struct stat file = { 0 };
        ssize_t n = readlink(sysroot_path(link, "/proc/%s/fd/%s", process->pid, name), target,
                             sizeof(target) - 1);

        target[n > 0 ? n : 0] = '\0';
        if (!begins(target, "/dev/"))
                return;
        (void)stat(link, &file); /* its zeros fit nothing */
        port = find_port(search, target, &file);
        if (port)
                report_holder(search->doctor, port->about, &found);
        else if (search->any && (begins(target, "/dev/ttyUSB") || begins(target, "/dev/ttyACM")))
                report_holder(search->doctor, target + 5, &found);
}

static void look_at_process(const struct process *process, void *userdata)
{
        char path[SYSROOT_PATH_MAX];
        struct search *search = userdata;
        struct dirent *entry;
        DIR *dir;

        if (begins(process->name, "smartmeterd"))
                return;
        errno = 0;
        dir = opendir(sysroot_path(path, "/proc/%s/fd", process->pid));
        if (!dir) {
                search->hidden = search->hidden || (errno != ENOENT && errno != ESRCH);
                return;
        }
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        look_at_file(search, process, entry->d_name);
        (void)closedir(dir); /* only read */
}

/* The holder as the service itself has found it. */
static void ask_service(struct doctor *doctor, struct json_object *converter)
{
        struct process holder = { 0 };
        char name[SYSROOT_TEXT_MAX];

        if (strcmp(json_text(converter, "state"), "inhibited") == 0) {
                doctor_wrong(doctor, doctor_port(converter),
                             _("It is taken back as soon as that program (smctl inhibit) ends."),
                             _("The port was given away on request: %s"), words_reason(converter));
                return;
        }
        if (strcmp(json_text(converter, "state"), "busy") != 0 &&
            strcmp(json_text(converter, "state_code"), "second-reader") != 0)
                return;
        if (json_number(converter, "holder_pid") == 0) {
                doctor_wrong(doctor, doctor_port(converter),
                             _("\"sudo smctl doctor\" names it. Stop it: the port is taken as soon "
                               "as it is free."),
                             _("The port is held by another program: %s"), words_reason(converter));
                return;
        }
        (void)snprintf(holder.pid, sizeof(holder.pid), "%lld",
                       (long long)json_number(converter, "holder_pid"));
        (void)snprintf(holder.name, sizeof(holder.name), "%.31s",
                       sysroot_read(name, "/proc/%s/comm", holder.pid));
        report_holder(doctor, doctor_port(converter), &holder);
}

static void look(struct search *search)
{
        struct json_object *converters = json_member(search->doctor->all, "converters");
        struct doctor *doctor = search->doctor;
        bool all;

        for (size_t i = 0; i < json_count(converters); i++)
                add_port(search, json_object_array_get_idx(converters, i));
        if (search->any ? doctor->n_ports == 0 : search->n_ports == 0) {
                doctor_skip(doctor, _("No port is in use."));
                return;
        }
        all = process_each(look_at_process, search);
        if (doctor->n_here == 0)
                doctor_each(doctor, "converters", ask_service);
        if (!all || search->hidden)
                doctor_hidden(doctor, _("Which files other users' programs have open is hidden "
                                        "from you."));
}

void doctor_check_holder(struct doctor *doctor)
{
        OWNED_FREE struct port *ports = calloc(PORTS_MAX, sizeof(*ports));
        struct search search = { .doctor = doctor, .ports = ports, .any = !doctor->all };

        if (ports)
                look(&search);
        else
                doctor_skip(doctor, strerror(ENOMEM));
}

bool doctor_knows_console(struct doctor *doctor)
{
        if (sysroot_is_console("") >= 0)
                return true;
        doctor_skip(doctor, _("How the kernel was started cannot be read."));
        return false;
}

const struct need doctor_needs_port = { doctor_is_used, N_("No port is in use."), true };

void doctor_check_console(struct doctor *doctor, struct json_object *converter)
{
        struct port port = { 0 };
        const char *tty;

        resolve(json_text(converter, "device"), &port);
        tty = strrchr(port.path, '/') ? strrchr(port.path, '/') + 1 : port.path;
        if (*tty && sysroot_is_console(tty) > 0)
                doctor_wrong(doctor, doctor_port(converter), words_console_fix(),
                             _("The kernel uses this port as its console."));
}
