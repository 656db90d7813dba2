#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Emulated converters for the guest's own kernel: vhci_hcd takes them for USB devices, the real
drivers bind, and /dev/ttyUSB0 is as real as it gets. Runs in the guest as root.

One JSON object a line on the port given, each answered with its "id":
{"op": "plug", "device": "a", "chip": "pl2303", "port": 3, "serial": "X", "sender": "2400 8E1"}
{"op": "unplug", "device": "a"}         {"op": "status", "device": "a"}
{"op": "feed", "device": "a", "hex": "1b1b"}                      the meter sends these bytes once
{"op": "meter", "device": "a", "command": [...], "interval": 5}   and what the command prints, each 5 s;
                                        it goes on while the device is unplugged. interval 0: ends it
{"op": "asked", "device": "a", "command": [...], "line": "300 7E1"}   a meter that answers: see asked.py.
                                        Without command: ends it
{"op": "fault", "device": "a", "kind": "bulk-stall"}              or "control-dead": no request to the
                                        control endpoint is answered any more; or "none"
Events: {"event": "line", ...} the host set something; {"event": "written"}; {"event": "detached"}.
"""
import heapq
import itertools
import json
import os
import selectors
import socket
import subprocess
import sys
import time

from asked import Asked
from uart import parse_line
from usb_device import Device

VHCI = "/sys/devices/platform/vhci_hcd.0"
FULL_SPEED = 2


class Meter:
    """Runs a command every so often; what it prints is one telegram."""

    def __init__(self, hub, device, command, interval):
        self.hub, self.device, self.command, self.interval = hub, device, command, interval
        self.telegram, self.process, self.ended = b"", None, False
        self.next = time.monotonic()
        self.begin()

    def begin(self):
        if self.ended:
            return
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.hub.selector.register(self.process.stdout, selectors.EVENT_READ, self.on_output)

    def on_output(self, _):
        data = os.read(self.process.stdout.fileno(), 65536)
        self.telegram += data
        if data:
            return
        self.hub.selector.unregister(self.process.stdout)
        self.process.stdout.close()
        self.process.wait()
        device = self.hub.devices.get(self.device)
        if device and not self.ended:
            device.feed(self.telegram)
        self.telegram = b""
        self.next = max(self.next + self.interval, time.monotonic())
        self.hub.at(self.next, self.begin)


class Hub:
    def __init__(self, path):
        self.selector = selectors.DefaultSelector()
        self.devices, self.meters, self.asked_meters = {}, {}, {}
        self.timers, self.order = [], itertools.count()
        self.control, self.input = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC), b""
        self.selector.register(self.control, selectors.EVENT_READ, self.on_control)

    def at(self, when, callback):
        heapq.heappush(self.timers, (when, next(self.order), callback))

    def emit(self, message):
        data = (json.dumps(message) + "\n").encode()
        while data:
            try:
                data = data[os.write(self.control, data):]
            except BlockingIOError:
                time.sleep(0.001)
            except OSError:  # no listener
                return

    # --- vhci_hcd -------------------------------------------------------------------------------
    @staticmethod
    def free_port(wanted):
        with open(VHCI + "/status", encoding="ascii") as file:
            rows = [row.split() for row in file.read().splitlines()[1:]]
        free = [int(row[1]) for row in rows if row[0] == "hs" and row[2] == "004"]
        if wanted is None and free:
            return free[0]
        if wanted not in free:
            raise RuntimeError("port %s is not free" % wanted)
        return wanted

    def attach(self, device, wanted):
        port = self.free_port(wanted)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs, open(VHCI + "/attach", "w", encoding="ascii") as file:
            file.write("%d %d %d %d" % (port, theirs.fileno(), 0x10000 + port + 1, FULL_SPEED))
        ours.setblocking(False)
        device.socket = ours
        self.selector.register(ours, selectors.EVENT_READ, device.on_ready)
        return port

    def detached(self, device):
        if not device.socket:
            return
        self.selector.unregister(device.socket)
        device.socket.close()
        device.socket = None
        if device.meter:
            device.meter.leave()
        if self.devices.get(device.name) is device:
            del self.devices[device.name]
        self.emit({"event": "detached", "device": device.name})

    # --- commands -------------------------------------------------------------------------------
    def plug(self, m):
        if m["device"] in self.devices:
            raise RuntimeError("already plugged in")
        sender = parse_line(m["sender"]) if m.get("sender") else None
        device = Device(self, m["device"], m["chip"], m.get("serial"), sender)
        answer = {"port": self.attach(device, m.get("port"))}
        self.devices[m["device"]] = device
        if m["device"] in self.asked_meters:
            self.asked_meters[m["device"]].join()
        return answer

    def meter(self, m):
        old = self.meters.pop(m["device"], None)
        if old:
            old.ended = True
        if m["interval"]:
            self.meters[m["device"]] = Meter(self, m["device"], m["command"], m["interval"])
        return {}

    def asked(self, m):
        old = self.asked_meters.pop(m["device"], None)
        if old:
            old.end()
        if m.get("command"):
            self.asked_meters[m["device"]] = Asked(self, m["device"], m["command"], parse_line(m["line"]))
        return {}

    def obey(self, m):
        if m["op"] == "hello":
            return {}
        if m["op"] == "plug":
            return self.plug(m)
        if m["op"] == "meter":
            return self.meter(m)
        if m["op"] == "asked":
            return self.asked(m)
        device = self.devices[m["device"]]
        if m["op"] == "status":
            return device.status()
        if m["op"] == "unplug":
            self.detached(device)
        elif m["op"] == "feed":
            device.feed(bytes.fromhex(m["hex"]))
        elif m["op"] == "fault":
            device.fault = m["kind"]
            device.pump()
        else:
            raise RuntimeError("no such op")
        return {}

    def on_control(self, _):
        try:
            data = os.read(self.control, 65536)
        except BlockingIOError:
            return
        if not data:  # the host is not connected: do not spin
            time.sleep(0.02)
            return
        *lines, self.input = (self.input + data).split(b"\n")
        for line in lines:
            message = {}
            try:
                message = json.loads(line)
                answer = {"ok": True, **self.obey(message)}
            except (ValueError, KeyError, RuntimeError, OSError) as error:
                answer = {"ok": False, "error": "%s: %s" % (type(error).__name__, error)}
            self.emit({**answer, "id": message.get("id")})

    def run(self):
        while True:
            pause = max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, events in self.selector.select(pause):
                key.data(events)
            while self.timers and self.timers[0][0] <= time.monotonic():
                heapq.heappop(self.timers)[2]()


if __name__ == "__main__":
    Hub(sys.argv[1]).run()
