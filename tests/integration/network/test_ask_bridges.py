# SPDX-License-Identifier: MIT
"""Ask= through a serial port on the network: rfc2217:// changes the speed with the meter, tcp:// is for
meters that stay at one."""

import os
import pathlib
import subprocess
import sys
import unittest

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER.parent / "ask")]

import meters
from bridge import SER2NET, Ser2net
from harness import SMCTL, Daemon
from private_bus import wait_until


@unittest.skipUnless(SER2NET, "there is no ser2net here")
class AskBehindSer2net(unittest.TestCase):
    def serve(self, accepter, line, meter, **changed):
        bridge = Ser2net(accepter, line)
        self.addCleanup(bridge.close)
        meter = meter(bridge.link, **changed)
        meter.start()
        self.addCleanup(self.stop, meter)
        return bridge, meter

    def stop(self, meter):
        meter.stop()
        self.assertIsNone(meter.trouble)

    def daemon(self, scheme, bridge, keys):
        self.identity = f"{scheme}@127.0.0.1:{bridge.port}"
        return Daemon(f'[converter "x"]\nDevice={scheme}://127.0.0.1:{bridge.port}\n{keys}\n')

    def test_a_readout_through_rfc2217_changes_its_speed(self):
        bridge, meter = self.serve("telnet(rfc2217),tcp", "300e71", meters.Readout)
        with self.daemon("rfc2217", bridge, "Ask=readout\nAskEvery=10s") as d:
            d.wait_meter("40230017", "Online", True)
            self.assertEqual(meter.requests[:2], [b"/?!", b"\x06050"])
            self.assertEqual(d.meter("40230017", "Readings")["voltage_l1"][0], 231.4)

    def test_a_td3511_is_read_through_rfc2217(self):
        bridge, meter = self.serve("telnet(rfc2217),tcp", "300e71", meters.Siemens)
        keys = "Ask=F001 F009\nAskEvery=1s\nProfile=siemens-td3511"
        with self.daemon("rfc2217", bridge, keys) as d:
            d.wait_meter("30124578", "Online", True)
            wait_until(lambda: len(meter.requests) >= 8, "it is read again")

    def test_a_meter_that_stays_at_300_is_read_through_a_raw_port(self):
        bridge, meter = self.serve("tcp", "300e71", meters.Readout)
        with self.daemon("tcp", bridge, "Ask=readout\nAskBaud=300\nAskEvery=10s") as d:
            d.wait_meter("40230017", "Online", True)
            self.assertEqual(meter.requests[:2], [b"/?!", b"\x06000"])

    def test_a_counter_interface_is_acknowledged_through_either(self):
        for scheme, accepter in (("tcp", "tcp"), ("rfc2217", "telnet(rfc2217),tcp")):
            with self.subTest(scheme):
                bridge, meter = self.serve(accepter, "9600e81", meters.Counter,
                                           frames=meters.COUNTER_FRAMES)
                with self.daemon(scheme, bridge, "Ask=acknowledge"):
                    wait_until(lambda: meter.acknowledged >= 4, "four frames are acknowledged")
                    self.assertEqual(set(meter.heard), {0xE5})

    def test_nothing_is_sent_to_a_port_without_ask(self):
        bridge, meter = self.serve("telnet(rfc2217),tcp", "300e71", meters.Readout)
        with self.daemon("rfc2217", bridge, "") as d:
            d.wait_state(self.identity, "detecting")
            bridge.link.feed(meters.Readout.ident + meters.block(meters.Readout.lines))
            d.wait_meter("40230017", "Online", True)
            self.assertEqual(meter.heard, b"")

    def test_a_meter_that_changes_its_speed_is_refused_behind_a_raw_port(self):
        for ask in ("Ask=readout", "Ask=readout\nAskBaud=9600", "Ask=F001 F009"):
            path = Daemon().folder / "other.conf"
            path.write_text(f'[converter "x"]\nDevice=tcp://bridge.lan:2000\n{ask}\n')
            done = subprocess.run([SMCTL, "check-config", str(path)], capture_output=True, text=True,
                                  env=dict(os.environ, LC_ALL="C.UTF-8"))
            self.assertEqual(done.returncode, 1, ask)
            self.assertIn("rfc2217://", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
