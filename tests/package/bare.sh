#!/bin/bash
# SPDX-License-Identifier: MIT
# The README's two commands on a fresh machine: a Debian made anew (mmdebstrap's minbase, git, and
# nothing more) with a clone in it, as root. tools/demo.sh --seconds 40 must get to its live table;
# then tools/test.sh build unit package. Its output is the log, with a line "part NAME: counts" each.
# usage (as root): tests/package/bare.sh RELEASE
# Packages that apt has fetched are kept in build-test/debs-RELEASE, and what was compiled where tools/test.sh
# keeps it; the system is not.
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/package/chroot-lib.sh
. "$root/tests/package/chroot-lib.sh"
chroot_possible
release=$1
kept_debs "$release"
compiled=${CCACHE_DIR:-$root/build-test/ccache}
mkdir -p "$compiled"
work=$(mktemp -d /var/tmp/smartmeterd-bare.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
new=$work/root

make_bare() {
        mmdebstrap --quiet --mode=root --variant=minbase --include=git --dpkgopt=force-unsafe-io "${with_kept[@]}" \
                "$release" "$new" >"$work/made.log" 2>&1 || no_image "$work/made.log" "$release"
        cp /etc/resolv.conf "$new/etc/resolv.conf"
}

# A clone, with what is not committed yet on top.
clone() {
        local to=$new/root/smartmeterd
        git -c safe.directory='*' clone -q --no-hardlinks "$root" "$to"
        git -C "$root" ls-files -d -z | (cd "$to" && xargs -0 -r rm -f)
        git -C "$root" ls-files -mo --exclude-standard -z |
                (cd "$root" && while IFS= read -r -d '' file; do [[ ! -e $file ]] || printf '%s\0' "$file"; done) |
                tar -C "$root" --null -T - -cf - | tar -C "$to" -xf -
        # The captures beside the project, where they are, beside its clone.
        [[ ! -d $root/../shared/telegrams ]] || {
                mkdir "$new/root/shared"
                cp -r "$root/../shared/telegrams" "$new/root/shared/"
        }
}

# inside COMMAND…: in the clone, with this machine's network and control groups (systemd-nspawn takes a
# place among them). Its root is that of the mount namespace: in a chroot the kernel refuses the user
# namespaces of the service (PrivateUsers=). All of it ends with the command, and the mounts with it.
inside() {
        # shellcheck disable=SC2016 # for the inner shell
        unshare --mount --pid --ipc --uts --fork --kill-child -- /bin/bash -euc '
                new=$1 kept=$2 compiled=$3
                shift 3
                mount --bind "$new" "$new" # systemd-nspawn wants a root that is a mount point
                mount -t proc proc "$new/proc"
                mount --rbind /sys "$new/sys"
                mount -t tmpfs tmpfs "$new/run"
                mount --rbind /dev "$new/dev"
                mount -t tmpfs tmpfs "$new/dev/shm"
                mount --bind "$kept" "$new/var/cache/apt/archives"
                there=$new/root/smartmeterd/build-test
                mkdir -p "$there/ccache" "$there/${kept##*/}"
                mount --bind "$compiled" "$there/ccache"
                mount --bind "$kept" "$there/${kept##*/}"
                cd "$new"
                pivot_root . mnt
                umount -l /mnt
                exec /usr/bin/env -i --chdir=/root/smartmeterd \
                        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
        ' - "$new" "$kept" "$compiled" "$@"
}

make_bare
clone
echo "made in $SECONDS s"

began=$SECONDS code=0
inside tools/demo.sh --seconds 40 >"$work/demo.log" 2>&1 </dev/null || code=$?
cat "$work/demo.log"
if [[ $code != 0 ]] || ! sed -n '/# Live/,$p' "$work/demo.log" | grep -q LGZ1030655000001; then
        echo "the demo ended with $code, and $(grep -c '# Live' "$work/demo.log") live tables"
        exit 1
fi
echo "demo in $((SECONDS - began)) s"

inside tools/test.sh build unit package </dev/null
