#!/bin/bash
# SPDX-License-Identifier: MIT
# Every key of daemon/config-keys.c is taught by the shipped file and explained by the man page, and
# the shipped file names no key that does not exist.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
keys=$(grep -oE '^ +(DAEMON|CONVERTER|METER|TARIFF|MQTT)\("[A-Za-z.]+"|CONFIG_[A-Z]+, "[A-Za-z]+"' daemon/config-keys.c |
        sed -E 's/.*"([A-Za-z.]+)"/\1/' | sort -u)
for key in $keys; do
        pattern=${key//./\\.}
        grep -qE "^#?$pattern" daemon/smartmeterd.conf || { echo "smartmeterd.conf does not teach $key" >&2; failed=1; }
        grep -qwE "${key%.}" daemon/smartmeterd.conf.5 || { echo "smartmeterd.conf.5 does not explain $key" >&2; failed=1; }
done
while read -r key; do
        grep -qxF -- "$key" <<<"$keys" || grep -qxF -- "${key%%.*}." <<<"$keys" ||
                { echo "smartmeterd.conf names $key, which is no key" >&2; failed=1; }
done < <(sed -nE 's/^#?([A-Z][A-Za-z]+(\.[0-9.]+)?)=.*/\1/p' daemon/smartmeterd.conf | sort -u)
exit "$failed"
