#!/bin/bash
# SPDX-License-Identifier: MIT
# Makes the pictures of docs/web.md anew, of real runs: the service with simulated meters, Cockpit and
# Chromium, which tools/test.sh web installs. usage: tools/screenshots.sh [FOLDER]    (docs/pictures)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:-$root/docs/pictures}
mkdir -p "$folder"
export SMARTMETERD_SOURCE=$root SMARTMETERD_BUILD=${SMARTMETERD_BUILD:-$root/build}
export SMARTMETERD=$SMARTMETERD_BUILD/daemon/smartmeterd SMCTL=$SMARTMETERD_BUILD/ctl/smctl
export SMARTMETERD_MOCK_REALPATH=$SMARTMETERD_BUILD/tests/integration/libmock-realpath.so
umockdev-wrapper /usr/bin/python3 "$root/tests/web/screenshots.py" "$folder"
# A few colours are enough for a page like this: a third of the size.
if command -v pngquant >/dev/null; then
        rm -f "$folder"/web-*.png.tmp
        pngquant --speed 1 --force --ext .png --quality 60-90 --skip-if-larger "$folder"/web-*.png || [[ $? == 98 || $? == 99 ]]
fi
if command -v optipng >/dev/null; then
        optipng -quiet -o5 "$folder"/web-*.png
fi
du -sh "$folder"
