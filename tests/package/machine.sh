#!/bin/bash
# SPDX-License-Identifier: MIT
# The programs of a package are of its architecture, hardened, and count time in 64 bits; and it has
# the same files as the package of another architecture.
# usage: tests/package/machine.sh smartmeterd_VERSION_ARCH.deb [smartmeterd_VERSION_OTHER.deb]
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fault() {
        echo "$*" >&2
        failed=1
}

# What `readelf -h` calls the machine, and the folder of its libraries.
arch=$(dpkg-deb -f "$1" Architecture)
case $arch in
amd64) machine='Advanced Micro Devices X86-64' class=ELF64 ;;
arm64) machine=AArch64 class=ELF64 ;;
armhf) machine=ARM class=ELF32 ;;
*)
        echo "no machine is known for $arch" >&2
        exit 1
        ;;
esac
[[ $1 == *_"$arch".deb ]] || fault "$1 says that it is of $arch"

wants() { # PROGRAM WHAT PATTERN READELF-OPTION
        grep -qE "$3" <<<"$(readelf -W "$4" "$work/$1" 2>&1)" || fault "$1: $2"
}

check_program() { # PROGRAM [does-not-count-time]
        wants "$1" "not a program for $arch" "Machine: +$machine\$" -h
        wants "$1" "not $class" "Class: +$class\$" -h
        wants "$1" "not position-independent" 'Type: +DYN' -h
        wants "$1" "not position-independent" 'FLAGS_1.* PIE' -d
        wants "$1" "symbols are bound late" 'FLAGS_1.*NOW' -d
        wants "$1" "no GNU_RELRO" 'GNU_RELRO' -l
        wants "$1" "the stack may hold code" 'GNU_STACK .* RW ' -l
        wants "$1" "no stack protector" '__stack_chk_fail' --dyn-syms
        wants "$1" "not fortified" '__[a-z]*printf_chk' --dyn-syms
        [[ $class == ELF64 || -n ${2:-} ]] || wants "$1" "times of 32 bits" '__localtime64_r' --dyn-syms
        if grep -qE 'RPATH|RUNPATH' <<<"$(readelf -W -d "$work/$1")"; then
                fault "$1: looks for libraries where it was built"
        fi
}

# Modes, owners and names; folders of one architecture's libraries are called the same.
files_of() {
        dpkg-deb -c "$1" | awk '{ print $1, $2, $6, $7, $8 }' | sed -E 's,/lib/[a-z0-9_]+-linux-gnu[a-z]*/,/lib/TRIPLET/,' | sort
}

dpkg-deb -x "$1" "$work"
check_program usr/sbin/smartmeterd
check_program usr/bin/smctl
check_program usr/libexec/smartmeterd-holders does-not-count-time
if [[ -n ${2:-} ]]; then
        diff <(files_of "$2") <(files_of "$1") || fault "not the same files as in $(basename "$2")"
fi
exit "$failed"
