#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes docs/dbus-api.md from the interface files in dbus/. With --check: exits 1 when the page is
not what the files say."""

import pathlib
import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

SOURCE = pathlib.Path(__file__).resolve().parents[1]
PAGE = SOURCE / "docs/dbus-api.md"
ORDER = ["Manager1", "Converter1", "Meter1", "Electricity1", "Tariff1", "History1", "Output1"]

HEAD = """\
<!-- Made by tools/dbus-docs.py from dbus/*.xml. Change those, then run it again. -->
# The D-Bus interface

Bus name `org.smartmeterd` on the system bus, objects below `/org/smartmeterd`. All interfaces end in
a version digit; within it members are only added. `man 5 org.smartmeterd` has the overview, who may
call what, and how `Readers=` limits reading; `docs/examples/` has clients in shell, Python and C.

Types are D-Bus signatures. Times are microseconds since 1970. Values are in base units (W, Wh, V …).
A quantity that a meter does not provide is NaN, which JSON does not have: `busctl --json` prints null,
Cockpit's bridge on Debian 13 a word that no JSON parser takes. Where JSON stands in between use
`Readings`, `GetReadings()`, or what `smctl status --json` prints.

What the service says in words (`StateReason`, `LastError`) is English and for people; `StateCode` and
`LastErrorCode` say the same for programs.

The interface files carry `org.qtproject.QtDBus.QtTypeName` annotations. For `qdbusxml2cpp` declare the
types once:

```cpp
struct SmartmeterReading { double value; QString unit; qulonglong usec; uint flags; };
struct SmartmeterDescription { QString obis, label, kind; };
using SmartmeterReadings = QMap<QString, SmartmeterReading>;
using SmartmeterDescriptions = QMap<QString, SmartmeterDescription>;
using SmartmeterCounters = QMap<QString, qulonglong>;
using SmartmeterTexts = QMap<QString, QString>;
struct SmartmeterStep { qulonglong from; double imported, exported, least, greatest; };
struct SmartmeterGap { qulonglong from, to; QString kind; };
using SmartmeterSteps = QList<SmartmeterStep>;
using SmartmeterGaps = QList<SmartmeterGap>;
struct SmartmeterCost { qulonglong from; double cost, unpriced; };
using SmartmeterCosts = QList<SmartmeterCost>;
struct SmartmeterRememberedOne { QString id, kind, name; qulonglong heard; };
using SmartmeterRemembered = QList<SmartmeterRememberedOne>;
```

| object | interfaces |
|---|---|
| `/org/smartmeterd` | Manager1, `org.freedesktop.DBus.ObjectManager` |
| `/org/smartmeterd/converter/<id>` | Converter1 |
| `/org/smartmeterd/meter/<id>` | Meter1, Tariff1, History1, and Electricity1 for electricity meters |
| `/org/smartmeterd/output/<name>` | Output1 |
| `/org/freedesktop/LogControl1` | `org.freedesktop.LogControl1` |

Errors are named `org.smartmeterd.Error.NAME`; their messages say what can be done:

| name | when |
|---|---|
| NoSuchConverter, NoSuchMeter, NoSuchReading | nothing has this name; the message lists what there is |
| InvalidArgument | an argument is not what the method takes |
| InvalidConfiguration | `Reload` found an error; the configuration in force stays |
| NotAuthorized | polkit, or `Readers=`, refused |
| Busy | the port or device is in use |
| Gone | the converter was unplugged or forgotten, the output taken out |
| LimitExceeded | too many requests, inhibitions or captures of one caller are open |
| NotSupported | the device or the configuration cannot do this |
| Failed | anything else; the journal has more |
"""

SIGNALLED = {
    "true": "signalled in PropertiesChanged",
    "const": "never changes",
    "invalidates": "declared invalid in PropertiesChanged, without the value",
    "false": "not signalled",
}


class Doc:
    """A comment `Name: @arg: text … paragraphs`, as gdbus-codegen reads it."""

    def __init__(self, comment, name):
        lines = textwrap.dedent(comment.strip("\n")).strip().splitlines()
        head = lines[0] if lines else ""
        if not head.startswith(f"{name}:"):
            raise SystemExit(f"dbus-docs: the comment before {name} begins with '{head}'")
        self.args = {}
        rest = [head[len(name) + 1:].strip()]
        open_arg = None  # its text may go on until an empty line
        for line in map(str.strip, lines[1:]):
            arg = re.match(r"@(\w+):\s*(.*)", line)
            if arg:
                open_arg = arg[1]
                self.args[open_arg] = arg[2]
            elif open_arg and line:
                self.args[open_arg] += " " + line
            else:
                open_arg = None
                rest.append(line)
        self.text = "\n".join(rest).strip()


def documented(parent, path):
    """[(element, Doc)] of the children, each with the comment before it."""
    comment = None
    for child in parent:
        if child.tag is ElementTree.Comment:
            comment = child.text
            continue
        if child.tag in ("method", "signal", "property", "interface"):
            if comment is None:
                raise SystemExit(f"dbus-docs: {path.name}: {child.get('name')} has no comment")
            yield child, Doc(comment, child.get("name"))
        comment = None


def arguments(element, doc, direction):
    out = []
    for arg in element.findall("arg"):
        if direction and (arg.get("direction") or "in") != direction:
            continue
        name = arg.get("name")
        if name not in doc.args:
            raise SystemExit(f"dbus-docs: {element.get('name')}: @{name} is not described")
        out.append((name, arg.get("type"), doc.args[name]))
    return out


def prototype(args):
    return ", ".join(f"{t} {name}" for name, t, _ in args)


def emit_members(interface, path):
    methods, signals, properties = [], [], []
    for element, doc in documented(interface, path):
        name = element.get("name")
        if element.tag == "property":
            emits = next((a.get("value") for a in element.findall("annotation")
                          if a.get("name").endswith("EmitsChangedSignal")), "true")
            properties.append(f"| `{name}` | `{element.get('type')}` | {doc.text} "
                              f"| {SIGNALLED[emits]} |")
            continue
        given = arguments(element, doc, "in" if element.tag == "method" else None)
        result = arguments(element, doc, "out") if element.tag == "method" else []
        arrow = f" → ({prototype(result)})" if result else ""
        text = [f"#### `{name}({prototype(given)}){arrow}`", ""]
        if doc.text:
            text += [doc.text, ""]
        for arg, t, what in given + result:
            text.append(f"- `{arg}` (`{t}`): {what}")
        if given or result:
            text.append("")
        (methods if element.tag == "method" else signals).append("\n".join(text))
    out = []
    if methods:
        out += ["### Methods", "", *methods]
    if signals:
        out += ["### Signals", "", *signals]
    if properties:
        out += ["### Properties", "", "| name | type | what | changes |", "|---|---|---|---|",
                *properties, ""]
    return "\n".join(out)


def page():
    out = [HEAD]
    for name in ORDER:
        path = SOURCE / f"dbus/org.smartmeterd.{name}.xml"
        parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
        root = ElementTree.parse(path, parser).getroot()
        for interface, doc in documented(root, path):
            out += [f"## {interface.get('name')}", "", doc.text, "", emit_members(interface, path)]
    return "\n".join(out).rstrip() + "\n"


def main():
    text = page()
    if sys.argv[1:] == ["--check"]:
        if not PAGE.exists() or PAGE.read_text() != text:
            print(f"{PAGE} is out of date: run tools/dbus-docs.py", file=sys.stderr)
            return 1
        return 0
    if sys.argv[1:]:
        print("usage: dbus-docs.py [--check]", file=sys.stderr)
        return 2
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
