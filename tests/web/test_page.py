#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The web page, in a browser, with the whole service behind it: what a person sees and can do."""

import itertools
import json
import pathlib
import subprocess
import sys
import unittest

import page_case
import web_bed

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration/learn"))
import lists
from harness import SMCTL, Broker, plain_environment
from meter_bed import E450, METER, TITLE, MeterBed, encrypted, telegram
from page_case import PageTest
from private_bus import wait_until


class Key(PageTest):
    def test_a_key_that_is_no_key_is_refused_with_the_reason(self):
        bed = self.enter(MeterBed())
        bed.feed(encrypted(1))
        page = self.open(bed)
        page.click("Enter the key", ".guide")
        page.click("Save")
        page.wait_text("dialog .status", "Type the encryption key first")
        page.type("key", "12 34")
        page.click("Save")
        page.wait_text("dialog .status.bad", "hexadecimal")
        page.keys("\ue00c")  # Escape
        page.wait_closed()


class Live(PageTest):
    def test_a_telegram_is_seen_when_it_comes_and_all_its_readings_on_demand(self):
        bed = self.enter(MeterBed(config=f'[meter "{METER}"]\nName=House\n'))
        bed.feed(E450)
        page = self.open(bed)
        page.wait_text(".meter h2", "House")
        for seed in ("7", "8", "9"):
            bed.feed(telegram("lgz-e450", "--meter-id", METER, "--seed", seed))
            self.assertIn(METER, page.text(".meter"))
            wanted = json.loads(self.smctl(bed, "readings", "--json", METER))["readings"]
            powers = {r["name"]: r["value"] for r in wanted}
            value = abs(powers["active_power_import"] - powers["active_power_export"])
            page.wait_text(".power", f"{value:,} W")
        page.script("document.querySelector('.meter details').open = true")
        page.wait_text(".meter table", "active_energy_import")
        self.assertIn("5,087,983 Wh", page.text(".meter table"))

    def test_a_replug_is_seen(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed, "converters")
        page.wait_text(".converter .badge", "receiving")
        bed.link.unplug()
        page.wait_text(".converter .badge", "not plugged in")
        page.view("live")
        page.wait_text(".meter .badge", "offline")
        bed.link.plug()
        bed.d.wait_state(bed.identity, "detecting")
        bed.feed(E450)
        page.wait_text(".meter .badge", "online")

    def test_a_service_that_restarts_is_seen_again(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed)
        self.wait_power(page)
        bed.d.stop()
        page.wait_step("service")
        self.assertIn("smartmeterd", page.text(".guide"))
        bed.d.start()
        bed.d.wait_state(bed.identity, "detecting")
        bed.feed(E450)
        wait_until(lambda: page.step() in ("done", "broker"), "the service again")
        page.wait_text(".meter .badge", "online")

    def test_the_curve_is_walked_through_by_keys(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed)
        self.wait_power(page)
        bed.feed(E450)
        wait_until(lambda: page.script("return document.querySelectorAll('.meter .chart').length"), "the curve")
        page.script("document.querySelector('.meter .chart').focus()")
        page.keys("\ue010")  # End
        value = page.script("return document.querySelector('.meter .chart').getAttribute('aria-valuetext')")
        self.assertRegex(value, r"^\d\d:\d\d:\d\d: -?[\d,]+ W$")
        self.assertEqual(page.text(".meter .readout"), value)

    def test_how_soon_a_reading_is_seen_is_measured(self):
        """Printed, and without a limit here: docs/performance.md."""
        bed = self.enter(MeterBed())
        bed.feed(E450)
        bed.wait_telegrams(METER, 1)
        self.page.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": """
            const look = () => (document.querySelector(".power")?.textContent || "").endsWith("W")
                ? window.seenAfter = performance.now() : requestAnimationFrame(look);
            look();"""})
        page = self.open(bed)
        seen = wait_until(lambda: page.script("return window.seenAfter"), "a reading")
        print(f"first reading on the page after {seen / 1000:.2f} s", file=sys.stderr)


class Views(PageTest):
    def test_tabs_are_walked_through_by_keys(self):
        bed = self.enter(MeterBed())
        page = self.open(bed)
        page.script("document.getElementById('tab-live').focus()")
        seen = []
        for _ in range(5):
            page.keys("\ue014")  # arrow right
            before = seen[-1] if seen else "tab-live"
            chosen = lambda: page.script("return document.querySelector('[aria-selected=true]').id")
            wait_until(lambda: chosen() != before, f"the tab after {before}")
            seen.append(chosen())
            wait_until(lambda: page.script("return document.activeElement.id") == seen[-1], f"the focus on {seen[-1]}")
        self.assertEqual(seen, ["tab-history", "tab-converters", "tab-outputs", "tab-doctor", "tab-live"])

    def test_doctor_says_what_smctl_says(self):
        bed = self.enter(MeterBed())
        bed.feed(encrypted(1))
        wait_until(lambda: TITLE in bed.d.meters(), "the meter")
        page = self.open(bed, "doctor")
        wanted = json.loads(self.smctl(bed, "doctor", "--json"))
        wrong = [check for check in wanted["checks"] if check["status"] == "wrong"]
        self.assertTrue(wrong)
        page.wait_text(".doctor h2", "finding")
        shown = page.script("return [...document.querySelectorAll('.checks li')].map(li => [li.dataset.check, li.className])")
        self.assertEqual(sorted(map(tuple, shown)), sorted((c["check"], c["status"]) for c in wanted["checks"]))
        page.wait_text(".checks li.wrong[data-check=key]", "set-key")

    def test_raw_bytes_are_downloaded_and_can_be_decoded(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed, "converters")
        page.click("Record raw bytes…")
        page.type("seconds", "5")
        page.click("Record")
        page.wait_text("dialog .status", "Recording")
        wait_until(lambda: bed.feed(E450) or "recorded" in (page.text("dialog .status") or ""), "the record")
        files = wait_until(lambda: list(page.downloads.glob("*.bin")), "the file")
        done = subprocess.run([SMCTL, "decode", str(files[0])], capture_output=True, text=True, env=plain_environment(), check=False)
        self.assertIn(METER, done.stdout)

    def test_a_meter_that_nobody_knows_is_taught(self):
        bed = self.enter(MeterBed())
        bed.d.config_path.parent.joinpath("profiles.d").mkdir()
        page = self.open(bed, "converters")
        bed.feed(lists.newcomer(lists.LOADS[:3]))
        page.wait_step("trouble")
        page.click("Teach…")
        page.type("1.8.0 kWh", "40091,0")
        page.type("1.7.0 W", "99999")
        page.script("document.querySelector('dialog details').open = true")
        page.type("seconds", "5")

        house = iter(lists.House(itertools.cycle(lists.LOADS)))  # one house, whose counters never go back

        def learn(word):
            page.click("Learn")
            wait_until(lambda: "…" in (page.text("dialog .status") or ""), "the begin")
            wait_until(lambda: bed.feed(lists.newcomer_of(next(house))) or word in (page.text("dialog .status") or ""),
                       f"{word}; there is {page.text('dialog .status')}")
        learn("1.7.0: ")  # which no place holds
        page.type("1.7.0 W", "2410")
        page.type("2.8.0 kWh", "12345,6")
        learn("--maker")
        page.type("maker", "NEW")
        page.type("model", "N1")
        learn("new-n1 ✓")
        page.click("Close")
        wait_until(lambda: bed.feed(lists.newcomer_of(next(house))) or "70017017" in bed.d.meters(), "the meter")
        page.wait_text(".converter .facts", "70017017")
        self.assertEqual(bed.d.meters()["70017017"]["Profile"], "new-n1")

    def test_a_report_is_downloaded_and_can_be_decoded(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed, "converters")
        page.click("Report…")
        page.click("Make the report")
        page.wait_text("dialog .status", "Listening")
        files = wait_until(lambda: bed.feed(E450) or list(page.downloads.glob("*report*.txt")),
                           f"the report; there is {page.text('dialog .status')}")
        done = subprocess.run([SMCTL, "decode", str(files[0])], capture_output=True, text=True, env=plain_environment(), check=False)
        telegram = json.loads(done.stdout.splitlines()[0])
        self.assertEqual(telegram["profile"], "lgz-e450")
        energy = {r["name"]: r["value"] for r in telegram["readings"]}["active_energy_import"]
        self.assertEqual(energy, 5087983)
        self.assertNotIn(METER, files[0].read_text() + done.stdout)

    def test_the_configuration_is_checked_and_read_again(self):
        bed = self.enter(MeterBed())
        page = self.open(bed, "outputs")
        bed.configure("[mqtt \"x\"]\nHots=localhost\n")
        page.click("Read it again")
        page.wait_text("#view-outputs .alert.bad", "Host")
        bed.configure("")
        page.click("Read it again")
        page.wait_text("#view-outputs .alert.good", "in force")

    def test_a_broker_is_set_and_connected_and_one_that_is_not_there_is_told(self):
        with Broker() as broker:
            bed = self.enter(MeterBed())
            bed.feed(E450)
            page = self.open(bed)
            page.wait_step("broker")
            page.click("Send to a broker…", ".guide")
            page.type("host", "127.0.0.1")
            page.type("port", str(broker.port))
            page.click("Try and save")
            page.wait_closed()
            page.wait_step("done")
            page.view("outputs")
            page.wait_text("#view-outputs .badge", "connected")
            broker.stop()
            page.wait_text("#view-outputs .badge.bad", "not connected")

    def test_what_changes_something_needs_administrative_access_and_says_so(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed, limited=True)
        self.wait_power(page)
        page.view("converters")
        page.click("Forget…")
        page.click("Forget it")
        page.wait_text("dialog .status.bad", "administrative access")
        self.assertEqual(bed.d.converters()[bed.identity], "receiving")
        page.click("Close")
        page.view("doctor")  # which needs none to say what it can see
        wait_until(lambda: page.script("return document.querySelector('.doctor').dataset.findings"), "findings")


class Sizes(unittest.TestCase):
    def test_the_page_is_small_and_has_nothing_of_others(self):
        web = pathlib.Path(web_bed.SOURCE, "web")
        files = [f for f in web.iterdir() if f.suffix in (".js", ".css", ".html", ".json")]
        self.assertLessEqual(sum(f.stat().st_size for f in files if f.name != "chart.js"), 60 * 1024)
        for file in files:
            self.assertNotRegex(file.read_text(), r"https?://(?!www\.w3\.org/2000/svg)", file.name)
        for language in ("de", "fr"):
            self.assertLess((web_bed.BUILD / f"web/po.{language}.js").stat().st_size, 16 * 1024)


class Phone(PageTest):
    size = "phone"

    def test_nothing_is_wider_than_a_phone(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed)
        self.wait_power(page)
        for view in ("live", "history", "converters", "outputs", "doctor"):
            with self.subTest(view=view):
                page.view(view)
                wait_until(lambda: page.text("#view-" + view), view)
                self.assertLessEqual(page.script("return document.documentElement.scrollWidth"), 390)
                tab = page.script("return document.querySelector('[aria-selected=true]').getBoundingClientRect()")
                self.assertTrue(0 <= tab["left"] and tab["right"] <= 390, tab)


class French(PageTest):
    language = "fr"

    def test_page_and_smctl_speak_french(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed)
        page.wait_text("h1", "Compteurs intelligents")
        self.assertEqual(page.script("return document.documentElement.lang"), "fr")
        page.wait_text(".meter", "5\u202f087,983 kWh")


class German(PageTest):
    language = "de"

    def test_page_speaks_german(self):
        bed = self.enter(MeterBed())
        bed.feed(E450)
        page = self.open(bed)
        page.wait_text("h1", "Smart Meter")
        page.wait_text(".meter", "5.087,983 kWh")
        page.wait_text(".tabs", "Verlauf")


if __name__ == "__main__":
    page_case.main()
