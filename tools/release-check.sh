#!/bin/bash
# SPDX-License-Identifier: MIT
# Before a tag: the version is the same everywhere, the change log speaks of it, the tree is clean,
# and the same sources give the same package twice. usage: tools/release-check.sh
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0
fault() {
        echo "release-check: $*" >&2
        failed=1
}

version=$(sed -n "s/^ *version : '\([^']*\)',.*/\1/p" meson.build | head -n 1)
packaged=$(sed -n '1s/.*(\([^)]*\)).*/\1/p' packaging/debian/changelog)
echo "version $version"
[[ $packaged == "$version" ]] || fault "packaging/debian/changelog says $packaged"
grep -q "^## $version" CHANGELOG.md || fault "CHANGELOG.md has no section $version"
grep -q "smartmeterd_${version}_" README.md || fault "README.md names another version"
[[ -z $(git status --porcelain) ]] || fault "there are uncommitted changes"
if git rev-parse -q --verify "refs/tags/v$version" >/dev/null; then
        fault "v$version is tagged already"
fi

first=$(mktemp -d)
second=$(mktemp -d)
trap 'rm -rf "$first" "$second"' EXIT
tools/build-deb.sh "$first" >/dev/null
# Another folder, zone, language and mask must not show.
TMPDIR=$second TZ=Asia/Tokyo LC_ALL=C bash -c 'umask 027; tools/build-deb.sh "$1"' - "$second" >/dev/null
for package in "$first"/*.deb; do
        cmp -s "$package" "$second/$(basename "$package")" || fault "$(basename "$package") differs when built again"
done
[[ $failed == 0 ]] && echo "release-check: all in order"
exit "$failed"
