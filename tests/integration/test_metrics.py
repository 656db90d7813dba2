# SPDX-License-Identifier: MIT
"""What Prometheus reads: the file of [metrics], smctl metrics, and one request by HTTP.
Run under umockdev-wrapper."""

import json
import os
import pathlib
import re
import shutil
import socket
import stat
import subprocess
import tempfile
import unittest

from harness import SMCTL, Broker
from meter_bed import E450, METER, MeterBed, dsmr
from private_bus import wait_until

DSMR = "E00440056789000001"
SAMPLE = re.compile(r'^(\w+)(\{.*\})? (\S+)$')


def samples(text):
    return {m[1] + (m[2] or ""): m[3] for m in map(SAMPLE.match, text.splitlines()) if m}


def comparable(text):
    """Without what moves from one moment to the next, and counters of the outputs themselves."""
    return {key: value for key, value in samples(text).items()
            if not key.startswith(("smartmeter_output_", "smartmeter_converter_"))}


class Metrics(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "metrics.prom"

    def bed(self, broker=None):
        return MeterBed(broker, config=f"[metrics]\nFile={self.file}\n[meter \"{METER}\"]\nName=Haus \\\"1\n")

    def smctl(self, bed, *arguments, **options):
        return subprocess.run([SMCTL, *arguments], env=bed.d.bus.env, capture_output=True, text=True,
                              timeout=30, check=True, **options).stdout

    def wait_for(self, text):
        wait_until(lambda: self.file.exists() and text in self.file.read_text(), text, 30)
        return self.file.read_text()

    def test_file_holds_readings_and_states_and_goes_with_the_service(self):
        with Broker() as broker, self.bed(broker) as bed:
            bed.feed(E450)
            text = self.wait_for("smartmeter_active_energy_import_watthours_total")
            self.assertTrue(stat.S_IMODE(self.file.stat().st_mode) & stat.S_IROTH)
            self.assertIn('name="Haus \\\\\\"1"', text)
            self.assertIn('smartmeter_meter_online{', text)
            self.assertIn('state="receiving"', text)
            self.assertIn('smartmeter_output_connected{output="', text)
            bed.d.stop()
            self.assertFalse(self.file.exists())
            self.assertEqual(os.listdir(self.file.parent), [])
            bed.d.start()

    def test_voltage_that_is_no_longer_sent_goes_and_a_counter_stays(self):
        """The meter is online all the while: what it sends has become less."""
        def has_voltage(text):
            return any(key.startswith("smartmeter_voltage_volts{") and 'phase="L1"' in key for key in samples(text))

        with self.bed() as bed:
            for n in (1, 2):  # one after the other: a value that was seen once may be a day old
                bed.feed(dsmr())
                bed.wait_telegrams(DSMR, n)
            wait_until(lambda: self.file.exists() and has_voltage(self.file.read_text()), "the voltage", 30)

            def is_gone():
                bed.feed(dsmr(voltage=None))
                return not has_voltage(self.file.read_text())
            wait_until(is_gone, "the file without the voltage", 120)
            self.assertIn("smartmeter_active_energy_import_watthours_total{", self.file.read_text())
            self.assertFalse(has_voltage(self.smctl(bed, "metrics")))

    @unittest.skipUnless(shutil.which("promtool"), "promtool is not installed")
    def test_promtool_has_nothing_to_say(self):
        with self.bed() as bed:
            bed.feed(E450)
            bed.feed(dsmr())
            text = self.wait_for("smartmeter_active_energy_import_watthours_total")
            for name, one in (("file", text), ("smctl", self.smctl(bed, "metrics"))):
                run = subprocess.run(["promtool", "check", "metrics"], input=one, text=True,
                                     capture_output=True, timeout=60, check=False)
                self.assertEqual((run.returncode, run.stdout + run.stderr), (0, ""), name)

    def test_smctl_prints_the_same(self):
        with self.bed() as bed:
            bed.feed(E450)
            text = self.wait_for("smartmeter_active_energy_import_watthours_total")
            printed = self.smctl(bed, "metrics")
            self.assertEqual(comparable(printed), comparable(text))
            self.assertEqual(comparable(json.loads(self.smctl(bed, "metrics", "--json"))["text"]),
                             comparable(text))

    def request(self, bed, request):
        """As systemd does with Accept=yes: the connection is standard input and output."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            process = subprocess.Popen([SMCTL, "metrics", "--http"], env=bed.d.bus.env, stdin=theirs,
                                       stdout=theirs, stderr=subprocess.DEVNULL)
            theirs.close()
            for part in request:
                ours.sendall(part)
            answer = b""
            while part := ours.recv(65536):
                answer += part
            self.assertEqual(process.wait(timeout=30), 0)
        head, body = answer.decode().split("\r\n\r\n", 1)
        return head.split("\r\n"), body

    def test_http_answers_one_request(self):
        with self.bed() as bed:
            bed.feed(E450)
            text = self.wait_for("smartmeter_active_energy_import_watthours_total")
            head, body = self.request(bed, [b"GET /met", b"rics?x=1 HTTP/1.1\r\nHost: a\r\n", b"\r\n"])
            self.assertEqual(head[0], "HTTP/1.1 200 OK")
            self.assertIn("Content-Type: text/plain; version=0.0.4; charset=utf-8", head)
            self.assertIn(f"Content-Length: {len(body.encode())}", head)
            self.assertEqual(comparable(body), comparable(text))
            for request, status in ((b"HEAD / HTTP/1.0\r\n\r\n", "200 OK"),
                                    (b"GET /other HTTP/1.1\r\n\r\n", "404 Not Found"),
                                    (b"POST /metrics HTTP/1.1\r\n\r\n", "405 Method Not Allowed"),
                                    (b"x" * 9000, "400 Bad Request")):
                self.assertEqual(self.request(bed, [request])[0][0], "HTTP/1.1 " + status)

    def test_folder_that_is_not_there_is_said(self):
        self.file = self.file.parent / "nowhere" / "metrics.prom"
        with self.bed() as bed:
            bed.feed(E450)
            fault = re.compile('^smartmeter_output_failing{output="metrics".*} 1$', re.M)
            wait_until(lambda: fault.search(self.smctl(bed, "metrics")), "the fault", 30)
            self.file.parent.mkdir()
            bed.feed(E450)
            self.wait_for("smartmeter_meter_online{")


if __name__ == "__main__":
    unittest.main()
