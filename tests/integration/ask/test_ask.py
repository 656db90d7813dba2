# SPDX-License-Identifier: MIT
"""docs/design.md §3, Ask=: meters that say nothing until they are asked, and the promise that nothing
is ever sent where root's configuration does not say so."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import meters
from harness import Broker, Daemon, Link, telegram
from private_bus import wait_until

SLOWDOWN = float(os.environ.get("SMARTMETERD_TEST_SLOWDOWN", "1"))
E450 = telegram("lgz-e450", "--meter-id", "LGZ1030655933512")


class AskCase(unittest.TestCase):
    ask = ""

    def setUp(self):
        self.daemon = Daemon()
        self.link = Link(self.daemon.folder / "meter")
        self.identity = "tty@" + self.link.path[1:].replace("/", "-")
        self.configure(self.ask)

    def configure(self, keys, more=""):
        self.daemon.configure(f'[converter "head"]\nDevice={self.link.path}\n{keys}\n{more}')

    def simulate(self, profile, number, *options):
        meter = meters.Simulated(self.link.path, profile, number, *options)
        self.addCleanup(self.end, meter)
        self.assertTrue(meter.plugged.wait(60 * SLOWDOWN), "the simulator did not begin")
        return meter

    def end(self, meter):
        meter.stop()
        self.assertEqual(meter.trouble, [])

    def play(self, meter):
        self.link.plug()
        meter.start()
        self.addCleanup(self.unplug, meter)
        return meter

    def unplug(self, meter):
        meter.stop()
        os.close(self.link.slave)
        os.close(self.link.master)
        self.assertIsNone(meter.trouble)

    def statistics(self, name):
        return self.daemon.converter(self.identity, "Statistics")[name]

    def readings(self, meter):
        return {name: value[0] for name, value in self.daemon.meter(meter, "Readings").items()}

    def wait_reading(self, number, name, meter, code):
        """What the meter sent is what is read; it may have sent more meanwhile."""
        wait_until(lambda: self.readings(number).get(name) in meter.sent(code), f"{name} of {number}")


class TestReadout(AskCase):
    ask = "Ask=readout\nAskEvery=10s"

    def readout(self, *options):
        return self.simulate("mode-c", "40230017", *options)

    def test_a_meter_is_read_out_at_the_speed_that_it_offers(self):
        with self.daemon as d:
            meter = self.readout()
            d.wait_meter("40230017", "Online", True)
            for name, code in (("active_energy_import", "1-0:1.8.0"), ("active_power_export", "1-0:2.7.0"),
                               ("voltage_l1", "1-0:32.7.0")):
                self.wait_reading("40230017", name, meter, code)
            d.wait_state(self.identity, "receiving")
            self.assertEqual(meter.said[:2], [b"/?!\r\n", b"\x06050\r\n"])
            wait_until(lambda: meter.count("sign-on") > 1, "a second readout")

    def test_ask_baud_is_what_is_acknowledged(self):
        self.configure(self.ask + "\nAskBaud=2400")
        with self.daemon as d:
            meter = self.readout()
            d.wait_meter("40230017", "Online", True)
            self.assertEqual(meter.said[1], b"\x06030\r\n")

    def test_an_optical_head_that_hears_itself_is_no_hindrance(self):
        with self.daemon as d:
            meter = self.readout("--trouble", "echo")
            d.wait_meter("40230017", "Online", True)
            self.wait_reading("40230017", "active_power_export", meter, "1-0:2.7.0")
            self.assertGreaterEqual(self.statistics("sent-bytes"), 11)

    def test_a_slow_meter_is_waited_for(self):
        with self.daemon as d:
            meter = self.readout("--trouble", "slow")
            d.wait_meter("40230017", "Online", True)
            self.assertEqual(meter.count("sign-on"), 1)

    def test_a_wrong_block_check_is_never_a_reading_and_is_asked_again(self):
        with self.daemon as d:
            meter = self.readout("--trouble", "wrong-check=1")
            wait_until(lambda: self.statistics("asked-in-vain") >= 1, "the failure is counted")
            self.assertEqual(d.meters(), {})
            d.wait_meter("40230017", "Online", True)
            self.wait_reading("40230017", "active_energy_import", meter, "1-0:1.8.0")
            self.assertGreaterEqual(meter.count("sign-on"), 2)

    def test_a_meter_that_stays_at_300_is_read_at_300(self):
        with self.daemon as d:
            meter = self.readout("--trouble", "stays-at-300")
            d.wait_meter("40230017", "Online", True)
            self.assertIn(b"\x06000\r\n", meter.said)

    def test_a_meter_that_does_not_answer_is_named(self):
        with self.daemon as d:
            meter = self.readout("--trouble", "no-answer=2")
            d.wait_state(self.identity, "silent")
            self.assertEqual(d.converter(self.identity, "StateCode"), "no-answer")
            self.assertRegex(d.converter(self.identity, "StateReason"), r"asked \d+ times: it does not answer")
            d.wait_meter("40230017", "Online", True)
            d.wait_state(self.identity, "receiving")
            self.assertGreaterEqual(meter.count("sign-on"), 3)

    def test_a_meter_of_mode_b_is_not_acknowledged(self):
        with self.daemon as d:
            meter = self.readout("--trouble", "no-speed")
            d.wait_state(self.identity, "silent")
            self.assertIn("mode B or D", d.converter(self.identity, "StateReason"))
            self.assertEqual(set(meter.said), {b"/?!\r\n"})

    def test_a_meter_that_is_plugged_in_again_is_asked_at_once(self):
        self.configure("Ask=readout\nAskEvery=1h")
        with self.daemon as d:
            meter = self.readout("--unplug-after", "1", "--replug-after", "1")
            d.wait_meter("40230017", "Online", True)
            wait_until(lambda: len(meter.telegrams) == 2, "a readout after it was plugged in again")
            self.wait_reading("40230017", "active_energy_import", meter, "1-0:1.8.0")

    def test_a_reload_without_ask_ends_the_asking(self):
        with self.daemon as d:
            meter = self.play(meters.Readout(self.link))
            d.wait_meter("40230017", "Online", True)
            self.configure("")
            d.manager("Reload")
            d.wait_state(self.identity, "detecting")
            heard = len(meter.heard)
            for _ in range(3):
                self.link.feed(E450)
            d.wait_meter("LGZ1030655933512", "Online", True)
            self.assertEqual(len(meter.heard), heard)


class TestSiemens(AskCase):
    ask = "Ask=F001 F009\nAskEvery=1s\nProfile=siemens-td3511"

    def test_a_td3511_has_its_old_topics(self):
        with Broker() as broker:
            self.configure(self.ask, f'[tariff]\nTimezone=Europe/Vienna\n[mqtt "local"]\nHost=127.0.0.1\n'
                           f"Port={broker.port}\nFormats=datacollector\n")
            out = subprocess.Popen(["mosquitto_sub", "-p", str(broker.port), "-t", "smartmeter/#", "-v",
                                    "-C", "16"], stdout=subprocess.PIPE, text=True)
            with self.daemon as d:
                meter = self.play(meters.Siemens(self.link))
                d.wait_meter("30124578", "Online", True)
                said, _ = out.communicate(timeout=60)
        sent = dict(line.split(" ", 1) for line in said.splitlines())
        wanted = {"ACTIVE_ENERGY_P": ("12345678.0", "1.8.0"), "ACTIVE_ENERGY_P_T1": ("10000000.0", "1.8.1"),
                  "ACTIVE_ENERGY_P_T2": ("2345678.0", "1.8.2"), "ACTIVE_ENERGY_N": ("12000.0", "2.8.0"),
                  "REACTIVE_ENERGY_P": ("123456.0", "3.8.1"), "REACTIVE_ENERGY_N": ("1500.0", "4.8.1"),
                  "ACTIVE_POWER_P": ("532.0", "1.7.0"), "ACTIVE_POWER_N": ("0.0", "2.7.0"),
                  "NET_FREQUENCY": ("49.98", "14.7.0"), "CURRENT_L1": ("1.25", "31.7.0"),
                  "VOLTAGE_L1": ("238.3", "32.7.0"), "VOLTAGE_L2": ("237.9", "52.7.0"),
                  "ANGLE_UI_L1": (repr(36.0 * 3.141592653589793 / 180), "81.7.4")}
        # 2024-03-21 21:10:29 in Vienna
        self.assertEqual({topic: sent.get("smartmeter/30124578/" + topic) for topic in wanted},
                         {topic: f'{{"value": {value}, "timestamp": 1711051829, "obis": "{code}"}}'
                          for topic, (value, code) in wanted.items()})
        self.assertEqual(meter.requests[:4], [b"/?!", b"\x06061", b"\x01R2\x02F001\x03\x16",
                                              b"\x01R2\x02F009\x03\x1e"])

    def test_one_sign_on_serves_many_reads(self):
        with self.daemon:
            meter = self.simulate("siemens-td3511", "30124578")
            wait_until(lambda: meter.count("read") >= 8, "four rounds")
            self.assertEqual((meter.count("sign-on"), meter.count("program")), (1, 1))
            self.wait_reading("30124578", "frequency", meter, "1-0:14.7.0")
            self.wait_reading("30124578", "active_energy_import", meter, "1-0:1.8.0")

    def test_a_session_that_ends_is_begun_anew(self):
        with self.daemon as d:
            meter = self.simulate("siemens-td3511", "30124578", "--trouble", "session-ends=1")
            wait_until(lambda: meter.count("sign-on") >= 2, "it signs on again")
            d.wait_meter("30124578", "Online", True)
            wait_until(lambda: meter.count("read") > 5, "it is read on")

    def test_answers_without_block_check_are_read(self):
        with self.daemon as d:
            meter = self.simulate("siemens-td3511", "30124578", "--trouble", "no-check")
            d.wait_meter("30124578", "Online", True)
            self.wait_reading("30124578", "active_power_export", meter, "1-0:2.7.0")


class TestAcknowledge(AskCase):
    ask = "Ask=acknowledge"

    def give_key(self, key):
        path = self.daemon.folder / "amis.key"
        path.touch(0o600)
        path.write_text(key + "\n")
        self.configure(f"Ask=acknowledge\nKeyFile={path}")

    def counter(self, *options):
        return self.simulate("siemens-amis", "12345678", "--interval", "0.5", *options)

    def test_each_frame_of_a_counter_interface_is_acknowledged_once(self):
        with self.daemon:
            meter = self.counter()
            wait_until(lambda: meter.count("acknowledge") >= 6, "six frames are acknowledged")
            self.assertEqual(set(meter.said), {b"\xe5"})
            self.assertLessEqual(len(meter.said), 1 + len(meter.telegrams))  # the reset is no telegram

    def test_a_damaged_frame_is_not_acknowledged_and_comes_again(self):
        self.give_key("000102030405060708090a0b0c0d0e0f")
        with self.daemon as d:
            meter = self.counter("--trouble", "wrong-check=2")
            wait_until(lambda: meter.count("acknowledge") >= 3, "the reset, the third try, the next one")
            d.wait_meter("12345678", "Online", True)
            self.wait_reading("12345678", "active_energy_import", meter, "1-0:1.8.0")
            self.assertGreater(self.statistics("damaged-frames") + self.statistics("garbage-bytes"), 0)

    def test_an_amis_meter_is_read_with_its_key(self):
        self.give_key("000102030405060708090a0b0c0d0e0f")
        with self.daemon as d:
            meter = self.counter()
            d.wait_meter("12345678", "Online", True)
            d.wait_meter("12345678", "KeyState", "ok")
            self.wait_reading("12345678", "active_power_export", meter, "1-0:2.7.0")
            self.wait_reading("12345678", "active_energy_import", meter, "1-0:1.8.0")
            self.assertEqual(d.meter("12345678", "Profile"), "siemens-amis")

    def test_key_states_of_an_amis_meter_are_those_of_others(self):
        with self.daemon as d:
            self.counter()
            d.wait_meter("12345678", "KeyState", "missing")
            self.give_key("ff0102030405060708090a0b0c0d0e0f")
            d.manager("Reload")
            d.wait_meter("12345678", "KeyState", "wrong-encryption-key")
            self.give_key("000102030405060708090a0b0c0d0e0f")
            d.manager("Reload")
            d.wait_meter("12345678", "KeyState", "ok")

    def test_damaged_frames_and_those_of_others_are_not_acknowledged(self):
        with self.daemon as d:
            meter = self.play(meters.Counter(self.link, []))
            d.wait_state(self.identity, "detecting")
            reset, data = meters.COUNTER_FRAMES[:2]
            self.link.feed(reset[:3] + bytes([reset[3] ^ 1]) + reset[4:])
            self.link.feed(bytes.fromhex("1040013116") + data[:40] + bytes([data[40] ^ 4]) + data[41:])
            wait_until(lambda: self.statistics("bytes") >= 10 + len(data) or
                       self.statistics("garbage-bytes") > 0, "it was heard")
            self.assertEqual(meter.heard, b"")
            self.link.feed(data)
            wait_until(lambda: meter.acknowledged == 1, "the good one is acknowledged")


class TestNothingIsSent(AskCase):
    """The emulator counts."""

    def test_not_one_byte_leaves_without_ask(self):
        with self.daemon as d:
            meter = self.play(meters.Readout(self.link))
            d.wait_state(self.identity, "detecting")
            for _ in range(2):
                self.link.feed(E450)
            d.wait_meter("LGZ1030655933512", "Online", True)
            d.converter_call(self.identity, "Probe", "a{sv}", {})
            d.wait_state(self.identity, "detecting")
            self.link.feed(meters.Readout.ident + meters.block(meters.Readout.lines))
            self.link.feed(bytes.fromhex("1040f03016"))
            self.link.feed(E450)
            d.wait_state(self.identity, "receiving")
            self.assertEqual(meter.heard, b"")
            self.assertEqual(self.statistics("sent-bytes"), 0)

    def test_a_profile_alone_makes_nothing_speak(self):
        self.configure("Profile=siemens-td3511")
        with self.daemon as d:
            meter = self.play(meters.Siemens(self.link))
            d.wait_state(self.identity, "detecting")
            for _ in range(2):  # with a profile that knows no scales: registers without unit
                self.link.feed(E450)
            d.wait_meter("LGZ1030655933512", "Online", True)
            self.assertEqual(meter.heard, b"")

    def test_what_ask_wants_is_checked(self):
        for keys, reason in (("Ask=read", "write no, readout, acknowledge"), ("AskEvery=5s", "belongs to Ask="),
                             ("Ask=readout\nAskBaud=1000", "write 300, 600"),
                             ("Ask=readout\nAskEvery=1s", "too short")):
            path = self.daemon.folder / "other.conf"
            path.write_text(f'[converter "head"]\nDevice=/dev/ttyAMA0\n{keys}\n')
            done = subprocess.run([os.environ["SMCTL"], "check-config", str(path)], capture_output=True,
                                  text=True)
            self.assertEqual(done.returncode, 1, keys)
            self.assertIn(reason, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
