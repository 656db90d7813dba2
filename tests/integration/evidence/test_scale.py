# SPDX-License-Identifier: MIT
"""docs/evidence.md, scales, through the whole daemon: how each is known, and an energy that is ten
times too great by its profile is found by measurement. Run under umockdev-wrapper."""

import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness import SMCTL, plain_environment, telegram  # noqa: E402
from meter_bed import MeterBed, dsmr, x25  # noqa: E402

METER = "5706567000000017"
KAMSTRUP = telegram("kamstrup-omnipower", "--meter-id", METER)
POWER_W = 7000


def with_values(**values):
    """The Kamstrup telegram with other registers: c1d8=… is 1-1:1.8.0. One frame of HDLC."""
    body = bytearray(KAMSTRUP[1:-3])
    for name, value in values.items():
        c, d = name[1:].split("d")
        code = bytes((9, 6, 1, 1, int(c), int(d), 0, 255, 6))
        at = body.index(code) + len(code)
        body[at:at + 4] = value.to_bytes(4, "big")
    return b"\x7e" + bytes(body) + x25(body) + b"\x7e"


class Scale(unittest.TestCase):
    def test_show_says_how_each_scale_is_known(self):
        with MeterBed() as bed:
            bed.feed(KAMSTRUP)
            bed.wait_telegrams(METER, 1)
            self.assertEqual(bed.d.meter(METER, "ScaleProof")["active_power_import"], "profile")
            self.assertIn("scale_proof", bed.smctl("show", METER))
        with MeterBed(config=f'[meter "{METER}"]\nScale.1.8.0=10\n') as bed:
            bed.feed(KAMSTRUP)
            bed.wait_telegrams(METER, 1)
            self.assertEqual(bed.d.meter(METER, "ScaleProof")["active_energy_import"],
                             "configured")
        with MeterBed() as bed:
            bed.feed(dsmr())
            bed.wait_telegrams("E00440056789000001", 1)
            self.assertEqual(set(bed.d.meter("E00440056789000001", "ScaleProof").values()),
                             {"wire"})

    def test_a_scale_multiplies_the_number_as_it_stands_in_a_text(self):
        """0.5 times 1000, however many decimals the meter writes."""
        meter = "E00440056789000001"
        with MeterBed(config=f'[meter "{meter}"]\nScale.1.7.0=1000\n') as bed:
            for n, drawn in enumerate(("00.500*kW", "00.5*kW"), 1):
                bed.feed(dsmr(drawn=drawn))
                bed.wait_telegrams(meter, n)
                self.assertEqual(bed.d.meter(meter, "Readings")["active_power_import"][0],
                                 500.0)

    def test_energy_that_contradicts_the_power_is_told_with_the_line_that_mends_it(self):
        """The register counts single watt-hours, and the usual Kamstrup counts tens."""
        with MeterBed() as bed:
            amperes = round(POWER_W / 3 / 230 * 100)
            began, n, cure = time.monotonic(), 0, ""
            while not cure:
                energy = 500000 + int((time.monotonic() - began) * POWER_W / 3600)
                n += 1
                bed.feed(with_values(c1d7=POWER_W, c31d7=amperes, c51d7=amperes, c71d7=amperes,
                                     c1d8=energy))
                bed.wait_telegrams(METER, n)
                cure = bed.d.meter(METER, "ScaleCure")
                self.assertLess(energy, 500000 + 400, "never contradicted")
            self.assertEqual(cure, "Scale.1-0:1.8.0=1")
            done = subprocess.run([SMCTL, "--address", bed.d.bus.address, "doctor"], text=True,
                                  stdout=subprocess.PIPE, env=plain_environment(), timeout=60)
            self.assertIn("Scale.1-0:1.8.0=1 would be right", " ".join(done.stdout.split()))
            bed.configure(f'[meter "{METER}"]\n{cure}\n')
            bed.smctl("reload")
            for i in range(1, 6):  # a counter that seems to fall is believed the third time
                bed.feed(with_values(c1d8=energy + i))
                bed.wait_telegrams(METER, n + i)
            self.assertEqual(bed.d.meter(METER, "ScaleCure"), "")


if __name__ == "__main__":
    unittest.main()
