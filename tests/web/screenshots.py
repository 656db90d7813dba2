#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Pictures of real runs for the documents: light, dark and phone; the first visit, live, and trouble.
usage: tests/web/screenshots.py FOLDER; tools/screenshots.sh makes them small."""

import pathlib
import sys
import time

import web_bed
from harness import Broker, Daemon, make_bed, telegram, wait_history
from meter_bed import METER, encrypted
from private_bus import wait_until
from web_bed import Cockpit, Page
from year import ZONE, Year

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration/learn"))
import lists  # noqa: E402

LOOKS = LIGHT, DARK, PHONE = ("desk", False), ("desk", True), ("phone", False)
SERIAL = "A403ON88"
FOLDER = pathlib.Path(sys.argv[1])
HOUSE = f'[meter "{METER}"]\nName=House\n[tariff]\nTimezone={ZONE}\n'


def shots(d, name, view="", prepare=lambda page: None, looks=(LIGHT,), language="en"):
    for size, dark in looks:
        cockpit = Cockpit(d.bus.address, config=d.config_path, TZ=ZONE)
        page = Page(size=size, dark=dark, language=language)
        try:
            page.open(cockpit, view, language)
            wait_until(lambda: page.text("h1") and page.step() is not None, "the page")
            prepare(page)
            shown = page.text("body")
            if "/tmp/" in shown or "tmp-" in shown:
                raise SystemExit(f"web-{name} shows where the tests live:\n{shown}")
            page.picture(FOLDER / f"web-{name}{'-dark' if dark else ''}{'-phone' if size == 'phone' else ''}.png",
                         whole=page.text("dialog[open]") is None)
        finally:
            page.close()
            cockpit.stop()


def with_history(d):
    d.start()
    wait_history(d.state)
    d.stop()
    Year(time.time(), days=400).write(d.state / "history.db", METER)
    return d


def live(c):
    """Telegrams come while one looks."""
    def prepare(page):
        wait_until(lambda: page.text(".power"), "a meter")
        for seed in range(1, 9):
            c.feed(telegram("lgz-e450", "--meter-id", METER, "--seed", str(seed)))
            deadline = time.monotonic() + 1
            wait_until(lambda: time.monotonic() > deadline, "a second")
        page.click("24 hours")
        wait_until(lambda: page.script("return document.querySelectorAll('.meter .line').length"), "the curve")
    return prepare


def history(span, word):
    def prepare(page):
        page.click(span, ".history")
        wait_until(lambda: f" {word} " in (page.script("return document.querySelector('.history').dataset.drawn") or ""), "bars")
        page.script("document.activeElement.blur()")
    return prepare


def unknown(page):
    page.click("Teach…")
    page.type("1.8.0 kWh", "40091.0")
    page.type("1.7.0 W", "2410")
    page.script("document.activeElement.blur()")


def main():
    reason = web_bed.missing(needs_mock_devices=True)
    if reason:
        print("skipped:", reason)
        sys.exit(77)
    bed = make_bed()
    c = bed.converter("ftdi", serial=SERIAL)
    adopted = f'[converter "meter"]\nSerial={SERIAL}\n'
    with Daemon("[daemon]\nAutoBind=no\n") as d:
        shots(d, "plug", prepare=lambda page: page.wait_step("plug"), looks=LOOKS)
    with Daemon(adopted) as d:
        c.plug()
        d.wait_state(c.identity, "detecting")
        c.feed(encrypted(1))
        shots(d, "key", prepare=lambda page: page.click("Enter the key", ".guide"))
        shots(d, "doctor", "doctor", prepare=lambda page: page.wait_text(".doctor h2", "finding"), looks=LOOKS)
    with Daemon(adopted) as d:
        d.wait_state(c.identity, "detecting")
        c.feed(lists.newcomer(lists.LOADS[:3]))
        shots(d, "learn", "converters", prepare=unknown)
    with Broker() as broker, with_history(Daemon(f'{adopted}{HOUSE}[mqtt "local"]\nHost=127.0.0.1\nPort={broker.port}\n')) as d:
        d.wait_state(c.identity, "detecting")
        c.feed(telegram("lgz-e450", "--meter-id", METER))
        shots(d, "live", prepare=live(c), looks=LOOKS)
        shots(d, "month", "history", prepare=history("Month", "month"), looks=(DARK,))


main()
