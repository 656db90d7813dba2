# SPDX-License-Identifier: MIT
"""The files that are installed for the bus daemon and polkit, and a short run of the bus fuzzer."""

import configparser
import os
import re
import subprocess
import unittest
import xml.etree.ElementTree as ElementTree

import fuzz_bus
from private_bus import BUILD, NAME, SOURCE

DBUS = SOURCE / "dbus"


class TestFiles(unittest.TestCase):
    def test_bus_daemon_activates_the_service_through_systemd(self):
        service = configparser.ConfigParser()
        service.optionxform = str
        service.read(BUILD / "dbus/org.smartmeterd.service")
        section = service["D-BUS Service"]
        self.assertEqual(section["Name"], NAME)
        self.assertEqual(section["SystemdService"], "dbus-org.smartmeterd.service")
        self.assertEqual(section["User"], "smartmeterd")
        self.assertRegex(section["Exec"], r"^/[^@]*/smartmeterd$")

    def test_policy_names_every_method_of_the_xml_and_no_other(self):
        policy = ElementTree.parse(DBUS / "org.smartmeterd.conf").getroot()
        default, = (p for p in policy.findall("policy") if p.get("context") == "default")
        self.assertEqual(default[0].tag, "deny")
        allowed = {(a.get("send_interface"), a.get("send_member")) for a in default.iter("allow")
                   if a.get("send_interface").startswith(NAME)}
        declared = {(i.get("name"), m.get("name")) for path in DBUS.glob("*.xml")
                    for i in ElementTree.parse(path).iter("interface") for m in i.iter("method")}
        self.assertEqual(allowed, declared)
        for allow in policy.iter("allow"):
            self.assertTrue(allow.get("send_destination") == NAME or allow.get("own") == NAME)

    def test_polkit_actions_are_those_of_the_code_in_three_languages(self):
        header = (DBUS / "names.h").read_text()
        actions = set(re.findall(r'#define BUS_ACTION_\w+\s+"(.*)"', header))
        policy = ElementTree.parse(DBUS / "org.smartmeterd.policy").getroot()
        self.assertEqual({a.get("id") for a in policy.findall("action")}, actions)
        lang = "{http://www.w3.org/XML/1998/namespace}lang"
        for action in policy.findall("action"):
            for tag in ("description", "message"):
                self.assertEqual({e.get(lang) for e in action.findall(tag)}, {None, "de", "fr"})
            self.assertIn("unix-user:smartmeterd", [a.text for a in action.findall("annotate")])

    def test_every_name_of_the_code_is_documented(self):
        header = (DBUS / "names.h").read_text()
        interfaces = set(re.findall(r'#define BUS_INTERFACE_\w+\s+"(.*)"', header))
        self.assertEqual(interfaces, {p.stem for p in DBUS.glob("*.xml")})
        page = (DBUS / "org.smartmeterd.5").read_text()
        for name in re.findall(r'#define BUS_ERROR_\w+\s+"org.smartmeterd.Error.(.*)"', header):
            self.assertIn(name, page)

    def test_api_document_is_what_the_xml_says(self):
        done = subprocess.run([SOURCE / "tools/dbus-docs.py", "--check"], capture_output=True,
                              text=True)
        self.assertEqual((done.stderr, done.returncode), ("", 0))

    def test_manual_page_is_clean(self):
        done = subprocess.run(["mandoc", "-Tlint", "-Wwarning", DBUS / "org.smartmeterd.5"],
                              capture_output=True, text=True)
        self.assertEqual((done.stdout + done.stderr, done.returncode), ("", 0))


class TestFuzz(unittest.TestCase):
    def test_stranger_calls_everything_at_random_and_changes_nothing(self):
        if os.getuid() != 0:
            self.skipTest("playing another user needs root")
        for polkit in (True, False):
            with self.subTest(polkit=polkit):
                fuzz_bus.run(rounds=2000, seed=7, polkit_there=polkit)

    def test_root_calls_everything_at_random_and_breaks_nothing(self):
        if os.getuid() != 0:
            self.skipTest("playing another user needs root")
        fuzz_bus.run(rounds=2000, seed=8, uid=0)


if __name__ == "__main__":
    unittest.main()
