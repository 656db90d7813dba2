# SPDX-License-Identifier: MIT
"""A private system bus with the distribution's default rules and the shipped policy, the bus driver
on it, and a client that keeps the signals it saw. Every wait has a deadline; nothing sleeps."""

import atexit
import json
import os
import pathlib
import select
import shutil
import subprocess
import sys
import tempfile
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

SOURCE = pathlib.Path(os.environ.get("SMARTMETERD_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("SMARTMETERD_BUILD", SOURCE / "build"))
DRIVER = os.environ.get("SMARTMETERD_BUS_DRIVER", str(BUILD / "tests/integration/bus-driver"))
# Only ever reached by a failing test; CI may run beside other work.
SECONDS = 60 * float(os.environ.get("SMARTMETERD_TEST_SLOWDOWN", "1"))

NAME = "org.smartmeterd"
ROOT = "/org/smartmeterd"
MANAGER = "org.smartmeterd.Manager1"
CONVERTER = "org.smartmeterd.Converter1"
METER = "org.smartmeterd.Meter1"
TARIFF = "org.smartmeterd.Tariff1"
HISTORY = "org.smartmeterd.History1"
ELECTRICITY = "org.smartmeterd.Electricity1"
OUTPUT = "org.smartmeterd.Output1"
PROPERTIES = "org.freedesktop.DBus.Properties"
OBJECTS = "org.freedesktop.DBus.ObjectManager"
ERROR = "org.smartmeterd.Error."

NOBODY = 65534

# The rules every distribution ships, so that ours are tested against them.
BUS_CONF = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.DBus"
           send_interface="org.freedesktop.DBus.Introspectable"/>
    <allow send_destination="org.freedesktop.DBus"
           send_interface="org.freedesktop.DBus.Properties"/>
  </policy>
  <policy user="{me}">
    <allow own="org.freedesktop.PolicyKit1"/>
    <allow own="org.freedesktop.systemd1"/>
    <allow own="org.freedesktop.timedate1"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <policy context="default">
    <allow send_destination="org.freedesktop.PolicyKit1"/>
    <allow send_destination="org.freedesktop.systemd1"/>
    <allow send_destination="org.freedesktop.timedate1"/>
  </policy>
  <includedir>{folder}/system.d</includedir>
</busconfig>
"""


def wait_until(condition, what, seconds=None):
    """Turns the main loop until `condition` gives something true, and returns that."""
    deadline = time.monotonic() + (seconds or SECONDS)
    context = GLib.MainContext.default()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out waiting for {what}")
        timer = GLib.timeout_add(20, lambda: GLib.SOURCE_REMOVE)
        context.iteration(True)
        source = context.find_source_by_id(timer)
        if source:
            source.destroy()


class PrivateBus:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="smbus."))
        self.folder.chmod(0o755)
        (self.folder / "system.d").mkdir()
        policy = (SOURCE / "dbus/org.smartmeterd.conf").read_text()
        me = str(os.getuid())
        if os.getuid() != 0:  # the policy names root; unprivileged runs play its part themselves
            policy = policy.replace('user="root"', f'user="{me}"')
        (self.folder / "system.d/org.smartmeterd.conf").write_text(policy)
        (self.folder / "bus.conf").write_text(BUS_CONF.format(folder=self.folder, me=me))
        self.log = open(self.folder / "bus.log", "w")
        self.process = subprocess.Popen(
            ["dbus-daemon", f"--config-file={self.folder}/bus.conf", "--nofork", "--nopidfile",
             "--nosyslog", "--print-address"],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise AssertionError((self.folder / "bus.log").read_text())
        self.env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address)
        atexit.register(self.stop)  # a class that fails half-way does not do it

    def stop(self):
        atexit.unregister(self.stop)
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.log.close()
        shutil.rmtree(self.folder)


class Driver:
    """The program bus-driver: commands in, "request …" lines out."""

    def __init__(self, bus, readers=None, wrapper=()):
        self.requests = []
        self.buffer = b""
        self.process = subprocess.Popen([*wrapper, DRIVER] + ([readers] if readers else []),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=bus.env)
        self._answer({"ready"})

    def _line(self, deadline):
        while b"\n" not in self.buffer:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError("timed out waiting for the driver")
            data = os.read(self.process.stdout.fileno(), 4096)
            if not data:
                raise AssertionError(f"the driver ended: {self.process.wait()}")
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.decode()

    def _answer(self, wanted):
        deadline = time.monotonic() + SECONDS
        while True:
            line = self._line(deadline)
            if line in wanted:
                return
            if line.startswith("error"):
                raise AssertionError(line)
            self.requests.append(line)

    def do(self, command):
        self.do_bytes(command.encode())

    def do_bytes(self, command):
        self.process.stdin.write(command + b"\n")
        self.process.stdin.flush()
        self._answer({"ok"})

    def poll(self):
        """Reads what has come by itself."""
        while b"\n" in self.buffer or select.select([self.process.stdout], [], [], 0)[0]:
            self.requests.append(self._line(time.monotonic() + SECONDS))
        return self.requests

    def wait_request(self, start):
        def find():
            return next((r for r in self.poll() if r.startswith(start)), None)
        found = wait_until(find, f"'{start}' at the driver")
        self.requests.remove(found)
        return found

    def rss_kib(self):
        """Memory in use; 0 under valgrind or AddressSanitizer, which keep freed memory aside on
        purpose and look for leaks themselves."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        status = dict(line.split(":", 1) for line in text.splitlines())
        shadowed = int(status["VmPeak"].split()[0]) > 2**30  # a TiB of address space
        if shadowed or "valgrind" in os.readlink(f"/proc/{self.process.pid}/exe"):
            return 0
        return int(status["VmRSS"].split()[0])

    def n_fds(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def stop(self):
        """Ends it; what it returned says whether it was well to the end."""
        if self.process.poll() is None:
            self.process.stdin.write(b"quit\n")
            self.process.stdin.flush()
        while os.read(self.process.stdout.fileno(), 4096):
            pass
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait()


class CallError(Exception):
    def __init__(self, error):
        self.name = Gio.DBusError.get_remote_error(error)
        self.message = error.message.split(": ", 1)[-1]
        super().__init__(f"{self.name}: {self.message}")


class Client:
    """A connection to the bus."""

    def __init__(self, bus, signals=True):
        self.connection = Gio.DBusConnection.new_for_address_sync(
            bus.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
            Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.signals = []
        if signals:
            self.connection.signal_subscribe(
                NAME, None, None, None, None, Gio.DBusSignalFlags.NONE,
                lambda c, sender, path, interface, member, args:
                self.signals.append((path, f"{interface}.{member}", args)))
            self.call_bus("GetId")  # the match rule is in force when this is answered

    def call_bus(self, method, args=None):
        return self.connection.call_sync(
            "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method, args,
            None, Gio.DBusCallFlags.NONE, int(SECONDS * 1000), None).unpack()

    def call(self, path, interface, method, args=None, flags=Gio.DBusCallFlags.NONE):
        return self.call_fds(path, interface, method, args, flags)[0]

    def call_fds(self, path, interface, method, args=None, flags=Gio.DBusCallFlags.NONE):
        try:
            value, fds = self.connection.call_with_unix_fd_list_sync(
                NAME, path, interface, method, args, None, flags, int(SECONDS * 1000), None, None)
        except GLib.Error as error:
            raise CallError(error) from None
        return value.unpack(), fds

    def get(self, path, interface, name):
        return self.call(path, PROPERTIES, "Get", GLib.Variant("(ss)", (interface, name)))[0]

    def get_all(self, path, interface):
        return self.call(path, PROPERTIES, "GetAll", GLib.Variant("(s)", (interface,)))[0]

    def settle(self):
        """All signals the driver sent before now have arrived when this returns."""
        self.call(ROOT, "org.freedesktop.DBus.Peer", "Ping")
        context = GLib.MainContext.default()
        while context.iteration(False):
            pass
        return self.signals

    def changes(self, path, interface):
        """[(changed, invalidated)] of PropertiesChanged so far."""
        return [(dict(args.unpack()[1]), list(args.unpack()[2])) for p, member, args in
                self.settle() if p == path and member == f"{PROPERTIES}.PropertiesChanged" and
                args.unpack()[0] == interface]

    def seen(self, member):
        return [(p, args.unpack()) for p, m, args in self.settle() if m == member]

    def close(self):
        self.connection.close_sync(None)


def escape(name):
    """As sd_bus_path_encode() does."""
    if not name:
        return "_"
    return "".join(c if c.isalnum() and c.isascii() and not (i == 0 and c.isdigit())
                   else "".join(f"_{b:02x}" for b in c.encode()) for i, c in enumerate(name))


def converter_path(name):
    return f"{ROOT}/converter/{escape(name)}"


def meter_path(name):
    return f"{ROOT}/meter/{escape(name)}"


def output_path(name):
    return f"{ROOT}/output/{escape(name)}"


# Runs as another user, as an argument, since that user may not be able to read this folder. Takes
# calls as JSON lines and answers each when its reply comes; reports signals as they come.
OTHER = r"""
import json, os, sys
from gi.repository import Gio, GLib
loop = GLib.MainLoop()
connection = Gio.DBusConnection.new_for_address_sync(
    sys.argv[1], Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
    Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
fds = {}
def report(**what):
    print(json.dumps(what), flush=True)
def on_signal(c, sender, path, interface, member, args):
    report(signal=interface + "." + member, path=path, args=args.print_(False))
def on_reply(c, result, number):
    try:
        value, fd_list = connection.call_with_unix_fd_list_finish(result)
        fds[number] = fd_list.steal_fds() if fd_list else []
        report(id=number, error="ok", value=value.print_(False))
    except GLib.Error as error:
        report(id=number, error=Gio.DBusError.get_remote_error(error) or "failed",
               value=error.message)
pending = b""
def on_input(fd, condition):
    global pending
    data = os.read(fd, 65536)
    if not data:
        loop.quit()
        return False
    *lines, pending = (pending + data).split(b"\n")
    for line in lines:
        on_command(json.loads(line))
    return True
def on_command(command):
    if "close" in command:
        for fd in fds.pop(command["close"]):
            os.close(fd)
        return
    path, interface, method, args, flags = command["call"]
    connection.call_with_unix_fd_list(
        "org.smartmeterd", path, interface, method,
        GLib.Variant.parse(None, args, None, None) if args else None, None,
        Gio.DBusCallFlags(flags), 60000, None, None, on_reply, command["id"])
connection.signal_subscribe("org.smartmeterd", None, None, None, None, 0, on_signal)
connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "GetId", None, None, 0,
                     60000, None)
GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, 0, GLib.IO_IN | GLib.IO_HUP, on_input)
report(ready=connection.get_unique_name())
loop.run()
"""

INTERACTIVE = int(Gio.DBusCallFlags.ALLOW_INTERACTIVE_AUTHORIZATION)


class OtherUser:
    """A client that runs as another uid; needs root."""

    def __init__(self, bus, uid=NOBODY, gid=NOBODY, groups=()):
        group_option = [f"--groups={','.join(map(str, groups))}"] if groups else ["--clear-groups"]
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={uid}", f"--regid={gid}", *group_option, "--", sys.executable,
             "-c", OTHER, bus.address], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        os.set_blocking(self.process.stdin.fileno(), False)
        self.buffer = b""
        self.replies = {}
        self.signals = []
        self.n_calls = 0
        self.name = None
        self._read_until(lambda: self.name, "the other user")

    def _read_until(self, condition, what):
        deadline = time.monotonic() + SECONDS
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
                raise AssertionError(f"timed out waiting for {what}")
            self._read()
        return condition()

    def _read(self):
        data = os.read(self.process.stdout.fileno(), 65536)
        if not data:
            raise AssertionError(f"the other user's client ended: {self.process.wait()}")
        *lines, self.buffer = (self.buffer + data).split(b"\n")
        for line in map(json.loads, lines):
            if "ready" in line:
                self.name = line["ready"]
            elif "signal" in line:
                self.signals.append(line)
            else:
                self.replies[line["id"]] = (line["error"], line["value"])

    def _write(self, **command):
        """Reads while it writes: the client takes no commands while its replies fill the pipe."""
        left = json.dumps(command).encode() + b"\n"
        stdin, stdout = self.process.stdin.fileno(), self.process.stdout
        while left:
            readable, writable, _ = select.select([stdout], [stdin], [], SECONDS)
            if not readable and not writable:
                raise AssertionError("timed out writing to the other user's client")
            if readable:
                self._read()
            if writable:
                left = left[os.write(stdin, left):]

    def start(self, path, interface, method, args=None, flags=0):
        """Sends a call and returns its number at once."""
        self.n_calls += 1
        self._write(id=self.n_calls, call=[path, interface, method, args, flags])
        return self.n_calls

    def reply(self, number):
        """("ok" or the error's name, value as text or the message)"""
        return self._read_until(lambda: self.replies.get(number), f"reply {number}")

    def call(self, *args):
        return self.reply(self.start(*args))

    def wait_signal(self, member):
        return self._read_until(
            lambda: next((s for s in self.signals if s["signal"].endswith(member)), None), member)

    def close_fds(self, number):
        self._write(close=number)

    def leave(self):
        if self.process.stdin.closed:
            return
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Polkit:
    """python-dbusmock's polkitd; denies until told otherwise."""

    def __init__(self, bus, client):
        self.client = client
        self.log = open(bus.folder / "polkit.log", "w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dbusmock", "--system", "--template", "polkitd"], env=bus.env,
            stdout=self.log, stderr=subprocess.STDOUT)
        wait_until(self._is_there, "the polkit mock")

    def _is_there(self):
        return self.client.call_bus("NameHasOwner",
                                    GLib.Variant("(s)", ("org.freedesktop.PolicyKit1",)))[0]

    def control(self, method, args=None):
        return self.client.connection.call_sync(
            "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
            "org.freedesktop.DBus.Mock", method, args, None, 0, int(SECONDS * 1000), None)

    def allow(self, *actions):
        self.control("SetAllowed", GLib.Variant("(as)", (actions,)))

    def questions(self):
        """Log lines of CheckAuthorization."""
        self.log.flush()
        with open(self.log.name) as log:
            return [line for line in log if " CheckAuthorization " in line]

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()
