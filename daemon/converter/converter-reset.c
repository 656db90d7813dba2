/* SPDX-License-Identifier: MIT */
/* USB reset of a converter that hangs deeper than its port: asked for by `UsbReset=` or by hand. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/usbdevice_fs.h>

#include "base/log.h"
#include "converter-private.h"

#define REOPEN_USEC (100 * 1000ULL)

/* The call takes the bus 50 ms, and a dead device some seconds. */
static void work_reset(const void *argument, int fd, struct worker_result *result)
{
        OWNED_FD int node = open(argument, O_WRONLY | O_CLOEXEC);

        result->error = node < 0 || ioctl(node, USBDEVFS_RESET, 0) < 0 ? errno : 0;
}

static void on_reset(const struct worker_result *result, void *userdata)
{
        struct converter *c = userdata;

        c->reset = worker_free(c->reset);
        log_about(LOG_NOTICE, LOG_CONVERTER(c, .error = result->error), "USB reset of %s: %s",
                  c->device.usb_node, result->error ? strerror(result->error) : "done");
        if (c->state != CONVERTER_WAITING)
                return;
        c->retry_usec = converter_now(c) + REOPEN_USEC;
        converter_arm(c);
}

int converter_may_reset(const struct converter *c)
{
        if (!*c->device.usb_node)
                return -ENODEV;
        /* Asks the sandbox (DeviceAllow=) too: EPERM; group and mode give EACCES. */
        return access(c->device.usb_node, W_OK) < 0 ? -errno : 0;
}

int converter_usb_reset(struct converter *c)
{
        const struct worker_job job = {
                .name = "usb-reset",
                .work = work_reset,
                .argument = c->device.usb_node,
                .argument_size = sizeof(c->device.usb_node),
                .fd = -1,
                .done = on_reset,
                .userdata = c,
        };
        int r;

        c->silence.reset_usec = converter_now(c);
        if (c->reset)
                return -EALREADY;
        r = worker_start(c->options.event, &job, &c->reset);
        if (r >= 0)
                c->totals.usb_resets++;
        return r;
}
