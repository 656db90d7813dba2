# SPDX-License-Identifier: MIT
"""A board without a battery: its clock begins in 1970, or at some time before it was stopped, and
is set when the network comes. What its owner sees of it. Run under umockdev-wrapper."""

import json
import os
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import private_bus as bus
from broker import Subscriber
from harness import Broker
from meter_bed import AUTH_KEY, ENCRYPTED, KEY, MeterBed, TITLE, crc16, encrypted
from private_bus import GLib, wait_until

METER = "CLK1"
YEAR = 31556952
NOW = time.time()
LONG_AGO = NOW - 3 * YEAR  # when the image of the card was made
HISTORY = "org.smartmeterd.History1"


def without_clock(watt_hours, rare=False):
    """A telegram of a meter that has no clock; its voltage comes with the long list alone."""
    lines = ["/ISK5\\2M550T-1011", "", "0-0:96.1.1(434C4B31)", f"1-0:1.8.0({watt_hours / 1000:010.3f}*kWh)",
             "1-0:1.7.0(00.100*kW)"]
    if rare:
        lines.append("1-0:32.7.0(230.1*V)")
    body = "\r\n".join(lines).encode() + b"\r\n!"
    return body + b"%04X\r\n" % crc16(body)


@unittest.skipIf("SMARTMETER_SANITIZER" in os.environ, "skipped: a sanitizer minds the preload")
class NoClock(unittest.TestCase):
    def bed(self, begin, broker=None, config=""):
        """The service on a machine whose clock says `begin`."""
        bed = MeterBed(broker, config=f'[meter "{METER}"]\nMaxPower=900000kW\n{config}')
        self.shift = bed.d.folder / "shift"
        self.set_clock(begin)
        preload = [os.environ["SMARTMETERD_CLOCK_SHIFT"], os.environ.get("LD_PRELOAD", "")]
        bed.d.environment = {"LD_PRELOAD": ":".join(p for p in preload if p), "CLOCK_SHIFT": str(self.shift)}
        return bed

    def set_clock(self, to):
        new = self.shift.with_suffix(".new")
        new.write_text(str(int(to - time.time())))
        new.rename(self.shift)

    def feed(self, bed, *telegrams):
        for data in telegrams:
            before = bed.statistics(METER).get("telegrams", 0)
            bed.feed(data)
            bed.wait_telegrams(METER, before + 1)

    def age(self, bed, name):
        """Seconds since it was received, by the true clock."""
        return time.time() - bed.reading(METER, name)[2] / 1e6

    def test_no_value_is_decades_old_after_the_clock_was_set(self):
        with self.bed(20) as bed:
            self.feed(bed, without_clock(1000, rare=True))
            self.set_clock(NOW)
            self.feed(bed, without_clock(1001))
            for name in ("active_power_import", "voltage_l1"):
                self.assertLess(abs(self.age(bed, name)), 3600, name)
                self.assertEqual(bed.reading(METER, name)[3] & 2, 0, f"{name} is stale")
            self.assertLess(abs(time.time() - bed.d.meter(METER, "LastTelegramUSec") / 1e6), 3600)
            # … and back, as when the first answer of the network was wrong.
            self.set_clock(NOW + 20 * YEAR)
            self.feed(bed, without_clock(1002))
            self.set_clock(NOW)
            self.feed(bed, without_clock(1003))
            self.assertLess(abs(self.age(bed, "voltage_l1")), 3600)
            self.assertEqual(bed.statistics(METER).get("suspects", 0), 0)

    def test_no_telegram_is_lost_over_the_setting_of_the_clock_and_a_broker_that_comes_late(self):
        with Broker() as broker:
            broker.stop()
            with self.bed(20, broker) as bed:
                self.feed(bed, *(without_clock(1000 + n) for n in range(5)))
                self.set_clock(NOW)
                self.feed(bed, *(without_clock(1005 + n) for n in range(5)))
                broker.start()
                with Subscriber(broker) as sub:
                    topic = f"smartmeterd/box/meter/{METER}/telegram"
                    sub.wait(lambda got: len(sub.payloads(topic)) >= 10, "each telegram")
                    energies = [json.loads(p)["values"]["active_energy_import"] for p in sub.payloads(topic)]
                    self.assertEqual(energies, [1000 + n for n in range(10)])

    def test_encrypted_telegrams_are_no_replays_whatever_the_clock_says(self):
        keys = f"Key={KEY}\nAuthKey={AUTH_KEY}\n"
        with self.bed(20, config=f'[meter "{TITLE}"]\n{keys}') as bed:
            for n, now in enumerate((20, NOW, NOW + 20 * YEAR, NOW), 1):
                self.set_clock(now)
                bed.feed(encrypted(n))
                bed.wait_telegrams(ENCRYPTED, n)
            self.assertEqual(bed.statistics(ENCRYPTED).get("replays", 0), 0)

    def ask(self, bed, begin, end, step):
        return [s for s in bed.d.client.call(bus.meter_path(METER), HISTORY, "GetHistory", GLib.Variant(
            "(ttua{sv})", (int(begin * 1e6), int(end * 1e6), step, {})))[0]]

    def feed_until_known(self, bed, watt_hours, now):
        """Where the counter stood before is asked once, beside the loop: what comes before the
        answer counts as nothing."""
        def is_known():
            self.feed(bed, without_clock(watt_hours))
            return any(s[4] == s[4] for s in self.ask(bed, now - 900, now + 900, 60))
        wait_until(is_known, "the history of a minute")

    def counted(self, bed):
        """{when: Wh} of all the years."""
        return {s[0] / 1e6: s[1] for s in self.ask(bed, NOW - 5 * YEAR, NOW + 7 * 86400, 7 * 86400) if s[1] > 0}

    def test_history_loses_nothing_and_counts_nothing_in_the_wrong_year(self):
        with self.bed(NOW) as bed:
            self.feed_until_known(bed, 1000, NOW)
            self.feed(bed, without_clock(1100))
            self.assertEqual(sum(self.counted(bed).values()), 100)
            # Off, and on again with the clock of the card's image.
            bed.d.stop()
            self.set_clock(LONG_AGO)
            bed.d.start()
            bed.d.wait_state(bed.identity, "detecting")
            self.feed(bed, *[without_clock(1110 + n) for n in range(5)])
            self.set_clock(NOW + 600)
            self.feed_until_known(bed, 1150, NOW + 600)
            self.feed(bed, without_clock(1160))
            counted = self.counted(bed)
            self.assertEqual(sum(counted.values()), 160)
            self.assertGreater(min(counted), NOW - 14 * 86400, "counted in another year")


if __name__ == "__main__":
    unittest.main(verbosity=2)
