#!/bin/bash
# SPDX-License-Identifier: MIT
# The package holds what DESIGN §9 promises, and files no one can write but root.
# usage: tests/package/contents.sh smartmeterd_VERSION_ARCH.deb
set -euo pipefail
list=$(dpkg-deb -c "$1")
failed=0
for wanted in usr/sbin/smartmeterd usr/bin/smctl systemd/system/smartmeterd.service \
        usr/lib/sysusers.d/smartmeterd.conf dbus-1/system.d/org.smartmeterd.conf \
        dbus-1/system-services/org.smartmeterd.service dbus-1/interfaces/org.smartmeterd.Meter1.xml \
        polkit-1/actions/org.smartmeterd.policy udev/rules.d/65-smartmeterd.rules \
        udev/hwdb.d/61-smartmeterd.hwdb etc/smartmeterd/smartmeterd.conf \
        man1/smctl.1.gz man5/smartmeterd.conf.5.gz man8/smartmeterd.8.gz \
        bash-completion/completions/smctl zsh/[a-z-]*/_smctl; do
        grep -q "$wanted$" <<<"$list" || { echo "not in the package: $wanted" >&2; failed=1; }
done
if grep -E '^-.{7}w|^-.{4}w|^-..s|^-.{5}s' <<<"$list"; then
        echo "files that others may write, or setuid" >&2
        failed=1
fi
if grep -vE ' root/root ' <<<"$list"; then
        echo "files that are not root's" >&2
        failed=1
fi
exit "$failed"
