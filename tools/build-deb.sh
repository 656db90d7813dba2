#!/bin/bash
# SPDX-License-Identifier: MIT
# Builds the package: installs what is missing for that, stages packaging/debian as debian/ in a copy
# of the tree, dpkg-buildpackage, lintian with every tag. The same sources give the same bytes: times
# come from the changelog.
# usage: tools/build-deb.sh [OUTPUT-FOLDER]     (build-deb/)
#        HOST_ARCH=arm64 tools/build-deb.sh     cross-builds, where a cross compiler and the libraries of
#        that architecture are; tests/package/clean-build.sh makes such a place
#        LINTIAN=no                             leaves lintian to tools/lint-deb.sh
#        MAINTAINER='Name <address>' SUPPORT_URL=https://…   who answers for this build, and where its users
#        find help: without them the package names an address that cannot exist, and none
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
output=${1:-$root/build-deb}
mkdir -p "$output"
output=$(cd "$output" && pwd)
# shellcheck source=tools/test-lib.sh
. "$root/tools/test-lib.sh"
lint=(lintian)
[[ ${LINTIAN:-} != no ]] || lint=()
if [[ -z ${HOST_ARCH:-} ]] && ! need_package "${lint[@]}" >&2; then
        echo "build-deb: as root: apt-get build-dep $root/packaging && apt-get install lintian" >&2
        exit 1
fi
# Always the same place: its name is in the compiler's command, by which a cache knows it again.
work=$output/work
rm -rf "$work"
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/smartmeterd"
if git -C "$root" rev-parse --git-dir >/dev/null 2>&1; then
        # Also what is not committed yet, and nothing that is ignored.
        git -C "$root" ls-files -co --exclude-standard -z |
                (cd "$root" && while IFS= read -r -d '' file; do [[ -e $file ]] && printf '%s\0' "$file"; done) |
                tar -C "$root" --null -T - -cf - | tar -C "$work/smartmeterd" -xf -
else
        tar -C "$root" --exclude='./build*' --exclude=./debian -cf - . | tar -C "$work/smartmeterd" -xf -
fi
cp -r "$work/smartmeterd/packaging/debian" "$work/smartmeterd/debian"
if [[ -n ${MAINTAINER:-} ]]; then
        for file in control changelog; do
                awk '/^Maintainer: /        { $0 = "Maintainer: " ENVIRON["MAINTAINER"] }
                     /^ -- .*>  / && !done++ { sub(/-- .*>  /, ""); $0 = " -- " ENVIRON["MAINTAINER"] "  " substr($0, 2) }
                     { print }' "$work/smartmeterd/packaging/debian/$file" >"$work/smartmeterd/debian/$file"
        done
fi

options=(-us -uc -b)
if [[ -n ${HOST_ARCH:-} ]]; then
        # Tests of another architecture's programs are tools/test.sh's, under qemu-user.
        options+=("-a$HOST_ARCH" '-Pcross,nocheck')
        export DEB_BUILD_OPTIONS="${DEB_BUILD_OPTIONS:-} nocheck"
fi
umask 022
if ! (cd "$work/smartmeterd" && dpkg-buildpackage "${options[@]}") >"$output/build.log" 2>&1; then
        tail -n 60 "$output/build.log"
        exit 1
fi
rm -f "$output"/*.deb "$output"/*.ddeb "$output"/*.changes "$output"/*.buildinfo
mv "$work"/*.deb "$work"/*.changes "$work"/*.buildinfo "$output"

[[ ${LINTIAN:-} == no ]] || "$root/tools/lint-deb.sh" "$output"/*.changes
ls -1 "$output"/*.deb
