# SPDX-License-Identifier: MIT
"""Faults that people met on their machines, by what they would see. Run under umockdev-wrapper."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import Daemon, make_bed
from meter_bed import E450
from private_bus import SOURCE, wait_until

UNIT = (SOURCE / "daemon/smartmeterd.service.in").read_text()


def values(text, key):
    return re.findall(rf"(?m)^{key}=(.*)$", text)


class Machines(unittest.TestCase):
    def test_converter_behind_a_pci_controller_keeps_its_own_ids(self):
        """Some rules of udev write the controller's ids over ID_VENDOR_ID and ID_MODEL_ID."""
        bed = make_bed()
        with Daemon('[converter "bench"]\nVendorId=0403\n') as d:
            c = bed.converter("ftdi", serial="A5XK3RJT")
            c.properties.update(ID_USB_VENDOR_ID=c.properties["ID_VENDOR_ID"],
                                ID_USB_MODEL_ID=c.properties["ID_MODEL_ID"],
                                ID_USB_SERIAL_SHORT="A5XK3RJT", ID_VENDOR_ID="1b36",
                                ID_MODEL_ID="000d", ID_BUS="pci")
            del c.properties["ID_SERIAL_SHORT"]
            c.plug()
            wait_until(lambda: d.converters() == {c.identity: "detecting"}, "it under its own name")
            c.feed(E450)
            d.wait_state(c.identity, "receiving")

    def test_wrong_configuration_ends_the_service_once_and_for_all(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "smartmeterd.conf")
            file.write_text("[daemon]\nBogus=1\n")
            done = subprocess.run([os.environ["SMARTMETERD"], "--bus", "none", "--config", str(file)],
                                  env=dict(os.environ, RUNTIME_DIRECTORY=folder, STATE_DIRECTORY=folder),
                                  capture_output=True, text=True, timeout=60, check=False)
        prevented, = values(UNIT, "RestartPreventExitStatus")
        self.assertIn(str(done.returncode), prevented.split())
        self.assertIn("Bogus", done.stdout + done.stderr)
        # … and namespaces or a state directory that cannot be had, by systemd's own numbers.
        self.assertLessEqual({"226", "238"}, set(prevented.split()))

    def test_disabled_service_is_started_by_neither_plug_nor_bus(self):
        """Both ask for the alias that `systemctl enable` makes, and `disable` takes away."""
        alias, = values(UNIT, "Alias")
        started, = values((SOURCE / "dbus/org.smartmeterd.service.in").read_text(), "SystemdService")
        rules = (SOURCE / "udev/65-smartmeterd.rules").read_text()
        wanted = re.findall(r'ENV\{SYSTEMD_WANTS\}\+="([^"]+)"', rules)
        self.assertEqual(started, alias)
        self.assertEqual(set(wanted), {alias})
        self.assertNotIn("SYSTEMD_WANTS}=", rules.replace("+=", "+"))

    def test_each_fault_of_the_list_has_the_test_that_it_names(self):
        rows = re.findall(r"(?m)^\| (.+) \| (.+) \|$", pathlib.Path(__file__).with_name("README.md").read_text())
        written = "\n".join(f.read_text() for kind in ("*.py", "*.c") for f in (SOURCE / "tests").rglob(kind))
        there = set(re.findall(r"(?:def|static void) (test_\w+)\(", written))
        for fault, proofs in rows[1:]:
            names = set(re.findall(r"`(test_\w+)`", proofs))
            self.assertTrue(names, f"{fault}: no test")
            self.assertEqual(names - there, set(), fault)
        self.assertGreater(len(rows), 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
