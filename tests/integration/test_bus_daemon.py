# SPDX-License-Identifier: MIT
"""The whole daemon on a private bus, with a pseudo terminal for a converter: what its half makes of
callers' requests. Needs no hardware and opens none (AutoBind=no)."""

import os
import pathlib
import pty
import random
import select
import subprocess
import tty
import unittest

import fuzz_bus
from private_bus import (BUILD, CONVERTER, MANAGER, NAME, NOBODY, OBJECTS, OUTPUT, ROOT, SECONDS,
                         Client, GLib, OtherUser, PrivateBus, output_path, wait_until)

CONFIG = """[daemon]
AutoBind=no
[converter "bench"]
Device={device}
Line=2400 8E1
[mqtt "home"]
Host=127.0.0.1
Port=1
"""


class DaemonCase(unittest.TestCase):
    LEVEL = "err"

    def prepare(self):
        """What stands in the state directory before the start."""

    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.stop)
        self.line, self.tty = pty.openpty()
        self.addCleanup(os.close, self.line)
        self.addCleanup(os.close, self.tty)
        tty.setraw(self.tty)
        config = self.bus.folder / "smartmeterd.conf"
        config.write_text(CONFIG.format(device=os.ttyname(self.tty)))
        config.chmod(0o600)
        self.prepare()
        self.log = open(self.bus.folder / "daemon.log", "w+")
        self.addCleanup(self.log.close)
        self.process = subprocess.Popen(
            [BUILD / "daemon/smartmeterd", "--config", config, "--state-dir",
             self.bus.folder / "state", "--log-level", self.LEVEL], env=self.bus.env, stderr=self.log)
        self.addCleanup(self.stop)
        self.client = Client(self.bus, signals=False)
        self.addCleanup(self.client.close)
        wait_until(lambda: self.process.poll() is not None or self.client.call_bus(
            "NameHasOwner", GLib.Variant("(s)", (NAME,)))[0], "the daemon's name")

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=SECONDS)
        self.log.seek(0)
        self.assertEqual(code, 0, self.log.read())


class TestLeftSpools(DaemonCase):
    LEVEL = "notice"

    def leave(self, name, size):
        (self.bus.folder / "state" / name).write_bytes(bytes(size))

    def prepare(self):
        (self.bus.folder / "state").mkdir(mode=0o700)
        self.leave("mqtt-old_one.spool", 3000)
        self.leave("mqtt-old_one.spool-wal", 3000)
        self.leave("mqtt-home.conf", 3000)

    def told(self):
        lines = pathlib.Path(self.log.name).read_text().splitlines()
        return [line for line in lines if "readings wait in" in line]

    def test_spool_without_a_section_is_told_at_start_and_reload(self):
        told, = wait_until(self.told, "the look at the disk")
        self.assertIn('state/mqtt-old_one.spool (3 kB) for a section [mqtt "old_one"]', told)
        config = self.bus.folder / "smartmeterd.conf"
        config.write_text(config.read_text().replace('"home"', '"new"'))
        self.leave("mqtt-home.spool", 1)
        self.assertEqual(self.client.call(ROOT, MANAGER, "Reload"), ([],))
        wait_until(lambda: len(self.told()) == 3, "what the section left behind when it had gone")
        self.assertIn('[mqtt "home"]', "".join(self.told()[1:]))
        (self.bus.folder / "state/mqtt-old_one.spool").unlink()
        (self.bus.folder / "state/mqtt-home.spool").unlink()
        self.assertEqual(self.client.call(ROOT, MANAGER, "Reload"), ([],))
        self.assertEqual(len(self.told()), 3)


class TestDaemon(DaemonCase):
    def converter(self):
        objects = self.client.call(ROOT, OBJECTS, "GetManagedObjects")[0]
        path, = (p for p, interfaces in objects.items() if CONVERTER in interfaces)
        return path

    def test_unchanged_broker_goes_on_over_reloads(self):
        for _ in range(3):
            self.assertEqual(self.client.call(ROOT, MANAGER, "Reload"), ([],))
            self.client.call(output_path("home"), OUTPUT, "Reconnect")
        self.assertEqual(self.client.get(output_path("home"), OUTPUT, "Name"), "home")

    def test_port_is_free_while_it_is_inhibited_and_taken_back_after(self):
        path = self.converter()

        def state():
            return self.client.get(path, CONVERTER, "State")
        before = wait_until(lambda: state() in ("detecting", "receiving", "silent") and state(),
                            "the port to be opened")
        value, fds = self.client.call_fds(path, CONVERTER, "Inhibit",
                                          GLib.Variant("(ss)", ("a test", "to look")))
        self.assertEqual(state(), "inhibited")
        self.assertIn("a test", self.client.get(path, CONVERTER, "StateReason"))
        os.close(fds.steal_fds()[value[0]])
        wait_until(lambda: state() == before, "the port to be taken back")

    def test_capture_gives_the_bytes_of_the_line(self):
        path = self.converter()
        wait_until(lambda: self.client.get(path, CONVERTER, "State") != "gone", "the port")
        value, fds = self.client.call_fds(path, CONVERTER, "Capture",
                                          GLib.Variant("(a{sv})", ({},)))
        fd = fds.steal_fds()[value[0]]
        self.addCleanup(os.close, fd)
        os.write(self.line, b"/no telegram\r\n")
        self.assertTrue(select.select([fd], [], [], SECONDS)[0], "no bytes came")
        self.assertEqual(os.read(fd, 100), b"/no telegram\r\n")

    def test_strangers_and_root_call_everything_at_random_and_the_daemon_goes_on(self):
        if os.getuid() != 0:
            self.skipTest("playing another user needs root")
        calls = fuzz_bus.members(self.client)
        for uid in (NOBODY, 0):
            other = OtherUser(self.bus, uid=uid, gid=uid)
            self.addCleanup(other.leave)
            fuzz_bus.play(random.Random(11 + uid), other, calls, 1000)
            other.leave()
            self.assertIsNone(self.process.poll())
            self.assertIn(self.client.get(ROOT, MANAGER, "State"), ("running", "degraded"))


if __name__ == "__main__":
    unittest.main()
