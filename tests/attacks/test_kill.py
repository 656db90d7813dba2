# SPDX-License-Identifier: MIT
"""SIGKILL of the whole service at random moments, 50 telegrams a second, its broker there, away, hung
up on and swallowing: with Durability=always no reading that was told on D-Bus, in a signal or to a
caller, is missing at the broker, and none is out of order.

By hand, longer: SMARTMETERD_KILLS=200 SMARTMETERD_SEED=7
"""
import json
import os
import random
import threading
import time
import unittest

from gi.repository import GLib

from attack_bed import Service, bus, mqtt, p1, wait_until
from broker import BadLink, Broker, Folder, Subscriber

KILLS = int(os.environ.get("SMARTMETERD_KILLS", "12"))
SEED = int(os.environ.get("SMARTMETERD_SEED", "1"))
PAUSE = 0.02  # seconds between telegrams: 50 a second
FIRST = 1000
TELEGRAM = "smartmeterd/box/meter/SEQ1/telegram"
ENERGY = "active_energy_import"


def energy(payload):
    return int(json.loads(payload)["values"][ENERGY])


class Weather:
    """Changes the network's mode at random while it is entered."""

    def __init__(self, link, modes, chance):
        self.link, self.modes, self.chance = link, modes, chance
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while True:
            mode = self.chance.choice(self.modes)
            if mode == "cut":
                self.link.set("pass")
                self.link.cut(reset=self.chance.random() < 0.5)
            else:
                self.link.set(mode)
            if self.over.wait(self.chance.uniform(0.05, 1.5)):
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.link.set("pass")


class Kill(unittest.TestCase):
    def told_in_signals(self, listener):
        while GLib.MainContext.default().iteration(False):
            pass
        return {int(args.unpack()[2][ENERGY][0]) for _, member, args in listener.signals
                if member.endswith(".TelegramReceived") and ENERGY in args.unpack()[2]}

    def hear_the_end(self, listener):
        """What the service said before it was killed has been passed on when the bus has taken the
        name away from it."""
        wait_until(lambda: not listener.call_bus("NameHasOwner", GLib.Variant("(s)", (bus.NAME,)))[0],
                   "the end of the name")
        listener.call_bus("GetId")

    def run_once(self, s, chance, at, told):
        """Until the kill; returns what the next telegram counts."""
        stop = at + chance.randrange(5, 80)
        ask = chance.randrange(5, 20)
        while at < stop:
            s.feed(p1(b"SEQ1", at))
            at += 1
            if at == stop:  # mostly while the last one is on its way
                time.sleep(PAUSE * chance.random() ** 3)
            else:
                time.sleep(PAUSE)  # their pace is what is tried
            if at % ask == 0 and "SEQ1" in s.meters():
                told.add(int(s.client.get(bus.meter_path("SEQ1"), bus.ELECTRICITY, "EnergyImport")))
        s.kill()
        return at

    def play(self, modes, *lines):
        chance = random.Random(SEED)
        told, at = set(), FIRST
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                BadLink(broker.port) as link, \
                Service(mqtt("m", link.port, "Durability=always", *lines)) as s:
            listener = bus.Client(s.bus)
            with Weather(link, modes, random.Random(SEED + 1)):
                for _ in range(KILLS):
                    at = self.run_once(s, chance, at, told)
                    self.hear_the_end(listener)
                    s.start()
                    # What the tty still had may be a telegram already.
                    wait_until(lambda: s.converters().get(s.identity()) in ("detecting", "receiving"),
                               "the port to be open")
            s.smctl("reload")
            s.feed(p1(b"SEQ1", at))
            sub.wait(lambda got: at in [energy(p) for p in sub.payloads(TELEGRAM)[-1:]], "the last")
            told |= self.told_in_signals(listener)
            listener.close()
        got = list(dict.fromkeys(energy(p) for p in sub.payloads(TELEGRAM)))
        missing = sorted(told - set(got))
        print(f"{modes}: {KILLS} kills, {at + 1 - FIRST} telegrams sent, {len(told)} told, "
              f"{len(got)} delivered, {len(missing)} of those told missing")
        self.assertGreater(len(told), KILLS)
        self.assertEqual(missing, [])
        self.assertEqual(got, sorted(got))

    def test_nothing_told_is_missing_with_a_broker_that_is_there(self):
        self.play(["pass"])

    def test_nothing_told_is_missing_with_a_broker_that_is_away(self):
        self.play(["refuse"])

    def test_nothing_told_is_missing_with_a_network_that_hangs_up_and_swallows(self):
        self.play(["pass", "refuse", "cut", "swallow"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
