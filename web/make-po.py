#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The texts of the page in one language, cut from smctl's catalogue into the file that Cockpit asks for.
usage: web/make-po.py CATALOGUE.po OUTPUT.js SCRIPT.js…"""

import ast
import json
import pathlib
import re
import sys

STRING = r'"(?:[^"\\]|\\.)*"'


def catalogue(text):
    """{msgid: msgstr} of entries without plurals."""
    entries = {}
    for match in re.finditer(rf"^msgid ((?:{STRING}\s*)+)msgstr ((?:{STRING}\s*)+)", text, re.M):
        source, target = ("".join(ast.literal_eval(part) for part in re.findall(STRING, group)) for group in match.groups())
        entries[source] = target
    return entries


def main():
    source, output, *scripts = sys.argv[1:]
    entries = catalogue(pathlib.Path(source).read_text(encoding="utf-8"))
    language = pathlib.Path(source).stem
    wanted = set()
    for script in scripts:
        found = re.findall(rf"\b_\(({STRING})\)", pathlib.Path(script).read_text(encoding="utf-8"))
        wanted.update(json.loads(text) for text in found)
    missing = sorted(text for text in wanted if not entries.get(text))
    if missing:
        print(f"make-po: {source} lacks:", *missing, sep="\n  ", file=sys.stderr)
    chosen = {text: [None, entries[text]] for text in sorted(wanted) if entries.get(text)}
    header = {"language": language, "language-direction": "ltr"}
    pathlib.Path(output).write_text(
        "cockpit.locale(" + json.dumps({"": header, **chosen}, ensure_ascii=False, separators=(",", ":")) + ");\n",
        encoding="utf-8")


main()
