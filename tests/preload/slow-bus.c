/* SPDX-License-Identifier: MIT */
/*
 * A slow machine at its start: between any two steps of the connection to the bus others have time
 * to speak.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <time.h>

#include <systemd/sd-bus.h>

#define SLOW_STEPS 20

int sd_bus_process(sd_bus *bus, sd_bus_message **ret)
{
        static const struct timespec pause = { .tv_nsec = 50000000 };
        static int n;
        int (*real_process)(sd_bus *, sd_bus_message **) = NULL;

        *(void **)&real_process = dlsym(RTLD_NEXT, "sd_bus_process");
        if (n++ < SLOW_STEPS)
                (void)nanosleep(&pause, NULL);
        return real_process(bus, ret);
}
