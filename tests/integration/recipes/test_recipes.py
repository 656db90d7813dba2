# SPDX-License-Identifier: MIT
"""docs/recipes: what can be run here is run as it stands on the page; of the rest every topic, name and
path is looked up in what the service publishes."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest

import npm
from harness import Broker, Daemon, Link
from private_bus import SECONDS, SOURCE, wait_until
from smctl_case import SMCTL
from test_smctl_daemon import telegram

RECIPES = SOURCE / "docs/recipes"
METER = "LGZ1030655000001"
TOPIC = f"smartmeterd/house/meter/{METER}"


def blocks(page, language):
    """The blocks of this language on a page."""
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", (RECIPES / page).read_text())


def topics_of(page):
    return set(re.findall(r"smartmeterd/house/[\w/]+", page.read_text()))


class Recipes(unittest.TestCase):
    """One service and one broker for all: each recipe only reads."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="smrecipes."))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.broker = Broker().start()
        cls.addClassCleanup(cls.broker.stop)
        cls.link = Link(cls.folder / "tty").plug()
        cls.addClassCleanup(cls.link.unplug)
        cls.daemon = Daemon('[daemon]\nAutoBind=no\n[converter "bench"]\n'
                            f"Device={cls.link.path}\nLine=2400 8E1\n"
                            f'[mqtt "local"]\nHost=127.0.0.1\nPort={cls.broker.port}\n'
                            "Instance=house\nFormats=native\n")
        cls.daemon.start()
        cls.addClassCleanup(cls.daemon.stop)
        cls.data = telegram("lgz-e450", "--plain")
        said = subprocess.run([SMCTL, "decode", "-"], input=cls.data, capture_output=True, check=True)
        cls.said = {r["name"]: r["value"] for r in json.loads(said.stdout)["readings"]}
        cls.energy = cls.said["active_energy_import"]
        cls.power = cls.said["active_power_import"] - cls.said["active_power_export"]
        cls.programs()
        cls.published = cls.listen()

    @classmethod
    def programs(cls):
        """smctl of this build, and mosquitto's clients with the port of this broker."""
        folder = cls.folder / "bin"
        folder.mkdir()
        (folder / "smctl").symlink_to(SMCTL)
        for name in ("mosquitto_sub", "mosquitto_pub"):
            real = shutil.which(name)
            (folder / name).write_text(f'#!/bin/sh\nexec {real} -p {cls.broker.port} "$@"\n')
            (folder / name).chmod(0o755)
        cls.env = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", LC_ALL="C.UTF-8",
                       DBUS_SYSTEM_BUS_ADDRESS=cls.daemon.bus.address)

    @classmethod
    def listen(cls):
        """{topic: payload} of telegrams, until there is all that the pages name."""
        named = set().union(*(topics_of(page) for page in RECIPES.glob("*.md")), {f"{TOPIC}/telegram"})
        file = cls.folder / "published"
        with open(file, "wb") as out:
            with subprocess.Popen(["mosquitto_sub", "-h", "localhost", "-t", "#", "-F", "%t %p"],
                                  env=cls.env, stdout=out) as client:
                def heard():
                    cls.link.feed(cls.data)
                    # by whole lines: the last may be half written
                    return named <= {line.split(" ")[0] for line in file.read_text().split("\n")[:-1]}
                wait_until(heard, f"all of {sorted(named)}")
                client.terminate()
        return dict(line.split(" ", 1) for line in file.read_text().splitlines() if " " in line)

    def run_fed(self, command, **more):
        """Its output; telegrams go on coming while it runs."""
        with subprocess.Popen(command, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, **more) as process:
            def ended():
                self.link.feed(self.data)
                return process.poll() is not None
            try:
                wait_until(ended, " ".join(map(str, command)))
            finally:
                process.kill()
            out, errors = process.communicate()
        self.assertEqual(process.returncode, 0, errors)
        return out


class TestShell(Recipes):
    def test_every_line_for_the_shell_prints_what_the_page_says(self):
        if not shutil.which("jq"):
            self.skipTest("skipped: no jq")
        number, unit, line, power, energy, csv = [
            self.run_fed(["bash", "-e", "-c", block]) for block in blocks("shell.md", "sh")]
        self.assertEqual((number, unit), (f"{self.power}\n", f"{self.energy} Wh\n"))
        self.assertEqual(json.loads(line)["meter"], METER)
        self.assertEqual((power, energy), (f"{self.power}\n", f"{self.energy}\n"))
        self.assertRegex(csv, rf'^"[\d:T.+-]+","{METER}",{self.power},{self.energy}\n$')

    def test_domoticz_gets_the_six_numbers_of_its_smart_meter(self):
        if not shutil.which("jq"):
            self.skipTest("skipped: no jq")
        bridge, = blocks("domoticz.md", "bash")
        with subprocess.Popen(["bash", "-c", bridge], env=self.env, start_new_session=True) as runs:
            try:
                got = self.run_fed(["mosquitto_sub", "-h", "localhost", "-t", "domoticz/in", "-C", "1"])
            finally:
                os.killpg(runs.pid, 15)
        message = json.loads(got)
        numbers = message.pop("svalue").split(";")
        self.assertEqual(message, {"idx": 7, "nvalue": 0})
        self.assertEqual(numbers, [str(self.energy), "0", str(self.said["active_energy_export"]), "0",
                                   str(self.said["active_power_import"]),
                                   str(self.said["active_power_export"])])


class TestBus(Recipes):
    def test_python_prints_the_power(self):
        page, = blocks("dbus.md", "python")
        self.assertIn(f"{METER} {self.power}.0 W", self.run_fed(["/usr/bin/python3", "-c", page]))

    def test_c_compiles_and_prints_the_power(self):
        page, = blocks("dbus.md", "c")
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "libsystemd"],
                               capture_output=True, text=True, check=True).stdout.split()
        program = self.folder / "power"
        subprocess.run(["cc", "-Wall", "-Werror", "-xc", "-", "-o", program, *flags], input=page,
                       text=True, check=True)
        self.assertEqual(self.run_fed([program]), f"{METER} {self.power} W\n")

    def test_go_prints_the_power(self):
        if not shutil.which("go"):
            self.skipTest("skipped: no go")
        page, = blocks("dbus.md", "go")
        folder, debian = self.folder / "go", pathlib.Path("/usr/share/gocode/src/github.com/godbus/dbus")
        folder.mkdir()
        (folder / "main.go").write_text(page)
        env = dict(self.env, GOCACHE=str(self.folder / "gocache"), GOPATH=str(folder))
        if debian.is_dir():  # golang-dbus-dev; the page's name of it is the module's
            module = folder / "src/github.com/godbus/dbus"
            module.mkdir(parents=True)
            (module / "v5").symlink_to(debian)
            env["GO111MODULE"] = "off"
        for command in (["go", "mod", "init", "power"], ["go", "get", "github.com/godbus/dbus/v5"]):
            if not debian.is_dir() and subprocess.run(command, cwd=folder, capture_output=True, env=env,
                                                      timeout=SECONDS * 5, check=False).returncode:
                self.skipTest("skipped: neither golang-dbus-dev nor the module can be had")
        subprocess.run(["go", "build", "-o", "power", "main.go"], cwd=folder, env=env, check=True)
        self.assertEqual(self.run_fed([folder / "power"]), f"{METER} {self.power} W\n")

    def test_javascript_prints_the_power(self):
        folder = npm.packages(self, "dbus-next@0.10")
        page, = blocks("dbus.md", "javascript")
        with subprocess.Popen(["node", "-e", page], env=npm.environment(folder, self.env),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as node:
            out, errors = node.communicate(timeout=SECONDS * 2)
        self.assertEqual((out, node.returncode), (f"{METER} {self.power} W\n", 0), errors)


class TestNodeRed(Recipes):
    def flow(self):
        """The file of the page, with this broker and this threshold in place of its own."""
        nodes = json.loads((RECIPES / "node-red.json").read_text())
        kinds = {node["type"] for node in nodes}
        self.assertLessEqual({"mqtt in", "mqtt-broker", "change", "switch", "debug"}, kinds)
        for node in nodes:
            if node["type"] == "mqtt-broker":
                self.assertEqual((node["broker"], node["port"]), ("localhost", "1883"))
                node["broker"], node["port"] = "127.0.0.1", str(self.broker.port)
            if node["type"] == "switch":
                self.assertEqual(node["rules"][0]["v"], "5000")
                node["rules"][0]["v"] = str(self.power - 1)
        return nodes

    def test_flow_shows_the_power_and_warns_above_its_threshold(self):
        folder = npm.packages(self, "node-red@4")
        home = self.folder / "node-red"
        home.mkdir()
        (home / "flow.json").write_text(json.dumps(self.flow()))
        (home / "settings.js").write_text(
            "module.exports = { uiHost: '127.0.0.1', uiPort: 0, httpAdminRoot: false, "
            "httpNodeRoot: false, logging: { console: { level: 'info' } } };\n")
        file = home / "log"
        with open(file, "wb") as out, subprocess.Popen(
                ["node", str(folder / "node_modules/node-red/red.js"), "--userDir", str(home),
                 "--settings", str(home / "settings.js"), str(home / "flow.json")],
                env=dict(self.env, HOME=str(home)), stdout=out, stderr=out) as red:
            try:
                def shown():
                    self.link.feed(self.data)
                    text = file.read_text(errors="replace")
                    return ("[debug:power]" in text and "[debug:much is drawn]" in text) or \
                        red.poll() is not None
                wait_until(shown, "what the flow shows", SECONDS * 4)
            finally:
                red.terminate()
        text = file.read_text(errors="replace")
        self.assertRegex(text, rf"\[debug:power\] {self.power}\n")
        self.assertIn(METER, text.split("[debug:much is drawn]", 1)[1])  # the topic says which meter


class TestNames(Recipes):
    def test_every_topic_of_every_page_is_published(self):
        n = 0
        for page in sorted(RECIPES.glob("*.md")):
            for topic in topics_of(page):
                self.assertIn(topic, self.published, page.name)
                n += 1
        self.assertGreater(n, 12)

    def test_telegraf_finds_what_it_looks_for(self):
        config = tomllib.loads(blocks("telegraf.md", "toml")[0])
        reader, = config["inputs"]["mqtt_consumer"]
        topic = re.compile("^" + reader["topics"][0].replace("+", "[^/]+") + "$")
        found, = [t for t in self.published if topic.match(t)]
        message = json.loads(self.published[found])
        parser, = reader["json_v2"]
        self.assertRegex(message[parser["timestamp_path"]], r"^\d{4}-\d\d-\d\dT[\d:.]+[+-]\d\d:\d\d$")
        self.assertEqual(message[parser["tag"][0]["path"]], METER)
        self.assertEqual(message[parser["field"][0]["path"]], self.power)
        self.assertEqual(message[parser["object"][0]["path"]]["active_energy_import"], self.energy)

    def test_dashboard_asks_for_what_is_exported(self):
        board = json.loads((RECIPES / "grafana.json").read_text())
        exported = subprocess.run([SMCTL, "metrics"], env=self.env, capture_output=True, text=True,
                                  check=True).stdout
        names = set(re.findall(r"(?m)^# TYPE (\S+)", exported))
        labels = {name: re.findall(r"(\w+)=\"", line) for name, line in
                  re.findall(r"(?m)^(smartmeter_\w+)\{(.*)\}", exported)}
        asked = [t for panel in board["panels"] for t in panel["targets"]]
        self.assertGreater(len(asked), 7)
        for target in asked:
            name, = re.findall(r"smartmeter_\w+", target["expr"])
            self.assertIn(name, names)
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                self.assertIn(label, labels[name], name)

    def test_evcc_template_reads_as_yaml(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("skipped: no python3-yaml")
        config = yaml.safe_load(blocks("evcc.md", "yaml")[0])
        grid, = config["meters"]
        self.assertEqual(grid["energy"]["scale"], 0.001)
        self.assertEqual([c["topic"].rsplit("/", 1)[1] for c in grid["currents"]],
                         ["current_l1", "current_l2", "current_l3"])

    def test_every_page_is_in_the_list(self):
        index = (RECIPES / "README.md").read_text()
        for file in RECIPES.iterdir():
            if file.name != "README.md":
                self.assertIn(f"({file.name})", index)


del Recipes  # it has no tests of its own

if __name__ == "__main__":
    unittest.main()
