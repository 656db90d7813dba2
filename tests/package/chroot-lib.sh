# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Clean Debian systems to build in, made by mmdebstrap and kept as tars in build-test/ until
# something they are made of changes. Foreign packages live there and nowhere else. Sourced, not run.
# The script that sources it has set root.

# shellcheck disable=SC2154
sources=$root
native_arch=$(dpkg --print-architecture)
# shellcheck disable=SC1091,SC2034 # used by the scripts
host_release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")

# Exit 77: cannot run here; the last line says why.
cannot() {
        echo "$*"
        exit 77
}

chroot_possible() {
        local tool
        [[ $(id -u) == 0 ]] || cannot "needs root (to make a clean system)"
        for tool in mmdebstrap unshare chroot sha256sum; do
                command -v "$tool" >/dev/null || cannot "no $tool here"
        done
        unshare --mount --pid --net --fork true 2>/dev/null || cannot "no namespaces of our own on this machine"
}

# kept_debs RELEASE: sets kept, the folder of the packages that apt has fetched for it, and with_kept, with which
# mmdebstrap takes them from there and leaves those it had to fetch. What was not used for a month goes.
kept_debs() {
        kept=$sources/build-test/debs-$1
        mkdir -p "$kept/partial"
        find "$kept" -name '*.deb' -mtime +30 -delete
        export KEPT=$kept
        # shellcheck disable=SC2016,SC2034 # for mmdebstrap's shell; used by the scripts
        with_kept=(--skip=download/empty --skip=essential/unlink
                --setup-hook='mkdir -p "$1/var/cache/apt/archives" &&
                        find "$KEPT" -maxdepth 1 -name "*.deb" -exec cp -t "$1/var/cache/apt/archives" {} +'
                --customize-hook='cp -n "$1"/var/cache/apt/archives/*.deb "$KEPT"; rm -f "$1"/var/cache/apt/archives/*.deb')
}

# What runs within mmdebstrap: the build-dependencies of packaging/debian/control and nothing else,
# for the architecture and profiles given. LATER are packages that are only laid down there, for
# what is done after the build. $1 is the new system.
hook_build_depends() { # ARCH PROFILES LATER
        cat <<HOOK
mkdir -p "\$1/build/depends/debian"
cp "$sources/packaging/debian/control" "$sources/packaging/debian/changelog" "\$1/build/depends/debian/"
chroot "\$1" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
        -o APT::Get::Host-Architecture=$1 -o APT::Build-Profiles=$2 build-dep /build/depends >&2
HOOK
        [[ -z $3 ]] || cat <<HOOK
mkdir "\$1/build/later"
chroot "\$1" sh -c 'cd /build/later && apt-get -qq -o APT::Sandbox::User=root download $3' >&2
HOOK
}

# chroot_image NAME RELEASE ARCH PROFILES PACKAGES LATER: sets image, the tar's path. ARCH is what
# programs are built for there; PACKAGES (with commas) come on top.
chroot_image() {
        local name=$1 release=$2 arch=$3 packages=$5 sum hook architectures=$native_arch
        [[ $arch == "$native_arch" ]] || architectures+=,$arch
        hook=$(hook_build_depends "$arch" "$4" "$6")
        sum=$({ printf '%s\n' "$@" "$hook" && cat "$sources/tests/package/chroot-lib.sh" &&
                sed '/^Package:/,$d' "$sources/packaging/debian/control"; } | sha256sum | cut -c1-12)
        image=$sources/build-test/$name-$release-$sum.tar
        [[ ! -f $image ]] || return 0
        mkdir -p "$sources/build-test"
        rm -f "$sources/build-test/$name-$release"-*.tar
        # shellcheck disable=SC2016 # for mmdebstrap's shell
        local began=$SECONDS options=(--quiet --mode=root --variant=apt --format=tar
                --architectures="$architectures"
                --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*'
                --include="build-essential${packages:+,$packages}" --customize-hook="$hook"
                --customize-hook='echo builder:x:1000:1000::/build:/bin/sh >>"$1/etc/passwd"'
                --customize-hook='echo builder:x:1000: >>"$1/etc/group"')
        kept_debs "$release"
        options+=("${with_kept[@]}")
        # A mirror may be in the middle of an update of one architecture's security fixes. The
        # release alone will do then: packages of two architectures are of one version there.
        mmdebstrap "${options[@]}" "$release" "$image.new" >"$image.log" 2>&1 ||
                mmdebstrap "${options[@]}" "$release" "$image.new" \
                        "deb http://deb.debian.org/debian $release main" >>"$image.log" 2>&1 ||
                no_image "$image.log" "$release"
        mv "$image.new" "$image"
        rm "$image.log"
        echo "made $name-$release in $((SECONDS - began)) s"
}

# A package that the release has not is a fault of ours, not of the mirror.
no_image() { # LOG RELEASE
        tail -n 30 "$1"
        if grep -qE 'Unable to (locate|satisfy)|no installation candidate|[Uu]nmet dep' "$1"; then
                exit 1
        fi
        cannot "mmdebstrap cannot reach a Debian mirror with $2"
}

# A new system from the tar, with the project's sources in /build/smartmeterd: what is committed and
# what is not yet, and nothing that is ignored. They belong to an ordinary user.
chroot_unpack() { # TAR FOLDER
        mkdir -p "$2"
        tar -C "$2" -xpf "$1" --exclude='./dev/*'
        mkdir -p "$2/build/smartmeterd"
        if git -C "$sources" rev-parse --git-dir >/dev/null 2>&1; then
                git -C "$sources" ls-files -co --exclude-standard -z |
                        (cd "$sources" && while IFS= read -r -d '' file; do [[ -e $file ]] && printf '%s\0' "$file"; done) |
                        tar -C "$sources" --null -T - -cf -
        else
                tar -C "$sources" --exclude='./build*' --exclude=./debian -cf - .
        fi | tar -C "$2/build/smartmeterd" -xf -
        chown -R 1000:1000 "$2/build"
        echo "127.0.0.1 localhost" >"$2/etc/hosts" # as a system that was booted has them
        sha256sum <<<"$2" | cut -c1-32 >"$2/etc/machine-id"
}

# The captures beside the project, where they are, beside its copy.
chroot_captures() { # FOLDER
        [[ -d $sources/../shared/telegrams ]] || return 0
        mkdir "$1/build/shared"
        cp -r "$sources/../shared/telegrams" "$1/build/shared/"
}

# chroot_run USER FOLDER COMMAND…: in /build/smartmeterd, with no network but an own loopback, which has a
# second address: without one ser2net finds no name, not even 127.0.0.1. All of it ends with the command,
# and the mounts with it.
chroot_run() {
        local user=$1
        shift
        # shellcheck disable=SC2016 # for the inner shell
        unshare --mount --pid --net --ipc --uts --fork --kill-child -- /bin/bash -euc '
                user=$1 new=$2
                shift 2
                mount --bind "$new" "$new" # what makes mounts of its own there needs one for /
                mount -t proc proc "$new/proc"
                mount -t tmpfs tmpfs "$new/run"
                mount --rbind /dev "$new/dev"
                mount -t tmpfs tmpfs "$new/dev/shm"
                command -v ip >/dev/null && ip link set lo up && ip address add 192.0.2.1/32 dev lo
                cd "$new"
                exec chroot --userspec="$user" "$new" /usr/bin/env -i --chdir=/build/smartmeterd \
                        PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/build LANG=C.UTF-8 "$@"
        ' - "$user" "$@"
}
