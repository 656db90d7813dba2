# SPDX-License-Identifier: MIT
"""A broker, or somebody in between, that means harm; and one that says "not now".

No bytes of it end the process, take its memory, or cost a reading that it could still be given.
"""
import queue
import random
import signal
import socket
import struct
import threading
import unittest

from broker import Broker, DEADLINE, FakeBroker, Driver, Folder, Subscriber, config, until

START = 1551879225
ENERGY = "smartmeterd/box/meter/LGZ1/active_energy_import"
GREETING = b"\x20\x03\0\0\0"
STATUS = b"\0\x14homeassistant/status"


def rss_kb(driver):
    with open("/proc/%d/status" % driver.process.pid) as f:
        return int([line for line in f if line.startswith("VmRSS")][0].split()[1])


def unknown_property(first, before):
    """A packet whose properties begin with the id 0x7f."""
    return bytes([first, len(before) + 3]) + before + b"\x02\x7f\0"


class Bytes(unittest.TestCase):
    """Each ends the connection with a sentence, and nothing else."""

    HARMFUL = {
        "unknown property in CONNACK": unknown_property(0x20, b"\0\0"),
        "unknown property in PUBLISH": GREETING + unknown_property(0x30, STATUS),
        "unknown property in PUBACK": GREETING + unknown_property(0x40, b"\0\1\0"),
        "unknown property in SUBACK": GREETING + unknown_property(0x90, b"\0\1"),
        "unknown property in DISCONNECT": GREETING + unknown_property(0xe0, b"\x87"),
        "unknown property in AUTH": GREETING + unknown_property(0xf0, b"\0"),
        "PUBREC": GREETING + b"\x50\x02\0\1",
        "a length without end": GREETING + b"\x30\xff\xff\xff\xff\xff",
        "nothing before CONNACK": b"\xd0\0" + GREETING,
    }

    def test_no_packet_of_a_broker_ends_the_process(self):
        for name, raw in self.HARMFUL.items():
            with self.subTest(name), Folder() as folder, FakeBroker(raw=raw) as broker, \
                    Driver(folder, config(broker.port)) as driver:
                status = driver.status(lambda s: s["code"] == "not-mqtt", "its name")
                self.assertIn("no MQTT", status["error"])
                driver.ping("alive")

    def test_random_bytes_end_no_process(self):
        chance = random.Random(1)
        for turn in range(20):
            raw = (GREETING if turn % 2 else b"") + chance.randbytes(300)
            with self.subTest(turn), Folder() as folder, FakeBroker(raw=raw) as broker, \
                    Driver(folder, config(broker.port)) as driver:
                until(lambda: broker.connects, "a connection")
                driver.ping("alive")
                self.assertEqual(driver.stop(), 0)

    def test_announced_lengths_take_no_memory(self):
        for protocol in ("5", "3.1.1"):
            greeting = GREETING if protocol == "5" else b"\x20\x02\0\0"
            huge = b"\x30\xff\xff\xff\x7f" + STATUS + bytes(32 << 20)
            with self.subTest(protocol), Folder() as folder, \
                    FakeBroker(raw=greeting, then=huge) as broker, \
                    Driver(folder, config(broker.port, "Protocol=" + protocol)) as driver:
                driver.connected()
                before = rss_kb(driver)
                driver.send("telegram LGZ1 %d 1000 5" % START)
                driver.ping("alive")
                self.assertLess(rss_kb(driver) - before, 4096)


class GoneBroker(FakeBroker):
    """In place of an answer it publishes our will and resets the connection; we see both at once."""
    STATE = b"\0\x15smartmeterd/box/state"
    WILL = bytes([0x30, len(STATE) + 8]) + STATE + b"\0offline"

    def __init__(self):
        super().__init__()
        self.driver = queue.Queue()

    def _publish(self, s, first, body, version):
        driver = self.driver.get(timeout=DEADLINE)
        driver.send_signal(signal.SIGSTOP)
        s.sendall(self.WILL)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
        driver.send_signal(signal.SIGCONT)
        self.driver.put(driver)
        raise EOFError


class Farewell(unittest.TestCase):
    def test_broker_that_publishes_our_will_and_is_gone(self):
        """As each does that is stopped: what we say against it cannot be written any more."""
        with Folder() as folder, GoneBroker() as broker, \
                Driver(folder, config(broker.port)) as driver:
            broker.driver.put(driver.process)
            until(lambda: broker.connects >= 3, "three connections")
            broker.driver.get(timeout=DEADLINE)
            driver.ping("alive")
            self.assertEqual(driver.stop(), 0)


class NotNow(unittest.TestCase):
    def test_reasons_that_pass_cost_no_reading_and_no_order(self):
        for reason in (0x80, 0x83, 0x97, 0x91, 0xff):
            def answer(topic, n, reason=reason):
                return reason if topic == ENERGY and n in range(3, 9) else 0
            with self.subTest(hex(reason)), Folder() as folder, \
                    FakeBroker(reason=answer) as broker, \
                    Driver(folder, config(broker.port)) as driver:
                driver.connected()
                for i in range(10):
                    driver.send("telegram LGZ1 %d %d 5" % (START + i, 1000 + i))
                until(lambda: broker.payloads(ENERGY)[-1:] == ["1009"], "the last reading")
                got = [int(p) for p in broker.payloads(ENERGY)]
                # What was on its way when a connection ended is sent again, from its first on.
                back = sum(b < a for a, b in zip(got, got[1:]))
                self.assertLess(back, broker.connects, got)
                driver.status(lambda s: s["queued"] == 0 and s["code"] == "", "all is well again")

    def test_busy_is_over_when_only_messages_without_an_answer_were_left(self):
        gate = threading.Event()

        def answer(topic, n):
            if topic == ENERGY:
                gate.wait(DEADLINE)
            return 0x97 if topic == ENERGY and not refused and not refused.append(n) else 0
        refused = []
        with Folder() as folder, FakeBroker(reason=answer) as broker, \
                Driver(folder, config(broker.port)) as driver:
            driver.connected()
            for i in range(10):  # 20 that want an answer are in flight; the last power waits
                driver.send("telegram LGZ1 %d %d 5" % (START + i, 1000 + i))
            driver.status(lambda s: s["queued"] >= 20, "a full window")
            gate.set()
            driver.status(lambda s: s["queued"] == 0 and s["code"] == "", "all is well again")
            # The newer value had been taken: the older one, sent again, would run backwards.
            self.assertEqual(broker.payloads(ENERGY), [str(n) for n in range(1001, 1010)])
            telegrams = broker.payloads("smartmeterd/box/meter/LGZ1/telegram")
            self.assertEqual(len(telegrams), 10)

    def test_a_broker_that_takes_nothing_is_named_and_given_all_later(self):
        closed = [True]
        with Folder() as folder, FakeBroker(reason=lambda topic, n: 0x97 if closed[0] else 0) as \
                broker, Driver(folder, config(broker.port)) as driver:
            driver.connected()
            for i in range(40):
                driver.send("telegram LGZ1 %d %d 5" % (START + i, 1000 + i))
            status = driver.status(lambda s: s["code"] == "broker-busy", "its name")
            self.assertIn("takes no messages now", status["error"])
            closed[0] = False
            driver.send("reconnect")
            until(lambda: len(broker.payloads(ENERGY)) >= 40, "all readings")
            self.assertEqual([int(p) for p in dict.fromkeys(broker.payloads(ENERGY))],
                             list(range(1000, 1040)))
            status = driver.status(lambda s: s["queued"] == 0, "an empty queue")
            self.assertEqual(status["dropped"], 0)

    def test_a_refused_topic_is_left_out_and_named(self):
        for reason in (0x87, 0x90, 0x99):
            with self.subTest(hex(reason)), Folder() as folder, \
                    FakeBroker(reason=lambda topic, n, r=reason: r if topic == ENERGY else 0) as \
                    broker, Driver(folder, config(broker.port)) as driver:
                driver.connected()
                driver.send("telegram LGZ1 %d 1000 5" % START)
                status = driver.status(lambda s: s["code"] == "topic-refused", "its name")
                self.assertIn(ENERGY, status["error"])


class Limits(unittest.TestCase):
    def test_maximum_qos_is_obeyed_and_all_is_sent(self):
        with Folder() as folder, FakeBroker(connack=b"\x24\0") as broker, \
                Driver(folder, config(broker.port)) as driver:
            driver.connected()
            for i in range(20):
                driver.send("telegram LGZ1 %d %d 5" % (START + i, 1000 + i))
            until(lambda: len(broker.payloads(ENERGY)) == 20, "all readings")
            driver.status(lambda s: s["queued"] == 0, "nothing that waits for an answer")
            self.assertEqual({qos for _, _, qos in broker.published}, {0})
            self.assertEqual(driver.status(lambda s: s["queued"] == 0, "nothing")["dropped"], 0)

    def test_broker_that_takes_no_qos_1_is_served(self):
        with Folder() as folder, Broker(folder, lines=["max_qos 0"]) as broker, \
                Subscriber(broker) as sub, Driver(folder, config(broker.port)) as driver:
            driver.connected()
            for i in range(30):
                driver.send("telegram LGZ1 %d %d 5" % (START + i, 1000 + i))
            sub.wait(lambda got: sub.payloads(ENERGY)[-1:] == ["1029"], "all readings")
            status = driver.status(lambda s: s["queued"] == 0, "nothing that waits for an answer")
            self.assertEqual((status["error"], status["dropped"]), ("", 0))
            self.assertEqual(driver.stop(), 0)

    def test_maximum_packet_size_is_obeyed_and_said(self):
        with Folder() as folder, FakeBroker(connack=b"\x27\0\0\1\0") as broker, \
                Driver(folder, config(broker.port)) as driver:
            driver.connected()
            driver.send("telegram LGZ1 %d 1000 5" % START)
            status = driver.status(lambda s: s["code"] == "message-too-large", "its name")
            self.assertIn("/telegram", status["error"])
            until(lambda: broker.payloads(ENERGY) == ["1000"], "what is small enough")

    def test_receive_maximum_1_is_obeyed(self):
        with Folder() as folder, FakeBroker(connack=b"\x21\0\1") as broker, \
                Driver(folder, config(broker.port)) as driver:
            driver.connected()
            driver.send("burst LGZ1 30 %d 1000" % START)
            until(lambda: len(broker.payloads(ENERGY)) == 30, "all readings")


if __name__ == "__main__":
    unittest.main(verbosity=2)
