# SPDX-License-Identifier: MIT
"""smctl with the real service: a virtual converter on a pty, telegrams of sim/, nothing played."""

import csv
import datetime
import io
import json
import os
import pathlib
import re
import subprocess
import unittest

from private_bus import SECONDS, wait_until
from smctl_case import SMCTL, DaemonCase, smctl

KEY, AUTH = "00112233445566778899AABBCCDDEEFF", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"


def telegram(*args):
    return subprocess.run([SMCTL, "simulate", "--stdout", "--fast", "-n", "1", *args],
                          capture_output=True, check=True).stdout


def hdlc(information):
    """A frame of IEC 62056-46: UI, from a server with a short address."""
    def checked(data):
        crc = 0xffff
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
        return data + (crc ^ 0xffff).to_bytes(2, "little")
    length = 9 + len(information)
    header = checked(bytes([0xa0 | length >> 8, length & 0xff, 0xcf, 0x03, 0x13]))
    return b"\x7e" + checked(header + information) + b"\x7e"


# A data-notification with a structure of "abc" and 5: whole, and no known list.
UNKNOWN_LIST = hdlc(bytes.fromhex("e6e700 0f0000000100 0202 0903616263 1105"))


class TestSmctlAndDaemon(DaemonCase):
    def feed_until(self, data, condition, what):
        """Telegrams until it is so: the line is found by them too."""
        def fed():
            self.link.feed(data)
            return condition()
        return wait_until(fed, what)

    def meters(self):
        return self.json("list-meters")

    def test_person_sees_the_meter_and_its_readings(self):
        data = telegram("lgz-e450", "--plain")
        decoded = json.loads(smctl("decode", stdin=data, binary=True).stdout)
        self.feed_until(data, self.meters, "the meter")
        meter, = self.meters()
        self.assertEqual(meter["id"], decoded["meter"])
        got = {r["name"]: r["value"] for r in self.json("readings", meter["id"])["readings"]}
        for reading in decoded["readings"]:
            if reading["name"] in got:
                self.assertEqual(got[reading["name"]], reading["value"])
        self.assertIn("active_power_import", got)
        status = self.json("status")
        self.assertEqual(status["converters"][0]["state"], "receiving")
        self.assertEqual(status["converters"][0]["meters"], [meter["id"]])
        self.assertEqual(status["meters"][0]["converter"], status["converters"][0]["id"])
        self.assertIn(meter["id"], self.run_ok("status", env=self.env))
        self.assertEqual(self.json("show", meter["id"])["profile"], "lgz-e450")

    def test_encrypted_meter_is_read_once_its_key_is_set(self):
        data = telegram("lgz-e570", "--key", KEY, "--auth-key", AUTH, "--security", "30")
        self.feed_until(data, lambda: any(m["key_state"] == "missing" for m in self.meters()),
                        "the encrypted meter")
        name = self.meters()[0]["id"]
        checks = json.loads(smctl("doctor", "--json", env=self.env).stdout)["checks"]
        self.assertIn((name, "wrong"), [(c["about"], c["status"]) for c in checks
                                        if c["check"] == "key"])
        self.run_ok("set-key", name, stdin=f"{KEY}\n{AUTH}\n", env=self.env)
        self.feed_until(telegram("lgz-e570", "--key", KEY, "--auth-key", AUTH, "--security", "30",
                                 "--time", "1900000000"),
                        lambda: any(m["key_state"] == "ok" for m in self.meters()), "the readings")

    def doctor(self):
        """{check: status}, and the findings as text."""
        got = json.loads(smctl("doctor", "--json", env=self.env).stdout)
        wrong = [c for c in got["checks"] if c["status"] == "wrong"]
        return {c["check"]: c["status"] for c in got["checks"]}, str(wrong)

    def test_meter_nobody_understands_is_a_finding(self):
        self.feed_until(UNKNOWN_LIST, self.meters, "the meter")
        checks, text = self.doctor()
        self.assertEqual(checks["layout"], "wrong")
        self.assertIn("list is unknown", text)

    def test_device_that_is_not_there_is_a_finding(self):
        wait_until(lambda: self.doctor()[0]["detecting"] == "wrong", "the service to listen")
        self.link.unplug()
        wait_until(lambda: "is not there" in self.json("status")["converters"][0]["state_reason"],
                   "the service to look again")
        checks, text = self.doctor()
        self.assertEqual((checks["waiting"], checks["detecting"]), ("wrong", "skipped"))
        self.assertIn(f"{self.link.path} is not there", text)

    def test_wizard_sees_the_tty_come_and_go_and_names_the_meter_behind(self):
        data = telegram("emucs")  # gas and water are heard through it
        self.feed_until(data, lambda: len(self.meters()) == 3, "all of them")
        process = subprocess.Popen([SMCTL, "identify", "--json", "--seconds", "30"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                   env=dict(os.environ, LC_ALL="C.UTF-8", **self.env))
        with process:
            self.assertEqual(json.loads(process.stdout.readline())["event"], "waiting")
            self.link.unplug()
            self.assertEqual(json.loads(process.stdout.readline())["event"], "unplugged")
            self.link.plug()
            self.assertEqual(json.loads(process.stdout.readline())["event"], "plugged")
            self.feed_until(data, lambda: process.poll() is not None, "the end")
            last = json.loads(process.stdout.read().splitlines()[-1])
        self.assertEqual((process.returncode, last["event"]), (0, "reading"))
        self.assertRegex(last["sentence"], r"^Meter 1SAG\d+ .*\d W now, [\d.]+ kWh in all")

    def test_monitor_prints_what_comes(self):
        data = telegram("lgz-e450", "--plain")
        self.feed_until(data, self.meters, "the meter")
        process = subprocess.Popen([SMCTL, "monitor", "--json", "-n", "1"], text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   env=dict(os.environ, **self.env))
        self.feed_until(data, lambda: process.poll() is not None, "the end of smctl monitor")
        with process.stdout as out:
            got = json.loads(out.read())
        self.assertEqual(got["meter"], self.meters()[0]["id"])
        clock = datetime.datetime.fromisoformat(got["meter_time"]).timestamp()
        self.assertEqual(clock * 1e6, self.meters()[0]["meter_clock_usec"])

    def test_spreadsheet_gets_every_reading_as_a_line(self):
        self.feed_until(telegram("lgz-e450", "--plain"), self.meters, "the meter")
        meter = self.meters()[0]["id"]
        rows = list(csv.DictReader(io.StringIO(self.run_ok("readings", "--csv", env=self.env))))
        readings = self.json("readings", meter)["readings"]
        self.assertEqual([(r["meter"], r["name"], r["obis"], float(r["value"]), r["unit"])
                          for r in rows],
                         [(meter, r["name"], r["obis"], r["value"], r["unit"] or "") for r in readings])
        self.assertEqual({r["name"]: r["flags"] for r in rows}["active_power_net"], "derived")
        one = self.run_ok("readings", meter, "1.8.0", "--csv", env=self.env).splitlines()
        self.assertEqual(one[0], "meter,name,obis,value,unit,received,flags")
        self.assertRegex(one[1], rf"^{meter},active_energy_import,1-0:1\.8\.0,\d+,Wh,20[\d-]+T[\d:]+[+-][\d:]+,$")
        self.assertEqual(len(one), 2)

    def test_power_of_a_meter_that_is_gone_is_in_parentheses(self):
        self.feed_until(telegram("lgz-e450", "--plain"), self.meters, "the meter")
        row = re.compile(rf"(?m)^ *{self.meters()[0]['id']} .* (\(?)-?\d+ W(\)?) ")
        self.assertEqual(row.search(self.run_ok("status", env=self.env)).groups(), ("", ""))
        self.link.unplug()
        wait_until(lambda: not self.meters()[0]["online"], "the news")
        for verb in ("status", "list-meters"):
            self.assertEqual(row.search(self.run_ok(verb, env=self.env)).groups(), ("(", ")"))

    def test_capture_can_be_decoded(self):
        data = telegram("lgz-e450", "--plain")
        self.feed_until(data, self.meters, "the meter")
        port = self.json("list-converters")[0]["id"]
        process = subprocess.Popen([SMCTL, "capture", port, "-b", str(2 * len(data))],
                                   stdout=subprocess.PIPE, env=dict(os.environ, **self.env))
        self.feed_until(data, lambda: process.poll() is not None, "the end of smctl capture")
        with process.stdout as out:
            raw = out.read()
        self.assertEqual(len(raw), 2 * len(data))
        decoded = smctl("decode", stdin=raw, binary=True).stdout.splitlines()
        self.assertGreaterEqual(len(decoded), 1)

    def test_inhibit_frees_the_port_and_gives_it_back(self):
        self.feed_until(telegram("lgz-e450", "--plain"), self.meters, "the meter")
        port = self.json("list-converters")[0]["id"]
        out = self.run_ok("inhibit", port, "--", SMCTL, "show", port, "--json", env=self.env)
        self.assertEqual(json.loads(out)["state"], "inhibited")
        wait_until(lambda: self.json("show", port)["state"] != "inhibited", "the port's return")

    def test_converter_is_known_by_the_name_of_its_section(self):
        self.feed_until(telegram("lgz-e450", "--plain"), self.meters, "the meter")
        out = self.run_ok("inhibit", "bench", "--", SMCTL, "list-converters", "--json",
                          env=self.env)
        self.assertIn("inhibited", out)
        self.run_ok("probe", "bench", env=self.env)
        self.assertIn("bank", self.run_bad(1, "probe", "bank", env=self.env))

    def test_reload_refuses_what_check_config_refuses(self):
        self.assertEqual(self.json("reload")["done"], "reload")
        good = self.daemon.config_path.read_text()
        self.daemon.configure(good + "[mqtt \"home\"]\nHots=localhost\n")
        error = self.run_bad(1, "reload", env=self.env)
        self.assertRegex(error, r"\.conf:\d+: error: unknown key 'Hots'.*Host")
        program = str(pathlib.Path(SMCTL).parents[1] / "daemon/smartmeterd")
        done = smctl("check-config", str(self.daemon.config_path), "--json",
                     env={"SMARTMETERD": program})
        self.assertEqual(done.returncode, 1)
        finding = json.loads(done.stdout)[0]
        self.assertEqual(set(finding), {"file", "line", "severity", "message"})
        self.assertIn("Host", finding["message"])
        checks = json.loads(smctl("doctor", "--json", env=self.env).stdout)["checks"]
        self.assertIn("wrong", [c["status"] for c in checks if c["check"] == "config"])

    def test_unplugged_converter_is_told_apart(self):
        self.feed_until(telegram("lgz-e450", "--plain"), self.meters, "the meter")
        self.link.unplug()
        wait_until(lambda: self.json("list-converters")[0]["state"] != "receiving", "the news",
                   seconds=SECONDS)


if __name__ == "__main__":
    unittest.main()
