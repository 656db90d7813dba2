# SPDX-License-Identifier: MIT
"""As in a container: no udevd, no message bus. Run under umockdev-wrapper."""

import json
import os
import pathlib
import resource
import signal
import socket
import stat
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import HUB, SMCTL, Daemon, Link, make_bed, plain_environment, telegram
from private_bus import wait_until

METER = "LGZ1030655933512"
E450 = telegram("lgz-e450", "--meter-id", METER)
PROLIFIC = '[converter "house"]\nVendorId=067b\n'


class WithoutUdev(unittest.TestCase):
    def setUp(self):
        self.bed = make_bed()
        if not self.bed:
            self.skipTest("not under umockdev-wrapper")
        self.bed.testbed.add_from_string(
            f"P: {os.path.dirname(HUB)}\nE: SUBSYSTEM=pci\n\n")

    def daemon(self, config=PROLIFIC):
        return Daemon(config, options=("--udev", "no"))

    def read(self, d, c):
        d.wait_state(c.identity, "detecting")
        c.feed(E450)
        d.wait_state(c.identity, "receiving")
        d.wait_meter(METER, "Online", True)

    def test_converter_has_the_name_that_udev_gives_it_and_is_read(self):
        c = self.bed.converter("pl2303", port="1.3").plug()
        with self.daemon() as d:
            self.read(d, c)
            self.assertEqual(d.converter(c.identity, "Socket"), "pci-0000:00:14.0-usb-0:1.3:1.0")
            self.assertEqual(d.converter(c.identity, "Driver"), "pl2303")
            self.assertEqual(d.converter(c.identity, "VendorId"), 0x067b)
            self.assertIn("without udev", d.client.get("/org/smartmeterd",
                                                       "org.smartmeterd.Manager1", "Version"))

    def test_serial_number_names_it_and_one_that_comes_later_is_seen(self):
        with self.daemon() as d:
            c = self.bed.converter("pl2303gc", port="2", serial="BEA:n114J20").plug()
            self.read(d, c)
            c.unplug()
            d.wait_state(c.identity, "gone")
            self.read(d, self.bed.converter("pl2303gc", port="2", number=1,
                                            serial="BEA:n114J20").plug())

    def test_stick_that_nobody_configured_is_left_alone(self):
        c = self.bed.converter("cp210x", port="4", serial="0123AB").plug()
        with self.daemon() as d:
            self.assertEqual(d.converters(), {c.identity: "ignored"})
            self.assertFalse(d.has_open(c.pty))

    def test_host_shows_it_in_sys_but_passed_no_node_in(self):
        c = self.bed.converter("pl2303", port="5").plug()
        os.unlink(self.bed.testbed.get_root_dir() + c.node)
        with self.daemon() as d:
            self.assertEqual(d.converters(), {})

    def test_node_of_another_name(self):
        c = self.bed.converter("pl2303", port="6").plug()
        root = self.bed.testbed.get_root_dir()
        os.rename(root + c.node, root + "/dev/meter")
        os.symlink(os.readlink(f"{root}/dev/.node/{c.tty}"), f"{root}/dev/.node/meter")
        self.bed.testbed.attach_ioctl("/dev/meter", self.bed.modem_lines())
        with self.daemon() as d:
            self.read(d, c)
            self.assertEqual(d.converter(c.identity, "Device"), "/dev/meter")

    def test_node_that_stays_while_the_converter_is_away(self):
        c = self.bed.converter("pl2303", port="7").plug()
        with self.daemon() as d:
            self.read(d, c)
            node = self.bed.testbed.get_root_dir() + c.node
            target = os.readlink(node)
            c.unplug()
            if not os.path.lexists(node):
                os.symlink(target, node)
            d.wait_state(c.identity, "gone")
            self.read(d, self.bed.converter("pl2303", port="7", number=1).plug())


class WithoutBus(unittest.TestCase):
    """--bus none: smctl and the service speak over a socket of their own."""

    def setUp(self):
        self.daemon = Daemon("", options=("--bus", "none", "--udev", "yes"))
        self.socket = self.daemon.folder / "smartmeterd.sock"
        self.link = Link(self.daemon.folder / "tty")
        self.daemon.configure(f'[converter "cellar"]\nDevice={self.link.path}\n')
        self.daemon.environment = {"RUNTIME_DIRECTORY": str(self.daemon.folder),
                                   "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nowhere"}

    def smctl(self, *arguments, code=0):
        done = subprocess.run([SMCTL, "--address", str(self.socket), *arguments], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=plain_environment(), timeout=120)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout)
        return done.stdout + done.stderr

    def receiving(self):
        def state():
            converters = json.loads(self.smctl("list-converters", "--json"))
            return converters and converters[0]["state"] == "receiving"
        self.link.plug()
        wait_until(lambda: "detecting" in self.smctl("list-converters", "--json"), "the port")
        self.link.feed(E450)
        wait_until(state, "a telegram")

    def test_smctl_shows_readings_and_only_root_and_the_service_may_ask(self):
        with self.daemon:
            self.receiving()
            self.assertIn("active_energy_import", self.smctl("readings", METER))
            self.assertIn(METER, self.smctl("status"))
            self.assertEqual(stat.S_IMODE(os.stat(self.socket).st_mode), 0o600)
            self.assertIn("smartmeterd", self.smctl("version"))
            self.assertNotIn("does not run", self.smctl("version"))
        self.assertFalse(self.socket.exists())

    @unittest.skipIf(os.getuid() != 0, "only root can play another user")
    def test_a_user_who_gets_at_the_socket_is_turned_away_all_the_same(self):
        stranger = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(sys.argv[1])\n"
                    "try:\n    s.sendall(b'\\0AUTH EXTERNAL\\r\\nDATA\\r\\n')\n    print(s.recv(100))\nexcept ConnectionError:\n    print(b'')\n")
        with self.daemon as d:
            self.receiving()
            os.chmod(d.folder, 0o755)
            os.chmod(self.socket, 0o666)
            done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                                   sys.executable, "-c", stranger, str(self.socket)], text=True,
                                  capture_output=True, env=plain_environment(), timeout=120)
            self.assertEqual(done.stdout, "b''\n", done.stderr)
            d.wait_log("is turned away")
            self.assertIn(METER, self.smctl("status"))

    def test_smctl_changes_what_on_a_bus_needs_a_right(self):
        with self.daemon as d:
            self.receiving()
            self.smctl("reload")
            d.wait_log("configuration read again")
            d.configure('[mqtt "x"]\nHots=x\n')
            self.assertIn("Hots", self.smctl("reload", code=1))
            done = subprocess.run([SMCTL, "--address", str(self.socket), "set-key", METER],
                                  input="00112233445566778899AABBCCDDEEFF\n", text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  env=plain_environment(), timeout=120)
            self.assertEqual(done.returncode, 0, done.stdout)

    def test_port_that_was_lent_comes_back_when_smctl_ends_or_is_killed(self):
        with self.daemon as d:
            self.receiving()
            self.smctl("inhibit", "cellar", "--", "true")
            lender = subprocess.Popen([SMCTL, "--address", str(self.socket), "inhibit", "cellar",
                                       "--", "sleep", "600"], env=plain_environment(),
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                      start_new_session=True)
            wait_until(lambda: "inhibited" in self.smctl("list-converters", "--json"), "the loan")
            lender.kill()
            lender.wait()
            # its command goes on, and knows nothing of the port
            self.addCleanup(os.killpg, lender.pid, signal.SIGKILL)
            wait_until(lambda: "inhibited" not in self.smctl("list-converters", "--json"),
                       "the port to come back")

    def sleeps(self, d):
        """How often the main loop has gone to sleep: one that spins never does."""
        text = pathlib.Path(f"/proc/{d.pid}/status").read_text()
        return int(text.split("\nvoluntary_ctxt_switches:")[1].split()[0])

    def test_a_caller_waits_in_peace_while_no_descriptor_is_left(self):
        with self.daemon as d:
            self.receiving()
            limits = resource.prlimit(d.pid, resource.RLIMIT_NOFILE)
            resource.prlimit(d.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
            with socket.socket(socket.AF_UNIX) as caller:
                caller.connect(str(self.socket))
                d.wait_log("has to wait")
                before = self.sleeps(d)
                wait_until(lambda: self.sleeps(d) > before + 2, "the main loop to sleep")
                resource.prlimit(d.pid, resource.RLIMIT_NOFILE, limits)
                self.assertIn(METER, self.smctl("status"))
            self.assertEqual(d.log.count("has to wait"), 1)

    def test_monitor_sees_each_telegram_and_many_callers_come_and_go(self):
        with self.daemon as d:
            self.receiving()
            before = d.n_fds()
            watchers = [subprocess.Popen([SMCTL, "--address", str(self.socket), "monitor", "--json"],
                                         stdout=subprocess.PIPE, text=True, env=plain_environment())
                        for _ in range(3)]
            wait_until(lambda: d.n_fds() >= before + 3, "the watchers")
            for w in watchers:
                wait_until(lambda: self.link.feed(E450) or readable(w.stdout), "a telegram")
                self.assertIn(METER, w.stdout.readline())
                w.terminate()
                w.wait()
                w.stdout.close()
            for _ in range(40):
                self.smctl("status")
            wait_until(lambda: d.n_fds() <= before, "their descriptors to be closed")


def readable(stream):
    import select
    return bool(select.select([stream], [], [], 0.5)[0])


if __name__ == "__main__":
    unittest.main()
