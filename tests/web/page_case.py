# SPDX-License-Identifier: MIT
"""What every test of the page begins and ends with: whatever it does, the page asks no other host and
has no error in its console."""

import subprocess
import sys
import unittest
import urllib.parse

import web_bed
from harness import SMCTL, plain_environment
from private_bus import wait_until
from web_bed import Cockpit, Page


class PageTest(unittest.TestCase):
    size, language = "desk", "en"

    @classmethod
    def setUpClass(cls):
        cls.page = Page(size=cls.size, language=cls.language)

    @classmethod
    def tearDownClass(cls):
        cls.page.close()

    def open(self, bed, view="", limited=False, **environment):
        daemon = getattr(bed, "d", bed)
        cockpit = Cockpit(daemon.bus.address, limited=limited, config=daemon.config_path, **environment)
        self.addCleanup(cockpit.stop)
        self.cockpit = cockpit
        self.page.console(), self.page.requests()  # of the test before
        self.page.open(cockpit, view, self.language)
        wait_until(lambda: self.page.text("h1"), f"the page: {self.page.text('body')}")
        return self.page

    def enter(self, context):
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def run(self, result=None):
        self.cockpit = None
        return super().run(result)

    def errors(self):
        return self.page.console()

    def tearDown(self):
        """Before the service and Cockpit end, which the page would see."""
        if not self.cockpit:
            return
        self.assertEqual(self.errors(), [])
        for url in self.page.requests():
            host = urllib.parse.urlsplit(url)
            self.assertTrue(host.scheme in ("data", "blob", "about", "chrome") or host.netloc == f"127.0.0.1:{self.cockpit.port}", url)
        self.page.driver.get("about:blank")

    def smctl(self, bed, *words):
        done = subprocess.run([SMCTL, "--address", getattr(bed, "d", bed).bus.address, *words], check=False,
                              timeout=60, stdout=subprocess.PIPE, text=True, env=plain_environment())
        return done.stdout

    def wait_power(self, page):
        wait_until(lambda: (page.text(".power") or "").endswith("W"), f"a power; there is {page.text('.power')}")


def main(needs_mock_devices=False):
    reason = web_bed.missing(needs_mock_devices)
    if reason:
        print("skipped:", reason)
        sys.exit(77)
    unittest.main(module="__main__")
