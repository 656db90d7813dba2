# SPDX-License-Identifier: MIT
"""Every reason for having no connection is distinguished, and none of them stops the main loop."""
import os
import unittest

from broker import (Broker, Driver, Folder, Proxy, Subscriber, config, free_port, make_authority,
                    make_certificate)

STATE = "smartmeterd/box/state"
ENERGY = "smartmeterd/box/meter/LGZ1/active_energy_import"
START = 1700000000


def secret(folder, text):
    path = os.path.join(folder, "password")
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o600)
    return path


class Errors(unittest.TestCase):
    def test_sink_tells_that_nothing_listens(self):
        with Folder() as folder, Driver(folder, config(free_port())) as driver:
            self.assertIn("is the broker running", driver.fails("nothing listens"))

    def test_sink_tells_that_a_socket_is_missing_and_then_uses_it(self):
        with Folder() as folder:
            path = os.path.join(folder, "broker.sock")
            broker = Broker(folder, lines=["listener 0 " + path])
            with Driver(folder, config(broker.port, host=path)) as driver:
                driver.fails("no such socket")
                with broker, Subscriber(broker) as sub:
                    driver.send("reconnect")
                    driver.connected()
                    driver.send("telegram LGZ1 %d 1000 5" % START)
                    sub.wait(lambda got: sub.payloads(ENERGY) == ["1000"], "the reading")

    def test_sink_tells_that_a_name_is_unknown(self):
        with Folder() as folder, \
                Driver(folder, config(1883, host="no-such-broker.invalid")) as driver:
            self.assertIn("name server", driver.fails("no-such-broker.invalid"))

    def test_sink_tells_that_something_else_answers(self):
        with Folder() as folder:
            make_authority(folder, "ca")
            make_certificate(folder, "ca", "server", "IP:127.0.0.1")
            with Broker(folder, certificate=os.path.join(folder, "server")) as broker, \
                    Driver(folder, config(broker.port)) as driver:
                self.assertIn("Tls=", driver.fails("closed the connection"))
            with Broker(folder) as broker, \
                    Driver(folder, config(broker.port, "Tls=yes",
                                          "CaFile=%s/ca.crt" % folder)) as driver:
                self.assertIn("does not answer as TLS", driver.fails("TLS"))

    def test_sink_tells_wrong_password_missing_user_and_denied_topic_apart(self):
        with Folder() as folder:
            acl = "user meter\ntopic readwrite smartmeterd/#\n"
            with Broker(folder, users={"meter": "right"}, acl=acl) as broker:
                with Driver(folder, config(broker.port)) as driver:
                    self.assertIn("set Username=", driver.fails("wants a user"))
                with Driver(folder, config(broker.port, "Username=meter", "PasswordFile="
                                           + secret(folder, "wrong"))) as driver:
                    self.assertIn("PasswordFile=", driver.fails("does not let the user meter in"))
                with Driver(folder, config(broker.port, "Username=meter", "PasswordFile="
                                           + secret(folder, "right"),
                                           formats="native homeassistant")) as driver:
                    driver.connected()
                    driver.send("telegram LGZ1 %d 1000 5" % START)
                    error = driver.fails("does not let us publish to")
                    self.assertIn("homeassistant/device/smartmeterd_LGZ1/config", error)
                    self.assertIn("ACL", error)

    def test_sink_tells_unknown_authority_wrong_name_and_expiry_apart_and_heals(self):
        with Folder() as folder:
            server = os.path.join(folder, "server")
            make_authority(folder, "ca")
            make_authority(folder, "other")
            make_certificate(folder, "ca", "server", "DNS:broker.example")
            lines = ["Tls=yes", "CaFile=%s/ca.crt" % folder]
            broker = Broker(folder, certificate=server)
            with broker:
                with Driver(folder, config(broker.port, *lines)) as driver:
                    self.assertIn("VerifyHost=", driver.fails("not for the name 127.0.0.1"))
                with Driver(folder, config(broker.port, *lines, "VerifyHost=no")) as driver:
                    driver.connected()
                with Driver(folder, config(broker.port, "Tls=yes", "CaFile=%s/other.crt"
                                           % folder)) as driver:
                    self.assertIn("CaFile=", driver.fails("authority unknown"))
            make_certificate(folder, "ca", "server", "IP:127.0.0.1", expired=True)
            broker.start()
            with Driver(folder, config(broker.port, *lines)) as driver:
                driver.fails("has expired")
                driver.send("telegram LGZ1 %d 1000 5" % START)
                broker.kill()
                make_certificate(folder, "ca", "server", "IP:127.0.0.1")
                with broker, Subscriber(broker, "--cafile", folder + "/ca.crt") as sub:
                    driver.send("reconnect")
                    driver.connected()
                    sub.wait(lambda got: sub.payloads(ENERGY) == ["1000"], "the kept reading")

    def test_sink_shows_a_client_certificate_or_says_that_it_needs_one(self):
        with Folder() as folder:
            make_authority(folder, "ca")
            make_certificate(folder, "ca", "server", "IP:127.0.0.1")
            make_certificate(folder, "ca", "client", "DNS:client")
            lines = ["Tls=yes", "CaFile=%s/ca.crt" % folder]
            with Broker(folder, certificate=os.path.join(folder, "server"),
                        lines=["cafile %s/ca.crt" % folder, "require_certificate true"]) as broker:
                with Driver(folder, config(broker.port, *lines)) as driver:
                    self.assertIn("CertFile=", driver.fails("wants a client certificate"))
                with Driver(folder, config(broker.port, *lines, "CertFile=%s/client.crt" % folder,
                                           "CertKeyFile=%s/client.key" % folder)) as driver:
                    driver.connected()

    def test_a_broker_that_hangs_up_before_it_is_spoken_to_is_heard(self):
        preload = os.environ.get("SMARTMETERD_LATE_WRITER")
        if not preload or os.environ.get("SMARTMETER_SANITIZER"):
            self.skipTest("no preload library, or a sanitizer that minds it")
        with Folder() as folder:
            make_authority(folder, "ca")
            make_certificate(folder, "ca", "server", "IP:127.0.0.1")
            with Broker(folder, certificate=os.path.join(folder, "server"),
                        lines=["cafile %s/ca.crt" % folder, "require_certificate true"]) as broker, \
                    Driver(folder, config(broker.port, "Tls=yes", "CaFile=%s/ca.crt" % folder),
                           preload=preload) as driver:
                status = driver.status(lambda s: s["error"], "an error")
                self.assertIn("wants a client certificate", status["error"])

    def test_sink_uses_a_pre_shared_key_or_says_that_it_is_wrong(self):
        with Folder() as folder:
            path = os.path.join(folder, "psk")
            with open(path, "w") as f:
                f.write("meter:0123456789abcdef\n")
            os.chmod(path, 0o600)
            with Broker(folder, lines=["psk_hint box", "psk_file " + path]) as broker:
                with Driver(folder, config(broker.port, "Tls=yes", "Psk=0123456789abcdef",
                                           "PskIdentity=meter")) as driver:
                    driver.connected()
                with Driver(folder, config(broker.port, "Tls=yes", "Psk=00ff",
                                           "PskIdentity=meter")) as driver:
                    self.assertIn("Psk=", driver.fails("pre-shared key"))

    def test_sink_speaks_the_older_protocol_when_told_to(self):
        with Folder() as folder, Broker(folder, lines=["max_topic_alias 0"]) as broker, \
                Subscriber(broker) as sub, \
                Driver(folder, config(broker.port, "Protocol=3.1.1")) as driver:
            driver.connected()
            driver.send("telegram LGZ1 %d 1000 5" % START)
            sub.wait(lambda got: sub.payloads(ENERGY) == ["1000"], "the reading")

    def test_sink_falls_back_to_the_older_protocol(self):
        for old in ("answer", "hang up"):
            with self.subTest(old), Folder() as folder, Broker(folder) as broker, \
                    Subscriber(broker) as sub, Proxy(broker.port, old=old) as proxy, \
                    Driver(folder, config(proxy.port)) as driver:
                driver.connected()
                driver.send("telegram LGZ1 %d 1000 5" % START)
                sub.wait(lambda got: sub.payloads(ENERGY) == ["1000"], "the reading")
                self.assertGreaterEqual(proxy.refused, 1)
                # a broker of before MQTT 5 is no fault, and nothing is to be set that is set already
                self.assertEqual({line["error"] for line in driver.lines if "error" in line}, {""})

    def test_main_loop_answers_while_the_broker_is_silent(self):
        with Folder() as folder, Proxy() as proxy, Driver(folder, config(proxy.port)) as driver:
            driver.send("burst LGZ1 200 %d 1000" % START)
            driver.ping("silent")
            self.assertIn("does not answer", driver.fails("accepts the connection"))
            driver.ping("given-up")

    def test_main_loop_answers_while_the_broker_is_frozen_and_nothing_is_lost(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port)) as driver:
            driver.connected()
            broker.freeze()
            driver.send("burst LGZ1 200 %d 1000" % START)
            driver.ping("frozen")  # answered, though the broker cannot have taken anything
            self.assertEqual(sub.payloads(ENERGY), [])
            driver.status(lambda s: s["spooled"] > 0, "that the disk helps out")
            broker.thaw()
            sub.wait(lambda got: sub.payloads(ENERGY)[-1:] == ["1199"], "the last reading")
            self.assertEqual(sub.payloads(ENERGY), [str(1000 + i) for i in range(200)])

    def test_main_loop_answers_and_stops_while_the_name_server_is_dead(self):
        preload = os.environ.get("SMARTMETERD_DEAD_RESOLVER")
        if not preload or os.environ.get("SMARTMETER_SANITIZER"):
            self.skipTest("no preload library, or a sanitizer that minds it")
        with Folder() as folder:
            broker = Broker(folder)
            conf = config(broker.port)
            with Driver(folder, conf, preload=preload) as driver:
                state = driver.state
                driver.send("burst LGZ1 50 %d 1000" % START)
                driver.ping("dead")
                self.assertEqual(driver.stop(), 0)  # it does not wait for the resolver
            with broker, Subscriber(broker) as sub, Driver(folder, conf, state):
                sub.wait(lambda got: len(sub.payloads(ENERGY)) >= 50, "what was kept")
                self.assertEqual(sub.payloads(ENERGY), [str(1000 + i) for i in range(50)])

    def test_two_gateways_of_one_image_are_told_that_they_use_one_client_id(self):
        with Folder() as folder, Broker(folder) as broker, \
                Driver(folder, config(broker.port, "ClientId=copied")) as one, \
                Driver(folder, config(broker.port, "ClientId=copied")) as other:
            for driver in (one, other):
                # The broker says so (mosquitto 2.0.21), or only hangs up.
                error = driver.fails("another client ")
                self.assertIn("client id copied", error)
                self.assertIn("ClientId=", error)

    def test_two_clients_of_one_id_are_told_by_a_broker_of_the_older_protocol_too(self):
        with Folder() as folder, Broker(folder) as broker, \
                Driver(folder, config(broker.port, "ClientId=copied", "Protocol=3.1.1")) as one, \
                Driver(folder, config(broker.port, "ClientId=copied", "Protocol=3.1.1")) as other:
            for driver in (one, other):
                driver.fails("another client may use the client id copied")

    def test_broker_that_is_started_anew_again_and_again_is_no_second_client(self):
        """It is back before we are: no attempt fails, and each connection ends as if it were taken over."""
        for protocol in ("5", "3.1.1"):
            with Folder() as folder, Broker(folder) as broker, \
                    Driver(folder, config(broker.port, "Protocol=" + protocol)) as driver:
                driver.connected()
                for i in range(20):
                    if i % 2:
                        broker.process.terminate()
                        broker.process.wait()
                        broker.log.close()
                    else:
                        broker.kill()
                    driver.status(lambda s: not s["connected"], "the end of a connection")
                    broker.start()
                    driver.send("reconnect")
                    driver.connected()
                errors = {line.get("error") for line in driver.lines}
                self.assertEqual([e for e in errors if e and "another client" in e], [])

    def test_two_sinks_do_not_disturb_each_other(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub:
            conf = config(broker.port) + config(free_port(), name="away")
            with Driver(folder, conf) as driver:
                driver.status(lambda s: s["sink"] == "away" and s["error"], "an error of one")
                driver.send("telegram LGZ1 %d 1000 5" % START)
                sub.wait(lambda got: sub.payloads(ENERGY) == ["1000"], "the reading at the other")

    def test_broker_publishes_the_will_when_the_process_is_killed(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port)) as driver:
            sub.wait(lambda got: sub.payloads(STATE) == ["online"], "online")
            driver.kill()
            sub.wait(lambda got: sub.payloads(STATE) == ["online", "offline"], "the will")


if __name__ == "__main__":
    unittest.main(verbosity=2)
