# SPDX-License-Identifier: MIT
"""Runs unittest cases and says each result as a TAP line, with the time it took."""

import time
import unittest


class TapResult(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.number, self.began = 0, 0.0

    def startTest(self, test):
        super().startTest(test)
        self.began = time.monotonic()

    def say(self, outcome, test, remark=""):
        self.number += 1
        name = getattr(test, "_testMethodName", str(test))  # of a class's set-up there is only the text
        took = time.monotonic() - self.began if self.began else 0
        print("%s %d - %s # %s%.1f s" % (outcome, self.number, name, remark, took), flush=True)

    def addSuccess(self, test):
        super().addSuccess(test)
        self.say("ok", test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.say("ok", test, "SKIP %s; " % reason)

    def explain(self, test, error):
        self.say("not ok", test)
        print("# " + self._exc_info_to_string(error, test).replace("\n", "\n# "), flush=True)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.explain(test, err)

    def addError(self, test, err):
        super().addError(test, err)
        self.explain(test, err)


def run(suite):
    result = TapResult()
    suite.run(result)
    print("1..%d" % result.number)
    return result.wasSuccessful()
