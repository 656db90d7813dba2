/* SPDX-License-Identifier: MIT */
/*
 * Messages in the user's language (gettext). _() translates where a text is used; N_() only marks
 * one that stands in a table and is translated later (base/util.h). The catalogues are in ctl/po.
 */
#pragma once

#include <libintl.h>

#include "base/util.h"

#define _(text)          gettext(text)
#define P_(one, many, n) ngettext(one, many, n)
