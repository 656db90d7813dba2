#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the service says to people, as smctl has to know it to say it in their language: a table of C
of all its sentences, with their conversions. make-sentences.py SOURCE... >sentences.inc"""

import re
import sys

STRING = r'"(?:[^"\\\n]|\\.)*"'
# A literal goes on over line breaks, and over the widths that C has names for (PRIu64).
LITERAL = rf'{STRING}(?:\s*(?:{STRING}|PRI[a-z]\d+))*'
WIDTHS = {"PRIu64": "llu", "PRIu32": "u"}


def blank_out(pattern, text):
    return re.sub(pattern, lambda m: " " * len(m[0]), text, flags=re.S)


def without_calls(text, name):
    """What goes to the log alone is for the journal, which is English."""
    found = re.search(rf"\b{name}\(", text)
    while found:
        depth, end = 0, found.end() - 1
        for token in re.finditer(rf"{STRING}|[()]", text[end:]):
            depth += {"(": 1, ")": -1}.get(token[0], 0)
            if depth == 0:
                end += token.end()
                break
        text = text[:found.start()] + text[end:]
        found = re.search(rf"\b{name}\(", text)
    return text


def sentences(path):
    with open(path, encoding="utf-8") as file:
        text = blank_out(r"/\*.*?\*/", file.read())
    for name in (r"log_(?!about\s*=)\w+", r"asprintf", r"sd_event_source_set_description"):
        text = without_calls(text, name)
    for match in re.finditer(LITERAL, re.sub(r"(?m)^#.*$", "", text)):
        parts = re.findall(rf"{STRING}|PRI[a-z]\d+", match[0])
        literal = "".join(WIDTHS[p] if p in WIDTHS else p[1:-1] for p in parts)
        words = re.sub(r"%[-.*0-9]*(?:llu|zu|[a-z])", "", literal)
        # What begins with a blank or a semicolon hangs on another one: ctl/view/sentences.c has it.
        whole = literal == literal.strip() and not literal.startswith((";", "("))
        if whole and len(re.findall(r"[A-Za-z]{2,}", words)) >= 2 and " " in literal:
            yield literal


def main():
    found = sorted({s for path in sys.argv[1:] for s in sentences(path)})
    print("/* Made by ctl/make-sentences.py. */")
    for one in found:
        print(f'N_("{one}"),')


if __name__ == "__main__":
    main()
