#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Between the hourly commits nothing is written: strace sees each write of the service. Run under
umockdev-wrapper."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from meter_bed import METER, MeterBed, dsmr
from private_bus import wait_until

WRITES = ("write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,sync_file_range,fallocate,ftruncate,"
          "rename,renameat,renameat2,unlink,unlinkat")
STRACE = ["strace", "-D", "-f", "--seccomp-bpf", "-y", "-qq", "-s", "0", "-e", f"trace={WRITES}", "-o"]
TELEGRAMS = 100


def strace_works():
    if not shutil.which("strace"):
        return "strace is missing"
    with tempfile.NamedTemporaryFile() as trace:
        done = subprocess.run([*STRACE, trace.name, "true"], stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
    return done.stderr.strip() if done.returncode else ""


class TestHistoryDisk(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="smd-trace.")
        self.addCleanup(shutil.rmtree, self.folder)
        self.trace = pathlib.Path(self.folder) / "trace"
        self.bed = MeterBed(config=f'[meter "{METER}"]\nMaxPower=900000kW\n')
        self.bed.d.wrapper = [*STRACE, str(self.trace)]
        # The leak sanitizer cannot look while another traces.
        options = [os.environ.get("ASAN_OPTIONS", ""), "detect_leaks=0"]
        self.bed.d.environment = {"ASAN_OPTIONS": ":".join(filter(None, options))}

    def writes(self, name=""):
        """What was written to files of the state whose name begins so, or was done to them."""
        return [line for line in self.trace.read_text(errors="replace").splitlines()
                if f"{self.bed.d.state}/{name}" in line]

    def telegrams(self):
        return max((m["Statistics"].get("telegrams", 0) for m in self.bed.d.meters().values()), default=0)

    def feed(self, watt_hours):
        before = self.telegrams()
        self.bed.feed(dsmr(t1=f"{watt_hours / 1000:010.3f}*kWh", t2="000000.000*kWh"))
        wait_until(lambda: self.telegrams() > before, f"a telegram\n{self.bed.d.log}")

    def meter(self):
        return next(name for name, m in self.bed.d.meters().items() if m["Medium"] == "electricity")

    def feed_many(self):
        for _ in range(TELEGRAMS):
            self.counter += 1
            self.feed(self.counter)

    def is_quiet(self):
        """What is learned of a new meter is written at once, and then there is nothing to learn."""
        before = len(self.writes())
        self.feed_many()
        return len(self.writes()) == before

    def test_a_hundred_telegrams_write_nothing_and_an_orderly_stop_does(self):
        self.counter = 1000000
        with self.bed as bed:
            self.feed(self.counter)
            # The file was made by the thread that answers this.
            bed.smctl("history", self.meter())
            made = self.writes("history.db")
            self.assertTrue(made, "strace saw no write at all")
            wait_until(self.is_quiet, f"{TELEGRAMS} telegrams without a write\n" + "\n".join(self.writes()))
            # A counter that fell is an exchange: that it is known is kept, and waits.
            self.counter = 1000
            self.feed_many()
            bed.smctl("history", self.meter())
            self.assertEqual(self.writes("history.db"), made)
            self.assertEqual(bed.d.stop(), 0)
            wait_until(lambda: len(self.writes("history.db")) > len(made), "the commit of the stop")


if __name__ == "__main__":
    reason = strace_works()
    if reason:
        print(f"strace cannot trace here: {reason}")
        sys.exit(77)
    unittest.main()
