#!/bin/bash
# SPDX-License-Identifier: MIT
# `systemd-analyze security` of the packaged unit is at most 1.5 (DESIGN §9).
# usage: tests/package/security.sh smartmeterd_VERSION_ARCH.deb
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb --fsys-tarfile "$1" | tar -C "$work" -xf - --wildcards '*/smartmeterd.service'
unit=$(find "$work" -path '*systemd/system/smartmeterd.service')
systemd-analyze security --offline=true --no-pager --threshold=15 "$unit" | tail -n 1
