# SPDX-License-Identifier: MIT
"""Device=tcp:// and rfc2217://, against Debian's ser2net, and bridges that fail in all the ways there are."""

import pathlib
import socket
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from bridge import SER2NET, Ser2net
from harness import SMARTMETERD, Daemon, plain_environment, telegram
from private_bus import wait_until

METER = "LGZ1030655933512"
E450 = telegram("lgz-e450", "--meter-id", METER)
TCP_REPAIR = 19


@unittest.skipUnless(SER2NET, "there is no ser2net here")
class BehindSer2net(unittest.TestCase):
    def serve(self, accepter, line="2400e81"):
        bridge = Ser2net(accepter, line)
        self.addCleanup(bridge.close)
        return bridge

    def read(self, d, identity, bridge):
        wait_until(lambda: bridge.link.feed(E450) or d.converters().get(identity) == "receiving",
                   f"a telegram\n{d.log}")
        d.wait_meter(METER, "Online", True)

    def test_raw_port_is_read_and_again_after_ser2net_was_killed(self):
        bridge = self.serve("tcp")
        identity = f"tcp@127.0.0.1:{bridge.port}"
        with Daemon(f'[converter "x"]\nDevice=tcp://127.0.0.1:{bridge.port}\n') as d:
            d.wait_state(identity, "detecting")
            self.read(d, identity, bridge)
            bridge.end()
            d.wait_state(identity, "waiting")
            bridge.start()
            d.wait_state(identity, "detecting")
            self.read(d, identity, bridge)

    def test_line_is_found_through_rfc2217(self):
        bridge = self.serve("telnet(rfc2217),tcp", "9600n81")
        identity = f"rfc2217@127.0.0.1:{bridge.port}"
        with Daemon(f'[converter "x"]\nDevice=rfc2217://127.0.0.1:{bridge.port}\n') as d:
            d.wait_state(identity, "detecting")
            wait_until(lambda: bridge.link.line() == 2400, "the first line to be tried")
            garbage = b"U" * 512  # what another speed makes of the meter's bytes
            wait_until(lambda: bridge.link.feed(garbage) or bridge.link.line() == 9600,
                       "another line to be tried")
            self.read(d, identity, bridge)
            self.assertNotEqual(d.converter(identity, "Line"), "network")
            learned = d.converter(identity, "Line")
            d.restart()
            d.wait_state(identity, "detecting")
            self.assertEqual(d.converter(identity, "Line"), learned)

    def test_configured_line_is_set_through_rfc2217(self):
        bridge = self.serve("telnet(rfc2217),tcp", "9600n81")
        identity = f"rfc2217@127.0.0.1:{bridge.port}"
        with Daemon(f'[converter "x"]\nDevice=rfc2217://127.0.0.1:{bridge.port}\n'
                    "Line=115200 8N1\n") as d:
            d.wait_state(identity, "detecting")
            wait_until(lambda: bridge.link.line() == 115200, "the line to be set")
            self.read(d, identity, bridge)
            self.assertEqual(d.converter(identity, "Line"), "115200 8N1")


class BridgesThatFail(unittest.TestCase):
    def setUp(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.settimeout(120)
        self.port = self.listener.getsockname()[1]
        self.addCleanup(self.listener.close)

    def daemon(self, scheme="tcp", more=""):
        self.identity = f"{scheme}@127.0.0.1:{self.port}"
        return Daemon(f'[converter "x"]\nDevice={scheme}://127.0.0.1:{self.port}\n{more}')

    def test_bridge_that_dies_without_a_word_is_connected_again(self):
        self.listener.listen()
        with self.daemon() as d:
            peer, _ = self.listener.accept()
            peer.sendall(E450)
            d.wait_state(self.identity, "receiving")
            try:  # closes without FIN, as a bridge whose power fails
                peer.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            except PermissionError:
                peer.close()
                self.skipTest("needs CAP_NET_ADMIN")
            peer.close()
            peer, _ = self.listener.accept()
            peer.sendall(E450)
            d.wait_state(self.identity, "receiving")
            peer.close()

    def test_bridge_that_takes_no_connection_holds_up_nobody(self):
        self.listener.listen(0)
        waiting = []
        for _ in range(2):  # the queue is full: what comes now gets no answer
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(("127.0.0.1", self.port))
            waiting.append(s)
            self.addCleanup(s.close)
        with self.daemon() as d:
            wait_until(lambda: "does not answer" in d.converter(self.identity, "StateReason"),
                       "the reason")
            self.assertEqual(d.converters(), {self.identity: "waiting"})
            self.assertEqual(d.stop(), 0)

    def test_bridge_without_rfc2217_is_said_to_be_one(self):
        self.listener.listen()
        with self.daemon("rfc2217") as d:
            peer, _ = self.listener.accept()
            peer.sendall(b"\xff\xfe\x2c" + E450)
            wait_until(lambda: "write tcp://" in d.converter(self.identity, "StateReason"), "it")
            self.assertEqual(d.converter(self.identity, "StateCode"), "no-rfc2217")
            peer.close()

    def test_bridge_that_floods_but_never_agrees_is_given_up(self):
        self.listener.listen()
        with self.daemon("rfc2217") as d:
            peer, _ = self.listener.accept()
            peer.settimeout(0.5)

            def given_up():
                try:
                    peer.sendall(b"x" * 64)
                except OSError:
                    pass
                return d.converter(self.identity, "StateCode") == "no-rfc2217"
            wait_until(given_up, "it to be given up")
            peer.close()

    def test_line_beside_tcp_is_a_warning(self):
        with self.daemon(more="Line=2400 8E1\n") as d:
            done = subprocess.run([SMARTMETERD, "--config", str(d.config_path), "--check-config"],
                                  stdout=subprocess.PIPE, text=True, env=plain_environment())
            self.assertIn("Line= has no effect on tcp://", done.stdout)
            self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
