# SPDX-License-Identifier: MIT
"""Captures of meters whose values come without codes, as their lists stand on the wire: HDLC frames
with a data-notification each. Loads, numbers and registers are made here."""

import struct

START = 1_770_000_000  # 2026-02-02, in the evening


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0x8408 if value & 1 else value >> 1
    return struct.pack("<H", value ^ 0xFFFF)


def frame(payload):
    """ISO 13239 type 3 with addresses of one byte, as infrared ports have them."""
    head = struct.pack(">H", 0xA000 | (2 + 1 + 1 + 1 + 2 + len(payload) + 2)) + b"\x03\x21\x13"
    body = head + crc(head) + payload
    return b"\x7e" + body + crc(body) + b"\x7e"


def date_time(seconds):
    days, rest = divmod(seconds, 86400)
    year, month, day = 1970, 1, 1 + days
    while True:
        leap = year % 4 == 0
        for length in (31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
            if day <= length:
                break
            day -= length
            month += 1
        else:
            year, month = year + 1, 1
            continue
        break
    return struct.pack(">HBBBBBBBhB", year, month, day, 255, rest // 3600, rest // 60 % 60, rest % 60,
                       255, -0x8000, 0)


def u8(x):
    return b"\x11" + struct.pack(">B", x)


def u16(x):
    return b"\x12" + struct.pack(">H", x)


def u32(x):
    return b"\x06" + struct.pack(">I", x)


def u64(x):
    return b"\x15" + struct.pack(">Q", x)


def i32(x):
    return b"\x05" + struct.pack(">i", x)


def narrow(x):
    """As small as it goes: the width of a place changes with its value."""
    return u8(x) if x < 1 << 8 else u16(x) if x < 1 << 16 else u32(x)


def boolean(x):
    return b"\x03" + bytes([x])


def text(x):
    x = x.encode() if isinstance(x, str) else x
    return b"\x09" + bytes([len(x)]) + x


def telegram(seconds, values):
    head = b"\xe6\xe7\x00\x0f\x00\x00\x00\x01"
    when = date_time(seconds) if seconds else b""
    return frame(head + bytes([len(when)]) + when + b"\x02" + bytes([len(values)]) + b"".join(values))


class House:
    """A house with a roof: what it draws and feeds in, step by step. Loads are in W."""

    def __init__(self, loads, step=5, imported=40_091_000, exported=12_345_600):
        self.now, self.step = START, step
        self.imported, self.exported = float(imported), float(exported)
        self.loads = loads

    def __iter__(self):
        for i, load in enumerate(self.loads):
            self.watts = load
            self.draws, self.feeds = max(load, 0), max(-load, 0)
            self.imported += self.draws * self.step / 3600
            self.exported += self.feeds * self.step / 3600
            self.volts = [230.4 + i % 3 / 10, 229.1 - i % 2 / 10, 232.7]
            share = abs(load) / 3
            self.amperes = [share * part / volts for part, volts in zip((0.9, 1.0, 1.1), self.volts)]
            self.drawn, self.fed = int(self.imported), int(self.exported)
            yield self
            self.now += self.step


LOADS = [412, 431, 428, 2410, 2398, 2433, 5120, 5090, 640, 655, -1240, -1263, -2230, -820, 377, 391]


def burgenland(loads=tuple(LOADS)):
    """Landis+Gyr E450: eleven values, no name of the list and none of the maker."""
    return b"".join(telegram(h.now, [u16(round(v)) for v in h.volts] +
                             [u16(round(a * 100)) for a in h.amperes] +
                             [u32(h.draws), u32(h.feeds), u32(h.drawn), u32(h.fed), text("30655933")])
                    for h in House(loads))


def slovenia(loads=tuple(LOADS)):
    """Landis+Gyr E450: the name of the meter, powers, energies; reactive power always there."""
    return b"".join(telegram(h.now, [text("LGZ1030700000017"), u32(h.draws), u32(h.feeds),
                                     u32(h.draws // 9 + 11), u32(h.feeds // 12), u32(h.drawn), u32(h.fed),
                                     u32(7_654_321 + i), u32(1_234_567 + i)])
                    for i, h in enumerate(House(loads)))


def am550(n=8, name="ISK1030700000017"):
    """Iskraemeco AM550, every quarter of an hour: energies by tariff."""
    data = b""
    for i in range(n):
        one, two = 12_810_000 + 210 * i, 8_300_400 + 95 * i
        back_one, back_two = 3_100_200 + 12 * i, 901_500 + 7 * i
        data += telegram(START + 900 * i,
                         [text(name), text(b""), boolean(1), text("0002"), u32(one + two),
                          u32(one), u32(two), u32(back_one + back_two), u32(back_one), u32(back_two),
                          u32(5_010_700 + 60 * i), u32(410_900 + 3 * i)])
    return data


def kaifa(loads=tuple(LOADS)):
    """Kaifa MA304: the name of the list, numbers, powers, milliamperes, tenths of volts."""
    return b"".join(telegram(h.now, [text("KFM_001"), text("6970631401234567"), text("MA304H3E"),
                                     u32(h.draws), u32(h.feeds), u32(h.draws // 7 + 5), u32(0)] +
                             [u32(round(a * 1000)) for a in h.amperes] +
                             [u32(round(v * 10)) for v in h.volts])
                    for h in House(loads))


def newcomer(loads=tuple(LOADS)):
    """A meter of a utility that is not known: its number, and six values."""
    return b"".join(newcomer_of(h) for h in House(loads))


def newcomer_of(h):
    return telegram(h.now, [text("70017017"), u32(h.drawn), u32(h.fed), u32(h.draws), u32(h.feeds),
                            u16(round(h.volts[0] * 10)), u8(3)])


def widths(loads=tuple(LOADS)):
    """A meter that does not exist: registers in 0.1 kWh of 64 bits, and integers as small as they go."""
    return b"".join(telegram(0, [text("QXX_V7"), b"\x09\x0c" + date_time(h.now), u64(h.drawn // 100),
                                 u64(h.fed // 100), narrow(h.draws), narrow(h.feeds)] +
                             [narrow(round(v * 10)) for v in h.volts] +
                             [narrow(round(a * 100)) for a in h.amperes] + [u8(3)])
                    for h in House(loads, step=300))


def zeros(n=6):
    """Nothing is connected yet."""
    return b"".join(telegram(START + 5 * i, [text("LGZ1030700000017")] + [u32(0)] * 8) for i in range(n))


def twins(n=6):
    """One tariff alone is used: its register is the same as the sum."""
    return b"".join(telegram(START + 900 * i, [text("LGZ1030700000017"), u32(5_000_000 + 40 * i),
                                               u32(5_000_000 + 40 * i), u32(0)]) for i in range(n))


def coded(loads=tuple(LOADS), maker="NEW"):
    """A meter whose values come with their codes, and say nothing of scale and unit; currents are not
    where voltages are."""
    def code(*groups):
        return b"\x09\x06" + bytes(groups) + b"\xff"

    data = b""
    for h in House(loads):
        values = [code(0, 0, 42, 0, 0), text(maker + "1030700000017"), code(1, 0, 1, 8, 0), u32(h.drawn // 10),
                  code(1, 0, 2, 8, 0), u32(h.fed // 10), code(1, 0, 1, 7, 0), u32(h.draws),
                  code(1, 0, 2, 7, 0), u32(h.feeds)]
        for phase in range(3):
            values += [code(1, 0, 32 + 20 * phase, 7, 0), u16(round(h.volts[phase] * 10)),
                       code(1, 0, 31 + 20 * phase, 7, 0), u16(round(h.amperes[phase] * 100))]
        data += telegram(h.now, values)
    return data
