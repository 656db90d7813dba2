# SPDX-License-Identifier: MIT
"""A meter behind an emulated converter that says nothing until it is asked: `smctl simulate` on a tty
of its own, joined to the chip. What the host writes reaches it at the speed that the host has set; what
it answers goes through the chip's UART as from any meter."""

import json
import os
import selectors
import subprocess
import termios

from uart import receive

SPEEDS = {300: termios.B300, 600: termios.B600, 1200: termios.B1200, 2400: termios.B2400, 4800: termios.B4800,
          9600: termios.B9600, 19200: termios.B19200}


class Asked:
    """`form` is how it speaks at any speed: a Line of its bits, parity and stop bits."""

    def __init__(self, hub, name, command, form):
        self.hub, self.name, self.form = hub, name, form
        self.path, self.tty, self.rest = "/run/asked-" + name, -1, b""
        self.process = subprocess.Popen([*command, "--fast", "--json", "--link", self.path],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        hub.selector.register(self.process.stdout, selectors.EVENT_READ, self.on_output)

    def end(self):
        self.leave()
        self.hub.selector.unregister(self.process.stdout)
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def on_output(self, _):
        """What it was asked and what it sent, and that its tty is there."""
        data = os.read(self.process.stdout.fileno(), 65536)
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            event = json.loads(line)
            if event["event"] == "plugged":
                self.join()
            else:
                self.hub.emit({**event, "device": self.name})
        if not data:
            self.hub.selector.unregister(self.process.stdout)

    # --- the converter is plugged in, or pulled ---------------------------------------------------
    def join(self):
        device = self.hub.devices.get(self.name)
        if self.tty >= 0 or not device or not os.path.lexists(self.path):
            return
        self.tty = os.open(self.path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        self.hub.selector.register(self.tty, selectors.EVENT_READ, self.on_answer)
        device.meter = self
        self.follow(device.line)

    def leave(self):
        """The head is taken off; the meter's session ends."""
        device = self.hub.devices.get(self.name)
        if device and device.meter is self:
            device.meter = None
        if self.tty >= 0:
            self.hub.selector.unregister(self.tty)
            os.close(self.tty)
            self.tty = -1

    # --- the line ---------------------------------------------------------------------------------
    def follow(self, line):
        """The host has set its line: the speed is what the simulator sees of it."""
        settings = termios.tcgetattr(self.tty)
        settings[4] = settings[5] = SPEEDS.get(line.baud, termios.B50)
        termios.tcsetattr(self.tty, termios.TCSANOW, settings)

    def hear(self, data, line):
        """Bytes of the host; with other bits and parity than the meter's they are others."""
        mine = self.form._replace(baud=line.baud)
        os.write(self.tty, bytes(char.value for char in receive(data, line, mine)))

    def on_answer(self, _):
        data = os.read(self.tty, 4096)
        device = self.hub.devices.get(self.name)
        if device:  # the simulator speaks at the host's speed, or says noise
            device.sender = self.form._replace(baud=device.line.baud)
            device.feed(data)
