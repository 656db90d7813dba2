# SPDX-License-Identifier: MIT
"""docs/design.md §3 through the whole daemon: what test_hotplug.py does not have. A sentence each.
Run under umockdev-wrapper."""

import os
import select
import stat
import subprocess
import termios
import threading
import unittest

import private_bus as bus
from broker import Subscriber
from harness import SMARTMETERD, Broker, Daemon, make_bed, plain_environment, telegram
from meter_bed import AUTH_KEY, E450, ENCRYPTED, KEY, METER, METER_2, TITLE, encrypted
from private_bus import wait_until

OTHER = telegram("lgz-e450", "--meter-id", METER_2)

USBDEVFS_RESET = 0x5514


class ConverterTest(unittest.TestCase):
    def setUp(self):
        self.bed = make_bed()
        if not self.bed:
            self.skipTest("not under umockdev-wrapper")

    def receiving(self, d, c, data=E450):
        c.plug()
        d.wait_state(c.identity, "detecting")
        c.feed(data)
        d.wait_state(c.identity, "receiving")


class Found(ConverterTest):
    def test_monitor_overrun_enumerates_again(self):
        preload = os.environ["LD_PRELOAD"] + ":" + os.environ["SMARTMETERD_LOST_EVENTS"]
        with Daemon(environment={"LD_PRELOAD": preload}) as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            other = self.bed.converter("pl2303", port="2", number=1).plug()
            d.wait_state(other.identity, "detecting")
            self.assertEqual(d.converter(c.identity, "Statistics")["opens"], 1)
            c.unplug(hang_up=False)
            self.bed.converter("pl2303", port="3", number=2).plug()  # sysfs is complete by now
            d.wait_state(c.identity, "gone")
            self.assertEqual(d.converter(other.identity, "State"), "detecting")

    def test_one_that_comes_while_starting_is_opened_once(self):
        for i in range(4):
            c = self.bed.converter("pl2303", number=i)
            plugging = threading.Thread(target=c.plug)
            daemon = Daemon()
            plugging.start()
            with daemon as d:
                plugging.join()
                d.wait_state(c.identity, "detecting")
                c.feed(E450)
                d.wait_state(c.identity, "receiving")
                self.assertEqual(d.converter(c.identity, "Statistics")["opens"], 1)
                c.unplug()
                d.wait_state(c.identity, "gone")


class Permission(ConverterTest):
    def test_permission_that_comes_late_is_noticed(self):
        daemon = Daemon()
        if os.getuid() == 0:
            self.become_nobody(daemon)
        with daemon as d:
            c = self.bed.converter("pl2303")
            c.properties.pop("SMARTMETER_CONVERTER")  # first plugged where nothing opens it
            c.plug()
            os.chmod(c.pty, 0)
            self.open_to_all(self.bed.testbed.get_root_dir())
            c.change(SMARTMETER_CONVERTER="1")
            d.wait_state(c.identity, "denied")
            self.assertIn("permission", d.converter(c.identity, "StateReason"))
            os.chmod(c.pty, 0o666)
            d.wait_state(c.identity, "detecting")
            c.feed(E450)
            d.wait_state(c.identity, "receiving")

    def become_nobody(self, daemon):
        nobody = ["setpriv", f"--reuid={bus.NOBODY}", f"--regid={bus.NOBODY}", "--clear-groups"]
        if subprocess.run([*nobody, SMARTMETERD, "--version"], env=plain_environment(),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            self.skipTest("the build is in a folder that others may not read")
        daemon.wrapper = nobody
        daemon.state.mkdir()
        os.chown(daemon.state, bus.NOBODY, bus.NOBODY)
        os.chown(daemon.config_path, bus.NOBODY, bus.NOBODY)
        os.chmod(daemon.folder, 0o777)
        self.open_to_all(self.bed.testbed.get_root_dir())
        (daemon.bus.folder / "system.d/nobody.conf").write_text(
            f'<busconfig><policy user="{bus.NOBODY}"><allow own="{bus.NAME}"/></policy>'
            "</busconfig>")
        client = bus.Client(daemon.bus, signals=False)
        client.call_bus("ReloadConfig")
        client.close()

    @staticmethod
    def open_to_all(root):
        """The mock bed is root's own; nobody is to find in it what any user finds in /sys."""
        for folder, folders, files in os.walk(root):
            os.chmod(folder, 0o777)
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and not stat.S_ISCHR(os.stat(path).st_mode):
                    os.chmod(path, 0o666)


class Parity(ConverterTest):
    def test_marks_of_damaged_bytes_are_undone(self):
        """PARMRK doubles FF, on a pty too; damage itself no pty can show (see test-port.c)."""
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            _, fds = d.converter_call(c.identity, "Capture", "a{sv}", {})
            fd = fds.steal_fds()[0]
            sent = bytes(range(256)) + b"\xff\xff\x00\xff\xff\xff\x00\x41" + E450
            c.feed(sent)
            got = b""
            while len(got) < len(sent):
                self.assertTrue(select.select([fd], [], [], bus.SECONDS)[0], got)
                got += os.read(fd, 4096)
            os.close(fd)
            self.assertEqual(got, sent)
            self.assertEqual(d.converter(c.identity, "Statistics")["line-errors"], 0)
            flags = termios.tcgetattr(c.master)[0]
            self.assertTrue(flags & termios.PARMRK and flags & termios.INPCK)


class UsbReset(ConverterTest):
    def test_reset_is_of_the_converters_own_usb_device(self):
        with Daemon() as d:
            c, other = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
            asked = {x.identity: self.watch_resets(x) for x in (c, other)}
            self.receiving(d, c)
            self.receiving(d, other, OTHER)
            d.converter_call(c.identity, "Reset", "sa{sv}", "usb", {})
            # A worker asks for it; the answer to the call only says that it will.
            wait_until(lambda: asked[c.identity] == [USBDEVFS_RESET], "the reset")
            d.wait_state(c.identity, "detecting")
            self.assertEqual((asked[c.identity], asked[other.identity]), ([USBDEVFS_RESET], []))
            self.assertEqual(d.converter(c.identity, "Statistics")["usb-resets"], 1)
            self.assertEqual(d.converter(other.identity, "State"), "receiving")

    def watch_resets(self, converter):
        asked = []

        class Usb(self.bed.umockdev.IoctlBase):
            def do_handle_ioctl(self, client):
                asked.append(client.get_request())
                client.complete(0, 0)
                return True

        node = converter.parents[0][1]["DEVNAME"]
        path = self.bed.testbed.get_root_dir() + node
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w"):
            pass
        self.bed.testbed.attach_ioctl(node, Usb())
        return asked


class Binding(ConverterTest):
    def test_swapped_serial_less_converters_keep_names_keys_and_topics(self):
        config = (f'[meter "{METER}"]\nName=House\n[meter "{TITLE}"]\nKey={KEY}\n'
                  f'AuthKey={AUTH_KEY}\n[meter "{ENCRYPTED}"]\nName=Cellar\n')
        with Broker() as broker, Subscriber(broker) as sub:
            d = Daemon(f'[mqtt "x"]\nHost=127.0.0.1\nPort={broker.port}\nInstance=box\n'
                       f"Formats=native\n{config}")
            os.chmod(d.config_path, 0o600)
            with d:
                a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
                self.receiving(d, a)
                self.receiving(d, b, encrypted(1))
                d.wait_meter(ENCRYPTED, "KeyState", "ok")
                sub.wait(lambda got: self.n_telegrams(sub) == (1, 1), "both on MQTT")
                topics = {t for t, _, _, _ in sub.got}
                for c in a, b:
                    c.unplug()
                    d.wait_state(c.identity, "gone")
                a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
                self.receiving(d, a, encrypted(2))
                self.receiving(d, b)
                d.wait_meter(ENCRYPTED, "Converter", bus.converter_path(a.identity))
                d.wait_meter(METER, "Converter", bus.converter_path(b.identity))
                sub.wait(lambda got: self.n_telegrams(sub) == (2, 2), "both again")
                self.assertEqual({t for t, _, _, _ in sub.got}, topics)
                self.assertEqual(set(d.meters()), {METER, ENCRYPTED})
                self.assertEqual(d.meter(METER, "Name"), "House")

    @staticmethod
    def n_telegrams(sub):
        return tuple(len(sub.payloads(f"smartmeterd/box/meter/{m}/telegram"))
                     for m in (METER, ENCRYPTED))


class Reload(ConverterTest):
    CONFIG = '[converter "a"]\nPath=*usb-0:1:*\n{}\n[converter "b"]\nPath=*usb-0:2:*\n{}\n'

    def test_device_that_names_a_usb_converter_takes_its_place_and_gives_it_back(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303", port="1")
            self.receiving(d, c)
            named = "tty@dev-" + c.tty
            d.configure(f'[converter "mine"]\nDevice={c.node}\n')
            warning, = d.manager("Reload")[0]
            self.assertIn(f"{c.node} may be another converter after the next start", warning)
            self.assertEqual(set(d.converters()), {named})
            d.wait_state(named, "detecting")
            c.feed(E450)
            d.wait_state(named, "receiving")
            self.assertEqual(set(d.converters()), {named})
            d.configure("")
            d.manager("Reload")
            d.wait_state(c.identity, "detecting")
            c.feed(E450)
            d.wait_state(c.identity, "receiving")
            self.assertEqual(set(d.converters()), {c.identity})
            self.assertNotIn("busy", d.log)

    def test_unchanged_converters_keep_their_port_and_changed_ones_reopen(self):
        with Daemon(self.CONFIG.format("", "")) as d:
            a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
            self.receiving(d, a)
            self.receiving(d, b, OTHER)
            held = self.descriptor(d, a)
            d.configure(self.CONFIG.format("", "Line=9600 8N1"))
            d.manager("Reload")
            d.wait_state(b.identity, "detecting")
            self.assertEqual(b.line(), 9600)
            self.assertEqual(d.converter(b.identity, "Statistics")["opens"], 2)
            self.assertEqual(d.converter(a.identity, "State"), "receiving")
            self.assertEqual(d.converter(a.identity, "Statistics")["opens"], 1)
            self.assertEqual(self.descriptor(d, a), held)

            d.configure(self.CONFIG.format("Line=38400 8N1", "Lime=9600 8N1"))
            with self.assertRaises(bus.CallError):
                d.manager("Reload")
            self.assertIn("Line", d.client.get(bus.ROOT, bus.MANAGER, "LastReloadError"))
            self.assertEqual(a.line(), 2400)
            self.assertEqual(self.descriptor(d, a), held)
            a.feed(E450)
            wait_until(lambda: d.converter(a.identity, "Statistics")["telegrams"] == 2, "the next")

    @staticmethod
    def descriptor(d, c):
        """(number, position in /proc): another open file shows another."""
        folder = f"/proc/{d.pid}/fd"
        return [(fd, os.lstat(f"{folder}/{fd}").st_ino) for fd in os.listdir(folder)
                if os.readlink(f"{folder}/{fd}") == c.pty]


if __name__ == "__main__":
    unittest.main()
