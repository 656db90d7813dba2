# SPDX-License-Identifier: MIT
"""A machine of files for smctl doctor, and what its tests share."""

import json
import pathlib
import re
import shutil
import tempfile

from private_bus import BUILD
from smctl_case import BusCase, smctl


class Machine:
    """A folder that stands for /: sysfs, /proc, /etc as doctor reads them."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="smdoctor."))
        self.root.chmod(0o755)
        self.write("proc/1/comm", "systemd")
        self.write("proc/cmdline", "quiet console=tty0")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def plug(self, name="1-1", vendor="067b", product="2303", driver="pl2303", tty="ttyUSB0"):
        device = f"sys/devices/usb1/{name}"
        interface = f"{device}/{name}:1.0"
        self.write(f"{device}/idVendor", vendor)
        self.write(f"{device}/idProduct", product)
        self.write(f"{device}/product", "USB-Serial Controller")
        self.write(f"{interface}/bInterfaceClass", "ff")
        bus = self.root / "sys/bus/usb/devices"
        bus.mkdir(parents=True, exist_ok=True)
        (bus / name).symlink_to(f"../../../devices/usb1/{name}")
        (bus / f"{name}:1.0").symlink_to(f"../../../devices/usb1/{name}/{name}:1.0")
        if driver:
            self.write(f"sys/bus/usb/drivers/{driver}/uevent", "")
            (self.root / interface / "driver").symlink_to(
                self.root / f"sys/bus/usb/drivers/{driver}")
        if tty:
            (self.root / interface / tty).mkdir()
            self.write(f"sys/class/tty/{tty}/dev", "188:0")
            self.write("run/udev/data/c188:0", "E:ID_MM_DEVICE_IGNORE=1")

    def process(self, pid, name, holds=None, unit=None, command=None):
        self.write(f"proc/{pid}/comm", name)
        if holds:
            folder = self.root / f"proc/{pid}/fd"
            folder.mkdir()
            (folder / "3").symlink_to(holds)
        if unit:
            self.write(f"proc/{pid}/cgroup", f"0::/system.slice/{unit}")
        if command:
            self.write(f"proc/{pid}/cmdline", command.replace(" ", "\0"))

    def hide(self, pid):
        """As another user's process is: what it has open is not shown."""
        self.write(f"proc/{pid}/comm", "sshd")
        self.write(f"proc/{pid}/fd", "no folder, so it cannot be opened, by root neither")

    def configure(self, text):
        """The service's configuration, where this build looks for it."""
        built = (BUILD / "config-build.h").read_text()
        folder = re.search(r'SYSCONFDIR "/(.*)"', built).group(1)
        self.write(f"{folder}/smartmeterd/smartmeterd.conf", text)
        return f"{self.root}/{folder}/smartmeterd/smartmeterd.conf"


class DoctorCase(BusCase):
    def setUp(self):
        super().setUp()
        self.machine = Machine()
        self.addCleanup(shutil.rmtree, self.machine.root)

    def doctor(self, env=None):
        """{check: [results]}"""
        done = smctl("doctor", "--json",
                     env=env or dict(self.env, SMCTL_SYSROOT=str(self.machine.root)))
        got = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if got["ok"] else 1)
        out = {}
        for result in got["checks"]:
            self.assertEqual(set(result), {"check", "status", "about", "finding", "cure"})
            self.assertEqual(result["cure"] is not None, result["status"] == "wrong")
            self.assert_can_be_typed(result["cure"] or "")
            out.setdefault(result["check"], []).append(result)
        return out

    def assert_can_be_typed(self, cure):
        """Nothing in a command stands for what people would have to know: its words are what is to
        be typed, and of a verb that there is."""
        for words in re.findall(r"\bsmctl( [^.,;:»\")]+)", cure):
            self.assertNotRegex(words, r" (METER|PORT|HOST|FILE|NAME|ID|CONVERTER)\b", cure)
            self.assertEqual(smctl("help", words.split()[0]).returncode, 0, cure)

    def text(self, **env):
        """What people read, and the exit status."""
        done = smctl("doctor", env=dict(self.env, SMCTL_SYSROOT=str(self.machine.root), **env))
        self.assertNotIn("\033", done.stdout)
        return done.stdout, done.returncode

    def assert_status(self, status, *checks):
        got = self.doctor()
        for check in checks:
            self.assertEqual([r["status"] for r in got[check]], [status], (check, got[check]))

    def assert_only(self, check, finding, cure=""):
        """This check, and no other, found this."""
        got = self.doctor()
        wrong = [name for name, results in got.items() if results[0]["status"] == "wrong"]
        self.assertEqual(wrong, [check])
        self.assertIn(finding, got[check][0]["finding"])
        self.assertIn(cure, got[check][0]["cure"])
        return got[check]


