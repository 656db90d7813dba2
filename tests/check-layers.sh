#!/bin/sh
# SPDX-License-Identifier: MIT
# The house rules a compiler does not know, in one process: tests/check-layers.py has and explains them.
# usage: tests/check-layers.sh [BUILD-FOLDER]    (without one, only the sources are looked at)
exec python3 "$(dirname "$0")/check-layers.py" "$@"
