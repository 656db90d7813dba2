# SPDX-License-Identifier: MIT
"""The whole daemon on a private bus, with mock converters to plug: what every integration test of
the daemon starts from.

    bed = Bed()                               # needs umockdev-wrapper around python
    with Daemon("[converter \"x\"]\\n…") as d:
        c = bed.converter("pl2303", port="1").plug()
        d.wait_state(c.identity, "receiving") # after c.feed(telegram())
        d.client.get(...)                     # see private_bus.Client

Every wait has a deadline; nothing sleeps.
"""

import errno
import functools
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import time

from gi.repository import GLib

import private_bus as bus
from broker import free_port
from private_bus import SECONDS, wait_until

SMARTMETERD = os.environ.get("SMARTMETERD", str(bus.BUILD / "daemon/smartmeterd"))
SMCTL = os.environ.get("SMCTL", str(bus.BUILD / "ctl/smctl"))
# A program to run the daemon under: "valgrind -q --error-exitcode=99 --suppressions=valgrind.supp"
WRAPPER = os.environ.get("SMARTMETERD_WRAPPER", "").split()
# Before umockdev's own, as tests/preload/mock-realpath.c says.
if "umockdev" in os.environ.get("LD_PRELOAD", "") and os.environ.get("SMARTMETERD_MOCK_REALPATH"):
    os.environ["LD_PRELOAD"] = ":".join([os.environ["SMARTMETERD_MOCK_REALPATH"],
                                         os.environ["LD_PRELOAD"]])


@functools.lru_cache(maxsize=None)
def telegram(profile="lgz-e450", *options):
    """The bytes of one telegram, made by the simulator."""
    done = subprocess.run([SMCTL, "simulate", profile, "--stdout", "--fast", "-n", "1", *options],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS,
                          check=True, env=plain_environment())
    return done.stdout


def plain_environment(**more):
    """For programs that are not to see the mock devices."""
    env = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "UMOCKDEV_DIR")}
    env.update(more)
    return env


def wait_history(state):
    """The service opens it a moment after its start."""
    wait_until(lambda: (state / "history.db").exists() and (state / "history.db").stat().st_size > 0, "the history")


class Daemon:
    """smartmeterd on its own bus, with its own configuration and state. `with` starts and stops it;
    a daemon that does not end well fails the test."""

    def __init__(self, config="", system_bus=None, options=(), environment=None):
        self.bus = system_bus or bus.PrivateBus()
        self.own_bus = system_bus is None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="smd."))
        self.config_path = self.folder / "smartmeterd.conf"
        self.state = self.folder / "state"
        self.options = list(options)
        self.environment = environment or {}
        self.wrapper = WRAPPER  # the command it is run by
        self.process = self.client = None
        self.configure(config)

    def configure(self, config):
        self.config_path.write_text(config)

    def start(self):
        path = str(self.folder / "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(path)
        os.chmod(path, 0o777)  # the daemon may run as another user
        self.notified = ""
        self.log_path = self.folder / "log"
        # set in C by the bed, after python made its copy
        mock = {"UMOCKDEV_DIR": GLib.getenv("UMOCKDEV_DIR")} if GLib.getenv("UMOCKDEV_DIR") else {}
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.wrapper, SMARTMETERD, "--config", str(self.config_path), "--state-dir",
                 str(self.state), "--bus", self.bus.address, "--udev", "yes",
                 *self.options],
                stdin=subprocess.DEVNULL, stderr=log,
                env={**os.environ, **mock, "NOTIFY_SOCKET": path, **self.environment})
        self.wait_notified("READY=1")
        self.client = bus.Client(self.bus)
        return self

    def wait_notified(self, text):
        deadline = time.monotonic() + SECONDS * (5 if WRAPPER else 1)
        self.notify.settimeout(0.2)
        while text not in self.notified:
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended: {self.process.returncode}\n{self.log}")
            if time.monotonic() > deadline:
                raise AssertionError(f"timed out waiting for {text}\n{self.log}")
            try:
                self.notified += self.notify.recv(4096).decode() + "\n"
            except TimeoutError:
                pass

    @property
    def log(self):
        return self.log_path.read_text(errors="replace")

    @property
    def pid(self):
        return self.process.pid

    def wait_log(self, text, count=1):
        wait_until(lambda: self.log.count(text) >= count, f"'{text}' in the log:\n{self.log}")

    def stop(self, signal_number=signal.SIGTERM):
        """Ends it; returns how it ended."""
        if self.process is None:
            return 0
        if self.client:
            self.client.close()
            self.client = None
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        code = self.process.wait(SECONDS * (5 if WRAPPER else 1))
        self.notify.close()
        self.process = None
        return code

    def restart(self):
        if self.stop() != 0:
            raise AssertionError(f"the daemon did not end well:\n{self.log}")
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            if value is not None:
                print(self.log_path.read_text(errors="replace"))
            code = self.stop()
            if value is None and code != 0:
                raise AssertionError(f"the daemon ended with {code}:\n{self.log}")
        finally:
            if self.process:
                self.process.kill()
                self.process.wait()
            if self.own_bus:
                self.bus.stop()
            shutil.rmtree(self.folder)

    # What is on the bus

    def manager(self, method, signature=None, *args):
        variant = GLib.Variant(f"({signature})", args) if signature else None
        return self.client.call(bus.ROOT, bus.MANAGER, method, variant)

    def converter(self, identity, name):
        return self.client.get(bus.converter_path(identity), bus.CONVERTER, name)

    def converter_call(self, identity, method, signature=None, *args):
        variant = GLib.Variant(f"({signature})", args) if signature else None
        return self.client.call_fds(bus.converter_path(identity), bus.CONVERTER, method, variant)

    def meter(self, identity, name):
        return self.client.get(bus.meter_path(identity), bus.METER, name)

    def converters(self):
        """{id: state} of all there are."""
        objects = self.client.call(bus.ROOT, bus.OBJECTS, "GetManagedObjects")[0]
        return {o[bus.CONVERTER]["Id"]: o[bus.CONVERTER]["State"] for o in objects.values()
                if bus.CONVERTER in o}

    def meters(self):
        """{id: properties} of all there are."""
        objects = self.client.call(bus.ROOT, bus.OBJECTS, "GetManagedObjects")[0]
        return {o[bus.METER]["Id"]: o[bus.METER] for o in objects.values() if bus.METER in o}

    def wait_state(self, identity, state):
        wait_until(lambda: self.converters().get(identity) == state,
                   f"{identity} to be {state}; it is {self.converters()}\n{self.log}")

    def wait_meter(self, identity, name, wanted):
        wait_until(lambda: self.meters().get(identity, {}).get(name) == wanted,
                   f"{name} of {identity} to be {wanted}; there is {self.meters()}\n{self.log}")

    # What the process holds

    def open_files(self):
        def target(fd):
            try:
                return os.readlink(f"/proc/{self.pid}/fd/{fd}")
            except OSError:
                return None  # closed meanwhile
        return [target(fd) for fd in os.listdir(f"/proc/{self.pid}/fd")]

    def n_fds(self):
        """Without the databases': journals, and the folder itself, are open while one writes."""
        return sum(path is not None and not path.startswith(str(self.state))
                   for path in self.open_files())

    def has_open(self, path):
        return path in self.open_files()

    def rss_kib(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])


class Broker:
    """mosquitto on a free port of loopback."""

    def __init__(self, extra=""):
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix="smq.")
        with open(self.folder + "/conf", "w") as f:
            f.write(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
                    # by default it drops what a client that is slow for a moment has not taken
                    f"set_tcp_nodelay true\nmax_queued_messages 1000000\npersistence false\n{extra}\n")
            if os.getuid() == 0:
                f.write("user root\n")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(["mosquitto", "-c", self.folder + "/conf"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=plain_environment())

        def answers():
            with socket.socket() as s:
                return s.connect_ex(("127.0.0.1", self.port)) == 0
        wait_until(answers, "mosquitto")
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exception):
        self.stop()
        shutil.rmtree(self.folder)


class Link:
    """A virtual converter without udev: a pty behind a stable link, for Device=."""

    def __init__(self, path):
        self.path = str(path)
        self.master = self.slave = -1

    def plug(self):
        self.master, self.slave = os.openpty()
        os.set_blocking(self.master, True)
        # raw, so that what is written before the daemon has set its line is not edited
        attributes = termios.tcgetattr(self.slave)
        attributes[0:4] = [0, 0, attributes[2], 0]
        termios.tcsetattr(self.slave, termios.TCSANOW, attributes)
        os.symlink(os.ttyname(self.slave), self.path + ".new")
        os.rename(self.path + ".new", self.path)
        return self

    def feed(self, data):
        while data:
            data = data[os.write(self.master, data):]

    def line(self):
        return line_of(self.master)

    def unplug(self):
        os.unlink(self.path)
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1


def line_of(fd):
    """"2400 8E1"-like, as the program set it; a pty forgets parity and size, so only the speed."""
    speeds = {termios.B2400: 2400, termios.B9600: 9600, termios.B38400: 38400,
              termios.B115200: 115200}
    return speeds.get(termios.tcgetattr(fd)[4])


KINDS = {
    "pl2303": ("067b", "2303", "Prolific_Technology_Inc.", "USB-Serial_Controller", "pl2303"),
    "pl2303gc": ("067b", "23a3", "Prolific_Technology_Inc.", "USB-Serial_Controller", "pl2303"),
    "ftdi": ("0403", "6001", "FTDI", "FT232R_USB_UART", "ftdi_sio"),
    "cp210x": ("10c4", "ea60", "Silicon_Labs", "CP2102_USB_to_UART_Bridge", "cp210x"),
    "cp2105": ("10c4", "ea70", "Silicon_Labs", "CP2105_Dual_USB_to_UART_Bridge", "cp210x"),
    "ch340": ("1a86", "7523", "1a86", "USB_Serial", "ch341"),
    "ch9102": ("1a86", "55d4", "1a86", "USB_Single_Serial", "cdc_acm"),
}
# As our hwdb marks them: rules do not run in a mock bed.
MARKED = {"pl2303", "pl2303gc"}
HUB = "/devices/pci0000:00/0000:00:14.0/usb1"


def make_bed():
    """The mock /sys, /dev and udev; None where the test does not run under umockdev-wrapper."""
    if "umockdev" not in os.environ.get("LD_PRELOAD", ""):
        return None
    import gi
    gi.require_version("UMockdev", "1.0")
    from gi.repository import UMockdev
    return Bed(UMockdev)


class Bed:
    kept = []  # one that is collected takes the environment of the next with it

    def __init__(self, umockdev):
        self.kept.append(self)
        self.umockdev = umockdev
        self.testbed = umockdev.Testbed.new()
        self.used = set()

        class ModemLines(umockdev.IoctlBase):
            """What a pty lacks and libserialport asks for; the rest goes to the pty itself."""

            def do_handle_ioctl(self, client):
                request = client.get_request()
                if request == termios.TIOCMGET:
                    client.props.arg.resolve(0, 4).update(0, list(struct.pack("<I", 0)))
                    client.complete(0, 0)
                elif request in (0x5432, 0x5433):  # TCGETX, TCSETX
                    client.complete(-1, errno.EINVAL)
                else:
                    client.complete(*client.execute())
                return True

        self.modem_lines = ModemLines

    def converter(self, kind="pl2303", port="1", number=0, serial=None, **more):
        while number in self.used:  # umockdev gives a name out once
            number += 1
        self.used.add(number)
        return Converter(self, kind, port, number, serial, **more)


class Converter:
    """usb_device, usb_interface, usb-serial port and tty, as udev shows them."""

    def __init__(self, bed, kind, port, number, serial, interface="00", tty=None, marked=None,
                 ignored=False):
        vendor, product, maker, model, driver = KINDS[kind]
        self.bed = bed
        self.tty = f"{tty or 'ttyUSB'}{number}"
        self.node = f"/dev/{self.tty}"
        usb = f"{HUB}/1-{port}"
        self.path = f"pci-0000:00:14.0-usb-0:{port}:1.{int(interface)}"
        own = serial and serial != "0001"
        suffix = f"-if{interface}" if own and interface != "00" else ""
        self.by_path = f"{vendor}:{product}@{self.path}"
        self.identity = f"{vendor}:{product}:{serial}{suffix}" if own else self.by_path
        properties = {
            "ID_BUS": "usb", "ID_VENDOR_ID": vendor, "ID_MODEL_ID": product, "ID_VENDOR": maker,
            "ID_MODEL": model,
        }
        if serial:
            properties["ID_SERIAL_SHORT"] = serial
        self.properties = {
            **properties, "DEVNAME": self.node, "SUBSYSTEM": "tty", "MAJOR": "188",
            "MINOR": str(number), "ID_PATH": self.path, "ID_USB_DRIVER": driver,
            "ID_USB_INTERFACE_NUM": interface,
        }
        if kind in MARKED if marked is None else marked:
            self.properties["SMARTMETER_CONVERTER"] = "1"
        if ignored:
            self.properties["SMARTMETER_IGNORE"] = "1"
        interface_path = f"{usb}/1-{port}:1.{int(interface)}"
        self.serial_path = f"{interface_path}/{self.tty}"
        self.syspath = f"{self.serial_path}/tty/{self.tty}"
        self.parents = [
            (usb, {"DEVTYPE": "usb_device", "SUBSYSTEM": "usb",
                   "DEVNAME": f"/dev/bus/usb/001/{number + 2:03}", **properties},
             {"idVendor": vendor, "idProduct": product, "busnum": "1",
              "devnum": str(number + 2), "manufacturer": maker.replace("_", " "),
              "product": model.replace("_", " "), **({"serial": serial} if serial else {})}),
            (interface_path, {"DEVTYPE": "usb_interface", "SUBSYSTEM": "usb", "DRIVER": driver},
             {"bInterfaceNumber": interface}),
            (self.serial_path, {"SUBSYSTEM": "usb-serial", "DRIVER": driver},
             {"port_number": "0"}),
        ]
        self.master = -1

    def _add(self, path, properties, attributes, extra=""):
        text = f"P: {path}\n{extra}"
        text += "".join(f"E: {k}={v}\n" for k, v in properties.items())
        text += "".join(f"A: {k}={v}\\n\n" for k, v in attributes.items())
        self.bed.testbed.add_from_string(text + "\n")

    def plug(self):
        for path, properties, attributes in self.parents:
            if not os.path.exists(self.bed.testbed.get_sys_dir() + path):
                self._add(path, properties, attributes)
        self.bed.testbed.attach_ioctl(self.node, self.bed.modem_lines())
        minor = self.properties["MINOR"]
        self._add(self.syspath, self.properties, {"dev": f"188:{minor}"},
                  f"N: {self.tty}\nL: device=../../../{self.tty}\n")
        self.master = self.bed.testbed.get_dev_fd(self.node)
        self.pty = os.readlink(self.bed.testbed.get_root_dir() + self.node)
        return self

    def change(self, **properties):
        """udev ran its rules again."""
        for name, value in properties.items():
            self.properties[name] = value
            self.bed.testbed.set_property("/sys" + self.syspath, name, value)
        self.bed.testbed.uevent("/sys" + self.syspath, "change")

    def feed(self, data):
        while data:
            data = data[os.write(self.master, data):]

    def line(self):
        return line_of(self.master)

    def hang_up(self):
        """What a real unplug does first: the open port gets HUP. (umockdev owns the descriptor.)"""
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, self.master)
        os.close(null)

    def unplug(self, hang_up=True):
        if hang_up:
            self.hang_up()
        self.bed.testbed.detach_ioctl(self.node)
        for path in [self.syspath] + [p for p, _, _ in reversed(self.parents)]:
            if os.path.exists(self.bed.testbed.get_sys_dir() + path):
                self.bed.testbed.uevent("/sys" + path, "remove")
                self.bed.testbed.remove_device("/sys" + path)
        # umockdev leaves its notes behind, and fails at the next device with the same pty
        root = self.bed.testbed.get_root_dir()
        for note in (f"{root}/dev/.ptymap/{self.pty.replace('/', '_')}",
                     f"{root}/sys/dev/char/188:{self.properties['MINOR']}"):
            if os.path.lexists(note):
                os.unlink(note)
