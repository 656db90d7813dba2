# SPDX-License-Identifier: MIT
"""Meters that must be asked. `Simulated` is one of `smctl simulate`; the others are what that cannot be:
meters whose every value and byte a test chooses. They sit at the other end of a pty whose speed they
see, so that what is said at a wrong speed is not understood, and count every byte that reaches them."""

import json
import os
import select
import subprocess
import termios
import threading
import time

SPEEDS = {termios.B300: 300, termios.B600: 600, termios.B1200: 1200, termios.B2400: 2400,
          termios.B4800: 4800, termios.B9600: 9600, termios.B19200: 19200}
OFFERED = {300: "0", 600: "1", 1200: "2", 2400: "3", 4800: "4", 9600: "5", 19200: "6"}


def bcc(data):
    value = 0
    for byte in data:
        value ^= byte
    return value


# A reset, and two readings under the key 00 01 … 0F: the meter 12345678 at 12345678 and 12345679 Wh.
COUNTER_FRAMES = [
    bytes.fromhex("1040f03016"),
    bytes.fromhex(
        "685f5f6853f05b785634122d4c010e01000500589f851e24ca6de644159e3399c7aaa998c74c0c01d00059beee"
        "483f260dfbcc95e2d835aaf6c8a142909a89c0f461aeeab82b1612aa0108d6bfc87ceb97ec51dd676ea3bde85a"
        "f2d0bcb58763221b306916"),
    bytes.fromhex(
        "685f5f6873f05b785634122d4c010e020005001a9d2673cde532e8680d62311f24888ab5e8d8338d7d0c950571"
        "53a80995ab309dbb9a5195a65be5cc812263044ea1e3332044375e31a3f2f7291c97959f8c03db435ed58a5208"
        "7862eb0d85d93c5be7e816")]


def block(lines, end=b"!\r\n"):
    body = b"".join(line.encode() + b"\r\n" for line in lines) + end + b"\x03"
    return b"\x02" + body + bytes([bcc(body)])


class Simulated:
    """`smctl simulate PROFILE` under a link, and what it says: what it was asked, what it sent."""

    def __init__(self, path, profile, number, *options):
        self.process = subprocess.Popen(
            [os.environ["SMCTL"], "simulate", profile, "--json", "--fast", "--link", str(path), "--meter-id",
             number, *options], stdout=subprocess.PIPE)
        self.requests = []   # events, in order
        self.telegrams = []  # of each {code: value}
        self.plugged = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            event = json.loads(line)
            if event["event"] == "plugged":
                self.plugged.set()
            elif event["event"] == "request":
                self.requests.append(event)
            elif event["event"] == "telegram":
                self.telegrams.append({r["obis"]: r["value"] for r in event["readings"]})

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()

    @property
    def said(self):
        """The bytes of each request."""
        return [bytes.fromhex(r["hex"]) for r in self.requests]

    def count(self, understood):
        return sum(r["understood"] == understood for r in self.requests)

    @property
    def trouble(self):
        """What no meter understands, of damage or at a wrong speed."""
        return [r for r in self.requests if r["understood"] is None]

    def sent(self, code):
        return [t[code] for t in self.telegrams if code in t]


class Meter(threading.Thread):
    """What is behind a harness.Link: hears, thinks, answers."""

    first_speed = 300
    reaction = 0.02  # s; real ones take 0.2 at least

    def __init__(self, link):
        super().__init__(daemon=True)
        self.link = link
        self.heard = b""     # every byte, at whatever speed
        self.requests = []   # what was understood
        self.speed = self.first_speed
        self.over = threading.Event()
        self.trouble = None  # what the asking side did that no meter stands

    def stop(self):
        self.over.set()
        self.join()

    def line_speed(self):
        return SPEEDS.get(termios.tcgetattr(self.link.master)[4])

    def say(self, data):
        """At our speed; a listener at another one gets noise."""
        time.sleep(self.reaction)
        if self.line_speed() == self.speed:
            os.write(self.link.master, data)
        else:
            os.write(self.link.master, bytes(byte ^ 0x55 | 0x80 for byte in data[:40]))

    def wait_speed(self, speed):
        """A real meter waits 200 ms for the other side to change its speed; a loaded machine is slower."""
        deadline = time.monotonic() + 2
        while self.line_speed() != speed and time.monotonic() < deadline:
            time.sleep(0.01)

    def run(self):
        waiting = b""
        while not self.over.is_set():
            if not select.select([self.link.master], [], [], 0.02)[0]:
                self.idle()
                continue
            try:
                data = os.read(self.link.master, 4096)
            except OSError:
                return
            self.heard += data
            waiting = self.hear(waiting + data)

    def idle(self):
        pass

    def hear(self, data):
        """Answers what is whole; returns the rest."""
        raise NotImplementedError


class Readout(Meter):
    """IEC 62056-21 mode C: identification at 300 Bd, a data block at the speed it offers."""

    ident = b"/LGZ5\\2ZMD3104100.B32\r\n"
    offers = 9600
    lines = ["F.F(00)", "0.0.0(40230017)", "1.8.0(012345.678*kWh)", "2.8.0(000321.500*kWh)",
             "1.7.0(00.532*kW)", "32.7.0(231.4*V)"]

    def hear(self, data):
        while b"\r\n" in data:
            message, _, data = data.partition(b"\r\n")
            if self.line_speed() != self.speed and message:
                self.trouble = f"{message!r} at {self.line_speed()} Bd, I am at {self.speed}"
            self.requests.append(message)
            if message == b"/?!":
                self.speed = 300
                self.say(self.ident)
            elif message[:2] == b"\x060":
                self.answer_acknowledge(message)
        return data

    def answer_acknowledge(self, message):
        wanted = next(speed for speed, letter in OFFERED.items() if letter == chr(message[2]))
        if chr(message[3]) != "0":
            self.trouble = "asked for programming mode"
        self.speed = wanted
        self.wait_speed(wanted)
        self.say(block(self.lines))
        self.speed = 300


class Siemens(Readout):
    """TD-3511: programming mode at 19200 Bd, R2 reads of F001 and F009."""

    ident = b"/SIE6TD3511 V04.03\r\n"
    answers = {"F001": ["0.0.0(30124578)", "0.9.1(21:10:29)", "0.9.2(24-03-21)", "1.8.0(012345.678*kWh)",
                        "1.8.1(010000.000*kWh)", "1.8.2(002345.678*kWh)", "2.8.0(000012.000*kWh)",
                        "3.8.1(000123.456*kvarh)", "4.8.1(000001.500*kvarh)"],
               "F009": ["1.7.0(0.532*kW)", "2.7.0(0.000*kW)", "14.7(49.98*Hz)", "31.7(1.25*A)",
                        "32.7(238.3*V)", "52.7(237.9*V)", "81.7.4(36.0*deg)"]}

    def answer_acknowledge(self, message):
        if message != b"\x06061":
            self.trouble = f"acknowledged with {message!r}"
        self.speed = 19200
        self.wait_speed(19200)
        self.say(b"\x01P0\x02(30124578)\x03" + bytes([bcc(b"P0\x02(30124578)\x03")]))

    def hear(self, data):
        while b"\r\n" in data:
            message, _, data = data.partition(b"\r\n")
            if message[:1] != b"\x01":
                super().hear(message + b"\r\n")
                continue
            if self.line_speed() != self.speed:
                self.trouble = f"{message!r} at {self.line_speed()} Bd, I am at {self.speed}"
            self.requests.append(message)
            if message[-1] != bcc(message[1:-1]):
                self.trouble = f"wrong check of {message!r}"
            name = message[4:8].decode()
            self.say(block(self.answers[name]))
        return data


class Counter(Meter):
    """Netz Oberösterreich: sends by itself, and again until one E5 has come."""

    first_speed = 9600
    frames = ()
    patience = 3  # times that it repeats a frame; then it stops

    def __init__(self, link, frames):
        super().__init__(link)
        self.frames = list(frames)
        self.sent = self.repeated = self.acknowledged = 0
        self.next = 0.0

    def idle(self):
        if time.monotonic() < self.next or not self.frames or self.repeated > self.patience:
            return
        self.next = time.monotonic() + 0.5
        self.repeated += self.sent > self.acknowledged
        self.sent = self.acknowledged + 1
        os.write(self.link.master, self.frames[self.acknowledged % len(self.frames)])

    def hear(self, data):
        for byte in data:
            if byte == 0xE5:
                self.acknowledged += 1
                self.repeated = 0
                self.next = time.monotonic() + 0.1
            else:
                self.trouble = f"said {byte:02x}"
        return b""
