#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each code that the service sends has a line in the XML beside dbus/, a sentence in smctl, and that
sentence in every language. So has each sentence that it sends itself: check-words.py SOURCE"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
WORD = r'"([a-z]+(?:-[a-z]+)*)"'
# How the code comes by its word: as an argument, a value, an answer, or the first of a ban.
CONVERTER = [rf"converter_report\(\s*c,\s*MACHINE_\w+,\s*{WORD}", rf"converter_refuse\(c,\s*{WORD}",
             rf"\bcode = {WORD}", rf"converter_ban\)\{{\s*{WORD}", rf"\.code = {WORD}",
             rf'return {WORD};', rf'\? {WORD} : "no-bytes"', rf'^ +\{{ {WORD}, "a(?:nother)? ']
OUTPUT = [rf"\bcode = {WORD}", rf"return {WORD};", rf'(?:return|error_code =) [^;"]*\? {WORD} : "',
          rf'return [^;"]*\? "[a-z-]+" : {WORD};', rf'ENOSPC \? {WORD} : "disk-error"']


def sent(patterns, *globs):
    """{code: file}"""
    found = {}
    for file in (f for g in globs for f in sorted(SOURCE.glob(g))):
        for pattern in patterns:
            for match in re.finditer(pattern, file.read_text(), re.M):
                found[match[1]] = file.relative_to(SOURCE)
    return found


def table(name):
    """{code: sentence} of a table in words.c"""
    text = (SOURCE / "ctl/view/words.c").read_text()
    body = re.search(rf"\b{name}\[\] = \{{(.*?)\n\}};", text, re.S)[1]
    rows = re.findall(r'\{ "([a-z-]+)",\s*N_\(((?:"(?:[^"\\]|\\.)*"\s*)+)\) \}', body)
    return {code: "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)) for code, text in rows}


def catalogue(interface):
    text = (SOURCE / f"dbus/org.smartmeterd.{interface}.xml").read_text()
    return set(re.findall(r"(?m)^    - ([a-z-]+)(?: \([a-z, -]+\))?: ", text))


def translated(language):
    """Sentences that the language's catalogue has."""
    text = (SOURCE / f"ctl/po/{language}.po").read_text()
    found = {}
    for identity, answer in re.findall(r'msgid ((?:"(?:[^"\\]|\\.)*"\n)+)msgstr ((?:"(?:[^"\\]|\\.)*"\n)+)',
                                       text):
        join = [("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', part))) for part in (identity, answer)]
        found[join[0]] = join[1]
    return found


def catalogues():
    """What is wrong with the journal's catalogue: each id that is sent is explained in each language."""
    sent_ids = dict(re.findall(r"(LOG_ID_\w+)\s+(?:\\\n\s*)?SD_ID128_MAKE\(([^)]*)\)",
                               (SOURCE / "base/log.h").read_text()))
    fields = set(re.findall(r'add_field\(&fields, "(SMARTMETER_\w+)"', (SOURCE / "base/log.c").read_text()))
    daemon = "".join(f.read_text() for f in SOURCE.glob("daemon/**/*.c"))
    wrong = [f"base/log.h: {name} is sent by nobody" for name in sent_ids if name not in daemon]
    ids = {re.sub(r"[ ,]", "", number) for number in sent_ids.values()}
    for suffix in ("", ".fr", ".de"):
        file = SOURCE / f"ctl/po/journal/smartmeterd{suffix}.catalog"
        entries = dict(re.findall(r"(?ms)^-- ([0-9a-f]{32})$(.*?)(?=^-- |\Z)", file.read_text()))
        wrong += [f"{file.name}: nothing about {i}" for i in sorted(ids - set(entries))]
        wrong += [f"{file.name}: {i} is sent by nobody" for i in sorted(set(entries) - ids)]
        for number, text in entries.items():
            if not re.search(r"^Subject: \S", text, re.M) or len(text.split("\n\n", 1)[1].split()) < 15:
                wrong.append(f"{file.name}: {number} explains nothing")
            wrong += [f"{file.name}: no line has the field {field}"
                      for field in re.findall(r"@(\w+)@", text) if field not in fields]
    if len(ids) < 6:
        wrong.append("base/log.h: the ids were not found")
    return wrong + compiled()


def compiled():
    """The same as journalctl reads it."""
    if not shutil.which("journalctl"):
        return []
    with tempfile.TemporaryDirectory() as root:
        folder = pathlib.Path(root, "usr/lib/systemd/catalog")
        folder.mkdir(parents=True)
        pathlib.Path(root, "var/lib/systemd/catalog").mkdir(parents=True)
        for file in SOURCE.glob("ctl/po/journal/*.catalog"):
            shutil.copy(file, folder)
        done = subprocess.run(["journalctl", f"--root={root}", "--update-catalog"],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stderr:
            return [f"journalctl --update-catalog: {done.stderr.strip()}"]
    return []


def spoken():
    """What the service says of itself, or of a request, or of its configuration."""
    files = (SOURCE / "ctl/po/SENTENCES").read_text().split()
    table = subprocess.run([sys.executable, SOURCE / "ctl/make-sentences.py", *files], cwd=SOURCE,
                           capture_output=True, text=True, check=True).stdout
    return re.findall(r'(?m)^N_\("(.*)"\),$', table)


def untranslated():
    """Sentences that a language lacks, or says without their particulars."""
    conversions = re.compile(r"%(?:\d+\$)?[-.*0-9]*(?:llu|zu|[a-z])")
    said = spoken()
    if len(said) < 200:
        yield f"only {len(said)} sentences of the service were found"
    for language in (SOURCE / "ctl/po/LINGUAS").read_text().split():
        if not (SOURCE / f"ctl/po/{language}.po").exists():
            continue
        known = translated(language)
        for sentence in said:
            if not known.get(sentence):
                yield f"{language}.po: nothing for {sentence!r}"
            elif len(conversions.findall(known[sentence])) != len(conversions.findall(sentence)):
                yield f"{language}.po: {known[sentence]!r} lacks a particular"


def main():
    wrong = catalogues() + list(untranslated())
    n = 0
    for name, interface, codes in (
            ("reasons", "Converter1", sent(CONVERTER, "daemon/converter/converter*.c",
                                           "daemon/converter/foreign.c", "daemon/manager.c")),
            ("errors", "Output1", sent(OUTPUT, "daemon/mqtt/*.c", "daemon/metrics/*.c",
                                       "daemon/history/output-history.c"))):
        words, documented = table(name), catalogue(interface)
        if len(codes) < 20:
            wrong.append(f"only {len(codes)} codes of {interface} were found in the sources")
        wrong += [f"{file}: the code {code} has no sentence in ctl/view/words.c"
                  for code, file in codes.items() if code not in words]
        wrong += [f"{interface}: {code} is in words.c and not in the XML"
                  for code in sorted(set(words) - documented)]
        wrong += [f"{interface}: {code} is in the XML and not in words.c"
                  for code in sorted(documented - set(words))]
        for language in (SOURCE / "ctl/po/LINGUAS").read_text().split():
            if not (SOURCE / f"ctl/po/{language}.po").exists():
                continue
            known = translated(language)
            wrong += [f"{language}.po: no sentence for {code}" for code, text in words.items()
                      if not known.get(text)]
        n += len(words)
    for line in wrong:
        print(line)
    print(f"{n} codes, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
