# SPDX-License-Identifier: MIT
"""A meter that was refused is taught, and a reload later it is on the bus and on MQTT: the service is
the same, and so is its port."""

import json
import os
import pathlib
import select
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import lists
from harness import Broker, Daemon, Link
from private_bus import wait_until

SMCTL = os.environ["SMCTL"]
METER = "70017017"


class TestProfilesReload(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.link = Link(self.daemon.folder / "meter")
        self.identity = "tty@" + self.link.path[1:].replace("/", "-")
        self.folder = self.daemon.folder / "profiles.d"
        self.folder.mkdir()

    def smctl(self, *words, code=0):
        done = subprocess.run([SMCTL, *words], capture_output=True, text=True,
                              env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE=""))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def teach(self):
        capture = self.daemon.folder / "capture.bin"
        capture.write_bytes(lists.newcomer())
        self.smctl("learn", str(capture), "-o", str(self.folder / "new.profile"), "--maker", "NEW",
                   "--model", "N1", "--set", "1.8.0=40091.0kWh", "2.8.0=12345.6kWh", "1.7.0=2.4kW",
                   "2.7.0=1.24kW")

    def test_a_refused_meter_is_on_bus_and_mqtt_after_a_reload(self):
        with Broker() as broker:
            self.daemon.configure(f'[converter "new"]\nDevice={self.link.path}\n[mqtt "local"]\n'
                                  f"Host=127.0.0.1\nPort={broker.port}\nFormats=datacollector\n")
            sub = subprocess.Popen(["mosquitto_sub", "-p", str(broker.port), "-t", "smartmeter/#", "-v", "-C",
                                    "4"], stdout=subprocess.PIPE, text=True)
            self.addCleanup(sub.kill)
            with self.daemon as d:
                self.link.plug()
                wait_until(lambda: d.converter(self.identity, "State") == "detecting", "it listens")
                self.link.feed(lists.newcomer(lists.LOADS[:3]))
                wait_until(lambda: d.converter(self.identity, "StateCode") == "unknown-list",
                           "the list is not known")
                self.assertEqual([m for m in d.meters() if m == METER], [])
                pid, opens = d.pid, d.converter(self.identity, "Statistics")["opens"]
                self.teach()
                d.manager("Reload")
                wait_until(lambda: self.fed_until_known(d), "the meter is known")
                readings = {name: value[0] for name, value in d.meter(METER, "Readings").items()}
                self.assertEqual(readings["active_power_import"], 2410.0)
                self.assertEqual(d.meter(METER, "Profile"), "new-n1")
                wait_until(lambda: d.converter(self.identity, "StateCode") == "telegrams", "it receives")
                self.assertEqual((d.pid, d.converter(self.identity, "Statistics")["opens"]), (pid, opens))
                said, _ = sub.communicate(timeout=60)
                self.assertIn(f"smartmeter/{METER}/ACTIVE_ENERGY_P ", said)

    def in_the_services_folder(self, *words):
        """smctl, for which the configuration of this daemon stands where an installed one has it."""
        there = pathlib.Path(os.environ["SMARTMETERD_SYSCONFDIR"])
        script = ('mount -t tmpfs none "$1" && mkdir "$1/smartmeterd" && mount --bind "$2" "$1/smartmeterd" && '
                  'shift 2 && exec "$@"')
        return subprocess.Popen(["unshare", "-m", "sh", "-c", script, "sh", str(there), str(self.daemon.folder),
                                 SMCTL, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env=dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE=""))

    @unittest.skipUnless(os.geteuid() == 0, "mounts: needs root")
    def test_what_is_taught_is_reloaded_and_the_meter_shows_itself(self):
        self.daemon.configure(f'[converter "new"]\nDevice={self.link.path}\n')
        with self.daemon as d:
            self.link.plug()
            wait_until(lambda: d.converter(self.identity, "State") == "detecting", "it listens")
            self.link.feed(lists.newcomer(lists.LOADS[:3]))
            wait_until(lambda: d.converter(self.identity, "StateCode") == "unknown-list", "the list is not known")
            pid = d.pid
            learn = self.in_the_services_folder(
                "--address", d.bus.address, "learn", self.identity, "--seconds", "5", "--maker", "NEW", "--model",
                "N1", "--set", "1.8.0=40091.0kWh", "2.8.0=12345.6kWh", "1.7.0=2.4kW", "2.7.0=1.24kW")
            for house in lists.House(iter(lists.LOADS * 40)):  # one house, whose counters never go back
                if learn.poll() is not None:
                    break
                self.link.feed(lists.newcomer_of(house))
                select.select([], [], [], 0.05)  # the pace of the line
            out, _ = learn.communicate(timeout=60)
            self.assertEqual(learn.returncode, 0, out)
            self.assertIn(f"Meter {METER}:", out)
            self.assertIn("All is well.", out)
            self.assertIn("Name=new-n1", (self.folder / "new-n1.profile").read_text())
            self.assertEqual((d.meter(METER, "Profile"), d.pid), ("new-n1", pid))

    def test_a_live_meter_is_listened_to_and_taught(self):
        self.daemon.configure(f'[converter "new"]\nDevice={self.link.path}\n')
        with self.daemon as d:
            self.link.plug()
            wait_until(lambda: d.converter(self.identity, "State") == "detecting", "it listens")
            self.link.feed(lists.newcomer(lists.LOADS[:3]))
            wait_until(lambda: d.converter(self.identity, "StateCode") == "unknown-list",
                       "the list is not known")
            profile = self.folder / "new.profile"
            learn = subprocess.Popen([SMCTL, "--address", d.bus.address, "learn", self.identity, "--seconds", "5", "-o",
                                      str(profile), "--maker", "NEW", "--model", "N1", "--set",
                                      "1.8.0=40091.0kWh", "2.8.0=12345.6kWh", "1.7.0=2.4kW", "2.7.0=1.24kW"],
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            loads = iter(lists.LOADS * 40)  # one house, whose counters never go back
            for house in lists.House(loads):
                if learn.poll() is not None:
                    break
                self.link.feed(lists.newcomer_of(house))
                select.select([], [], [], 0.05)  # the pace of the line
            out, _ = learn.communicate(timeout=60)
            self.assertEqual(learn.returncode, 0, out)
            self.assertIn("Line=2400 8E1", profile.read_text())
            d.manager("Reload")
            wait_until(lambda: self.fed_until_known(d), "the meter is known")

    def fed_until_known(self, d):
        self.link.feed(lists.newcomer(lists.LOADS[:4]))
        return METER in d.meters()

    def test_a_profile_with_a_mistake_changes_nothing(self):
        self.daemon.configure(f'[converter "new"]\nDevice={self.link.path}\n')
        with self.daemon as d:
            (self.folder / "bad.profile").write_text("[profile]\nName=bad\nMaker=BAD\nModell=x\n")
            with self.assertRaises(Exception) as caught:
                d.manager("Reload")
            self.assertIn("bad.profile:4", str(caught.exception))
            self.assertIn("Model", str(caught.exception))
            (self.folder / "bad.profile").unlink()
            d.manager("Reload")

    def test_check_config_shows_what_takes_whose_place(self):
        self.daemon.configure("")
        path = str(self.daemon.config_path)
        self.assertEqual(json.loads(self.smctl("check-config", "--json", path)), [])
        mine = self.folder / "mine.profile"
        mine.write_text("[profile]\nName=lgz-e450\nMaker=LGZ\nModel=E450\n")
        self.assertEqual(json.loads(self.smctl("check-config", "--json", path)),
                         [{"file": str(mine), "line": 0, "severity": "note",
                           "message": "takes the place of the built-in profile for lgz-e450"}])
        self.assertIn("takes the place of the built-in profile for lgz-e450",
                      self.smctl("check-config", path))


if __name__ == "__main__":
    unittest.main()
