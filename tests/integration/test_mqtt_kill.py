# SPDX-License-Identifier: MIT
"""SIGKILL at random moments, the broker there, away and swallowing: what may be missing is what
docs/mqtt.md says, and the order is kept.

By hand, longer: SMARTMETERD_KILLS=200
"""
import json
import os
import random
import time
import unittest

from broker import BadLink, Broker, Driver, Folder, Subscriber, config

START = 1551879225
FIRST = 1000
KILLS = int(os.environ.get("SMARTMETERD_KILLS", "20"))
TELEGRAM = "smartmeterd/box/meter/LGZ1/telegram"
PAUSE = 0.02  # seconds between telegrams: 50 a second


def energy(payload):
    return [r["value"] for r in json.loads(payload)["readings"] if r["obis"] == "1-0:1.8.0"][0]


class Kill(unittest.TestCase):
    def play(self, seed, longest, *lines):
        """Returns what was sent before each kill, how many of each were said to be kept, and what
        arrived."""
        chance = random.Random(seed)
        runs, kept, at = [], [], FIRST
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                BadLink(broker.port) as link:
            state = os.path.join(folder, "state")
            os.mkdir(state)
            for _ in range(KILLS):
                link.set(chance.choice(["pass", "refuse", "swallow"]))
                run = []
                with Driver(folder, config(link.port, *lines), state) as driver:
                    for _ in range(chance.randrange(1, longest)):
                        driver.send("telegram LGZ1 %d %d 5" % (START + at, at))
                        driver.ping(str(at))  # the main loop has had it
                        run.append(at)
                        at += 1
                        time.sleep(PAUSE)  # their pace is what is tried
                    driver.kill()
                    kept.append(max((line["kept"] for line in driver.lines if "kept" in line),
                                    default=0))
                runs.append(run)
            link.set("pass")
            with Driver(folder, config(link.port, *lines), state) as driver:
                driver.send("telegram LGZ1 %d %d 5" % (START + at, at))
                sub.wait(lambda got: energy((sub.payloads(TELEGRAM) or [
                    '{"readings": [{"obis": "1-0:1.8.0", "value": 0}]}'])[-1]) == at, "the last one")
            return runs, kept, [energy(p) for p in sub.payloads(TELEGRAM)]

    def check(self, promised, got):
        """`promised`: those of each run that must be there; and none comes out of order."""
        seen = list(dict.fromkeys(got))
        self.assertEqual(seen, sorted(seen))
        for run in promised:
            self.assertEqual([wh for wh in run if wh not in set(got)], [], run)

    def test_always_durable_loses_nothing_that_was_told(self):
        runs, kept, got = self.play(1, 40, "Durability=always")
        self.assertGreater(sum(kept), sum(map(len, runs)) / 2)
        self.check([run[:n] for run, n in zip(runs, kept)], got)

    def test_by_default_what_is_lost_is_what_the_page_says(self):
        # Refused: 0.1 s. Swallowed: a second and the 20 messages in flight, two a telegram.
        runs, _, got = self.play(2, 130)
        self.check([run[:-int(1.1 / PAUSE) - 10] for run in runs], got)


if __name__ == "__main__":
    unittest.main(verbosity=2)
