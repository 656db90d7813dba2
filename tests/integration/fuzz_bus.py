# SPDX-License-Identifier: MIT
"""Calls every method and sets every property of every object with random types and sizes, as an
unprivileged user: nothing crashes, nothing grows, nothing changes without an authorisation.

    fuzz_bus.py [--rounds N] [--seed N] [--root]
"""

import argparse
import random
import sys
import xml.etree.ElementTree as ElementTree

from gi.repository import GLib
from private_bus import (CONVERTER, MANAGER, METER, NOBODY, OBJECTS, OUTPUT, PROPERTIES, ROOT, TARIFF,
                         Client, Driver, OtherUser, Polkit, PrivateBus, converter_path, wait_until)

ID = "067b:2303:A"
NASTY = ["", "/", "x" * 5000, "LGZ1", ID, "%s%n%99999d", "\x1b[2J", "../../etc/passwd", "é€𐍈",
         "\n", "1.7.0", "ttyUSB0", METER, "org.freedesktop.DBus"]
# More than the noise of an allocator.
GROWTH_KIB = 1024
BASIC = "ybnqiuxtdsog"


def random_type(rng, depth=0):
    kind = rng.randrange(10) if depth < 4 else 0
    if kind < 5:
        return rng.choice(BASIC)
    if kind < 7:
        return "a" + random_type(rng, depth + 1)
    if kind == 7:
        return "a{" + rng.choice(BASIC) + random_type(rng, depth + 1) + "}"
    if kind == 8:
        return "v"
    return "(" + "".join(random_type(rng, depth + 1) for _ in range(rng.randint(1, 4))) + ")"


def random_value(rng, t, depth=0):
    if t == "v":
        inner = random_type(rng, depth + 2)
        return GLib.Variant("v", random_value(rng, inner, depth + 1))
    if t[0] == "a":
        n = rng.choice([0, 1, 2, 16, 300]) if depth == 0 else rng.randrange(3)
        builder = GLib.VariantBuilder(GLib.VariantType(t))
        if t[1] == "{":
            key, value = t[2], t[3:-1]
            for _ in range(n):
                builder.add_value(GLib.Variant.new_dict_entry(
                    random_value(rng, key, depth + 1), random_value(rng, value, depth + 1)))
        else:
            for _ in range(n):
                builder.add_value(random_value(rng, t[1:], depth + 1))
        return builder.end()
    if t[0] == "(":
        children = []
        rest = t[1:-1]
        while rest:
            n = complete(rest)
            children.append(random_value(rng, rest[:n], depth + 1))
            rest = rest[n:]
        return GLib.Variant.new_tuple(*children)
    if t == "s":
        return GLib.Variant("s", rng.choice(NASTY))
    if t == "o":
        return GLib.Variant("o", rng.choice(["/", ROOT, converter_path(ID), "/x/y"]))
    if t == "g":
        return GLib.Variant("g", rng.choice(["", "s", "a{sv}", "(ii)"]))
    if t == "b":
        return GLib.Variant("b", rng.random() < 0.5)
    if t == "d":
        return GLib.Variant("d", rng.choice([0.0, -1.5, float("nan"), float("inf"), 1e308]))
    bits = {"y": (0, 255), "n": (-2**15, 2**15 - 1), "q": (0, 2**16 - 1), "i": (-2**31, 2**31 - 1),
            "u": (0, 2**32 - 1), "x": (-2**63, 2**63 - 1), "t": (0, 2**64 - 1)}[t]
    return GLib.Variant(t, rng.choice([bits[0], bits[1], 0, rng.randint(*bits)]))


def complete(signature):
    """Length of the first complete type."""
    if signature[0] == "a":
        return 1 + complete(signature[1:])
    if signature[0] in "({":
        depth = 0
        for i, c in enumerate(signature):
            depth += c in "({"
            depth -= c in ")}"
            if depth == 0:
                return i + 1
    return 1


def split(signature):
    while signature:
        n = complete(signature)
        yield signature[:n]
        signature = signature[n:]


def members(client):
    """[(path, interface, method, signature)] and [(path, interface, property)] of everything."""
    methods, properties = [], []
    objects = client.call(ROOT, OBJECTS, "GetManagedObjects")[0]
    for path in (ROOT, "/org/freedesktop/LogControl1", *objects):
        text = client.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")[0]
        for i in ElementTree.fromstring(text).findall("interface"):
            for m in i.findall("method"):
                methods.append((path, i.get("name"), m.get("name"), "".join(
                    a.get("type") for a in m.findall("arg") if a.get("direction") == "in")))
            properties += [(path, i.get("name"), p.get("name")) for p in i.findall("property")]
    return methods, properties


def random_call(rng, methods, properties):
    if rng.random() < 0.25:
        path, interface, name = rng.choice(properties)
        value = random_value(rng, random_type(rng))
        if rng.random() < 0.5:
            return path, PROPERTIES, "Set", GLib.Variant.new_tuple(
                GLib.Variant("s", interface), GLib.Variant("s", name),
                GLib.Variant("v", value))
        return path, PROPERTIES, "Get", GLib.Variant("(ss)", (interface, name))
    path, interface, method, signature = rng.choice(methods)
    if rng.random() < 0.5:  # as declared, with nasty values; else anything
        types = list(split(signature))
    else:
        types = [random_type(rng) for _ in range(rng.randrange(4))]
    args = GLib.Variant.new_tuple(*[random_value(rng, t) for t in types])
    if rng.random() < 0.1:
        path = rng.choice(["/", "/org", ROOT + "/meter", converter_path("none")])
    return path, interface, method, args


def state_of(client):
    """What must not change: everything but what a look at it changes."""
    everything = client.call(ROOT, OBJECTS, "GetManagedObjects")[0]
    del everything[converter_path(ID)][CONVERTER]["Statistics"]["frames"]
    level = client.get("/org/freedesktop/LogControl1", "org.freedesktop.LogControl1", "LogLevel")
    return repr(everything), client.get_all(ROOT, MANAGER), level


def play(rng, other, calls, n):
    errors = {}
    for start in range(0, n, 50):  # in batches, so that calls overlap
        numbers = []
        for _ in range(min(50, n - start)):
            path, interface, method, args = random_call(rng, *calls)
            numbers.append(other.start(path, interface, method, args.print_(True),
                                       rng.choice([0, 2])))
        for number in numbers:
            name = other.reply(number)[0]
            errors[name] = errors.get(name, 0) + 1
        other.signals.clear()
        other.replies.clear()
    return errors


def set_up(bus):
    driver = Driver(bus)
    for command in (f"converter-add {ID}", "meter-add LGZ1", f"converter {ID} meter LGZ1",
                    "output-add home", "name", "telegram LGZ1 1.7.0=1234 1.8.0=1"):
        driver.do(command)
    return driver


def run(rounds, seed, polkit_there=True, uid=NOBODY):
    """As nobody, or as root, whose calls get through to the last argument."""
    rng = random.Random(seed)
    bus = PrivateBus()
    driver = set_up(bus)
    client = Client(bus, signals=False)
    polkit = Polkit(bus, client) if polkit_there else None
    other = OtherUser(bus, uid=uid, gid=uid)
    calls = members(client)
    try:
        for needed in (MANAGER, CONVERTER, METER, TARIFF, OUTPUT):
            assert any(i == needed for _, i, _ in calls[1]), needed
        before, fds = state_of(client), driver.n_fds()
        play(rng, other, calls, rounds // 4)  # warms up caches and the heap
        rss = driver.rss_kib()
        errors = play(rng, other, calls, rounds)
        grown = driver.rss_kib() - rss
        assert driver.process.poll() is None, "the service died"
        requests = driver.poll()
        if uid == 0:
            assert requests, "nothing got through"
        else:
            assert requests == [], f"carried out without authorisation: {requests}"
            assert state_of(client) == before, "something changed without authorisation"
        other.leave()  # and with it all it held
        wait_until(lambda: driver.n_fds() <= fds + (uid == 0), "file descriptors to be closed")
        assert grown <= GROWTH_KIB, f"the service grew by {grown} KiB"
        assert errors.get("ok", 0) > rounds // 50, "hardly any call was well-formed"
    finally:
        other.leave()
        if polkit:
            polkit.stop()
        client.close()
        code = driver.stop()
        bus.stop()
    assert code == 0, f"the service ended with {code}"
    return errors, grown


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3000)
    parser.add_argument("--root", action="store_true", help="call as root")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    errors, grown = run(options.rounds, options.seed, uid=0 if options.root else NOBODY)
    for name, n in sorted(errors.items(), key=lambda item: -item[1]):
        print(f"{n:7} {name}")
    print(f"{options.rounds} calls, grown by {grown} KiB")


if __name__ == "__main__":
    sys.exit(main())
