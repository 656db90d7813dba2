#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""smctl simulate from outside: a tty that is there at once, telegrams that decode to what it says it
sent, unplugging and replugging by signal and by count, an end that leaves nothing behind.

usage: test_simulate.py SMCTL
"""
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import termios
import time
import unittest

SMCTL = os.path.abspath(sys.argv[1])
DEADLINE_S = 60 * float(os.environ.get("SMARTMETERD_TEST_SLOWDOWN", "1"))
KEY = "000102030405060708090A0B0C0D0E0F"
AUTH_KEY = "00112233445566778899AABBCCDDEEFF"
NOON = 1781438400  # a day in June: the sun is on the roof until nine
ENCRYPTABLE = ["lgz-e450", "lgz-e360", "lgz-e570", "iskra-am550", "kamstrup-omnipower"]


def smctl(*args, **kwargs):
    return subprocess.run([SMCTL, *args], capture_output=True, timeout=DEADLINE_S, **kwargs)


def profiles():
    lines = smctl("simulate", check=True).stdout.decode().splitlines()
    return [line.split()[0] for line in lines if not line.startswith(" ")]


class Lines:
    """Lines of a pipe, each awaited with a deadline."""

    def __init__(self, pipe):
        self.fd = pipe.fileno()
        self.rest = b""

    def next(self):
        end = time.monotonic() + DEADLINE_S
        while b"\n" not in self.rest:
            if not select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError("no line in time")
            data = os.read(self.fd, 65536)
            if not data:
                raise AssertionError("the output ended")
            self.rest += data
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def until(self, event):
        while True:
            line = self.next()
            if line["event"] == event:
                return line


class Simulate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.link = os.path.join(self.folder.name, "tty")
        self.process = None

    def tearDown(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process:
            self.process.stdout.close()
        self.folder.cleanup()

    def start(self, *args):
        self.process = subprocess.Popen([SMCTL, "simulate", *args, "--json", "--link", self.link],
                                        stdout=subprocess.PIPE)
        lines = Lines(self.process.stdout)
        self.assertEqual(lines.next()["event"], "plugged")
        return lines

    def open(self):
        return os.open(self.link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)

    def read(self, fd, n):
        data = b""
        end = time.monotonic() + DEADLINE_S
        while len(data) < n:
            if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
                break
            data += os.read(fd, n - len(data))
        return data

    def decode(self, data, *args):
        done = smctl("decode", "--json", *args, "-", input=data)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def compare(self, sent, got):
        self.assertIsNone(got["error"])
        values = {r["obis"]: (r["value"], r["unit"]) for r in got["readings"]}
        for r in sent["readings"]:
            self.assertEqual(values[r["obis"]][0], r["value"], r["obis"])
            self.assertEqual(values[r["obis"]][1] or "", r["unit"], r["obis"])
        self.assertEqual(len(values), len(sent["readings"]))
        self.assertEqual(got["encrypted"], sent["encrypted"])
        if sent["meter"]:
            self.assertEqual(got["meter"], sent["meter"])

    def test_simulate_lists_profiles_as_json(self):
        listed = json.loads(smctl("simulate", "--json", check=True).stdout)
        self.assertEqual([p["profile"] for p in listed], profiles())
        for p in listed:
            self.assertEqual(set(p), {"profile", "line", "text"})
            self.assertRegex(p["line"], r"^\d+ [78][NEO][12]$")
            self.assertTrue(p["text"])

    def test_simulate_replaces_a_link_but_no_file(self):
        with open(self.link, "w", encoding="ascii") as file:
            file.write("mine")
        done = smctl("simulate", "lgz-e450", "-n", "1", "--link", self.link)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is there already and is no symbolic link", done.stderr)
        with open(self.link, encoding="ascii") as file:
            self.assertEqual(file.read(), "mine")
        os.unlink(self.link)
        os.symlink("/nonexistent/left-by-one-that-was-killed", self.link)
        self.start("lgz-e450")
        os.close(self.open())

    def test_simulate_writes_files_that_decode(self):
        path = os.path.join(self.folder.name, "bytes")
        for profile in profiles():
            done = smctl("simulate", profile, "-o", path, "-n", "3", "--json", check=True)
            sent = [json.loads(line) for line in done.stdout.splitlines()]
            with open(path, "rb") as file:
                data = file.read()
            got = self.decode(data, "--key", KEY, "--auth-key", AUTH_KEY)
            self.assertEqual(len(got), 3, profile)
            for s, g in zip(sent, got):
                with self.subTest(profile=profile):
                    self.compare(s, g)

    def test_simulate_decodes_at_any_hour(self):
        # Phases that import and export at once, kettles, nights: no load makes another number.
        path = os.path.join(self.folder.name, "bytes")
        for profile in profiles():
            for hour in range(24):
                done = smctl("simulate", profile, "-o", path, "-n", "1", "--json",
                             "--seed", str(hour + 1), "--time", str(NOON + hour * 3600), check=True)
                with open(path, "rb") as file:
                    got = self.decode(file.read(), "--key", KEY, "--auth-key", AUTH_KEY)
                with self.subTest(profile=profile, hour=hour):
                    self.compare(json.loads(done.stdout.splitlines()[0]), got[0])

    def test_simulate_encrypts_first_class_meters(self):
        path = os.path.join(self.folder.name, "bytes")
        key = "a1" * 16
        for profile in ENCRYPTABLE:
            done = smctl("simulate", profile, "-o", path, "--json", "--key", key, "--auth-key",
                         AUTH_KEY, "--security", "30", check=True)
            sent = json.loads(done.stdout)
            with open(path, "rb") as file:
                got = self.decode(file.read(), "--key", key, "--auth-key", AUTH_KEY)
            self.assertTrue(got[0]["encrypted"])
            self.compare(sent, got[0])

    def test_simulate_hex_is_read_by_decode(self):
        done = smctl("simulate", "lgz-e450", "--stdout", "--hex", "--fast", "-n", "1", check=True)
        self.assertTrue(done.stdout.startswith(b"# lgz-e450"))
        self.assertEqual(len(self.decode(done.stdout)), 1)

    def test_simulate_plays_into_a_tty(self):
        lines = self.start("lgz-e450", "--fast", "--interval", "0.2")
        lines.until("telegram")
        fd = self.open()
        sent = [lines.until("telegram") for _ in range(3)]
        got = self.decode(self.read(fd, 2 * sent[0]["bytes"]))
        os.close(fd)
        times = {g["time"]: g for g in got}
        self.assertTrue(times)
        for s in sent:
            if s["time"] in times and s["sequence"] != sent[-1]["sequence"]:
                self.assertEqual(s["meter"], times[s["time"]]["meter"])

    def test_simulate_unplugs_and_replugs_by_signal(self):
        lines = self.start("dsmr5", "--fast", "--interval", "0.1")
        fd = self.open()
        lines.until("telegram")
        self.process.send_signal(signal.SIGUSR1)
        lines.until("unplugged")
        self.assertFalse(os.path.lexists(self.link))
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        self.assertTrue(poll.poll(DEADLINE_S * 1000)[0][1] & select.POLLHUP)
        os.close(fd)
        self.process.send_signal(signal.SIGUSR2)
        lines.until("plugged")
        fd = self.open()
        lines.until("telegram")
        self.assertTrue(self.read(fd, 10))
        os.close(fd)

    def test_simulate_unplugs_and_replugs_by_count(self):
        lines = self.start("dsmr5", "--fast", "--interval", "0.05", "--unplug-after", "2",
                           "--replug-after", "0.2", "--count", "4")
        events = ["plugged"]
        for _ in range(6):
            events.append(lines.next()["event"])
        self.assertEqual(events, ["plugged", "telegram", "telegram", "unplugged", "plugged",
                                  "telegram", "telegram"])
        self.assertEqual(self.process.wait(DEADLINE_S), 0)
        self.assertFalse(os.path.lexists(self.link))

    def set_speed(self, fd, speed):
        attributes = termios.tcgetattr(fd)
        attributes[4] = attributes[5] = speed
        termios.tcsetattr(fd, termios.TCSANOW, attributes)

    def test_simulate_answers_who_speaks_at_its_speed(self):
        lines = self.start("mode-c", "--fast", "--meter-id", "40230017")
        fd = self.open()
        self.set_speed(fd, termios.B9600)
        os.write(fd, b"/?!\r\n")
        request = lines.until("request")
        self.assertEqual((request["understood"], request["baud"], request["heard_bytes"]), (None, 9600, 5))
        self.set_speed(fd, termios.B300)
        os.write(fd, b"/?40230018!\r\n")  # another meter on the same line
        self.assertEqual(lines.until("request")["understood"], None)
        os.write(fd, b"/?40230017!\r\n")
        self.assertEqual(lines.until("request")["understood"], "sign-on")
        ident = self.read(fd, 23)
        self.assertEqual(ident, b"/LGZ5\\2ZMD3104100.B32\r\n")
        os.write(fd, b"\x06040\r\n")
        request = lines.until("request")
        self.assertEqual((request["understood"], request["hex"]), ("readout", "063034300d0a"))
        self.set_speed(fd, termios.B4800)
        sent = lines.until("telegram")
        block = self.read(fd, sent["bytes"] - len(ident))
        self.compare(sent, self.decode(ident + block)[0])
        os.close(fd)

    def test_simulate_ends_while_it_waits_to_be_asked(self):
        self.start("siemens-td3511")
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(DEADLINE_S), 0)
        self.assertFalse(os.path.lexists(self.link))

    def test_simulate_ends_on_sigterm(self):
        lines = self.start("lgz-e450")
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(DEADLINE_S), 0)
        self.assertFalse(os.path.lexists(self.link))
        self.assertTrue(lines)

    def test_simulate_is_reproducible(self):
        args = ("simulate", "kaifa-ma309", "--stdout", "--fast", "-n", "5", "--seed", "9", "--time",
                "1782813592", "--error-rate", "0.01")
        first, second = smctl(*args, check=True).stdout, smctl(*args, check=True).stdout
        clean = smctl(*args[:-2], check=True).stdout
        self.assertEqual(first, second)
        self.assertEqual(len(first), len(clean))
        self.assertNotEqual(first, clean)

    def test_simulate_refuses_misuse(self):
        for args in (["no-such-meter"], ["dsmr5", "--key", KEY], ["lgz-e450", "--key", "12"],
                     ["lgz-e450", "--hex"], ["lgz-e450", "--line", "fast"],
                     ["lgz-e450", "--interval", "-1"], ["lgz-e450", "--security", "7"],
                     ["lgz-e450", "--cipher", "rot13"], ["lgz-e450", "--stdout", "--json"],
                     ["lgz-e450", "--meter-id", "x" * 100], ["lgz-e450", "--trouble", "echo"],
                     ["mode-c", "--stdout", "--trouble", "echo"], ["mode-c", "--trouble", "ecco"],
                     ["mode-c", "--trouble", "echo,"], ["mode-c", "--trouble", "slow=0"],
                     ["mode-c", "--trouble", "slow=-1"], ["mode-c", "--trouble", "slow=2x"],
                     ["mode-c", "--trouble", "slow=4294967296"], ["siemens-amis", "--plain"],
                     ["siemens-amis", "--security", "30"], ["siemens-amis", "--auth-key", KEY]):
            done = smctl("simulate", *args)
            self.assertEqual(done.returncode, 2, args)
            self.assertTrue(done.stderr, args)


if __name__ == "__main__":
    sys.argv[1:] = []
    unittest.main(verbosity=2)
