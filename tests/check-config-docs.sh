#!/bin/bash
# SPDX-License-Identifier: MIT
# Every key of every section is explained by the man page and taught by the shipped file: the tables
# themselves say which there are.
# usage: tests/check-config-docs.sh [BUILD-FOLDER]    (without one, the first that is built)
set -euo pipefail
cd "$(dirname "$0")/.."
test=
for folder in "${1:-build-dev}" build-test/gcc build; do
        [[ -n $test || ! -x $folder/tests/unit/test-config-keys ]] || test=$folder/tests/unit/test-config-keys
done
[[ -n $test ]] || { echo "check-config-docs: build first" >&2; exit 1; }
said=$(CMOCKA_MESSAGE_OUTPUT=TAP SMARTMETERD_SOURCE=$PWD "$test") || {
        grep -A4 '^not ok' <<<"$said" >&2 || echo "$said" >&2
        exit 1
}
