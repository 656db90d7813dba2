# SPDX-License-Identifier: MIT
"""A daemon with one tty, and telegrams to feed it with: plain, encrypted, and with chosen values."""

import contextlib
import os
import sqlite3
import subprocess
import sys

import private_bus as bus
from harness import SMCTL, Daemon, Link, plain_environment, telegram
from private_bus import GLib, wait_until

METER, METER_2 = "LGZ1030655933512", "LGZ1030655933599"
E450 = telegram("lgz-e450", "--meter-id", METER)

ENCRYPTED, TITLE = "ISK1030783000001", "49534befff745dc1"
KEY, AUTH_KEY = "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF"


def x25(data):
    """CRC-16/X-25, as it stands on the line."""
    crc = 0xffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x8408 if crc & 1 else 0)
    return (crc ^ 0xffff).to_bytes(2, "little")


def frame(address, information):
    """ISO 13239 type 3. `address`: both addresses and the control byte."""
    length = 2 + len(address) + 2 + len(information) + 2
    head = (0xa000 | length).to_bytes(2, "big") + address
    body = head + x25(head) + information
    return b"\x7e" + body + x25(body) + b"\x7e"


def crc16(data):
    """CRC-16/ARC, as P1 has it."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xa001 if crc & 1 else 0)
    return crc


def dsmr(**changed):
    """A P1 telegram with other values: t1="003372.700*kWh"; None leaves it out."""
    codes = {"t1": "1-0:1.8.1", "t2": "1-0:1.8.2", "tariff": "0-0:96.14.0", "clock": "0-0:1.0.0",
             "voltage": "1-0:32.7.0", "drawn": "1-0:1.7.0", "fed_in": "1-0:2.7.0"}
    lines = []
    for line in telegram("dsmr5").split(b"!")[0].decode().split("\r\n"):
        code = line.split("(")[0]
        for name, value in changed.items():
            if codes[name] == code:
                line = f"{code}({value})" if value is not None else None
                break
        if line is not None:
            lines.append(line)
    body = "\r\n".join(lines).encode() + b"!"
    return body + b"%04X\r\n" % crc16(body)


def encrypted(n=1, **options):
    """The last of n telegrams of an AM550 that encrypts: n is also what its frame counter says."""
    arguments = {"key": KEY, "auth-key": AUTH_KEY, "security": "30", **options}
    flat = [part for name, value in arguments.items() for part in ("--" + name, value)]
    one, all_of_them = (telegram("iskra-am550", *flat, "-n", str(i)) if i else b""
                        for i in (n - 1, n))
    return all_of_them[len(one):]


class MeterBed:
    """A daemon with one tty, and perhaps a broker."""

    def __init__(self, broker=None, config="", converter=""):
        self.d = Daemon()
        self.link = Link(self.d.folder / "tty")
        self.identity = "tty@" + self.link.path[1:].replace("/", "-")
        self.base = f'[converter "uart"]\nDevice={self.link.path}\n{converter}\n'
        if broker:
            self.base += (f'[mqtt "local"]\nHost=127.0.0.1\nPort={broker.port}\nInstance=box\n'
                          "Formats=native datacollector\n")
        self.configure(config)

    def configure(self, config):
        self.d.configure(self.base + config)
        os.chmod(self.d.config_path, 0o600)

    def feed(self, data):
        self.link.feed(data)

    def wait_telegrams(self, meter, n):
        wait_until(lambda: self.statistics(meter).get("telegrams", 0) >= n,
                   f"telegram {n} of {meter}; there is {self.d.meters()}\n{self.d.log}")

    def statistics(self, meter):
        return self.d.meters().get(meter, {}).get("Statistics", {})

    def reading(self, meter, name):
        return self.d.client.call(bus.meter_path(meter), bus.METER, "GetReadings",
                                  GLib.Variant("(as)", ([name],)))[0][name]

    def tariff(self, meter):
        return self.d.client.get_all(bus.meter_path(meter), bus.TARIFF)

    def smctl(self, *words):
        return subprocess.run([SMCTL, "--address", self.d.bus.address, *words], check=True,
                              timeout=bus.SECONDS, stdout=subprocess.PIPE, text=True,
                              env=plain_environment()).stdout

    def set_key(self, meter, *keys):
        subprocess.run([SMCTL, "--address", self.d.bus.address, "set-key", meter], check=True,
                       input="\n".join(keys).encode() + b"\n", timeout=bus.SECONDS,
                       stdout=subprocess.DEVNULL, env=plain_environment())

    def stored_keys(self):
        """Whose keys are in the state, by name."""
        with contextlib.closing(sqlite3.connect(self.d.state / "state.db")) as db:
            return [row[0] for row in db.execute("SELECT meter FROM keys ORDER BY meter")]

    def __enter__(self):
        self.link.plug()
        self.d.__enter__()
        try:
            self.d.wait_state(self.identity, "detecting")
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *exception):
        self.link.unplug()
        self.d.__exit__(*exception)
