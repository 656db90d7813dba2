# SPDX-License-Identifier: MIT
"""A day's work, and more, in an hour: TELEGRAMS telegrams (a million) of two meters, with replugs,
restarts of the broker and a converter that never answers all along. Nothing may be lost, and nothing
may grow. Run by name: meson test -C build --benchmark soak; or, with figures while it runs,
tests/soak/soak.py TELEGRAMS under umockdev-wrapper as meson does."""

import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "integration"))
from harness import Broker, Daemon, Link, plain_environment, telegram
from private_bus import wait_until

OUTPUT = "/org/smartmeterd/output/soak"
METERS = ["LGZ1030655933512", "LGZ1030655933599"]
TELEGRAMS = [telegram("lgz-e450", "--meter-id", m) for m in METERS]
# Telegrams between two looks at what has arrived: what comes faster than the broker takes it fills the ring
# in memory, and instantaneous values leave it first. No meter is that fast.
BATCH = 40
REPLUG_EVERY = 5000
BROKER_EVERY = 20000
WARM_UP = 0.2  # of all: what is learned until then is not growth


class Subscriber:
    """Counts what arrives: which numbers of which meter. Its session outlives the broker's restarts."""

    def __init__(self, port):
        self.seen = {m: set() for m in METERS}
        self.twice = 0
        self.process = subprocess.Popen(
            ["mosquitto_sub", "-p", str(port), "-q", "1", "-c", "-i", "soak", "-t",
             "smartmeterd/+/meter/+/telegram"], stdout=subprocess.PIPE, env=plain_environment())
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            message = json.loads(line)
            seen = self.seen[message["meter"]]
            self.twice += message["seq"] in seen
            seen.add(message["seq"])

    def count(self):
        return sum(map(len, self.seen.values()))


def figures(d):
    return {"rss_kib": d.rss_kib(), "descriptors": d.n_fds(),
            "disk_kib": sum(f.stat().st_size for f in d.state.iterdir() if f.is_file()) // 1024}


def run(d, broker, total):
    links = [Link(d.folder / f"tty{i}").plug() for i in range(2)]
    names = [f"tty@{str(link.path)[1:].replace('/', '-')}" for link in links]
    subscriber = Subscriber(broker.port)
    waits = lambda: sum(d.client.get(OUTPUT, "org.smartmeterd.Output1", n)
                        for n in ("Queued", "Spooled"))
    sent, first, began = [0, 0], None, time.monotonic()
    # a meter needs two telegrams to be known; these are not counted
    for link, name, data, meter in zip(links, names, TELEGRAMS, METERS):
        d.wait_state(name, "detecting")
        wait_until(lambda: link.feed(data) or meter in d.meters(), meter)
    connected = lambda: d.client.get(OUTPUT, "org.smartmeterd.Output1", "Connected")
    wait_until(connected, "the broker")
    received = lambda: [d.converter(n, "Statistics")["telegrams"] for n in names]
    wait_until(lambda: waits() == 0 and subscriber.count() > 0, "the first messages")
    start, known = received(), subscriber.count()
    while sum(sent) < total:
        for i in range(BATCH):
            links[i % 2].feed(TELEGRAMS[i % 2])
            sent[i % 2] += 1
        # of what was sent nothing is left in the ports
        wait_until(lambda: all(r - s >= n for r, s, n in zip(received(), start, sent)),
                   f"{sent} telegrams; {received()} from {start}\n{d.log[-2000:]}")
        done = sum(sent)
        if done // BROKER_EVERY > (done - BATCH) // BROKER_EVERY:
            broker.stop()
            links[0].feed(TELEGRAMS[0])
            sent[0] += 1
            broker.start()
        if done // REPLUG_EVERY > (done - BATCH) // REPLUG_EVERY:
            links[1].unplug()
            d.wait_state(names[1], "waiting")
            links[1].plug()
            d.wait_state(names[1], "detecting")
        # not by what waits, which the service says a few times a second
        wait_until(lambda: subscriber.count() - known >= sum(sent) - 5 * BATCH,
                   f"the subscriber to have most of {sum(sent)}; {subscriber.count() - known} came")
        if first is None and done >= WARM_UP * total:
            wait_until(lambda: connected() and waits() == 0, "a moment with nothing on its way")
            first = figures(d)
            print("at", done, first, f"{done / (time.monotonic() - began):.0f} telegrams/s", flush=True)
    wait_until(lambda: waits() == 0, "all to be sent")
    wanted = sum(r - s for r, s in zip(received(), start))
    wait_until(lambda: subscriber.count() - known >= wanted,
               f"{wanted} messages; {subscriber.count() - known} came")
    last = figures(d)
    print("at", sum(sent), last, f"{sum(sent) / (time.monotonic() - began):.0f} telegrams/s")
    dead = d.converters()
    subscriber.process.terminate()
    for numbers in subscriber.seen.values():  # counted without a gap
        assert numbers and len(numbers) == max(numbers) - min(numbers) + 1, "numbers are missing"
    print("sent", sum(sent), "read", wanted, "at the subscriber", subscriber.count() - known, "twice",
          subscriber.twice, "replugs", sum(sent) // REPLUG_EVERY, "broker restarts",
          sum(sent) // BROKER_EVERY)
    assert wanted == sum(sent), f"{sum(sent)} were sent, {wanted} read"
    assert [s for n, s in dead.items() if n.startswith("tcp@")] == ["waiting"], dead
    assert last["rss_kib"] <= first["rss_kib"] * 1.05 + 256, "memory grows"
    assert last["descriptors"] <= first["descriptors"], "descriptors are left open"


def main():
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder, socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(0)
        others = []  # its queue is full: who connects waits for an answer that never comes
        for _ in range(2):
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(mute.getsockname())
            others.append(s)
        # The broker is to keep all for a subscriber that is slower to come back than the service.
        with Broker("max_inflight_messages 0\nmax_queued_messages 0\npersistent_client_expiration 1d"
                    ) as broker:
            conf = pathlib.Path(broker.folder) / "conf"
            conf.write_text(conf.read_text().replace("persistence false", "persistence true\n"
                                                     f"persistence_location {broker.folder}/"))
            broker.stop()
            broker.start()
            daemon = Daemon()
            daemon.configure("".join(f'[converter "c{i}"]\nDevice={daemon.folder}/tty{i}\n'
                                     for i in range(2)) +
                             f'[converter "dead"]\nDevice=tcp://127.0.0.1:{mute.getsockname()[1]}\n'
                             f'[mqtt "soak"]\nHost=127.0.0.1\nPort={broker.port}\nFormats=native\n')
            with daemon as d:
                run(d, broker, total // (2 * BATCH) * (2 * BATCH))
        for s in others:
            s.close()


if __name__ == "__main__":
    main()
