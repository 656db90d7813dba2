/* SPDX-License-Identifier: MIT */
/*
 * [metrics]: everything the service knows as a file for Prometheus (the textfile collector of its
 * node exporter), written whole and renamed, so that no reader sees half of one.
 */
#pragma once

#include "daemon/config/output.h"

extern const struct output output_metrics;
