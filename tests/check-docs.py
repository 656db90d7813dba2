#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every path, page and section (§) that a comment, a page, a man page or a message names is there.
A clone is all that a reader has. usage: tests/check-docs.py"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TEXT = (".c", ".h", ".py", ".sh", ".md", ".build", ".in", ".xml", ".hwdb", ".rules", ".conf", ".1", ".5", ".8", ".js", ".html")
TOPS = "base|lib|udev|dbus|daemon|ctl|sim|bench|tools|tests|docs|packaging|profiles|web"
# The change log speaks of what was; telegrams and seeds are data.
LEFT_OUT = ("CHANGELOG.md", "packaging/debian/changelog", "tests/fuzz/corpus/", "tests/check-docs.py")

# A path of ours. What is built, a pattern or a placeholder is none: see exists().
PATH = re.compile(rf"(?<![\w/.$}}<{{>-])(?:{TOPS})/[\w./*<>-]*[\w*>]")
# A source or a page by its name alone.
NAME = re.compile(r"(?<![\w/.*<>{}$%-])[A-Za-z0-9_][\w-]*\.(?:c|h|py|sh|md)\b(?![\w/(-])")
# A section of a page of ours: docs/NAME.md §3.1, and the same page's further ones.
SECTION = re.compile(r"docs/([\w.-]+\.md)\s*(?:\*|#|//)?\s*(§\d+(?:\.\d+)*(?:,\s*§\d+(?:\.\d+)*)*)")
# Pages that were never part of the clone.
FOREIGN = re.compile(r"\b(?:DESIGN|PROTOCOL|FIELD|DROPIN|STYLE|HOUSE|EVIDENCE)(?:\.md\b|\s*\*?\s*§)")
# Files of others that prose names.
OTHERS = {"cmocka.h", "sysexits.h", "tcp_states.h"}


def files():
    run = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                         capture_output=True, text=True)
    if run.returncode:
        sys.exit("check-docs: needs git")
    return sorted(name for name in set(run.stdout.split("\n")) if name and (ROOT / name).is_file())


def targets(names):
    """Programs and files that the build makes: NAME in executable('NAME'), output : 'NAME'."""
    made = set()
    for name in names:
        if name.endswith("meson.build"):
            text = (ROOT / name).read_text(encoding="utf-8")
            folder = name.rpartition("/")[0]
            for target in re.findall(r"(?:executable|static_library)\('([\w-]+)'|output : '([\w.-]+)'", text):
                made.add(f"{folder}/{target[0] or target[1]}")
                made.add(f"{folder}/lib{target[0]}.a")
    return made


def exists(path, known, made):
    """Whether a path names a file or folder, or is a pattern or placeholder that fits one."""
    path = path.rstrip(".")
    if path in made or path in known or (ROOT / path).exists():
        return True
    if re.search(r"[*<]", path):
        return any(ROOT.glob(re.sub(r"<[^>]*>", "*", path).rstrip("/")))
    return any((ROOT / path).parent.glob((ROOT / path).name + ".*"))  # docs/dbus-api, tests/telegrams/NAME


def headings(page):
    """Numbers of the sections of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return set(re.findall(r"^#+ (\d+(?:\.\d+)*)\.?\s", text, re.M))


def check(name, text, known, made):
    basenames = {path.rpartition("/")[2] for path in known}
    for number, line in enumerate(text.split("\n"), 1):
        for match in PATH.finditer(line):
            # Commands and build files name what is installed, and fail by themselves.
            if name.endswith((".sh", ".build")) and not comment(name, line):
                continue
            if not exists(match[0], known, made):
                yield f"{name}:{number}: {match[0]} is not there"
        for match in NAME.finditer(line):
            if line.startswith("#include"):
                continue
            if match[0] not in basenames and match[0] not in OTHERS and comment(name, line):
                yield f"{name}:{number}: there is no file {match[0]}"
    for match in SECTION.finditer(text):
        number = text.count("\n", 0, match.start()) + 1
        if (ROOT / "docs" / match[1]).is_file():
            for section in re.findall(r"§([\d.]+\d|\d)", match[2]):
                if section not in headings(match[1]):
                    yield f"{name}:{number}: docs/{match[1]} has no §{section}"
    for match in FOREIGN.finditer(text):
        yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}: no page of this project"


def comment(name, line):
    """Names without a folder are looked at in prose: in pages, and in comments of sources."""
    if name.endswith(".md"):
        return True
    return re.match(r"\s*(/\*|\*|#)", line) is not None


def main():
    names = files()
    known, made = set(names), targets(names)
    faults = []
    for name in names:
        if name.startswith(LEFT_OUT) or not (name.endswith(TEXT) or "." not in name.rpartition("/")[2]):
            continue
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        faults += check(name, text, known, made)
    for fault in faults:
        print("check-docs:", fault, file=sys.stderr)
    if not faults:
        print("check-docs: every path, page and section that is named is there")
    return 1 if faults else 0


sys.exit(main())
