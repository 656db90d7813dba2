# SPDX-License-Identifier: MIT
"""Home Assistant's add-on: its options become a configuration that the service accepts."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["SMARTMETERD_SOURCE"])
SMARTMETERD = os.environ["SMARTMETERD"]
ADD_ON = SOURCE / "packaging/home-assistant/smartmeterd"
SERVICE = {"host": "core-mosquitto", "port": 1883, "ssl": False, "username": "addons",
           "password": "a \"b\" #c"}


class AddOn(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="smadd."))
        self.addCleanup(shutil.rmtree, self.folder)

    def run_it(self, options, service):
        for name, value in ("options", options), ("broker", service):
            (self.folder / f"{name}.json").write_text(json.dumps(value))
        return subprocess.run([ADD_ON / "configure.sh", self.folder / "options.json",
                               self.folder / "broker.json", self.folder / "password"],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def configure(self, options, service):
        done = self.run_it(options, service)
        self.assertEqual(done.returncode, 0, done.stderr)
        path = self.folder / "smartmeterd.conf"
        path.write_text(done.stdout)
        path.chmod(0o600)
        checked = subprocess.run([SMARTMETERD, "--config", path, "--check-config"], text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual((checked.returncode, checked.stdout), (0, ""), done.stdout)
        return done.stdout

    def test_fresh_add_on_sends_to_the_broker_of_the_supervisor(self):
        text = self.configure({"log_level": "info", "formats": "homeassistant native",
                               "converters": [], "meters": []}, SERVICE)
        self.assertIn("Host=core-mosquitto", text)
        self.assertIn("Username=addons", text)
        self.assertNotIn(SERVICE["password"], text)
        self.assertEqual((self.folder / "password").read_text(), SERVICE["password"])
        self.assertEqual((self.folder / "password").stat().st_mode & 0o777, 0o600)

    def test_without_a_broker_nothing_is_sent(self):
        self.assertNotIn("[mqtt", self.configure({"log_level": "info"}, {}))

    def test_converters_meters_and_another_broker(self):
        key = "00112233445566778899AABBCCDDEEFF"
        text = self.configure(
            {"log_level": "debug", "formats": "homeassistant",
             "converters": [{"device": "rfc2217://cellar:2001", "key": key},
                            {"vendor_id": "0403", "product_id": "6001", "line": "2400 8E1"}],
             "meters": [{"id": "LGZ1030655933512", "name": "House", "key": key}],
             "mqtt_host": "broker.example.org", "mqtt_port": 8884, "mqtt_username": "me",
             "mqtt_password": "other"}, SERVICE)
        for line in ("Device=rfc2217://cellar:2001", "VendorId=0403", "Line=2400 8E1", "Name=House",
                     "Host=broker.example.org", "Port=8884", "Username=me"):
            self.assertIn(line + "\n", text)
        self.assertEqual((self.folder / "password").read_text(), "other")

    def test_line_break_in_an_option_is_refused(self):
        done = self.run_it({"meters": [{"id": "x", "name": "a\n[mqtt \"evil\"]\nHost=x"}]}, {})
        self.assertNotEqual(done.returncode, 0)
        self.assertNotIn("evil", done.stdout)

    def test_version_is_that_of_the_package(self):
        ours = re.search(r"version : '([^']+)'", (SOURCE / "meson.build").read_text())[1]
        add_on = re.search(r'^version: "(.+)"$', (ADD_ON / "config.yaml").read_text(), re.M)[1]
        self.assertEqual(add_on, ours)


if __name__ == "__main__":
    if not shutil.which("jq"):
        print("no jq here")
        sys.exit(77)
    unittest.main()
