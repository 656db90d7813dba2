# SPDX-License-Identifier: MIT
"""The bus and the machine: a dbus-daemon that stands still or dies, clients that never read, questions
that nobody answers, signals at any moment, a configuration that changes all the time."""

import contextlib
import os
import random
import signal
import socket
import sqlite3
import struct
import subprocess
import unittest

from attack_bed import Service, bus, mqtt, p1, plain_environment, wait_until
from broker import BadLink, Broker, Folder, Subscriber
from private_bus import Gio, GLib

SANITIZED = bool(os.environ.get("SMARTMETER_SANITIZER"))
ENERGY = "smartmeterd/box/meter/SEQ1/active_energy_import"


def marshal(serial, member, argument=None):
    """A call to the bus itself (D-Bus specification, Message Protocol)."""
    body = struct.pack("<I", len(argument)) + argument + b"\0" if argument is not None else b""
    fields = b""
    for code, kind, text in ((1, b"o", b"/org/freedesktop/DBus"), (2, b"s", b"org.freedesktop.DBus"),
                             (3, b"s", member), (6, b"s", b"org.freedesktop.DBus"),
                             (8, b"g", b"s" if body else None)):
        if text is None:
            continue
        fields += bytes(-len(fields) % 8) + bytes([code, 1]) + kind + b"\0"
        if kind == b"g":
            fields += bytes([len(text)]) + text + b"\0"
        else:
            fields += struct.pack("<I", len(text)) + text + b"\0"
    head = b"l\1\0\1" + struct.pack("<III", len(body), serial, len(fields)) + fields
    return head + bytes(-len(head) % 8) + body


class NeverReads:
    """A client that asks for all signals and takes none."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(address.split("path=")[1].split(",")[0])
        uid = str(os.getuid()).encode().hex().encode()
        self.socket.sendall(b"\0AUTH EXTERNAL " + uid + b"\r\n")
        self.socket.recv(200)
        self.socket.sendall(b"BEGIN\r\n" + marshal(1, b"Hello") +
                            marshal(2, b"AddMatch", b"type='signal'"))


def has_socket(pid):
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            if fd != "2" and "socket:" in os.readlink(f"/proc/{pid}/fd/{fd}"):
                return True
        except FileNotFoundError:  # closed since it was listed
            pass
    return False


class Standing(unittest.TestCase):
    def test_a_bus_that_stands_still_keeps_nobody_from_stopping_the_service(self):
        with Service() as s:
            s.feed(p1(b"SEQ1", 1000))
            s.wait_telegrams("SEQ1")
            before = s.rss_kib()
            s.bus.process.send_signal(signal.SIGSTOP)
            try:
                more = [f"1-0:{c}.7.0(230.1*V)" for c in (32, 52, 72)]
                for n in range(8000):  # more than the socket to the bus holds
                    s.feed(p1(b"SEQ1", 1001 + n, n % 9999, more))
                if not SANITIZED:
                    self.assertLess(s.rss_kib() - before, 16384)
                s.process.send_signal(signal.SIGTERM)
                # It ends while the bus still stands.
                s.process.wait(bus.SECONDS)
            finally:
                s.bus.process.send_signal(signal.SIGCONT)

    def test_a_service_that_starts_on_a_standing_bus_can_be_stopped(self):
        with Service() as s:
            s.stop()
            s.bus.process.send_signal(signal.SIGSTOP)
            process = subprocess.Popen(
                [os.environ["SMARTMETERD"], "--config", str(s.config_path), "--state-dir",
                 str(s.state), "--bus", s.bus.address], stderr=subprocess.PIPE, text=True)
            try:
                # It has come as far as the bus.
                wait_until(lambda: has_socket(process.pid), "a connection")
                process.send_signal(signal.SIGTERM)
                process.wait(bus.SECONDS)
            finally:
                process.kill()
                process.wait()
                process.stderr.close()
                s.bus.process.send_signal(signal.SIGCONT)
            s.start()

    def test_readings_are_kept_when_the_bus_dies(self):
        with Folder() as folder, Broker(folder) as broker, BadLink(broker.port) as link, \
                Service(mqtt("m", link.port)) as s:
            s.wait_output("m", lambda o: o["Connected"], "a connection")
            link.set("refuse")
            for n in range(20):
                s.feed(p1(b"SEQ1", 1000 + n))
            s.wait_telegrams("SEQ1", 20)
            s.client.close()
            s.client = None
            s.bus.process.kill()
            self.assertNotEqual(s.process.wait(bus.SECONDS), 0)  # systemd is to start it again
            s.process = None
            s.notify.close()
            with contextlib.closing(sqlite3.connect(s.state / "mqtt-m.spool")) as db:
                n, = db.execute("SELECT count(*) FROM message WHERE topic = ?", (ENERGY,)).fetchone()
            self.assertEqual(n, 20)

    def test_clients_that_never_read_cost_the_service_no_memory(self):
        with Service() as s:
            s.feed(p1(b"SEQ1", 1000))
            s.wait_telegrams("SEQ1")
            clients = [NeverReads(s.bus.address) for _ in range(20)]
            before = s.rss_kib()
            for n in range(3000):
                s.feed(p1(b"SEQ1", 1001 + n, n % 9999))
            s.wait_telegrams("SEQ1", 3001)
            if not SANITIZED:
                self.assertLess(s.rss_kib() - before, 16384)
            for client in clients:
                client.socket.close()


@unittest.skipIf(os.getuid() != 0, "only root can play another user")
class Questions(unittest.TestCase):
    def test_questions_that_nobody_answers_do_not_lock_root_out(self):
        with Service() as s:
            polkit = bus.Polkit(s.bus, s.client)
            polkit.control("SimulateHang", GLib.Variant("(b)", (True,)))
            strangers = [subprocess.Popen(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "busctl",
                 "--address=" + s.bus.address, "--timeout=120", "call", bus.NAME, bus.ROOT,
                 bus.MANAGER, "Reload"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=plain_environment()) for _ in range(64)]
            try:
                wait_until(polkit.questions, "the first question")
                s.smctl("reload")
                s.smctl("set-key", "X1", input="00112233445566778899AABBCCDDEEFF\n")
            finally:
                for stranger in strangers:
                    stranger.kill()
                    stranger.wait()
                polkit.stop()
            s.smctl("reload")


def begun(pid):
    """SIGHUP is blocked by the first line of main()."""
    with open(f"/proc/{pid}/status") as f:
        blocked = [line for line in f if line.startswith("SigBlk")]
    return blocked and int(blocked[0].split()[1], 16) & 1


class Moments(unittest.TestCase):
    def test_a_signal_at_any_moment_of_the_start_ends_or_reloads_and_never_kills(self):
        chance = random.Random(25)
        private = bus.PrivateBus()
        with Folder() as folder:
            conf = folder + "/smartmeterd.conf"
            with open(conf, "w") as f:
                f.write(mqtt("l", 1) + mqtt("m", 2))
            os.chmod(conf, 0o600)
            try:
                for i in range(30):
                    number = chance.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
                    process = subprocess.Popen(
                        [os.environ["SMARTMETERD"], "--config", conf, "--state-dir", folder + "/s",
                         "--bus", private.address], stderr=subprocess.DEVNULL)
                    wait_until(lambda: begun(process.pid), "main()")
                    # The moment is what is tried.
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(chance.uniform(0, 0.05))
                    process.send_signal(number)
                    if number == signal.SIGHUP:
                        process.send_signal(signal.SIGTERM)
                    code = process.wait(bus.SECONDS)
                    # Until the loop is there, SIGTERM and SIGINT do what they do to any program.
                    self.assertIn(code, (0, -signal.SIGTERM, -signal.SIGINT), (i, number))
            finally:
                private.stop()


class Beginning(unittest.TestCase):
    @unittest.skipIf(SANITIZED, "a sanitizer minds the preload")
    def test_who_calls_before_the_name_is_ours_is_refused(self):
        answers = []

        def on_new(connection, _sender, _path, _interface, _signal, args):
            name, _old, new = args.unpack()
            if name.startswith(":") and new:
                connection.call(name, bus.ROOT, bus.MANAGER, "ListRemembered", None, None, 0, int(bus.SECONDS * 1000),
                                None, on_answer)

        def on_answer(connection, result):
            try:
                answers.append(connection.call_finish(result).unpack())
            except GLib.Error as error:
                answers.append(Gio.DBusError.get_remote_error(error))

        with Folder() as folder, contextlib.ExitStack() as cleanup:
            address = f"unix:path={folder}/bus"
            daemon = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--address=" + address],
                                      stderr=subprocess.DEVNULL)
            cleanup.callback(lambda: (daemon.terminate(), daemon.wait()))
            wait_until(lambda: os.path.exists(folder + "/bus"), "a bus")
            client = Gio.DBusConnection.new_for_address_sync(
                address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
                Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
            client.signal_subscribe("org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", None, None,
                                    Gio.DBusSignalFlags.NONE, on_new)
            client.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId", None, None, 0, -1, None)
            with open(folder + "/conf", "w") as f:
                f.write("[daemon]\n")
            os.chmod(folder + "/conf", 0o600)
            process = subprocess.Popen(
                [os.environ["SMARTMETERD"], "--config", folder + "/conf", "--state-dir", folder + "/s",
                 "--bus", address], stderr=subprocess.DEVNULL,
                env=dict(os.environ, LD_PRELOAD=os.environ["SMARTMETERD_SLOW_BUS"]))
            cleanup.callback(lambda: (process.kill(), process.wait()))
            wait_until(lambda: answers or process.poll() is not None, "an answer")
            self.assertEqual(answers, ["org.freedesktop.DBus.Error.NameHasNoOwner"])

            def begun_at_last():
                with contextlib.suppress(GLib.Error):  # nobody has the name yet
                    return client.call_sync(bus.NAME, bus.ROOT, bus.MANAGER, "ListRemembered", None, None, 0,
                                            int(bus.SECONDS * 1000), None).unpack() == ([],)
            wait_until(begun_at_last, "the service")


class Reloads(unittest.TestCase):
    def test_a_configuration_that_changes_all_the_time_costs_no_reading(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker, topic=ENERGY) as sub, \
                Service() as s:
            def write(k):
                more = mqtt("m", broker.port)
                if k % 3:
                    more += mqtt(f"x{k % 2}", broker.port, formats="datacollector",
                                 instance=f"b{k % 5}")
                s.write(more + f'[meter "SEQ2"]\nName=n{k % 4}\n')
            write(0)
            s.smctl("reload")
            s.wait_output("m", lambda o: o["Connected"], "a connection")
            s.feed(p1(b"SEQ1", 1000))
            s.wait_telegrams("SEQ1")
            fds = None
            for n in range(1, 200):
                if n % 5 == 0:
                    write(n // 5)
                    s.process.send_signal(signal.SIGHUP)
                if n % 17 == 0:
                    s.write(b'[mqtt "l]\nbroken')
                    s.process.send_signal(signal.SIGHUP)
                s.feed(p1(b"SEQ1", 1000 + n))
                s.client.get_all(bus.ROOT, bus.MANAGER)
                if n == 20:
                    fds = s.n_fds()
            write(0)
            s.smctl("reload")
            sub.wait(lambda got: "1199" in sub.payloads(ENERGY), "the last one")
            self.assertEqual(set(sub.payloads(ENERGY)), {str(n) for n in range(1000, 1200)})
            # Five more than at any one time would be a leak for each of the forty reloads.
            wait_until(lambda: s.n_fds() < fds + 20, f"{fds} descriptors; {s.open_files()}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
