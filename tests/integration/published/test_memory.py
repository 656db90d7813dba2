# SPDX-License-Identifier: MIT
"""Retained topics of a broker are remembered: over restarts of the daemon, of the broker, of both, over a
crash, and until it is taken back. A sentence each, on a real mosquitto. Run under umockdev-wrapper."""

import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from broker import Subscriber
from harness import SMCTL, Broker, plain_environment, telegram
from meter_bed import E450, METER, MeterBed, dsmr
from private_bus import wait_until

KAMSTRUP = "5706567274000001"
HOUR = int(time.time()) // 3600 * 3600
SHORT = telegram("kamstrup-omnipower", "--time", str(HOUR + 10))
HOURLY = telegram("kamstrup-omnipower", "--time", str(HOUR))
CONFIG = f"homeassistant/device/smartmeterd_{KAMSTRUP}/config"
PREFIX = f"smartmeterd/box/meter/{KAMSTRUP}/"
ENERGY, AVAILABILITY = PREFIX + "active_energy_import", PREFIX + "availability"
STATE = "smartmeterd/box/state"
END = "end/of/what/is/retained"


class Place:
    """A broker that remembers, or not, and a daemon that publishes everything there."""

    def __init__(self, persistence, formats="native homeassistant jeedom"):
        self.folder = tempfile.mkdtemp(prefix="smt.")
        self.broker = Broker(f"persistence true\npersistence_location {self.folder}/"
                             if persistence else "")
        self.bed = MeterBed()
        self.formats = formats

    def __enter__(self):
        self.broker.start()
        self.configure(self.formats)
        self.bed.__enter__()
        return self

    def __exit__(self, *exception):
        self.bed.__exit__(*exception)
        self.broker.__exit__(*exception)
        shutil.rmtree(self.folder)

    def section(self, formats, instance="box", name="local", more=""):
        return (f'[mqtt "{name}"]\nHost=127.0.0.1\nPort={self.broker.port}\nInstance={instance}\n'
                f"Formats={formats}\n{more}\n")

    def configure(self, formats, **options):
        self.bed.configure(self.section(formats, **options) if formats else "")

    def retained(self):
        """{topic: payload} of all that the broker has."""
        with Subscriber(self.broker) as sub:  # what is retained comes before what is published then
            subprocess.run(["mosquitto_pub", "-p", str(self.broker.port), "-q", "1", "-t", END,
                            "-m", "end"], check=True, env=plain_environment())
            sub.wait(lambda got: sub.payloads(END), "the end of what is retained")
            return {topic: payload for topic, payload, retained, _ in sub.got if retained}

    def wait(self, condition, what):
        got = {}

        def check():
            nonlocal got
            got = self.retained()
            return condition(got)
        wait_until(check, what)
        return got

    def wait_connected(self, name="local"):
        wait_until(lambda: self.bed.d.client.get(f"/org/smartmeterd/output/{name}",
                                                 "org.smartmeterd.Output1", "Connected"),
                   "a connection")

    def read_both_lists(self):
        self.bed.feed(SHORT)
        self.bed.feed(HOURLY)
        return self.wait(is_whole, "the hourly list")

    def restart_broker(self):
        self.broker.stop()
        self.broker.start()

    def crash(self, key):
        """When the disk has this value of a meter: what came in the last second is lost by right."""
        def on_disk():
            with contextlib.closing(sqlite3.connect(self.bed.d.state / "state.db")) as db:
                rows = db.execute("SELECT what FROM meter").fetchall()
            return any(f'"key":"{key}"' in what for (what,) in rows)
        wait_until(on_disk, f"{key} on the disk")
        self.bed.d.stop(signal.SIGKILL)

    def forget(self, word):
        return subprocess.run([SMCTL, "--address", self.bed.d.bus.address, "forget", word],
                              check=True, text=True, stdout=subprocess.PIPE,
                              env=plain_environment()).stdout


def components(got, topic=CONFIG):
    return set(json.loads(got[topic])["components"]) if topic in got else set()


def is_whole(got):
    """Of both lists all that stays at the broker is there, not only the first of it."""
    parts = components(got)
    kept = [leaf for leaf in parts if "_energy_" in leaf] + ["last_telegram", "damaged_frames"]
    return "active_energy_import" in parts and got.get(AVAILABILITY) == "online" and \
        all(PREFIX + leaf in got for leaf in kept)


class Memory(unittest.TestCase):
    def over(self, what, persistence):
        """Both lists, then `what`, then the short list alone: nothing is missing at any time."""
        with Place(persistence) as place, Subscriber(place.broker) as sub:
            before = place.read_both_lists()
            what(place)
            # before a telegram comes: the energies, and a meter that is not heard
            place.wait(lambda got: got.get(ENERGY) == before[ENERGY] and
                       components(got) == components(before) and STATE in got, "all that was published")
            place.bed.feed(SHORT)
            got = place.wait(lambda got: got.get(AVAILABILITY) == "online", "the meter online")
            self.assertEqual(components(got), components(before))
            self.assertEqual(got[ENERGY], before[ENERGY])
            described = sub.wait(lambda _: self.described_since(sub, components(before)), "the description")
            self.assertEqual([c for c in described if c != components(before)], [])

    @staticmethod
    def described_since(sub, whole):
        """The components of each description, from the first whole one on."""
        described = [components({CONFIG: payload}) for payload in sub.payloads(CONFIG)]
        return described[described.index(whole):] if whole in described else []

    def test_a_restart_of_the_daemon_loses_no_component_and_no_energy(self):
        for persistence in (False, True):
            with self.subTest(persistence=persistence):
                self.over(lambda place: place.bed.d.restart(), persistence)

    def test_a_restart_of_the_broker_loses_no_component_and_no_energy(self):
        for persistence in (False, True):
            with self.subTest(persistence=persistence):
                self.over(lambda place: place.restart_broker(), persistence)

    def test_a_restart_of_both_loses_no_component_and_no_energy(self):
        def both(place):
            place.bed.d.stop()
            place.restart_broker()
            place.bed.d.start()
        for persistence in (False, True):
            with self.subTest(persistence=persistence):
                self.over(both, persistence)

    def test_a_crash_of_both_loses_no_component_and_no_energy(self):
        def both(place):
            place.crash("active_energy_import")
            place.restart_broker()
            place.bed.d.start()
        for persistence in (False, True):
            with self.subTest(persistence=persistence):
                self.over(both, persistence)

    def test_a_meter_that_is_gone_since_a_crash_is_offline_soon_after_the_start(self):
        for persistence in (False, True):
            with self.subTest(persistence=persistence), Place(persistence) as place, \
                    Subscriber(place.broker) as sub:
                before = place.read_both_lists()
                self.assertEqual(before[AVAILABILITY], "online")
                place.crash("active_energy_import")
                place.bed.d.start()
                got = place.wait(lambda got: got.get(AVAILABILITY) == "offline" and
                                 got.get(STATE) == "online", "the truth")
                self.assertEqual(components(got), components(before))
                self.assertEqual(got[ENERGY], before[ENERGY])
                online = f"smartmeters/cmd/event/smd_{KAMSTRUP}_online"
                sub.wait(lambda _: sub.payloads(online)[-1:] == ['{"value":0}'], "Jeedom's too")

    def test_after_a_crash_an_older_counter_never_takes_the_place_of_a_newer_one(self):
        topic = "smartmeterd/box/meter/E00440056789000001/active_energy_import_t1"
        with Place(False) as place, Subscriber(place.broker) as sub:
            for value in ("3372700", "3372701", "3372702"):
                place.bed.feed(dsmr(t1=f"00{value[:4]}.{value[4:]}*kWh"))
                sub.wait(lambda _: sub.payloads(topic)[-1:] == [value], "the counter")
            place.crash("active_energy_import_t1")
            place.bed.d.start()
            place.wait(lambda got: got.get(STATE) == "online", "the start")
            place.bed.smctl("reload")  # nor does a person who asks for it
            place.wait(lambda got: got.get(topic) == "3372702", "the newest")
            self.assertEqual(sub.payloads(topic)[-1], "3372702")


class Forgetting(unittest.TestCase):
    def test_forget_of_a_meter_of_two_runs_ago_leaves_no_trace(self):
        for persistence in (False, True):
            with self.subTest(persistence=persistence), Place(persistence) as place:
                place.read_both_lists()
                for _ in range(2):
                    place.bed.d.restart()
                place.wait(lambda got: got.get(AVAILABILITY) == "offline", "the third run")
                listed = json.loads(place.bed.smctl("forget", "--list", "--json"))
                self.assertEqual([(one["id"], one["kind"]) for one in listed],
                                 [(KAMSTRUP, "meter")])
                self.assertGreater(listed[0]["heard_usec"], 0)
                self.assertIn(KAMSTRUP, place.bed.smctl("forget", "--list"))
                place.forget(KAMSTRUP)
                place.wait(lambda got: got == {STATE: "online"}, "no trace")
                self.assertEqual(json.loads(place.bed.smctl("forget", "--list", "--json")), [])
                place.bed.d.restart()
                place.wait_connected()
                place.wait(lambda got: got == {STATE: "online"}, "no trace after a restart")

    def test_forget_empties_the_topics_that_were_used_and_no_others(self):
        with Place(False, "native homeassistant") as place, Subscriber(place.broker) as sub:
            used = {topic for topic in place.read_both_lists() if KAMSTRUP in topic}
            place.forget(KAMSTRUP)
            place.wait(lambda got: got == {STATE: "online"}, "no trace")
            sub.wait(lambda _: {t for t, p, _, _ in sub.got if p == ""} == used, "each of them")
            emptied = [t for t, p, _, _ in sub.got if p == ""]
            self.assertEqual(len(emptied), len(set(emptied)))

    def test_a_meter_that_is_heard_is_not_listed_as_absent(self):
        with Place(False, "native") as place:
            place.bed.feed(E450)
            place.bed.wait_telegrams(METER, 1)
            self.assertEqual(json.loads(place.bed.smctl("forget", "--list", "--json")), [])


class Configuration(unittest.TestCase):
    def reload(self, place, formats, **options):
        place.configure(formats, **options)
        place.bed.smctl("reload")

    def test_a_format_that_is_taken_out_leaves_nothing(self):
        with Place(False) as place:
            place.read_both_lists()
            self.reload(place, "native")
            got = place.wait(lambda got: CONFIG not in got and ENERGY in got and
                             got.get(STATE) == "online", "no discovery")
            self.assertFalse([t for t in got if t.startswith("homeassistant/")])
            self.reload(place, "datacollector")
            place.wait(lambda got: got == {STATE: "online"}, "nothing of the meter")

    def test_a_format_that_was_taken_out_while_the_service_was_stopped_leaves_nothing(self):
        with Place(True) as place:
            place.read_both_lists()
            place.bed.d.stop()
            place.configure("native")
            place.bed.d.start()
            place.wait(lambda got: CONFIG not in got and ENERGY in got, "no discovery")

    def test_another_instance_takes_the_old_names_back(self):
        with Place(False) as place:
            place.read_both_lists()
            self.reload(place, "native homeassistant", instance="other")
            got = place.wait(lambda got: not any("/box/" in topic for topic in got) and
                             "smartmeterd/other/state" in got, "the new name alone")
            self.assertIn(f"smartmeterd/other/meter/{KAMSTRUP}/active_energy_import", got)

    def test_a_broker_that_is_taken_out_keeps_nothing(self):
        with Place(False) as place:
            place.read_both_lists()
            self.reload(place, None)
            place.wait(lambda got: got == {}, "an empty broker")

    def test_a_section_that_leaves_takes_nothing_from_another_at_the_same_broker(self):
        with Place(False) as place, Subscriber(place.broker) as sub:
            both = place.section("native homeassistant") + place.section("native", name="second")
            place.bed.configure(both)
            place.bed.smctl("reload")
            place.wait_connected("second")
            before = place.read_both_lists()
            place.bed.feed(HOURLY)
            place.bed.configure(place.section("native homeassistant"))
            place.bed.smctl("reload")
            wait_until(lambda: "second" not in place.bed.smctl("status"), "one section")
            place.bed.feed(HOURLY)
            got = place.wait(lambda got: set(got) == set(before), "all topics")
            self.assertEqual(got[STATE], "online")
            self.assertEqual({topic for topic, payload, _, _ in sub.got if payload == ""}, set())
            place.bed.configure("")
            place.bed.smctl("reload")
            place.wait(lambda got: got == {}, "an empty broker")

    def test_a_section_that_left_while_its_broker_was_away_is_taken_back_by_the_next(self):
        with Place(True) as place:
            place.read_both_lists()
            place.broker.stop()
            self.reload(place, None)
            place.bed.d.wait_log("its retained topics are emptied when a section")
            place.bed.d.restart()  # what is to be taken back is known over a restart
            place.broker.start()
            self.assertIn(CONFIG, place.retained())
            self.reload(place, "native", name="another")
            got = place.wait(lambda got: CONFIG not in got and got.get(STATE) == "online",
                             "no discovery")
            self.assertFalse([t for t in got if t.startswith("homeassistant/")])
            place.wait(lambda got: ENERGY in got, "what the new one publishes too")
            self.reload(place, None)
            place.wait(lambda got: got == {}, "an empty broker")

    def test_a_meter_forgotten_while_no_section_named_the_broker_leaves_it_with_the_next(self):
        with Place(True) as place:
            place.read_both_lists()
            place.broker.stop()
            self.reload(place, None)
            place.bed.d.restart()
            place.forget(KAMSTRUP)
            place.broker.start()
            self.reload(place, "native homeassistant", name="another")
            place.wait(lambda got: got == {STATE: "online"}, "no trace of it")

    def test_a_broker_that_another_address_took_over_from_is_cleaned_when_it_is_named_again(self):
        with Place(True) as place, Broker() as other:
            before = place.read_both_lists()
            place.broker.stop()
            away, place.broker = place.broker, other
            self.reload(place, "native")
            got = place.wait(lambda got: ENERGY in got and got.get(STATE) == "online",
                             "the counters at the new broker")
            self.assertEqual(got[ENERGY], before[ENERGY])
            away.start()
            place.broker = away
            self.reload(place, "native", name="again")
            place.wait(lambda got: CONFIG not in got and got.get(STATE) == "online", "no discovery")

    def test_a_value_that_is_gone_is_taken_back_by_name(self):
        with Place(False, "homeassistant") as place:
            place.read_both_lists()
            place.bed.d.stop()
            with contextlib.closing(sqlite3.connect(place.bed.d.state / "state.db")) as db:
                topics, = db.execute("SELECT topics FROM told WHERE output_and_meter LIKE ?",
                                     (f"%\n{KAMSTRUP}",)).fetchone()
                self.assertIn("#sensor active_power_import\n", topics)
                db.execute("UPDATE told SET topics = ? WHERE output_and_meter LIKE ?",
                           ("#sensor of_an_earlier_release\n" + topics, f"%\n{KAMSTRUP}"))
                db.commit()
            place.bed.d.start()
            got = place.wait(lambda got: got.get(STATE) == "online" and
                             "of_an_earlier_release" in components(got), "the withdrawal")
            parts = json.loads(got[CONFIG])["components"]
            self.assertEqual(parts["of_an_earlier_release"], {"platform": "sensor"})
            self.assertGreater(len(parts["active_power_import"]), 4)
            place.forget(KAMSTRUP)
            place.wait(lambda got: got == {STATE: "online"}, "no trace")

    def test_a_reload_publishes_again_what_was_deleted_elsewhere(self):
        with Place(False) as place:
            before = place.read_both_lists()
            for topic in (CONFIG, ENERGY):
                subprocess.run(["mosquitto_pub", "-p", str(place.broker.port), "-t", topic, "-r",
                                "-n"], check=True, env=plain_environment())
            place.wait(lambda got: CONFIG not in got and ENERGY not in got, "them gone")
            place.bed.smctl("reload")
            got = place.wait(lambda got: CONFIG in got and ENERGY in got, "them back")
            self.assertEqual(components(got), components(before))
            self.assertEqual(got[ENERGY], before[ENERGY])


class Instances(unittest.TestCase):
    def test_another_gateway_that_leaves_does_not_take_this_one_with_it(self):
        with Place(False) as place, Subscriber(place.broker) as sub:
            place.read_both_lists()
            sub.wait(lambda _: sub.payloads(STATE)[-1:] == ["online"], "the service")
            for _ in range(2):
                n = len(sub.payloads(STATE))
                subprocess.run(["mosquitto_pub", "-p", str(place.broker.port), "-t", STATE, "-r",
                                "-m", "offline"], check=True, env=plain_environment())
                sub.wait(lambda _: sub.payloads(STATE)[n:] == ["offline", "online"], "the answer")
            place.bed.d.wait_log("another gateway may use Instance=box")
            self.assertEqual(place.bed.d.log.count("another gateway"), 1)

    def test_the_instance_has_four_digits_of_the_machine_behind_its_name(self):
        with Place(False) as place:
            place.bed.configure(place.section("native").replace("Instance=box\n", ""))
            place.bed.smctl("reload")
            host = re.escape(socket.gethostname().split(".")[0])
            digits = r"-[0-9a-f]{4}" if pathlib.Path("/etc/machine-id").exists() else ""
            place.wait(lambda got: [t for t in got if
                                    re.fullmatch(f"smartmeterd/{host}{digits}/state", t)],
                       "the instance's own topic")


if __name__ == "__main__":
    unittest.main(verbosity=2)
