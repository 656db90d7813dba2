#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes docs/meters.md from the profiles: what is read, how it is connected, which line, which key,
what to ask the utility for.

usage: make-meters-page.py          writes docs/meters.md
       make-meters-page.py --check  says whether it is up to date
"""
import configparser
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/meters.md"
HEAD = """# Meters

<!-- Made by tools/make-meters-page.py from the files in profiles/. -->

The families that have a profile. Others are read too when their telegrams say what they are: any
OBIS code with value and scaler, DSMR/ESMR P1 text, IEC 62056-21 readout, SML, TIC. A meter that is
not here: [new-meter.md](new-meter.md).

The line is the usual one; it is found by itself. Where a port is encrypted, the utility gives the
key to its customer; `smctl set-key` hands it to the service.
"""


def read(path):
    parser = configparser.ConfigParser(strict=True, delimiters=("=",), comment_prefixes=(";", "#"),
                                       inline_comment_prefixes=(";",), interpolation=None)
    parser.optionxform = str
    parser.read_string(path.read_text(encoding="utf-8"))
    return parser


def about(path):
    """The comment at the head of the file."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith(";"):
            break
        lines.append(line.lstrip("; "))
    return " ".join(lines)


def section(path):
    parser = read(path)
    profile = parser["profile"]
    lists = [name.split('"')[1] for name in parser.sections() if name.startswith("list ")]
    rows = [("Profile", f"`{profile['Name']}`"),
            ("Connection", profile["Connection"]),
            ("Line", f"{profile['Line']}, a telegram every {profile['Interval']}"),
            ("Encryption", profile["Encryption"]),
            ("Ask the utility for", profile["AskFor"])]
    if profile.get("Clock", "wire") == "standard":
        rows.append(("Clock", "standard time all year"))
    if lists:
        rows.append(("Lists without codes", "; ".join(lists)))
    table = "\n".join(f"| {key} | {value} |" for key, value in rows)
    return (f"## {profile['ManufacturerName']} {profile['Model']}\n\n{about(path)}\n\n"
            f"| | |\n|---|---|\n{table}\n")


def main():
    paths = sorted(ROOT.glob("profiles/*/profile"))
    page = "\n".join([HEAD, *map(section, paths)])
    if sys.argv[1:] != ["--check"]:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    print("1..1")
    same = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page
    print(f"{'ok' if same else 'not ok'} 1 - docs/meters.md is what the profiles say")
    if not same:
        print("# run tools/make-meters-page.py")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
