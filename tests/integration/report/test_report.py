# SPDX-License-Identifier: MIT
"""smctl report: where it goes, what it contains and refuses, of a file and of a line that is read."""

import contextlib
import json
import os
import pathlib
import pty
import re
import select
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from harness import SMCTL, Daemon, Link, plain_environment, telegram
from meter_bed import frame
from private_bus import wait_until

METER = "LGZ1030655933512"
KEY, AUTH_KEY = "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff"
KEYS = ("--key", KEY, "--auth-key", AUTH_KEY)
PLAIN = telegram("lgz-e450", "--meter-id", METER)
CIPHERED = telegram("lgz-e450", "--meter-id", METER, *KEYS)


class ReportCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="smr.")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def smctl(self, *words, code=0, stdin=b""):
        done = subprocess.run([SMCTL, *words], capture_output=True, input=stdin, cwd=self.folder,
                              env=plain_environment(LC_ALL="C.UTF-8", LANGUAGE=""))
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def capture(self, content, name="meter.bin"):
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def decode(self, report, *keys, code=0):
        path = self.capture(report.encode(), "again.txt")
        out, _ = self.smctl("decode", *keys, path, code=code)
        return [json.loads(line) for line in out.splitlines()]

    def told_keys(self, report):
        return [word for name, key in re.findall(r"^# (key|auth key): (\w+)", report, re.M)
                for word in ("--" + name.replace(" ", "-"), key)]


class TestFile(ReportCase):
    def test_an_id_of_few_digits_is_replaced_where_it_is_packed(self):
        """Its four bytes have too many zeros to be looked for everywhere."""
        for number in ("00001234", "12000042", "00000001"):
            source = self.capture(telegram("siemens-amis", "--meter-id", number, "--count", "2"))
            report, _ = self.smctl("report", "-o", "-", "--key", KEY, source)
            for again in self.decode(report, *self.told_keys(report)):
                self.assertRegex(again["meter"], r"^\d{8}$")
                self.assertNotEqual(again["meter"], number)
                self.assertEqual(len(again["readings"]), 8)

    def test_it_goes_to_a_file_of_the_makers_name_and_replaces_none(self):
        source = self.capture(PLAIN * 3)
        _, said = self.smctl("report", source)
        path = self.folder / "smartmeter-report-LGZ.txt"
        self.assertIn("smartmeter-report-LGZ.txt: 3 telegrams, 3 of them are read, as before.", said)
        self.assertIn("Nothing was sent", said)
        before = path.read_text()
        _, said = self.smctl("report", source, code=1)
        self.assertIn("is there already; -o gives another name", said)
        self.assertEqual(path.read_text(), before)
        self.smctl("report", source, "-o", str(path))  # asked for by name
        self.assertNotEqual(path.read_text(), before)  # other substitutes each time

    def test_the_report_is_read_as_the_capture_was(self):
        report, _ = self.smctl("report", "-o", "-", self.capture(PLAIN))
        (after,) = self.decode(report)
        (before,) = [json.loads(self.smctl("decode", self.capture(PLAIN))[0])]
        self.assertEqual((after["readings"], after["time"], after["profile"]),
                         (before["readings"], before["time"], before["profile"]))
        self.assertRegex(after["meter"], r"^LGZ\d{13}$")
        self.assertNotEqual(after["meter"], METER)

    def test_the_same_number_is_the_same_everywhere(self):
        report, _ = self.smctl("report", "-o", "-", self.capture(PLAIN * 2))
        texts = [{t["obis"]: t["value"] for t in one["texts"]} for one in self.decode(report)]
        self.assertEqual(texts[0], texts[1])
        self.assertEqual(texts[0]["0-0:42.0.0"][3:], texts[0]["0-0:96.1.1"])

    def test_hex_text_and_standard_input_are_read(self):
        report, _ = self.smctl("report", "-o", "-", "-", stdin=b"# mine\n" + PLAIN.hex(" ").encode())
        self.assertEqual(len(self.decode(report)), 1)

    def test_no_more_telegrams_are_taken_than_asked_for(self):
        report, _ = self.smctl("report", "-t", "2", "-o", "-", self.capture(PLAIN * 5))
        self.assertEqual(len(self.decode(report)), 2)
        self.assertRegex(report, r"# left out: \d+ bytes")
        self.smctl("report", "-t", "0", "x", code=2)

    def test_an_address_made_of_the_serial_number_is_moved(self):
        sent = telegram("kaifa-no")  # one frame
        payload = sent[sent.index(b"\xe6\xe7\x00"):-3]  # from its LLC header to its FCS
        address = bytes.fromhex("00021a2d")
        one = frame(b"\x03" + address + b"\x13", payload)[:-1]
        report, _ = self.smctl("report", "-o", "-", self.capture(one * 2))
        after = bytes.fromhex("".join(x for x in report.splitlines() if x[0] != "#"))
        self.assertNotIn(address, after)
        self.assertEqual(after[3:7], after[len(after) // 2 + 3:][:4])  # the same in both
        self.assertEqual([len(t["readings"]) > 0 for t in self.decode(report)], [True, True])

    def test_what_is_damaged_is_left_out(self):
        damaged = bytearray(PLAIN)
        damaged[len(damaged) // 2] ^= 4
        report, _ = self.smctl("report", "-o", "-", self.capture(PLAIN + METER.encode() + damaged + PLAIN))
        self.assertEqual(len(self.decode(report)), 2)
        self.assertNotIn(METER.encode().hex(), re.sub(r"\s", "", report))

    def test_what_holds_no_telegram_is_refused(self):
        _, said = self.smctl("report", self.capture(b"not a telegram at all, but a diary"), code=1)
        self.assertIn("no report was made: no telegram in it", said)
        _, said = self.smctl("report", str(self.folder / "missing"), code=1)
        self.assertIn("No such file", said)
        self.assertEqual(list(self.folder.glob("*.txt")), [])

    def test_json_has_all_of_it(self):
        out, said = self.smctl("report", "--json", *KEYS, self.capture(CIPHERED))
        self.assertEqual(said, "")
        report = json.loads(out)
        self.assertEqual((report["format"], report["closed"], report["file"], report["converter"]),
                         (1, 0, None, None))
        self.assertEqual([t["read"] for t in report["telegrams"]], [True])
        self.assertEqual(self.told_keys(report["report"]),
                         ["--key", report["key"], "--auth-key", report["auth_key"]])
        out, _ = self.smctl("report", "--json", "-o", "mine.txt", self.capture(PLAIN))
        self.assertEqual((json.loads(out)["file"], json.loads(out)["report"]), ("mine.txt", None))
        self.assertEqual(len(self.decode((self.folder / "mine.txt").read_text())), 1)


class TestKeys(ReportCase):
    def test_it_is_enciphered_anew_with_a_key_that_is_told(self):
        report, said = self.smctl("report", "-o", "-", *KEYS, self.capture(CIPHERED))
        self.assertNotRegex(report.lower(), f"{KEY}|{AUTH_KEY}")
        (after,) = self.decode(report, *self.told_keys(report))
        self.assertTrue(after["encrypted"] and after["readings"])
        self.assertRegex(after["system_title"], "^4C475A")
        (other,) = self.decode(report, *KEYS, code=1)
        self.assertIn("wrong encryption key", other["error"])

    def test_a_tag_that_was_not_checked_is_not_told_of(self):
        report, _ = self.smctl("report", "-o", "-", "--key", KEY, self.capture(CIPHERED))
        self.assertEqual(self.told_keys(report)[::2], ["--key"])
        self.decode(report, *self.told_keys(report))

    def test_a_wrong_authentication_key_is_wrong_in_the_report(self):
        wrong = ("--key", KEY, "--auth-key", KEY)
        report, _ = self.smctl("report", "-o", "-", *wrong, self.capture(CIPHERED))
        (after,) = self.decode(report, *self.told_keys(report), code=1)
        self.assertIn("wrong authentication key", after["error"])

    def test_a_telegram_that_came_twice_was_opened(self):
        out, _ = self.smctl("report", "--json", *KEYS, self.capture(CIPHERED * 2))
        report = json.loads(out)
        self.assertEqual([t["read"] for t in report["telegrams"]], [True, False])
        self.assertEqual(report["closed"], 0)

    def test_what_no_key_opens_becomes_random(self):
        for keys, error in (((), "a key is needed"), (("--key", AUTH_KEY), "wrong encryption key")):
            report, _ = self.smctl("report", "-o", "-", *keys, self.capture(CIPHERED))
            self.assertIn("1 of them no key opened", report)
            (after,) = self.decode(report, *self.told_keys(report), code=1)
            self.assertIn(error, after["error"])
            (true,) = self.decode(report, *KEYS, code=1)  # the owner's opens nothing any more
            self.assertIn("wrong encryption key", true["error"])

    def test_a_key_that_is_none_is_misuse_and_not_repeated(self):
        _, said = self.smctl("report", "--key", KEY[:30], self.capture(CIPHERED), code=2)
        self.assertNotIn(KEY[:30], said)

    def test_who_has_the_key_is_asked_for_it(self):
        source = self.capture(CIPHERED)
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execve(SMCTL, [SMCTL, "report", "-o", "asked.txt", source],
                      plain_environment(LC_ALL="C.UTF-8", LANGUAGE="", TERM="xterm"))
        self.addCleanup(os.close, fd)
        seen = self.read_until(fd, "ncryption key")
        os.write(fd, KEY.encode() + b"\n")
        seen += self.read_until(fd, "uthentication key")
        os.write(fd, AUTH_KEY.encode() + b"\n")
        seen += self.read_until(fd, "attach it to an issue")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertNotIn(KEY, seen)
        report = (self.folder / "asked.txt").read_text()
        self.assertTrue(self.decode(report, *self.told_keys(report))[0]["readings"])

    def read_until(self, fd, text):
        seen = ""

        def more():
            nonlocal seen
            if select.select([fd], [], [], 0.1)[0]:
                try:
                    seen += os.read(fd, 4096).decode(errors="replace")
                except OSError:  # it has ended
                    return True
            return text in seen

        wait_until(more, f"{text!r}")
        self.assertIn(text, seen)
        return seen


class TestServiceKeys(ReportCase):
    """Its program is asked, with a configuration and a state directory of the test's own."""

    def setUp(self):
        super().setUp()
        self.config = self.folder / "smartmeterd.conf"
        self.state = self.folder / "state"
        program = self.folder / "smartmeterd"
        program.write_text(f'#!/bin/sh\nexec {os.environ["SMARTMETERD"]} "$@" --config {self.config} '
                           f'--state-dir {self.state}\n')
        program.chmod(0o755)
        self.program = str(program)
        self.source = self.capture(telegram("lgz-e450", "--meter-id", METER, *KEYS, "--count", "2"))

    def smctl(self, *words, code=0, stdin=b"", **how):
        done = subprocess.run([SMCTL, *words], capture_output=True, input=stdin, cwd=self.folder, check=False,
                              env=plain_environment(LC_ALL="C.UTF-8", LANGUAGE="", SMARTMETERD=self.program), **how)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def configure(self, text, mode=0o600):
        self.config.write_text(text)
        self.config.chmod(mode)

    def store(self, meter, key, auth_key):
        """As smctl set-key stores them."""
        self.state.mkdir(mode=0o700, exist_ok=True)
        with contextlib.closing(sqlite3.connect(self.state / "state.db")) as db, db:
            db.execute("CREATE TABLE IF NOT EXISTS keys (meter TEXT PRIMARY KEY COLLATE NOCASE, key BLOB, "
                       "auth_key BLOB, title BLOB) WITHOUT ROWID")
            db.execute("INSERT INTO keys VALUES (?, ?, ?, NULL)",
                       (meter, bytes.fromhex(key), auth_key and bytes.fromhex(auth_key)))

    def check_opened(self, *told):
        report, said = self.smctl("report", "-o", "mine.txt", self.source)
        self.assertIn("2 telegrams, 2 of them are read", said)
        self.assertIn("The key is the one that the service has.", said)
        report = (self.folder / "mine.txt").read_text()
        self.assertNotRegex(re.sub(r"\s", "", report).lower(), f"{KEY}|{AUTH_KEY}")
        self.assertEqual(self.told_keys(report)[::2], list(told))
        self.assertTrue(all(t["readings"] for t in self.decode(report, *self.told_keys(report))))

    def test_the_key_of_a_meters_section_is_used(self):
        self.configure(f'[meter "{METER}"]\nKey={KEY}\nAuthKey={AUTH_KEY}\n')
        self.check_opened("--key", "--auth-key")

    def test_the_key_of_a_converters_section_is_used(self):
        self.configure(f'[converter "x"]\nDevice=/dev/ttyAMA0\nKey={KEY}\n')
        self.check_opened("--key")

    def test_the_key_that_was_set_at_run_time_is_used(self):
        self.configure("")
        for n in range(3):  # of other meters, and the very key that is not this one's
            self.store(f"LGZ{n}", f"{n:032x}", None)
        self.store(METER, KEY, AUTH_KEY)
        self.check_opened("--key", "--auth-key")

    def test_a_key_that_is_given_counts(self):
        self.configure(f'[meter "{METER}"]\nKey={KEY}\n')
        report, _ = self.smctl("report", "--json", "--key", AUTH_KEY, self.source)
        report = json.loads(report)
        self.assertEqual((report["closed"], report["key_of_service"]), (2, False))

    def test_keys_of_other_meters_open_nothing_and_are_not_told(self):
        self.configure("")
        self.store("LGZ1", "ab" * 16, "cd" * 16)
        report, _ = self.smctl("report", "--json", self.source)
        self.assertNotRegex(report.lower(), "(ab){16}|(cd){16}")
        report = json.loads(report)
        self.assertEqual((report["closed"], report["key"], report["key_of_service"]), (2, None, False))
        self.assertEqual(report["keys_withheld"], os.geteuid() != 0)

    def test_a_plain_meter_needs_none(self):
        self.configure("this is no configuration\n")
        _, said = self.smctl("report", "-o", "mine.txt", self.capture(PLAIN))
        self.assertNotIn("service", said)

    def test_what_may_not_be_read_is_said(self):
        self.configure(f'[meter "{METER}"]\nKey={KEY}\n')
        self.store(METER, KEY, AUTH_KEY)
        self.folder.chmod(0o777)
        how = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        if not how:  # root alone can become somebody else
            self.config.chmod(0)
            self.state.chmod(0)
            self.addCleanup(self.state.chmod, 0o700)
        _, said = self.smctl("report", "-o", "mine.txt", self.source, **how)
        self.assertIn("2 telegrams could not be opened", said)
        self.assertIn("are for root alone: with sudo they are used", said)
        report, _ = self.smctl("report", "--json", self.source, **how)
        self.assertEqual((json.loads(report)["closed"], json.loads(report)["keys_withheld"]), (2, True))

    def test_keys_are_not_printed_to_a_terminal(self):
        self.configure(f'[meter "{METER}"]\nKey={KEY}\n')
        master, slave = pty.openpty()
        done = subprocess.run([self.program, "--print-keys"], stdout=slave, stderr=subprocess.PIPE, check=False)
        self.addCleanup(os.close, slave)
        self.addCleanup(os.close, master)
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"not printed to a terminal", done.stderr)
        self.assertEqual(select.select([master], [], [], 0)[0], [])


class TestLive(ReportCase):
    def setUp(self):
        super().setUp()
        self.daemon = Daemon()
        self.link = Link(self.daemon.folder / "meter")
        self.identity = "tty@" + self.link.path[1:].replace("/", "-")
        self.daemon.configure(f'[converter "x"]\nDevice={self.link.path}\n')

    def listen(self, d, *words):
        process = subprocess.Popen([SMCTL, "--address", d.bus.address, "report", "-s", "3", "--json", *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=plain_environment(LC_ALL="C.UTF-8", LANGUAGE=""))
        while process.poll() is None:
            self.link.feed(PLAIN)
            select.select([], [], [], 0.05)  # the pace of the line
        out, said = process.communicate()
        self.assertEqual(process.returncode, 0, said)
        return json.loads(out)

    def test_a_line_is_listened_to_by_converter_by_meter_and_alone(self):
        with self.daemon as d:
            self.link.plug()
            d.wait_state(self.identity, "detecting")
            wait_until(lambda: self.link.feed(PLAIN) or METER in d.meters(), "the meter is read")
            for words in ((self.identity,), (METER,), ()):
                report = self.listen(d, *words)
                self.assertEqual(report["converter"]["line"], "2400 8E1")
                self.assertTrue(all(t["read"] for t in report["telegrams"]))
                self.assertNotIn(METER, json.dumps(report))
                self.assertNotIn(self.identity, json.dumps(report))


if __name__ == "__main__":
    unittest.main()
