#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The report of every capture: profiles, tests/telegrams, tests/cases, and ../shared/telegrams where they are.
It decodes to the same readings, and has no id, title or key of the original in any spelling. What
no report can be made of is refused with a reason. Prints TAP.

usage: [SMARTMETERD_WRAPPER=EMULATOR] test_captures.py SMCTL PROJECT_ROOT      with it: each tenth
"""
import itertools
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

REFUSED = re.compile(r"no report was made: no (whole )?telegram in it$", re.M)
NAMING = re.compile(r"\d-\d+:(42\.0\.0|96\.1\.[0-9]|0\.0\.[0-9])")
MODELS = ("1-1:96.1.1", "0-0:96.1.7", "0-0:96.1.4")
KEY = re.compile(r"^# (auth[ _])?key: ([0-9A-Fa-f]{32})", re.M)


def keys_in(text):
    return {"--auth-key" if auth else "--key": key for auth, key in KEY.findall(text)}


def options(keys):
    return [word for pair in sorted(keys.items()) for word in pair]


def run(smctl, *args):
    return subprocess.run([*smctl, *args], capture_output=True, text=True, check=False,
                          env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE=""))


def decode(smctl, path, keys):
    done = run(smctl, "decode", *options(keys), str(path))
    return [json.loads(line) for line in done.stdout.splitlines()]


def undo_hex(text):
    return bytes.fromhex("".join(line for line in text.splitlines() if not line.startswith("#")))


def spellings(name):
    """Every way in which a name may stand in bytes; short ones are in everything by chance."""
    text = name.encode()
    found = {text, text.upper(), text.lower(), text[::-1], text.hex().encode(),
             text.hex().upper().encode()}
    digits = "".join(re.findall(r"\d+", name)[-1:])
    for number in {name, digits}:
        if re.fullmatch(r"[0-9A-Fa-f]{8,}", number):
            packed = bytes.fromhex(number if len(number) % 2 == 0 else "0" + number)
            found |= {packed, packed[::-1]}
            found |= {packed.hex().encode(), packed.hex().upper().encode()}
        if number.isdigit() and 2**16 <= int(number) < 2**64:
            width = 4 if int(number) < 2**32 else 8
            found |= {int(number).to_bytes(width, order) for order in ("big", "little")}
    return {s for s in found if len(s) >= 4 and len(s) - s.count(0) >= 3}


def names_of(telegrams, keys):
    names = set(keys.values())
    for telegram in telegrams:
        names |= {telegram["meter"] or "", telegram["system_title"] or ""}
        kept = {t["value"] for t in telegram["texts"] if t.get("obis") in MODELS or
                not NAMING.match(t.get("obis") or "")}
        names |= {t["value"] for t in telegram["texts"] if NAMING.match(t.get("obis") or "")} - kept
        names |= {t["value"] for t in telegram["texts"] if t.get("label") in ("ADCO", "ADSC", "PRM")}
    return {name for name in names if len(name) >= 5 and len(set(name) - set("0")) > 1}


def leaks(names, report):
    text = report.lower().encode()
    raw = undo_hex(report)
    for name in names:
        for spelling in spellings(name):
            if spelling in raw:
                yield f"{name} is in the bytes of the report as {spelling!r}"
            if len(spelling) >= 8 and spelling.lower() in text:
                yield f"{name} is in the text of the report as {spelling!r}"


def comparable(telegram):
    return (telegram["framing"], telegram["profile"], telegram["time"], telegram["readings"],
            bool(telegram["error"]), len(telegram["texts"]))


def check(smctl, path, keys):
    before = decode(smctl, path, keys)
    done = run(smctl, "report", "-o", "-", "-t", "1000", *options(keys), str(path))
    if done.returncode != 0:
        readable = [t for t in before if not t["error"]]
        if REFUSED.search(done.stderr) and not readable:
            return
        yield f"refused: {done.stderr.strip()}"
        return
    with open("report.txt", "w", encoding="utf-8") as file:
        file.write(done.stdout)
    after = decode(smctl, "report.txt", keys_in(done.stdout))
    wanted = [comparable(t) for t in before if not t["error"]]
    if [comparable(t) for t in after if not t["error"]] != wanted:
        yield "its readings are others"
    if set(keys_in(done.stdout).values()) & {k.lower() for k in keys.values()}:
        yield "it tells the key of the meter"
    values = {str(int(r["value"])) for t in before for r in t["readings"] if r["value"]}
    names = names_of(before, keys) - values  # the same digits as a reading stay there
    yield from leaks(names, done.stdout)
    for name in names:
        if name.lower() in json.dumps(after).lower():
            yield f"{name} is in what the decoder says"


def captures(root):
    for path in sorted([*root.glob("profiles/*/*.hex"), *root.glob("tests/telegrams/*.hex")]):
        yield path, keys_in(path.read_text(encoding="utf-8"))
    for folder in (root / "tests/cases", root.parent / "shared/telegrams"):
        for expect in sorted(folder.glob("*.expect.json")):
            want = json.loads(expect.read_text(encoding="utf-8"))
            path = next(p for p in (expect.with_name(expect.name.replace(".expect.json", suffix))
                                    for suffix in (".hex", ".txt")) if p.exists())
            yield path, keys_of(want)


def keys_of(want):
    """Of a capture they stand by name, of a case as options."""
    if isinstance(want.get("keys"), list) or "telegrams" in want and "key" not in want:
        words = want.get("keys", ["--key", "000102030405060708090a0b0c0d0e0f",
                                  "--auth-key", "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"])
        return dict(zip(words[::2], words[1::2]))
    return {option: want[key] for option, key in (("--key", "key"), ("--auth-key", "auth_key"))
            if want.get(key)}


def main():
    wrapper = shlex.split(os.environ.get("SMARTMETERD_WRAPPER", ""))
    smctl, root = [*wrapper, os.path.abspath(sys.argv[1])], pathlib.Path(sys.argv[2]).resolve()
    step = 10 if wrapper else 1
    folder = tempfile.TemporaryDirectory(prefix="smr.")
    os.chdir(folder.name)
    failed = n = 0
    for n, (path, keys) in enumerate(itertools.islice(captures(root), 0, None, step), 1):
        problems = list(check(smctl, path, keys))
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {n} - {path.parent.name}/{path.stem}")
        for problem in problems:
            print(f"# {problem}")
    print(f"1..{n}")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
