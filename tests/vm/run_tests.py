#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""All tests of this folder, as TAP. usage: run_tests.py CACHE DEB NEWER-DEB [WORD IN A TEST'S NAME]"""

import sys
import unittest

import tap
import test_asked
import test_converters
import test_dead_control
import test_installed
import test_quickstart
import test_uart
from service import INSTALL
from vm import Machine


def cases(module, word):
    for suite in unittest.defaultTestLoader.loadTestsFromModule(module):
        for test in suite:
            if word in test.id():
                yield test


def main():
    cache, deb, newer = sys.argv[1:4]
    word = sys.argv[4] if len(sys.argv) > 4 else ""
    modules = (test_uart, test_converters, test_asked, test_dead_control, test_installed, test_quickstart)
    tests = [test for module in modules for test in cases(module, word)]
    with Machine(cache) as vm:
        print("# %s, booted; now the package" % vm.accel, flush=True)
        vm.put(deb, "/root/new.deb")
        vm.put(newer, "/root/newer.deb")
        vm.check("systemctl start mosquitto && " + INSTALL % ("", "new"), 300)
        for test in tests:
            type(test).vm, type(test).deb = vm, deb
        good = tap.run(unittest.TestSuite(tests))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
