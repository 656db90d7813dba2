# SPDX-License-Identifier: MIT
"""What Home Assistant and Jeedom make of all that the service publishes, of every meter family there
is: the rules of their code, written down here, on every message of a whole daemon.
Run under umockdev-wrapper."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from broker import Subscriber
from harness import SMCTL, Broker, Daemon, Link, plain_environment, telegram
from private_bus import BUILD, wait_until

SOURCE = pathlib.Path(os.environ["SMARTMETERD_SOURCE"])
SHARED = SOURCE.parent / "shared" / "telegrams"
# -Dsupport-url= of this build
HELP = re.search(r'PROJECT_SUPPORT_URL "(.*)"', (BUILD / "config-build.h").read_text())[1]
SIMULATED = ["lgz-e450", "lgz-e570", "lgz-e360", "iskra-am550", "kamstrup-omnipower", "dsmr5", "emucs"]

# Home Assistant, components/sensor/const.py: units that a device class takes …
UNITS = {
    "apparent_power": {"VA"}, "current": {"A", "mA"}, "energy": {"kWh", "Wh", "MWh", "GJ", "MJ"},
    "frequency": {"Hz", "kHz"}, "gas": {"m³", "ft³"}, "power": {"W", "kW"},
    "power_factor": {None, "%"}, "reactive_energy": {"varh", "kvarh"}, "reactive_power": {"var", "kvar"},
    "temperature": {"°C"}, "voltage": {"V", "mV"}, "volume": {"m³", "L"},
    "volume_flow_rate": {"m³/h", "L/min"}, "water": {"m³", "L"}, "enum": {None}, "timestamp": {None},
}
# … and the state classes; none is always good
STATE_CLASSES = {
    "energy": {"total", "total_increasing"}, "gas": {"total", "total_increasing"},
    "water": {"total", "total_increasing"}, "volume": {"total", "total_increasing"},
    "reactive_energy": {"total", "total_increasing"}, "enum": set(), "timestamp": set(),
}
# components/mqtt/sensor.py and discovery's schema: what may be said of a sensor
KEYS = {"platform", "unique_id", "default_entity_id", "name", "state_topic", "device_class",
        "state_class", "suggested_display_precision", "unit_of_measurement", "value_template",
        "entity_category", "expire_after", "enabled_by_default", "options", "availability"}
# components/mqtt/binary_sensor.py
BINARY_KEYS = {"platform", "unique_id", "default_entity_id", "name", "state_topic", "device_class",
               "payload_on", "payload_off", "entity_category", "availability"}
FRAME = {"device", "origin", "availability", "availability_mode", "qos"}
DEVICE = {"identifiers", "name", "manufacturer", "model", "serial_number", "via_device"}


def sensor_faults(where, sensor):
    """What Home Assistant would refuse, or log about."""
    device_class, unit = sensor.get("device_class"), sensor.get("unit_of_measurement")
    state_class = sensor.get("state_class")
    if set(sensor) - KEYS:
        yield f"{where}: unknown {set(sensor) - KEYS}"
    if device_class is not None and unit not in UNITS[device_class]:
        yield f"{where}: {device_class} in {unit}"
    if state_class is not None and device_class is not None and state_class not in STATE_CLASSES.get(
            device_class, {"measurement"}):
        yield f"{where}: {device_class} as {state_class}"
    if state_class not in (None, "measurement", "total", "total_increasing"):
        yield f"{where}: {state_class}"
    if device_class == "enum" and not sensor.get("options"):
        yield f"{where}: an enum without options"
    if "options" in sensor and (device_class != "enum" or state_class or unit):
        yield f"{where}: options of what is no enum"
    if not re.fullmatch(r"sensor\.[a-z0-9_]+", sensor["default_entity_id"]):
        yield f"{where}: {sensor['default_entity_id']}"
    if "," in sensor["name"] or not sensor["name"]:
        yield f"{where}: named {sensor['name']!r}"
    if re.search(r"[+#\0]", sensor["state_topic"]):
        yield f"{where}: {sensor['state_topic']}"
    if sensor.get("entity_category", "diagnostic") != "diagnostic":
        yield f"{where}: {sensor['entity_category']}"


def binary_faults(where, sensor):
    if set(sensor) - BINARY_KEYS:
        yield f"{where}: unknown {set(sensor) - BINARY_KEYS}"
    if sensor["device_class"] != "connectivity":
        yield f"{where}: {sensor['device_class']}"
    if not re.fullmatch(r"binary_sensor\.[a-z0-9_]+", sensor["default_entity_id"]):
        yield f"{where}: {sensor['default_entity_id']}"
    if {sensor["payload_on"], sensor["payload_off"]} != {"online", "offline"}:
        yield f"{where}: {sensor}"


def device_faults(where, device):
    if set(device) - DEVICE:
        yield f"{where}: unknown {set(device) - DEVICE}"
    if not re.search(r"[A-Za-z]{3}", device["name"]) or device["name"] == device["serial_number"]:
        yield f"{where}: a device named {device['name']!r}"
    maker, model = device.get("manufacturer", ""), device.get("model", "")
    if not all(device.values()):
        yield f"{where}: {device} says nothing by a word"
    if maker and model.lower().startswith(maker.lower()):
        yield f"{where}: {model} by {maker}"


class MqttManager:
    """The handler of Jeedom's plugin MQTT Manager, by what it does: a batch ends with the first
    message it cannot take. `root` is in "Topic des Jeedom liée"."""

    def __init__(self, root):
        self.root, self.equipment, self.values, self.faults = root, {}, {}, []
        self.early = set()  # commands whose value came before they were described

    def take(self, topic, payload):
        levels = topic.split("/")
        if levels[0] != self.root:
            return
        try:
            message = json.loads(payload)
        except ValueError:
            message = None
        if not isinstance(message, dict) or not message:
            self.faults.append(f"{topic}: {payload!r} ends the batch")
        elif levels[1:3] == ["discovery", "eqLogic"] and len(levels) == 4:
            self.describe(levels[3], message)
        elif levels[1:3] == ["cmd", "event"] and len(levels) == 4:
            self.event(levels[3], message)
        else:
            self.faults.append(f"{topic}: nobody takes it")

    def describe(self, identity, message):
        for key in ("id", "name", "logicalId", "isEnable", "isVisible", "object_name",
                    "configuration", "cmds"):
            if key not in message:
                self.faults.append(f"{identity}: no {key}")
        if message["id"] != identity or not message["name"] or not message["cmds"]:
            self.faults.append(f"{identity}: {message['id']} named {message['name']!r}")
        names = [command["name"] for command in message["cmds"].values()]
        if len(names) != len(set(names)):  # Jeedom refuses the second of one name
            self.faults.append(f"{identity}: twice the same name in {names}")
        for key, command in message["cmds"].items():
            if command["id"] != key or command["type"] != "info" or \
                    command["subType"] not in ("numeric", "binary", "string"):
                self.faults.append(f"{identity}: command {command}")
            if re.search(r"[&#\]\[%'\"\\/]", command["name"].replace("'", "", 1)):
                self.faults.append(f"{identity}: {command['name']!r} has characters Jeedom strips")
        self.equipment[identity] = message

    def unknown(self):
        """Values that no command is for, of equipment that is described."""
        commands = {c for e in self.equipment.values() for c in e["cmds"]}
        return [i for i in self.early - commands if any(i.startswith(known + "_") for known in self.equipment)]

    def event(self, identity, message):
        owner = next((e for e in self.equipment.values() if identity in e["cmds"]), None)
        if owner is None:  # passed over, which is no loss: the next one is not
            self.early.add(identity)
            return
        kind = owner["cmds"][identity]["subType"]
        good = {"numeric": isinstance(message.get("value"), (int, float)),
                "binary": message.get("value") in (0, 1),
                "string": isinstance(message.get("value"), str)}[kind]
        if not good:
            self.faults.append(f"{identity}: {message} for a {kind}")
        self.values[identity] = message["value"]


def captures():
    """{name: bytes}: of every family, simulated; and every capture where there are any."""
    found = {profile: telegram(profile) for profile in SIMULATED}
    for path in sorted(SHARED.glob("*")) if SHARED.is_dir() else []:
        if path.suffix not in (".hex", ".txt", ".bin") or ".expect" in path.name:
            continue
        data = path.read_bytes()
        if path.suffix == ".hex":
            digits = re.sub(r"#[^\n]*", "", data.decode(errors="replace"))
            data = bytes.fromhex("".join(re.findall(r"[0-9A-Fa-f]{2}", digits)))
        found[path.stem] = data
    return found


class Consumers(unittest.TestCase):
    """One daemon behind whose lines are all of them."""

    @classmethod
    def setUpClass(cls):
        cls.broker = Broker().start()
        cls.sub = Subscriber(cls.broker)
        cls.daemon = Daemon()
        cls.lines = {name: Link(cls.daemon.folder / f"tty-{i}").plug()
                     for i, name in enumerate(captures())}
        sections = "".join(f'[converter "{i}"]\nDevice={link.path}\n'
                           for i, link in enumerate(cls.lines.values()))
        cls.daemon.configure(sections + f'[mqtt "local"]\nHost=127.0.0.1\nPort={cls.broker.port}\n'
                             "Instance=box\nFormats=native homeassistant jeedom\nLanguage=fr\n"
                             '[mqtt "entity"]\nHost=127.0.0.1\n'
                             f"Port={cls.broker.port}\nInstance=entity\nFormats=homeassistant\n"
                             "DiscoveryPrefix=old\nDiscovery=entity\n")
        cls.daemon.start()
        for _ in range(3):  # what is named once on a known line is believed the second time
            for name, data in captures().items():
                cls.lines[name].feed(data)
        wait_until(lambda: len(cls.daemon.meters()) >= len(SIMULATED), "the meters")
        cls.sub.wait(lambda _: len(cls.described()) >= len(SIMULATED), "their descriptions")

    @classmethod
    def tearDownClass(cls):
        code = cls.daemon.stop()
        cls.sub.wait(lambda got: [g for g in got if g[0].endswith("box/state")][-1][1] == "offline",
                     "the end")
        for link in cls.lines.values():
            link.unplug()
        cls.sub.close()
        cls.broker.__exit__()
        cls.daemon.bus.stop()
        shutil.rmtree(cls.daemon.folder)
        assert code == 0

    @classmethod
    def last(cls):
        """{topic: payload} of what was said last, as a consumer has it now."""
        return {topic: payload for topic, payload, _, _ in list(cls.sub.got)}

    @classmethod
    def described(cls):
        return {topic: json.loads(payload) for topic, payload in cls.last().items()
                if topic.startswith("homeassistant/device/") and payload}

    def wait_no_faults(self, faults, what):
        """What was said so far may be half of it: the other messages are on their way."""
        try:
            self.sub.wait(lambda _: not faults(), what)
        except AssertionError:
            self.assertEqual(faults()[:20], [])
            raise

    def test_home_assistant_accepts_every_device_and_every_entity(self):
        faults = []
        for topic, message in self.described().items():
            self.assertEqual(set(message), FRAME | {"components"})
            # no address at all is better than a dead one
            self.assertEqual(set(message["origin"]), {"name", "sw_version"} | ({"support_url"} if HELP else set()))
            self.assertEqual(message["origin"].get("support_url", ""), HELP)
            faults += device_faults(topic, message["device"])
            unique = [c["unique_id"] for c in message["components"].values()]
            self.assertEqual(len(unique), len(set(unique)))
            for leaf, sensor in message["components"].items():
                faults_of = {"sensor": sensor_faults, "binary_sensor": binary_faults}
                faults += faults_of[sensor["platform"]](f"{topic}#{leaf}", sensor)
        self.assertGreaterEqual(len(self.described()), len(SIMULATED))
        self.assertEqual(faults, [])

    def entities(self):
        """(topic, device, leaf, entity) of those that have a message each."""
        for topic, payload in self.last().items():
            if topic.startswith("old/") and payload:
                _, _, device, leaf, _ = topic.split("/")
                yield topic, device, leaf, json.loads(payload)

    def differences(self):
        """Between the entities and the components of their devices: two connections, each a moment
        behind the other."""
        devices = {m["device"]["identifiers"][0]: m for m in self.described().values()}
        found, seen = [], set()
        for topic, device, leaf, entity in self.entities():
            outer = devices.get(device, {}).get("components", {}).get(leaf)
            if outer is None:
                found.append(f"{topic}: not in its device")
                continue
            inner = {k: v for k, v in entity.items() if k not in FRAME}
            inner["state_topic"] = inner["state_topic"].replace("/entity/", "/box/")
            # what says since when a meter is gone stays
            if (len(entity["availability"]) == 2) != ("availability" not in outer):
                found.append(f"{topic}: {entity['availability']}")
            # expire_after becomes known while telegrams come
            outer = {k: v for k, v in outer.items() if k not in ("availability", "platform", "expire_after")}
            inner.pop("expire_after", None)
            if inner != outer or entity["device"] != devices[device]["device"]:
                found.append(f"{topic}: {inner} {outer}")
            seen.add((device, leaf))
        return found + [f"{device}: {leaf} has no message" for device, message in devices.items()
                        for leaf in message["components"] if (device, leaf) not in seen]

    def test_an_entity_of_its_own_says_what_it_says_within_its_device(self):
        self.wait_no_faults(self.differences, "entities one by one")
        entities = list(self.entities())
        self.assertGreater(len(entities), 30)
        for topic, _, _, entity in entities:
            self.assertRegex(topic, r"^old/(binary_)?sensor/[^/]+/[^/]+/config$")
            self.assertNotIn("platform", entity)
            self.assertLessEqual(FRAME, set(entity))
        self.assertFalse([t for t in self.last() if t.startswith("old/device/")])

    def diagnostics(self):
        """What is wrong with, or missing of, what each device says of itself."""
        values = self.last()
        forms = {"availability": r"online|offline", "last_telegram": r"\d{4}-\d\d-\d\dT[\d:]{8}\+00:00",
                 "damaged_frames": r"\d+"}
        for message in self.described().values():
            parts = message["components"]
            if "connected" in parts:
                prefix = parts["connected"]["state_topic"].removesuffix("availability")
                for name, form in forms.items():
                    if not re.fullmatch(form, values.get(prefix + name, "")):
                        yield f"{prefix}{name}: {values.get(prefix + name)}"

    def test_device_says_when_it_was_heard_and_how_well(self):
        self.wait_no_faults(lambda: list(self.diagnostics()), "what devices say of themselves")
        seen = 0
        for message in self.described().values():
            parts = message["components"]
            for leaf in ("connected", "last_telegram", "damaged_frames"):
                self.assertEqual(leaf in parts, "via_device" not in message["device"])
                if leaf in parts:
                    self.assertEqual(parts[leaf]["entity_category"], "diagnostic")
                    self.assertEqual(parts[leaf]["availability"], [{"topic": "smartmeterd/box/state"}])
            seen += "connected" in parts
        self.assertGreaterEqual(seen, len(SIMULATED))

    def manager(self):
        """MQTT Manager after all that was said so far; a value that no description ever names is a fault,
        but not one that came before its description."""
        manager = MqttManager("smartmeters")
        for topic, payload, _, _ in list(self.sub.got):
            manager.take(topic, payload)
        return manager

    def test_mqtt_manager_accepts_every_discovery_and_every_value(self):
        def complete():
            manager = self.manager()
            return len(manager.equipment) >= len(SIMULATED) and \
                all(f"{identity}_online" in manager.values for identity in manager.equipment) and \
                not manager.unknown()
        self.sub.wait(lambda _: complete(), "every equipment, and whether it is online")
        manager = self.manager()
        self.assertEqual(manager.faults[:20], [])
        self.assertEqual([g for g in list(self.sub.got) if g[0].startswith("smartmeters/") and g[2]], [])
        for equipment in manager.equipment.values():
            self.assertIn("ONLINE", {c.get("generic_type") for c in equipment["cmds"].values()})
        named = {c["name"] for e in manager.equipment.values() for c in e["cmds"].values()}
        self.assertIn("Énergie active soutirée", named)

    def test_mqtt_manager_that_comes_back_gets_everything_again(self):
        topics = {t for t, _, _, _ in self.sub.got if t.startswith("smartmeters/discovery/")}
        before = len(self.sub.got)
        subprocess.run(["mosquitto_pub", "-p", str(self.broker.port), "-t", "jeedom/state", "-m",
                        "online"], check=True, env=plain_environment())
        self.sub.wait(lambda got: topics <= {g[0] for g in got[before:]}, "all of them")


if __name__ == "__main__":
    unittest.main(verbosity=2)
