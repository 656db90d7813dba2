#!/bin/bash
# SPDX-License-Identifier: MIT
# A bare Debian adds the repository and installs smartmeterd by its name; `apt upgrade` brings a newer
# one and keeps configuration, keys and state; a repository that was tampered with is refused.
# usage (as root): tests/package/apt.sh smartmeterd_VERSION_ARCH.deb
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
deb=$(realpath "$1")
# shellcheck disable=SC1091
release=${RELEASE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}

cannot() {
        echo "$*"
        exit 77
}

if [[ ${2:-} != --within ]]; then
        [[ $(id -u) == 0 ]] || cannot "needs root (to make a Debian)"
        for tool in mmdebstrap apt-ftparchive gpg unshare chroot; do
                command -v "$tool" >/dev/null || cannot "no $tool here"
        done
        unshare --mount --net --fork true 2>/dev/null || cannot "no namespaces of our own on this machine"
fi
# The only part with a network: the system, with all that the package depends on.
packages=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed -E 's/\|.*//; s/\(.*//; s/ //g' | sort -u | tr '\n' ',')
image=$root/build-test/apt-$release-$(sha256sum <<<"$packages" | cut -c1-12).tar
if [[ ${2:-} != --within ]]; then
        if [[ ! -f $image ]]; then
                mkdir -p "$root/build-test"
                mmdebstrap --quiet --format=tar --variant=apt --include="${packages%,}" "$release" "$image.new" >&2 ||
                        cannot "mmdebstrap cannot reach a Debian mirror with $release"
                mv "$image.new" "$image"
        fi
        exec unshare --mount --net --fork --pid --kill-child -- "$0" "$deb" --within
fi

work=$(mktemp -d /var/tmp/smartmeterd-apt.XXXXXX)
trap 'umount "$work/root/repository" "$work/root/proc" 2>/dev/null || true; rm -rf "$work"' EXIT
system=$work/root
export GNUPGHOME=$work/gnupg

say() {
        echo "-- $*"
}

inside() {
        chroot "$system" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}

publish() { # FOLDER
        "$root/tools/apt-repository.sh" "$work/repository" --key test@example.org --url file:/repository "$release=$1"
}

version() {
        inside dpkg -s smartmeterd | sed -n 's/^Version: //p'
}

say "a key, a repository, a bare system"
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key 'test <test@example.org>' ed25519 sign never
mkdir "$work/first" "$work/second" "$system"
cp "$deb" "$work/first/"
publish "$work/first"
tar -C "$system" -xpf "$image" --exclude='./dev/*'
mknod -m 666 "$system/dev/null" c 1 3
mount -t proc proc "$system/proc"
mkdir "$system/repository"
mount --bind "$work/repository" "$system/repository"
# no other source is asked: there is no network
rm -f "$system"/etc/apt/sources.list "$system"/etc/apt/sources.list.d/*

say "added by one file, installed by name"
cp "$work/repository/smartmeterd-$release.sources" "$system/etc/apt/sources.list.d/smartmeterd.sources"
inside apt-get -qq update
inside apt-get -qq -y --no-install-recommends install smartmeterd
[[ $(version) == "$(dpkg-deb -f "$deb" Version)" ]]
inside apt-cache policy smartmeterd | grep -q 'file:/repository'
inside smctl version

say "apt upgrade keeps configuration, drop-ins and state"
printf '\n# mine\n' >>"$system/etc/smartmeterd/smartmeterd.conf"
mkdir -p "$system/etc/smartmeterd/smartmeterd.conf.d" "$system/var/lib/smartmeterd"
printf '[meter "LGZ1"]\nName=mine\n' >"$system/etc/smartmeterd/smartmeterd.conf.d/50-mine.conf"
echo learned >"$system/var/lib/smartmeterd/mine"
dpkg-deb -R "$deb" "$work/newer"
sed -i 's/^Version: .*/&+next1/' "$work/newer/DEBIAN/control"
printf '\n# a new comment of ours\n' >>"$work/newer/etc/smartmeterd/smartmeterd.conf"
sed -i '/ etc\/smartmeterd\/smartmeterd.conf$/d' "$work/newer/DEBIAN/md5sums"
dpkg-deb --root-owner-group -b "$work/newer" "$work/second/smartmeterd_next_$(dpkg-deb -f "$deb" Architecture).deb" >/dev/null
publish "$work/second"
inside apt-get -qq update
# as unattended-upgrades does: what the administrator wrote stays
inside apt-get -qq -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold upgrade
[[ $(version) == *+next1 ]]
tail -n 1 "$system/etc/smartmeterd/smartmeterd.conf" | grep -q '^# mine$'
grep -q mine "$system/etc/smartmeterd/smartmeterd.conf.d/50-mine.conf"
grep -q learned "$system/var/lib/smartmeterd/mine"
inside smartmeterd --check-config

say "a package of another content under the same name is not taken"
mkdir "$work/third"
cp "$work/second"/*.deb "$work/third/"
echo x >>"$(echo "$work/third"/*.deb)"
if publish "$work/third" 2>/dev/null; then
        echo "it was published" >&2
        exit 1
fi

say "what was changed after signing is refused"
sed -i 's/^Version: .*/&+evil/' "$work/repository/dists/$release/main/binary-$(dpkg-deb -f "$deb" Architecture)/Packages"
sed -i 's/^Date: .*/Date: Thu, 01 Jan 2026 00:00:00 +0000/' "$work/repository/dists/$release/InRelease"
rm -rf "$system"/var/lib/apt/lists/*
if inside apt-get -qq update >"$work/out" 2>&1 && ! grep -qE '^[EW]:' "$work/out"; then
        echo "apt took it" >&2
        exit 1
fi
grep -iE 'signature|BADSIG|not signed' "$work/out"
say "done"
