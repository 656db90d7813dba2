#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Programs for the bus are generated of its XML: by GLib's, Qt's and sdbus-c++'s generators. Each takes
each file without a word, and what it makes has every member in it. TAP; a tool that is not here is
skipped. usage: test_codegen.py"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

DBUS = pathlib.Path(__file__).resolve().parents[3] / "dbus"
# sdbus-c++ mentions Qt's annotations, which it has no use for.
OF_QT = re.compile(r"^Node: .*'org\.qtproject\.QtDBus\.QtTypeName[\w.]*' not allowed .*\n", re.M)


TOOLS = {
    "gdbus-codegen": (lambda xml: ["--generate-c-code", "made", "--interface-prefix", "org.smartmeterd.", xml],
                      "libglib2.0-dev-bin"),
    "qdbusxml2cpp": (lambda xml: ["-p", "made", xml], "qtbase5-dev-tools"),
    "sdbus-c++-xml2cpp": (lambda xml: [xml, "--proxy=made.h"], "libsdbus-c++-bin"),
}


def members(xml):
    """(kind, name) of everything an interface has."""
    interface = ElementTree.parse(xml).getroot().find("interface")
    return [(kind, e.get("name")) for kind in ("method", "signal", "property") for e in interface.iter(kind)]


def generate(tool, xml):
    """Faults of one tool with one file."""
    arguments, _ = TOOLS[tool]
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([tool, *arguments(str(xml))], cwd=folder, capture_output=True, text=True, check=False,
                             timeout=60)
        said = OF_QT.sub("", run.stderr)
        if run.returncode or said:
            return [f"ends with {run.returncode}, and says: {said}"]
        made = "".join(path.read_text() for path in pathlib.Path(folder).iterdir())
    if xml.stem not in made:
        return [f"the interface {xml.stem} is not in what was made"]
    return [f"{kind} {name} is not in what was made" for kind, name in members(xml)
            if not re.search(rf'\b{name}\b', made)]


def main():
    files = sorted(DBUS.glob("org.smartmeterd.*.xml"))
    rows = [(tool, xml) for tool in TOOLS for xml in files]
    failed = not files
    print(f"1..{len(rows)}")
    for number, (tool, xml) in enumerate(rows, 1):
        what = f"{number} - {tool} takes {xml.stem}"
        if not shutil.which(tool):
            print(f"ok {what} # SKIP {tool} is not installed ({TOOLS[tool][1]})")
            continue
        faults = generate(tool, xml)
        print(f"{'not ok' if faults else 'ok'} {what}")
        for fault in faults:
            print("#", fault)
        failed = failed or bool(faults)
    return failed


if __name__ == "__main__":
    sys.exit(main())
