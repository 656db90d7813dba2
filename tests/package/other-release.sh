#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds with gcc and clang, unit tests, integration tests and the page in a browser on a fresh Debian of another release than
# this machine's: tools/test.sh in a chroot, as root and without a network. Its lines are the output.
# usage (as root): tests/package/other-release.sh RELEASE
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/package/chroot-lib.sh
. "$root/tests/package/chroot-lib.sh"
# shellcheck source=tools/test-lib.sh
. "$root/tools/test-lib.sh"
chroot_possible
work=$(mktemp -d /var/tmp/smartmeterd-release.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT

packages=$(printf '%s\n' clang iproute2 "${test_packages[@]}" "${web_packages[@]}" | sort -u | paste -sd,)
chroot_image tests "$1" "$native_arch" '' "$packages" ''
chroot_unpack "$image" "$work/root"
chroot_captures "$work/root"
chroot_run 0:0 "$work/root" tools/test.sh build unit integration web
