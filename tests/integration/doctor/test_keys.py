# SPDX-License-Identifier: MIT
"""Keys as people type them, with the real service: what is shown is of the key that is set now."""

import unittest

from private_bus import wait_until
from smctl_case import DaemonCase
from test_smctl_daemon import telegram
from test_smctl_terminal import Terminal

KEY, AUTH = "00112233445566778899AABBCCDDEEFF", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
WRONG = "FFEEDDCCBBAA99887766554433221100"


class TestKeys(DaemonCase):
    now = 1800000000

    def feed(self):
        """A telegram later than all before: their frame counters grow."""
        self.now += 60
        self.link.feed(telegram("lgz-e570", "--key", KEY, "--auth-key", AUTH, "--security", "30",
                                "--time", str(self.now)))

    def key_state(self):
        meters = self.json("list-meters")
        return meters[0]["key_state"] if meters else ""

    def feed_until(self, condition, what):
        def fed():
            self.feed()
            return condition()
        return wait_until(fed, what)

    def set_key(self, *keys):
        meter = self.json("list-meters")[0]["id"]
        self.run_ok("set-key", meter, stdin="\n".join(keys) + "\n", env=self.env)

    def test_right_key_after_a_wrong_one_is_not_called_wrong(self):
        self.feed_until(lambda: self.key_state() == "missing", "the meter")
        for keys, state in (([WRONG, AUTH], "wrong-encryption-key"),
                            ([KEY, WRONG], "wrong-authentication-key"), ([KEY, AUTH], "ok")):
            self.set_key(*keys)
            self.assertEqual(self.key_state(), "unverified")  # before any telegram
            self.feed_until(lambda: self.key_state() != "unverified", "the key to be tried")
            self.assertEqual(self.key_state(), state)

    def test_keys_in_each_others_place_are_told_as_that(self):
        self.feed_until(lambda: self.key_state() == "missing", "the meter")
        self.set_key(AUTH, KEY)
        self.feed_until(lambda: self.key_state() == "wrong-encryption-key", "the key to be tried")
        converter, = self.json("list-converters")
        self.assertEqual(converter["state_code"], "keys-exchanged")
        self.assertIn("exchanged", converter["state_reason"])

    def test_wizard_asks_until_the_key_is_right_and_says_which_is_wrong(self):
        self.feed_until(lambda: self.key_state() == "missing", "the meter")
        terminal = Terminal(["identify", "--seconds", "120"], dict(self.env, NO_COLOR="1"), 200)
        terminal.read_until(lambda out: "Ctrl-C" in out, "the beginning")
        self.link.unplug()
        terminal.read_until(lambda out: "plug it in again" in out, "its name")
        self.link.plug()
        for keys, word in (((WRONG, AUTH), "is encrypted"),
                           ((AUTH, KEY), "encryption key of the meter"),
                           ((KEY, WRONG), "two keys of the meter"),
                           ((KEY, AUTH), "is right, its authentication key is wrong")):
            terminal.output = ""
            terminal.read_until(lambda out: word in out and "Encryption key" in out, word, self.feed)
            terminal.press(keys[0] + "\r")
            terminal.read_until(lambda out: "Authentication key (" in out, "the second question")
            terminal.press(keys[1] + "\r")
            terminal.read_until(lambda out: "next telegram tells" in out, "the answer")
        terminal.read_until(lambda out: "All is well" in out, "the reading", self.feed)
        out, code = terminal.end()
        self.assertEqual(code, 0, out)


if __name__ == "__main__":
    unittest.main()
