# SPDX-License-Identifier: MIT
"""A real mosquitto on a free loopback port, a subscriber, the sink driver, and a proxy with faults.

Everything waits for events with a deadline; nothing sleeps for a fixed time.
"""
import collections
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

# seconds; only ever reached by a failing test
DEADLINE = 60 * float(os.environ.get("SMARTMETERD_TEST_SLOWDOWN", "1"))


def until(condition, what, deadline=DEADLINE):
    """Waits until condition() is true and returns what it returned."""
    end = time.monotonic() + deadline
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError("never came: " + what)
        time.sleep(0.01)


def free_port():
    """A port of loopback that is still free when somebody listens there: none of those that connect()
    gives to callers, of which tests beside this one have many."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        first = int(f.read().split()[0])
    if first < 3000:  # there are none
        first = 60000
    while True:
        port = random.randrange(max(1024, first - 16000), first)
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def openssl(*args, cwd):
    done = subprocess.run(["openssl", *args], cwd=cwd, capture_output=True, timeout=60)
    if done.returncode:
        raise AssertionError("openssl %s: %s" % (args[0], done.stderr.decode(errors="replace")))


def make_authority(folder, name):
    """NAME.crt and NAME.key: a CA."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", name + ".key", "-out", name + ".crt", "-days", "2",
            "-subj", "/CN=" + name, "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", cwd=folder)


def make_certificate(folder, authority, name, san, expired=False):
    """NAME.crt and NAME.key, signed by the authority, for subjectAltName `san`."""
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name, cwd=folder)
    with open(os.path.join(folder, name + ".ext"), "w") as f:
        f.write("subjectAltName=%s\nbasicConstraints=CA:FALSE\n" % san)
    if not expired:
        openssl("x509", "-req", "-in", name + ".csr", "-CA", authority + ".crt", "-CAkey",
                authority + ".key", "-CAcreateserial", "-out", name + ".crt", "-days", "2",
                "-extfile", name + ".ext", cwd=folder)
        return
    # `openssl x509` cannot date a certificate back; `openssl ca` can.
    with open(os.path.join(folder, "ca.cnf"), "w") as f:
        f.write("[ca]\ndefault_ca=c\n[c]\ndatabase=%s/index\nnew_certs_dir=%s\nserial=%s/serial\n"
                "default_md=sha256\npolicy=p\nrand_serial=yes\n[p]\ncommonName=supplied\n"
                % (folder, folder, folder))
    open(os.path.join(folder, "index"), "w").close()
    openssl("ca", "-batch", "-config", "ca.cnf", "-cert", authority + ".crt", "-keyfile",
            authority + ".key", "-in", name + ".csr", "-out", name + ".crt", "-startdate",
            "20200101000000Z", "-enddate", "20200201000000Z", "-extfile", name + ".ext",
            "-notext", cwd=folder)


class Broker:
    """`lines` are added to its configuration; `certificate` is NAME of make_certificate()."""

    def __init__(self, folder, users=None, acl=None, certificate=None, lines=(), port=None):
        self.folder = tempfile.mkdtemp(prefix="broker.", dir=folder)
        os.chmod(self.folder, 0o755)
        self.port = port or free_port()
        self.users, self.process = users or {}, None
        # Not 0, no limit: mosquitto 2.0.21 hangs up then behind each message that it forbids.
        self.conf = ["listener %d 127.0.0.1" % self.port, "persistence false", "max_queued_messages 1000000",
                     "set_tcp_nodelay true", "log_type error",
                     "allow_anonymous %s" % ("false" if users else "true")]
        if os.getuid() == 0:
            self.conf.append("user root")
        if certificate:
            self.conf += ["certfile %s.crt" % certificate, "keyfile %s.key" % certificate]
        if users:
            path = os.path.join(self.folder, "passwords")
            open(path, "w").close()
            os.chmod(path, 0o600)
            for user, password in users.items():
                subprocess.run(["mosquitto_passwd", "-b", path, user, password], check=True,
                               capture_output=True, timeout=30)
            self.conf.append("password_file " + path)
        if acl:
            self.conf.append("acl_file " + self._write_acl(acl))
        self.conf += lines

    def _write_acl(self, acl):
        path = os.path.join(self.folder, "acl")
        with open(path, "w") as f:
            f.write(acl)
        os.chmod(path, 0o600)
        return path

    def change_acl(self, acl):
        """As its administrator would: no connection ends for it."""
        self._write_acl(acl)
        self.process.send_signal(signal.SIGHUP)

    def start(self):
        conf = os.path.join(self.folder, "mosquitto.conf")
        with open(conf, "w") as f:
            f.write("\n".join(self.conf) + "\n")
        self.log = open(os.path.join(self.folder, "log"), "ab")
        self.process = subprocess.Popen(["mosquitto", "-c", conf], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log)
        until(self._listens, "a listening mosquitto")
        return self

    def _listens(self):
        if self.process.poll() is not None:
            with open(os.path.join(self.folder, "log")) as f:
                raise AssertionError("mosquitto ended: " + f.read())
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.log.close()

    def freeze(self):
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


class Subscriber:
    """mosquitto_sub on '#': `got` is a list of (topic, payload, retained, qos)."""

    def __init__(self, broker, *args, topic="#"):
        command = ["mosquitto_sub", "-h", "127.0.0.1", "-p", str(broker.port), "-q", "1", "-t",
                   topic, "-F", "%r %q %t\t%p", "-d", *args]
        self.process = subprocess.Popen(["stdbuf", "-oL", *command], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.got, self._ready = [], False
        # Its own thread: a full pipe would stop mosquitto_sub, and then the broker drops messages.
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        until(lambda: self._ready, "SUBACK")

    def _read(self):
        for line in self.process.stdout:
            self._take(line.decode(errors="replace").rstrip("\n"))

    def _take(self, line):
        if "\t" in line:
            head, payload = line.split("\t", 1)
            retained, qos, topic = head.split(" ", 2)
            self.got.append((topic, payload, retained == "1", int(qos)))
        elif "received SUBACK" in line:
            self._ready = True

    def wait(self, condition, what):
        """Until condition(got) is true; returns it."""
        def check():
            return condition(self.got)
        try:
            return until(check, what)
        except AssertionError as e:  # what there is now, not what there was before
            counts = collections.Counter(t for t, _, _, _ in self.got)
            raise AssertionError("%s; got %s" % (e, dict(counts))) from None

    def payloads(self, topic):
        return [p for t, p, _, _ in self.got if t == topic]

    def close(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Driver:
    """The sink driver on a configuration text; `lines` collects what it says."""

    def __init__(self, folder, conf, state=None, preload=None, env=None):
        self.state = state or tempfile.mkdtemp(prefix="state.", dir=folder)
        path = tempfile.mkstemp(prefix="smartmeterd.", suffix=".conf", dir=folder)[1]
        with open(path, "w") as f:
            f.write(conf)
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [os.environ["SMARTMETERD_SINK_DRIVER"], path, self.state], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self.log,
            env=dict(os.environ, **({"LD_PRELOAD": preload} if preload else {}), **(env or {})))
        self.lines, self._rest = [], b""

    def send(self, *lines):
        self.process.stdin.write(("\n".join(lines) + "\n").encode())
        self.process.stdin.flush()

    def pump(self):
        while select.select([self.process.stdout], [], [], 0)[0]:
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                return
            self._rest += data
            *lines, self._rest = self._rest.split(b"\n")
            self.lines += [json.loads(line) for line in lines]

    def wait(self, condition, what, start=None):
        """Until condition(line) is true for a line said from now on, or said last before; with two
        sinks each has its last. `start`: for a line from that index on."""
        def check():
            self.pump()
            for line in before + self.lines[start:]:
                if condition(line):
                    return line
            return None
        self.pump()
        before = []
        if start is None:
            before = list({line.get("sink"): line for line in self.lines}.values())
            start = len(self.lines)
        try:
            return until(check, what)
        except AssertionError as e:
            raise AssertionError("%s; said %r" % (e, self.lines[-8:])) from None

    def ping(self, word):
        self.pump()
        start = len(self.lines)
        self.send("ping " + word)
        self.wait(lambda line: line.get("pong") == word, "an answer to ping " + word, start)

    def status(self, condition, what):
        return self.wait(lambda line: "connected" in line and condition(line), what)

    def connected(self):
        return self.status(lambda s: s["connected"], "a connection")

    def fails(self, word):
        """Until the error has this word in it; returns the sentence."""
        return self.status(lambda s: word in s["error"], "an error with '%s'" % word)["error"]

    def stop(self):
        """An orderly end; returns its exit code."""
        self.process.stdin.close()
        code = self.process.wait(DEADLINE)
        self.pump()
        self.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.pump()
        self.close()

    def close(self):
        for stream in (self.process.stdin, self.process.stdout, self.log):
            try:
                stream.close()
            except BrokenPipeError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.kill()
        self.close()


class Proxy:
    """127.0.0.1:port → 127.0.0.1:target. `pass_bytes`: cut after so many bytes went through. `old`:
    a broker of before MQTT 5, that refuses its CONNECT ("answer") or hangs up on it ("hang up").
    `poison`: a short message to this topic makes it hang up; what was before is answered."""

    def __init__(self, target=None, old=None, poison=None):
        self.target, self.connections = target, []
        self.poison = poison.encode() if poison else None
        self.old, self.refused = old, 0
        self.pass_bytes, self.accepted = None, 0
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            self.accepted += 1
            self.connections.append(near)
            if self.target is None:  # accepts, and never answers
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                self._reset(near)
                continue
            far.settimeout(None)
            self.connections.append(far)
            threading.Thread(target=self._pump, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, False), daemon=True).start()

    def _refuses(self, data, near):
        """MQTT 5 §3.1.2.2: the byte after the protocol's name is the version."""
        name = data.find(b"\0\4MQTT")
        if name < 0 or data[name + 6:name + 7] != b"\5":
            return False
        self.refused += 1
        if self.old == "answer":
            near.sendall(b"\x20\x02\x00\x01")  # CONNACK of 3.1.1: unacceptable protocol version
        return True

    def _pump(self, source, sink, counted):
        try:
            while True:
                data = source.recv(65536)
                if not data or (counted and self.old and self._refuses(data, source)):
                    break
                at = data.find(self.poison) if counted and self.poison else -1
                if at >= 0:
                    sink.sendall(data[:max(0, at - 4)])  # type, length, and the topic's length
                    sink.shutdown(socket.SHUT_WR)  # the other direction ends by itself
                    return
                if counted and self.pass_bytes is not None:
                    data = data[:self.pass_bytes]
                    self.pass_bytes -= len(data)
                    sink.sendall(data)
                    if self.pass_bytes == 0:
                        self.pass_bytes = None
                        self._reset(source)
                        self._reset(sink)
                        return
                else:
                    sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    @staticmethod
    def _reset(s):
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()
        for s in self.connections:
            s.close()


class Folder:
    """A temporary folder for one test."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="smartmeterd.")
        return self.path

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)


def config(port, *lines, host="127.0.0.1", formats="native", name="local"):
    return "\n".join(['[mqtt "%s"]' % name, "Host=" + host, "Port=%d" % port, "Instance=box",
                      "Formats=" + formats, *lines]) + "\n"


class BadLink:
    """127.0.0.1:port → 127.0.0.1:target over a bad network, as its mode says: "pass"; "swallow" takes
    bytes and delivers none; "stall" delivers them when that mode ends; "refuse" ends each connection
    at once. cut() ends all that there are, with a reset or orderly."""

    def __init__(self, target):
        self.target, self.mode = target, "pass"
        self._changed = threading.Condition()
        self._live = set()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, mode):
        with self._changed:
            # What has been swallowed is missing for ever: the connection is worth nothing more.
            swallowed = self.mode == "swallow" and mode != "swallow"
            self.mode = mode
            self._changed.notify_all()
        if swallowed or mode == "refuse":
            self.cut(reset=True)

    def cut(self, reset):
        with self._changed:
            live, self._live = self._live, set()
        for s in live:
            if reset:
                Proxy._reset(s)
            else:
                self._shut(s)

    @staticmethod
    def _shut(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _accept(self):
        while True:
            try:
                near, _ = self.server.accept()
            except OSError:
                return
            try:
                if self.mode == "refuse":
                    raise OSError("refused")
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                Proxy._reset(near)
                continue
            far.settimeout(None)
            with self._changed:
                self._live |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _pump(self, source, sink):
        swallowed = False  # what follows a hole is never delivered: no network does that
        try:
            while data := source.recv(65536):
                with self._changed:
                    self._changed.wait_for(lambda: self.mode != "stall")
                    swallowed = swallowed or self.mode == "swallow"
                if not swallowed:
                    sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            self._shut(s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.set("pass")
        self.server.close()
        self.cut(reset=True)


class FakeBroker:
    """Speaks as much MQTT as the sink needs, and whatever else a test wants. `connack` are the bytes
    behind CONNACK's first four, MQTT 5; `raw` is sent in its place. reason(topic, n) is that of the
    n-th PUBACK, None for no PUBACK. `published` is a list of (topic, payload, QoS) in order."""

    def __init__(self, connack=b"", raw=None, then=None, reason=lambda topic, n: 0):
        self.connack, self.raw, self.then, self.reason = connack, raw, then, reason
        self.published, self.taken, self.connects, self.protocols = [], [], 0, []
        self._live = []
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                s, _ = self.server.accept()
            except OSError:
                return
            self._live.append(s)
            threading.Thread(target=self._serve, args=(s,), daemon=True).start()

    @staticmethod
    def _exactly(s, n):
        data = b""
        while len(data) < n:
            more = s.recv(n - len(data))
            if not more:
                raise EOFError
            data += more
        return data

    def _packet(self, s):
        first, length, shift = self._exactly(s, 1)[0], 0, 0
        while True:
            byte = self._exactly(s, 1)[0]
            length |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                return first, self._exactly(s, length)

    def _greet(self, s, body):
        version = body[6]
        self.connects += 1
        self.protocols.append(version)
        if self.raw is not None:
            s.sendall(self.raw)
        elif version == 5:
            s.sendall(bytes([0x20, 3 + len(self.connack), 0, 0, len(self.connack)]) + self.connack)
        else:
            s.sendall(b"\x20\x02\0\0")
        if self.then:
            s.sendall(self.then)
        return version

    def _publish(self, s, first, body, version):
        qos, n = first >> 1 & 3, body[0] << 8 | body[1]
        topic, at = body[2:2 + n].decode(), 2 + n
        mid = body[at:at + 2]
        at += 2 if qos else 0
        if version == 5:
            at += 1 + body[at]
        self.published.append((topic, body[at:].decode(), qos))
        reason = self.reason(topic, len(self.published) - 1)
        if reason is None:
            return
        if reason < 0x80:
            self.taken.append((topic, body[at:].decode(), qos))
        if qos:
            s.sendall(b"\x40\x03" + mid + bytes([reason]) if version == 5 else b"\x40\x02" + mid)

    def _serve(self, s):
        version = 4
        try:
            while True:
                first, body = self._packet(s)
                if first >> 4 == 1:
                    version = self._greet(s, body)
                elif first >> 4 == 3:
                    self._publish(s, first, body, version)
                elif first >> 4 == 8:
                    s.sendall(b"\x90" + (b"\x04" + body[:2] + b"\0\0" if version == 5
                                         else b"\x03" + body[:2] + b"\0"))
                elif first >> 4 == 12:
                    s.sendall(b"\xd0\0")
                elif first >> 4 == 14:
                    break
        except (EOFError, OSError):
            pass
        s.close()

    def payloads(self, topic):
        return [p for t, p, _ in self.taken if t == topic]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()
        for s in self._live:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()
