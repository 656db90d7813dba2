/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Gives back what only the start needed: the code and the tables of libraries that read the
 * configuration, opened the state, shook hands with brokers; and free heap. What is used again
 * comes back by itself, from the page cache. Once, when the start is over; takes a few
 * milliseconds.
 */
void memory_release_start(void);
