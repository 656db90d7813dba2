#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a meter counted is asked for on the bus and with smctl, is there after a restart, and is not
kept where nobody wants it. Run under umockdev-wrapper."""

import csv
import io
import json
import math
import subprocess
import time
import unittest

import private_bus as bus
from harness import SMCTL, plain_environment
from meter_bed import MeterBed, dsmr
from private_bus import GLib, wait_until

METER = json.loads(subprocess.run([SMCTL, "decode", "-"], input=dsmr(), check=True,
                                  capture_output=True, env=plain_environment()).stdout)["meter"]
HISTORY = "org.smartmeterd.History1"
HOUR = 3600


def telegram(watt_hours):
    return dsmr(t1=f"{watt_hours / 1000:010.3f}*kWh", t2="000000.000*kWh")


class TestHistory(unittest.TestCase):
    def bed(self, config=""):
        """A few Wh come within milliseconds here: any power is plausible, more Wh would not be."""
        return MeterBed(config=f'[meter "{METER}"]\nMaxPower=900000kW\n{config}')

    def feed(self, bed, watt_hours):
        before = self.telegrams(bed)
        bed.feed(telegram(watt_hours))
        wait_until(lambda: self.telegrams(bed) > before, f"a telegram\n{bed.d.log}")

    def telegrams(self, bed):
        return max((m["Statistics"].get("telegrams", 0) for m in bed.d.meters().values()), default=0)

    def meter(self, bed):
        return next(name for name, m in bed.d.meters().items() if m["Medium"] == "electricity")

    def ask(self, bed, begin, end, step, **options):
        wrapped = {k: GLib.Variant("s" if isinstance(v, str) else "u", v)
                   for k, v in options.items()}
        return bed.d.client.call(bus.meter_path(self.meter(bed)), HISTORY, "GetHistory",
                                 GLib.Variant("(ttua{sv})", (int(begin * 1e6), int(end * 1e6), step,
                                                             wrapped)))[0]

    def imported(self, bed):
        now = time.time()
        steps = self.ask(bed, now // HOUR * HOUR - HOUR, now + HOUR, HOUR)
        return sum(step[1] for step in steps if not math.isnan(step[1]))

    def feed_until_known(self, bed, watt_hours):
        """Where the counter stood before the service is asked once, beside the loop: what comes
        before the answer counts as nothing."""
        def is_known():
            self.feed(bed, watt_hours)
            now = time.time()
            gaps = bed.d.client.call(bus.meter_path(self.meter(bed)), HISTORY, "GetHistory",
                                     GLib.Variant("(ttua{sv})", (int((now - 60) * 1e6),
                                                                 int((now + 60) * 1e6), 60, {})))
            return any(not math.isnan(step[4]) for step in gaps[0])
        wait_until(is_known, "the history of a minute")

    def test_what_was_counted_is_there_at_once_and_after_a_restart(self):
        with self.bed() as bed:
            self.feed_until_known(bed, 1000000)
            self.feed(bed, 1000007)
            self.assertEqual(self.imported(bed), 7)
            bed.d.restart()
            bed.d.wait_state(bed.identity, "detecting")
            self.feed_until_known(bed, 1000010)
            self.assertEqual(self.imported(bed), 10)

    def test_a_short_list_with_the_import_alone_is_no_power_of_zero(self):
        """While the meter exports, its import is 0: half of what is sent would halve the mean."""
        with self.bed() as bed:
            both = dsmr(drawn="00.000*kW", fed_in="05.000*kW")
            short = dsmr(drawn="00.000*kW", fed_in=None)

            def powers():
                for one in (both, short, short):
                    before = self.telegrams(bed)
                    bed.feed(one)
                    wait_until(lambda n=before: self.telegrams(bed) > n, f"a telegram\n{bed.d.log}")
                now = time.time()
                return {power for step in self.ask(bed, now - 60, now + 60, 60)
                        for power in step[3:5] if not math.isnan(power)}
            wait_until(powers, "the power of a minute")
            self.assertEqual(powers(), {-5000})

    def test_smctl_prints_bars_json_and_csv(self):
        with self.bed() as bed:
            self.feed_until_known(bed, 1000000)
            self.feed(bed, 1000004)
            meter = self.meter(bed)
            self.assertIn("together", bed.smctl("history", meter))
            shown = json.loads(bed.smctl("history", meter, "--month", "--json"))
            self.assertEqual((shown["meter"], shown["unit"]), (meter, "Wh"))
            self.assertEqual(sum(step["import"] or 0 for step in shown["steps"]), 4)
            rows = list(csv.DictReader(io.StringIO(bed.smctl("history", meter, "--year", "--csv"))))
            self.assertEqual(len(rows), 12)
            self.assertEqual(sum(float(row["import_Wh"] or 0) for row in rows), 4)

    def test_what_was_drawn_has_its_cost_by_tariff(self):
        prices = "[tariff]\nPrice.1=500\nPrice.2=250\nCurrency=CHF\nDefault=2\n"
        with self.bed(prices) as bed:
            self.feed_until_known(bed, 1000000)
            self.feed(bed, 1000004)
            meter = self.meter(bed)
            active = bed.d.client.get_all(bus.meter_path(meter), "org.smartmeterd.Tariff1")["Active"]
            want = {1: 2.0, 2: 1.0}[active]
            shown = json.loads(bed.smctl("history", meter, "--month", "--json"))
            self.assertEqual(shown["currency"], "CHF")
            self.assertAlmostEqual(sum(step["cost"] or 0 for step in shown["steps"]), want)
            self.assertEqual(sum(step["unpriced"] for step in shown["steps"]), 0)
            rows = list(csv.DictReader(io.StringIO(bed.smctl("history", meter, "--year", "--csv"))))
            self.assertAlmostEqual(sum(float(row["cost_CHF"] or 0) for row in rows), want)
            self.assertIn(f"{want:.2f} CHF", bed.smctl("history", meter))
            other = bed.smctl("history", meter, f"--tariff={3 - active}", "--csv")
            self.assertTrue(all(not row["cost_CHF"] for row in csv.DictReader(io.StringIO(other))))
            bed.configure(f'[meter "{METER}"]\nMaxPower=900000kW\n[tariff]\nPrice.{3 - active}=1\n')
            bed.smctl("reload")
            text = bed.smctl("history", meter)
            self.assertIn("without a price, and not in the cost: 0.004 kWh", text)
            bed.configure(f'[meter "{METER}"]\nMaxPower=900000kW\n')
            bed.smctl("reload")
            self.assertNotIn("cost", bed.smctl("history", meter, "--json"))

    def test_questions_without_an_answer_say_why(self):
        with self.bed() as bed:
            self.feed(bed, 1000000)
            now = time.time()
            for begin, end, step, options, word in (
                    (now, now - 1, 900, {}, "end must be after"),
                    (now, now + 1, 7, {}, "multiple of 60"),
                    (0, now, 60, {}, "40000"),
                    (now - 1, now, 0, {"calendar": "fortnight"}, "day, week, month or year"),
                    (now - 1, now, 900, {"color": "red"}, "calendar and tariff")):
                with self.subTest(word=word), self.assertRaisesRegex(bus.CallError, word):
                    self.ask(bed, begin, end, step, **options)

    def test_no_history_is_kept_where_nobody_wants_it(self):
        with self.bed("[history]\nKeep=no\n") as bed:
            self.feed(bed, 1000000)
            with self.assertRaisesRegex(bus.CallError, "Keep=no"):
                self.imported(bed)
            self.assertFalse((bed.d.state / "history.db").exists())


if __name__ == "__main__":
    unittest.main()
