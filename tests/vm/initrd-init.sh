#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The first process of the test machine: loads what finds the disk, and hands over to its systemd.
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t sysfs sys /sys
$b mount -t devtmpfs dev /dev
while read -r module; do
        $b insmod "$module"
done </modules
n=0
while [ ! -b /dev/vda ] && [ $n -lt 500 ]; do
        n=$((n + 1))
        $b usleep 20000
done
if ! $b mount -t ext4 -o rw,noatime /dev/vda /mnt; then
        echo "initrd: no disk"
        $b poweroff -f
fi
for folder in dev proc sys; do
        $b mount --move /$folder /mnt/$folder
done
exec $b switch_root /mnt /lib/systemd/systemd
