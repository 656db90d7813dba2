# SPDX-License-Identifier: MIT
"""The converter chips: their descriptors, and the vendor requests by which Linux's drivers set them
(drivers/usb/serial/{pl2303,cp210x,ch341,ftdi_sio}.c name the requests)."""

import struct

# bmRequestType
VENDOR_IN, VENDOR_OUT = 0xC0, 0x40
VENDOR_INTERFACE_IN, VENDOR_INTERFACE_OUT = 0xC1, 0x41
CLASS_IN, CLASS_OUT = 0xA1, 0x21

BULK, INTERRUPT = 2, 3
PARITIES = "NOEMS"


class Chip:
    """A chip passes on to its device the line that the host set, by device.line_set(...)."""
    vendor_id = product_id = release = 0
    usb_version = 0x0200
    device_class = 0
    interface = (0xFF, 0, 0)
    manufacturer = product = serial = ""
    endpoints = ()  # (address, kind, size, interval)
    bulk_in, bulk_out, interrupt_in = 0x81, 0x02, 0

    def __init__(self, device):
        self.device = device

    def control(self, kind, request, value, index, length, data):
        """Bytes for a request that reads, b"" for one that writes, None to stall."""
        raise NotImplementedError

    def packet(self, payload):
        return payload

    def error_report(self, error):
        """What the interrupt endpoint says of a damaged character; None: the chip does not say."""
        return None


class Pl2303(Chip):
    """PL2303HX: no serial number."""
    vendor_id, product_id, usb_version, release = 0x067B, 0x2303, 0x0110, 0x0300
    manufacturer, product = "Prolific Technology Inc.", "USB-Serial Controller"
    endpoints = ((0x81, INTERRUPT, 10, 1), (0x02, BULK, 64, 0), (0x83, BULK, 64, 0))
    bulk_in, interrupt_in = 0x83, 0x81
    read_request, write_request = 0x01, 0x01

    def __init__(self, device):
        super().__init__(device)
        self.coding = struct.pack("<IBBB", 9600, 0, 0, 8)

    def control(self, kind, request, value, index, length, data):
        if (kind, request) == (VENDOR_IN, self.read_request):
            return {0x8484: b"\x02", 0x8383: b"\xff"}.get(value, b"\0")
        if (kind, request) == (VENDOR_OUT, self.write_request):
            return b""
        if (kind, request) == (CLASS_IN, 0x21):  # GET_LINE_CODING
            return self.coding
        if (kind, request) == (CLASS_OUT, 0x20) and len(data) == 7:  # SET_LINE_CODING
            self.coding = data
            self.device.line_set(**self.decode(data))
            return b""
        if (kind, request) == (CLASS_OUT, 0x22):
            self.device.line_set(dtr=value & 1, rts=value >> 1 & 1)
            return b""
        return b"" if (kind, request) == (CLASS_OUT, 0x23) else None  # break

    @staticmethod
    def decode(coding):
        baud, stop, parity, bits = struct.unpack("<IBBB", coding)
        if baud & 0x80000000:  # rates without a name come as a divisor
            exponent, mantissa = baud >> 9 & 7, baud & 0x1FF
            baud = round(12000000 * 32 / ((mantissa or 512) << 2 * exponent))
        return {"baud": baud, "bits": bits, "parity": PARITIES[parity], "stop": (1, 1.5, 2)[stop]}

    def error_report(self, error):
        lines = 0x82  # CTS and DSR
        lines |= {"parity": 0x20, "frame": 0x10}.get(error, 0)
        return bytes([0xA1, 0x20, 0, 0, 0, 0, 2, 0, lines, 0])


class Pl2303gc(Pl2303):
    """PL2303GC, of the later family with requests of its own and a serial number."""
    product_id, usb_version, release, serial = 0x23A3, 0x0200, 0x0105, "ABCDb11A920"
    read_request, write_request = 0x81, 0x80


class Cp210x(Chip):
    """CP2102, with the serial number that copies share."""
    vendor_id, product_id, usb_version, release = 0x10C4, 0xEA60, 0x0110, 0x0100
    manufacturer, product, serial = "Silicon Labs", "CP2102 USB to UART Bridge Controller", "0001"
    endpoints = ((0x81, BULK, 64, 0), (0x01, BULK, 64, 0))
    bulk_out = 0x01

    def __init__(self, device):
        super().__init__(device)
        self.form, self.flow = b"\x00\x08", bytes(16)

    def control(self, kind, request, value, index, length, data):
        if (kind, request) == (VENDOR_IN, 0xFF):  # part number: CP2102
            return b"\x02" if value == 0x370B else bytes(length)
        if kind == VENDOR_INTERFACE_IN:
            baud = struct.pack("<I", self.device.line.baud)
            return {0x04: self.form, 0x14: self.flow, 0x08: b"\x30", 0x1D: baud}.get(request, bytes(length))
        if kind not in (VENDOR_OUT, VENDOR_INTERFACE_OUT):
            return None
        if request == 0x1E:
            self.device.line_set(baud=struct.unpack("<I", data[:4])[0])
        elif request == 0x03:
            self.form = struct.pack("<H", value)
            self.device.line_set(bits=value >> 8 & 15, parity=PARITIES[value >> 4 & 7], stop=(1, 1.5, 2)[value & 3])
        elif request == 0x07:
            self.device.line_set(dtr=value & 1, rts=value >> 1 & 1)
        elif request == 0x13:
            self.flow = data.ljust(16, b"\0")[:16]
        return b""


class Ch340(Chip):
    """CH340: no serial number."""
    vendor_id, product_id, usb_version, release = 0x1A86, 0x7523, 0x0110, 0x0264
    product, device_class, interface = "USB Serial", 0xFF, (0xFF, 1, 2)
    endpoints = ((0x82, BULK, 32, 0), (0x02, BULK, 32, 0), (0x81, INTERRUPT, 8, 1))
    bulk_in, interrupt_in = 0x82, 0x81
    rates = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200, 230400)

    def control(self, kind, request, value, index, length, data):
        if kind == VENDOR_IN:
            return {0x5F: b"\x31\x00", 0x95: b"\xff\xee"}.get(request, bytes(length))
        if kind != VENDOR_OUT:
            return None
        if request == 0x9A and value == 0x1312:  # prescaler and divisor
            divisor = (1 << (12 - 3 * (index & 3) - (index >> 2 & 1))) * (0x100 - (index >> 8))
            baud = 48000000 / divisor
            named = min(self.rates, key=lambda rate: abs(rate - baud))
            self.device.line_set(baud=named if abs(named - baud) < named / 100 else round(baud))
        elif request == 0x9A and value == 0x2518:
            parity = "OEMS"[index >> 4 & 3] if index & 8 else "N"
            self.device.line_set(bits=5 + (index & 3), parity=parity, stop=2 if index & 4 else 1)
        elif request == 0xA4:
            self.device.line_set(dtr=int(not value & 0x20), rts=int(not value & 0x40))
        return b""


class Ft232(Chip):
    """FT232BM; two bytes of status lead each packet."""
    vendor_id, product_id, release = 0x0403, 0x6001, 0x0400
    manufacturer, product, serial = "FTDI", "USB <-> Serial", "FT000001"
    interface = (0xFF, 0xFF, 0xFF)
    endpoints = ((0x81, BULK, 64, 0), (0x02, BULK, 64, 0))

    def control(self, kind, request, value, index, length, data):
        if kind == VENDOR_IN:
            return {5: b"\x30\x60", 10: b"\x01"}.get(request, bytes(length))  # modem status, latency
        if kind != VENDOR_OUT:
            return None
        if request == 3:
            eighths = (0, 4, 2, 1, 3, 5, 6, 7)[value >> 14 | (index & 1) << 2]
            divisor = (value & 0x3FFF) + eighths / 8
            self.device.line_set(baud={0: 3000000, 1: 2000000}.get(divisor) or round(3000000 / divisor))
        elif request == 4:
            self.device.line_set(bits=value & 0xFF, parity=PARITIES[value >> 8 & 7], stop=(1, 1.5, 2)[value >> 11 & 3])
        elif request == 1:
            self.device.line_set(dtr=value & 1, rts=value >> 1 & 1)
        return b""

    def packet(self, payload):
        return b"\x31\x60" + payload


CHIPS = {"pl2303": Pl2303, "pl2303gc": Pl2303gc, "cp210x": Cp210x, "ch340": Ch340, "ft232": Ft232}
