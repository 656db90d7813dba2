# SPDX-License-Identifier: MIT
"""Oldest first, always: whatever the network does, no energy runs backwards at a subscriber.

A message may come twice (QoS 1, MQTT 5 §4.3.2), so it is the first appearance of each value that
must rise; the last one must be the newest; and where QoS is 1 none may be missing.

By hand, longer: SMARTMETERD_ORDER_TELEGRAMS=10000 SMARTMETERD_ORDER_SEEDS=1,2,3
"""
import json
import os
import random
import time
import unittest

from broker import BadLink, Broker, Driver, Folder, Subscriber, config

START = 1551879225
FIRST = 1000
TELEGRAMS = int(os.environ.get("SMARTMETERD_ORDER_TELEGRAMS", "300"))
SEEDS = [int(s) for s in os.environ.get("SMARTMETERD_ORDER_SEEDS", "1,2,3").split(",")]
FORMATS = "native homeassistant datacollector rl-dsp jeedom"
# (topic, QoS, the energy in its payload)
TOPICS = [
    ("smartmeterd/box/meter/LGZ1/active_energy_import", 1, int),
    ("smartmeterd/box/meter/LGZ1/telegram", 1,
     lambda p: [r["value"] for r in json.loads(p)["readings"] if r["obis"] == "1-0:1.8.0"][0]),
    ("smj/cmd/event/smd_LGZ1_active_energy_import", 1, lambda p: json.loads(p)["value"]),
    ("smartmeter/LGZ1/ACTIVE_ENERGY_P", 0, lambda p: int(json.loads(p)["value"])),
    ("dt/building/LGZ1/ds", 0, lambda p: int(json.loads(p)["meter"]["1.8.0"])),
]


def first_appearances(values):
    return list(dict.fromkeys(values))


class Weather:
    """Good times and faults in turn, as long as chance has it."""

    def __init__(self, link, driver, chance):
        self.link, self.driver, self.chance = link, driver, chance
        self.faults, self.until = ["pass"], 0.0

    def look(self):
        now = time.monotonic()
        if now < self.until:
            return
        if self.faults[-1] == "pass":
            what = self.chance.choice(["swallow", "swallow", "cut", "reset", "stall", "refuse"])
        else:
            what = "pass"
        if what in ("cut", "reset"):
            self.link.cut(reset=what == "reset")
        else:
            self.link.set(what)
        if what == "pass":
            self.driver.send("reconnect")  # no back-off: the faults are to meet a connection
        self.faults.append(what)
        self.until = now + self.chance.choice([0.1, 0.4, 0.8] if what == "pass" else [0.1, 1.3, 2])


class MqttOrder(unittest.TestCase):
    def feed(self, driver, weather, chance):
        at = 0
        while at < TELEGRAMS:
            n = min(chance.choice([1, 1, 1, 2, 5]), TELEGRAMS - at)
            driver.send("burst LGZ1 %d %d %d" % (n, START + at, FIRST + at))
            at += n
            driver.pump()
            weather.look()
            # The time between telegrams is part of what is tried, not something waited for.
            time.sleep(chance.uniform(0, 0.2))
        weather.link.set("pass")

    def play(self, seed):
        chance = random.Random(seed)
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                BadLink(broker.port) as link, \
                Driver(folder, config(link.port, "JeedomRoot=smj", formats=FORMATS)) as driver:
            driver.connected()
            weather = Weather(link, driver, chance)
            self.feed(driver, weather, chance)
            last = FIRST + TELEGRAMS - 1
            # The last fault may have been the end of the messages without an answer: one more.
            driver.send("reconnect", "telegram LGZ1 %d %d 5" % (START + TELEGRAMS, last + 1))
            sub.wait(lambda got: all(str(last + 1) in "".join(sub.payloads(topic)[-1:])
                                     for topic, qos, _ in TOPICS if qos == 1), "the last telegram")
            driver.status(lambda s: s["spooled"] == 0 and s["queued"] == 0, "an empty spool")
            for topic, qos, energy in TOPICS:
                values = [energy(p) for p in sub.payloads(topic)]
                seen = first_appearances(values)
                where = "%s, seed %d, faults %s" % (topic, seed, weather.faults)
                self.assertEqual(seen, sorted(seen), where)
                if qos == 1:
                    self.assertEqual(seen, list(range(FIRST, last + 2)), where)
                    self.assertEqual(values[-1], last + 1, where)

    def test_no_energy_runs_backwards_on_a_bad_link(self):
        for seed in SEEDS:
            with self.subTest(seed=seed):
                self.play(seed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
