# SPDX-License-Identifier: MIT
"""smctl as users run it: a command line in; exit code, output and errors out."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

from harness import Daemon, Link
from private_bus import BUILD, SECONDS, Driver, PrivateBus

SMCTL = os.environ.get("SMARTMETERD_SMCTL", str(BUILD / "ctl/smctl"))
SOURCE = pathlib.Path(os.environ.get("SMARTMETERD_SOURCE", pathlib.Path(__file__).parents[2]))
NOWHERE = "unix:path=/nonexistent/bus"
ID = "067b:2303@pci-0000:00:14.0-usb-0:1:1.0"
STICK = "10c4:ea60:0001"


def smctl(*args, stdin=None, env=None, binary=False):
    """Runs it to its end; stdin is never a terminal."""
    environment = dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="", TERM="xterm-256color",
                       DBUS_SYSTEM_BUS_ADDRESS=NOWHERE)
    environment.pop("NO_COLOR", None)
    environment.update(env or {})
    done = subprocess.run([SMCTL, *args], input=stdin if stdin is not None else ("" if not binary
                                                                                 else b""),
                          capture_output=True, text=not binary, timeout=SECONDS * 2,
                          env=environment, check=False)
    return done


class SmctlCase(unittest.TestCase):
    def run_ok(self, *args, **more):
        done = smctl(*args, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def run_json(self, *args, **more):
        return json.loads(self.run_ok(*args, "--json", **more))

    def run_bad(self, code, *args, **more):
        done = smctl(*args, **more)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stderr


class BusCase(SmctlCase):
    """With a service that is played by the bus driver."""

    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.stop)
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.bus.address}
        self.driver = Driver(self.bus)
        self.addCleanup(lambda: self.assertEqual(self.driver.stop(), 0))
        self.driver.do(f"converter-add {ID}")
        self.driver.do("meter-add LGZ1")
        self.driver.do(f"converter {ID} meter LGZ1")
        self.driver.do("name")

    def telegram(self, power=1234):
        self.driver.do(f"telegram LGZ1 1.7.0={power} 2.7.0=0 1.8.0=12345678 32.7.0=230.1 "
                       "31.7.0=5.31")

    def submeters(self):
        """Gas and heat behind LGZ1, each with a telegram."""
        self.driver.do("meter-add GAS1 LGZ1 gas")
        self.driver.do("telegram GAS1 0-1:24.1.0=3 0-1:24.2.1=3555.7")
        self.driver.do("meter-add HEAT1 LGZ1 heat")
        self.driver.do("telegram HEAT1 0-1:24.2.1=12.345*GJ 0-1:24.2.3=17")

    def ok(self, *args, **more):
        return self.run_ok(*args, env=dict(self.env, **more.pop("env", {})), **more)

    def json(self, *args, **more):
        return self.run_json(*args, env=dict(self.env, **more.pop("env", {})), **more)

    def bad(self, code, *args, **more):
        return self.run_bad(code, *args, env=dict(self.env, **more.pop("env", {})), **more)


@unittest.skipIf(os.getuid() != 0, "skipped: without polkit only root may change something")
class DaemonCase(SmctlCase):
    """With the real service and a converter that is a pty."""

    def setUp(self):
        self.daemon = Daemon()
        ports = self.enterContext(tempfile.TemporaryDirectory())
        self.link = Link(pathlib.Path(ports, "tty")).plug()
        self.addCleanup(lambda: self.link.master < 0 or self.link.unplug())
        self.daemon.configure('[daemon]\nAutoBind=no\n[converter "bench"]\n'
                              f"Device={self.link.path}\nLine=2400 8E1\n")
        self.enterContext(self.daemon)
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.daemon.bus.address}

    def json(self, *args, **more):
        return self.run_json(*args, env=self.env, **more)
