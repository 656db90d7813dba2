# SPDX-License-Identifier: MIT
"""docs/design.md §4 through the whole daemon: what becomes of the values of a meter. A sentence each.
Run under umockdev-wrapper."""

import json
import contextlib
import sqlite3
import subprocess
import time
import unittest

import private_bus as bus
from broker import Subscriber
from harness import SMCTL, Broker, plain_environment, telegram
from meter_bed import (AUTH_KEY, E450, ENCRYPTED, KEY, METER, METER_2, TITLE, MeterBed, dsmr,
                       encrypted)
from private_bus import GLib, wait_until

ELECTRICITY, GAS = "E00440056789000001", "G0079012345678901"
WRONG = "F" * 32


class Memory(unittest.TestCase):
    def test_nothing_is_written_in_steady_state(self):
        with MeterBed() as bed:
            path = bed.d.state / "state.db"
            bed.feed(E450)
            wait_until(lambda: self.learned(path) == [("2400 8E1", "lgz-e450", METER)] and
                       self.meters(path) == [METER], "what was learned")
            before = self.transactions(path)
            for n in range(2, 22):
                bed.feed(E450)
                bed.wait_telegrams(METER, n)
            self.assertEqual(self.transactions(path), before)
            bed.d.stop()  # with the last values, once
            self.assertEqual(self.transactions(path), before + 1)
            bed.d.start()

    @staticmethod
    def learned(path):
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return database.execute("SELECT line, profile, meter FROM converter").fetchall()
        finally:
            database.close()

    @staticmethod
    def meters(path):
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            return [row[0] for row in database.execute("SELECT meter FROM meter")]

    @staticmethod
    def transactions(path):
        """The change counter in the head of an SQLite file (its format, 1.3.7)."""
        with open(path, "rb") as file:
            return int.from_bytes(file.read(28)[24:], "big")


class SubMeters(unittest.TestCase):
    """Device= is enough from here on: it is the meters that count."""

    def test_gas_meter_is_a_meter_with_a_parent_on_bus_and_mqtt(self):
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            bed.feed(telegram("dsmr5"))
            bed.d.wait_meter(GAS, "Medium", "gas")
            gas = bed.d.meters()[GAS]
            self.assertEqual(gas["Parent"], bus.meter_path(ELECTRICITY))
            self.assertEqual(gas["Converter"], bus.converter_path(bed.identity))
            volume, unit = gas["Readings"]["submeter_volume"][:2]
            self.assertAlmostEqual(volume, 3555.644)
            self.assertEqual(unit, "m³")
            self.assertEqual(bed.d.meter(ELECTRICITY, "Parent"), "/")
            self.assertEqual(set(bed.d.converter(bed.identity, "Meters")),
                             {bus.meter_path(ELECTRICITY), bus.meter_path(GAS)})
            topic = f"smartmeterd/box/meter/{GAS}/submeter_volume"
            sub.wait(lambda got: sub.payloads(topic), topic)
            self.assertEqual(sub.payloads(topic)[0], "3555.644")
            topic = f"smartmeterd/box/meter/{GAS}/telegram"
            sub.wait(lambda got: sub.payloads(topic), topic)
            whole = json.loads(sub.payloads(topic)[0])
            self.assertEqual((whole["manufacturer"], whole["model"]), (None, None))
            self.assertEqual({text["obis"] for text in whole["texts"]},
                             {"0-1:24.1.0", "0-1:96.1.0"})


class Derived(unittest.TestCase):
    def test_total_of_tariff_registers_is_a_reading_of_our_own(self):
        data = dsmr(t1="003372.700*kWh", t2="004000.001*kWh")
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            wait_until(lambda: sub.payloads("smartmeterd/box/state") == ["online"], "the sink")
            bed.feed(data)
            bed.wait_telegrams(ELECTRICITY, 1)
            value, unit, _, flags = bed.reading(ELECTRICITY, "active_energy_import")
            self.assertEqual((value, unit, flags), (7372701.0, "Wh", 4))
            self.assertEqual(bed.reading(ELECTRICITY, "active_energy_import_t1")[3], 0)
            self.assertEqual(bed.d.meter(ELECTRICITY, "Counter"), 7372701.0)

            plain = f"smartmeterd/box/meter/{ELECTRICITY}/active_energy_import"
            whole = f"smartmeterd/box/meter/{ELECTRICITY}/telegram"
            sub.wait(lambda got: sub.payloads(plain) and sub.payloads(whole), plain)
            self.assertEqual(sub.payloads(plain), ["7372701"])
            derived = [r for r in json.loads(sub.payloads(whole)[0])["readings"] if "derived" in r]
            self.assertEqual([r["obis"] for r in derived], ["1-0:1.8.0", "1-0:2.8.0", "1-0:16.7.0"])
            self.assertEqual(derived[0], {"obis": "1-0:1.8.0", "name": "active_energy_import",
                                          "value": 7372701, "unit": "Wh", "derived": True})
            # The drop-in format has what the collector would have sent, and nothing else.
            t1 = f"smartmeter/{ELECTRICITY}/ACTIVE_ENERGY_P_T1"
            sub.wait(lambda got: sub.payloads(t1), t1)
            self.assertEqual(sub.payloads(f"smartmeter/{ELECTRICITY}/ACTIVE_ENERGY_P"), [])

            out = bed.smctl("readings", ELECTRICITY)
            self.assertRegex(out, r"Active energy import  +7372.701 kWh +\d+ s +derived +active_")
            shown = json.loads(bed.smctl("readings", ELECTRICITY, "--json"))
            self.assertIn('"derived"', json.dumps(shown))


class Encrypted(unittest.TestCase):
    def test_key_that_is_missing_is_said_and_set_key_gives_readings(self):
        with MeterBed() as bed:
            bed.feed(encrypted(1))
            bed.d.wait_meter(TITLE, "KeyState", "missing")
            self.assertTrue(bed.d.meter(TITLE, "Encrypted"))
            self.assertEqual(bed.d.meter(TITLE, "Readings"), {})
            heard = bed.d.meter(TITLE, "LastTelegramUSec")
            bed.feed(encrypted(2))  # not read either, but heard
            wait_until(lambda: bed.d.meter(TITLE, "LastTelegramUSec") > heard, "the second one")
            bed.set_key(TITLE, KEY, AUTH_KEY)
            bed.feed(encrypted(3))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            self.assertIn("active_power_import", bed.d.meter(ENCRYPTED, "Readings"))
            self.assertEqual(list(bed.d.meters()), [ENCRYPTED])  # no second one by its title

            # From the store, also after a restart.
            bed.d.restart()
            bed.d.wait_state(bed.identity, "detecting")
            bed.feed(encrypted(4))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            bed.wait_telegrams(ENCRYPTED, 1)

    def test_wrong_encryption_and_wrong_authentication_key_are_told_apart(self):
        with MeterBed() as bed:
            bed.set_key(TITLE, WRONG, AUTH_KEY)
            bed.feed(encrypted(1))  # one telegram calls no key wrong
            bed.d.wait_meter(TITLE, "KeyState", "unverified")
            self.assertEqual(bed.d.converter(bed.identity, "StateCode"), "no-telegrams")
            self.assertNotIn("wrong encryption key", bed.d.log)
            bed.feed(encrypted(2))
            bed.d.wait_meter(TITLE, "KeyState", "wrong-encryption-key")
            self.assertEqual(bed.d.converter(bed.identity, "StateCode"), "wrong-encryption-key")
            bed.set_key(TITLE, KEY, WRONG)
            bed.feed(encrypted(3))
            bed.feed(encrypted(4))
            bed.d.wait_meter(TITLE, "KeyState", "wrong-authentication-key")
            self.assertEqual(bed.d.meter(TITLE, "Readings"), {})
            self.assertEqual(bed.d.log.count("wrong encryption key"), 1)
            self.assertEqual(bed.d.log.count("wrong authentication key"), 1)
            bed.set_key(TITLE, KEY, AUTH_KEY)
            bed.feed(encrypted(5))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            for key in KEY, AUTH_KEY, WRONG:
                self.assertNotIn(key, bed.d.log.upper())

    def test_key_of_a_section_named_by_title_by_id_or_of_the_converter(self):
        keys = f"Key={KEY}\nAuthKey={AUTH_KEY}\n"
        for where, config, converter in (
                ("the title", f'[meter "{TITLE.upper()}"]\n{keys}', ""),
                ("the id", f'[meter "{ENCRYPTED}"]\n{keys}', ""),
                ("the converter", "", keys)):
            with self.subTest(where), MeterBed(config=config, converter=converter) as bed:
                bed.feed(encrypted(1))
                bed.feed(encrypted(2))
                bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
                self.assertEqual(list(bed.d.meters()), [ENCRYPTED])

    def test_key_of_one_id_among_several_meters_is_found(self):
        config = (f'[meter "{METER}"]\nKey={WRONG}\n[meter "{METER_2}"]\nKey={"E" * 32}\n'
                  f'[meter "{ENCRYPTED}"]\nName=Cellar\nKey={KEY}\nAuthKey={AUTH_KEY}\n')
        with MeterBed(config=config) as bed:
            for n in range(1, 5):
                bed.feed(encrypted(n))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            self.assertEqual(bed.d.meter(ENCRYPTED, "Name"), "Cellar")
            self.assertEqual(list(bed.d.meters()), [ENCRYPTED])
            self.assertEqual(bed.d.converter(bed.identity, "Statistics")["key-failures"], 0)

    def test_imported_keys_of_converters_that_were_not_plugged_in_are_found(self):
        theirs = "".join(f"[reader{i}]\ntype=iskraam550\nport=/dev/ttyUSB{90 + i}\nkey={key}\n"
                         for i, key in enumerate((WRONG, KEY)))
        done = subprocess.run([SMCTL, "import-config", "-"], input=theirs, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=bus.SECONDS, check=True,
                              env=plain_environment(SMCTL_SYSROOT="/nonexistent"))
        with MeterBed(config=done.stdout) as bed:
            for n in range(1, 5):
                bed.feed(encrypted(n))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            self.assertEqual(list(bed.d.meters()), [ENCRYPTED])

    def test_key_set_by_the_id_before_the_meter_was_ever_read(self):
        with MeterBed() as bed:
            bed.feed(encrypted(1))
            bed.d.wait_meter(TITLE, "KeyState", "missing")
            bed.set_key(METER, WRONG)
            bed.set_key(ENCRYPTED, KEY, AUTH_KEY)
            bed.feed(encrypted(2))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            self.assertEqual(list(bed.d.meters()), [ENCRYPTED])

    def test_key_set_last_decides_by_whatever_name_it_was_set(self):
        with MeterBed() as bed:
            bed.set_key(TITLE.upper(), KEY, AUTH_KEY)
            bed.feed(encrypted(1))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            wait_until(lambda: bed.stored_keys() == [ENCRYPTED], "its name, now that it is known")
            bed.set_key(ENCRYPTED, WRONG)
            bed.feed(encrypted(2))
            bed.feed(encrypted(3))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "wrong-encryption-key")
            bed.set_key(TITLE, KEY, AUTH_KEY)
            bed.feed(encrypted(4))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            bed.set_key(TITLE, WRONG)
            self.assertEqual(bed.stored_keys(), [ENCRYPTED])
            bed.configure(f'[meter "{ENCRYPTED}"]\nKey={KEY}\nAuthKey={AUTH_KEY}\n')
            bed.d.restart()
            bed.d.wait_state(bed.identity, "detecting")
            bed.feed(encrypted(5))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")

    def test_forget_takes_the_keys_too(self):
        with MeterBed() as bed:
            bed.set_key(TITLE, KEY, AUTH_KEY)
            bed.feed(encrypted(1))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            bed.d.client.call(bus.ROOT, bus.MANAGER, "Forget",
                              GLib.Variant("(sa{sv})", (ENCRYPTED, {})))
            self.assertEqual(bed.stored_keys(), [])
            bed.feed(encrypted(2))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "missing")
            bed.set_key("LGZ-never-heard", WRONG)
            self.assertEqual(bed.stored_keys(), ["LGZ-never-heard"])
            bed.d.client.call(bus.ROOT, bus.MANAGER, "Forget",
                              GLib.Variant("(sa{sv})", ("LGZ-never-heard", {})))
            self.assertEqual(bed.stored_keys(), [])

    def test_keys_of_others_are_no_wrong_key_but_a_missing_one(self):
        sections = [f'[meter "{METER}"]\nKey={WRONG}\n', f'[meter "{METER_2}"]\nKey={"E" * 32}\n']
        for state, config in (("missing", "".join(sections)),
                              ("wrong-encryption-key", sections[0])):
            with self.subTest(state), MeterBed(config=config) as bed:
                bed.feed(encrypted(1))
                bed.feed(encrypted(2))
                bed.d.wait_meter(TITLE, "KeyState", state)
                self.assertEqual(bed.d.meter(TITLE, "Readings"), {})
                wait_until(lambda: bed.d.converter(bed.identity, "Statistics")["key-failures"] == 2,
                           "both are counted")


class Tariff(unittest.TestCase):
    LABELS = "[tariff]\nLabel.1=HC\nLabel.2=HP\nTimezone=Europe/Amsterdam\n"

    def test_indicator_of_the_meter_comes_first(self):
        with MeterBed(config=self.LABELS) as bed:
            bed.feed(dsmr(tariff="0001"))
            bed.wait_telegrams(ELECTRICITY, 1)
            tariff = bed.tariff(ELECTRICITY)
            self.assertEqual((tariff["Active"], tariff["Label"], tariff["Source"]),
                             (1, "HC", "indicator"))
            self.assertGreater(tariff["SinceUSec"], 0)
            bed.feed(dsmr(tariff="0002"))
            wait_until(lambda: bed.tariff(ELECTRICITY)["Active"] == 2, "the second tariff")
            path = bus.meter_path(ELECTRICITY)
            changed = [c for c, _ in bed.d.client.changes(path, bus.TARIFF)]
            self.assertEqual(changed[-1]["Active"], 2)
            self.assertEqual(changed[-1]["Label"], "HP")
            self.assertGreater(changed[-1]["SinceUSec"], tariff["SinceUSec"])

    def test_register_that_last_advanced_comes_second(self):
        with MeterBed(config=self.LABELS) as bed:
            bed.feed(dsmr(tariff=None))
            bed.feed(dsmr(tariff=None, t2="001715.402*kWh"))
            wait_until(lambda: bed.d.meters() and bed.tariff(ELECTRICITY)["Active"] == 2, "HP")
            self.assertEqual(bed.tariff(ELECTRICITY)["Source"], "register")
            bed.feed(dsmr(tariff=None, t1="003372.583*kWh", t2="001715.402*kWh"))
            wait_until(lambda: bed.tariff(ELECTRICITY)["Active"] == 1, "HC")

    def test_slots_come_last_and_tell_the_next_switch(self):
        config = self.LABELS + "Slot=1 00:00-12:00\nSlot=2 12:00-24:00\n"
        with MeterBed(config=config) as bed:
            bed.feed(E450)
            bed.wait_telegrams(METER, 1)
            tariff = bed.tariff(METER)
            self.assertEqual(tariff["Source"], "schedule")
            self.assertEqual(tariff["Label"], {1: "HC", 2: "HP"}[tariff["Active"]])
            left = tariff["NextUSec"] / 1e6 - time.time()
            self.assertTrue(-60 < left <= 13 * 3600, left)  # 13: a day of 25 hours


class Clock(unittest.TestCase):
    def test_clock_of_the_meter_stands_beside_the_hosts(self):
        with MeterBed(config="[tariff]\nTimezone=Europe/Amsterdam\n") as bed:
            bed.feed(dsmr(clock="200115120000W"))
            bed.wait_telegrams(ELECTRICITY, 1)
            self.assertEqual(bed.d.meter(ELECTRICITY, "MeterClockUSec"), 1579086000 * 10**6)
            self.assertLess(abs(bed.d.meter(ELECTRICITY, "LastTelegramUSec") / 1e6 - time.time()),
                            3600)


class Plausibility(unittest.TestCase):
    def test_section_named_after_a_title_names_a_meter_that_was_known_without_it(self):
        config = f'[meter "{TITLE}"]\nName=House\nKey={KEY}\nAuthKey={AUTH_KEY}\n'
        plain = telegram("iskra-am550", "--meter-id", ENCRYPTED)
        with MeterBed(config=config) as bed:
            for _ in range(2):
                bed.feed(plain)
            bed.d.wait_meter(ENCRYPTED, "Online", True)
            self.assertEqual(bed.d.meter(ENCRYPTED, "Name"), "")
            for n in range(1, 4):
                bed.feed(encrypted(n))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            self.assertEqual(bed.d.meter(ENCRYPTED, "Name"), "House")

    def test_register_that_falls_is_suspect_not_published_and_accepted_after_three(self):
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            topic = f"smartmeterd/box/meter/{ELECTRICITY}/active_energy_import_t1"
            bed.feed(dsmr())
            sub.wait(lambda got: sub.payloads(topic), "the first value")
            for i in range(2):
                bed.feed(dsmr(t1=f"000000.00{i}*kWh"))
            bed.wait_telegrams(ELECTRICITY, 3)
            value, unit, _, flags = bed.reading(ELECTRICITY, "active_energy_import_t1")
            self.assertEqual((value, unit, flags & 1), (3372582, "Wh", 1))
            self.assertEqual(bed.statistics(ELECTRICITY)["suspects"], 2)
            self.assertEqual(bed.d.log.count("active_energy_import_t1 is implausible"), 1)
            bed.feed(dsmr(t1="000000.002*kWh"))
            sub.wait(lambda got: sub.payloads(topic)[-1] == "2", "the exchanged meter's value")
            self.assertEqual(sub.payloads(topic), ["3372582", "2"])
            telegrams = [json.loads(p) for p in
                         sub.payloads(f"smartmeterd/box/meter/{ELECTRICITY}/telegram")]
            self.assertEqual(len(telegrams), 4)
            told = [r["value"] for t in telegrams for r in t["readings"]
                    if r["name"] == "active_energy_import_t1"]
            self.assertEqual(told, [3372582, 2])
            self.assertEqual(bed.reading(ELECTRICITY, "active_energy_import_t1")[3] & 1, 0)


if __name__ == "__main__":
    unittest.main()
