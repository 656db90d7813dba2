# SPDX-License-Identifier: MIT
"""The clients of docs/examples, as they stand, on a private bus."""

import os
import select
import subprocess
import time
import unittest

from private_bus import BUILD, SECONDS, SOURCE, Driver, PrivateBus

EXAMPLES = SOURCE / "docs/examples"


class TestExamples(unittest.TestCase):
    readers = None

    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.stop)
        self.driver = Driver(self.bus, self.readers)
        self.addCleanup(lambda: self.assertEqual(self.driver.stop(), 0))
        for command in ("meter-add LGZ1", "meter-add GAS1 LGZ1 gas", "meter-add LGZ2", "name", "telegram LGZ1 1.7.0=1234"):
            self.driver.do(command)

    def start(self, command):
        process = subprocess.Popen(command, env=self.bus.env, stdout=subprocess.PIPE)

        def end():
            process.kill()
            process.wait()
            process.stdout.close()
        self.addCleanup(end)
        self.buffer = b""
        return process

    def wait_line(self, process, line):
        deadline = time.monotonic() + SECONDS
        while line not in self.buffer.decode().splitlines():
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
                self.fail(f"timed out waiting for '{line}' in {self.buffer}")
            data = os.read(process.stdout.fileno(), 4096)
            self.assertTrue(data, f"it ended after {self.buffer}")
            self.buffer += data

    def test_shell_prints_the_power_of_each_meter(self):
        done = subprocess.run([EXAMPLES / "power.sh"], env=self.bus.env, stdout=subprocess.PIPE,
                              text=True, check=True, timeout=SECONDS)
        self.assertEqual(done.stdout.splitlines(), ["LGZ1 1234", "LGZ2 nan"])

    def test_python_prints_what_there_is_and_then_each_telegram(self):
        process = self.start([EXAMPLES / "power.py"])
        self.wait_line(process, "House: 1234 W")
        self.driver.do("telegram LGZ1 1.7.0=1300 32.7.0=230.1")
        self.wait_line(process, "LGZ1 #2 active_power_import 1300 W")
        self.wait_line(process, "LGZ1 #2 voltage_l1 230.1 V")

    def test_c_prints_what_there_is_and_then_each_change(self):
        process = self.start([BUILD / "tests/integration/example-power"])
        self.wait_line(process, "LGZ1 1234 W")
        self.driver.do("telegram LGZ1 1.7.0=1300")
        self.wait_line(process, "LGZ1 1300 W")


class TestExamplesOfReaders(TestExamples):
    """The same where Readers= limits reading: signals come unicast."""
    readers = "games"


if __name__ == "__main__":
    unittest.main()
