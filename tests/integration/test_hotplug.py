# SPDX-License-Identifier: MIT
"""docs/design.md §3, Converters: each sentence has a test named after it. Run under umockdev-wrapper."""

import fcntl
import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

import private_bus as bus
from harness import WRAPPER, Daemon, make_bed, telegram
from private_bus import wait_until

E450 = telegram("lgz-e450", "--meter-id", "LGZ1030655933512")
OTHER = telegram("lgz-e450", "--meter-id", "LGZ1030655933599")
THIRD = telegram("lgz-e450", "--meter-id", "LGZ1030655933600")
METER, METER_2, METER_3 = "LGZ1030655933512", "LGZ1030655933599", "LGZ1030655933600"


class HotplugTest(unittest.TestCase):
    def setUp(self):
        self.bed = make_bed()
        if not self.bed:
            self.skipTest("not under umockdev-wrapper")

    def receiving(self, d, c, data=E450, identity=None):
        """Plugged, opened, and read."""
        identity = identity or c.identity
        c.plug()
        d.wait_state(identity, "detecting")
        c.feed(data)
        d.wait_state(identity, "receiving")


class WhichAreOpened(HotplugTest):
    def test_daemon_opens_what_the_hwdb_marks(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            self.assertEqual(d.converter(c.identity, "Device"), "/dev/ttyUSB0")
            self.assertEqual(d.converter(c.identity, "VendorId"), 0x067b)
            self.assertEqual(d.converter(c.identity, "ProductId"), 0x2303)
            self.assertEqual(d.converter(c.identity, "Socket"), c.path)
            self.assertEqual(d.converter(c.identity, "Driver"), "pl2303")
            self.assertEqual(d.converter(c.identity, "Line"), "2400 8E1")
            self.assertEqual(d.converter(c.identity, "Profile"), "lgz-e450")
            self.assertEqual(d.converter(c.identity, "Meters"), [bus.meter_path(METER)])
            self.assertGreater(d.converter(c.identity, "LastByteUSec"), 0)
            statistics = d.converter(c.identity, "Statistics")
            self.assertEqual(statistics["bytes"], len(E450))
            self.assertEqual(statistics["telegrams"], 1)

    def test_daemon_lists_what_is_not_configured_as_ignored_and_never_opens_it(self):
        with Daemon() as d:
            c = self.bed.converter("ftdi", serial="A403ON88").plug()
            marked = self.bed.converter("pl2303", port="2", number=1)
            self.receiving(d, marked)  # by now the first has been seen too
            self.assertEqual(d.converter(c.identity, "State"), "ignored")
            self.assertIn("smctl adopt", d.converter(c.identity, "StateReason"))
            self.assertFalse(d.has_open(c.pty))
            self.assertTrue(d.has_open(marked.pty))
            c.unplug()
            wait_until(lambda: c.identity not in d.converters(), "the ignored one to leave")

    def test_daemon_opens_what_a_section_matches_with_wildcards(self):
        config = ('[converter "heat"]\nVendorId=04?3\nProductId=6*\nSerial=A4*\nPath=*usb-0:3:*\n'
                  'Interface=00\nLine=9600 8N1\n')
        with Daemon(config) as d:
            c = self.bed.converter("ftdi", port="3", serial="A403ON88").plug()
            d.wait_state(c.identity, "detecting")
            self.assertEqual(c.line(), 9600)
            self.assertEqual(d.manager("GetConverter", "s", "heat")[0],
                             bus.converter_path(c.identity))
            other = self.bed.converter("ftdi", port="4", number=1, serial="A403ON89").plug()
            d.wait_state(other.identity, "ignored")

    def test_daemon_keeps_hands_off_what_udev_says_to_ignore(self):
        with Daemon('[converter "all"]\nVendorId=067b\n') as d:
            c = self.bed.converter("pl2303", ignored=True).plug()
            d.wait_state(c.identity, "ignored")
            self.assertIn("SMARTMETER_IGNORE", d.converter(c.identity, "StateReason"))
            self.assertFalse(d.has_open(c.pty))

    def test_daemon_leaves_marked_ones_alone_without_autobind(self):
        with Daemon("[daemon]\nAutoBind=no\n") as d:
            c = self.bed.converter("pl2303").plug()
            d.wait_state(c.identity, "ignored")
            self.assertFalse(d.has_open(c.pty))

    def test_daemon_opens_an_adopted_one_also_after_a_restart(self):
        with Daemon() as d:
            c = self.bed.converter("ftdi", serial="A403ON88").plug()
            d.wait_state(c.identity, "ignored")
            path = d.manager("Adopt", "sa{sv}", "ttyUSB0", {})[0]
            self.assertEqual(path, bus.converter_path(c.identity))
            d.wait_state(c.identity, "detecting")
            d.restart()
            d.wait_state(c.identity, "detecting")
            self.assertEqual(d.converter(c.identity, "Line"), "2400 8E1")
            d.manager("Forget", "sa{sv}", c.identity, {})
            d.wait_state(c.identity, "ignored")
            self.assertFalse(d.has_open(c.pty))
            self.assertEqual(d.converter(c.identity, "Line"), "")

    def test_daemon_opens_it_when_udev_marks_it_later(self):
        with Daemon() as d:
            c = self.bed.converter("ftdi", serial="A403ON88").plug()
            d.wait_state(c.identity, "ignored")
            c.change(SMARTMETER_CONVERTER="1")
            d.wait_state(c.identity, "detecting")

    def test_daemon_treats_one_that_was_there_before_alike(self):
        c = self.bed.converter("pl2303").plug()
        with Daemon() as d:
            self.assertEqual(set(d.converters()), {c.identity})  # complete at READY
            d.wait_state(c.identity, "detecting")
            c.feed(E450)
            d.wait_state(c.identity, "receiving")

    def test_daemon_opens_tty_acm_too(self):
        with Daemon() as d:
            c = self.bed.converter("ch9102", serial="54D20", tty="ttyACM", marked=True)
            self.receiving(d, c)
            self.assertEqual(d.converter(c.identity, "Device"), "/dev/ttyACM0")

    def test_daemon_tells_the_ports_of_one_chip_apart_by_interface(self):
        with Daemon('[converter "second"]\nProductId=ea70\nInterface=01\n') as d:
            first = self.bed.converter("cp2105", serial="00C8", interface="00").plug()
            second = self.bed.converter("cp2105", number=1, serial="00C8", interface="01")
            self.receiving(d, second)
            self.assertEqual(d.converters(),
                             {first.identity: "ignored", second.identity: "receiving"})


class Identity(HotplugTest):
    def test_history_follows_the_serial_number_to_another_socket(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303gc", serial="BEA:n114J20")
            self.receiving(d, c)
            path = bus.converter_path(c.identity)
            c.unplug()
            d.wait_state(c.identity, "gone")
            moved = self.bed.converter("pl2303gc", port="4", number=1, serial="BEA:n114J20")
            self.assertEqual(moved.identity, c.identity)
            self.receiving(d, moved)
            self.assertEqual(d.manager("ListConverters")[0], [path])
            self.assertEqual(d.converter(c.identity, "Device"), "/dev/ttyUSB1")

    def test_serial_number_of_every_copy_is_none(self):
        with Daemon() as d:
            a = self.bed.converter("cp210x", serial="0001", marked=True).plug()
            b = self.bed.converter("cp210x", port="2", number=1, serial="0001", marked=True).plug()
            d.wait_state(b.identity, "detecting")
            self.assertEqual(set(d.converters()), {a.by_path, b.by_path})

    def test_two_alike_go_by_their_sockets(self):
        with Daemon() as d:
            a = self.bed.converter("pl2303gc", serial="SAME")
            b = self.bed.converter("pl2303gc", port="2", number=1, serial="SAME").plug()
            d.wait_state(b.identity, "detecting")
            a.plug()
            wait_until(lambda: d.converters() == {a.by_path: "detecting", b.by_path: "detecting"},
                       "both to go by their sockets")
            a.feed(E450)
            b.feed(OTHER)
            d.wait_state(a.by_path, "receiving")
            d.wait_state(b.by_path, "receiving")
            self.assertEqual(d.meter(METER, "Converter"), bus.converter_path(a.by_path))

    def test_meters_follow_when_two_serial_less_converters_are_swapped(self):
        config = f"[meter \"{METER}\"]\nName=House\n[meter \"{METER_2}\"]\nName=Heat pump\n"
        with Daemon(config) as d:
            a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
            self.receiving(d, a, E450)
            self.receiving(d, b, OTHER)
            self.assertEqual(d.meter(METER, "Converter"), bus.converter_path(a.identity))
            for c in a, b:
                c.unplug()
                d.wait_state(c.identity, "gone")
            self.assertFalse(d.meter(METER, "Online"))
            a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
            self.receiving(d, a, OTHER)
            self.receiving(d, b, E450)
            d.wait_meter(METER, "Converter", bus.converter_path(b.identity))
            d.wait_meter(METER_2, "Converter", bus.converter_path(a.identity))
            self.assertEqual(d.meter(METER, "Name"), "House")
            self.assertEqual(d.meter(METER_2, "Name"), "Heat pump")
            self.assertEqual(len(d.meters()), 2)
            self.assertEqual(d.converter(a.identity, "Meters"), [bus.meter_path(METER_2)])


class SameSerial(HotplugTest):
    """FTDI's and others' copies: two converters, one serial number, one of them adopted."""

    def twin(self, port, number):
        return self.bed.converter("ftdi", port=port, number=number, serial="A5XK3RJT")

    def test_adopted_one_stays_adopted_when_a_twin_is_plugged_in(self):
        with Daemon() as d:
            ours = self.twin("2", 0).plug()
            d.wait_state(ours.identity, "ignored")
            d.manager("Adopt", "sa{sv}", ours.tty, {})
            d.wait_state(ours.identity, "detecting")
            twin = self.twin("1", 1).plug()
            d.wait_state(twin.by_path, "ignored")
            d.wait_state(ours.by_path, "detecting")
            ours.unplug()
            d.wait_state(ours.by_path, "gone")
            ours = self.twin("2", 2).plug()
            d.wait_state(ours.by_path, "detecting")
            self.assertFalse(d.has_open(twin.pty))

    def test_twin_is_not_opened_in_its_name_after_a_restart(self):
        daemon = Daemon()
        with daemon as d:
            ours = self.twin("2", 10).plug()
            d.wait_state(ours.identity, "ignored")
            d.manager("Adopt", "sa{sv}", ours.tty, {})
            d.wait_state(ours.identity, "detecting")
            d.stop()
            twin = self.twin("1", 11).plug()  # enumerated first
            d.start()
            d.wait_state(ours.by_path, "detecting")
            d.wait_state(twin.by_path, "ignored")
            self.assertFalse(d.has_open(twin.pty))
            ours.unplug()
            d.restart()
            d.wait_state(twin.by_path, "ignored")
            self.assertFalse(d.has_open(twin.pty))


class Unplug(HotplugTest):
    def test_meter_goes_offline_the_fd_is_closed_and_a_replug_goes_on(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            before = d.n_fds()
            pty = c.pty
            c.unplug()
            d.wait_state(c.identity, "gone")
            self.assertFalse(d.has_open(pty))
            wait_until(lambda: d.n_fds() < before, "the port's descriptor to be closed")
            self.assertFalse(d.meter(METER, "Online"))
            self.assertEqual(d.converter(c.identity, "Device"), "")
            again = self.bed.converter("pl2303", number=1)
            self.receiving(d, again, telegram("lgz-e450", "--meter-id", METER, "--seed", "7"))
            d.wait_meter(METER, "Online", True)
            self.assertEqual(d.converter(c.identity, "Device"), "/dev/ttyUSB1")
            self.assertEqual(d.meters()[METER]["Converter"], bus.converter_path(c.identity))

    def test_remove_without_a_hang_up_closes_too(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            c.unplug(hang_up=False)
            d.wait_state(c.identity, "gone")
            self.assertEqual(d.converter(c.identity, "Statistics")["unplugs"], 1)

    def test_hang_up_closes_before_remove_comes(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            pty = c.pty
            c.hang_up()
            wait_until(lambda: not d.has_open(pty), "the fd to be closed")
            d.wait_meter(METER, "Online", False)
            c.unplug(hang_up=False)
            d.wait_state(c.identity, "gone")

    @staticmethod
    def n_fds_in_a_while(d):
        for _ in range(10):
            yield d.n_fds()
            time.sleep(0.05)

    def test_thousand_replugs_leak_nothing(self):
        with Daemon() as d:
            fds = kib = 0
            replugs = int(os.environ.get("SMARTMETERD_REPLUGS", "60"))
            for i in range(replugs):
                c = self.bed.converter("pl2303", number=i)
                c.plug()
                d.wait_state(c.identity, "detecting")
                c.feed(E450)
                wait_until(lambda: d.converter(c.identity, "Statistics")["telegrams"] > i,
                           f"telegram {i}")
                c.unplug()
                d.wait_state(c.identity, "gone")
                if i == min(10, replugs // 2):
                    # A port is closed by a worker, whose own end comes a moment later.
                    fds, kib = min(self.n_fds_in_a_while(d)), d.rss_kib()
            wait_until(lambda: d.n_fds() <= fds,
                       f"{fds} open files again, as in the beginning")
            # valgrind and ASan keep what was freed
            if not WRAPPER and "SMARTMETER_SANITIZER" not in os.environ:
                self.assertLess(d.rss_kib(), kib + 256)


class ListenOnly(HotplugTest):
    def test_nothing_is_ever_written(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            flags = [pathlib.Path(f"/proc/{d.pid}/fdinfo/{fd}").read_text().split()[3]
                     for fd in os.listdir(f"/proc/{d.pid}/fd")
                     if os.readlink(f"/proc/{d.pid}/fd/{fd}") == c.pty]
            self.assertEqual(len(flags), 1)
            self.assertEqual(int(flags[0], 8) & os.O_ACCMODE, os.O_RDONLY)

    def test_port_that_is_held_is_busy_with_the_holder_and_is_retried(self):
        with Daemon('[converter "x"]\nPath=*usb-0:1:*\n') as d:
            c = self.bed.converter("pl2303")
            code = ("import fcntl, os, sys\nfd = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)\n"
                    "fcntl.flock(fd, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()\n")
            lost = self.bed.converter("pl2303", port="7", number=7, marked=False).plug()
            holder = None
            try:
                # The pty exists once it is plugged, so it is first plugged where nothing opens it.
                lost.unplug()
                c.properties["SMARTMETER_IGNORE"] = "1"
                c.plug()
                holder = subprocess.Popen([sys.executable, "-c", code, c.pty],
                                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                self.assertEqual(holder.stdout.readline(), b"held\n")
                c.change(SMARTMETER_IGNORE="0")
                d.wait_state(c.identity, "busy")
                self.assertEqual(d.converter(c.identity, "HolderPid"), holder.pid)
                self.assertIn("python3", d.converter(c.identity, "StateReason"))
            finally:
                if holder:
                    holder.communicate()
            d.wait_state(c.identity, "detecting")
            self.assertEqual(d.converter(c.identity, "HolderPid"), 0)

    def test_port_that_a_program_uses_without_a_lock_is_not_taken_from_it(self):
        """pyserial's default. Not at the next start either; adopted, it is opened once it is free."""
        with Daemon() as d:
            c = self.bed.converter("pl2303", marked=False).plug()
            d.wait_state(c.identity, "ignored")
            user = subprocess.Popen([sys.executable, "-c",
                                     "import os, sys\nos.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)\n"
                                     "print('open', flush=True)\nsys.stdin.read()\n", c.pty],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            try:
                self.assertEqual(user.stdout.readline(), b"open\n")
                before = c.line()
                c.change(SMARTMETER_CONVERTER="1")
                wait_until(lambda: f"pid {user.pid}" in d.converter(c.identity, "StateReason"),
                           "the reason")
                self.assertEqual(d.converters()[c.identity], "ignored")
                self.assertEqual(c.line(), before)
            finally:
                user.communicate()
            c.change(SMARTMETER_CONVERTER="1")
            d.restart()
            d.wait_state(c.identity, "ignored")
            d.manager("Adopt", "sa{sv}", c.tty, {})
            d.wait_state(c.identity, "detecting")

    def test_gps_mouse_is_recognised_and_left_alone(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303").plug()
            d.wait_state(c.identity, "detecting")
            c.feed(b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n" * 3)
            d.wait_state(c.identity, "ignored")
            self.assertIn("GPS", d.converter(c.identity, "StateReason"))
            self.assertFalse(d.has_open(c.pty))
            c.unplug()
            wait_until(lambda: c.identity not in d.converters(), "it to be gone")
            c = self.bed.converter("pl2303", number=1).plug()
            d.wait_state(c.identity, "ignored")

    def test_daemon_locks_what_it_opens(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            fd = os.open(c.pty, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK) \
                if os.getuid() == 0 else -1  # TIOCEXCL keeps out all but root
            if fd >= 0:
                with self.assertRaises(BlockingIOError):
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.close(fd)


class LineDetection(HotplugTest):
    GARBAGE = bytes((37 * i) % 251 for i in range(3200))

    def test_sweep_leaves_a_line_that_gives_no_frame_and_accepts_the_first_that_does(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303").plug()
            d.wait_state(c.identity, "detecting")
            for speed, line in ((2400, "2400 8N1"), (2400, "9600 8N1"), (9600, "115200 8N1")):
                self.assertEqual(c.line(), speed)
                c.feed(self.GARBAGE)
                wait_until(lambda: d.converter(c.identity, "Line") == line, line)
                self.assertIn(line, d.converter(c.identity, "StateReason"))
            self.assertEqual(c.line(), 115200)
            c.feed(E450)
            d.wait_state(c.identity, "receiving")
            self.assertEqual(d.converter(c.identity, "Line"), "115200 8N1")

            # Found settings are kept: over a replug, and over a restart.
            c.unplug()
            d.wait_state(c.identity, "gone")
            c = self.bed.converter("pl2303", number=1).plug()
            d.wait_state(c.identity, "detecting")
            self.assertEqual(c.line(), 115200)
            d.restart()
            d.wait_state(c.identity, "detecting")
            self.assertEqual(d.converter(c.identity, "Line"), "115200 8N1")

    def test_nothing_after_a_full_sweep_is_no_meter_until_a_probe(self):
        with Daemon('[converter "x"]\nVendorId=067b\nDetectTimeout=1s\n') as d:
            c = self.bed.converter("pl2303").plug()
            d.wait_state(c.identity, "no-meter")
            self.assertFalse(d.has_open(c.pty))
            self.assertIn("smctl probe", d.converter(c.identity, "StateReason"))
            d.converter_call(c.identity, "Probe", "a{sv}", {})
            d.wait_state(c.identity, "detecting")
            c.feed(E450)
            d.wait_state(c.identity, "receiving")

    def test_configured_line_is_kept(self):
        with Daemon('[converter "x"]\nVendorId=067b\nLine=38400 8N1\n') as d:
            c = self.bed.converter("pl2303").plug()
            d.wait_state(c.identity, "detecting")
            self.assertEqual(c.line(), 38400)
            c.feed(self.GARBAGE)
            c.feed(E450)
            d.wait_state(c.identity, "receiving")
            self.assertEqual(d.converter(c.identity, "Line"), "38400 8N1")


class Meters(HotplugTest):
    def test_meters_on_one_converter_are_believed_once_two_telegrams_named_them(self):
        """They take turns: none of them is forgotten when the next one speaks."""
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c, E450 + OTHER + THIRD)
            wait_until(lambda: d.converter(c.identity, "Statistics")["telegrams"] == 3, "a turn")
            self.assertEqual(set(d.meters()), {METER})
            c.feed(E450 + OTHER + THIRD)
            wait_until(lambda: set(d.meters()) == {METER, METER_2, METER_3}, "all meters")
            self.assertEqual(set(d.converter(c.identity, "Meters")),
                             {bus.meter_path(m) for m in (METER, METER_2, METER_3)})

    def test_a_line_cannot_take_a_meter_from_another_that_is_heard(self):
        with Daemon() as d:
            a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
            self.receiving(d, a)
            self.receiving(d, b)
            for _ in range(3):
                a.feed(E450)
                b.feed(E450)
            wait_until(lambda: d.converter(a.identity, "Statistics")["telegrams"] == 4 and
                       d.converter(b.identity, "Statistics")["telegrams"] == 4, "all telegrams")
            self.assertEqual(d.meter(METER, "Converter"), bus.converter_path(a.identity))
            self.assertEqual(d.log.count("is seen through"), 1)
            a.unplug()
            d.wait_state(a.identity, "gone")
            b.feed(E450)
            d.wait_meter(METER, "Converter", bus.converter_path(b.identity))


class Requests(HotplugTest):
    def test_inhibit_frees_the_port_until_the_fd_closes(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            _, fds = d.converter_call(c.identity, "Inhibit", "ss", "avrdude", "flashing")
            d.wait_state(c.identity, "inhibited")
            self.assertFalse(d.has_open(c.pty))
            self.assertIn("avrdude", d.converter(c.identity, "StateReason"))
            for fd in fds.steal_fds():
                os.close(fd)
            d.wait_state(c.identity, "detecting")

    def test_capture_gives_the_raw_bytes(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            _, fds = d.converter_call(c.identity, "Capture", "a{sv}", {})
            fd = fds.steal_fds()[0]
            c.feed(b"noise" + E450)
            got = b""
            while len(got) < len(E450) + 5:
                got += os.read(fd, 4096)
            self.assertEqual(got, b"noise" + E450)
            os.close(fd)
            c.feed(E450)
            wait_until(lambda: d.converter(c.identity, "Statistics")["telegrams"] == 3, "the third")

    def test_reset_reopens(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            d.converter_call(c.identity, "Reset", "sa{sv}", "reopen", {})
            d.wait_state(c.identity, "detecting")
            with self.assertRaises(bus.CallError) as caught:
                d.converter_call(c.identity, "Reset", "sa{sv}", "hammer", {})
            self.assertEqual(caught.exception.name, bus.ERROR + "InvalidArgument")

    def test_rescan_finds_nothing_new_and_loses_nothing(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            d.manager("Rescan")
            self.assertEqual(d.converters(), {c.identity: "receiving"})

    def test_forget_removes_what_is_unplugged_and_its_meters(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            c.unplug()
            d.wait_state(c.identity, "gone")
            d.manager("Forget", "sa{sv}", c.identity, {})
            self.assertEqual(d.converters(), {})
            self.assertEqual(d.meters(), {})


class Reload(HotplugTest):
    def test_unchanged_converters_keep_their_port(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            d.configure(f"[meter \"{METER}\"]\nName=House\n")
            d.process.send_signal(signal.SIGHUP)
            d.wait_meter(METER, "Name", "House")
            self.assertEqual(d.converter(c.identity, "State"), "receiving")
            self.assertEqual(d.converter(c.identity, "Statistics")["opens"], 1)

    def test_error_leaves_the_old_configuration_and_is_on_the_bus(self):
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            d.configure('[converter "x"]\nVendorid=067b\nLine=9600 8N1\n')
            with self.assertRaises(bus.CallError) as caught:
                d.manager("Reload")
            self.assertEqual(caught.exception.name, bus.ERROR + "InvalidConfiguration")
            said = d.client.get(bus.ROOT, bus.MANAGER, "LastReloadError")
            self.assertIn("VendorId", said)
            self.assertEqual(d.converters(), {c.identity: "receiving"})
            d.configure('[converter "x"]\nVendorId=067b\nLine=9600 8N1\n')
            self.assertEqual(d.manager("Reload"), ([],))
            self.assertEqual(d.client.get(bus.ROOT, bus.MANAGER, "LastReloadError"), "")
            d.wait_state(c.identity, "detecting")
            self.assertEqual(c.line(), 9600)


if __name__ == "__main__":
    unittest.main()
