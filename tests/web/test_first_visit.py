#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The first visit to the page, from no converter to a live reading. Run under umockdev-wrapper."""

import page_case
from harness import Daemon, make_bed
from meter_bed import AUTH_KEY, ENCRYPTED, KEY, TITLE, encrypted

OWN_CONFIG = "[daemon]\nAutoBind=no\n"


class FirstVisit(page_case.PageTest):
    def test_from_no_converter_over_which_one_adopt_and_key_to_a_live_reading(self):
        bed = make_bed()
        with Daemon(OWN_CONFIG) as d:
            page = self.open(d)
            page.wait_step("plug")
            self.assertIn("customer port", page.text(".guide"))
            page.view("history")
            page.wait_text("#view-history", "No meter has been heard yet")
            self.assertNotIn("Import…", page.buttons())
            page.view("live")
            c = bed.converter("ftdi", serial="A403ON88").plug()
            page.wait_step("ignored")
            page.click("Which one is it?")
            page.wait_text("dialog .story", "Unplug the converter now")
            c.unplug()
            page.wait_text("dialog .story", "That was")
            c = bed.converter("ftdi", serial="A403ON88").plug()
            page.wait_text("dialog .story", "This is")
            page.click("Use it")
            page.wait_text("dialog h2", "Use FTDI")
            page.click("Use it")
            page.wait_closed()
            d.wait_state(c.identity, "detecting")
            page.wait_step("detecting")
            c.feed(encrypted(1))
            page.wait_step("key")
            page.click("Enter the key")
            self.assertIsNotNone(page.text("dialog svg.picture"))
            page.type("key", "FF" * 16)
            page.click("Save")
            page.wait_text("dialog .status", "next telegram")
            wrong = 3
            for number in (2, wrong):  # one alone could be damaged
                c.feed(encrypted(number))
            d.wait_meter(TITLE, "KeyState", "wrong-encryption-key")
            page.wait_text("dialog .status", "The key is wrong")
            page.type("key", KEY)
            page.type("auth", AUTH_KEY)
            page.click("Save")
            page.wait_text("dialog .status", "next telegram")
            c.feed(encrypted(wrong + 1))
            page.wait_closed()
            self.wait_power(page)
            self.assertIn(page.step(), ("done", "broker"))
            self.assertIn(ENCRYPTED, page.text(".meter"))

    def test_what_one_cannot_read_is_told_with_its_reason(self):
        bed = make_bed()
        with Daemon() as d:
            page = self.open(d)
            c = bed.converter("pl2303").plug()
            d.wait_state(c.identity, "detecting")
            page.wait_step("detecting")
            page.view("converters")
            page.wait_text(".converter .badge", "looking for the meter")


if __name__ == "__main__":
    page_case.main(needs_mock_devices=True)
