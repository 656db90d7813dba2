/* SPDX-License-Identifier: MIT */
/*
 * Where a verb gets the telegrams from that it looks at as a whole: a file, standard input, or the
 * line of a converter for a while.
 */
#pragma once

#include "ctl/view/json.h"
#include "telegram-file.h"

/*
 * `source`: "-", a file where there is one of that name, else a converter or a meter behind one,
 * which is listened to for so many seconds. *ret_converter: the converter as client_fetch() shows
 * it, owned, or NULL for a file. EXIT_DONE, or EXIT_FAILED after a word to the user.
 */
int telegram_source_read(const char *source, uint64_t usec, struct telegram_file *ret,
                         struct json_object **ret_converter);

/* The same of the only converter there is. */
int telegram_source_read_only(uint64_t usec, struct telegram_file *ret,
                              struct json_object **ret_converter);
