#!/bin/bash
# SPDX-License-Identifier: MIT
# The disk, kernel and initrd of the test machine: a Debian of this machine's release with systemd,
# udev, D-Bus, mosquitto, all that our package depends on (but not the package), and Debian's own
# kernel with its USB serial drivers. Kept in the cache until something it is made of changes.
# usage (as root): tests/vm/build-image.sh PACKAGE.deb CACHE-FOLDER
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
deb=$1
mkdir -p "$2"
cache=$(cd "$2" && pwd)
image_size=1200M

# What tests drive, and what it stands on. The stock kernel: the one named "cloud" has no USB.
modules=(virtio_pci virtio_blk virtio_console virtio_rng ext4 crc32c_generic autofs4 loop
        xhci_pci usbserial pl2303 cp210x ch341 ftdi_sio cdc_acm vhci_hcd)
# The little initrd needs only these to find the disk.
boot_modules=(virtio_pci virtio_blk crc32c_generic ext4)

cannot() {
        echo "$*"
        exit 77
}

packages_of() { # names only; the first of alternatives
        dpkg-deb -f "$1" Depends | tr ',' '\n' | sed -E 's/\|.*//; s/\(.*//; s/ //g' | sort -u | tr '\n' ','
}

# copy_modules FOLDER MODULE…: with what they depend on; prints them in the order to load.
copy_modules() {
        local to=$1 module file
        shift
        for module in "$@"; do
                modprobe -d "$work/kernel" -S "$version" --show-depends "$module" 2>/dev/null |
                        awk '$1 == "insmod" { print $2 }'
        done | awk '!seen[$0]++' | while read -r file; do
                install -D -m 644 "$file" "$to/${file#"$work/kernel/"}"
                echo "/${file#"$work/kernel/"}"
        done
}

make_system() {
        # Without documentation: smaller, and quicker to unpack.
        mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
                --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
                --dpkgopt='path-exclude=/usr/share/locale/*' "$release" "$system" >&2 ||
                cannot "mmdebstrap cannot reach a Debian mirror"
        # Our package is unpacked later, whole.
        rm -f "$system/etc/dpkg/dpkg.cfg.d/99mmdebstrap" "$system"/var/cache/apt/archives/*.deb
}

make_kernel() {
        mkdir -p "$work/kernel"
        (cd "$work/kernel" && apt-get -q -o APT::Sandbox::User=root download "$kernel" >&2) ||
                cannot "cannot fetch $kernel"
        dpkg-deb --fsys-tarfile "$work"/kernel/*.deb | tar -C "$work/kernel" -x ./boot ./lib
        depmod -b "$work/kernel" "$version"
        copy_modules "$system" "${modules[@]}" >"$work/modules"
        local name
        for name in pl2303 cp210x ch341 ftdi_sio vhci-hcd; do
                grep -q "/$name.ko" "$work/modules" || cannot "kernel $version has no module $name"
        done
        cp "$work/kernel/lib/modules/$version"/modules.{builtin,builtin.modinfo,order} "$system/lib/modules/$version/"
        depmod -b "$system" "$version"
}

configure_system() {
        local unit
        echo meterbox >"$system/etc/hostname"
        printf '127.0.0.1 localhost meterbox\n::1 localhost\n' >"$system/etc/hosts"
        # Empty, not "uninitialized": else systemd applies presets at the first boot.
        : >"$system/etc/machine-id"
        printf '/dev/vda / ext4 rw,noatime 0 1\n' >"$system/etc/fstab"
        install -D -m 755 "$here/agent.py" "$system/usr/local/lib/testvm/agent.py"
        install -m 644 "$here/agent.service" "$system/etc/systemd/system/testvm-agent.service"
        mkdir -p "$system/etc/systemd/system/sysinit.target.wants" "$system/etc/systemd/journald.conf.d"
        ln -s ../testvm-agent.service "$system/etc/systemd/system/sysinit.target.wants/"
        # Nothing here needs these; an emulated machine boots the faster.
        for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
                e2scrub_reap.service fstrim.timer getty@tty1.service serial-getty@ttyS0.service \
                systemd-timesyncd.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount \
                systemd-machine-id-commit.service dev-hugepages.mount sys-kernel-debug.mount \
                sys-kernel-tracing.mount systemd-journal-flush.service; do
                ln -sf /dev/null "$system/etc/systemd/system/$unit"
        done
        printf '[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\n' >"$system/etc/systemd/journald.conf.d/testvm.conf"
}

# busybox and four modules: much quicker than Debian's own initrd under emulation.
make_initrd() {
        local tree=$work/initrd
        mkdir -p "$tree"/{bin,proc,sys,dev,mnt,lib}
        cp "$(command -v busybox)" "$tree/bin/busybox"
        copy_modules "$tree" "${boot_modules[@]}" >"$tree/modules"
        install -m 755 "$here/initrd-init.sh" "$tree/init"
        (cd "$tree" && find . | cpio -o -H newc --quiet) >"$cache/initrd.img.new"
}

[[ $(id -u) == 0 ]] || cannot "needs root (to make a disk image)"
for tool in mmdebstrap mke2fs busybox depmod cpio apt-get dpkg-deb; do
        command -v "$tool" >/dev/null || cannot "no $tool here"
done
grep -qx switch_root <<<"$(busybox --list)" || cannot "this busybox has no switch_root (busybox-static has)"
# shellcheck disable=SC1091
release=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
kernel=$(apt-cache depends linux-image-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
[[ -n $kernel ]] || cannot "apt knows no linux-image-amd64 (apt-get update?)"
version=${kernel#linux-image-}
packages=$(packages_of "$deb")systemd,systemd-sysv,dbus,kmod,procps,polkitd,sudo,mosquitto,mosquitto-clients,python3-minimal,libpython3-stdlib

exec 9>"$cache/lock"
flock -w 900 9 || cannot "another build holds $cache/lock"
stamp=$(cat "$0" "$here"/{agent.py,agent.service,initrd-init.sh} - <<<"$packages $release" | sha256sum | cut -c1-24)-$version
if [[ $(cat "$cache/stamp" 2>/dev/null) == "$stamp" ]]; then
        echo "# image of an earlier run"
        exit 0
fi
rm -f "$cache/stamp"
began=$SECONDS
work=$(mktemp -d "${TMPDIR:-/tmp}/vm-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
system=$work/system
make_system
make_kernel
configure_system
make_initrd
mke2fs -q -t ext4 -O '^has_journal' -L root -d "$system" "$cache/root.ext4.new" "$image_size"
install -m 644 "$work/kernel/boot/vmlinuz-$version" "$cache/vmlinuz.new"
rm -f "$cache"/state.* "$cache/accel"
for file in vmlinuz initrd.img root.ext4; do mv "$cache/$file.new" "$cache/$file"; done
echo "$stamp" >"$cache/stamp"
echo "# image made in $((SECONDS - began)) s, kernel $version"
