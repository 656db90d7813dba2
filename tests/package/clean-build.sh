#!/bin/bash
# SPDX-License-Identifier: MIT
# The package, built in a clean Debian that has build-essential and our Build-Depends and nothing else,
# by an ordinary user without a network. For another architecture it is built with Debian's cross
# compiler, and then the unit tests are, and run under qemu-user; theirs is OUTPUT-FOLDER/testlog.json.
# usage (as root): [RELEASE=trixie] tests/package/clean-build.sh ARCHITECTURE OUTPUT-FOLDER
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/package/chroot-lib.sh
. "$root/tests/package/chroot-lib.sh"
chroot_possible
arch=$1
mkdir -p "$2"
output=$(cd "$2" && pwd)
release=${RELEASE:-$host_release}
rm -f "$output"/*
work=$(mktemp -d /var/tmp/smartmeterd-clean.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
new=$work/root

# The emulator is called by name: binfmt_misc is the whole machine's, and not ours to fill.
emulator() {
        case $1 in
        arm64) echo qemu-aarch64-static ;;
        armhf | armel) echo qemu-arm-static ;;
        *) cannot "no emulator is known for $1" ;;
        esac
}

build_package() {
        local variables=(LINTIAN=no) # not a build-dependency; it runs outside
        [[ $arch == "$native_arch" ]] || variables+=("HOST_ARCH=$arch")
        echo "-- package"
        chroot_run 1000:1000 "$new" env "${variables[@]}" tools/build-deb.sh /build/output
        cp "$new"/build/output/* "$output"
}

# Now that the package is built without it, cmocka.
add_cmocka() {
        chroot_run 0:0 "$new" sh -c 'dpkg -i /build/later/*.deb' >&2
}

run_tests() {
        echo "-- unit tests"
        cat >"$new/build/emulator.txt" <<TEXT
[binaries]
exe_wrapper = '$(emulator "$arch")'
TEXT
        # shellcheck disable=SC2016 # for the inner shell
        chroot_run 1000:1000 "$new" env "SMARTMETERD_WRAPPER=$(emulator "$arch")" bash -euc '
                meson env2mfile --cross --debarch "$1" -o ../machine.txt
                meson setup ../tests --cross-file ../machine.txt --cross-file ../emulator.txt --werror -Dtests=enabled
                meson test -C ../tests --suite unit --suite fuzz --timeout-multiplier 5 || true
        ' - "$arch"
        cp "$new"/build/tests/meson-logs/testlog*.json "$output/testlog.json"
}

if [[ $arch == "$native_arch" ]]; then
        chroot_image build "$release" "$arch" '' '' ''
else
        chroot_image "build-$arch" "$release" "$arch" cross,nocheck "crossbuild-essential-$arch,qemu-user-static,tzdata" \
                "libcmocka-dev:$arch libcmocka0:$arch"
fi
chroot_unpack "$image" "$new"
build_package
if [[ $arch != "$native_arch" ]]; then
        add_cmocka
        chroot_captures "$new"
        run_tests
fi
