#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Decodes every input of tests/cases with `smctl decode --json` and compares the telegrams with
CASE.expect.json (see README.md): a list of telegrams, each naming what must be so ("readings" are
complete unless "more" is true; an "error" is a part of the sentence). Prints TAP.

usage: test_cases.py SMCTL FOLDER
"""
import json
import os
import pathlib
import shlex
import subprocess
import sys

KEYS = ("--key", "000102030405060708090a0b0c0d0e0f",
        "--auth-key", "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")


def close(x, y):
    return abs(x - y) <= 1e-9 * max(abs(x), abs(y))


def compare_readings(got, want, more):
    seen = {r["obis"]: r for r in got}
    for obis, (value, unit) in want.items():
        reading = seen.pop(obis, None)
        if reading is None:
            yield f"{obis} is missing"
        elif not close(reading["value"], value) or (reading["unit"] or None) != unit:
            yield f"{obis} is {reading['value']} {reading['unit']}, not {value} {unit}"
    if not more:
        for obis, reading in seen.items():
            yield f"{obis} = {reading['value']} is not expected"


def whole(want):
    """One telegram alone stands there without the list; it may have other readings too."""
    if "telegrams" in want:
        return want
    return {"keys": [], "exit": None, "telegrams": [{"more": True, **want}]}


def compare(got, want):
    for reading in got["readings"] if "unscaled" in want else ():
        if reading["obis"] in want["readings"] and (
                reading.get("unscaled", False) != (reading["obis"] in want["unscaled"])):
            yield f"{reading['obis']}: unscaled is {reading.get('unscaled', False)}"
    for key in ("meter", "time", "profile"):
        if key in want and got[key] != want[key]:
            yield f"{key} is {got[key]}, not {want[key]}"
    if (want.get("error") or "") not in (got["error"] or "") or (
            "error" not in want and got["error"]):
        yield f"error is {got['error']}"
    if "tree" in want and got.get("tree") != want["tree"]:
        yield f"tree is {got.get('tree')}"
    yield from compare_readings(got["readings"], want.get("readings", {}), want.get("more"))


def check(smctl, case):
    want = whole(json.loads((case.parent / (case.name.rsplit(".", 1)[0] + ".expect.json"))
                            .read_text(encoding="utf-8")))
    run = subprocess.run([*smctl, "decode", "--json", *want.get("keys", KEYS), str(case)],
                         capture_output=True, text=True, timeout=60)
    telegrams = [json.loads(line) for line in run.stdout.splitlines()]
    if len(telegrams) != len(want["telegrams"]):
        yield f"{len(telegrams)} telegrams, not {len(want['telegrams'])}"
    for got, expected in zip(telegrams, want["telegrams"]):
        yield from compare(got, expected)
    if "stderr" in want and want["stderr"] not in run.stderr:
        yield f"standard error is {run.stderr.strip()!r}"
    if want.get("exit", 0) not in (None, run.returncode):
        yield f"exit status {run.returncode}"


def main():
    # A wrapper: valgrind, or the emulator of the machine that smctl is for.
    smctl = shlex.split(os.environ.get("SMARTMETERD_WRAPPER", "")) + [sys.argv[1]]
    folder = pathlib.Path(sys.argv[2])
    cases = sorted(path for path in [*folder.glob("*.hex"), *folder.glob("*.txt")])
    results = [(case.stem, list(check(smctl, case))) for case in cases]
    print(f"1..{len(results)}")
    for number, (name, problems) in enumerate(results, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print(f"# {problem}")
    return 1 if any(problems for _, problems in results) else 0


if __name__ == "__main__":
    sys.exit(main())
