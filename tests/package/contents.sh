#!/bin/bash
# SPDX-License-Identifier: MIT
# The package holds what docs/design.md §9 promises, and files no one can write but root.
# usage: tests/package/contents.sh smartmeterd_VERSION_ARCH.deb
set -euo pipefail
list=$(dpkg-deb -c "$1")
failed=0
fault() {
        echo "$*" >&2
        failed=1
}

wants() { # PATTERN OF A PATH'S END…
        local wanted
        for wanted in "$@"; do
                grep -qE "^-.*/$wanted$" <<<"$list" || fault "not in the package: $wanted"
        done
}

# Programs, and the units that start them.
wants usr/sbin/smartmeterd usr/bin/smctl usr/libexec/smartmeterd-holders
wants lib/systemd/system/smartmeterd{,-holders@,-metrics@}.service lib/systemd/system/smartmeterd-{holders,metrics}.socket \
        lib/systemd/system/smartmeterd.service.d/50-usb-reset.conf
wants usr/lib/sysusers.d/smartmeterd.conf etc/smartmeterd/smartmeterd.conf
# The bus: who may what, how it is started, and each interface that docs/dbus-api.md describes.
wants dbus-1/system.d/org.smartmeterd.conf dbus-1/system-services/org.smartmeterd.service \
        polkit-1/actions/org.smartmeterd.policy
wants dbus-1/interfaces/org.smartmeterd.{Converter,Electricity,History,Manager,Meter,Output,Tariff}1.xml
wants lib/udev/rules.d/65-smartmeterd.rules lib/udev/hwdb.d/61-smartmeterd.hwdb
# What people read and type. zsh of Debian looks for packages' completions in vendor-completions only.
wants man1/smctl.1.gz man5/smartmeterd.conf.5.gz man5/org.smartmeterd.5.gz man8/smartmeterd{,-holders}.8.gz
wants bash-completion/completions/smctl zsh/vendor-completions/_smctl
wants locale/{de,fr}/LC_MESSAGES/smctl.mo
wants doc/smartmeterd/{README,SECURITY,CONTRIBUTING,CHANGELOG}.md doc/smartmeterd/copyright \
        doc/smartmeterd/docs/{quickstart,quickstart.de,quickstart.fr,dbus-api,mqtt}.md doc/smartmeterd/docs/examples/power.py
# A page leads to what is in the package, as it does in the sources.
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
dpkg-deb --fsys-tarfile "$1" | tar -xC "$tree" ./usr/share/doc/smartmeterd
n_pages=0
while IFS= read -r file; do
        n_pages=$((n_pages + 1))
        while IFS= read -r link; do
                [[ -e $(dirname "$file")/$link ]] || fault "${file#"$tree"} leads to $link, which is not in the package"
        done < <(grep -oE '\]\([^)]+\)' "$file" | sed -E 's/^\]\(|\)$//g; s/#.*//' | grep -v :// | grep .)
done < <(find "$tree" -name '*.md')
((n_pages >= 20)) || fault "only $n_pages pages are in the package"

# The page is a package of its own, and asks for smctl's.
page=$(find "$(dirname "$1")" -maxdepth 1 -name 'cockpit-smartmeterd_*_all.deb')
if [[ -n $page ]]; then
        pages=$(dpkg-deb -c "$page")
        for wanted in manifest.json index.html page.js smartmeterd.css po.{de,fr}.js; do
                grep -qE "^-rw-r--r-- root/root .*\./usr/share/cockpit/smartmeterd/$wanted$" <<<"$pages" || fault "not in $page: $wanted"
        done
        dpkg-deb -f "$page" Depends | grep -q 'smartmeterd (>=' || fault "$page does not depend on smartmeterd"
elif [[ -z ${HOST_ARCH:-} ]]; then
        fault "no cockpit-smartmeterd beside $1"
fi
grep -q cockpit <<<"$list" && fault "the page is in two packages"

# The maintainer named is the one given to the build, or an address that cannot exist.
maintainer=$(dpkg-deb -f "$1" Maintainer)
[[ $maintainer == "${MAINTAINER:-smartmeterd developers <nobody@smartmeterd.invalid>}" ]] || fault "Maintainer: $maintainer"

# Folders in which the administrator's own files are read.
grep -q '^d.*/etc/smartmeterd/smartmeterd.conf.d/$' <<<"$list" || fault "not in the package: smartmeterd.conf.d"
# An old configuration must be kept: dpkg asks about these, and about nothing in /usr or /lib.
conffiles=$(dpkg-deb --ctrl-tarfile "$1" | tar -xOf - ./conffiles)
[[ $conffiles == /etc/smartmeterd/smartmeterd.conf ]] || fault "conffiles: $conffiles"

if grep -E '^-.{7}w|^-.{4}w|^-..s|^-.{5}s' <<<"$list"; then
        fault "files that others may write, or setuid"
fi
if grep -vE ' root/root ' <<<"$list"; then
        fault "files that are not root's"
fi
exit "$failed"
