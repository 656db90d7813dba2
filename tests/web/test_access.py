#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""axe-core, the checker of accessibility, finds no serious fault in any view, light or dark. It comes
from npm, into a folder that is thrown away; without it there is nothing to run."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

import page_case
from harness import plain_environment
from meter_bed import E450, METER, MeterBed, encrypted
from private_bus import wait_until

AXE = None


def fetch(folder):
    """The script, or None and why."""
    if not shutil.which("npm"):
        return None, "needs npm"
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, "axe-core@4"],
                          capture_output=True, text=True, timeout=180, check=False, env=plain_environment())
    script = pathlib.Path(folder, "node_modules/axe-core/axe.min.js")
    if done.returncode != 0 or not script.exists():
        return None, "npm cannot fetch axe-core"
    return script.read_text(), None


class Access(page_case.PageTest):
    def faults(self):
        self.page.script(AXE)
        found = self.page.driver.execute_async_script("""
            const done = arguments[0];
            axe.run(document).then(r => done(r.violations.map(v => [v.impact, v.id, v.nodes.map(n => n.html.slice(0, 120) + " " + n.failureSummary).slice(0, 3)])));""")
        return [fault for fault in found if fault[0] in ("serious", "critical")]

    def look(self, name):
        for dark in (False, True):
            with self.subTest(view=name, dark=dark):
                self.page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
                    {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
                wait_until(lambda: self.page.script("return document.documentElement.classList.contains('dark')") == dark, "the style")
                self.assertEqual(self.faults(), [])

    def test_no_view_has_a_serious_fault(self):
        bed = self.enter(MeterBed(config=f'[meter "{METER}"]\nName=House\n[mqtt "away"]\nHost=127.0.0.1\nPort=9\n'))
        bed.feed(E450)
        page = self.open(bed)
        page.wait_text(".meter h2", "House")
        page.script("document.querySelector('.meter details').open = true")
        bed.feed(E450)
        page.wait_text(".meter table", "active_power_import")
        for view in ("live", "history", "converters", "outputs", "doctor"):
            page.view(view)
            wait_until(lambda: page.text("#view-" + view), view)
            if view == "doctor":
                page.wait_text(".doctor h2", "finding")
            self.look(view)

    def test_first_steps_and_the_key_have_none_either(self):
        bed = self.enter(MeterBed())
        page = self.open(bed)
        page.wait_step("detecting")
        self.look("first step")
        bed.feed(encrypted(1))
        page.click("Enter the key", ".guide")
        self.look("key")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        AXE, reason = fetch(place)
        if not AXE:
            print("skipped:", reason)
            sys.exit(77)
        page_case.main()
