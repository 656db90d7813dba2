# SPDX-License-Identifier: MIT
"""Who could read the service's memory, its files, its log: what is there of a key, or of a reading."""

import os
import pathlib
import unittest

from attack_bed import Service, mqtt, p1, wait_until
from meter_bed import telegram

METER = "ISK1030783000001"
KEY, AUTH_KEY = "A1B2C3D4E5F60718293A4B5C6D7E8F90", "0F1E2D3C4B5A69788796A5B4C3D2E1F0"
FILE_KEY = "DEADBEEFCAFEBABE0123456789ABCDEF"
# What is freed is written over in part, by malloc() and by what comes next: any piece is too much.
PASSWORD = "correct-horse-battery-" + "".join(f"{n * 7919 % 99991:05}" for n in range(7, 47))
PIECES = [PASSWORD[at:at + 20].encode() for at in range(0, len(PASSWORD) - 20, 10)]


def encrypted():
    return telegram("iskra-am550", "--meter-id", METER, "--key", KEY, "--auth-key", AUTH_KEY,
                    "--security", "30")


def copies(image, key):
    """(as bytes, as digits)"""
    return image.count(bytes.fromhex(key)), image.upper().count(key.encode())


@unittest.skipIf(os.environ.get("SMARTMETER_SANITIZER"), "a sanitizer keeps what is freed")
class KeysInMemory(unittest.TestCase):
    def setUp(self):
        self.s = Service()
        self.addCleanup(lambda: self.s.__exit__(None, None, None))
        self.s.__enter__()

    def test_a_key_that_was_forgotten_is_nowhere(self):
        s = self.s
        s.smctl("set-key", METER, input=f"{KEY}\n{AUTH_KEY}\n")
        s.feed(encrypted())
        s.wait_telegrams(METER)
        image = s.memory()
        for key in (KEY, AUTH_KEY):
            # The page of state.db it stands in, and SQLite's room to build such a page in: the
            # look is at the right place, and there is no second keyring.
            as_bytes, as_digits = copies(image, key)
            self.assertIn(as_bytes, (1, 2, 3))
            self.assertEqual(as_digits, 0)
        s.smctl("forget", METER)
        image = s.memory()
        for key in (KEY, AUTH_KEY):
            self.assertEqual(copies(image, key), (0, 0))
            for path in s.state.iterdir():
                self.assertNotIn(bytes.fromhex(key), path.read_bytes(), path)

    def test_what_left_the_configuration_has_left_the_memory(self):
        s = self.s
        password = s.folder / "password"
        password.write_text(PASSWORD + "\n")
        os.chmod(password, 0o600)
        s.write(f'[meter "X9"]\nKey={FILE_KEY}\n[mqtt "l"]\nHost=127.0.0.1\nPort=1\n'
                f"Username=u\nPasswordFile={password}\n")
        s.smctl("reload")
        image = s.memory()
        self.assertEqual(copies(image, FILE_KEY), (1, 0))
        self.assertEqual([p for p in PIECES if p not in image], [])
        s.write("")
        s.smctl("reload")
        # A sink ends beside the loop.
        wait_until(lambda: not any(map(s.memory().count, PIECES)), "the password to be gone")
        self.assertEqual(copies(s.memory(), FILE_KEY), (0, 0))

    def test_no_key_is_in_the_log_or_where_others_look(self):
        s = self.s
        password = s.folder / "password"
        password.write_text(PASSWORD + "\n")
        os.chmod(password, 0o600)
        s.write(f'[daemon]\nLogLevel=debug\n[meter "X9"]\nKey={FILE_KEY}\n' +
                mqtt("l", 1, "Username=u", f"PasswordFile={password}"))
        s.smctl("reload")
        s.write(f'[daemon]\nLogLevel=debug\n[meter "X9"]\nKey={FILE_KEY}0\n')  # a digit too many
        s.smctl("reload", code=1)
        s.smctl("set-key", METER, input=f"{KEY}\n{AUTH_KEY}\n")
        s.smctl("set-key", METER, code=None, input=KEY[:-1] + "\n")  # a digit is missing
        s.feed(encrypted())
        s.wait_telegrams(METER)
        shown = [s.log]
        for name in ("environ", "cmdline"):
            with open(f"/proc/{s.pid}/{name}", errors="replace") as f:
                shown.append(f.read())
        shown += [s.smctl("status", "--json"), s.smctl("list-meters", "--json"),
                  s.smctl("doctor", code=None)]
        for text in shown:
            for key in (KEY, AUTH_KEY, FILE_KEY, PASSWORD.upper()):
                self.assertNotIn(key[:-1], text.upper())

    def test_no_reading_is_in_the_log(self):
        s = self.s
        s.write('[meter "SEQ2"]\nMaxPower=10kW\n' + mqtt("l", 1))
        s.smctl("reload")
        numbers = [(76543210, 87643), (76543219, 87644), (11122233, 87645), (76543228, 87646)]
        for n, (wh, watts) in enumerate(numbers):  # the third one is implausible
            s.feed(p1(b"SEQ2", wh, watts))
            s.wait_telegrams("SEQ2", n + 1)
        self.assertIn("implausible", s.log)
        self.assertIn("SEQ2", s.log)
        s.stop()
        for n in [n for pair in numbers for n in pair]:
            self.assertNotRegex(s.log, f"{n}|{n // 1000}[.,]{n % 1000:03}")

    def test_no_memory_image_is_written_of_it(self):
        # 1: nothing to a file, and nothing to a program that collects them (core(5)).
        limits = pathlib.Path(f"/proc/{self.s.pid}/limits").read_text()
        self.assertRegex(limits, r"Max core file size +1 +1 ")

    def test_nobody_else_reads_the_state(self):
        s = self.s
        s.smctl("set-key", METER, input=KEY + "\n")
        self.assertEqual(s.state.stat().st_mode & 0o077, 0)
        for path in s.state.iterdir():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


if __name__ == "__main__":
    unittest.main(verbosity=2)
