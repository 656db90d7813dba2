/* SPDX-License-Identifier: MIT */
#include "board-unit.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "ctl/client/child.h"
#include "ctl/i18n.h"
#include "ctl/view/output.h"

#define WORDS_MAX 6

static bool run(const char *const words[static WORDS_MAX])
{
        char copies[WORDS_MAX][128];
        char *argv[WORDS_MAX + 1] = { NULL };
        int code;

        for (size_t i = 0; i < WORDS_MAX && words[i]; i++) {
                (void)snprintf(copies[i], sizeof(copies[i]), "%s", words[i]);
                argv[i] = copies[i];
        }
        code = child_run(argv);
        if (code != 0)
                (void)output_fail(_("systemctl %s has failed (%s)"), words[2],
                                  code < 0 ? strerror(-code) : _("it says why above"));
        return code == 0;
}

bool board_unit_reload(bool restart)
{
        return run((const char *const[WORDS_MAX]){ "systemctl", "--quiet", "daemon-reload" }) &&
               (!restart || run((const char *const[WORDS_MAX]){ "systemctl", "--quiet", "restart",
                                                                "smartmeterd.service" }));
}

/* As udev has it at the next start: a login prompt takes the port for the group tty. */
static void give_back(const struct board_port *port)
{
        const struct group *group = getgrnam("dialout");

        if (!group || chown(port->node, (uid_t)-1, group->gr_gid) < 0 ||
            chmod(port->node, 0660) < 0)
                (void)output_fail(_("%s does not belong to the group dialout: restart the machine"),
                                  port->device);
}

bool board_unit_mask(const char *unit, const struct board_port *port)
{
        if (!run((const char *const[WORDS_MAX]){ "systemctl", "--quiet", "mask", "--now", unit }))
                return false;
        give_back(port);
        return true;
}
