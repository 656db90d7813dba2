# SPDX-License-Identifier: MIT
"""Who may do what: the shipped policy, polkit, Readers=, and what lives as long as a caller holds it.
Other users need root to be played."""

import grp
import os
import subprocess
import unittest

from gi.repository import GLib
from private_bus import (CONVERTER, ELECTRICITY, ERROR, INTERACTIVE, MANAGER, METER, NAME, NOBODY, OBJECTS,
                         OUTPUT, PROPERTIES, ROOT, CallError, Client, Driver, OtherUser, Polkit,
                         PrivateBus, converter_path, meter_path, output_path, wait_until)

ID = "067b:2303:A"
KEY = "[byte " + ", ".join(["0x11"] * 16) + "]"

# Every method that changes something, and the action that guards it.
GUARDED = [
    ((ROOT, MANAGER, "Reload", None), "manage", "reload"),
    ((ROOT, MANAGER, "Rescan", None), "manage", "rescan"),
    ((ROOT, MANAGER, "SetMeterKey", f"('LGZ1', {KEY}, @ay [], @a{{sv}} {{}})"), "set-key", "set-meter-key"),
    ((ROOT, MANAGER, "Adopt", "('ttyUSB0', @a{sv} {})"), "manage", "adopt"),
    ((ROOT, MANAGER, "Forget", f"('{ID}', @a{{sv}} {{}})"), "manage", "forget"),
    ((converter_path(ID), CONVERTER, "Probe", "(@a{sv} {},)"), "manage", "probe"),
    ((converter_path(ID), CONVERTER, "Inhibit", "('me', 'a test')"), "manage", "inhibit "),
    ((converter_path(ID), CONVERTER, "Capture", "(@a{sv} {},)"), "capture", "capture"),
    ((converter_path(ID), CONVERTER, "Reset", "('reopen', @a{sv} {})"), "manage", "reset"),
    ((output_path("home"), OUTPUT, "Reconnect", None), "manage", "reconnect"),
]
READING = [
    (ROOT, MANAGER, "ListConverters", None),
    (ROOT, MANAGER, "ListMeters", None),
    (ROOT, MANAGER, "GetConverter", f"('{ID}',)"),
    (ROOT, MANAGER, "GetMeter", "('LGZ1',)"),
    (ROOT, MANAGER, "DescribeReadings", None),
    (meter_path("LGZ1"), METER, "GetReadings", "(@as [],)"),
    (ROOT, OBJECTS, "GetManagedObjects", None),
    (meter_path("LGZ1"), PROPERTIES, "Get", f"('{ELECTRICITY}', 'PowerImport')"),
    (meter_path("LGZ1"), PROPERTIES, "GetAll", f"('{METER}',)"),
    (ROOT, "org.freedesktop.DBus.Introspectable", "Introspect", None),
]


class AccessTest(unittest.TestCase):
    readers = None

    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.stop)
        self.driver = Driver(self.bus, self.readers)
        self.addCleanup(self.stop_driver)
        self.driver.do(f"converter-add {ID}")
        self.driver.do("meter-add LGZ1")
        self.driver.do("output-add home")
        self.driver.do("name")
        self.driver.do("telegram LGZ1 1.7.0=100")
        self.client = Client(self.bus)
        self.addCleanup(self.client.close)

    def stop_driver(self):
        self.assertEqual(self.driver.stop(), 0)

    def other(self, **kwargs):
        if os.getuid() != 0:
            self.skipTest("playing another user needs root")
        other = OtherUser(self.bus, **kwargs)
        self.addCleanup(other.leave)
        return other

    def polkit(self):
        polkit = Polkit(self.bus, self.client)
        self.addCleanup(polkit.stop)
        return polkit

    def inhibit(self, client=None):
        value, fds = (client or self.client).call_fds(
            converter_path(ID), CONVERTER, "Inhibit", GLib.Variant("(ss)", ("me", "a test")))
        return fds.steal_fds()[value[0]]

    def assert_denied(self, reply, *words):
        self.assertEqual(reply[0], ERROR + "NotAuthorized", reply)
        for word in words:
            self.assertIn(word, reply[1])


class TestPolicy(AccessTest):
    def test_nobody_reads_everything_without_a_group(self):
        other = self.other()
        for call in READING:
            with self.subTest(call[2]):
                self.assertEqual(other.call(*call)[0], "ok")

    def test_nobody_cannot_set_properties_or_own_the_name(self):
        other = self.other()
        reply = other.call("/org/freedesktop/LogControl1", PROPERTIES, "Set",
                           "('org.freedesktop.LogControl1', 'LogLevel', <'debug'>)")
        self.assertEqual(reply[0], "org.freedesktop.DBus.Error.AccessDenied")
        self.assertEqual(self.client.get("/org/freedesktop/LogControl1",
                                         "org.freedesktop.LogControl1", "LogLevel"), "info")
        done = subprocess.run(
            ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "busctl",
             f"--address={self.bus.address}", "call", "org.freedesktop.DBus",
             "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName", "su", NAME,
             "4"], capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(self.client.get(ROOT, MANAGER, "State"), "starting")


class TestPolkit(AccessTest):
    def test_polkit_allows_exactly_the_action_that_guards_a_method(self):
        polkit, other = self.polkit(), self.other()
        for call, action, request in GUARDED:
            with self.subTest(call[2]):
                polkit.allow(*({f"org.smartmeterd.{a}" for a in ("manage", "set-key", "capture")} -
                               {f"org.smartmeterd.{action}"}))
                self.assert_denied(other.call(*call), f"org.smartmeterd.{action}")
                polkit.allow(f"org.smartmeterd.{action}")
                self.assertEqual(other.call(*call)[0], "ok")
                self.driver.wait_request(f"request {request}")
        self.assertEqual([r for r in self.driver.poll() if not r.startswith("request inhibit")], [])

    def test_polkit_is_asked_about_the_caller_and_may_ask_a_person_only_when_told(self):
        polkit, other = self.polkit(), self.other()
        other.call(ROOT, MANAGER, "Rescan")
        other.call(ROOT, MANAGER, "Rescan", None, INTERACTIVE)
        first, second = polkit.questions()
        self.assertIn(f"'{other.name}'", first)
        self.assertRegex(first, r'"org.smartmeterd.manage" \{\} 0 ')
        self.assertRegex(second, r'"org.smartmeterd.manage" \{\} 1 ')

    def test_root_is_not_asked_about(self):
        polkit = self.polkit()
        self.client.call(ROOT, MANAGER, "Rescan")
        self.assertEqual(polkit.questions(), [])

    def test_without_polkit_only_root_changes_anything(self):
        other = self.other()
        for call, _, _ in GUARDED:
            with self.subTest(call[2]):
                self.assert_denied(other.call(*call), "polkit", "root")
        self.assertEqual(self.driver.poll(), [])

    def test_others_are_served_while_polkit_thinks(self):
        polkit, other = self.polkit(), self.other()
        polkit.control("SimulateHang", GLib.Variant("(b)", (True,)))
        polkit.allow("org.smartmeterd.manage")
        waiting = other.start(ROOT, MANAGER, "Rescan")
        wait_until(polkit.questions, "the question")
        self.assertEqual(other.call(*READING[0])[0], "ok")
        self.assertNotIn(waiting, other.replies)
        polkit.control("ReleaseHangingCalls")
        self.assertEqual(other.reply(waiting)[0], "ok")

    def test_caller_that_leaves_while_polkit_thinks_changes_nothing(self):
        polkit, other = self.polkit(), self.other()
        polkit.control("SimulateHang", GLib.Variant("(b)", (True,)))
        polkit.allow("org.smartmeterd.manage")
        other.start(ROOT, MANAGER, "Rescan")
        wait_until(polkit.questions, "the question")
        other.leave()
        wait_until(lambda: not self.client.call_bus("NameHasOwner",
                                                    GLib.Variant("(s)", (other.name,)))[0],
                   "the caller to leave")
        self.client.settle()
        polkit.control("ReleaseHangingCalls")
        self.client.settle()
        self.assertEqual(self.driver.poll(), [])

    def test_converter_that_vanishes_while_polkit_thinks_is_a_named_error(self):
        polkit, other = self.polkit(), self.other()
        polkit.control("SimulateHang", GLib.Variant("(b)", (True,)))
        polkit.allow("org.smartmeterd.manage")
        call = other.start(converter_path(ID), CONVERTER, "Probe", "(@a{sv} {},)")
        wait_until(polkit.questions, "the question")
        self.driver.do(f"converter-remove {ID}")
        polkit.control("ReleaseHangingCalls")
        self.assertEqual(other.reply(call)[0], ERROR + "Gone")

    def test_waiting_requests_of_one_user_are_bounded(self):
        polkit, other = self.polkit(), self.other()
        polkit.control("SimulateHang", GLib.Variant("(b)", (True,)))
        calls = [other.start(ROOT, MANAGER, "Rescan") for _ in range(20)]
        for call in calls[8:]:
            self.assertEqual(other.reply(call)[0], ERROR + "LimitExceeded")
        wait_until(lambda: len(polkit.questions()) == 8, "eight questions")
        # Other connections of that user wait no longer; root and other users are not shut out.
        again = self.other()
        self.assertEqual(again.call(ROOT, MANAGER, "Rescan")[0], ERROR + "LimitExceeded")
        self.client.call(ROOT, MANAGER, "Rescan")
        third = self.other(uid=1, gid=1)
        third.start(ROOT, MANAGER, "Rescan")
        wait_until(lambda: len(polkit.questions()) == 9, "the question about another user")
        polkit.control("ReleaseHangingCalls")
        for call in calls[:8]:
            self.assert_denied(other.reply(call))


class TestHolds(AccessTest):
    def test_inhibition_ends_when_the_fd_is_closed(self):
        fd = self.inhibit()
        cookie = self.driver.wait_request(f"request inhibit {ID} me/a test").split()[-1]
        copy = os.dup(fd)
        os.close(fd)
        self.client.settle()
        self.assertEqual(self.driver.poll(), [])
        os.close(copy)
        self.driver.wait_request(f"request inhibit-done {ID} {cookie}")

    def test_inhibition_ends_when_the_caller_leaves_the_bus(self):
        second = Client(self.bus)
        fd = self.inhibit(second)
        self.addCleanup(os.close, fd)
        cookie = self.driver.wait_request("request inhibit ").split()[-1]
        second.close()
        self.driver.wait_request(f"request inhibit-done {ID} {cookie}")

    def test_inhibition_ends_with_the_converter(self):
        fd = self.inhibit()
        self.addCleanup(os.close, fd)
        cookie = self.driver.wait_request("request inhibit ").split()[-1]
        self.driver.do(f"converter-remove {ID}")
        self.driver.wait_request(f"request inhibit-done {ID} {cookie}")
        with self.assertRaises(BrokenPipeError):
            os.write(fd, b"x")

    def test_inhibitions_overlap_and_are_bounded_per_caller(self):
        n_fds = self.driver.n_fds()
        fds = [self.inhibit() for _ in range(8)]
        with self.assertRaises(CallError) as caught:
            self.inhibit()
        self.assertEqual(caught.exception.name, ERROR + "LimitExceeded")
        for fd in fds:
            os.close(fd)
        wait_until(lambda: sum(r.startswith("request inhibit-done") for r in self.driver.poll()) == 8,
                   "the end of eight inhibitions")
        self.assertEqual(self.driver.n_fds(), n_fds)
        os.close(self.inhibit())

    def test_refused_inhibition_leaves_nothing_behind(self):
        n_fds = self.driver.n_fds()
        self.driver.do("fail 19")
        with self.assertRaises(CallError) as caught:
            self.inhibit()
        self.assertEqual(caught.exception.name, ERROR + "Gone")
        self.assertEqual(self.driver.n_fds(), n_fds)
        self.assertFalse([r for r in self.driver.poll() if "done" in r])

    def test_who_and_why_are_short_and_plain(self):
        for who, why in (("", "x"), ("x", ""), ("x" * 121, "x"), ("a\nb", "x"), ("a", "\x1b[2J")):
            with self.assertRaises(CallError) as caught:
                self.client.call(converter_path(ID), CONVERTER, "Inhibit",
                                 GLib.Variant("(ss)", (who, why)))
            self.assertEqual(caught.exception.name, ERROR + "InvalidArgument")

    def capture(self):
        value, fds = self.client.call_fds(converter_path(ID), CONVERTER, "Capture",
                                          GLib.Variant("(a{sv})", ({},)))
        return fds.steal_fds()[value[0]]

    def test_capture_delivers_raw_bytes_until_the_converter_is_forgotten(self):
        fd = self.capture()
        self.addCleanup(os.close, fd)
        self.driver.do("capture-write ~raw bytes~")
        self.assertEqual(os.read(fd, 100), b"~raw bytes~")
        self.driver.do(f"converter {ID} state gone")
        self.driver.do("capture-write ~after a replug~")
        self.assertEqual(os.read(fd, 100), b"~after a replug~")
        self.driver.do(f"converter-remove {ID}")
        self.driver.do("capture-close")
        self.assertEqual(os.read(fd, 100), b"")

    def test_captures_are_bounded_per_caller_and_count_only_while_read(self):
        for _ in range(20):
            os.close(self.capture())
            self.client.settle()
        fds = [self.capture() for _ in range(8)]
        with self.assertRaises(CallError) as caught:
            self.capture()
        self.assertEqual(caught.exception.name, ERROR + "LimitExceeded")
        for fd in fds:
            os.close(fd)
        wait_until(self.try_capture, "room for another capture")

    def try_capture(self):
        try:
            os.close(self.capture())
            return True
        except CallError:
            return False

    def test_capture_refuses_unknown_options(self):
        with self.assertRaises(CallError) as caught:
            self.client.call(converter_path(ID), CONVERTER, "Capture",
                             GLib.Variant("(a{sv})", ({"Raw": GLib.Variant("b", True)},)))
        self.assertEqual(caught.exception.name, ERROR + "InvalidArgument")


class TestReaders(AccessTest):
    readers = "games"  # a group every system has, with nobody in it
    GID = 60

    def setUp(self):
        try:
            TestReaders.GID = grp.getgrnam(self.readers).gr_gid
        except KeyError:
            self.skipTest("no group 'games' here")
        super().setUp()

    def test_only_members_of_the_group_read(self):
        outsider, member = self.other(), self.other(groups=[self.GID])
        for call in READING:
            with self.subTest(call[2]):
                self.assert_denied(outsider.call(*call), "games")
                self.assertEqual(member.call(*call)[0], "ok")
        primary = self.other(gid=self.GID)
        self.assertEqual(primary.call(*READING[0])[0], "ok")
        self.assertEqual(self.client.call(ROOT, MANAGER, "ListMeters")[0], [meter_path("LGZ1")])

    def test_signals_reach_readers_and_nobody_else(self):
        outsider, member = self.other(), self.other(groups=[self.GID])
        member.call(ROOT, OBJECTS, "GetManagedObjects")
        outsider.call(ROOT, OBJECTS, "GetManagedObjects")
        self.driver.do("telegram LGZ1 1.7.0=200")
        self.driver.do("meter-add GAS1 LGZ1")
        self.driver.do("meter-remove GAS1")
        for name in ("PropertiesChanged", "TelegramReceived", "InterfacesAdded",
                     "InterfacesRemoved"):
            self.assertTrue(member.wait_signal(name))
        self.assertTrue(any("'PowerImport': <200.0>" in s["args"] for s in member.signals))
        self.assertIn("GAS1", member.wait_signal("InterfacesAdded")["args"])
        # Its answer comes after all signals that were sent before.
        outsider.call(ROOT, "org.freedesktop.DBus.Peer", "Ping")
        self.assertEqual(outsider.signals, [])

    def test_outsider_with_an_authorisation_still_manages(self):
        polkit, outsider = self.polkit(), self.other()
        polkit.allow("org.smartmeterd.manage")
        self.assertEqual(outsider.call(ROOT, MANAGER, "Rescan")[0], "ok")
        polkit.allow()
        self.assert_denied(outsider.call(ROOT, MANAGER, "Rescan"), "org.smartmeterd.manage")

    def test_reload_opens_and_closes_reading(self):
        other = self.other()
        self.assert_denied(other.call(*READING[0]))
        self.driver.do("readers")
        self.assertEqual(other.call(*READING[0])[0], "ok")
        self.driver.do("telegram LGZ1 1.7.0=300")
        self.assertTrue(other.wait_signal("TelegramReceived"))
        self.driver.do("readers no-such-group-here")
        self.assert_denied(other.call(*READING[0]), "no-such-group-here")


if __name__ == "__main__":
    unittest.main()
