# SPDX-License-Identifier: MIT
"""smctl adopt for a port of the machine itself, with the real service: what it writes, what it asks
of systemd, what it refuses. The machine is a folder; its port leads to a pty where one is read."""

import os
import pathlib
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

from harness import Daemon, Link, telegram
from machine import Machine
from private_bus import wait_until
from smctl_case import SMCTL, SmctlCase, smctl
from test_smctl_terminal import Terminal

GETTY = "serial-getty@ttyAMA0.service"
METER = "LGZ1030655933512"


@unittest.skipIf(os.getuid() != 0, "skipped: without polkit only root may change something")
class TestAdoptBoard(SmctlCase):
    def setUp(self):
        self.machine = Machine()
        self.addCleanup(shutil.rmtree, self.machine.root)
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.daemon = Daemon()
        self.daemon.config_path = self.folder / "smartmeterd.conf"
        self.daemon.configure("")
        self.enterContext(self.daemon)
        self.units = self.machine.root / "etc/systemd/system"
        self.units.mkdir(parents=True)
        (self.machine.root / "run/systemd/system").mkdir(parents=True)
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.daemon.bus.address,
                    "SMCTL_SYSROOT": str(self.machine.root),
                    "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        self.make_systemctl()

    def make_systemctl(self):
        """Notes what it is asked for; a service that begins anew has read its configuration."""
        (self.folder / "bin").mkdir()
        program = self.folder / "bin/systemctl"
        program.write_text(f"#!/bin/sh\necho \"$*\" >>{self.folder}/asked\n"
                           f"case \"$*\" in *restart*) exec {SMCTL} reload >/dev/null ;; esac\n")
        program.chmod(0o755)

    def asked(self):
        file = self.folder / "asked"
        return [line.replace("--quiet ", "") for line in file.read_text().splitlines()] if file.exists() else []

    def uart(self, name="ttyAMA0", kind="3", number=64):
        """A port as the kernel shows it. Nothing on this machine answers to its number."""
        node = self.machine.root / "dev" / name
        node.parent.mkdir(exist_ok=True)
        os.mknod(node, 0o660 | stat.S_IFCHR, os.makedev(204, number))
        self.machine.write(f"sys/class/tty/{name}/device/uevent", "DRIVER=uart-pl011")
        self.machine.write(f"sys/class/tty/{name}/type", kind)
        return node

    def adopt(self, *args, **more):
        return smctl("adopt", "--config", str(self.daemon.config_path), *args, env=self.env, **more)

    def written(self):
        return sorted(p.name for p in [*self.folder.rglob("adopt-*"), *self.units.rglob("adopt-*")])

    def section(self, name):
        return (self.folder / f"smartmeterd.conf.d/adopt-{name}.conf").read_text()

    def drop_in(self, name):
        return (self.units / f"smartmeterd.service.d/adopt-{name}.conf").read_text()

    def hold(self, node):
        """Another program that has the port open."""
        child = subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()
        self.addCleanup(lambda: (child.stdin.close(), child.wait(), child.stdout.close()))
        self.machine.process(child.pid, "agetty", unit=GETTY)
        folder = self.machine.root / f"proc/{child.pid}/fd"
        folder.mkdir()
        (folder / "0").symlink_to(node)
        return child

    def test_port_of_the_machine_is_read_after_one_command_and_given_back_by_forget(self):
        link = Link(self.folder / "serial0").plug()
        self.addCleanup(link.unplug)
        there = pathlib.Path(f"{self.machine.root}{link.path}")
        there.parent.mkdir(parents=True)
        there.symlink_to(link.path)
        got = self.run_json("adopt", "--config", str(self.daemon.config_path), "--profile", "lgz-e450",
                            link.path, env=self.env)
        self.assertEqual(got["id"], "tty@" + link.path[1:].replace("/", "-"))
        self.assertEqual([pathlib.Path(f).name for f in got["files"]], ["adopt-serial0.conf"] * 2)
        self.assertIn(f'[converter "serial0"]\nDevice={link.path}\n', self.section("serial0"))
        self.assertIn("[Service]\nDeviceAllow=char-pts rw\n", self.drop_in("serial0"))
        self.assertEqual(self.asked(), ["daemon-reload", "restart smartmeterd.service"])
        wait_until(lambda: link.feed(telegram("lgz-e450", "--meter-id", METER)) or
                   self.daemon.converters() == {got["id"]: "receiving"}, "the meter")
        self.run_ok("forget", "--config", str(self.daemon.config_path), got["id"], env=self.env)
        self.assertEqual(self.written(), [])
        self.assertEqual(self.daemon.converters(), {})
        self.assertEqual(self.asked()[2:], ["daemon-reload"])

    def test_uart_gets_its_section_and_the_sandbox_opens_for_it_alone(self):
        self.uart()
        done = self.adopt("ttyAMA0", "--line", "9600 7E1")
        self.assertIn("Device=/dev/ttyAMA0\nLine=9600 7E1\n", self.section("ttyAMA0"))
        self.assertIn("DeviceAllow=/dev/ttyAMA0 rw\n", self.drop_in("ttyAMA0"))
        self.assertEqual(self.asked()[-1], "restart smartmeterd.service")
        # … and the end is what the service says of it: here it has no such port.
        self.assertEqual(done.returncode, 1)
        self.assertIn("/dev/ttyAMA0", done.stderr)
        self.assertIn("tty@dev-ttyAMA0", self.daemon.converters())
        # Once more, with another wish: the same files.
        self.adopt("/dev/ttyAMA0")
        self.assertNotIn("9600", self.section("ttyAMA0"))
        self.assertEqual(self.written(), ["adopt-ttyAMA0.conf"] * 2)

    def test_section_that_somebody_wrote_stays_the_only_one(self):
        self.uart()
        self.daemon.configure('[converter "mine"]\nDevice=/dev/ttyAMA0\n')
        self.daemon.manager("Reload")
        self.adopt("ttyAMA0")
        self.assertEqual(self.written(), ["adopt-ttyAMA0.conf"])
        self.assertIn("DeviceAllow=", self.drop_in("ttyAMA0"))

    def test_where_no_systemd_runs_the_service_reads_its_configuration(self):
        shutil.rmtree(self.machine.root / "run/systemd")
        self.uart()
        self.adopt("ttyAMA0")
        self.assertEqual((self.asked(), self.written()), ([], ["adopt-ttyAMA0.conf"]))
        self.assertIn("tty@dev-ttyAMA0", self.daemon.converters())

    def test_login_prompt_is_told_and_kept_off_when_that_is_wanted(self):
        node = self.uart()
        self.hold(node)
        done = self.adopt("ttyAMA0")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"a login prompt ({GETTY}) reads there; with --free", done.stderr)
        self.assertEqual((self.written(), self.asked()), ([], []))
        os.chown(node, 0, 5)
        os.chmod(node, 0o620)
        self.adopt("ttyAMA0", "--free")
        self.assertEqual(self.asked()[0], f"mask --now {GETTY}")
        self.assertEqual(stat.S_IMODE(node.stat().st_mode), 0o660)
        self.assertNotEqual(node.stat().st_gid, 5)
        self.assertNotIn("SupplementaryGroups", self.drop_in("ttyAMA0"))

    def test_person_is_asked_about_the_login_prompt(self):
        self.hold(self.uart())
        for answer, asked in (("\r", []), ("y\r", [f"mask --now {GETTY}"])):
            terminal = Terminal(["adopt", "--config", str(self.daemon.config_path), "ttyAMA0"],
                                dict(self.env, NO_COLOR="1"), 200)
            terminal.read_until(lambda out: "[y/N]" in out, "the question")
            terminal.press(answer)
            terminal.end()
            self.assertEqual(self.asked()[:1], asked)

    def test_port_that_another_program_reads_is_not_taken(self):
        child = self.hold(self.uart())
        self.machine.write(f"proc/{child.pid}/cgroup", "0::/system.slice/fhem.service")
        done = self.adopt("ttyAMA0", "--free")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"agetty has it open (process {child.pid})", done.stderr)
        self.assertEqual((self.written(), self.asked()), ([], []))

    def test_console_of_the_kernel_is_told_with_its_cure(self):
        self.machine.write("proc/cmdline", "console=ttyAMA0,115200 console=tty1 root=x")
        link = Link(self.folder / "uart").plug()
        self.addCleanup(link.unplug)
        there = pathlib.Path(f"{self.machine.root}{link.path}")
        there.parent.mkdir(parents=True)
        there.symlink_to(link.path)
        number = os.readlink(link.path).rsplit("/", 1)[1]
        self.machine.write("proc/cmdline", f"console=tty1 console={number},115200")
        done = self.adopt(link.path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Take console= with this port out of the kernel's command line", done.stderr)

    def test_what_is_no_port_is_told(self):
        self.uart("ttyS5", kind="0", number=65)
        os.mknod(self.machine.root / "dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
        for tty, word in (("ttyS5", "no hardware behind it"), ("null", "is no serial port"),
                          ("ttyAMA3", "Is the UART switched on"), ("serial0", "enable_uart=1"),
                          ("ttyUSB7", "ttyUSB7")):
            done = self.adopt(tty)
            self.assertEqual(done.returncode, 1, tty)
            self.assertIn(word, done.stderr)
        self.uart()
        done = self.adopt("ttyAMA0", "--profile", "lgz-e999")
        self.assertIn("nothing was changed", done.stderr)
        done = smctl("adopt", "ttyAMA0", "--config", "/nonexistent/smartmeterd.conf", env=self.env)
        self.assertIn("is the package installed", done.stderr)
        self.assertEqual((self.written(), self.asked()), ([], []))

    def test_second_reader_of_a_port_is_named_by_the_service(self):
        link = Link(self.folder / "uart").plug()
        self.addCleanup(link.unplug)
        reader = subprocess.Popen(["cat", link.path], stdout=subprocess.DEVNULL)
        self.addCleanup(lambda: (reader.kill(), reader.wait()))
        wait_until(lambda: any(os.readlink(f) == os.readlink(link.path) for f in
                               pathlib.Path(f"/proc/{reader.pid}/fd").iterdir() if f.is_symlink()), "cat")
        self.daemon.configure(f'[converter "uart"]\nDevice={link.path}\n')
        self.daemon.manager("Reload")
        identity = "tty@" + link.path[1:].replace("/", "-")
        self.daemon.wait_state(identity, "detecting")
        wait_until(lambda: self.run_json("list-converters", env=self.env)[0]["state_code"] == "second-reader",
                   "the second reader")
        got = self.run_json("list-converters", env=self.env)[0]
        self.assertEqual(got["holder_pid"], reader.pid)
        self.assertIn(f"cat reads this port, too (pid {reader.pid}", got["state_reason"])
        out = smctl("doctor", env=dict(self.env, SMCTL_SYSROOT="")).stdout
        self.assertIn(f"process {reader.pid}", out)


if __name__ == "__main__":
    unittest.main()
