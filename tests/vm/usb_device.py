# SPDX-License-Identifier: MIT
"""One emulated converter on the USB/IP wire (Documentation/usb/usbip_protocol.rst): answers the
kernel's requests, and delivers what the meter sends as the UART in the chip would receive it."""

import errno
import math
import selectors
import struct
import time
from collections import deque

from uart import Line, bits_per_char, format_line, receive
from usb_chips import CHIPS

SUBMIT, UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
HEADER = 48
# An idle UART hands over what it has after some milliseconds; here also as many as python keeps up with.
DELIVERY_SECONDS = 0.02


class Device:
    def __init__(self, hub, name, chip, serial=None, sender=None):
        self.hub, self.name = hub, name
        self.line, self.modem = Line(9600, 8, "N", 1), {"dtr": 0, "rts": 0}
        self.chip = CHIPS[chip](self)
        if serial is not None:
            self.chip.serial = serial
        self.meter = None  # one that hears what the host writes
        self.sender = sender  # how the meter transmits; None: bytes arrive whatever the host set
        self.sending = deque()  # (when it begins, bytes)
        self.free_at = 0.0  # when the meter's line is idle again
        self.arriving = deque()  # (time, value, error), by time
        self.received = deque()  # (value, error): the host's next bytes
        self.fault = "none"
        self.reading = False  # the host has the port open
        self.counts = {"controls": 0, "opened": 0, "written": 0, "lost": 0, "delivered": 0}
        self.bulk_waiting, self.interrupt_waiting = [], []  # requests: (number, length)
        self.never_answered = []  # of the control endpoint, while that is dead
        self.socket, self.input, self.output = None, b"", b""
        self.ticking = False
        self.descriptors = self.describe()

    def describe(self):
        chip = self.chip
        self.strings = ["", chip.manufacturer, chip.product, chip.serial]
        index = [i if text else 0 for i, text in enumerate(self.strings)]
        device = struct.pack("<BBHBBBBHHHBBBB", 18, 1, chip.usb_version, chip.device_class, 0, 0, 64, chip.vendor_id,
                             chip.product_id, chip.release, index[1], index[2], index[3], 1)
        rest = struct.pack("<BBBBBBBBB", 9, 4, 0, 0, len(chip.endpoints), *chip.interface, 0)
        for address, kind, size, interval in chip.endpoints:
            rest += struct.pack("<BBBBHB", 7, 5, address, kind, size, interval)
        return {1: device, 2: struct.pack("<BBHBBBBB", 9, 2, 9 + len(rest), 1, 1, 0, 0x80, 50) + rest}

    # --- what the host sets ---------------------------------------------------------------------
    def line_set(self, dtr=None, rts=None, **changes):
        before = (self.line, dict(self.modem))
        self.line = self.line._replace(**changes)
        self.modem.update({k: v for k, v in (("dtr", dtr), ("rts", rts)) if v is not None})
        if self.line != before[0]:
            self.expect_anew(time.monotonic())
            if self.meter:
                self.meter.follow(self.line)
        if (self.line, self.modem) != before:
            self.hub.emit({"event": "line", "device": self.name, "line": format_line(self.line), **self.modem})

    def status(self):
        return {"line": format_line(self.line), **self.modem, **self.counts, "reading": self.reading}

    # --- the meter ------------------------------------------------------------------------------
    def feed(self, data):
        now = time.monotonic()
        if self.sender is None:
            self.arriving.extend((now, byte, None) for byte in data)
        else:
            begin = max(now, self.free_at)
            self.free_at = begin + len(data) * bits_per_char(self.sender) / self.sender.baud
            self.sending.append((begin, data))
            self.expect(begin, data)
        self.tick_later()

    def expect(self, begin, data):
        self.arriving.extend((begin + c.time, c.value, c.error) for c in receive(data, self.sender, self.line))

    def expect_anew(self, now):
        """The host changed its line in the middle: what is sent from now on arrives otherwise."""
        while self.arriving and self.arriving[-1][0] > now:
            self.arriving.pop()
        for begin, data in self.sending:
            each = bits_per_char(self.sender) / self.sender.baud
            sent = max(0, math.ceil((now - begin) / each))
            if sent < len(data):
                self.expect(begin + sent * each, data[sent:])
        self.tick_later()

    def tick_later(self):
        if self.arriving and not self.ticking:
            self.ticking = True
            self.hub.at(max(self.arriving[0][0], time.monotonic() + DELIVERY_SECONDS), self.tick)

    def tick(self):
        self.ticking = False
        now = time.monotonic()
        while self.arriving and self.arriving[0][0] <= now:
            _, value, error = self.arriving.popleft()
            if self.reading:
                self.received.append((value, error))
            else:
                self.counts["lost"] += 1
        while self.sending and self.sender and self.sending[0][0] + \
                len(self.sending[0][1]) * bits_per_char(self.sender) / self.sender.baud < now:
            self.sending.popleft()
        self.pump()
        self.tick_later()

    def pump(self):
        if self.fault == "bulk-stall":
            self.reading = False  # no driver asks again before the next open
            self.received.clear()
            while self.bulk_waiting:
                self.complete(self.bulk_waiting.pop()[0], -errno.EPIPE)
        while self.received and self.bulk_waiting:
            number, length = self.bulk_waiting.pop(0)
            room = min(length, 64) - len(self.chip.packet(b""))
            error, chunk = self.received[0][1], bytearray()
            while self.received and len(chunk) < room and self.received[0][1] == error:
                chunk.append(self.received.popleft()[0])
            if error:
                self.report(error)  # the driver counts it for the bytes that follow
            self.counts["delivered"] += len(chunk)
            self.complete(number, 0, self.chip.packet(bytes(chunk)))

    def report(self, error):
        report = self.chip.error_report(error)
        if report and self.interrupt_waiting:
            number, length = self.interrupt_waiting.pop(0)
            self.complete(number, 0, report[:length])

    # --- the wire to the kernel -----------------------------------------------------------------
    def complete(self, number, status, data=b"", length=None):
        self.send(struct.pack(">IIIIIiiiii8x", RET_SUBMIT, number, 0, 0, 0, status,
                              len(data) if length is None else length, 0, 0, 0) + data)

    def send(self, data):
        self.output += data
        self.flush()

    def flush(self):
        while self.output and self.socket:
            try:
                self.output = self.output[self.socket.send(self.output):]
            except BlockingIOError:
                break
            except OSError:
                self.hub.detached(self)
                return
        if self.socket:
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.output else 0)
            self.hub.selector.modify(self.socket, events, self.on_ready)

    def on_ready(self, events):
        if events & selectors.EVENT_WRITE:
            self.flush()
        if not (events & selectors.EVENT_READ and self.socket):
            return
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.hub.detached(self)
            return
        self.input += data
        while self.socket and self.take_message():
            pass

    def take_message(self):
        if len(self.input) < HEADER:
            return False
        command, number, _, reads, endpoint, _, length = struct.unpack_from(">IIIIIIi", self.input)
        if command == UNLINK:
            victim = struct.unpack_from(">I", self.input, 20)[0]
            self.input = self.input[HEADER:]
            self.unlink(number, victim)
            return True
        size = HEADER + (0 if reads else length)
        if command != SUBMIT or len(self.input) < size:
            return False
        setup, data = self.input[40:HEADER], self.input[HEADER:size]
        self.input = self.input[size:]
        self.submit(number, reads, endpoint, length, setup, data)
        return True

    def unlink(self, number, victim):
        found = victim in self.never_answered
        if found:  # the kernel gives up
            self.never_answered.remove(victim)
            self.send(struct.pack(">IIIIIi24x", RET_UNLINK, number, 0, 0, 0, -errno.ECONNRESET))
            return
        for waiting in (self.bulk_waiting, self.interrupt_waiting):
            kept = [request for request in waiting if request[0] != victim]
            found = found or len(kept) < len(waiting)
            waiting[:] = kept
        self.send(struct.pack(">IIIIIi24x", RET_UNLINK, number, 0, 0, 0, -errno.ECONNRESET if found else 0))
        if found and not self.bulk_waiting:  # closed: a UART keeps nothing
            self.reading = False
            self.received.clear()

    def submit(self, number, reads, endpoint, length, setup, data):
        if endpoint == 0 and self.fault == "control-dead":
            self.never_answered.append(number)
        elif endpoint == 0:
            answer = self.control(setup, data)
            if answer is None:
                self.complete(number, -errno.EPIPE)
            elif reads:
                self.complete(number, 0, answer[:length])
            else:
                self.complete(number, 0, length=len(data))
        elif reads and endpoint | 0x80 == self.chip.bulk_in:
            self.counts["opened"] += not self.reading
            self.reading = True
            self.bulk_waiting.append((number, length))
            self.pump()
        elif reads and endpoint | 0x80 == self.chip.interrupt_in:
            self.interrupt_waiting.append((number, length))
        elif not reads and endpoint == self.chip.bulk_out:
            self.counts["written"] += len(data)
            self.complete(number, 0, length=len(data))
            self.hub.emit({"event": "written", "device": self.name, "hex": data.hex()})
            if self.meter:
                self.meter.hear(data, self.line)
        else:
            self.complete(number, -errno.EPIPE)

    def control(self, setup, data):
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        if kind & 0x60:
            self.counts["controls"] += 1
            return self.chip.control(kind, request, value, index, length, data)
        if request != 6:  # standard requests but GET_DESCRIPTOR: nothing to answer but that it is well
            return bytes(length) if kind & 0x80 else b""
        what, which = value >> 8, value & 0xFF
        if what == 3 and which == 0:
            return b"\x04\x03\x09\x04"
        if what == 3 and which < len(self.strings) and self.strings[which]:
            text = self.strings[which].encode("utf-16-le")
            return bytes([2 + len(text), 3]) + text
        return self.descriptors.get(what)
