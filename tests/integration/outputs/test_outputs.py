# SPDX-License-Identifier: MIT
"""What is computed of what a meter sends is the same wherever it is shown: one table of telegrams, one of
outputs. Run under umockdev-wrapper."""

import json
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
import private_bus as bus
from broker import Subscriber
from harness import Broker, telegram
from meter_bed import MeterBed, crc16, x25
from private_bus import GLib, wait_until

METER = "NET1234567"
IMPORT, EXPORT, NET = "active_power_import", "active_power_export", "active_power_net"
ENERGY = "active_energy_import"

# What a telegram has, and what every output must then say, in W and Wh.
TELEGRAMS = {
    "the signed power alone, while exporting":
        (["1-0:16.7.0(-000.883*kW)"], {IMPORT: 0, EXPORT: 883, NET: -883}),
    "the signed power alone, while importing":
        (["1-0:16.7.0(000.412*kW)"], {IMPORT: 412, EXPORT: 0, NET: 412}),
    "import and export, without their difference":
        (["1-0:1.7.0(000.000*kW)", "1-0:2.7.0(000.883*kW)"], {IMPORT: 0, EXPORT: 883, NET: -883}),
    "the tariffs' registers, without their sum":
        (["1-0:1.8.1(000002.500*kWh)", "1-0:1.8.2(000000.250*kWh)"], {ENERGY: 2750}),
}


UNKNOWN = "5706567000000017"
LIST_NAME = b"Kamstrup_V0001"


def unknown_list():
    """What an OMNIPOWER sends, with an unknown list name: one frame of HDLC."""
    body = telegram("kamstrup-omnipower", "--meter-id", UNKNOWN)[1:-3].replace(LIST_NAME, b"Unknowns_Z0001")
    at = body.index(bytes((9, 6, 1, 1, 1, 8, 0, 255, 6))) + 9
    body = body[:at] + (508798).to_bytes(4, "big") + body[at + 4:]
    return b"\x7e" + body + x25(body) + b"\x7e"


def p1(lines):
    body = ("/NET5 net\r\n\r\n0-0:96.1.1(" + METER.encode().hex() + ")\r\n" + "\r\n".join(lines) + "\r\n!").encode()
    return body + b"%04X\r\n" % crc16(body)


class Shown:
    """One function an output: the value of a name there, or None."""

    def __init__(self, bed, broker, metrics, meter=METER):
        self.bed, self.metrics, self.meter = bed, metrics, meter
        self.subscriber = Subscriber(broker)

    def last(self, topic):
        found = [payload for t, payload, _, _ in list(self.subscriber.got) if t == topic]
        return found[-1] if found else None

    def dbus_properties(self, name):
        properties = {IMPORT: "PowerImport", EXPORT: "PowerExport", NET: "PowerNet", ENERGY: "EnergyImport"}
        return self.bed.d.client.get_all(bus.meter_path(self.meter), bus.ELECTRICITY)[properties[name]]

    def dbus_readings(self, name):
        readings = self.bed.d.client.call(bus.meter_path(self.meter), bus.METER, "GetReadings",
                                          GLib.Variant("(as)", ([name],)))[0]
        return readings[name][0] if name in readings else None

    def native(self, name):
        payload = self.last(f"smartmeterd/box/meter/{self.meter}/{name}")
        return None if payload is None else float(payload)

    def native_telegram(self, name):
        payload = self.last(f"smartmeterd/box/meter/{self.meter}/telegram")
        values = {reading["name"]: reading["value"] for reading in json.loads(payload or '{"readings":[]}')["readings"]}
        return values.get(name)

    def homeassistant(self, name):
        """By its entity: the topic that it listens to, and what it makes of that."""
        payload = self.last(f"homeassistant/device/smartmeterd_{self.meter}/config")
        entity = json.loads(payload)["components"].get(name) if payload else None
        if not entity or self.last(entity["state_topic"]) is None:
            return None
        value = float(self.last(entity["state_topic"]))
        if "value_template" in entity:
            value /= float(re.fullmatch(r"{{ value \| float / (\d+) }}", entity["value_template"])[1])
        return value * (1000 if entity["unit_of_measurement"].startswith("k") else 1)

    def jeedom(self, name):
        """By its command: known to Jeedom, and with a value."""
        payload = self.last(f"smartmeters/discovery/eqLogic/smd_{self.meter}")
        topic = f"smartmeters/cmd/event/smd_{self.meter}_{name}"
        if not payload or f"smd_{self.meter}_{name}" not in payload or self.last(topic) is None:
            return None
        return json.loads(self.last(topic))["value"]

    def metrics_file(self, name):
        unit = "watthours_total" if name == ENERGY else "watts"
        sample = re.compile(rf'^smartmeter_{name}_{unit}{{(.*meter="{self.meter}".*)}} (\S+)$', re.M)
        found = sample.findall(self.metrics.read_text()) if self.metrics.exists() else []
        return next((float(value) for labels, value in found if "tariff=" not in labels), None)

    def smctl(self, name):
        for row in map(json.loads, self.bed.smctl("readings", self.meter, "--json").splitlines()):
            for reading in row["readings"] if "readings" in row else [row]:
                if reading["name"] == name:
                    return reading["value"]
        return None


OUTPUTS = ("dbus_properties", "dbus_readings", "native", "native_telegram", "homeassistant", "jeedom", "metrics_file",
           "smctl")


class SameEverywhere(unittest.TestCase):
    def shown(self, lines, wanted):
        with Broker() as broker:
            config = (f'[mqtt "all"]\nHost=127.0.0.1\nPort={broker.port}\nInstance=box\n'
                      "Formats=native homeassistant jeedom\n")
            with MeterBed() as bed:
                metrics = bed.d.folder / "metrics.prom"
                bed.configure(config + f"[metrics]\nFile={metrics}\n")
                bed.d.manager("Reload")
                shown = Shown(bed, broker, metrics)
                self.addCleanup(shown.subscriber.close)
                bed.feed(p1(lines))
                bed.wait_telegrams(METER, 1)
                for output in OUTPUTS:
                    for name, value in wanted.items():
                        with self.subTest(output=output, name=name):
                            self.wait_for(getattr(shown, output), name, value)

    def wait_for(self, read, name, value):
        seen = [None]

        def is_there():
            seen[0] = read(name)
            return seen[0] == value
        try:
            wait_until(is_there, name, 30)
        except AssertionError:
            self.fail(f"{name} is {seen[0]}, not {value}")


class OneDirection(unittest.TestCase):
    """A telegram with one direction of a meter that knows both: their difference is not known."""

    def test_net_power_is_of_one_telegram(self):
        broker = self.enterContext(Broker())
        bed = self.enterContext(MeterBed())
        bed.configure(f'[mqtt "all"]\nHost=127.0.0.1\nPort={broker.port}\nInstance=box\n')
        bed.d.manager("Reload")
        subscriber = Subscriber(broker)
        self.addCleanup(subscriber.close)
        for n, (lines, net) in enumerate(((["1-0:1.7.0(000.000*kW)", "1-0:2.7.0(000.883*kW)"], -883),
                                          (["1-0:1.7.0(000.000*kW)"], None),
                                          (["1-0:1.7.0(000.000*kW)", "1-0:2.7.0(000.700*kW)"], -700)), 1):
            bed.feed(p1(lines))
            bed.wait_telegrams(METER, n)
            shown = wait_until(lambda n=n: next((t for t in map(json.loads, self.telegrams(subscriber))
                                                 if t["seq"] == n), None), f"telegram {n}", 30)
            with self.subTest(telegram=n):
                self.assertEqual(shown.get("power_net"), net)
                on_bus = bed.d.client.get_all(bus.meter_path(METER), bus.ELECTRICITY)["PowerNet"]
                self.assertEqual(None if on_bus != on_bus else on_bus, net)

    @staticmethod
    def telegrams(subscriber):
        return [payload for topic, payload, _, _ in list(subscriber.got)
                if topic == f"smartmeterd/box/meter/{METER}/telegram"]


class UnknownScale(unittest.TestCase):
    """A list that no profile knows: its numbers have no scale, and only who can say so shows them."""

    def setUp(self):
        broker = self.enterContext(Broker())
        bed = self.bed = self.enterContext(MeterBed())
        metrics = bed.d.folder / "metrics.prom"
        bed.configure(f'[mqtt "all"]\nHost=127.0.0.1\nPort={broker.port}\nInstance=box\n'
                      f"Formats=native homeassistant jeedom datacollector\n[metrics]\nFile={metrics}\n")
        bed.d.manager("Reload")
        self.shown = Shown(bed, broker, metrics, UNKNOWN)
        self.addCleanup(self.shown.subscriber.close)
        bed.feed(unknown_list())
        bed.wait_telegrams(UNKNOWN, 1)

    def test_readings_carry_the_flag(self):
        self.assertEqual(self.bed.reading(UNKNOWN, ENERGY)[0], 508798)
        self.assertTrue(self.bed.reading(UNKNOWN, ENERGY)[3] & 8)
        self.assertEqual(self.shown.smctl(ENERGY), 508798)

    def test_properties_of_one_number_do_not_show_it(self):
        numbers = self.bed.d.client.get_all(bus.meter_path(UNKNOWN), bus.ELECTRICITY)
        self.assertEqual({name for name, value in numbers.items() if value == value}, set(), numbers)
        self.assertNotEqual(self.bed.d.meter(UNKNOWN, "Counter"), 508798)
        self.assertEqual(self.bed.d.meter(UNKNOWN, "CounterUnit"), "")

    def test_neither_metrics_nor_topics_do(self):
        """Waits for what comes after the readings: the sample of the meter, and the whole telegram."""
        wait_until(lambda: self.shown.metrics.exists() and UNKNOWN in self.shown.metrics.read_text(), "metrics", 30)
        for text in (self.shown.metrics.read_text(), self.bed.smctl("metrics")):
            self.assertIn(f'smartmeter_meter_online{{meter="{UNKNOWN}"', text)
            self.assertNotIn("508798", text)
        wait_until(lambda: self.shown.last(f"smartmeterd/box/meter/{UNKNOWN}/telegram"), "telegram", 30)
        for output in ("native", "homeassistant", "jeedom"):
            self.assertIsNone(getattr(self.shown, output)(ENERGY), output)


def row(lines, wanted):
    return lambda test: test.shown(lines, wanted)


for title, (telegram_lines, values) in TELEGRAMS.items():
    setattr(SameEverywhere, "test_" + re.sub(r"\W+", "_", title), row(telegram_lines, values))


if __name__ == "__main__":
    unittest.main()
