#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Counts the single tests within meson's testlog.json: TAP lines of C tests, python's unittest
summaries, and else one for each program. Prints "passed failed skipped", and on stderr what failed
and what was skipped for which reason."""

import json
import re
import sys


def count(entry):
    """(passed, failed, skipped) of one program."""
    output = entry.get("stdout", "") + "\n" + entry.get("stderr", "")
    result = entry["result"]
    ok = bad = skipped = 0
    for line in output.splitlines():
        if re.match(r"ok \d+\b.*# ?skip", line, re.I):
            skipped += 1
            print("skipped:", entry["name"], line, file=sys.stderr)
        elif re.match(r"ok \d+\b", line):
            ok += 1
        elif re.match(r"not ok \d+\b", line):
            bad += 1
    for ran, rest in re.findall(r"^Ran (\d+) tests? in [^\n]*\n\s*\n(?:OK|FAILED)([^\n]*)$", output, re.M):
        words = dict(re.findall(r"(\w+)=(\d+)", rest))
        failures = int(words.get("failures", 0)) + int(words.get("errors", 0))
        skips = int(words.get("skipped", 0))
        bad += failures
        skipped += skips
        ok += max(0, int(ran) - failures - skips)
    if result == "SKIP" and not skipped:
        skipped = 1
    if result in ("OK", "EXPECTEDFAIL") and ok + skipped == 0:
        ok = 1
    if result not in ("OK", "SKIP", "EXPECTEDFAIL") and bad == 0:
        bad = 1  # a crash, a time-out, a sanitizer
    if bad:
        print("FAILED:", entry["name"], "(%s)" % result, file=sys.stderr)
        print(output[-6000:], file=sys.stderr)
    elif skipped:
        reasons = re.findall(r"skipped[ :'\"]+([^\n]{3,160})", output)
        print("skipped:", entry["name"], "; ".join(sorted(set(reasons)))[:400], file=sys.stderr)
    return ok, bad, skipped


def main():
    totals = [0, 0, 0]
    for path in sys.argv[1:]:
        try:
            with open(path, encoding="utf-8") as log:
                results = [json.loads(line) for line in log]
        except (OSError, ValueError) as error:
            sys.exit(f"count-tests: {error}")
        for result in results:
            totals = [a + b for a, b in zip(totals, count(result))]
    print(*totals)


main()
