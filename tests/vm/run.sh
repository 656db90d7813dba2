#!/bin/bash
# SPDX-License-Identifier: MIT
# The package on a whole Debian in QEMU, with a PL2303 that the kernel's own driver serves (USB/IP).
# Stands on the test kit beside the project: SMARTMETER_TESTKIT, else ../shared/testkit.
# usage: tests/vm/run.sh smartmeterd_VERSION_ARCH.deb        exit 77: cannot run here, last line says why
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
deb=$(realpath "$1")
kit=${SMARTMETER_TESTKIT:-$root/../shared/testkit}
[[ -f $kit/vm/vm.py ]] || { echo "no test kit (SMARTMETER_TESTKIT)"; exit 77; }
export VM_CACHE=${VM_CACHE:-$root/build-test/vm-cache} SMARTMETER_TESTKIT=$kit
if [[ ! -f $VM_CACHE/root.ext4 && $(id -u) != 0 ]]; then
        echo "making the system's image needs root"
        exit 77
fi
"$kit/vm/build-image.sh"

# The guest has no network: what the package depends on goes in with it.
depends=$root/build-test/depends
mkdir -p "$depends"
wanted=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed -E 's/\|.*//; s/\(.*//; s/ //g' |
        grep -vE '^(libc6|adduser|systemd|udev|default-dbus-system-bus|dbus-system-bus)$')
# shellcheck disable=SC2086 # a list of names
mapfile -t closure < <(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks \
        --no-replaces --no-enhances $wanted | grep -E '^[a-z0-9]' | grep -vE '^(libc6|libgcc-s1|gcc-.*-base|debconf.*|dpkg|perl.*|cdebconf)$' | sort -u)
(cd "$depends" && for package in "${closure[@]}"; do
        compgen -G "${package}_*.deb" >/dev/null || apt-get download -qq "$package" 2>/dev/null || true
done)
exec /usr/bin/python3 "$root/tests/vm/package_on_hardware.py" "$deb" "$depends"
