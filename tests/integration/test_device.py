# SPDX-License-Identifier: MIT
"""docs/design.md §3, Device=: a tty that udev does not announce, such as a UART, a pty, or a link to one."""

import os
import unittest

import private_bus as bus
from harness import Daemon, Link, telegram

METER = "LGZ1030655933512"
E450 = telegram("lgz-e450", "--meter-id", METER)


class DeviceSection(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.link = Link(self.daemon.folder / "meter")
        self.daemon.configure(f'[converter "uart"]\nDevice={self.link.path}\n')
        self.identity = "tty@" + self.link.path[1:].replace("/", "-")

    def test_device_that_vanishes_is_awaited_and_reopened(self):
        with self.daemon as d:
            self.assertEqual(d.converters(), {self.identity: "waiting"})
            for i in range(3):
                self.link.plug()
                d.wait_state(self.identity, "detecting")
                self.link.feed(E450)
                d.wait_state(self.identity, "receiving")
                d.wait_meter(METER, "Online", True)
                self.link.unplug()
                d.wait_state(self.identity, "waiting")
                self.assertFalse(d.meter(METER, "Online"))
            self.assertEqual(d.manager("GetConverter", "s", "uart")[0],
                             bus.converter_path(self.identity))

    def test_device_in_a_folder_that_is_not_there_yet(self):
        folder = self.daemon.folder / "later"
        self.link.path = str(folder / "deep" / "meter")
        identity = "tty@" + self.link.path[1:].replace("/", "-")
        self.daemon.configure(f'[converter "uart"]\nDevice={self.link.path}\n')
        with self.daemon as d:
            os.makedirs(folder / "deep")
            self.link.plug()
            d.wait_state(identity, "detecting")
            self.link.unplug()

    def test_section_that_comes_and_goes_with_a_reload(self):
        self.link.plug()
        with self.daemon as d:
            d.wait_state(self.identity, "detecting")
            text = d.config_path.read_text()
            d.configure("")
            d.manager("Reload")
            self.assertEqual(d.converters(), {})
            d.configure(text)
            d.manager("Reload")
            d.wait_state(self.identity, "detecting")
            self.link.unplug()


if __name__ == "__main__":
    unittest.main()
