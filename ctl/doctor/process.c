/* SPDX-License-Identifier: MIT */
#include "process.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "sysroot.h"

#define PROCESSES_MAX 65536

bool process_each(void (*run)(const struct process *process, void *userdata), void *userdata)
{
        char path[SYSROOT_PATH_MAX], name[SYSROOT_TEXT_MAX];
        DIR *dir = opendir(sysroot_path(path, "/proc"));
        struct dirent *entry;
        bool saw_init = false; /* with hidepid= only one's own are there */
        size_t n = 0;

        while (dir && n < PROCESSES_MAX && (entry = readdir(dir))) {
                struct process process = { 0 };

                if (!isdigit((unsigned char)entry->d_name[0]))
                        continue;
                n++;
                (void)snprintf(process.pid, sizeof(process.pid), "%.15s", entry->d_name);
                (void)snprintf(process.name, sizeof(process.name), "%.31s",
                               sysroot_read(name, "/proc/%s/comm", entry->d_name));
                saw_init = saw_init || strcmp(process.pid, "1") == 0;
                run(&process, userdata);
        }
        if (dir)
                (void)closedir(dir); /* only read */
        return saw_init;
}

/* "0::/system.slice/jeedom.service/sub": the last part that is a unit — cgroups(7) */
static void fill_unit(struct process *process)
{
        static const char *const kinds[] = { ".service", ".scope" };
        char text[SYSROOT_TEXT_MAX], *part, *save = NULL;

        sysroot_read(text, "/proc/%s/cgroup", process->pid);
        for (part = strtok_r(text, "/", &save); part; part = strtok_r(NULL, "/", &save))
                for (size_t i = 0; i < ELEMENTSOF(kinds); i++) {
                        size_t len = strlen(part), end = strlen(kinds[i]);

                        if (len > end && strcmp(part + len - end, kinds[i]) == 0)
                                (void)snprintf(process->unit, sizeof(process->unit), "%.79s", part);
                }
}

/* Arguments end with NUL; what would move a terminal's cursor does not get there. */
static void fill_command(struct process *process)
{
        char path[SYSROOT_PATH_MAX];
        FILE *file = fopen(sysroot_path(path, "/proc/%s/cmdline", process->pid), "re");
        size_t n;

        if (!file)
                return;
        n = fread(process->command, 1, sizeof(process->command) - 1, file);
        (void)fclose(file); /* only read */
        while (n > 0 && (process->command[n - 1] == '\0' || process->command[n - 1] == '\n'))
                n--;
        process->command[n] = '\0';
        for (size_t i = 0; i < n; i++)
                if (!isprint((unsigned char)process->command[i]))
                        process->command[i] = ' ';
}

void process_describe(struct process *process)
{
        fill_unit(process);
        fill_command(process);
}

struct search {
        const char *name;
        bool found;
};

static void compare(const struct process *process, void *userdata)
{
        struct search *search = userdata;

        search->found = search->found || strcmp(process->name, search->name) == 0;
}

int process_runs(const char *name)
{
        struct search search = { .name = name };
        bool all = process_each(compare, &search);

        return search.found ? 1 : all ? 0 : -1;
}
