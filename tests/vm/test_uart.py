#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The emulated UART itself: no test of the line detection is worth more than this."""
import unittest

from uart import parity_of, parse_line, receive

EVERY_BYTE = bytes(range(256))


def heard(data, sender, receiver):
    chars = receive(data, parse_line(sender), parse_line(receiver))
    return bytes(c.value for c in chars), [c.error for c in chars]


class Uart(unittest.TestCase):
    def test_receiver_hears_all_at_the_same_line(self):
        for line in ("300 8N1", "2400 8E1", "115200 8N1"):
            self.assertEqual(heard(EVERY_BYTE, line, line), (EVERY_BYTE, [None] * 256))

    def test_receiver_with_8n1_hears_parity_as_bit_seven(self):
        data, errors = heard(EVERY_BYTE[:128], "9600 7E1", "9600 8N1")
        self.assertEqual(data, bytes(b | parity_of(b, "E") << 7 for b in range(128)))
        self.assertFalse(any(errors))

    def test_receiver_with_other_parity_hears_an_error_each_time(self):
        data, errors = heard(b"/ABC5\r\n", "9600 7E1", "9600 7O1")
        self.assertEqual((data, errors), (b"/ABC5\r\n", ["parity"] * 7))

    def test_receiver_without_parity_hears_a_parity_bit_as_a_damaged_stop_bit(self):
        _, errors = heard(EVERY_BYTE, "2400 8E1", "2400 8N1")
        self.assertIn("frame", errors)

    def test_receiver_tolerates_three_percent_and_not_ten(self):
        self.assertEqual(heard(EVERY_BYTE, "9600 8N1", "9350 8N1")[0], EVERY_BYTE)
        self.assertNotEqual(heard(EVERY_BYTE, "9600 8N1", "8600 8N1")[0], EVERY_BYTE)

    def test_receiver_hears_garbage_at_other_speeds(self):
        for line in ("19200 8N1", "2400 8E1", "115200 8N1", "300 7E1"):
            data, _ = heard(EVERY_BYTE, "9600 8N1", line)
            self.assertNotIn(EVERY_BYTE[32:64], data)


if __name__ == "__main__":
    unittest.main()
