#!/bin/bash
# SPDX-License-Identifier: MIT
# `systemd-analyze security` of each packaged service, with its packaged drop-ins, is at most 1.3
# (SECURITY.md; docs/design.md §9 asks for 1.5).
# usage: tests/package/security.sh smartmeterd_VERSION_ARCH.deb
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb -x "$1" "$work"
mapfile -t units < <(find "$work" -path '*systemd/system/*.service' | sort)
[[ ${#units[@]} -ge 3 ]] || { echo "not all services are in the package: ${units[*]##*/}" >&2; exit 1; }
failed=0
for unit in "${units[@]}"; do
        # A file given by its path is looked at without its drop-ins.
        if [[ -d $unit.d ]]; then
                cat "$unit.d"/*.conf >>"$unit"
        fi
        systemd-analyze security --offline=true --no-pager --threshold=13 "$unit" >"$work/figure" || failed=1
        tail -n 1 "$work/figure"
done
exit "$failed"
