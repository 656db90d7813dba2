# SPDX-License-Identifier: MIT
"""What the formats look like at a broker: the drop-in lines, Home Assistant's rules, Jeedom's."""
import json
import os
import re
import unittest

from broker import Broker, Driver, Folder, Subscriber, config

START = 1700000000
CONFIG = "homeassistant/device/smartmeterd_LGZ1/config"
DISCOVERY = "smj/discovery/eqLogic/smd_LGZ1"
AVAILABILITY = "smartmeterd/box/meter/LGZ1/availability"

# Home Assistant's documented rules for MQTT sensors: device class → (units, state classes).
CLASSES = {
    "power": ({"W", "kW"}, {"measurement"}),
    "reactive_power": ({"var", "kvar"}, {"measurement"}),
    "apparent_power": ({"VA", "kVA"}, {"measurement"}),
    "energy": ({"Wh", "kWh", "MWh", "GJ"}, {"total", "total_increasing"}),
    "reactive_energy": ({"varh", "kvarh"}, {"total", "total_increasing"}),
    "voltage": ({"V", "mV"}, {"measurement"}),
    "current": ({"A", "mA"}, {"measurement"}),
    "frequency": ({"Hz"}, {"measurement"}),
    "power_factor": ({None, "%"}, {"measurement"}),
    "temperature": ({"°C"}, {"measurement"}),
    "gas": ({"m³"}, {"total", "total_increasing"}),
    "water": ({"m³"}, {"total", "total_increasing"}),
    "volume": ({"m³"}, {"total", "total_increasing"}),
    "volume_flow_rate": ({"m³/h"}, {"measurement"}),
    "enum": ({None}, {None}),
    "timestamp": ({None}, {None}),
    "connectivity": ({None}, {None}),
    None: (None, {"measurement", "total_increasing", "total"}),
}
COMPONENT_KEYS = {"platform", "unique_id", "name", "state_topic", "device_class", "state_class",
                  "unit_of_measurement", "suggested_display_precision", "expire_after",
                  "default_entity_id", "enabled_by_default", "options", "value_template",
                  "entity_category"}
# There while the meter is not.
DIAGNOSTICS = {"connected", "last_telegram", "damaged_frames"}


def check_discovery(test, topic, payload):
    """One device discovery message against the rules; returns its components."""
    test.assertRegex(topic, r"^homeassistant/device/[a-zA-Z0-9_-]+/config$")
    d = json.loads(payload)
    test.assertEqual(set(d), {"device", "origin", "components", "availability",
                              "availability_mode", "qos"})
    test.assertTrue(d["device"]["identifiers"])
    test.assertTrue(d["origin"]["name"])
    test.assertEqual(d["availability_mode"], "all")
    test.assertEqual(len(d["availability"]), 2)
    unique = set()
    for component in d["components"].values():
        known, platform = COMPONENT_KEYS, "sensor"
        if "availability" in component:
            test.assertEqual(component["entity_category"], "diagnostic")
            test.assertEqual(len(component["availability"]), 1)
            known = known | {"availability"}
        if component.get("device_class") == "connectivity":
            known, platform = known | {"payload_on", "payload_off"}, "binary_sensor"
        test.assertLessEqual(set(component), known)
        test.assertEqual(component["platform"], platform)
        test.assertNotIn(component["unique_id"], unique)
        unique.add(component["unique_id"])
        test.assertRegex(component["default_entity_id"], rf"^{platform}\.[a-z0-9_]+$")
        units, states = CLASSES[component.get("device_class")]
        test.assertIn(component.get("state_class"), states, component)
        if units:
            test.assertIn(component.get("unit_of_measurement"), units, component)
        if component.get("device_class") == "enum":
            test.assertTrue(component["options"])
        if "expire_after" in component:
            test.assertGreaterEqual(component["expire_after"], 30)
    return d["components"]


def captures():
    """The folder of captured telegrams, or None."""
    for start in (os.environ.get("SMARTMETERD_TELEGRAMS"),
                  os.path.join(os.environ.get("SMARTMETERD_SOURCE", "."), "..", "shared",
                               "telegrams")):
        if start and os.path.isdir(start):
            return start
    return None


def place(data, code):
    """Where an OBIS code stands in the bytes of a telegram."""
    at = data.find(bytes(map(int, code.split("."))))
    if at < 0:
        raise AssertionError("the capture has no " + code)
    return at


def drop_in_lines(expect, data):
    """What smartmeter-datacollector 2.0.0 sends for these readings, by its rules, in the
    order of the telegram: that of the codes in its bytes, since expectations are sorted."""
    names = {}
    for scale, phase in ((20, "_L1"), (40, "_L2"), (60, "_L3"), (0, "")):
        for c, name in ((1, "ACTIVE_POWER_P"), (2, "ACTIVE_POWER_N"), (3, "REACTIVE_POWER_P"),
                        (4, "REACTIVE_POWER_N"), (13, "POWER_FACTOR"), (11, "CURRENT"),
                        (12, "VOLTAGE")):
            if phase or c not in (11, 12):
                names["%d.7.0" % (c + scale)] = name + phase
        if phase:
            names["%d.8.0" % (1 + scale)] = "ACTIVE_ENERGY_P" + phase
            names["%d.8.0" % (2 + scale)] = "ACTIVE_ENERGY_N" + phase
    names["14.7.0"] = "NET_FREQUENCY"
    names.update({"81.7.40": "ANGLE_UI_L1", "81.7.51": "ANGLE_UI_L2", "81.7.62": "ANGLE_UI_L3"})
    for c, name in enumerate(("ACTIVE_ENERGY_P", "ACTIVE_ENERGY_N", "REACTIVE_ENERGY_P",
                              "REACTIVE_ENERGY_N", "REACTIVE_ENERGY_Q1", "REACTIVE_ENERGY_Q2",
                              "REACTIVE_ENERGY_Q3", "REACTIVE_ENERGY_Q4"), 1):
        for e, tariff in ((0, ""), (1, "_T1"), (2, "_T2")):
            names["%d.8.%d" % (c, e)] = name + tariff
    import datetime
    when = int(datetime.datetime.fromisoformat(expect["timestamp"]).timestamp())
    lines = []
    for code, reading in sorted(expect["readings"].items(), key=lambda item: place(data, item[0])):
        a, _, c, d, e, _ = code.split(".")
        short = "%s.%s.%s" % (c, d, e)
        if a == "1" and short in names:
            lines.append(("smartmeter/%s/%s" % (expect["meter_id"], names[short]),
                          '{"value": %s, "timestamp": %d, "obis": "%s"}'
                          % (json.dumps(float(reading["value"])), when, short)))
    return lines


class Formats(unittest.TestCase):
    def test_datacollector_sends_what_it_sent_for_each_first_class_meter(self):
        folder = captures()
        if not folder:
            self.skipTest("no ../shared/telegrams")
        for name in ("lg-e450-01", "lg-e570-03", "lg-e360-01", "iskra-am550-01",
                     "kamstrup-omnipower-04"):
            with self.subTest(name), Folder() as tmp, Broker(tmp) as broker, \
                    Subscriber(broker) as sub, \
                    Driver(tmp, config(broker.port, formats="datacollector rl-dsp")) as driver:
                with open(os.path.join(folder, name + ".expect.json")) as f:
                    expect = json.load(f)
                with open(os.path.join(folder, name + ".hex")) as f:
                    data = bytes.fromhex("".join(re.sub(r"#.*", "", f.read()).split()))
                driver.connected()
                driver.send("decode " + data.hex())
                want = drop_in_lines(expect, data)
                self.assertGreater(len(want), 2)
                sub.wait(lambda got: len([g for g in got if g[0].startswith("smartmeter/")])
                         >= len(want), "all values")
                driver.stop()
                sub.wait(lambda got: got[-1][1] == "offline", "the end")
                got = [g for g in sub.got if g[0].startswith("smartmeter/")]
                self.assertEqual([g[:2] for g in got], want)  # in this order
                whole = sub.payloads("dt/building/%s/ds" % expect["meter_id"])
                self.assertEqual(len(whole), 1)
                codes = [json.loads(payload)["obis"] for _, payload in want]
                self.assertEqual(list(json.loads(whole[0])["meter"]), ["ts", *codes])
                others = [g for g in sub.got if not g[0].startswith("smartmeterd/")]
                self.assertEqual({g[2:] for g in others}, {(False, 0)})
                self.assertEqual(len(others), len(want) + 1)

    def test_homeassistant_gets_a_valid_device_that_grows_with_the_readings(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port, formats="homeassistant")) as driver:
            driver.connected()
            driver.send("telegram LGZ1 %d 1000 5" % START)
            sub.wait(lambda got: sub.payloads(CONFIG), "discovery")
            first = check_discovery(self, CONFIG, sub.payloads(CONFIG)[0])
            self.assertEqual(set(first), {"active_power_import", "active_energy_import",
                                          "voltage_l1"} | DIAGNOSTICS)
            self.assertNotIn("expire_after", first["active_power_import"])
            self.assertEqual(first["voltage_l1"]["name"], "Voltage phase 1")
            energy = first["active_energy_import"]
            self.assertEqual((energy["unit_of_measurement"], energy["value_template"]),
                             ("kWh", "{{ value | float / 1000 }}"))
            for i in range(1, 4):
                driver.send("telegram LGZ1 %d %d 5" % (START + 10 * i, 1000 + i))
            sub.wait(lambda got: sub.payloads(CONFIG)[-1].count("expire_after") == 3, "expiry")
            last = check_discovery(self, CONFIG, sub.payloads(CONFIG)[-1])
            self.assertGreaterEqual(last["active_power_import"]["expire_after"], 50)
            self.assertLessEqual(len(sub.payloads(CONFIG)), 3)
            # Each state topic is really published, and what Home Assistant needs is retained.
            topics = {g[0] for g in sub.got}
            for component in last.values():
                self.assertIn(component["state_topic"], topics)
            with Subscriber(broker) as late:
                late.wait(lambda got: len(got) >= 6, "retained messages")
                retained = {g[0] for g in late.got if g[2]}
                self.assertEqual(retained, {
                    CONFIG, AVAILABILITY, "smartmeterd/box/state",
                    "smartmeterd/box/meter/LGZ1/active_energy_import",
                    "smartmeterd/box/meter/LGZ1/last_telegram",
                    "smartmeterd/box/meter/LGZ1/damaged_frames"})

    def test_homeassistant_is_told_again_when_it_starts(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port, formats="homeassistant")) as driver:
            driver.connected()
            driver.send("telegram LGZ1 %d 1000 5" % START)
            sub.wait(lambda got: sub.payloads(CONFIG), "discovery")
            n = len(sub.payloads(CONFIG))
            import subprocess
            subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(broker.port), "-t",
                            "homeassistant/status", "-m", "online"], check=True, timeout=30)
            sub.wait(lambda got: len(sub.payloads(CONFIG)) > n, "discovery once more")

    def test_retained_topics_are_cleared_when_a_meter_is_forgotten(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub:
            with Driver(folder, config(broker.port, formats="native homeassistant")) \
                    as driver:
                driver.connected()
                driver.send("telegram LGZ1 %d 1000 5" % START)
                sub.wait(lambda got: sub.payloads(CONFIG), "discovery")
                driver.send("forget LGZ1")
                driver.stop()
            with Subscriber(broker) as late:
                late.wait(lambda got: late.payloads("smartmeterd/box/state"), "the state")
                self.assertEqual([g[0] for g in late.got if g[2]], ["smartmeterd/box/state"])

    def test_meter_goes_offline_and_its_availability_says_so(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port)) as driver:
            driver.connected()
            driver.send("telegram LGZ1 %d 1000 5" % START)
            sub.wait(lambda got: sub.payloads(AVAILABILITY)[-1:] == ["online"], "online")
            driver.send("offline LGZ1")
            sub.wait(lambda got: sub.payloads(AVAILABILITY)[-1:] == ["offline"], "offline")

    def test_native_telegram_is_the_object_of_decode_with_reception_and_number(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port)) as driver:
            driver.connected()
            driver.send("telegram LGZ1 %d 1000 5" % START)
            topic = "smartmeterd/box/meter/LGZ1/telegram"
            sub.wait(lambda got: sub.payloads(topic), "the telegram")
            t = json.loads(sub.payloads(topic)[0])
            self.assertEqual(t["meter"], "LGZ1")
            self.assertEqual(t["received"], "2023-11-14T22:13:20.000+00:00")
            self.assertEqual(t["seq"], 1)
            self.assertEqual(t["time_utc"], "2023-11-14T22:13:20+00:00")
            self.assertEqual(t["values"], {"active_power_import": 5, "active_energy_import": 1000,
                                           "voltage_l1": 230.1})
            self.assertEqual(t["power_net"], 5)
            self.assertIn('"value":230.1,', sub.payloads(topic)[0])
            self.assertEqual([g[2:] for g in sub.got if g[0] == topic], [(False, 1)])

    def test_jeedom_gets_a_device_whose_commands_have_values(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Driver(folder, config(broker.port, "JeedomRoot=smj", formats="jeedom")) as driver:
            driver.connected()
            for i in range(4):
                driver.send("telegram LGZ1 %d %d 5" % (START + 10 * i, 1000 + i))
            sub.wait(lambda got: "timeout" in "".join(sub.payloads(DISCOVERY)[-1:]), "discovery")
            device = json.loads(sub.payloads(DISCOVERY)[-1])
            self.assertEqual(device["id"], "smd_LGZ1")
            self.assertGreaterEqual(device["timeout"], 5)
            for key, command in device["cmds"].items():
                self.assertEqual(command["id"], key)
                self.assertEqual(command["type"], "info")
                topic = "smj/cmd/event/" + key
                sub.wait(lambda got: sub.payloads(topic), "a value of " + key)
                self.assertEqual(list(json.loads(sub.payloads(topic)[-1])), ["value"])
            commands = {c["logicalId"]: c for c in device["cmds"].values()}
            for key, name, kind, history in (
                    ("active_power_import", "Puissance active soutirée", "POWER", "1"),
                    ("active_energy_import", "Énergie active soutirée", "CONSUMPTION", "1"),
                    ("voltage_l1", "Tension, phase 1", "VOLTAGE", "0"),
                    ("online", "En ligne", "ONLINE", "0")):
                c = commands[key]
                self.assertEqual((c["name"], c["generic_type"], c["isHistorized"]),
                                 (name, kind, history))

    def test_mqtt_manager_never_gets_an_empty_or_a_retained_message(self):
        """It ends its batch of messages on an empty one, and makes an equipment of a retained one
        each time it starts."""
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub:
            with Driver(folder, config(broker.port, "JeedomRoot=smj", formats="jeedom")) as driver:
                driver.connected()
                driver.send("telegram LGZ1 %d 1000 5" % START)
                sub.wait(lambda got: sub.payloads(DISCOVERY), "discovery")
                driver.send("forget LGZ1", "telegram LGZ1 %d 1001 5" % (START + 10))
                driver.stop()
            sub.wait(lambda got: got[-1][1] == "offline", "the end")
            below = [g for g in sub.got if g[0].startswith("smj/")]
            for topic, payload, _, _ in below:
                self.assertTrue(payload, topic)
                self.assertIsInstance(json.loads(payload), dict)
            with Subscriber(broker) as late:
                late.wait(lambda got: late.payloads("smartmeterd/box/state"), "the state")
                self.assertEqual([g[0] for g in late.got if g[2]], ["smartmeterd/box/state"])

    def test_interval_and_deadband_hold_back_what_is_not_worth_a_message(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub:
            conf = config(broker.port, "Interval=10s", "Deadband=5", formats="datacollector")
            with Driver(folder, conf) as driver:
                driver.connected()
                for i in range(40):
                    driver.send("telegram LGZ1 %d %d %d" % (START + i, 1000 + i, 1000 + i))
                driver.stop()
            sub.wait(lambda got: got[-1][1] == "offline", "the end")
            self.assertEqual(len(sub.payloads("smartmeter/LGZ1/ACTIVE_ENERGY_P")), 4)
            self.assertEqual(len(sub.payloads("smartmeter/LGZ1/ACTIVE_POWER_P")), 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
