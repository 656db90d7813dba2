# SPDX-License-Identifier: MIT
"""The whole service on a bus of its own, with lines to send anything down, and what it has open,
uses and remembers: what every attack starts from."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "integration"))

import private_bus as bus  # noqa: E402
from harness import SMCTL, Daemon, Link, plain_environment  # noqa: E402
from meter_bed import crc16  # noqa: E402
from private_bus import wait_until  # noqa: E402


def p1(meter, wh, watts=100, more=(), clock=None, ident="/ISK5\\2M550T-1011"):
    """A DSMR telegram of a meter that calls itself so (bytes), whose counter stands at `wh`."""
    time_stamp = time.strftime("%y%m%d%H%M%SW", time.gmtime(clock if clock else time.time() + 3600))
    lines = [ident, "", "1-3:0.2.8(50)", f"0-0:1.0.0({time_stamp})",
             f"0-0:96.1.1({meter.hex().upper()})", f"1-0:1.8.0({wh / 1000:010.3f}*kWh)",
             f"1-0:1.7.0({watts / 1000:06.3f}*kW)", *more]
    body = "\r\n".join(lines).encode() + b"\r\n!"
    return body + b"%04X\r\n" % crc16(body)


def mqtt(name, port, *lines, formats="native", host="127.0.0.1", instance="box"):
    return "\n".join([f'[mqtt "{name}"]', f"Host={host}", f"Port={port}", f"Instance={instance}",
                      f"Formats={formats}", *lines]) + "\n"


class Service(Daemon):
    """`lines` ttys, named a, b, … in the configuration; `more` is the rest of it."""

    def __init__(self, more="", lines=1, line="115200 8N1", **options):
        super().__init__(**options)
        self.ttys = [Link(self.folder / f"tty{i}") for i in range(lines)]
        self.base = "".join(f'[converter "{"abcdef"[i]}"]\nDevice={tty.path}\nLine={line}\n'
                            for i, tty in enumerate(self.ttys))
        # A telegram each 20 ms is no house: its energy would be doubted.
        self.base += '[meter "SEQ1"]\nMaxPower=1000MW\n'
        self.write(more)

    def write(self, more, base=None):
        text = (self.base if base is None else base) + more if isinstance(more, str) else more
        # At once: a reload must not see half of it, in which sections are missing.
        half = self.folder / "half.conf"
        half.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.chmod(half, 0o600)
        half.rename(self.config_path)

    def __enter__(self):
        for tty in self.ttys:
            tty.plug()
        super().__enter__()
        for i in range(len(self.ttys)):
            self.wait_state(self.identity(i), "detecting")
        return self

    def start(self):
        super().start()
        # As systemd would: notifications are taken, or the service waits for it.
        threading.Thread(target=self._hear, args=(self.notify.dup(),), daemon=True).start()
        return self

    def _hear(self, told):
        told.settimeout(None)
        with told:
            while self.process:
                try:
                    told.recv(4096)
                except OSError:
                    return

    def __exit__(self, *exception):
        for tty in self.ttys:
            if tty.master >= 0:
                tty.unplug()
        super().__exit__(*exception)

    def identity(self, line=0):
        return "tty@" + self.ttys[line].path[1:].replace("/", "-")

    def feed(self, data, line=0):
        self.ttys[line].feed(data)

    def telegrams(self, meter):
        return self.meters().get(meter, {}).get("Statistics", {}).get("telegrams", 0)

    def wait_telegrams(self, meter, n=1):
        wait_until(lambda: self.telegrams(meter) >= n,
                   f"telegram {n} of {meter}; there is {list(self.meters())}\n{self.log}")

    def smctl(self, *words, code=0, **options):
        """Its standard output; it must end with `code`."""
        done = subprocess.run([SMCTL, "--address", self.bus.address, *words],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=bus.SECONDS, env=plain_environment(), **options)
        if code is not None and done.returncode != code:
            raise AssertionError(f"smctl {words}: {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def output(self, name):
        """What the bus says of this output."""
        return self.client.get_all(bus.output_path(name), bus.OUTPUT)

    def wait_output(self, name, condition, what):
        wait_until(lambda: condition(self.output(name)),
                   f"{what}; it is {self.output(name)}\n{self.log}")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self):
        """As the kernel would."""
        self.client.close()
        self.client = None
        self.process.kill()
        self.process.wait()
        self.notify.close()
        self.process = None

    def memory(self):
        """All of it that can be written, as gcore would show it."""
        pieces = []
        with open(f"/proc/{self.pid}/maps") as maps, open(f"/proc/{self.pid}/mem", "rb", 0) as mem:
            for area in maps:
                span, rights = area.split()[:2]
                if not rights.startswith("rw"):
                    continue
                start, end = (int(n, 16) for n in span.split("-"))
                try:
                    mem.seek(start)
                    pieces.append(mem.read(end - start))
                except OSError:
                    pass  # a page that is there in name only
        return b"\0".join(pieces)


def temporary(prefix):
    return pathlib.Path(tempfile.mkdtemp(prefix=prefix))


__all__ = ["SMCTL", "Service", "bus", "json", "mqtt", "p1", "plain_environment", "temporary",
           "wait_until"]
