#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The history of a simulated year on the page: its bars, sums and tables equal to sums that are
computed by another way, on days of 23 and 25 hours too."""

import csv
import datetime
import time
import unittest

import page_case
from harness import wait_history
from meter_bed import E450, METER, MeterBed
from private_bus import wait_until
from year import ZONE, Year

DAY = datetime.timedelta(days=1)


def tuple_of(day):
    return day.year, day.month, day.day


class History(page_case.PageTest):
    def setUp(self):
        self.year = Year(time.time() - 86400)
        bed = MeterBed(config=f"[tariff]\nTimezone={ZONE}\n")
        bed.d.start()
        wait_history(bed.d.state)
        bed.d.stop()
        self.year.write(bed.d.state / "history.db", METER)
        self.bed = self.enter(bed)
        bed.feed(E450)
        self.open(bed, "history", TZ=ZONE)

    def drawn(self, span, date=None):
        """[[begin, drawn, fed in]…] of the table, once it is of this time."""
        self.page.script("""const v = window.smartmeters.views.history[1];
            v.span = arguments[0]; v.go(arguments[1]);""", span, date)
        wanted = f"{METER} {span} {date or 'now'} "
        wait_until(lambda: self.page.script("return document.querySelector('.history').dataset.drawn") == wanted,
                   f"{wanted}; there is {self.page.text('.history')}")
        rows = self.page.script("""return [...document.querySelectorAll('.history tbody tr')]
            .map(row => [...row.children].map(cell => cell.textContent))""")

        def number(text):
            return 0 if text == "–" else float(text.removesuffix(" kWh").replace(",", ""))
        return [(row[0], number(row[1]), number(row[2])) for row in rows]

    def check_day(self, day, hours):
        rows = self.drawn("day", day.isoformat())
        wanted = self.year.between(tuple_of(day), tuple_of(day + DAY))
        self.assertEqual(len(rows), hours)
        self.assertAlmostEqual(sum(row[1] for row in rows), wanted[0] / 1000, delta=0.0006)
        self.assertAlmostEqual(sum(row[2] for row in rows), wanted[1] / 1000, delta=0.0006)
        self.assertEqual(len(self.page.script("return [...document.querySelectorAll('.history rect.import')]")),
                         sum(row[1] > 0 for row in rows))

    def test_days_have_23_24_and_25_hours(self):
        spring, autumn = self.year.change(3), self.year.change(10)
        self.check_day(spring, 23)
        self.check_day(autumn, 25)
        self.check_day(spring - DAY, 24)

    def test_a_month_and_a_year_are_their_days(self):
        month = self.year.change(3).replace(day=1)
        following = (month + 31 * DAY).replace(day=1)
        rows = self.drawn("month", month.isoformat())
        self.assertEqual(len(rows), 31)
        for i, (_name, drawn, fed) in enumerate(rows):
            wanted = self.year.between(tuple_of(month + i * DAY), tuple_of(month + (i + 1) * DAY))
            self.assertAlmostEqual(drawn, wanted[0] / 1000, delta=0.051, msg=month + i * DAY)
            self.assertAlmostEqual(fed, wanted[1] / 1000, delta=0.051, msg=month + i * DAY)
        shown = float(self.page.script("return document.querySelector('.history').dataset.sum"))
        self.assertEqual(shown, self.year.between(tuple_of(month), tuple_of(following))[0])
        rows = self.drawn("year", (following - DAY).isoformat())
        self.assertEqual(len(rows), 12)
        self.assertAlmostEqual(rows[-1][1], shown / 1000, delta=0.051)
        shown = float(self.page.script("return document.querySelector('.history').dataset.sum"))
        first = following.replace(year=following.year - 1)
        self.assertEqual(shown, self.year.between(tuple_of(first), tuple_of(following))[0])

    def test_one_goes_back_and_on_and_takes_the_table_along(self):
        page = self.page
        self.drawn("month")
        titles = [page.text(".history h2")]

        def go(label):
            """The title is another one when the other month is drawn."""
            page.click(label, ".history")
            wait_until(lambda: page.text(".history h2") != titles[-1], f"another month than {titles[-1]}")
            titles.append(page.text(".history h2"))
        go("Earlier")
        go("Later")
        self.assertEqual(titles[2], titles[0])
        # Two clicks are two months, though the first was not drawn yet.
        page.script("""const earlier = document.querySelector(".history [aria-label=Earlier]");
            earlier.click(); earlier.click();""")
        month = page.script("return window.smartmeters.views.history[1].date")
        wait_until(lambda: f" {month} " in page.script("return document.querySelector('.history').dataset.drawn"), month)
        titles.append(page.text(".history h2"))
        self.assertNotIn(titles[3], titles[:2])
        go("Later")
        self.assertEqual(titles[4], titles[1])
        page.click("Download as CSV")
        files = wait_until(lambda: list(page.downloads.glob("*.csv")), "the file")
        rows = list(csv.DictReader(files[0].read_text().splitlines()))
        shown = float(page.script("return document.querySelector('.history').dataset.sum"))
        self.assertEqual(sum(float(row["import_Wh"] or 0) for row in rows), shown)

    def test_bars_are_walked_through_by_keys(self):
        day = self.year.change(3) - DAY
        self.drawn("day", day.isoformat())
        self.page.script("document.querySelector('.history .chart').focus()")
        self.page.keys("\ue011", "\ue014")  # Home, arrow right
        value = self.page.script("return document.querySelector('.history .chart').getAttribute('aria-valuetext')")
        self.assertRegex(value, r"^01:00( AM)?: [\d.]+ kWh")
        self.assertEqual(self.page.text(".history .readout"), value)


class Import(page_case.PageTest):
    def choose(self, name, lines):
        path = self.page.downloads / name
        path.write_text("\n".join(lines))
        self.page.type("file", str(path), clear=False)

    def test_a_table_is_taken_into_the_history(self):
        bed = self.enter(MeterBed(config="[tariff]\nTimezone=UTC\n"))
        bed.feed(E450)
        bed.wait_telegrams(METER, 1)
        page = self.open(bed, "history")
        today = int(time.time()) // 86400 * 86400
        page.click("Import…")
        page.click("Import")
        page.wait_text("dialog .status.bad", "Choose a file first")
        self.choose("wrong.csv", ["time,import_kWh", f"{today - 86400},1", f"{today - 82800},one"])
        page.click("Import")
        page.wait_text("dialog .status.bad", "wrong.csv:3:12: 'one' is no number")
        # Four months of quarter hours, of two tariffs whose columns have names of their own.
        begin, days = today - 120 * 86400, 119
        self.choose("right.csv", ["Wann;Tag;Nacht", *(
            f"{begin + i * 900};" + (f"{1 + i % 7 / 8:.3f};" if 28 <= i % 96 < 84 else f";{0.5:.3f}") for i in range(days * 96))])
        page.script("document.querySelector('dialog details').open = true")
        for name, text in (("time", "Wann"), ("import-t1", "tag"), ("import-t2", "nacht"), ("unit", "kWh")):
            page.type(name, text)
        page.driver.find_element("name", "energy").click()
        page.click("Import")
        page.wait_text("dialog .status", f"{days * 96} quarter hours of the file are in the history")
        page.click("Close")
        page.wait_closed()
        end = datetime.datetime.fromtimestamp(begin + days * 86400, datetime.timezone.utc)
        month = end.replace(day=1) - 2 * DAY  # all of it is in the table
        first = int(month.replace(day=1).timestamp())
        last = int((month + 3 * DAY).replace(day=1).timestamp())
        slots = [(t - begin) // 900 for t in range(first, last, 900)]
        high = sum(1000 + i % 7 * 125 for i in slots if 28 <= i % 96 < 84)
        page.script("""const v = window.smartmeters.views.history[1]; v.span = "month"; v.go(arguments[0]);""", str(month.date()))

        def shown(wanted):
            wait_until(lambda: page.script("return document.querySelector('.history').dataset.sum") == str(wanted),
                       f"{wanted}; there is {page.text('.history .sums')}")
        shown(high + 500 * sum(not 28 <= i % 96 < 84 for i in slots))
        page.script("""const tariff = document.querySelector("[aria-label=Tariff]");
            tariff.value = 1; tariff.dispatchEvent(new Event("change"));""")
        shown(high)

    def test_limited_access_is_told(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        bed.wait_telegrams(METER, 1)
        page = self.open(bed, "history", limited=True)
        page.click("Import…")
        self.choose("right.csv", ["time,import_kWh", "1774785600,1", "1774789200,2"])
        page.click("Import")
        page.wait_text("dialog .status.bad", "administrative access")


if __name__ == "__main__":
    page_case.main()
