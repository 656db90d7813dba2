/* SPDX-License-Identifier: MIT */
/*
 * What a profile file includes: the words it is written in. A profile is one const struct
 * meter_profile, named after its file; its name stands in meson.build beside it, and nowhere else.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "lib/profile.h"
#include "lib/util.h"

#define PROFILE_SCALES(array) .scales = (array), .n_scales = ELEMENTSOF(array)
#define PROFILE_LISTS(array)  .lists = (array), .n_lists = ELEMENTSOF(array)
#define PROFILE_LIST(name_, list_id_, array)                              \
        {                                                                 \
                .name = (name_), .list_id = (list_id_), .items = (array), \
                .n_items = ELEMENTSOF(array)                              \
        }

/* True when the FLAG id of the device name or system title is this one. */
static inline bool profile_made_by(const struct telegram *t, const char *manufacturer)
{
        return strcmp(t->manufacturer, manufacturer) == 0;
}

/* True when a list version identifier (x:0.2.129, Norwegian HAN) begins so. */
static inline bool profile_list_version(const struct telegram *t, const char *prefix)
{
        size_t n = strlen(prefix);

        for (size_t i = 0; i < t->n_texts; i++) {
                const struct text *text = &t->texts[i];

                if (text->obis.c == 0 && text->obis.d == 2 && text->obis.e == 129 &&
                    text->value.len >= n && memcmp(text->value.data, prefix, n) == 0)
                        return true;
        }
        return false;
}
