/* SPDX-License-Identifier: MIT */
#pragma once

#include "output.h"

/* The label of a reading on the screen; its own name when lib/ does not know it. */
const char *reading_label(const char *name, char buf[static OUTPUT_TEXT_MAX]);
