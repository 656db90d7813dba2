/* SPDX-License-Identifier: MIT */
/*
 * SQLite's memory. Its pages hold the keys of meters, as state.db does; memory that it frees is
 * overwritten first, so that a forgotten key is nowhere.
 */
#pragma once

/* Once, before the first database is opened. */
void store_memory_init(void);
