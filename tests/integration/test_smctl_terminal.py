# SPDX-License-Identifier: MIT
"""What smctl draws on a terminal: widths, colours, the live table, and how it leaves."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unittest

from private_bus import SECONDS
from smctl_case import ID, SMCTL, BusCase


class Terminal:
    """smctl on a pty of a given size."""

    def __init__(self, args, env, columns=80, rows=24):
        environment = dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="", TERM="xterm-256color")
        environment.update(env)
        environment.pop("COLUMNS", None)
        if "NO_COLOR" not in env:
            environment.pop("NO_COLOR", None)
        # Its own end stays open here, so that the settings can be read after smctl has gone.
        self.master, self.slave = pty.openpty()
        self.resize(columns, rows, tell=False)
        self.before = termios.tcgetattr(self.slave)
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
            for fd in (0, 1, 2):
                os.dup2(self.slave, fd)
            os.execve(SMCTL, [SMCTL, *args], environment)
        self.output = ""

    def resize(self, columns, rows, tell=True):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if tell:
            os.kill(self.pid, signal.SIGWINCH)

    def read_until(self, condition, what, prod=None):
        deadline = time.monotonic() + SECONDS
        while not condition(self.output):
            if time.monotonic() > deadline:
                raise AssertionError(f"timed out waiting for {what}: {self.output!r}")
            if prod:
                prod()
            if select.select([self.master], [], [], 0.05)[0]:
                self.output += os.read(self.master, 65536).decode(errors="replace")
        return self.output

    def press(self, keys):
        os.write(self.master, keys.encode())

    def end(self):
        """Waits for its end; everything it wrote, and its exit code."""
        deadline = time.monotonic() + SECONDS
        while True:
            while select.select([self.master], [], [], 0.02)[0]:
                self.output += os.read(self.master, 65536).decode(errors="replace")
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                raise AssertionError(f"it does not end: {self.output!r}")
        while select.select([self.master], [], [], 0)[0]:
            self.output += os.read(self.master, 65536).decode(errors="replace")
        self.after = termios.tcgetattr(self.slave)
        os.close(self.master)
        os.close(self.slave)
        return self.output.replace("\r\n", "\n"), os.waitstatus_to_exitcode(status)


class TestTables(BusCase):
    def shown(self, *args, columns=80, **env):
        out, code = Terminal(args, dict(self.env, **env), columns).end()
        self.assertEqual(code, 0, out)
        return out

    def test_tables_fit_the_terminal(self):
        self.telegram()
        self.driver.do("output-add home")
        self.driver.do("output " + "a long story of what the broker does not like " * 4)
        for columns in (60, 80, 140):
            out = self.shown("status", columns=columns, NO_COLOR="1")
            for line in out.splitlines():
                self.assertLessEqual(len(line), columns, line)
        wide = self.shown("list-meters", columns=140, NO_COLOR="1")
        self.assertIn("MODEL", wide)
        self.assertNotIn("MODEL", self.shown("list-meters", NO_COLOR="1"))

    def test_what_is_cut_has_a_mark(self):
        self.telegram()
        for verb in ("status", "list-converters"):
            for locale, mark in (("C.UTF-8", "…"), ("C", "...")):
                for columns in (60, 68):
                    out = self.shown(verb, columns=columns, NO_COLOR="1", LC_ALL=locale)
                    cut = [line for line in out.splitlines() if line.startswith("ttyUSB0 ")]
                    self.assertEqual(len(cut), 1, out)
                    self.assertRegex(cut[0], r"067b:\S*" + re.escape(mark) + "$")
                    self.assertEqual(len(cut[0]), columns)
                whole = self.shown(verb, columns=140, NO_COLOR="1", LC_ALL=locale)
                self.assertIn(ID, whole)
                self.assertNotIn(mark, whole)

    def test_simulate_wraps_its_list_at_blanks(self):
        out = self.shown("simulate")
        lines = out.splitlines()
        self.assertLessEqual(max(map(len, lines)), 80)
        first = lines[0].index("Landis")
        self.assertRegex(lines[1], "^ {%d}\\S" % first)  # the rest of the first one, below it
        wide = self.shown("simulate", columns=140).splitlines()
        self.assertEqual(" ".join(out.split()), " ".join(" ".join(wide).split()))
        self.assertLess(len(wide), len(lines))

    def test_colours_are_for_terminals_that_want_them(self):
        self.assertIn("\033[32mreceiving", self.shown("list-converters"))
        self.assertNotIn("\033[", self.shown("list-converters", NO_COLOR="1"))
        self.assertNotIn("\033[", self.shown("list-converters", TERM="dumb"))

    def test_json_is_readable_on_a_terminal(self):
        self.assertIn('\n    "id":"LGZ1"', self.shown("list-meters", "--json").replace(": ", ":"))

    def test_doctor_wraps_at_the_edge(self):
        self.driver.do("refuse LGZ1 1")
        out, code = Terminal(["doctor"], dict(self.env, NO_COLOR="1", SMCTL_SYSROOT="/nonexistent"),
                             80).end()
        self.assertEqual(code, 1)
        self.assertIn("utility", out)
        for line in out.splitlines():
            self.assertLessEqual(len(line), 80, line)


class TestLiveTable(BusCase):
    def start(self, *args, columns=80, rows=24, **env):
        terminal = Terminal(["monitor", *args], dict(self.env, **env), columns, rows)
        terminal.read_until(lambda out: "q quits" in out, "the first picture")
        return terminal

    def test_live_table_follows_telegrams_and_ends_with_q(self):
        terminal = self.start()
        terminal.read_until(lambda out: "4321 W" in out, "the power",
                            prod=lambda: self.telegram(4321))
        terminal.press("q")
        out, code = terminal.end()
        self.assertEqual(code, 0)
        for word in ("LGZ1", "House", "12345.678 kWh", "230.1 V", "█"):
            self.assertIn(word, out)
        self.assertTrue(out.endswith("\033[?7h\033[?25h\033[?1049l"))
        self.assertEqual(terminal.after, terminal.before)

    def test_tariff_registers_stand_in_for_a_missing_total(self):
        terminal = self.start()
        terminal.read_until(lambda out: "1234.500 kWh" in out, "the sum", prod=lambda: self.driver.do(
            "telegram LGZ1 1.8.1=1000000 1.8.2=234500"))
        terminal.press("q")
        self.assertEqual(terminal.end()[1], 0)

    def test_gas_and_heat_show_what_they_count(self):
        self.submeters()
        terminal = self.start(rows=14, NO_COLOR="1")
        out = terminal.read_until(lambda out: "GJ" in out and "m³" in out, "both")
        self.assertRegex(out, r"GAS1  gas\b")
        self.assertRegex(out, r"Counter +3555\.7 m³")
        self.assertRegex(out, r"Counter +12\.345 GJ")
        self.assertNotIn("taller", out)
        terminal.output = ""
        terminal.read_until(lambda out: "3556 m³" in out, "the next telegram",
                            prod=lambda: self.driver.do("telegram GAS1 0-1:24.2.1=3556"))
        terminal.press("q")
        self.assertEqual(terminal.end()[1], 0)

    def test_ctrl_c_and_sigterm_restore_the_terminal(self):
        for end in (lambda t: t.press("\x03"), lambda t: os.kill(t.pid, signal.SIGTERM)):
            terminal = self.start()
            end(terminal)
            out, code = terminal.end()
            self.assertEqual(code, 0)
            self.assertTrue(out.endswith("\033[?1049l"))
            self.assertEqual(terminal.after, terminal.before)

    def test_resize_redraws_and_tells_what_has_no_room(self):
        self.driver.do("meter-add KAM2")
        terminal = self.start(rows=24)
        self.assertNotIn("taller", terminal.output)
        terminal.output = ""
        terminal.resize(60, 9)
        terminal.read_until(lambda out: "and 1 more" in out, "the smaller picture")
        terminal.press("q")
        self.assertEqual(terminal.end()[1], 0)

    def test_service_that_leaves_and_comes_back_is_shown(self):
        terminal = self.start()
        self.assertEqual(self.driver.stop(), 0)
        terminal.read_until(lambda out: "service is away" in out, "the news")
        self.driver = type(self.driver)(self.bus)
        self.driver.do("meter-add LGZ1")
        self.driver.do("name")
        terminal.output = ""
        terminal.read_until(lambda out: "77 W" in out, "the new service",
                            prod=lambda: self.telegram(77))
        terminal.press("q")
        self.assertEqual(terminal.end()[1], 0)

    @unittest.skipIf(os.getuid() != 0, "skipped: without polkit only root may change something")
    def test_key_is_asked_without_echo(self):
        key = "00112233445566778899AABBCCDDEEFF"
        terminal = Terminal(["set-key", "LGZ1"], self.env)
        terminal.read_until(lambda out: "Encryption key" in out, "the question")
        terminal.press("what is this\n")
        terminal.read_until(lambda out: "no key" in out and out.count("Encryption") == 2,
                            "the second question")
        terminal.press(key + "\n")
        terminal.read_until(lambda out: "Authentication key" in out, "the other question")
        terminal.press("\n")
        out, code = terminal.end()
        self.assertEqual(code, 0)
        self.assertNotIn(key, out)
        self.assertEqual(terminal.after, terminal.before)
        self.driver.wait_request("request set-meter-key LGZ1 00..ff without-ak")


if __name__ == "__main__":
    unittest.main()
