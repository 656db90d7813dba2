# SPDX-License-Identifier: MIT
"""A broker that means harm, that is none, or behind a link that breaks: no reading that it could be
given is lost, and nobody gets one who was not meant."""

import os
import random
import socket
import subprocess
import sys
import threading
import unittest

from attack_bed import Service, bus, mqtt, p1, plain_environment, wait_until
from broker import Broker, Driver, FakeBroker, Folder, Proxy, Subscriber, config, free_port, until

START = 1551879225
ENERGY = "smartmeterd/box/meter/LGZ1/active_energy_import"
NOBODY, PERSON = 65534, 4711

# Listens where no broker does, and keeps what it is sent.
LISTEN = """
import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(s.getsockname()[1], flush=True)
while True:
    c, _ = s.accept()
    print(c.recv(1000).hex(), flush=True)
    c.close()
"""


class Eavesdropper:
    """A local user without rights who takes the port of a broker that is not installed."""

    def __init__(self, uid):
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--", sys.executable,
             "-c", LISTEN, "0"], stdout=subprocess.PIPE, text=True, env=plain_environment())
        self.port = int(self.process.stdout.readline())
        self.heard = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.heard.append(line.strip())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


HELPER = bus.BUILD / "daemon/smartmeterd-holders"
HELPER_SOCKET = "/run/smartmeterd-holders"


class Helper:
    """smartmeterd-holders.socket, without systemd."""

    def __enter__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(HELPER_SOCKET)
        self.socket.listen()
        self.asked = 0
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            self.asked += 1
            subprocess.run([HELPER], stdin=c, stdout=c, env=plain_environment())
            c.close()

    def __exit__(self, *_):
        os.unlink(HELPER_SOCKET)
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class Eavesdropping(unittest.TestCase):
    @unittest.skipIf(os.getuid() != 0, "only root can play another user")
    def test_a_local_user_who_takes_the_brokers_port_is_sent_nothing(self):
        # Nobody's number is also that of whom a user namespace does not know; there is no helper to ask.
        for uid, said in ((NOBODY, "is not known"), (PERSON, f"user {PERSON} ")):
            with self.subTest(uid=uid), Eavesdropper(uid) as ear, \
                    Service(mqtt("local", ear.port, "Listener=system", host="localhost")) as s:
                s.wait_output("local", lambda o: o["LastErrorCode"] == "listener", "its name")
                error = s.output("local")["LastError"]
                self.assertIn(said, error)
                s.feed(p1(b"SEQ1", 1000))
                s.wait_telegrams("SEQ1")
                s.client.call(bus.output_path("local"), bus.OUTPUT, "Reconnect")
                s.wait_output("local", lambda o: o["LastErrorCode"] == "listener", "its name again")
                # Not one byte: neither our name nor a password.
                self.assertEqual([h for h in ear.heard if h], [])
                self.assertIn(error, s.smctl("doctor", code=None).replace("\n", " "))

    @unittest.skipIf(os.getuid() != 0, "only root can play another user")
    def test_the_helper_says_whose_listener_it_is(self):
        def ask(line):
            done = subprocess.run([HELPER], input=line + "\n", capture_output=True, text=True,
                                  env=plain_environment())
            return done.returncode, done.stdout.strip()
        with Eavesdropper(PERSON) as ear:
            self.assertEqual(ask(f"listener 127.0.0.1 {ear.port}"), (0, str(PERSON)))
            self.assertEqual(ask(f"listener ::1 {ear.port}"), (0, ""))
        self.assertEqual(ask(f"listener 127.0.0.1 {free_port()}"), (0, ""))
        for line in ("listener", "listener a 1", "listener 127.0.0.1", "listener 1.2.3.4.5 6",
                     "listener 127.0.0.1 70000", "listener ../../x 1", "x" * 500):
            self.assertEqual(ask(line), (1, ""), line)

    @unittest.skipIf(os.getuid() != 0 or os.path.exists(HELPER_SOCKET),
                     "only root can play another user, where the service is not installed")
    def test_a_service_that_sees_no_users_asks_the_helper(self):
        with Helper() as helper:
            for uid, trusted in ((PERSON, False), (NOBODY, False), (999, True)):
                with self.subTest(uid=uid), Eavesdropper(uid) as ear:
                    s = Service(mqtt("local", ear.port, "Listener=system"))
                    # As PrivateUsers= of the unit does: all others are nobody.
                    s.wrapper = ["unshare", "--user", "--map-root-user", "--"]
                    asked = helper.asked
                    with s:
                        wait_until(lambda: helper.asked > asked, "a question")
                        wait_until(lambda: s.output("local")["LastErrorCode"] == "listener" or
                                   [h for h in ear.heard if h], "a decision")
                        self.assertEqual(bool([h for h in ear.heard if h]), trusted)

    @unittest.skipIf(os.getuid() != 0, "only root can play another user")
    def test_whoever_is_named_in_the_configuration_is_sent_all(self):
        with Eavesdropper(PERSON) as ear, Service(mqtt("mine", ear.port)) as s:
            wait_until(lambda: [h for h in ear.heard if h], "our greeting")
            self.assertTrue(ear.heard[0].startswith("10"))  # CONNECT
            s.client.get_all(bus.ROOT, bus.MANAGER)

    def test_a_broker_of_root_or_of_the_system_is_used(self):
        accounts = [[]]
        if os.getuid() == 0:
            accounts += [["setpriv", f"--reuid={uid}", "--regid=100", "--clear-groups", "--"]
                         for uid in (1, 999, 61184, 65519)]
        for account in accounts:
            with self.subTest(account), Folder() as folder:
                port = free_port()
                os.chmod(folder, 0o755)
                with open(folder + "/conf", "w") as f:
                    f.write(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
                broker = subprocess.Popen([*account, "mosquitto", "-c", folder + "/conf"],
                                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    with Service(mqtt("local", port, "Listener=system")) as s:
                        def connected():
                            output = s.output("local")
                            if not output["Connected"]:
                                s.client.call(bus.output_path("local"), bus.OUTPUT, "Reconnect")
                            return output["Connected"]
                        wait_until(connected, f"a connection; {s.output('local')}")
                finally:
                    broker.kill()
                    broker.wait()


class Odd(FakeBroker):
    """Answers oddly until `good`."""

    def __init__(self, how):
        self.how, self.good, self.met = how, False, 0
        super().__init__()

    def _publish(self, s, first, body, version):
        if self.good or not first >> 1 & 3:
            return super()._publish(s, first, body, version)
        self.met += 1
        at = 2 + (body[0] << 8 | body[1])
        number = body[at:at + 2]
        if self.how == "never acknowledges":
            return None
        if self.how == "closes at each message":
            raise OSError
        if self.how == "acknowledges what was not sent":
            s.sendall(b"\x40\x02" + bytes([number[0] ^ 0x40, number[1]]))
        elif self.how == "acknowledges thrice":
            super()._publish(s, first, body, version)
            s.sendall((b"\x40\x02" + number) * 2)
        elif self.how == "speaks of QoS 2":
            s.sendall(b"\x50\x02" + number)
        elif self.how == "one byte at a time":
            class Slow:
                @staticmethod
                def sendall(data):
                    for byte in data:
                        s.sendall(bytes([byte]))
            return super()._publish(Slow, first, body, version)
        return None


class Oddities(unittest.TestCase):
    def test_no_oddity_of_a_broker_costs_a_reading(self):
        for how in ("never acknowledges", "closes at each message", "speaks of QoS 2",
                    "acknowledges what was not sent", "acknowledges thrice", "one byte at a time"):
            with self.subTest(how), Folder() as folder, Odd(how) as broker, \
                    Driver(folder, config(broker.port)) as driver:
                until(lambda: broker.connects, "a connection")
                for i in range(40):
                    driver.send("telegram LGZ1 %d %d 5" % (START + i, 1000 + i))
                driver.ping("alive")
                until(lambda: broker.met, "the first message")
                broker.good = True
                driver.send("reconnect")
                until(lambda: len(set(broker.payloads(ENERGY))) == 40, "all forty")
                seen = list(dict.fromkeys(int(p) for p in broker.payloads(ENERGY)))
                self.assertEqual(seen, sorted(seen))
                driver.status(lambda s: s["queued"] == 0, "an empty queue")
                self.assertEqual(driver.stop(), 0)

    def test_bytes_that_end_the_library_end_neither_the_service_nor_its_meters(self):
        for raw in (b"\x20\x05\0\0\x02\x7f\0", b"\x20\x03\0\0\0\xe0\x04\x87\x02\x7f\0",
                    b"\x20\x03\0\0\0\x30\xff\xff\xff\x7f"):
            with self.subTest(raw.hex()), FakeBroker(raw=raw) as broker, \
                    Service(mqtt("m", broker.port)) as s:
                until(lambda: broker.connects, "a connection")
                for n in range(3):
                    s.feed(p1(b"SEQ1", 1000 + n))
                s.wait_telegrams("SEQ1", 3)


class Flaky(Proxy):
    """Resets a connection behind some of the messages, before they are answered."""

    share = 0.0

    def __init__(self, target, seed):
        self.chance = random.Random(seed)
        super().__init__(target)

    def _pump(self, source, sink, counted):
        try:
            while data := source.recv(65536):
                if counted and data[0] >> 4 == 3 and self.chance.random() < self.share:
                    break
                sink.sendall(data)
            else:
                return
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class BadLinks(unittest.TestCase):
    def test_a_link_that_breaks_behind_messages_is_no_list_of_forbidden_topics(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Flaky(broker.port, 7) as link, Driver(folder, config(link.port)) as driver:
            driver.connected()
            for i in range(60):
                link.share = 0.3 if 2 < i < 50 else 0.0
                driver.send("telegram LGZ1 %d %d 5" % (START + i, 1000 + i))
                driver.ping(str(i))
                driver.send("retry")
            driver.send("reconnect")
            sub.wait(lambda got: sub.payloads(ENERGY)[-1:] == ["1059"], "the last reading")
            seen = list(dict.fromkeys(int(p) for p in sub.payloads(ENERGY)))
            self.assertEqual(seen, list(range(1000, 1060)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
