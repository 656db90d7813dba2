# SPDX-License-Identifier: MIT
"""An adopted converter without serial number in another socket. Run under umockdev-wrapper."""

import os
import pathlib
import signal
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import private_bus as bus
from harness import Daemon, make_bed, telegram
from private_bus import wait_until

METER, STRANGER = "LGZ1030655933512", "LGZ1030655933599"
E450 = telegram("lgz-e450", "--meter-id", METER)
OTHER = telegram("lgz-e450", "--meter-id", STRANGER)
NAMED = f'[meter "{METER}"]\nName=House\n'


class Moved(unittest.TestCase):
    def setUp(self):
        self.bed = make_bed()

    def stick(self, port):
        return self.bed.converter("ch340", port=port)

    def adopted(self, d, port="1"):
        """It was adopted, read, and is still plugged in."""
        c = self.stick(port).plug()
        d.wait_state(c.identity, "ignored")
        d.manager("Adopt", "sa{sv}", c.tty, {})
        self.read(d, c)
        d.wait_meter(METER, "Online", True)
        # Once it is remembered: the row is written a moment after the telegram.
        wait_until(lambda: "2400" in d.converter(c.identity, "Line"), "its line")
        return c

    def read(self, d, c):
        # What it sent without a listener may be there at once.
        wait_until(lambda: d.converters().get(c.identity) in ("detecting", "receiving"), "it to be opened")
        wait_until(lambda: c.feed(E450) or d.converters()[c.identity] == "receiving", "its meter")

    def leave(self, d, c):
        c.unplug()
        d.wait_state(c.identity, "gone")
        return c

    def code(self, d, c):
        return d.converter(c.identity, "StateCode")

    def wait_code(self, d, c, code):
        wait_until(lambda: c.identity in d.converters() and self.code(d, c) == code,
                   f"{c.identity} to be {code}; there is {d.converters()}")

    def test_replugged_into_another_socket_it_goes_on_with_its_meter(self):
        with Daemon(NAMED) as d:
            old = self.leave(d, self.adopted(d))
            new = self.stick("2").plug()
            self.read(d, new)
            d.wait_meter(METER, "Online", True)
            self.assertEqual(d.meter(METER, "Name"), "House")
            self.assertEqual(d.meter(METER, "Converter"), bus.converter_path(new.identity))
            self.assertEqual(d.converters(), {new.identity: "receiving"})
            # … after a restart too, and a foreign device in the old socket stays foreign.
            d.restart()
            self.read(d, new)
            stranger = self.stick("1").plug()
            self.assertEqual(stranger.identity, old.identity)
            self.wait_code(d, stranger, "not-configured")
            self.assertFalse(d.has_open(stranger.pty))

    def test_stranger_with_another_meter_is_let_go_and_nothing_of_it_is_told(self):
        with Daemon() as d:
            old = self.leave(d, self.adopted(d))
            stranger = self.stick("2").plug()
            d.wait_state(stranger.identity, "detecting")
            wait_until(lambda: stranger.feed(OTHER) or self.code(d, stranger) == "other-meter",
                       "it to be let go")
            self.assertEqual(d.converters()[stranger.identity], "ignored")
            self.assertIn("smctl adopt", d.converter(stranger.identity, "StateReason"))
            self.assertFalse(d.has_open(stranger.pty))
            self.assertEqual(set(d.meters()), {METER})
            # Not tried again, and the adoption is where it was.
            stranger.unplug()
            wait_until(lambda: stranger.identity not in d.converters(), "it to leave")
            stranger = self.stick("2").plug()
            self.wait_code(d, stranger, "other-meter")
            self.assertFalse(d.has_open(stranger.pty))
            back = self.stick("1").plug()
            self.assertEqual(back.identity, old.identity)
            self.read(d, back)

    def test_one_that_was_seen_beside_it_is_never_tried(self):
        with Daemon() as d:
            ours = self.adopted(d)
            zigbee = self.stick("2").plug()
            self.wait_code(d, zigbee, "not-configured")
            self.leave(d, ours)
            self.assertEqual(self.code(d, zigbee), "not-configured")
            zigbee.unplug()
            wait_until(lambda: zigbee.identity not in d.converters(), "it to leave")
            zigbee = self.stick("3").plug()
            self.wait_code(d, zigbee, "moved")
            self.assertFalse(d.has_open(zigbee.pty))

    def test_one_that_moved_while_the_service_was_off_is_told_and_adopted_by_hand(self):
        with Daemon(NAMED) as d:
            old = self.adopted(d)
            d.stop()
            old.unplug()
            new = self.stick("2").plug()
            d.start()
            self.wait_code(d, new, "moved")
            self.assertIn("smctl adopt", d.converter(new.identity, "StateReason"))
            self.assertFalse(d.has_open(new.pty))
            d.manager("Adopt", "sa{sv}", new.tty, {})
            self.read(d, new)
            d.wait_meter(METER, "Online", True)
            self.assertEqual(d.meter(METER, "Name"), "House")
            stranger = self.stick("1").plug()
            self.assertEqual(stranger.identity, old.identity)
            self.wait_code(d, stranger, "not-configured")
            self.assertFalse(d.has_open(stranger.pty))

    def test_reason_goes_when_the_missing_one_is_back(self):
        with Daemon() as d:
            ours = self.adopted(d)
            d.stop()
            ours.unplug()
            other = self.stick("2").plug()
            d.start()
            self.wait_code(d, other, "moved")
            back = self.stick("1").plug()
            self.read(d, back)
            self.wait_code(d, other, "not-configured")

    def test_port_that_a_program_has_open_is_not_taken_from_it(self):
        with Daemon() as d:
            self.leave(d, self.adopted(d))
            new = self.stick("2")
            code = ("import os, sys\nos.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)\n"
                    "print('open', flush=True)\nsys.stdin.read()\n")
            os.kill(d.pid, signal.SIGSTOP)  # the program is the first to see it
            try:
                new.plug()
                user = subprocess.Popen([sys.executable, "-c", code, new.pty], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)
                self.addCleanup(user.communicate)
                self.assertEqual(user.stdout.readline(), b"open\n")
                before = new.line()
            finally:
                os.kill(d.pid, signal.SIGCONT)
            self.wait_code(d, new, "in-use")
            self.assertIn(str(user.pid), d.converter(new.identity, "StateReason"))
            self.assertEqual(new.line(), before)
            self.assertFalse(d.has_open(new.pty))


if __name__ == "__main__":
    unittest.main(verbosity=2)
