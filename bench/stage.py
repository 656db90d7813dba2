# SPDX-License-Identifier: MIT
"""The common parts of benchmarks: a private bus, a broker, a pty with a virtual E450, the daemon, and
clients that take the time themselves, without a library in between."""
import os
import pathlib
import pty
import select
import shutil
import socket
import struct
import subprocess
import sys
import time
import tty

SOURCE = pathlib.Path(__file__).resolve().parents[1]
BUILD = pathlib.Path(os.environ.get("SMARTMETERD_BUILD", SOURCE / "build"))
sys.path.insert(0, str(SOURCE / "tests" / "integration"))
import broker as brokers  # noqa: E402


def telegrams(n, profile="lgz-e450"):
    """n telegrams of a virtual meter, one second apart, as bytes."""
    text = subprocess.run([BUILD / "ctl/smctl", "simulate", profile, "--stdout", "-x", "--fast",
                           "-n", str(n), "-i", "1"], check=True, capture_output=True,
                          timeout=120).stdout.decode()
    parts = [p.partition("\n")[2] for p in text.split("# ")[1:]]
    return [bytes.fromhex("".join(p.split())) for p in parts]


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


class MqttClient:
    """MQTT 3.1.1 by hand, QoS 0: only to subscribe, publish and see bytes arrive."""

    def __init__(self, port, topic=None):
        self.s = socket.create_connection(("127.0.0.1", port))
        self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = b"bench%d" % time.monotonic_ns()
        self._send(0x10, b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack(">H", len(name)) + name)
        self.s.recv(64)
        if topic:
            t = topic.encode()
            self._send(0x82, b"\x00\x01" + struct.pack(">H", len(t)) + t + b"\x00")
            self.s.recv(64)

    def _send(self, kind, body):
        self.s.sendall(bytes([kind, len(body)]) + body)

    def publish(self, topic, payload):
        t = topic.encode()
        self._send(0x30, struct.pack(">H", len(t)) + t + payload)


class BusClient:
    """D-Bus by hand: says hello, asks for one signal, sees its bytes arrive."""

    def __init__(self, path, rule):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.serial = 0
        self.s.sendall(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
        self.s.recv(256)
        self.s.sendall(b"BEGIN\r\n")
        self._call("Hello", None)
        self._call("AddMatch", rule)
        drain(self.s, 0.2)

    @staticmethod
    def _string(text):
        data = text.encode()
        return struct.pack("<I", len(data)) + data + b"\0"

    def _call(self, member, argument):
        self.serial += 1
        fields = b""
        for code, kind, value in ((1, "o", "/org/freedesktop/DBus"), (3, "s", member),
                                  (2, "s", "org.freedesktop.DBus"),
                                  (6, "s", "org.freedesktop.DBus")):
            fields += b"\0" * (-len(fields) % 8)
            fields += bytes([code, 1]) + kind.encode() + b"\0" + self._string(value)
        body = b""
        if argument is not None:
            fields += b"\0" * (-len(fields) % 8) + b"\x08\x01g\0\x01s\0"
            body = self._string(argument)
        head = struct.pack("<cBBBIII", b"l", 1, 0, 1, len(body), self.serial, len(fields)) + fields
        self.s.sendall(head + b"\0" * (-len(head) % 8) + body)


def drain(s, quiet):
    """Reads until nothing has come for so many seconds."""
    while select.select([s], [], [], quiet)[0]:
        if not s.recv(1 << 16):
            return


class Stage:
    def __init__(self, folder, formats="datacollector", tls=False):
        self.folder, certificate, lines = folder, None, []
        if tls:
            brokers.make_authority(folder, "ca")
            brokers.make_certificate(folder, "ca", "server", "IP:127.0.0.1")
            certificate = os.path.join(folder, "server")
            lines = ["Tls=yes", "CaFile=%s/ca.crt" % folder]
        self.broker = brokers.Broker(folder, certificate=certificate).start()
        self.bus_path = os.path.join(folder, "bus")
        self.bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork",
                                     "--address=unix:path=" + self.bus_path],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        brokers.until(lambda: os.path.exists(self.bus_path), "a bus")
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)  # and held open: no hang-up when the daemon closes it
        # behind a link: in /dev/pts the daemon would wake for every terminal of this machine
        link = os.path.join(folder, "meter")
        os.symlink(os.ttyname(self.slave), link)
        self.state = os.path.join(folder, "state")
        self.tty, self.conf = link, os.path.join(folder, "bench.conf")
        with open(self.conf, "w") as f:
            f.write('[converter "pty"]\nDevice=%s\nLine=2400 8E1\n' % link)
            f.write(brokers.config(self.broker.port, *lines, formats=formats))
        self.daemon, self.began = None, 0

    def start(self, anew=False):
        """Starts the daemon, with what it learned before or `anew`; returns seconds until READY=1."""
        if anew:
            shutil.rmtree(self.state, ignore_errors=True)
        notify = os.path.join(self.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(notify)
            self.began = time.monotonic()
            self.daemon = subprocess.Popen(
                [BUILD / "daemon/smartmeterd", "--config", self.conf, "--state-dir", self.state,
                 "--bus", "unix:path=" + self.bus_path],
                env=dict(os.environ, NOTIFY_SOCKET=notify), stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            s.settimeout(30)
            while b"READY=1" not in s.recv(4096):
                pass
            ready = time.monotonic() - self.began
        os.unlink(notify)
        return ready

    def play(self, telegram):
        """Writes a telegram, its end apart; returns when that was, in ns. The end is two bytes: with
        the check sum whole the decoder does not wait for the closing flag."""
        os.write(self.master, telegram[:-2])
        time.sleep(0.003)  # as on a line, where the end comes later than the beginning
        at = time.monotonic_ns()
        os.write(self.master, telegram[-2:])
        return at

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(30)
            self.daemon = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.bus.kill()
        self.bus.wait()
        self.broker.kill()
        os.close(self.master)
        os.close(self.slave)
