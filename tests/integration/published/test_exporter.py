# SPDX-License-Identifier: MIT
"""Prometheus reads what the broker has through prometheus-mqtt-exporter, with the configuration that
docs/prometheus.md shows. Run under umockdev-wrapper; skipped where the exporter is not installed."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from broker import free_port
from harness import Broker, plain_environment
from meter_bed import E450, METER, MeterBed
from private_bus import wait_until

EXPORTER = shutil.which("prometheus-mqtt-exporter")
PAGE = pathlib.Path(os.environ["SMARTMETERD_SOURCE"]) / "docs" / "prometheus.md"


class Exporter(unittest.TestCase):
    def test_prometheus_mqtt_exporter_has_energy_and_power_of_the_meter(self):
        port = free_port()
        text = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]
        with Broker() as broker, MeterBed(broker) as bed:
            config = pathlib.Path(bed.d.folder) / "exporter.yaml"
            config.write_text(text.replace("localhost:1883", f"127.0.0.1:{broker.port}"))
            with open(bed.d.folder / "exporter.log", "wb") as log:
                exporter = subprocess.Popen(
                    [EXPORTER, "-config", str(config), "-listen-address", "127.0.0.1",
                     "-listen-port", str(port)], env=plain_environment(),
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                def metrics():
                    try:
                        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
                            return page.read().decode()
                    except (urllib.error.URLError, ConnectionError):
                        return ""
                wait_until(metrics, "the exporter")

                def wanted():
                    bed.feed(E450)
                    found = metrics()
                    return all(re.search(rf'^{name}{{[^}}]*sensor="{METER}"[^}}]*}} [0-9.e+]+( \d+)?$',
                                         found, re.M)
                               for name in ("smartmeter_active_power_watts",
                                            "smartmeter_active_energy_import_watthours_total"))
                wait_until(wanted, "the meter's values")
            except AssertionError:
                print((bed.d.folder / "exporter.log").read_text(), metrics())
                raise
            finally:
                exporter.kill()
                exporter.wait()


if __name__ == "__main__":
    if not EXPORTER:
        print("prometheus-mqtt-exporter is not installed")
        sys.exit(77)
    unittest.main(verbosity=2)
