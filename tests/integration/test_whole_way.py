# SPDX-License-Identifier: MIT
"""The whole way for one meter: a PL2303 is plugged in and plays an E450's telegram; smctl, busctl
and an MQTT subscriber see it, before and after a replug under another number, and after the broker
was away. The telegram is a captured one where captures lie beside the project, else a simulated one.
Run under umockdev-wrapper."""

import json
import os
import pathlib
import subprocess
import unittest

import private_bus as bus
from harness import Broker, Daemon, make_bed, telegram
from private_bus import wait_until

SMCTL = os.environ["SMCTL"]
CAPTURES = pathlib.Path(os.environ["SMARTMETERD_SOURCE"]).resolve().parent / "shared/telegrams"


def captured():
    """Bytes, meter id and active power of lg-e450-03, or of a simulated telegram."""
    capture = CAPTURES / "lg-e450-03.hex"
    if not capture.exists():
        data = telegram("lgz-e450", "--meter-id", "LGZ1030655933512")
        decoded = json.loads(subprocess.run([SMCTL, "decode", "-"], input=data, check=True,
                                            capture_output=True).stdout)
        power = next(r["value"] for r in decoded["readings"] if r["obis"] == "1-0:1.7.0")
        return data, decoded["meter"], power
    text = "".join(line.split("#")[0] for line in capture.read_text().splitlines())
    wanted = json.loads((CAPTURES / "lg-e450-03.expect.json").read_text())
    return (bytes.fromhex("".join(text.split())), wanted["meter_id"],
            wanted["readings"]["1.0.1.7.0.255"]["value"])


class Subscriber:
    """mosquitto_sub, its messages as (topic, payload)."""

    def __init__(self, port, topic):
        self.path = pathlib.Path(os.environ.get("TMPDIR", "/tmp")) / f"sub.{os.getpid()}.{port}"
        self.out = open(self.path, "wb")
        self.process = subprocess.Popen(["mosquitto_sub", "-p", str(port), "-t", topic, "-v"],
                                        stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=subprocess.DEVNULL)

    def messages(self):
        return [tuple(line.split(" ", 1)) for line in self.path.read_text().splitlines()
                if " " in line]

    def wait_count(self, topic, n):
        wait_until(lambda: len([t for t, _ in self.messages() if t == topic]) >= n,
                   f"{n} messages on {topic}")
        return [json.loads(p) for t, p in self.messages() if t == topic]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.out.close()
        self.path.unlink()


class WholeWay(unittest.TestCase):
    def setUp(self):
        self.bed = make_bed()
        if not self.bed:
            self.skipTest("not under umockdev-wrapper")
        self.data, self.meter, self.power = captured()
        self.topic = f"smartmeter/{self.meter}/ACTIVE_POWER_P"

    def smctl(self, d, *arguments):
        run = subprocess.run([SMCTL, "--address", d.bus.address, *arguments], check=True,
                             capture_output=True, text=True)
        return json.loads(run.stdout)

    def busctl_power(self, d):
        run = subprocess.run(["busctl", f"--address={d.bus.address}", "get-property",
                              "org.smartmeterd", bus.meter_path(self.meter),
                              "org.smartmeterd.Electricity1", "PowerImport"],
                             check=True, capture_output=True, text=True)
        return float(run.stdout.split()[1])

    def listed(self, d, identity):
        listed = self.smctl(d, "list-converters", "--json")
        rows = listed["converters"] if isinstance(listed, dict) else listed
        return next(row for row in rows if row["id"] == identity)

    def test_meter_is_on_bus_and_mqtt_before_and_after_a_replug(self):
        with Broker() as broker:
            config = (f'[mqtt "local"]\nHost=127.0.0.1\nPort={broker.port}\n'
                      "Formats=native datacollector\n")
            with Daemon(config) as d:
                sub = Subscriber(broker.port, "smartmeter/#")
                try:
                    self.plug_read_and_replug(d, sub)
                finally:
                    sub.stop()

    def plug_read_and_replug(self, d, sub):
        ftdi = self.bed.converter("ftdi", port="2", number=4)
        ftdi.plug()
        c = self.bed.converter("pl2303")
        c.plug()
        d.wait_state(c.identity, "detecting")
        c.feed(self.data)
        d.wait_state(c.identity, "receiving")
        d.wait_meter(self.meter, "Online", True)
        self.assertEqual(self.listed(d, c.identity)["state"], "receiving")
        self.assertEqual(self.listed(d, ftdi.identity)["state"], "ignored")
        self.assertFalse(d.has_open(ftdi.pty))
        self.assertEqual(self.busctl_power(d), self.power)
        message = sub.wait_count(self.topic, 1)[0]
        self.assertEqual(list(message), ["value", "timestamp", "obis"])
        self.assertEqual((message["value"], message["obis"]), (self.power, "1.7.0"))
        path, pty = d.meters()[self.meter]["Converter"], c.pty

        c.unplug()
        d.wait_state(c.identity, "gone")
        self.assertFalse(d.has_open(pty))
        self.assertFalse(d.meter(self.meter, "Online"))

        again = self.bed.converter("pl2303", number=1)
        again.plug()
        d.wait_state(c.identity, "detecting")
        again.feed(self.data)
        d.wait_meter(self.meter, "Online", True)
        self.assertEqual(d.converter(c.identity, "Device"), "/dev/ttyUSB1")
        self.assertEqual(d.meters()[self.meter]["Converter"], path)
        sub.wait_count(self.topic, 2)

    def test_readings_go_on_after_the_broker_was_killed(self):
        with Broker() as broker:
            config = (f'[mqtt "local"]\nHost=127.0.0.1\nPort={broker.port}\n'
                      "Formats=native datacollector\n")
            with Daemon(config) as d:
                c = self.bed.converter("pl2303")
                c.plug()
                d.wait_state(c.identity, "detecting")
                c.feed(self.data)
                d.wait_meter(self.meter, "Online", True)
                d.wait_log("connected")
                broker.process.kill()
                broker.stop()
                d.wait_log("MQTT", count=2)
                broker.start()
                sub = Subscriber(broker.port, "smartmeter/#")
                try:
                    d.wait_log("connected", count=2)
                    c.feed(self.data)
                    self.assertEqual(sub.wait_count(self.topic, 1)[-1]["value"], self.power)
                finally:
                    sub.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
