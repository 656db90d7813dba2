# SPDX-License-Identifier: MIT
"""The verbs of smctl that talk to the service."""

import json
import os
import pathlib
import re
import select
import shutil
import signal
import subprocess
import tempfile
import unittest

from private_bus import NOBODY, SECONDS, Driver, wait_until
from smctl_case import ID, SMCTL, STICK, BusCase


class TestLooking(BusCase):
    def test_user_sees_everything_in_status(self):
        self.telegram()
        self.driver.do("output-add home")
        out = self.ok("status")
        for word in ("1.0", "ttyUSB0", "receiving", "2400 8E1", "LGZ1", "1234 W", "12345.678 kWh",
                     "home", "disconnected", "No broker."):
            self.assertIn(word, out)
        self.assertNotIn("\033", out)

    def test_program_gets_status_as_json(self):
        self.telegram()
        got = self.json("status")
        self.assertEqual(set(got), {"service", "converters", "meters", "outputs"})
        self.assertEqual(got["converters"][0]["id"], ID)
        self.assertEqual(got["converters"][0]["meters"], ["LGZ1"])
        self.assertEqual(got["meters"][0]["power_import"], 1234)
        self.assertEqual(got["meters"][0]["voltage_l1"], 230.1)
        self.assertIsNone(got["meters"][0]["voltage_l2"])
        self.assertIsNone(got["meters"][0]["parent"])
        self.assertIn("active", got["meters"][0]["tariff"])

    def test_program_gets_lists_as_arrays(self):
        self.assertEqual([c["id"] for c in self.json("list-converters")], [ID])
        self.assertEqual([m["id"] for m in self.json("list-meters")], ["LGZ1"])

    def test_user_without_converters_is_told(self):
        self.driver.do("meter-remove LGZ1")
        self.driver.do(f"converter-remove {ID}")
        self.assertEqual(self.json("list-converters"), [])
        self.assertIn("No USB serial converter", self.ok("status"))

    def test_meters_of_other_media_show_what_they_count(self):
        self.submeters()
        for verb in ("status", "list-meters"):
            out = self.ok(verb)
            self.assertRegex(out, r"(?m)^ *GAS1 +- +gas +online +- +3555\.7 m³ ")
            self.assertRegex(out, r"(?m)^ *HEAT1 +- +heat +online +- +12\.345 GJ ")
        self.assertRegex(self.ok("show", "GAS1"), r"(?m)^parent +LGZ1$")

    def test_units_are_ascii_where_the_locale_is(self):
        self.submeters()
        self.driver.do("telegram LGZ1 81.7.4=12*° 1-0:99.7.1=21.5*°C")
        for locale, volume, angle in (("C.UTF-8", "3555.7 m³", "12 °"), ("C", "3555.7 m3", "12 deg")):
            self.assertIn(volume, self.ok("status", env={"LC_ALL": locale}))
            self.assertIn(volume, self.ok("readings", "GAS1", env={"LC_ALL": locale}))
            self.assertIn(angle, self.ok("readings", "LGZ1", env={"LC_ALL": locale}))
            self.assertEqual(self.json("readings", "GAS1", env={"LC_ALL": locale})["readings"][1]
                             ["unit"], "m³")

    def test_one_reading_is_a_bare_number(self):
        self.telegram()
        self.assertEqual(self.ok("readings", "LGZ1", "active_power_import"), "1234\n")
        self.assertEqual(self.ok("readings", "LGZ1", "1.8.0"), "12345678\n")
        self.assertEqual(self.ok("readings", "LGZ1", "voltage_l1", "--unit"), "230.1 V\n")
        got = self.json("readings", "LGZ1", "voltage_l1", "active_power_import")["readings"]
        self.assertEqual([r["name"] for r in got], ["voltage_l1", "active_power_import"])
        out = self.ok("readings", "LGZ1", "voltage_l1", "active_power_import")
        self.assertRegex(out, r"Voltage, phase 1 +230\.1 V")
        self.assertNotIn("12345", out)

    def test_reading_that_is_not_there_is_told(self):
        self.telegram()
        self.assertIn('did you mean "active_power_import"',
                      self.bad(1, "readings", "LGZ1", "active_power_imp"))
        self.assertIn("smctl readings LGZ1", self.bad(1, "readings", "LGZ1", "9.9.9"))
        self.assertIn("--unit", self.bad(2, "readings", "LGZ1", "--unit"))

    def test_readings_are_exact(self):
        self.telegram()
        done = self.ok("readings", "LGZ1", "--json")
        self.assertIn('"value":230.1,', done)
        self.assertIn('"value":5.31,', done)
        got = json.loads(done)
        self.assertEqual(got["meter"], "LGZ1")
        first = got["readings"][0]
        self.assertEqual((first["name"], first["value"], first["unit"], first["flags"]),
                         ("active_power_import", 1234, "W", []))
        self.assertRegex(self.ok("readings"), r"Voltage, phase 1 +230\.1 V")

    def test_show_takes_id_port_and_beginning(self):
        for word in (ID, "ttyUSB0", "/dev/ttyUSB0", "067b"):
            self.assertEqual(self.json("show", word)["id"], ID, word)
        self.telegram()
        self.assertEqual(self.json("show", "LGZ")["readings"][0]["value"], 1234)
        self.assertRegex(self.ok("show", "ttyUSB0"), r"vendor_id +067b")
        shown = self.ok("show", "LGZ")
        for line in (r"power_import +1234 W", r"voltage_l1 +230\.1 V", r"  readings +[1-9]",
                     r"interval_usec +(-|[0-9.]+ s)"):
            self.assertRegex(shown, line)

    def test_show_asks_back_what_was_meant(self):
        self.assertIn('did you mean "LGZ1"?', self.bad(1, "show", "LGX1"))
        self.driver.do("meter-add LGZ2")
        self.assertIn("beginning of several", self.bad(1, "show", "LGZ"))

    def test_words_for_completion_are_live(self):
        self.assertEqual(self.ok("--words", "converters", "meters").split(),
                         [ID, "ttyUSB0", "LGZ1", "House"])

    def test_version_names_the_service(self):
        got = self.json("version")
        self.assertRegex(got["smctl"], r"^\d+\.\d+")
        self.assertRegex(got["smartmeterd"], r"^\d+\.\d+")

    def test_address_option_wins(self):
        out = self.run_ok("list-meters", "--address", self.bus.address, "--json")
        self.assertEqual(json.loads(out)[0]["id"], "LGZ1")


class TestMonitor(BusCase):
    def start(self, *args):
        process = subprocess.Popen([SMCTL, "monitor", *args], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, text=True,
                                   env=dict(os.environ, LC_ALL="C.UTF-8", **self.env))
        self.addCleanup(process.stdout.close)
        return process

    def feed(self, process):
        """Telegrams until it ends: when it began to listen cannot be seen from outside."""
        def ended():
            self.telegram()
            return process.poll() is not None
        wait_until(ended, "the end of smctl monitor")

    def wait_output(self, process):
        def listening():
            self.telegram()
            return select.select([process.stdout], [], [], 0)[0]
        wait_until(listening, "the first telegram")

    def test_pipe_gets_a_line_per_telegram(self):
        process = self.start("--count", "2")
        self.feed(process)
        lines = process.stdout.read().splitlines()
        self.assertEqual(process.returncode, 0)
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r"^\d{4}-\d\d-\d\dT[\d:]{8}[+-]\d\d:\d\d LGZ1 "
                                   r"active_power_import=1234W .*voltage_l1=230\.1V")

    def test_program_gets_an_object_per_telegram(self):
        process = self.start("LGZ1", "--json", "-n", "1")
        self.feed(process)
        got = json.loads(process.stdout.read())
        self.assertEqual((got["meter"], got["readings"][0]["value"]), ("LGZ1", 1234))
        self.assertEqual({r["name"]: r["obis"] for r in got["readings"]}["voltage_l1"], "1-0:32.7.0")
        self.assertGreater(got["seq"], 0)

    def test_other_meters_are_left_out(self):
        self.driver.do("meter-add KAM2")
        process = self.start("KAM2", "-n", "1")

        def ended():
            self.telegram()
            self.driver.do("telegram KAM2 1.7.0=5")
            return process.poll() is not None
        wait_until(ended, "the end of smctl monitor")
        self.assertIn(" KAM2 active_power_import=5W", process.stdout.read())

    def test_seconds_have_fractions(self):
        for time in ("0.05", ".05", "0,05"):
            process = self.start("--count", "5", "--seconds", time)
            self.assertEqual(process.wait(SECONDS), 1)

    def test_count_not_reached_in_time_is_a_failure(self):
        process = self.start("--count", "5", "--seconds", "1")
        self.assertEqual(process.wait(SECONDS), 1)

    def test_monitor_survives_a_restart_of_the_service(self):
        process = self.start("--count", "2")
        self.wait_output(process)
        self.assertEqual(self.driver.stop(), 0)
        self.driver = Driver(self.bus)
        self.driver.do("meter-add LGZ1")
        self.driver.do("name")
        self.feed(process)
        self.assertEqual(process.returncode, 0)

    def test_signal_ends_it_well(self):
        process = self.start("--json")
        self.wait_output(process)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(SECONDS), 0)


@unittest.skipIf(os.getuid() != 0, "skipped: without polkit only root may change something")
class TestManaging(BusCase):
    def test_user_who_may_not_reads_one_sentence_after_the_other(self):
        program = self.bus.folder / "smctl"  # the build may be where others cannot read
        shutil.copy(SMCTL, program)
        done = subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                               "--clear-groups", program, "reload"], capture_output=True, text=True,
                              env=dict(os.environ, LC_ALL="C.UTF-8", **self.env), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"^smctl: not allowed: .*[a-z]\. Try it with sudo\n$")

    def test_adopt_hands_on_line_and_profile(self):
        self.driver.do(f"converter-add {STICK}")
        got = self.json("adopt", "ttyUSB1", "--line", "9600 8N1", "--profile", "lgz-e360")
        self.assertEqual(got, {"done": "adopt", "id": STICK, "files": []})
        self.driver.wait_request("request adopt ttyUSB1 9600 8N1 lgz-e360")

    def test_adopt_refuses_a_line_that_is_none(self):
        self.assertIn("2400 8E1", self.bad(2, "adopt", "ttyUSB0", "--line", "9600"))

    def test_forget_probe_and_reload_are_asked_for(self):
        self.ok("forget", "ttyUSB0")
        self.driver.wait_request(f"request forget {ID}")
        self.ok("probe", "ttyUSB0")
        self.driver.wait_request(f"request probe {ID}")
        self.assertEqual(self.json("reload")["warnings"], ["a.conf:7: a warning"])
        self.assertIn("usb", self.bad(2, "probe", "ttyUSB0", "--reset", "hard"))

    def test_probe_says_what_was_reset(self):
        self.assertRegex(self.ok("probe", "ttyUSB0"), f"^Looking for the line settings of {ID} ")
        for how, sentence in (("usb", f"{ID} was reset through USB;"),
                              ("reopen", f"The port of {ID} was closed and opened;")):
            self.assertIn(sentence, self.ok("probe", "ttyUSB0", "--reset", how))
            self.driver.wait_request(f"request reset {ID} {how}")

    def test_reload_of_a_bad_configuration_fails_with_the_reason(self):
        self.driver.do("fail 22")
        self.assertIn("a.conf:3: unknown key", self.bad(1, "reload"))

    def test_set_key_reads_stdin_and_never_prints_it(self):
        key, auth = "00112233445566778899AABBCCDDEEFF", "d0:d1:d2:d3:d4:d5:d6:d7:d8:d9:da:db:dc:dd:de:df"
        out = self.ok("set-key", "LGZ1", stdin=f"{key}\n{auth}\n")
        self.driver.wait_request("request set-meter-key LGZ1 00..ff with-ak")
        self.assertNotIn(key, out)
        self.assertNotIn("heard", out)
        out = self.ok("set-key", "4C475A1030655933", stdin=f"0x{key}\n")
        self.assertIn("No meter of this name has been heard yet", out)
        self.driver.wait_request("request set-meter-key 4C475A1030655933 00..ff without-ak")

    def test_set_key_reads_files_and_refuses_what_is_no_key(self):
        with tempfile.TemporaryDirectory() as folder:
            good, bad = pathlib.Path(folder, "good"), pathlib.Path(folder, "bad")
            good.write_text("# of the utility\n" + "ab " * 16 + "\n")
            bad.write_text("1234\n")
            self.ok("set-key", "LGZ1", "--key-file", str(good))
            self.driver.wait_request("request set-meter-key LGZ1 ab..ab without-ak")
            error = self.bad(1, "set-key", "LGZ1", "--key-file", str(bad))
            self.assertNotIn("1234", error.replace(str(bad), ""))
        self.assertIn("no key", self.bad(1, "set-key", "LGZ1", stdin=""))

    def test_key_on_the_command_line_is_refused_and_not_repeated(self):
        key = "00112233445566778899AABBCCDDEEFF"
        for words in (["set-key", "LGZ1", "--key", key], ["set-key", "LGZ1", "--key=" + key],
                      ["set-key", "--auth-key", key, "LGZ1"], ["set-key", "LGZ1", "--ke", key],
                      ["set-key", key]):
            error = self.bad(2, *words)
            self.assertIn("every user of this machine", error, words)
            self.assertNotIn(key, error, words)
        error = self.bad(1, "set-key", "LGZ1", "--key-file", key)
        self.assertIn("every user of this machine", error)
        self.assertNotIn(key, error)

    def test_what_may_be_a_key_is_repeated_nowhere(self):
        colons = "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"
        for key in (colons, colons.replace(":", "")[:-1], "0x" + colons.replace(":", "")):
            for code, words in ((2, [key]), (2, ["--key=" + key, "status"]),
                                (2, ["status", "--key=" + key]), (2, ["--password=" + key]),
                                (1, ["show", key]), (1, ["readings", key]), (1, ["probe", key]),
                                (1, ["decode", key]), (2, ["decode", "--keys=" + key])):
                error = self.bad(code, *words)
                self.assertNotIn(key, error, words)
                self.assertTrue(error, words)

    def test_inhibit_frees_the_port_while_the_command_runs(self):
        out = self.ok("inhibit", "ttyUSB0", "--", "sh", "-c", 'echo "port $SMARTMETER_DEVICE"')
        self.assertEqual(out, "port /dev/ttyUSB0\n")
        self.driver.wait_request(f"request inhibit {ID}")
        self.driver.wait_request(f"request inhibit-done {ID}")
        self.bad(7, "inhibit", "ttyUSB0", "--", "sh", "-c", "exit 7")
        self.assertIn("no-such-program", self.bad(1, "inhibit", "ttyUSB0", "no-such-program"))
        self.bad(2, "inhibit", "ttyUSB0", "--")
        self.bad(2, "inhibit", "ttyUSB0")

    def test_inhibit_takes_its_options_on_both_sides_of_the_port(self):
        command = ["sh", "-c", "echo $0 $1", "--why", "--json"]
        for words in (["--why", "lunch", "ttyUSB0", "--"], ["ttyUSB0", "--why", "lunch", "--"],
                      ["ttyUSB0", "-w", "lunch"]):
            self.assertEqual(self.ok("inhibit", *words, *command), "--why --json\n")
            self.assertIn("smctl/lunch", self.driver.wait_request(f"request inhibit {ID}"))
        self.assertIn('did you mean "--why"',
                      self.bad(2, "inhibit", "ttyUSB0", "--whi", "lunch", "--", "true"))
        self.assertIn("Usage: smctl inhibit", self.ok("inhibit", "ttyUSB0", "--help"))

    def test_capture_writes_what_comes(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "raw")
            process = subprocess.Popen([SMCTL, "capture", "ttyUSB0", "-b", "5", "-o", str(file),
                                        "--json"], stdout=subprocess.PIPE, text=True,
                                       env=dict(os.environ, **self.env))
            self.driver.wait_request(f"request capture {ID}")
            self.driver.do("capture-write hello world")
            out, _ = process.communicate(timeout=SECONDS)
            self.assertEqual(process.returncode, 0)
            self.assertEqual(file.read_bytes(), b"hello")
            self.assertEqual(json.loads(out), {"file": str(file), "bytes": 5})

    def test_capture_in_hex_has_the_time_of_each_burst(self):
        sent = "1234567890" * 10
        process = subprocess.Popen([SMCTL, "capture", "ttyUSB0", "-b", "100", "--hex"],
                                   stdout=subprocess.PIPE, text=True,
                                   env=dict(os.environ, **self.env))
        self.driver.wait_request(f"request capture {ID}")
        for at in range(0, 100, 10):
            self.driver.do("capture-write " + sent[at:at + 10])
        out, _ = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0)
        self.assertRegex(out, r"^# \d\d:\d\d:\d\d\n31 32 33")
        self.assertEqual(bytes.fromhex(re.sub("#.*", "", out)), sent.encode())


@unittest.skipIf(os.getuid() != 0, "skipped: without polkit only root may change something")
class TestIdentify(BusCase):
    def start(self, *args):
        process = subprocess.Popen([SMCTL, "identify", *args, "--seconds", "30"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True,
                                   env=dict(os.environ, LC_ALL="C.UTF-8", **self.env))
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        return process

    def test_wizard_goes_from_plug_to_first_reading(self):
        process = self.start("--yes")
        self.assertIn("PORT", process.stdout.readline())
        while "Ctrl-C" not in process.stdout.readline():
            pass
        self.driver.do(f"converter-remove {ID}")
        self.assertIn(f"That was /dev/ttyUSB0: Prolific USB-Serial {ID}", process.stdout.readline())
        self.assertIn("plug it in again", process.stdout.readline())
        self.driver.do(f"converter-add {ID}")
        self.assertIn("This is /dev/ttyUSB0", process.stdout.readline())
        self.telegram(321)
        self.driver.do(f"converter {ID} meter LGZ1")
        rest = process.stdout.read()
        self.assertEqual(process.wait(SECONDS), 0)
        self.assertRegex(rest, r"Meter LGZ1 .*321 W now, 12345\.678 kWh")

    def test_wizard_sees_a_device_come_and_go(self):
        """What a Device= section names never leaves the list."""
        self.driver.do("converter-add tty@uart uart")
        process = self.start("--yes")
        while "Ctrl-C" not in process.stdout.readline():
            pass
        self.driver.do("converter tty@uart state waiting")
        self.assertEqual("That was /dev/ttyS1: tty@uart\n", process.stdout.readline())
        self.assertIn("plug it in again", process.stdout.readline())
        self.driver.do("converter tty@uart state detecting")
        self.assertEqual("This is /dev/ttyS1: tty@uart\n", process.stdout.readline())
        self.telegram(321)
        self.driver.do("converter tty@uart meter LGZ1")
        self.assertIn("321 W now", process.stdout.read())
        self.assertEqual(process.wait(SECONDS), 0)

    def test_program_is_told_that_a_key_is_missing(self):
        self.driver.do("refuse LGZ1 1")
        process = self.start("--yes", "--json")
        self.assertEqual(json.loads(process.stdout.readline())["event"], "waiting")
        self.driver.do(f"converter-add {STICK}")
        self.driver.do(f"converter {STICK} meter LGZ1")
        events = [json.loads(line) for line in process.stdout]
        self.assertEqual(process.wait(SECONDS), 1)
        self.assertEqual(events[-1]["event"], "key")
        self.assertIn("plugged", [e["event"] for e in events])

    def test_wizard_says_beforehand_that_it_may_not_change_anything(self):
        self.driver.do(f"converter {ID} state gone")
        program = self.bus.folder / "smctl"  # the build may be where others cannot read
        shutil.copy(SMCTL, program)
        process = subprocess.Popen(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}",
                                    "--clear-groups", program, "identify", "--yes", "--seconds",
                                    "60"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True,
                                   env=dict(os.environ, LC_ALL="C.UTF-8", **self.env))
        with process:
            self.assertIn("sudo smctl identify", process.stdout.readline())
            while "Ctrl-C" not in process.stdout.readline():
                pass
            self.driver.do(f"converter {ID} state ignored")
            out = process.stdout.read()
        self.assertEqual(process.returncode, 0, out)
        self.assertIn("This is /dev/ttyUSB0", out)
        self.assertIn("sudo smctl adopt /dev/ttyUSB0", out)
        self.assertEqual([r for r in self.driver.poll() if "adopt" in r], [])

    def test_nothing_plugged_in_time_is_a_failure(self):
        self.assertIn("time is up", self.bad(1, "identify", "--seconds", "1"))


if __name__ == "__main__":
    unittest.main()
