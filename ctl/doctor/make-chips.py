#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The kernel module of each chip, as udev's hardware list has it, commented or not: rows of C for
smctl doctor, products before whole makers. make-chips.py HWDB >chips.inc"""

import re
import sys


def rows(text):
    """(pattern, module); a stanza is patterns, then properties."""
    patterns, in_properties = [], False
    for line in text.split("\n"):
        pattern = re.fullmatch(r"#?(usb:\S+)", line)
        module = re.fullmatch(r"#? SMARTMETER_MODULE=(\S+)", line)
        if pattern and in_properties:
            patterns = []
        if pattern:
            patterns.append(pattern[1])
        if module and not patterns:
            sys.exit(f"make-chips: whose module is this? {line}")
        if module:
            yield from ((pattern, module[1]) for pattern in patterns)
        in_properties = not pattern
        if not line:
            patterns = []


def row(pattern, module):
    ids = re.fullmatch(r"usb:v([0-9A-F]{4})(?:p([0-9A-F]{4}))?\*", pattern)
    if not ids or not re.fullmatch(r"[a-z0-9_]+", module):
        sys.exit(f"make-chips: this is no chip with its module: {pattern} {module}")
    return f'{{ "{ids[1]}", "{ids[2] or ""}", "{module}" }},'


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        found = list(rows(file.read()))
    print("/* Made by ctl/doctor/make-chips.py. */")
    for pattern, module in sorted(found, key=lambda one: "p" not in one[0]):
        print(row(pattern, module))


if __name__ == "__main__":
    main()
