#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a process and its children wait for, as the kernel shows it (/proc/PID/syscall): the longest
time that the process itself stood in a call other than epoll, and that a child stood in any. Runs in
the guest as root until the file STOP is there; then prints one JSON object.
usage: loop_watch.py PID STOP"""
import json
import os
import sys
import time

EPOLL = {"232", "281", "441"}  # x86-64: epoll_wait, epoll_pwait, epoll_pwait2
PAUSE = 0.005
# Where the machine stood still between two looks, the process did not wait for a device.
LOOK_MAX = 0.02


def call_of(pid):
    """The call with its arguments and place: the same line twice is the same call."""
    try:
        with open("/proc/%s/syscall" % pid, encoding="ascii") as file:
            line = file.read()
    except OSError:  # it has ended
        return None
    number = line.split()[0]
    return None if number == "running" else (number, line)


def children(pid):
    with open("/proc/%s/task/%s/children" % (pid, pid), encoding="ascii") as file:
        return file.read().split()


class Stretch:
    def __init__(self):
        self.call, self.seconds, self.longest, self.longest_call = None, 0.0, 0.0, None

    def look(self, call, passed):
        self.seconds = self.seconds + passed if call and call == self.call else 0.0
        self.call = call
        if self.seconds > self.longest:
            self.longest, self.longest_call = self.seconds, call[0]


def main():
    pid, stop = sys.argv[1:3]
    own, others, looks = Stretch(), {}, 0
    before = time.monotonic()
    while not os.path.exists(stop):
        now = time.monotonic()
        passed, before = min(now - before, LOOK_MAX), now
        call = call_of(pid)
        own.look(None if call and call[0] in EPOLL else call, passed)
        for child in children(pid):
            others.setdefault(child, Stretch()).look(call_of(child), passed)
        looks += 1
        time.sleep(PAUSE)
    print(json.dumps({"looks": looks, "held": own.longest, "call": own.longest_call,
                      "child_held": max((s.longest for s in others.values()), default=0.0)}))


if __name__ == "__main__":
    main()
