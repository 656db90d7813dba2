# SPDX-License-Identifier: MIT
"""JSON lines over a socket with requests that wait for their answer: QEMU's monitor, the guest's
agent and the emulator speak so."""

import json
import os
import socket
import threading
import time


# So many times longer is waited where other tests take the machine's time.
PATIENCE = float(os.environ.get("SMARTMETERD_TEST_SLOWDOWN", "1"))


class VmError(Exception):
    pass


def wait_for(what, condition, timeout, pause=0.1):
    """The first true value of condition(); VmError when there is none in time."""
    timeout *= PATIENCE
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise VmError("not within %d s: %s" % (timeout, what))
        time.sleep(pause)


def connect(path, timeout=20):
    def attempt():
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(path)
            return sock
        except OSError:
            sock.close()
            return None
    return wait_for("a connection to " + path, attempt, timeout, 0.05)


class Channel:
    def __init__(self, path):
        self.socket, self.events = connect(path), []
        self.changed, self.answers = threading.Condition(), {}
        self.number, self.dead = 0, False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        waiting = b""
        while True:
            try:
                data = self.socket.recv(65536)
            except OSError:
                data = b""
            with self.changed:
                if not data:
                    self.dead = True
                    self.changed.notify_all()
                    return
                *lines, waiting = (waiting + data).split(b"\n")
                for line in lines:
                    self.take(line)
                self.changed.notify_all()

    def take(self, line):
        try:
            message = json.loads(line)
        except ValueError:  # noise while the other side comes up
            return
        if message.get("id") is not None:
            self.answers[message["id"]] = message
        else:
            self.events.append(message)

    def request(self, message, timeout):
        with self.changed:
            self.number += 1
            number = self.number
        try:
            self.socket.sendall((json.dumps({**message, "id": number}) + "\n").encode())
        except OSError as error:
            raise VmError("connection lost: %s" % error) from error
        with self.changed:
            self.changed.wait_for(lambda: number in self.answers or self.dead, timeout * PATIENCE)
            if number not in self.answers:
                raise VmError("no answer to " + json.dumps(message)[:200])
            return self.answers.pop(number)

    def until_it_answers(self, message, timeout):
        """What is sent before the other side listens is lost: asks again and again."""
        def answered():
            try:
                return self.request(message, 1)
            except VmError:
                if self.dead:
                    raise
                return None
        return wait_for("an answer to " + json.dumps(message), answered, timeout)

    def wait_event(self, condition, what, timeout=20):
        with self.changed:
            if not self.changed.wait_for(lambda: any(map(condition, self.events)), timeout * PATIENCE):
                raise VmError("no such event: %s; last were %s" % (what, self.events[-5:]))
            return next(filter(condition, self.events))

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # gone already
        self.socket.close()
        self.thread.join()
