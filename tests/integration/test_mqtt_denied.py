# SPDX-License-Identifier: MIT
"""A broker that does not take some topics: all others flow, without a new connection each time.

mosquitto 2.0.11 ends the connection after every message that its access control list forbids, and
with MQTT 3.1.1 it does not even say which one. mosquitto 2.0.21 takes such a message, says with MQTT
5 and QoS 1 that it did not want it, and else drops it without a word: then there is nothing to see.
"""
import os
import subprocess
import unittest

from broker import Broker, Driver, Folder, Proxy, Subscriber, config, until

STATE = "smartmeterd/box/state"
ENERGY = "smartmeterd/box/meter/LGZ1/active_energy_import"
TELEGRAM = "smartmeterd/box/meter/LGZ1/telegram"
AVAILABILITY = "smartmeterd/box/meter/LGZ1/availability"
DISCOVERY = "homeassistant/device/smartmeterd_LGZ1/config"
START = 1700000000
USERS = {"meter": "right", "reader": "right"}
READER = "user reader\ntopic read #\n"
OURS = READER + "user meter\ntopic readwrite smartmeterd/#\n"
SOON = {"SINK_DRIVER_DENIED_MS": "500"}
SENTENCE = {"5": "does not let us publish to ", "3.1.1": "hangs up when we publish to "}


class Denied(unittest.TestCase):
    hangs_up = None  # whether this mosquitto ends the connection; asked once

    def told(self, broker, protocol):
        """Skips the rest where it cannot be known that the broker dropped a message."""
        if protocol == "3.1.1" and not self.ends_the_connection(broker):
            self.skipTest("this broker drops what it forbids without a word, with MQTT 3.1.1")

    def ends_the_connection(self, broker):
        if Denied.hangs_up is None:
            done = subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-u", "meter", "-P", "right",
                                   "-V", "mqttv311", "-q", "1", "-t", "homeassistant/forbidden", "-m", "x", "-d"],
                                  check=False, capture_output=True, text=True, timeout=60)
            Denied.hangs_up = "PUBACK" not in done.stdout
        return Denied.hangs_up

    def setUp(self):
        folder = Folder()
        self.folder = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.password = os.path.join(self.folder, "password")
        with open(self.password, "w") as f:
            f.write("right")
        os.chmod(self.password, 0o600)
        self.n = 0

    def broker(self, acl):
        broker = Broker(self.folder, users=USERS, acl=acl)
        self.addCleanup(broker.kill)
        return broker

    def subscriber(self, broker):
        sub = Subscriber(broker, "-u", "reader", "-P", "right")
        self.addCleanup(sub.close)
        return sub

    def driver(self, port, formats, protocol="5", env=None):
        driver = Driver(self.folder, config(port, "Username=meter", "PasswordFile=" + self.password,
                                            "Protocol=" + protocol, formats=formats), env=env)
        self.addCleanup(driver.__exit__)
        return driver

    def telegram(self, driver):
        """The next one: a second and a watt-hour later."""
        self.n += 1
        driver.send("telegram LGZ1 %d %d 5" % (START + self.n, 1000 + self.n))
        return str(1000 + self.n)

    def sent(self):
        return [str(1000 + i) for i in range(1, self.n + 1)]

    def until_calm(self, driver, sub):
        """Sends telegrams until twenty in a row came through on one connection."""
        def calm():
            before = len(sub.payloads(STATE))
            for _ in range(20):
                value = self.telegram(driver)
                sub.wait(lambda got: value in "".join(sub.payloads(TELEGRAM)[-1:]), "reading " + value)
            return len(sub.payloads(STATE)) == before
        until(calm, "twenty telegrams on one connection")

    def test_readings_go_on_while_one_topic_is_denied(self):
        for protocol in ("5", "3.1.1"):
            with self.subTest(protocol):
                self.n = 0
                broker = self.broker(OURS).start()
                self.told(broker, protocol)
                sub = self.subscriber(broker)
                driver = self.driver(broker.port, "native homeassistant", protocol)
                driver.connected()
                self.telegram(driver)
                self.assertIn(DISCOVERY, driver.fails(SENTENCE[protocol]))
                self.until_calm(driver, sub)
                # once more: from here on nothing at all happens to the connection
                driver.ping("calm")
                start, states = len(driver.lines), len(sub.payloads(STATE))
                driver.send("status")
                before = driver.wait(lambda line: "connected" in line, "the status", start)
                for _ in range(30):
                    self.telegram(driver)
                sub.wait(lambda got: sub.payloads(ENERGY)[-1:] == self.sent()[-1:], "the last one")
                self.assertEqual(sub.payloads(ENERGY), self.sent())
                self.assertEqual(len(sub.payloads(STATE)), states)
                driver.ping("all")
                said = [line for line in driver.lines[start:] if "connected" in line]
                self.assertEqual({line["connected"] for line in said} - {True}, set())
                after = said[-1]
                # What was left out when the connection was made is reported a moment later.
                self.assertLess(after["dropped"] - before["dropped"], 10, "one for each telegram")
                self.assertIn(DISCOVERY, after["error"])
                self.assertEqual(sub.payloads(AVAILABILITY)[-1:], ["online"])
                driver.stop()

    def test_denied_readings_are_counted_once_each_and_block_nothing(self):
        broker = self.broker(OURS + "topic deny %s\n" % ENERGY)
        driver = self.driver(broker.port, "native")
        for _ in range(30):
            self.telegram(driver)
        driver.status(lambda s: s["spooled"] > 0, "that readings wait")
        broker.start()
        sub = self.subscriber(broker)
        driver.send("reconnect")
        for _ in range(30):
            self.telegram(driver)
        self.assertIn(ENERGY, driver.fails(SENTENCE["5"]))
        sub.wait(lambda got: '1060' in "".join(sub.payloads(TELEGRAM)[-1:]), "the last telegram")
        status = driver.status(lambda s: s["dropped"] >= 60 and s["queued"] == 0 == s["spooled"],
                               "that all is sent or counted")
        self.assertEqual(status["dropped"], 60)
        self.assertEqual(sub.payloads(ENERGY), [])

    def test_topics_come_back_after_the_list_is_corrected(self):
        for protocol in ("5", "3.1.1"):
            for how in ("by themselves", "on demand"):
                with self.subTest(protocol + " " + how):
                    broker = self.broker(OURS).start()
                    self.told(broker, protocol)
                    sub = self.subscriber(broker)
                    driver = self.driver(broker.port, "native homeassistant", protocol,
                                         SOON if how == "by themselves" else None)
                    driver.connected()
                    self.telegram(driver)
                    driver.fails(SENTENCE[protocol])
                    self.assertEqual(sub.payloads(DISCOVERY), [])
                    broker.change_acl(OURS + "topic readwrite homeassistant/#\n")

                    def comes_back():
                        if how == "on demand":
                            driver.send("retry")
                        self.telegram(driver)
                        driver.pump()
                        return sub.payloads(DISCOVERY) and driver.lines[-1].get("error") == ""
                    until(comes_back, "the announcement, and no error")
                    driver.stop()

    def test_denied_drop_in_topics_disturb_no_others(self):
        for protocol in ("5", "3.1.1"):
            with self.subTest(protocol):
                self.n = 0
                broker = self.broker(OURS).start()  # QoS 0: the broker answers nothing at all
                sub = self.subscriber(broker)
                driver = self.driver(broker.port, "native datacollector", protocol)
                driver.connected()
                self.until_calm(driver, sub)
                self.assertEqual(sub.payloads(ENERGY), self.sent())
                if self.ends_the_connection(broker):
                    driver.send("status")
                    self.assertIn("smartmeter/LGZ1/", driver.fails(SENTENCE[protocol]))
                driver.stop()

    def test_state_may_be_denied(self):
        for protocol in ("5", "3.1.1"):
            with self.subTest(protocol):
                self.n = 0
                broker = self.broker(READER + "user meter\n"
                                     "topic readwrite smartmeterd/box/meter/#\n").start()
                sub = self.subscriber(broker)
                driver = self.driver(broker.port, "native", protocol)
                if protocol == "5" or self.ends_the_connection(broker):
                    self.assertIn(STATE, driver.fails(SENTENCE[protocol]))
                for _ in range(20):
                    self.telegram(driver)
                sub.wait(lambda got: len(sub.payloads(ENERGY)) >= 20, "the readings")
                self.assertEqual(sub.payloads(ENERGY), self.sent())
                self.assertEqual(driver.stop(), 0)

    def test_message_that_makes_a_broker_hang_up_is_found(self):
        broker = self.broker(OURS).start()
        sub = self.subscriber(broker)
        with Proxy(broker.port, poison=ENERGY) as proxy:
            driver = self.driver(proxy.port, "native")
            driver.connected()
            self.until_calm(driver, sub)
            driver.send("status")
            self.assertIn(ENERGY, driver.fails("hangs up when we publish to "))
            self.assertEqual(sub.payloads(ENERGY), [])

    def test_broker_that_hangs_up_on_everything_costs_no_reading(self):
        broker = self.broker(OURS).start()
        sub = self.subscriber(broker)
        with Proxy(broker.port, poison="smartmeterd/box/meter/") as proxy:
            driver = self.driver(proxy.port, "native")
            driver.connected()
            for _ in range(10):
                self.telegram(driver)
            until(lambda: proxy.accepted >= 5, "five connections")
            driver.status(lambda s: s["spooled"] >= 10, "that they wait")
            self.assertEqual(sub.payloads(ENERGY), [])
            proxy.poison = None
            driver.send("reconnect")
            # What was in flight when the connection was dropped comes twice.
            sub.wait(lambda got: set(sub.payloads(ENERGY)) == set(self.sent()), "the readings")


if __name__ == "__main__":
    unittest.main(verbosity=2)
