/* SPDX-License-Identifier: MIT */
/*
 * Makers of meters, by the three letters that the DLMS User Association gave them (FLAG id). Meters
 * say the letters; people want the name.
 */
#pragma once

/* "Landis+Gyr" of "LGZ"; "" when the id is not in the table. Static storage. */
const char *maker_name(const char *flag_id);

/*
 * The same of a meter: the maker that its model names ("Landis+Gyr E360"), for the three letters
 * may be the network operator's; else whose the letters are. "" when unknown. Static storage.
 */
const char *maker_of(const char *flag_id, const char *model);

/* "E450" of "Landis+Gyr E450": the model without its maker's name in front. Borrowed. */
const char *maker_skip(const char *flag_id, const char *model);
