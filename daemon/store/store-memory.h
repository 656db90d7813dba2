/* SPDX-License-Identifier: MIT */
/*
 * SQLite's memory. Its pages hold the keys of meters, as state.db does; what it gives back is
 * overwritten first, so that a key that was forgotten is nowhere.
 */
#pragma once

/* Once, before the first database is opened. */
void store_memory_init(void);
