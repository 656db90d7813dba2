#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Decodes every capture of ../shared/telegrams with `smctl decode` and compares meter, time,
encryption and every reading with its .expect.json; the encrypted ones also without a key and with
wrong ones. Prints TAP; says 'skipped' without captures.

usage: test_captures.py SMCTL PROJECT_ROOT
"""
import json
import os
import pathlib
import shlex
import subprocess
import sys


def code(text):
    """1.0.1.7.0.255 of the expectations as smctl prints it: 1-0:1.7.0."""
    a, b, c, d, e, f = text.split(".")
    return f"{a}-{b}:{c}.{d}.{e}" + ("" if f == "255" else f"*{f}")


def unit(text):
    return {"": None, "deg": "°", "m3": "m³"}.get(text, text)


def close(x, y):
    return abs(x - y) <= 1e-6 * max(abs(x), abs(y))


def scaled(want, factor):
    """The expectation with every energy so many times as large."""
    return {key: {**value, "value": value["value"] * factor}
            if key.split(".")[3] == "8" else value for key, value in want.items()}


def compare_readings(got, want, problems):
    seen = {}
    for reading in got:
        seen.setdefault(reading["obis"], []).append(reading)
    for key, value in want.items():
        candidates = seen.pop(code(key), [])
        if not candidates:
            problems.append(f"{code(key)} is missing")
        elif not any(close(r["value"], value["value"]) for r in candidates):
            problems.append(f"{code(key)} is {candidates[0]['value']}, not {value['value']}")
        elif (candidates[0]["unit"] or None) != unit(value["unit"]):
            problems.append(f"{code(key)} is in {candidates[0]['unit']}, not {value['unit']}")
    for key in seen:
        problems.append(f"{key} = {seen[key][0]['value']} is not expected")


def compare(got, want, problems):
    if got["meter"] != want.get("meter_id"):
        problems.append(f"meter is {got['meter']}, not {want.get('meter_id')}")
    if got["time"] != want.get("timestamp"):
        problems.append(f"time is {got['time']}, not {want.get('timestamp')}")
    if got["encrypted"] != want["encrypted"]:
        problems.append(f"encrypted is {got['encrypted']}")
    if want.get("system_title") and got["system_title"] != want["system_title"]:
        problems.append(f"system title is {got['system_title']}, not {want['system_title']}")
    if got["error"]:
        problems.append(f"error: {got['error']}")
    registers = {**want["readings"], **supplier_registers(want)}
    attempts = [[]]
    compare_readings(got["readings"], registers, attempts[0])
    if want.get("energy_scale_ambiguous"):
        # Nothing on the wire states this scale: the family's usual one counts (here 10 Wh).
        attempts.append([])
        compare_readings(got["readings"], scaled(registers, 10), attempts[1])
    problems += min(attempts, key=len)


def supplier_registers(want):
    """EASFnn of a Linky, which the captures keep as text, is register nn of the supplier."""
    return {f"1.0.1.8.{int(label[4:])}.255": {"value": int(text), "unit": "Wh"}
            for label, text in want.get("strings", {}).items() if label.startswith("EASF")}


def expected_telegrams(want):
    if want["expect"] != "multi":
        return [want]
    return [{**want, "timestamp": t.get("timestamp", want.get("timestamp")), **t}
            for t in want["telegrams"]]


def breaks_its_check_sum(want):
    """The expectation itself says that the printed CRC is not that of the bytes: somebody blotted
    out the meter's number. Nothing may be read from a frame whose check fails (docs/design.md §2)."""
    return bool(want.get("crc_present")) and want.get("crc_ok") is False


def check(smctl, capture):
    want = json.loads(pathlib.Path(str(capture).rsplit(".", 1)[0] + ".expect.json").read_text())
    command = [*smctl, "decode", "--json"]
    if want["key"]:
        command += ["--key", want["key"]]
    if want["auth_key"]:
        command += ["--auth-key", want["auth_key"]]
    run = subprocess.run(command + [str(capture)], capture_output=True, text=True, timeout=60)
    telegrams = [json.loads(line) for line in run.stdout.splitlines()]
    problems = []
    count = 0 if breaks_its_check_sum(want) else want["telegram_count"]
    if len(telegrams) != count:
        problems.append(f"{len(telegrams)} telegrams, not {count}")
    elif breaks_its_check_sum(want):
        pass
    elif want["expect"] == "frame_only":
        for telegram in telegrams:
            if telegram["readings"] or not telegram["error"]:
                problems.append("readings without a key, or no error")
            if not telegram["encrypted"] or telegram["meter"] is not None:
                problems.append("not shown as encrypted, or with a meter")
            if want["system_title"] and telegram["system_title"] != want["system_title"]:
                problems.append(f"system title is {telegram['system_title']}")
    else:
        for telegram, expected in zip(telegrams, expected_telegrams(want)):
            compare(telegram, expected, problems)
    if run.returncode not in (0, 1):
        problems.append(f"exit status {run.returncode}: {run.stderr.strip()}")
    return problems


def decode(smctl, capture, *keys):
    """The telegrams of a capture, as smctl prints them."""
    run = subprocess.run([*smctl, "decode", "--json", *keys, str(capture)], capture_output=True,
                         text=True, timeout=60)
    return [json.loads(line) for line in run.stdout.splitlines()]


def other(key):
    """Another key of the same length."""
    return "".join(f"{int(digit, 16) ^ 5:x}" for digit in key)


def expect_error(telegrams, count, sentence, problems):
    """Each of so many telegrams names its title, says the sentence, and has nothing to read."""
    if len(telegrams) != count:
        problems.append(f"{sentence}: {len(telegrams)} telegrams, not {count}")
    for telegram in telegrams:
        title = telegram["system_title"]
        if telegram["readings"] or telegram["texts"] or telegram["meter"] or telegram["time"]:
            problems.append(f"{sentence}: something was read")
        if sentence not in (telegram["error"] or ""):
            problems.append(f"the error is {telegram['error']!r}, not {sentence!r}")
        elif title and title not in telegram["error"]:
            problems.append(f"{sentence}: {title} is not named")


def check_keys(smctl, capture):
    """What an encrypted capture says without a key and with each of them wrong; None: it is not
    encrypted, or nobody published its key."""
    want = json.loads(pathlib.Path(str(capture).rsplit(".", 1)[0] + ".expect.json").read_text())
    if not want["key"] or not want["encrypted"] or breaks_its_check_sum(want):
        return None
    problems, count = [], want["telegram_count"]
    expect_error(decode(smctl, capture), count, "a key is needed", problems)
    auth = ("--auth-key", want["auth_key"]) if want["auth_key"] else ()
    wrong = decode(smctl, capture, "--key", other(want["key"]), *auth)
    expect_error(wrong, count, "wrong encryption key", problems)
    if auth:
        wrong = decode(smctl, capture, "--key", want["key"], "--auth-key", other(want["auth_key"]))
        expect_error(wrong, count, "wrong authentication key", problems)
    return problems


def main():
    # A wrapper: valgrind, or the emulator of the machine that smctl is for.
    smctl, root = shlex.split(os.environ.get("SMARTMETERD_WRAPPER", "")) + [sys.argv[1]], sys.argv[2]
    folder = pathlib.Path(os.environ.get("SMARTMETER_CAPTURES",
                                         pathlib.Path(root).resolve().parent / "shared/telegrams"))
    captures = sorted([*folder.glob("*.hex"), *folder.glob("*.txt")])
    if not captures:
        print("1..0 # SKIP skipped: no captures beside the project")
        return 0
    results = [(capture.stem, check(smctl, capture)) for capture in captures]
    results += [(f"{capture.stem}, keys missing and wrong", problems) for capture in captures
                if (problems := check_keys(smctl, capture)) is not None]
    print(f"1..{len(results)}")
    for number, (name, problems) in enumerate(results, 1):
        print(f"{'not ok' if problems else 'ok'} {number} - {name}")
        for problem in problems:
            print(f"# {problem}")
    return 1 if any(problems for _, problems in results) else 0


if __name__ == "__main__":
    sys.exit(main())
