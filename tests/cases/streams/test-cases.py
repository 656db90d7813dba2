#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Small inputs that were read wrongly once, each for a kind of mistake; cases.json says what each gives.

usage: test-cases.py SMCTL FOLDER    (TAP)

A row of cases.json names a file and how often which line of readings comes:

    "options"    further arguments of smctl decode; "key" and "auth_key" stand for the keys of the folder
    "telegrams"  one object per telegram that is read, in order; each holds some of what must be in it:
                 "meter", "time", "framing", and codes with [value, unit]
    "errors"     parts of the sentences of those that cannot be read, in order; nothing: none may be there
    "stderr"     a part of what is said on stderr
    "never"      words that may stand nowhere
    "exit"       the exit status
"""
import json
import os
import shlex
import subprocess
import sys

# An emulator, where smctl is of another architecture.
WRAPPER = shlex.split(os.environ.get("SMARTMETERD_WRAPPER", ""))

KEYS = {
    "key": ["--key", "000102030405060708090a0b0c0d0e0f"],
    "auth_key": ["--auth-key", "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"],
}


def decode(smctl, folder, row):
    arguments = [a for name in row.get("options", []) for a in KEYS.get(name, [name])]
    done = subprocess.run(
        [*WRAPPER, smctl, "decode", *arguments, os.path.join(folder, row["file"])],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def differences(want, got):
    readings = {r["obis"]: [r["value"], r["unit"]] for r in got["readings"]}
    for name, value in want.items():
        found = got[name] if name in ("meter", "time", "framing") else readings.get(name)
        if found != value:
            yield f"{name} is {found}, not {value}"


def faults(row, done, objects):
    read = [o for o in objects if not o["error"]]
    errors = [o["error"] for o in objects if o["error"]]
    telegrams = row.get("telegrams", [])
    if len(read) != len(telegrams):
        yield f"{len(read)} telegrams, not {len(telegrams)}"
    for want, got in zip(telegrams, read):
        yield from differences(want, got)
    wanted_errors = row.get("errors", [])
    if len(errors) != len(wanted_errors):
        yield f"errors {errors}, not {wanted_errors}"
    for want, got in zip(wanted_errors, errors):
        if want not in got:
            yield f"the error is '{got}', not '{want}'"
    if row.get("stderr", "") not in done.stderr:
        yield f"stderr is '{done.stderr}'"
    for word in row.get("never", []):
        if word in done.stderr or word in done.stdout:
            yield f"it says '{word}'"
    if "exit" in row and done.returncode != row["exit"]:
        yield f"exit status {done.returncode}, not {row['exit']}"


def main():
    smctl, folder = sys.argv[1:3]
    with open(os.path.join(folder, "cases.json"), encoding="utf-8") as file:
        rows = json.load(file)
    known = {row["file"] for row in rows}
    inputs = {f for f in os.listdir(folder) if f.endswith((".hex", ".txt", ".bin"))}
    failed = 0
    print(f"1..{len(rows) + 1}")
    for number, row in enumerate(rows, 1):
        found = list(faults(row, *decode(smctl, folder, row)))
        failed += bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - {row['file']} {' '.join(row.get('options', []))}")
        for fault in found:
            print(f"# {fault}")
    forgotten = sorted(inputs - known)
    failed += bool(forgotten)
    print(f"{'not ok' if forgotten else 'ok'} {len(rows) + 1} - every input has a row")
    for name in forgotten:
        print(f"# {name} has none")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
