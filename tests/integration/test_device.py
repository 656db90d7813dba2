# SPDX-License-Identifier: MIT
"""docs/design.md §3, Device=: a tty that udev does not announce, such as a UART, a pty, or a link to one."""

import os
import pathlib
import unittest

import private_bus as bus
from harness import Daemon, Link, telegram
from private_bus import wait_until

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

    def test_what_is_no_port_is_said_and_opened_once_it_is_one(self):
        """Containers are given an empty file or a folder of the device's name when it is away."""
        path = pathlib.Path(self.link.path)
        null = path.with_name("null")
        null.symlink_to("/dev/null")
        self.daemon.configure(f'[converter "uart"]\nDevice={path}\n[converter "null"]\nDevice={null}\n')
        path.touch()
        with self.daemon as d:
            for identity in (self.identity, "tty@" + str(null)[1:].replace("/", "-")):
                wait_until(lambda: d.converter(identity, "StateCode") == "no-port", identity)
            self.assertIn("is no serial port", d.converter(self.identity, "StateReason"))
            path.unlink()
            path.mkdir()
            wait_until(lambda: d.converter(self.identity, "StateCode") == "no-port", "a folder")
            path.rmdir()
            self.link.plug()
            d.wait_state(self.identity, "detecting")
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
