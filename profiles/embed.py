#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the C source that holds the text of every profile below a folder. The file is touched only
when it changes, so this may run at every build: a new folder needs no other change.

usage: embed.py FOLDER OUTPUT
"""
import pathlib
import sys

LITERAL = str.maketrans({"\\": "\\\\", '"': '\\"'})


def literal(text):
    # One literal per line: compilers bound the length of a single one.
    return "\n".join(f'                "{line.translate(LITERAL)}\\n"' for line in text.splitlines())


def main():
    folder, output = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    profiles = sorted(folder.glob("*/profile"))
    rows = [f"        {{\n{literal(path.read_text(encoding='utf-8'))}\n        }},"
            for path in profiles]
    source = "\n".join(["/* SPDX-License-Identifier: MIT */",
                        "/* Made by profiles/embed.py. */",
                        '#include "lib/profile/profile-entry.h"',
                        "",
                        "const struct profile_text profile_texts[] = {",
                        *rows,
                        "        { NULL },",
                        "};",
                        ""])
    if not output.exists() or output.read_text(encoding="utf-8") != source:
        output.write_text(source, encoding="utf-8")


if __name__ == "__main__":
    main()
