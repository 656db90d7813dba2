#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The guest's end of the control channel: one JSON object a line on the virtio port "testvm.agent".

{"id": 1, "run": "shell text", "timeout": 60}           -> {"id": 1, "rc": 0, "out": base64, "err": base64}
{"id": 2, "write": "/path", "data": base64, "mode": 420, "append": false}         -> {"id": 2, "rc": 0}
{"id": 3, "read": "/path"}                                               -> {"id": 3, "rc": 0, "out": base64}

Each request has a thread, so one that waits holds up no other. rc 124: out of time.
"""
import base64
import glob
import json
import os
import signal
import subprocess
import sys
import threading
import time

PORT = "testvm.agent"


def port_device(limit=60):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        for name in glob.glob("/sys/class/virtio-ports/*/name"):
            with open(name, encoding="ascii") as file:
                device = "/dev/" + name.split("/")[-2]
                if file.read().strip() == PORT and os.path.exists(device):
                    return device
        time.sleep(0.05)
    sys.exit("agent: there is no port " + PORT)


class Agent:
    def __init__(self):
        self.fd = os.open(port_device(), os.O_RDWR | os.O_CLOEXEC)
        self.lock = threading.Lock()

    def say(self, answer):
        data = (json.dumps(answer) + "\n").encode()
        with self.lock:
            while data:
                try:
                    data = data[os.write(self.fd, data):]
                except OSError:  # no listener any more
                    return

    def handle(self, line):
        try:
            request = json.loads(line)
        except ValueError:
            return
        try:
            if "run" in request:
                answer = run(request)
            elif "write" in request:
                answer = write(request)
            else:
                answer = read(request)
        except (OSError, ValueError, KeyError) as error:
            answer = {"error": str(error)}
        answer["id"] = request.get("id")
        self.say(answer)

    def serve(self):
        waiting = b""
        while True:
            data = os.read(self.fd, 65536)
            if not data:  # the host is not connected
                time.sleep(0.05)
                continue
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                threading.Thread(target=self.handle, args=(line,), daemon=True).start()


def run(request):
    process = subprocess.Popen(["/bin/bash", "-c", request["run"]], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, cwd="/root")
    try:
        out, err = process.communicate(timeout=request.get("timeout", 60))
        code = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        code = 124
    return {"rc": code, "out": base64.b64encode(out).decode(), "err": base64.b64encode(err).decode()}


def write(request):
    path = request["write"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "ab" if request.get("append") else "wb") as file:
        file.write(base64.b64decode(request["data"]))
    os.chmod(path, request.get("mode", 0o644))
    return {"rc": 0}


def read(request):
    with open(request["read"], "rb") as file:
        return {"rc": 0, "out": base64.b64encode(file.read()).decode()}


Agent().serve()
