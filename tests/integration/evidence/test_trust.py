# SPDX-License-Identifier: MIT
"""docs/evidence.md through the whole daemon: what a disturbed line, a forger or a recorder sends is
on no output. Run under umockdev-wrapper."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from broker import Subscriber  # noqa: E402
from harness import Broker, telegram  # noqa: E402
from meter_bed import (AUTH_KEY, E450, ENCRYPTED, KEY, METER, TITLE, MeterBed,  # noqa: E402
                       crc16, dsmr, encrypted)
import private_bus as bus  # noqa: E402
from private_bus import SOURCE, wait_until  # noqa: E402

KEYS = f'[meter "{TITLE}"]\nKey={KEY}\nAuthKey={AUTH_KEY}\n'
NO_AUTH = f'[meter "{TITLE}"]\nKey={KEY}\n'


def e450(n):
    """The n-th telegram of one meter, counted from 0."""
    return telegram("lgz-e450", "--meter-id", METER, "-n", str(n + 1))[
        len(telegram("lgz-e450", "--meter-id", METER, "-n", str(n))) if n else 0:]


def burst(data, first, count):
    """Bytes as a disturbance leaves them."""
    return data[:first] + bytes(b ^ 0xa5 for b in data[first:first + count]) + data[first + count:]


class Line(unittest.TestCase):
    def test_burst_over_a_header_is_no_reading_on_bus_or_mqtt(self):
        whole = e450(0)
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            bed.feed(whole)
            bed.wait_telegrams(METER, 1)
            for first in range(1, 40, 3):
                bed.feed(burst(e450(1), first, 9) + burst(e450(1), first, 30))
            bed.feed(e450(2))
            bed.wait_telegrams(METER, 2)
            self.assertEqual(list(bed.d.meters()), [METER])
            self.assertEqual(bed.statistics(METER)["suspects"], 0)
            topic = f"smartmeterd/box/meter/{METER}/telegram"
            sub.wait(lambda got: len(sub.payloads(topic)) == 2, "two telegrams, and no third")

    def test_telegram_with_its_head_cut_makes_no_meter(self):
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            for cut in range(20, len(E450) - 20, 61):
                bed.feed(E450[cut:])
            bed.feed(E450)
            bed.wait_telegrams(METER, 1)
            self.assertEqual(list(bed.d.meters()), [METER])
            topic = f"smartmeterd/box/meter/{METER}/telegram"
            sub.wait(lambda got: sub.payloads(topic), topic)
            self.assertEqual({got[0].split("/")[3] for got in sub.got
                              if got[0].startswith("smartmeterd/box/meter/")}, {METER})

    def test_damaged_head_on_an_encrypted_line_calls_no_key_wrong(self):
        with MeterBed(config=NO_AUTH) as bed:
            bed.feed(encrypted(1, security="20"))
            bed.wait_telegrams(ENCRYPTED, 1)
            for first in range(1, 40, 2):
                bed.feed(burst(encrypted(2, security="20"), first, 7))
            bed.feed(encrypted(3, security="20"))
            bed.wait_telegrams(ENCRYPTED, 2)
            self.assertEqual(bed.d.meters()[ENCRYPTED]["KeyState"], "ok")
            self.assertEqual(bed.statistics(ENCRYPTED)["key-failures"], 0)
            self.assertNotIn("wrong encryption key", bed.d.log)


class Names(unittest.TestCase):
    """What is read with a meter that has not said its name yet waits for it too."""

    def unnamed(self, bed):
        return bed.identity.replace("@", "_")

    def published(self, sub):
        return {topic.split("/")[3] for topic, *_ in sub.got
                if topic.startswith("smartmeterd/box/meter/")}

    def test_submeter_with_an_id_of_its_own_waits_for_its_parents_name(self):
        case = (SOURCE / "tests/cases/e450-empty-mbus-slots.hex").read_text(encoding="utf-8")
        water = bytes.fromhex("".join(line for line in case.splitlines() if line[:1] != "#"))
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            bed.feed(water)
            bed.wait_telegrams("24500001", 1)
            self.assertEqual(set(bed.d.meters()), {self.unnamed(bed), "24500001"})
            bed.feed(E450 + water)
            bed.wait_telegrams("24500001", 1)
            wait_until(lambda: set(bed.d.meters()) == {METER, "24500001"}, "both by their names")
            self.assertEqual(bed.d.meters()["24500001"]["Parent"], bus.meter_path(METER))
            sub.wait(lambda got: len(self.published(sub)) == 2, "both on MQTT")
            self.assertEqual(self.published(sub), {METER, "24500001"})

    def test_submeter_named_after_its_parent_waits_for_that_name(self):
        named = dsmr()
        lines = [line for line in named.split(b"!")[0].split(b"\r\n")
                 if not line.startswith((b"0-0:96.1.1", b"0-1:96.1.0"))]
        body = b"\r\n".join(lines) + b"!"
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            bed.feed(body + b"%04X\r\n" % crc16(body))
            bed.wait_telegrams(self.unnamed(bed) + "-1", 1)
            bed.feed(named)
            wait_until(lambda: len(bed.d.meters()) == 2 and
                       not any(name.startswith("tty") for name in bed.d.meters()),
                       "both by their names")
            names = set(bed.d.meters())
            sub.wait(lambda got: len(self.published(sub)) == 2, "both on MQTT")
            self.assertEqual(self.published(sub), names)


class Recorder(unittest.TestCase):
    """Who can write on the line has yesterday's telegrams, and plain ones of his own."""

    def refused(self, bed, code):
        wait_until(lambda: bed.d.converter(bed.identity, "StateCode") == code,
                   f"{code}; {bed.d.log}")

    def test_recording_is_refused_after_a_restart_too(self):
        with MeterBed(config=KEYS) as bed:
            bed.feed(encrypted(5))
            bed.wait_telegrams(ENCRYPTED, 1)
            bed.d.restart()
            bed.d.wait_state(bed.identity, "detecting")
            bed.feed(encrypted(4) + encrypted(5))
            self.refused(bed, "replayed")
            bed.feed(encrypted(6))
            bed.wait_telegrams(ENCRYPTED, 1)
            self.assertEqual(bed.d.converter(bed.identity, "Statistics")["replays"], 2)

    def test_plain_text_is_refused_where_the_meter_authenticated_before(self):
        plain = telegram("iskra-am550", "--meter-id", ENCRYPTED)
        with MeterBed(config=KEYS) as bed:
            bed.feed(encrypted(5))
            bed.wait_telegrams(ENCRYPTED, 1)
            bed.feed(plain)
            bed.feed(encrypted(6))
            bed.wait_telegrams(ENCRYPTED, 2)
            self.assertEqual(bed.d.converter(bed.identity, "Statistics")["unauthenticated"], 1)
            bed.d.restart()
            bed.d.wait_state(bed.identity, "detecting")
            bed.feed(plain)
            self.refused(bed, "unauthenticated")

    def test_forgotten_meter_begins_anew(self):
        with MeterBed(config=KEYS) as bed:
            bed.feed(encrypted(5))
            bed.wait_telegrams(ENCRYPTED, 1)
            bed.smctl("forget", ENCRYPTED)
            bed.feed(encrypted(4))
            bed.wait_telegrams(ENCRYPTED, 1)


if __name__ == "__main__":
    unittest.main()
