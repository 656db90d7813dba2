#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The house rules a compiler does not know. Of the sources: what each room may include, no circle of
includes, neither of files nor of rooms, no folder that nobody can survey, short functions, a
licence in each file. Of a build folder, of any build type: lib/ asks nothing of the computer it runs on
and keeps no globals. usage: tests/check-layers.py [BUILD-FOLDER]; --picture prints the rooms with
their files, lines and includes, as docs/architecture.md shows them."""

import argparse
import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

# lib/ from the ground up: a room includes itself and those of lower floors, and none of its own floor.
FLOORS = [["lib/value"], ["lib/profile"], ["lib/link"], ["lib/dlms", "lib/text", "lib/sml"],
          ["lib/model"], ["lib"]]

# Programs and their parts: what they may include besides base, themselves and what stands within them.
MAY = {
    "base": [],
    "lib": [],
    "udev": ["lib"],
    "dbus": ["lib"],
    "sim": ["lib"],
    "daemon": ["lib", "udev", "dbus"],
    "ctl": ["lib", "sim", "dbus/names.h"],
}

FILES_MAX = 40  # of a folder; telegrams and fuzz seeds are data
DATA = ("tests/telegrams", "tests/cases", "tests/fuzz/corpus", "profiles")
LINES_MAX = 800
FUNCTION_MAX = 60  # between a '{' and a '}' of column 0

# No header of the outside world in lib/, but for the three files that have leave; inih takes text apart
# that it is handed, and opens nothing.
OUTSIDE = (r"(unistd|fcntl|time|pthread|stdio_ext|sys/[^t]|systemd/|libudev|openssl/|json|sqlite3|ini\.h"
           r"|mosquitto|libserialport|netdb|poll|signal)")
LEAVE = [(r"lib/dlms/aead\.c", r"openssl/"), (r"lib/model/telegram-json\.[ch]", r"json"),
         (r"lib/profile/profile-file\.c", r"ini\.h")]

# json-c answers NULL where there is no memory: what may lack it is made or added where that is checked.
JSON_CHECKED = ("base/json.h", "ctl/view/json.c")
JSON_ADDS = r"\bjson_object_(?:object|array)_add\w*\("
JSON_MAKES = r"(?<!json_made\()\bjson_object_new_\w+\("  # in smctl; elsewhere json_add() takes NULL

UNFINISHED = r"\b(TO" "DO|FIX" "ME|XX" r"X)\b"

# What lib/ asks of others, minus what it has itself, must be on this list. No file, clock, log,
# environment, thread: bytes and times come in as arguments.
PURE = r"""abort __assert_fail __ctype_.*_loc __popcount.* __stack_chk_fail _GLOBAL_OFFSET_TABLE_
calloc free malloc realloc reallocarray mem[a-z]* str[a-z_]* explicit_bzero qsort bsearch tolower toupper
(v|)snprintf __(v|)snprintf_chk __isoc(99|23)_(sscanf|strto[a-z]*) __mem[a-z]*_chk
__str[a-z]*_chk __explicit_bzero_chk pow round floor fabs ldexp lround llround exp10 log10"""
LEAVE_TO_CALL = {"aead.c.o": "EVP_.* CRYPTO_.* OPENSSL_.*", "telegram-json.c.o": "json_object_.*",
                 "profile-file.c.o": "ini_parse_stream"}


def sources():
    """All files of the project, whether committed yet or not."""
    run = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard"], cwd=ROOT,
                         capture_output=True, text=True)
    if run.returncode == 0:
        names = run.stdout.split("\n")
    else:  # a source package has no repository
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")]
        names = [name for name in names if not re.match(r"(build[^/]*|debian|\.git)(/|$)", name)]
    return sorted(name for name in set(names) if name and (ROOT / name).is_file())


def includes(names):
    """(file, line, header) of each include of ours."""
    known = set(names)
    for name in names:
        if not name.endswith((".c", ".h")):
            continue
        for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
            match = re.match(r'#include "([^"]+)"', line)
            if match and match[1] in known:
                yield name, number, match[1]


def room(name):
    return name.rpartition("/")[0]


def within(name, folder):
    return name == folder or name.startswith(folder + "/")


def allowed(name, header):
    """Whether a file may include a header, by the rooms in which both stand."""
    top = name.partition("/")[0]
    if top not in MAY or room(name) == room(header) or within(header, "base"):
        return True
    if top == "lib":
        return within(header, "lib") and floor_of(header) < floor_of(name)
    return within(header, top) or any(within(header, folder) for folder in MAY[top])


def floor_of(name):
    for i, rooms in enumerate(FLOORS):
        if room(name) in rooms:
            return i
    sys.exit(f"check-layers: {room(name)}/ is on no floor of lib/: give it one in tests/check-layers.py")


def thing(name):
    """A .c and the .h of the same name are one thing."""
    return name.rpartition(".")[0]


def circles(edges):
    """Strongly connected sets of more than one thing (Tarjan, without recursion)."""
    index, low, stack, on, found = {}, {}, [], set(), []
    for start in sorted(edges):
        if start in index:
            continue
        index[start] = low[start] = len(index)
        stack.append(start)
        on.add(start)
        work = [(start, iter(sorted(edges[start])))]
        while work:
            node, rest = work[-1]
            for other in rest:
                if other not in index:
                    index[other] = low[other] = len(index)
                    stack.append(other)
                    on.add(other)
                    work.append((other, iter(sorted(edges.get(other, ())))))
                    break
                if other in on:
                    low[node] = min(low[node], index[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    members = []
                    while not members or members[-1] != node:
                        members.append(stack.pop())
                        on.discard(members[-1])
                    if len(members) > 1:
                        found.append(sorted(members))
    return found


def rooms_of(names):
    """Which room includes which. A file with main() stands above all rooms of its program, by itself."""
    edges = collections.defaultdict(set)
    for name, _, header in includes(names):
        top = name.partition("/")[0]
        if top not in MAY or room(name) == room(header):
            continue
        is_main = name.endswith(".c") and re.search(r"^int main\(", (ROOT / name).read_text(encoding="utf-8"), re.M)
        edges[name if is_main else room(name)].add(room(header))
    return edges


def check(names):
    faults = []
    edges = collections.defaultdict(set)
    for name, number, header in includes(names):
        edges[thing(name)].add(thing(header))
        edges[thing(name)].discard(thing(name))
        if not allowed(name, header):
            faults.append(f"{name}:{number}: {room(name)}/ must not include \"{header}\"")
    for circle in circles(edges):
        if not any(within(name, "tests") for name in circle):
            faults.append("a circle of includes: " + ", ".join(circle))
    for circle in circles(rooms_of(names)):
        faults.append("a circle of rooms: " + ", ".join(circle))
    count = collections.Counter(room(name) for name in names)
    for folder, n in sorted(count.items()):
        if n > FILES_MAX and not any(within(folder, data) for data in DATA):
            faults.append(f"{folder}/ has {n} files, {FILES_MAX} are allowed: give it rooms")
    for name in names:
        if name.endswith((".c", ".h", ".py", ".sh")):
            lines = (ROOT / name).read_text(encoding="utf-8").count("\n")
            if lines > LINES_MAX:
                faults.append(f"{name} has {lines} lines, {LINES_MAX} are allowed")
    return faults


def check_text(names):
    """What each source file must have and must not have."""
    faults = []
    for name in names:
        top = name.partition("/")[0]
        if top not in MAY and top not in ("bench", "tests", "tools") or not name.endswith((".c", ".h", ".py", ".sh")):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        for match in re.finditer(UNFINISHED, text):
            faults.append(f"{name}: {match[0]}: unfinished work is an issue, not a comment")
        if not name.endswith((".c", ".h")):
            continue
        if "SPDX-License-Identifier: MIT" not in text.partition("\n")[0]:
            faults.append(f"{name}: no SPDX line")
        if top in MAY and name not in JSON_CHECKED:
            for match in re.finditer(JSON_ADDS + (f"|{JSON_MAKES}" if top == "ctl" else ""), text):
                faults.append(f"{name}: {match[0]}): json.h has a function that checks it")
        start = 0
        for number, line in enumerate(text.split("\n"), 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}"):
                if start and number - start - 1 > FUNCTION_MAX:
                    faults.append(f"{name}:{start}: a function of {number - start - 1} lines, {FUNCTION_MAX} are allowed")
                start = 0
        if top == "lib":
            for header in re.findall(rf"^#include <({OUTSIDE}[^>]*)>", text, re.M):
                if not any(re.match(file, name) and re.match(allow, header[0]) for file, allow in LEAVE):
                    faults.append(f"{name}: lib/ does not know <{header[0]}>")
    return faults


def nm(archive, *options):
    return subprocess.run(["nm", *options, archive], capture_output=True, text=True, check=True).stdout.split("\n")


def check_purity(build):
    """Of lib/ as it was compiled: what it calls, and that it keeps nothing."""
    archive = pathlib.Path(build) / "lib/libsmartmeter.a"
    if not archive.is_file():
        return [f"{archive} is not there"]
    faults, member = [], ""
    own = {line.split()[2] for line in nm(archive, "--defined-only") if len(line.split()) == 3}
    for line in nm(archive, "-u"):
        if line.endswith(":"):
            member = line[:-1].rpartition("/")[2]
        elif line.split()[:1] == ["U"]:
            symbol = line.split()[1]
            leave = [words for end, words in LEAVE_TO_CALL.items() if member.endswith(end)]
            patterns = " ".join([PURE, *leave]).split()
            if symbol not in own and not any(re.fullmatch(pattern, symbol) for pattern in patterns):
                faults.append(f"{member} calls {symbol}: lib/ is pure")
    for line in nm(archive, "-f", "sysv"):
        fields = [field.strip() for field in line.split("|")]
        # Const tables with pointers live in .data.rel.ro and are fine.
        if len(fields) == 7 and re.match(r"\.(data(?!\.rel\.ro)|bss)", fields[6]) and fields[3] == "OBJECT":
            faults.append(f"lib/ has a global variable: {fields[0]}")
    return faults


def picture(names):
    """Each room of the product: files, lines, and the rooms it includes with how many times."""
    rooms, out = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(collections.Counter)
    for name in names:
        if name.endswith((".c", ".h")) and not within(name, "tests") and not within(name, "bench"):
            rooms[room(name)][0] += 1
            rooms[room(name)][1] += (ROOT / name).read_text(encoding="utf-8").count("\n")
    for name, _, header in includes(names):
        if room(name) in rooms and room(name) != room(header):
            out[room(name)][room(header)] += 1
    for name, (files, lines) in sorted(rooms.items()):
        to = " ".join(f"{other}({n})" for other, n in sorted(out[name].items()))
        print(f"{name:18} {files:3} files {lines:6} lines   {to}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--picture", action="store_true")
    parser.add_argument("build", nargs="?")
    arguments = parser.parse_args()
    names = sources()
    if arguments.picture:
        picture(names)
        return 0
    faults = check(names) + check_text(names)
    if arguments.build:
        faults += check_purity(arguments.build)
    for line in faults:
        print("check-layers:", line, file=sys.stderr)
    if faults:
        return 1
    print("check-layers: no room includes upwards; no circle of files, none of rooms; no folder of "
          f"more than {FILES_MAX} files, no file of more than {LINES_MAX} lines, no function of more than {FUNCTION_MAX}"
          + (f"; lib/ in {arguments.build} is pure" if arguments.build else ""))
    return 0


sys.exit(main())
