/* SPDX-License-Identifier: MIT */
#include "link.h"

#include <string.h>

#define LINK_ENTRY(name) &link_##name,

const struct link_ops *const link_table[] = { LINK_TABLE(LINK_ENTRY) NULL };

const struct link_ops *link_find(const char *name)
{
        for (unsigned int i = 0; link_table[i]; i++)
                if (strcmp(link_table[i]->name, name) == 0)
                        return link_table[i];
        return NULL;
}
