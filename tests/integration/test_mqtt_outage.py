# SPDX-License-Identifier: MIT
"""Nothing is lost: the broker away, the process killed, connections cut, disks that refuse."""
import contextlib
import glob
import json
import os
import signal
import unittest

from broker import (Broker, Driver, Folder, Proxy, Subscriber, config, make_authority,
                    make_certificate, until)

TELEGRAM = "smartmeterd/box/meter/LGZ1/telegram"
ENERGY = "smartmeterd/box/meter/LGZ1/active_energy_import"
DATACOLLECTOR = "smartmeter/LGZ1/ACTIVE_ENERGY_P"
START = 1700000000


def once(values):
    """Without the repetitions of at-least-once delivery: what a cut connection left unanswered."""
    seen = []
    for value in values:
        if value not in seen[-64:]:
            seen.append(value)
    return seen


def energies(subscriber):
    """(energy, received) of each telegram, once."""
    def of(payload):
        t = json.loads(payload)
        wh = [r["value"] for r in t["readings"] if r["obis"] == "1-0:1.8.0"][0]
        return wh, t["received"]
    return once(map(of, subscriber.payloads(TELEGRAM)))


def wanted(n, first=0):
    import datetime
    out = []
    for i in range(first, first + n):
        at = datetime.datetime.fromtimestamp(START + i, datetime.timezone.utc)
        out.append((1000 + i, at.strftime("%Y-%m-%dT%H:%M:%S.000+00:00")))
    return out


@contextlib.contextmanager
def back(broker, driver, *args):
    """The broker is back, and its subscriber is there before the sink can be: what is not retained
    reaches only those who listen already."""
    driver.process.send_signal(signal.SIGSTOP)
    try:
        broker.start()
        sub = Subscriber(broker, *args)
    finally:
        driver.process.send_signal(signal.SIGCONT)
    try:
        with sub:
            yield sub
    finally:
        broker.kill()


class Outage(unittest.TestCase):
    def test_sink_that_never_reached_its_broker_writes_nothing_with_spool_reached(self):
        with Folder() as folder:
            broker = Broker(folder)  # has a port, does not run yet
            conf = config(broker.port, "Spool=reached", formats="native")
            with Driver(folder, conf) as driver:
                state = driver.state
                driver.send("burst LGZ1 50 %d 1000" % START)
                driver.status(lambda s: s["queued"] >= 50, "50 telegrams in memory")
                self.assertEqual(glob.glob(state + "/mqtt-*"), [])
                with back(broker, driver) as sub:
                    driver.send("reconnect")
                    driver.connected()
                    sub.wait(lambda got: len(sub.payloads(TELEGRAM)) >= 50, "what was in memory")
                    self.assertEqual(energies(sub), wanted(50))
                driver.send("burst LGZ1 50 %d 1050" % (START + 50))
                driver.status(lambda s: s["spooled"] >= 50 and s["queued"] == 0, "the spool")
                driver.kill()
            with Driver(folder, conf, state) as driver:
                driver.send("burst LGZ1 50 %d 1100" % (START + 100))
                driver.status(lambda s: s["spooled"] >= 100 and s["queued"] == 0,
                              "the spool of a broker that was reached before the restart")

    def test_sink_delivers_everything_in_order_after_broker_was_away_and_process_killed(self):
        with Folder() as folder:
            broker = Broker(folder)  # has a port, does not run yet
            conf = config(broker.port, formats="native datacollector")
            with Driver(folder, conf) as driver:
                state = driver.state
                driver.send("burst LGZ1 500 %d 1000" % START)
                driver.status(lambda s: s["spooled"] >= 500 * 5 and s["queued"] == 0,
                              "500 telegrams in the spool")
                driver.kill()
            with Driver(folder, conf, state) as driver:
                driver.send("burst LGZ1 500 %d 1500" % (START + 500))
                driver.status(lambda s: s["spooled"] >= 1000 * 5 and s["queued"] == 0,
                              "1000 telegrams in the spool")
                with back(broker, driver) as sub:
                    driver.send("reconnect")
                    driver.connected()
                    driver.status(lambda s: s["spooled"] == 0 and s["queued"] == 0,
                                  "an empty spool")
                    sub.wait(lambda got: len(sub.payloads(TELEGRAM)) >= 1000, "all telegrams")
                    self.assertEqual(energies(sub), wanted(1000))
                    self.assertEqual(once(sub.payloads(DATACOLLECTOR)),
                                     ['{"value": %d.0, "timestamp": %d, "obis": "1.8.0"}'
                                      % (1000 + i, START + i) for i in range(1000)])
                    self.assertEqual(once(sub.payloads(ENERGY)), [str(1000 + i) for i in range(1000)])
                    self.assertEqual(glob.glob(state + "/*"), [])
                    self.assertEqual(driver.stop(), 0)

    def test_sink_delivers_everything_when_killed_while_the_spool_is_sent(self):
        with Folder() as folder:
            broker = Broker(folder)
            conf = config(broker.port)
            with Driver(folder, conf) as driver:
                state = driver.state
                driver.send("burst LGZ1 1000 %d 1000" % START)
                driver.status(lambda s: s["spooled"] >= 1000 * 2 and s["queued"] == 0,
                              "1000 telegrams in the spool, each with its energy")
                driver.kill()
            with broker, Subscriber(broker) as sub:
                with Driver(folder, conf, state) as driver:
                    sub.wait(lambda got: len(got) > 100, "a part of it")
                    driver.kill()
                with Driver(folder, conf, state) as driver:
                    driver.connected()
                    driver.status(lambda s: s["spooled"] == 0 and s["queued"] == 0,
                                  "an empty spool")
                    sub.wait(lambda got: wanted(1000)[-1] in energies(sub)[-1:], "the last one")
                # What the broker had in the last moment before the kill comes twice, and how much
                # that is depends on its speed; the second life goes on from there without a gap,
                # and neither is out of order.
                got = [json.loads(p)["readings"][1]["value"] for p in sub.payloads(TELEGRAM)]
                breaks = [i for i in range(1, len(got)) if got[i] != got[i - 1] + 1]
                self.assertLessEqual(len(breaks), 1)
                self.assertEqual((got[0], got[-1]), (1000, 1999))
                for i in breaks:
                    self.assertLess(got[i], got[i - 1])

    def test_sink_over_tls_delivers_everything_while_the_broker_comes_and_goes(self):
        with Folder() as folder:
            make_authority(folder, "ca")
            make_certificate(folder, "ca", "server", "IP:127.0.0.1")
            ca = os.path.join(folder, "ca.crt")
            broker = Broker(folder, certificate=os.path.join(folder, "server"))
            with Driver(folder, config(broker.port, "Tls=yes", "CaFile=" + ca)) as driver:
                for first in (0, 200, 400):
                    driver.send("burst LGZ1 100 %d %d" % (START + first, 1000 + first))
                    driver.status(lambda s: s["spooled"] >= 100 * 2, "that they wait")
                    with back(broker, driver, "--cafile", ca) as sub:
                        driver.send("reconnect")
                        driver.connected()
                        driver.send("burst LGZ1 100 %d %d" % (START + first + 100,
                                                              1100 + first))
                        driver.send("reconnect")
                        last = wanted(1, first + 199)
                        sub.wait(lambda got: energies(sub)[-1:] == last, "the last one")
                        # What was in flight at the second "reconnect" comes twice.
                        self.assertEqual(sorted(set(energies(sub))), wanted(200, first))
                    driver.status(lambda s: not s["connected"], "that the broker is gone")
                self.assertEqual(driver.stop(), 0)

    def test_sink_sends_again_what_a_cut_connection_swallowed(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Proxy(broker.port) as proxy, Driver(folder, config(proxy.port)) as driver:
            driver.connected()
            proxy.pass_bytes = 20000  # some dozen messages, the last one in part
            driver.send("burst LGZ1 300 %d 1000" % START)
            sub.wait(lambda got: wanted(300)[-1] in energies(sub)[-1:], "the last telegram")
            self.assertEqual([e for e in energies(sub)], wanted(300))
            self.assertGreater(proxy.accepted, 1)

    def test_sink_keeps_order_when_the_broker_restarts(self):
        with Folder() as folder:
            broker = Broker(folder)
            with Driver(folder, config(broker.port)) as driver:
                broker.start()
                driver.send("reconnect")
                driver.connected()
                broker.kill()
                driver.send("burst LGZ1 50 %d 1000" % START)
                driver.status(lambda s: not s["connected"] and s["spooled"] >= 50, "spooled")
                with back(broker, driver) as sub:
                    sub.wait(lambda got: len(sub.payloads(TELEGRAM)) >= 50, "all telegrams")
                    self.assertEqual(energies(sub), wanted(50))

    def test_sink_keeps_on_stopping_what_it_could_not_send(self):
        with Folder() as folder:
            broker = Broker(folder)
            conf = config(broker.port)
            with Driver(folder, conf) as driver:
                state = driver.state
                driver.send("burst LGZ1 20 %d 1000" % START)
                self.assertEqual(driver.stop(), 0)
            with broker, Subscriber(broker) as sub, Driver(folder, conf, state):
                sub.wait(lambda got: len(sub.payloads(TELEGRAM)) >= 20, "all telegrams")
                self.assertEqual(energies(sub), wanted(20))

    def test_sink_flushes_and_says_offline_when_stopped(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub:
            with Driver(folder, config(broker.port)) as driver:
                driver.connected()
                driver.send("burst LGZ1 100 %d 1000" % START)
                self.assertEqual(driver.stop(), 0)
            sub.wait(lambda got: got and got[-1][:2] == ("smartmeterd/box/state", "offline"),
                     "offline as the last message")
            self.assertEqual(energies(sub), wanted(100))

    def test_sink_drops_power_first_and_keeps_energy_within_spool_max(self):
        with Folder() as folder:
            broker = Broker(folder)
            conf = config(broker.port, "SpoolMax=128K", formats="datacollector")
            with Driver(folder, conf) as driver:
                driver.send("burst LGZ1 1000 %d 1000" % START)
                status = driver.status(lambda s: s["dropped"] >= 1500 and s["queued"] == 0,
                                       "drops")
                with back(broker, driver) as sub:
                    driver.send("reconnect")
                    driver.connected()
                    driver.status(lambda s: s["spooled"] == 0 and s["queued"] == 0,
                                  "an empty spool")
                    sub.wait(lambda got: sub.payloads(DATACOLLECTOR)[-1:] == [
                        '{"value": 1999.0, "timestamp": %d, "obis": "1.8.0"}' % (START + 999)],
                        "the last energy")
                    self.assertEqual(len(once(sub.payloads(DATACOLLECTOR))), 1000)
                    self.assertLess(len(sub.payloads("smartmeter/LGZ1/ACTIVE_POWER_P")), 250)
                    self.assertGreater(status["dropped"], 0)

    def test_sink_reports_and_survives_a_damaged_spool(self):
        with Folder() as folder:
            broker = Broker(folder)
            conf = config(broker.port)
            with Driver(folder, conf) as driver:
                state = driver.state
                driver.send("burst LGZ1 20 %d 1000" % START)
                driver.stop()
            path, = glob.glob(state + "/*.spool")
            with open(path, "r+b") as f:
                f.write(b"\xa5" * 8192)
            with broker, Subscriber(broker) as sub, Driver(folder, conf, state) as driver:
                driver.fails("damaged")
                self.assertTrue(os.path.exists(path + ".corrupt"))
                driver.send("telegram LGZ1 %d 7000 5" % START)
                sub.wait(lambda got: sub.payloads(ENERGY) == ["7000"], "a new reading")

    def test_sink_reports_a_spool_it_cannot_write_and_keeps_readings_in_memory(self):
        with Folder() as folder:
            broker = Broker(folder)
            blocked = os.path.join(folder, "state")
            with open(blocked, "w"):
                pass  # a file where the folder should be
            with Driver(folder, config(broker.port), blocked) as driver:
                driver.send("burst LGZ1 20 %d 1000" % START)
                driver.fails("spool")
                driver.status(lambda s: s["queued"] >= 20, "readings in memory")
                with back(broker, driver) as sub:
                    driver.send("reconnect")
                    sub.wait(lambda got: len(sub.payloads(TELEGRAM)) >= 20, "all telegrams")
                    self.assertEqual(energies(sub), wanted(20))

    def test_sink_writes_ahead_with_durability_always(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port, "Durability=always")) as driver:
            driver.connected()
            broker.freeze()
            driver.send("telegram LGZ1 %d 1000 5" % START)
            until(lambda: glob.glob(driver.state + "/*.spool"), "a spool file")
            driver.status(lambda s: s["spooled"] >= 2, "rows in it")
            broker.thaw()
            driver.status(lambda s: s["spooled"] == 0, "an empty spool")
            sub.wait(lambda got: sub.payloads(ENERGY) == ["1000"], "the reading")

    def test_sink_writes_nothing_to_disk_while_connected(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port, formats="native homeassistant datacollector")) \
                as driver:
            driver.connected()
            driver.send("telegram LGZ1 %d 999 5" % START)
            sub.wait(lambda got: sub.payloads(ENERGY) == ["999"], "the first reading")

            def written():
                with open("/proc/%d/io" % driver.process.pid) as f:
                    return dict(line.split(": ") for line in f.read().split("\n") if line)
            before = written()["write_bytes"]
            for i in range(100):
                driver.send("telegram LGZ1 %d %d 5" % (START + 1 + i, 1000 + i))
            sub.wait(lambda got: sub.payloads(ENERGY)[-1:] == ["1099"], "the last reading")
            driver.status(lambda s: s["queued"] == 0, "acknowledgements")
            self.assertEqual(written()["write_bytes"], before)
            self.assertEqual(glob.glob(driver.state + "/*"), [])

    @unittest.skipIf(os.environ.get("SMARTMETER_SANITIZER"), "a sanitizer's memory is not ours")
    def test_sink_memory_is_bounded_for_100000_telegrams_without_a_broker(self):
        with Folder() as folder:
            broker = Broker(folder)
            conf = config(broker.port, "SpoolMax=4M", formats="datacollector")
            with Driver(folder, conf) as driver:
                def rss():
                    with open("/proc/%d/status" % driver.process.pid) as f:
                        return int([x for x in f if x.startswith("VmRSS")][0].split()[1])
                driver.send("burst LGZ1 20000 %d 1000" % START)  # more than the spool takes
                driver.ping("a")
                driver.status(lambda s: s["dropped"] > 0 and s["queued"] == 0, "a full spool")
                before = rss()
                for i in range(4, 20):
                    driver.send("burst LGZ1 5000 %d %d" % (START + 5000 * i, 1000 + 5000 * i))
                    driver.ping("b%d" % i)
                driver.status(lambda s: s["queued"] == 0, "all in the spool")
                # 80 000 telegrams are 40 MB; how deep the queue was, and so the heap, is the disk's
                # speed. ASan keeps freed memory for a while.
                if "SMARTMETER_SANITIZER" not in os.environ:
                    self.assertLess(rss() - before, 4096)
                size = sum(os.path.getsize(p) for p in glob.glob(driver.state + "/*"))
                self.assertLess(size, 12 << 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
