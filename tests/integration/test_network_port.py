# SPDX-License-Identifier: MIT
"""Device=tcp://host:port: a meter behind ser2net, an ESP bridge, or socat as here."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import unittest

from broker import free_port
from harness import Daemon, plain_environment, telegram
from private_bus import wait_until

METER = "LGZ1030655933512"
E450 = telegram("lgz-e450", "--meter-id", METER)


class Bridge:
    """A bridge that takes one caller at a time."""

    def __init__(self):
        self.port = free_port()
        self.listener = self.peer = None

    def listen(self):
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", self.port))
        self.listener.listen()
        self.listener.settimeout(60)
        return self

    def accept(self):
        self.peer, _ = self.listener.accept()
        return self

    def close(self):
        for s in self.peer, self.listener:
            if s:
                s.close()
        self.listener = self.peer = None


class NetworkPort(unittest.TestCase):
    def setUp(self):
        self.bridge = Bridge()
        self.addCleanup(self.bridge.close)
        self.identity = f"tcp@127.0.0.1:{self.bridge.port}"
        self.daemon = Daemon(f'[converter "cellar"]\nDevice=tcp://127.0.0.1:{self.bridge.port}\n')

    def test_meter_is_read_and_nothing_is_written(self):
        self.bridge.listen()
        with self.daemon as d:
            self.bridge.accept().peer.sendall(E450)
            d.wait_state(self.identity, "receiving")
            d.wait_meter(METER, "Online", True)
            self.assertEqual(d.converter(self.identity, "Line"), "network")
            self.bridge.peer.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                self.bridge.peer.recv(1)

    def test_bridge_that_comes_later_and_is_started_anew(self):
        with self.daemon as d:
            wait_until(lambda: "nothing listens at tcp://127.0.0.1" in
                       d.converter(self.identity, "StateReason"), "the reason")
            self.assertEqual(d.converters(), {self.identity: "waiting"})
            for _ in range(3):
                self.bridge.listen().accept().peer.sendall(E450)
                d.wait_state(self.identity, "receiving")
                self.bridge.close()
                d.wait_state(self.identity, "waiting")

    def test_name_that_is_not_known_is_said(self):
        self.daemon.configure('[converter "x"]\nDevice=tcp://no-such-host.invalid:2001\n')
        with self.daemon as d:
            wait_until(lambda: any(word in d.converter("tcp@no-such-host.invalid:2001", "StateReason")
                                   for word in ("is not known", "does not answer")), "the reason")

    def test_resolver_that_hangs_holds_up_nobody(self):
        self.bridge.listen()
        self.daemon.environment = {"LD_PRELOAD": ":".join(
            p for p in (os.environ["SMARTMETERD_DEAD_RESOLVER"], os.environ.get("LD_PRELOAD")) if p)}
        with self.daemon as d:
            wait_until(lambda: "does not answer" in d.converter(self.identity, "StateReason"),
                       "the reason")
            self.assertEqual(d.stop(), 0)

    def test_meter_behind_socat(self):
        if not shutil.which("socat"):
            self.skipTest("there is no socat here")
        path = pathlib.Path(self.daemon.folder) / "telegrams"
        path.write_bytes(E450)
        bridge = subprocess.Popen(
            ["socat", f"TCP-LISTEN:{self.bridge.port},bind=127.0.0.1,reuseaddr,fork",
             f"SYSTEM:cat {path}; sleep 60"], env=plain_environment(), stdin=subprocess.DEVNULL)
        try:
            with self.daemon as d:
                d.wait_state(self.identity, "receiving")
                os.kill(bridge.pid, signal.SIGSTOP)
                self.assertEqual(d.converters()[self.identity], "receiving")
        finally:
            os.kill(bridge.pid, signal.SIGCONT)
            bridge.terminate()
            bridge.wait()

    def test_what_is_no_address_is_an_error_with_the_right_form(self):
        for text, wanted in (("tcp://cellar", "tcp://cellar:2001"), ("tcp://:1", "tcp://cellar:2001"),
                             ("tcp://cellar:0", "tcp://cellar:2001"),
                             ("cellar:2001", "tcp://host:port")):
            self.daemon.configure(f'[converter "x"]\nDevice={text}\n')
            done = subprocess.run([os.environ["SMARTMETERD"], "--config",
                                   str(self.daemon.config_path), "--check-config"],
                                  stdout=subprocess.PIPE, text=True, env=plain_environment())
            self.assertEqual(done.returncode, 1, text)
            self.assertIn(wanted, done.stdout)


if __name__ == "__main__":
    unittest.main()
