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
        """Returns what was sent before each kill, and what arrived."""
        chance = random.Random(seed)
        runs, at = [], FIRST
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
                runs.append(run)
            link.set("pass")
            with Driver(folder, config(link.port, *lines), state) as driver:
                driver.send("telegram LGZ1 %d %d 5" % (START + at, at))
                sub.wait(lambda got: energy((sub.payloads(TELEGRAM) or [
                    '{"readings": [{"obis": "1-0:1.8.0", "value": 0}]}'])[-1]) == at, "the last one")
            return runs, [energy(p) for p in sub.payloads(TELEGRAM)]

    def check(self, runs, got, last_of_each):
        seen = list(dict.fromkeys(got))
        self.assertEqual(seen, sorted(seen))
        for run in runs:
            missing = [wh for wh in run if wh not in set(got)]
            self.assertEqual([wh for wh in missing if wh not in run[-last_of_each:]], [], run)

    def test_always_durable_loses_nothing_but_what_is_just_coming(self):
        self.check(*self.play(1, 40, "Durability=always"), last_of_each=1)

    def test_by_default_what_is_lost_is_what_the_page_says(self):
        # Refused: 0.1 s. Swallowed: a second and the 20 messages in flight, two a telegram.
        self.check(*self.play(2, 130), last_of_each=int(1.1 / PAUSE) + 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)
