#!/bin/bash
# SPDX-License-Identifier: MIT
# The package on a whole Debian in QEMU, with converters emulated down to the USB wire: their real
# drivers, udev, the unit's sandbox, reboot, upgrade, purge. Says TAP.
# usage (as root): tests/vm/run.sh smartmeterd_VERSION_ARCH.deb [WORD IN A TEST'S NAME]
# VM_CACHE: where image and saved boot are kept (build-test/vm). Exit 77: cannot run here; the last
# line says why.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
deb=$(realpath "$1")
word=${2:-}
cache=${VM_CACHE:-$here/../../build-test/vm}

[[ $(uname -m) == x86_64 ]] || { echo "the test machine is an x86-64 one"; exit 77; }
for tool in qemu-system-x86_64 qemu-img setpriv python3; do
        command -v "$tool" >/dev/null || { echo "no $tool here"; exit 77; }
done
began=$SECONDS
"$here/build-image.sh" "$deb" "$cache"

work=$(mktemp -d "${TMPDIR:-/tmp}/vm-package.XXXXXX")
trap 'rm -rf "$work"' EXIT
# The same package as the next version: what an upgrade does is dpkg's and the scripts' business.
dpkg-deb -R "$deb" "$work/newer"
sed -i -E 's/^(Version: .*)$/\1+newer/' "$work/newer/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/newer" "$work/newer.deb" >/dev/null
code=0
python3 -B "$here/run_tests.py" "$cache" "$deb" "$work/newer.deb" "$word" || code=$?
echo "# all in $((SECONDS - began)) s"
exit "$code"
