# SPDX-License-Identifier: MIT
"""An attacker on the wire, or at the converter: forged, damaged, foreign and endless bytes; a converter
that is pulled a thousand times; a clock that jumps."""

import json
import os
import random
import struct
import time
import unittest

from attack_bed import Service, bus, json, mqtt, p1, wait_until
from broker import Broker, Folder, Subscriber
from meter_bed import frame, telegram

METER, TITLE = "ISK1030783000001", bytes.fromhex("49534befff745dc1")
REPLUGS = int(os.environ.get("SMARTMETERD_REPLUGS", "60"))
KEY, AUTH_KEY = "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF"
SANITIZED = bool(os.environ.get("SMARTMETER_SANITIZER"))


def nth(n, profile="iskra-am550", *options):
    """The n-th telegram alone, of a meter whose clock and frame counter go on."""
    words = (profile, "--meter-id", METER, "--time", "1796000000", *options)
    before = len(telegram(*words, "-n", str(n - 1))) if n > 1 else 0
    return telegram(*words, "-n", str(n))[before:]


def authentic(n, security="30", *more):
    return nth(n, "iskra-am550", "--key", KEY, "--auth-key", AUTH_KEY, "--security", security, *more)


def general_glo(control, counter, content):
    """general-glo-ciphering (DLMS Green Book 9.5) of the meter's title, with any content."""
    body = bytes([control]) + struct.pack(">I", counter) + content
    return b"\xdb\x08" + TITLE + b"\x82" + struct.pack(">H", len(body)) + body


def pieces(stream):
    """(header, information) of each frame."""
    at = 1
    while at < len(stream):
        length = (stream[at] & 7) << 8 | stream[at + 1]
        body, n = stream[at:at + length], 2
        for _ in range(2):  # each address ends with a byte that is odd
            while not body[n] & 1:
                n += 1
            n += 1
        yield body[:n + 1], body[n + 3:-2]
        at += length + 1
        at += at < len(stream) and stream[at] == 0x7e


def unframed(stream):
    return b"".join(information for _, information in pieces(stream))[3:]


def framed(apdu):
    """In one frame with the addresses of the meter, and with the check sums that it has to have."""
    return frame(next(pieces(authentic(1)))[0][2:], b"\xe6\xe7\x00" + apdu)


class Forger(unittest.TestCase):
    def test_nothing_is_read_that_the_authentication_key_does_not_vouch_for(self):
        keys = f'[meter "{METER}"]\nKey={KEY}\nAuthKey={AUTH_KEY}\n'
        plain = nth(1, "raw", "--plain", "-s", "7")
        forged = {
            "the first again": authentic(1),
            "all again": b"".join(authentic(n) for n in range(1, 5)),
            "plain text of another household": nth(1, "iskra-am550", "--plain", "-s", "9"),
            "plain text, again": nth(2, "iskra-am550", "--plain", "-s", "9"),
            "plain text, a third time": nth(3, "iskra-am550", "--plain", "-s", "9"),
            "without a tag": authentic(9, "20", "-s", "5"),
            "neither cipher nor tag": framed(general_glo(0x00, 0xad0fffff, plain)),
            "a tag of zeros": framed(general_glo(0x10, 0xad0ffffe, plain + bytes(12))),
            "a tag of zeros, enciphered": framed(unframed(authentic(9))[:-12] + bytes(12)),
        }
        with Service(keys) as s:
            for n in range(1, 5):
                # One as it is, and one in a frame of ours: such a frame is read.
                s.feed(authentic(n) if n % 2 else framed(unframed(authentic(n))))
                s.wait_telegrams(METER, n)

            def energy():
                return s.client.get(bus.meter_path(METER), bus.ELECTRICITY, "EnergyImport")
            n, known = 4, energy()
            for what, data in forged.items():
                with self.subTest(what):
                    s.feed(data)
                    n += 1
                    # What is authentic goes on, and by then the forged one has been dealt with.
                    s.feed(authentic(n))
                    wait_until(lambda: energy() != known or s.telegrams(METER) >= n, "the next")
                    self.assertEqual(s.telegrams(METER), n, what)
                    known = energy()
            # It is said where a person looks, and no message advises to leave the key out.
            told = s.smctl("doctor", code=None) + s.log
            self.assertRegex(s.log, "warning: .*unauthenticated")
            self.assertLessEqual(s.log.count("unauthenticated"), 2)  # and not once for each
            found = {f["check"]: f["status"] for f in
                     json.loads(s.smctl("doctor", "--json", code=None))["checks"]}
            self.assertEqual(found["forged"], "wrong")
            self.assertNotRegex(told.lower(), "encryption key alone|without the authentication")
            self.assertTrue(s.meters()[METER]["Encrypted"])


class Crowds(unittest.TestCase):
    def test_one_line_cannot_shut_out_a_meter_on_another(self):
        with Service(lines=2) as s:
            crowd = b"".join(p1(b"EVIL%08d" % (i // 2), i) for i in range(600))
            s.feed(crowd, line=0)
            s.feed(p1(b"LAST", 1) * 3)
            s.wait_telegrams("LAST", 2)
            for n in range(3):
                s.feed(p1(b"HONEST01", 5000000 + n), line=1)
            s.wait_telegrams("HONEST01", 3)
            self.assertLess(len(s.meters()), 60)
            self.assertIn("names more meters than can be: its share of 48 is used", s.log)

    def test_a_line_cannot_take_the_meter_of_another(self):
        with Service(lines=2) as s:
            for n in range(3):
                s.feed(p1(b"HONEST01", 5000000 + n), line=1)
            s.wait_telegrams("HONEST01", 3)
            s.feed(p1(b"HONEST01", 9999999) * 5, line=0)
            s.feed(p1(b"OTHER", 1) * 3, line=0)
            s.wait_telegrams("OTHER", 2)
            s.feed(p1(b"HONEST01", 5000003), line=1)
            s.wait_telegrams("HONEST01", 4)
            self.assertEqual(s.telegrams("HONEST01"), 4)
            self.assertEqual(s.client.get(bus.meter_path("HONEST01"), bus.ELECTRICITY,
                                          "EnergyImport"), 5000003)


class Amplified(unittest.TestCase):
    def test_a_meter_that_changes_its_name_each_time_does_not_flood_the_broker(self):
        more = [f"1-0:{c}.{d}.0({c * d % 999:03d}.1*V)" for c in range(21, 76) for d in (7, 8)]
        with Folder() as folder, Broker(folder) as broker, \
                Subscriber(broker, topic="homeassistant/device/+/config") as sub, \
                Service(mqtt("m", broker.port, formats="homeassistant")) as s:
            s.wait_output("m", lambda o: o["Connected"], "a connection")
            for n in range(3):
                s.feed(p1(b"SEQ1", 1000 + n, more=more))
            s.wait_telegrams("SEQ1", 3)
            sub.wait(lambda got: got, "a description")
            for n in range(200):
                ident = "/ISK5\\2M550T-1011" if n % 2 else "/KFM5KAIFA-METER"
                s.feed(p1(b"SEQ1", 1003 + n, ident=ident))
            s.wait_telegrams("SEQ1", 203)
            s.client.call(bus.output_path("m"), bus.OUTPUT, "Reconnect")
            s.wait_output("m", lambda o: o["Connected"] and not o["Queued"], "all told")
            self.assertLess(len(sub.got), 60)


class Damage(unittest.TestCase):
    def test_no_reading_comes_from_a_frame_whose_check_failed(self):
        """HDLC frames that lost, gained and changed bytes, between whole ones."""
        chance = random.Random(6)
        with Folder() as folder, Broker(folder) as broker, \
                Subscriber(broker, topic="smartmeterd/box/meter/+/telegram") as sub, \
                Service(mqtt("m", broker.port), line="2400 8E1") as s:
            s.wait_output("m", lambda o: o["Connected"], "a connection")
            # Two whole ones of each: what may be said.
            whole = [nth(n, "lgz-e450") for n in (1, 2, 3, 4)]
            for data in whole:
                s.feed(data)
            s.wait_telegrams(METER, 4)
            sub.wait(lambda got: len(got) >= 4, "the first four")
            good = {json.dumps(json.loads(p)["readings"]) for _, p, _, _ in sub.got}
            for _ in range(400):
                data = bytearray(whole[chance.randrange(4)])
                for _ in range(chance.randrange(1, 5)):
                    at = chance.randrange(len(data))
                    what = chance.randrange(3)
                    if what == 0:
                        del data[at:at + chance.randrange(1, 4)]
                    elif what == 1:
                        data.insert(at, chance.randrange(256))
                    else:
                        data[at] ^= 1 << chance.randrange(8)
                s.feed(bytes(data))
            for data in whole * 2:
                s.feed(data)
            n = s.telegrams(METER)
            s.feed(whole[0])
            s.wait_telegrams(METER, n + 1)
            count = s.telegrams(METER)
            sub.wait(lambda got: len(got) >= count, "all that was read")
            for _, payload, _, _ in sub.got:
                self.assertIn(json.dumps(json.loads(payload)["readings"]), good)
            self.assertEqual([m for m in s.meters() if m != METER], [])

    def test_endless_garbage_leaves_the_service_answering_and_small(self):
        chance = random.Random(24)
        patterns = [chance.randbytes(1 << 16), bytes(1 << 16), b"\xff" * (1 << 16),
                    b"\x7e" * (1 << 16), b"\x7e\xa7\xff\x03\x21\x13" * 8192, b"/" * (1 << 16),
                    b"/ABC5x\r\n" * 8192, b"\x02\nA 1 '" * 8192, b"\x1b" * (1 << 16),
                    b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01" * 8192, b"\x0f" * (1 << 16),
                    b"\xdb\x08ABC\0\0\0\0\0\x82\x0f\xff\x30" * 4096, b"\x68\xff\xff\x68" * 16384,
                    b"0.0.0(1)\r\n" * 6553, b"\x0f\0\0\0\0\0\x02\x01" + b"\x02\x01" * 30000,
                    p1(b"SEQ1", 1)[:-9] * 200]
        with Service() as s:
            s.feed(p1(b"SEQ1", 1000))
            s.wait_telegrams("SEQ1")
            before = s.rss_kib()
            for i, data in enumerate(patterns):
                s.feed(data)
                # As a person notices: all is dealt with, and a meter is heard again.
                s.client.get_all(bus.ROOT, bus.MANAGER)
                n = s.telegrams("SEQ1")

                def heard():
                    s.feed(p1(b"SEQ1", 1001 + i))
                    s.client.get_all(bus.ROOT, bus.MANAGER)
                    return s.telegrams("SEQ1") > n
                wait_until(heard, f"a telegram behind pattern {i}")
            if not SANITIZED:
                self.assertLess(s.rss_kib() - before, 2048)


class Replugs(unittest.TestCase):
    """By hand, 10 000 of them: meson test --benchmark replugs."""

    def test_a_converter_pulled_in_the_middle_of_telegrams_leaks_nothing(self):
        chance = random.Random(21)
        with Service() as s:
            s.feed(p1(b"SEQ1", 1000))
            s.wait_telegrams("SEQ1")
            fds, kib = s.n_fds(), 0
            for i in range(REPLUGS):
                if i % 3:
                    s.feed(p1(b"SEQ1", 1000)[:chance.randrange(1, 200)])
                s.ttys[0].unplug()
                if i % 2:
                    s.wait_state(s.identity(), "waiting")
                s.ttys[0].plug()
                if i % 10 == 9:
                    wait_until(lambda: s.converters()[s.identity()] in ("receiving", "detecting"),
                               "an open port")
                    n = s.telegrams("SEQ1")
                    s.feed(p1(b"SEQ1", 1001 + i))
                    s.wait_telegrams("SEQ1", n + 1)
                if i == REPLUGS // 10:
                    kib = s.rss_kib()
            wait_until(lambda: s.n_fds() == fds, f"{fds} descriptors; there are {s.open_files()}")
            print(f"{REPLUGS} replugs: {fds} and {s.n_fds()} descriptors, {kib} and {s.rss_kib()} KiB")
            if not SANITIZED:
                self.assertLess(s.rss_kib(), kib + 256)


class Clocks(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_a_clock_that_jumps_costs_no_telegram_and_wakes_nobody(self):
        """A meter without a clock: the machine's is all there is."""
        def without_clock(n):
            from meter_bed import crc16
            body = "\r\n".join(["/ISK5\\2M550T-1011", "", "0-0:96.1.1(434C4B31)",
                                f"1-0:1.8.0({n / 1000:010.3f}*kWh)",
                                "1-0:1.7.0(00.100*kW)"]).encode() + b"\r\n!"
            return body + b"%04X\r\n" % crc16(body)
        with Folder() as folder, Broker(folder) as broker, \
                Subscriber(broker, topic="smartmeterd/box/meter/CLK1/telegram") as sub:
            path = folder + "/shift"

            def set_clock(to):
                with open(path + ".new", "w") as f:
                    f.write(str(int(to - time.time())))
                os.rename(path + ".new", path)
            set_clock(10)  # 1970: a board without a battery
            formats = "native homeassistant datacollector rl-dsp"
            with Service("[tariff]\nSlot=1 Mon..Fri 07:00-20:00\nDefault=2\nTimezone=Europe/Zurich\n" +
                         mqtt("m", broker.port, formats=formats),
                         environment={"LD_PRELOAD": os.environ["SMARTMETERD_CLOCK_SHIFT"],
                                      "CLOCK_SHIFT": path}) as s:
                s.wait_output("m", lambda o: o["Connected"], "a connection")
                n = 1000
                for year in (1970, 2026, 2046, 2026, 1999, 2026, 2106, 1969, 2026):
                    set_clock((year - 1970) * 31556952 + 1000)
                    for _ in range(4):
                        n += 1
                        s.feed(without_clock(n))
                        s.wait_telegrams("CLK1", n - 1000)
                statistics = s.meters()["CLK1"]["Statistics"]
                self.assertEqual(statistics.get("suspects", 0), 0)
                sub.wait(lambda got: len(got) >= n - 1000, "each telegram")
                self.assertTrue(s.meters()["CLK1"]["Online"])
                # Timers of another century do not turn in circles.
                self.assertLess(s.cpu_seconds(), 5)


if __name__ == "__main__":
    unittest.main(verbosity=2)
