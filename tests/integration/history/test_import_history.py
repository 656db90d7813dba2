#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""smctl import-history: what another program counted is in the history, in the days of the service's
zone, once, and beside what was measured. Run under umockdev-wrapper."""

import contextlib
import csv
import datetime
import io
import json
import math
import pathlib
import sqlite3
import subprocess
import sys
import unittest
import zoneinfo

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import private_bus as bus
from harness import SMCTL, plain_environment, wait_history
from meter_bed import E450, METER, MeterBed
from private_bus import GLib, wait_until

HOUR = 3600
NOWHERE = "Pacific/Auckland"  # of who calls smctl: on the other side of the world


def clock_changes(zone, now):
    """The last two days in the past on which this zone's clocks changed: [(date, hours)…]."""
    day, found = now.date() - datetime.timedelta(days=3), []
    while len(found) < 2:
        begin, end = (datetime.datetime.combine(d, datetime.time(), zone).timestamp()
                      for d in (day, day + datetime.timedelta(days=1)))
        if end - begin != 24 * HOUR:
            found.append((day, (end - begin) / HOUR))
        day -= datetime.timedelta(days=1)
    return found


class ImportHistory(unittest.TestCase):
    def enter(self, config=""):
        bed = MeterBed(config=config)
        bed.__enter__()
        self.addCleanup(bed.__exit__, None, None, None)
        bed.feed(E450)
        bed.wait_telegrams(METER, 1)
        wait_until(lambda: bed.d.meters()[METER]["CounterUnit"] == "Wh", "a counter")
        return bed

    def smctl(self, bed, *words, stdin=""):
        return subprocess.run([SMCTL, "--address", bed.d.bus.address, *words], capture_output=True,
                              input=stdin, text=True, timeout=bus.SECONDS * 2, check=False,
                              env=dict(plain_environment(), TZ=NOWHERE))

    def ok(self, bed, *words, stdin=""):
        done = self.smctl(bed, *words, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def take(self, bed, table, *words):
        return json.loads(self.ok(bed, "import-history", "-", *words, "--json", stdin=table))

    def steps(self, bed, span, day):
        shown = json.loads(self.ok(bed, "history", METER, "--" + span, f"--date={day}", "--json"))
        return shown["steps"]

    def registers(self, begin, hours, of_hour, start=5000000):
        """A table of what a counter shows at each hour, and what it counted: {time: Wh}."""
        rows, counter, counted = ["time,1.8.0 [kWh]"], start, {}
        for i in range(hours + 1):
            t = begin + i * HOUR
            rows.append(f"{datetime.datetime.fromtimestamp(t, datetime.timezone.utc).isoformat()},"
                        f"{counter / 1000:.3f}")
            counted[t] = of_hour(i)
            counter += of_hour(i)
        return "\n".join(rows) + "\n", counted

    def check_zone(self, name):
        zone = zoneinfo.ZoneInfo(name)
        now = datetime.datetime.now(zone)
        bed = self.enter(f"[tariff]\nTimezone={name}\n")
        for day, hours in clock_changes(zone, now) + [(now.date() - datetime.timedelta(days=3), 24)]:
            with self.subTest(zone=name, day=day):
                midnight = datetime.datetime.combine(day, datetime.time(), zone).timestamp()
                # On quarter hours, as midnight is in zones of half hours; 4 Wh in each quarter of one.
                table, counted = self.registers(midnight - 2 * HOUR, 30, lambda i: 4 * (i % 7 + 1))
                self.take(bed, table)
                day_of = sum(wh * min(1, (midnight + hours * HOUR - t) / HOUR) for t, wh in counted.items()
                             if midnight <= t < midnight + hours * HOUR)
                shown = self.steps(bed, "day", day)
                self.assertEqual(len(shown), math.ceil(hours))
                self.assertTrue(shown[0]["from"].startswith(f"{day}T00:00:00"), shown[0])
                self.assertEqual(sum(step["import"] for step in shown if step["import"]), day_of)
                # A week of days: the last one is this day, whole.
                self.assertEqual(self.steps(bed, "week", day)[-1]["import"], day_of)

    def test_days_are_those_of_the_service_with_23_and_25_hours(self):
        self.check_zone("Europe/Zurich")

    def test_half_an_hour_more_or_less(self):
        self.check_zone("Australia/Lord_Howe")

    def test_days_of_a_zone_of_half_hours(self):
        bed = self.enter("[tariff]\nTimezone=Asia/Kolkata\n")
        day = datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Kolkata")).date() - datetime.timedelta(days=3)
        # Times without a zone are the service's.
        table = "from,import_Wh\n" + "".join(f"{day} {hour:02}:00,{hour + 1}\n" for hour in range(24))
        self.take(bed, table)
        shown = self.steps(bed, "day", day)
        self.assertEqual([step["import"] for step in shown], list(range(1, 25)))
        self.assertTrue(shown[0]["from"].endswith("T00:00:00+05:30"), shown[0])

    def test_what_smctl_history_wrote_is_read_again(self):
        zone = zoneinfo.ZoneInfo("Europe/Zurich")
        config = "[tariff]\nTimezone=Europe/Zurich\n"
        day, _hours = clock_changes(zone, datetime.datetime.now(zone))[0]
        midnight = datetime.datetime.combine(day, datetime.time(), zone).timestamp()
        first = self.enter(config)
        self.take(first, self.registers(midnight - 50 * HOUR, 80, lambda i: 13 + i)[0])
        day_table = self.ok(first, "history", METER, "--day", f"--date={day}", "--csv")
        week_table = self.ok(first, "history", METER, "--week", f"--date={day}", "--csv")
        second = self.enter(config)
        self.take(second, day_table)
        self.assertEqual(self.ok(second, "history", METER, "--day", f"--date={day}", "--csv"), day_table)
        third = self.enter(config)
        self.take(third, week_table)

        def drawn(table):
            return [(row["from"], row["import_Wh"]) for row in csv.DictReader(io.StringIO(table))]
        self.assertEqual(drawn(self.ok(third, "history", METER, "--week", f"--date={day}", "--csv")),
                         drawn(week_table))

    def test_home_assistant_s_statistics(self):
        bed = self.enter("[tariff]\nTimezone=UTC\n")
        day = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=3)
        midnight = datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc).timestamp()
        lines = ["statistic_id,unit_of_measurement,start_ts,state,sum"]
        for i in range(-1, 24):  # a row of an hour has what was shown at its end
            lines.append(f"sensor.in,kWh,{midnight + i * HOUR},77.5,{(i + 1) * 0.25}")
            lines.append(f"sensor.out,kWh,{midnight + i * HOUR},0,{max(0, i - 11) * 0.125}")
        got = self.take(bed, "\n".join(lines), "--import=sensor.in", "--export=sensor.out")
        self.assertEqual(got["written"], 96)
        shown = self.steps(bed, "day", day)
        self.assertEqual([step["import"] for step in shown], [250] * 24)
        self.assertEqual([step["export"] for step in shown], [0] * 12 + [125] * 12)

    def of_tariffs(self, bed, span, day):
        """Energy drawn by tariff, all of it, and what it costs."""
        def total(*words, key="import"):
            shown = json.loads(self.ok(bed, "history", METER, "--" + span, f"--date={day}", "--json", *words))
            return sum(step[key] or 0 for step in shown["steps"])
        return total("--tariff=1"), total("--tariff=2"), total(), round(total(key="cost"), 6)

    def test_columns_of_tariffs(self):
        bed = self.enter("[tariff]\nTimezone=UTC\nPrice.1=0.30\nPrice.2=0.10\nCurrency=CHF\n")
        now = datetime.datetime.now(datetime.timezone.utc)
        day = now.date() - datetime.timedelta(days=3)
        # Quarter hours of which each is of one tariff; the high one from 7 to 21 o'clock.
        rows, want = ["from;Bezug HT (kWh);1.8.2 (kWh)"], [0, 0]
        for i in range(96):
            high, wh = 28 <= i < 84, 10 + i
            rows.append(f"{day} {i // 4:02}:{i % 4 * 15:02};" + (f"{wh / 1000:.3f};" if high else f";{wh / 1000:.3f}"))
            want[not high] += wh
        self.take(bed, "\n".join(rows), "--import-t1=bezug ht")
        cost = round(want[0] * 0.0003 + want[1] * 0.0001, 6)
        self.assertEqual(self.of_tariffs(bed, "day", day), (*want, sum(want), cost))
        # Counters read once a day: sums of days, none of hours. They take the place of what was there.
        begin = day - datetime.timedelta(days=2)
        rows = ["time,1.8.1 [kWh],1.8.2 [kWh]", f"{begin},1000,2000", f"{begin + datetime.timedelta(days=1)},1003,2001",
                f"{day},1003,2007", f"{day + datetime.timedelta(days=1)},1008,2008"]
        self.take(bed, "\n".join(rows))
        self.assertEqual([self.of_tariffs(bed, "day", begin + datetime.timedelta(days=i)) for i in range(3)],
                         [(0, 0, 0, 0)] * 3)
        shown = {word: [step["import"] for step in json.loads(self.ok(
            bed, "history", METER, "--week", f"--date={day}", "--json", *word.split()))["steps"]][-3:]
            for word in ("", "--tariff=1", "--tariff=2")}
        self.assertEqual(shown[""], [4000, 6000, 6000])
        self.assertEqual([step or 0 for step in shown["--tariff=1"]], [3000, 0, 5000])
        self.assertEqual([step or 0 for step in shown["--tariff=2"]], [1000, 6000, 1000])

    def test_the_same_file_twice_is_once_and_measured_stays(self):
        bed = self.enter("[tariff]\nTimezone=UTC\n")
        now = datetime.datetime.now(datetime.timezone.utc)
        hour = int(now.timestamp()) // HOUR * HOUR
        # Into the hour that comes: what the service measures now, and what is to come, is not taken.
        # All of yesterday is in it, whatever the time is now.
        table, counted = self.registers(hour - 50 * HOUR, 51, lambda i: 100 + i, start=17)
        first = self.take(bed, table)
        self.assertGreaterEqual(first["left_out"], 1)
        self.assertGreaterEqual(first["written"], 50 * 4 - 1)
        day = now.date() - datetime.timedelta(days=1)
        before = self.steps(bed, "day", day)
        self.assertEqual(self.take(bed, table)["written"], first["written"])
        self.assertEqual(self.steps(bed, "day", day), before)
        midnight = datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc).timestamp()
        self.assertEqual(sum(step["import"] for step in before),
                         sum(wh for t, wh in counted.items() if midnight <= t < midnight + 24 * HOUR))
        # The counter goes on from where it was measured, not from the file.
        bed.d.restart()
        bed.d.wait_state(bed.identity, "detecting")
        bed.feed(E450)
        bed.wait_telegrams(METER, 1)
        self.assertEqual(self.steps(bed, "day", day), before)

    def test_what_was_measured_is_replaced_when_it_is_wanted(self):
        bed = self.enter("[tariff]\nTimezone=UTC\n")
        day = datetime.datetime.now(datetime.timezone.utc).date() - datetime.timedelta(days=3)
        midnight = int(datetime.datetime.combine(day, datetime.time(), datetime.timezone.utc).timestamp())
        wait_history(bed.d.state)
        bed.d.stop()
        with contextlib.closing(sqlite3.connect(bed.d.state / "history.db")) as db, db:
            db.execute("INSERT OR IGNORE INTO meter (number, id, unit, exponent) VALUES (7, ?, 'Wh', 0)", (METER,))
            db.executemany("INSERT INTO quarter (meter, slot, import) SELECT number, ?, ? FROM meter",
                           [(midnight // 900 + i, i * 10) for i in range(-1, 48)])
        bed.d.start()
        bed.d.wait_state(bed.identity, "detecting")
        bed.feed(E450)
        bed.wait_telegrams(METER, 1)
        table = self.registers(midnight, 24, lambda i: 4)[0]
        got = self.take(bed, table)
        self.assertEqual((got["written"], got["measured"], got["left_out"]), (48, 48, 0))
        self.assertEqual([step["import"] for step in self.steps(bed, "day", day)], [40] * 12 + [4] * 12)
        got = self.take(bed, table, "--replace")
        self.assertEqual((got["written"], got["measured"], got["left_out"]), (96, 0, 0))
        self.assertEqual([step["import"] for step in self.steps(bed, "day", day)], [4] * 24)
        self.assertIn("96 quarter hours of the file are in the history.",
                      self.ok(bed, "import-history", "-", METER, stdin=table))

    def test_thousands_of_rows_go_in_parts(self):
        bed = self.enter("[tariff]\nTimezone=UTC\n")
        now = datetime.datetime.now(datetime.timezone.utc)
        begin = int(now.timestamp()) // HOUR * HOUR - 12000 * 900
        table = "time,import_Wh\n" + "".join(f"{begin + i * 900},{i * 3}\n" for i in range(11991))
        self.assertEqual(self.take(bed, table)["written"], 11990)
        last = now - datetime.timedelta(hours=4)  # the last row, and the month before it is whole
        month = (last.replace(day=1) - datetime.timedelta(days=1)).date()
        shown = self.steps(bed, "month", month)
        self.assertEqual([step["import"] for step in shown], [3 * 96] * len(shown))

    def test_a_line_that_is_wrong_changes_nothing_and_is_named(self):
        bed = self.enter("[tariff]\nTimezone=Europe/Zurich\n")
        for table, words, want in (
                ("time,import_kWh\n2026-01-01 00:00,1\n2026-01-01 01:00,1;5\n", (), "-:3:18: '1;5' is no number"),
                ("time,import_kWh\n2026-03-29 02:30,1\n", (), "-:2:1: no clock showed"),
                ("time,import_m³\n2026-01-01,1\n", (), "-:2:12: m³: this meter counts in Wh"),
                ("time,import_kWh\n", (), "has no line with a value"),
                ("", (), "-:1:1: there is nothing in this file"),
                ("time,import\n2026-01-01,1\n", ("--timezone=Europe/Zuerich",), "no time zone"),
                ("time,import_kWh\n2026-01-01,1e15\n", (), "Sample 1 cannot be")):
            with self.subTest(want=want):
                done = self.smctl(bed, "import-history", "-", *words, stdin=table)
                self.assertIn(want, done.stderr)
                self.assertEqual(done.returncode, 2 if words else 1)
        done = self.smctl(bed, "import-history", "/nonexistent.csv")
        self.assertIn("/nonexistent.csv: No such file", done.stderr)
        gone = self.ok(bed, "history", METER, "--year", "--json")
        self.assertFalse([s for s in json.loads(gone)["steps"] if s["import"]])

    def test_the_bus_refuses_what_cannot_be(self):
        bed = self.enter()

        def call(samples, **options):
            wrapped = {k: GLib.Variant("b" if isinstance(v, bool) else "u", v) for k, v in options.items()}
            return bed.d.client.call(bus.meter_path(METER), "org.smartmeterd.History1", "ImportHistory",
                                     GLib.Variant("(a(tddub)a{sv})", (samples, wrapped)))
        self.assertEqual(call([]), (0, 0, 0))
        for samples, options, word in (
                ([(10**6, 1, 1, 0, False)] * 2, {}, "Sample 2 cannot be"),
                ([(10**6, math.inf, 1, 0, False)], {}, "counter"),
                ([(2**64 - 1, 1, 1, 0, False)], {}, "9999"),
                ([(10**6, 1, 1, 300, False)], {}, "tariff"),
                ([(i * 10**6, 1, 1, 0, False) for i in range(20001)], {}, "More than 20000"),
                ([], {"color": True}, "interval and replace")):
            with self.subTest(word=word), self.assertRaisesRegex(bus.CallError, word):
                call(samples, **options)

    def test_nothing_is_taken_where_no_history_is_kept(self):
        bed = self.enter("[history]\nKeep=no\n")
        done = self.smctl(bed, "import-history", "-", stdin="time,import_Wh\n1700000000,1\n1700000900,2\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("Keep=no", done.stderr)


if __name__ == "__main__":
    unittest.main()
