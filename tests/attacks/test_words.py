# SPDX-License-Identifier: MIT
"""Words that somebody else chose: ids of meters, files to check or to import. They reach neither an
interpreter, nor a terminal's control sequences, nor the bus as what it does not take."""

import re
import subprocess
import unittest

from attack_bed import SMCTL, Service, bus, json, mqtt, p1, plain_environment, wait_until
from broker import Broker, Folder, Subscriber

HOSTILE = [b"$(touch${IFS}PWNED)", b"`id>&2`", b"a;reboot", b"../../etc/passwd", b"+/#", b"$SYS/x",
           b'"}{"a":"', b"\x1b[2J\x1b]0;owned\x07", b"a\0b", b"%s%n%n", b"-rf", b"M\xfcller", b"x" * 90,
           b"\r\nHost=evil", b"<script>"]
PLAIN = re.compile(r"[A-Za-z0-9._:-]+")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

EVIL_INI = b"""[reader0]
type = lge450
port = /dev/tty\x1b[2JUSB0
key = \x1b]0;owned\x07
foo\x1b[31m = bar\xc2\x9b31m
[sink;reboot]
type = mqtt
host = evil\x1b[2Jhost
username = me
password = secret
[sink/../../../../tmp/evil]
type = mqtt
username = me
password = secret
[lo\x1b[2Jgging]
default = IN\x1b[1mFO
"""
EVIL_CONF = b"""[mqtt "x\x1b[2J"]
Hos\x1bt=1
[conv\x1b[1m "a"]
[converter "a\xc2\x9b31m"]
Line=\x1b[2J
[mqtt "b"]
Host=a\x7fb
Formats=na\xfftive
"""


def run(*words):
    return subprocess.run([SMCTL, *words], capture_output=True, timeout=bus.SECONDS,
                          env=plain_environment(LC_ALL="C.UTF-8"))


class WhatAMeterCallsItself(unittest.TestCase):
    def test_ids_are_plain_words_on_the_bus_in_topics_and_on_a_terminal(self):
        with Folder() as folder, Broker(folder) as broker, Subscriber(broker) as sub, \
                Service(mqtt("m", broker.port, formats="native homeassistant datacollector rl-dsp "
                                                       "jeedom")) as s:
            s.wait_output("m", lambda o: o["Connected"], "a connection")
            for meter in HOSTILE:
                for n in range(3):
                    s.feed(p1(meter, 1000 + n))
            s.feed(p1(b"LAST", 1) * 3)
            s.wait_telegrams("LAST")
            self.assertGreater(len(s.meters()), 5)
            for meter in s.meters():
                self.assertTrue(PLAIN.fullmatch(meter), meter)
                self.assertNotEqual(meter[0], "-")
            sub.wait(lambda got: any("LAST/telegram" in t for t, *_ in got), "the last telegram")
            for topic, payload, _, _ in list(sub.got):
                self.assertFalse(CONTROL.search(topic + payload), (topic, payload))
                self.assertLessEqual(topic.count("/"), 5, topic)
                self.assertNotIn("..", topic.split("/"))
                if payload.startswith("{"):
                    json.loads(payload)
            for words in (["status"], ["list-meters"], ["list-converters"], ["readings", "LAST"]):
                self.assertFalse(CONTROL.search(s.smctl(*words)), words)
            self.assertFalse(CONTROL.search(s.log.replace("\n", "")))


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.path = self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)

    def write(self, name, data):
        path = f"{self.path}/{name}"
        with open(path, "wb") as f:
            f.write(data)
        return path

    def check(self, done):
        text = (done.stdout + done.stderr).decode()  # UTF-8, all of it
        self.assertFalse(CONTROL.search(text.replace("\n", "")), text)
        return text

    def test_check_config_shows_no_control_character_of_the_file(self):
        path = self.write("evil.conf", EVIL_CONF)
        for words in (["check-config", path], ["check-config", "--json", path]):
            done = run(*words)
            self.assertEqual(done.returncode, 1)
            self.check(done)

    def test_import_config_shows_no_control_character_of_the_file(self):
        path = self.write("evil.ini", EVIL_INI)
        for words in (["import-config", path], ["import-config", "--json", path]):
            done = run(*words)
            self.assertIn(b"lgz-e450", done.stdout)
            text = self.check(done)
            # What it says can be typed as it stands.
            self.assertNotIn(";reboot", text)

    def test_complaints_show_no_control_character_of_what_they_are_about(self):
        word = "/none\x1b[2J\x9b\x07"
        for words in (["import-config", word], ["check-config", word], ["decode", word],
                      ["decode", "--profile", word], ["decode", "--profile", word + ".profile"],
                      ["decode", "--key", word], ["decode", "--" + word], ["learn", word],
                      ["learn", word + "=1"], ["simulate", word], ["simulate", "lgz-e450", "--to", word],
                      ["history", "x", "--date", word], [word], ["--" + word], ["help", word]):
            with self.subTest(words):
                done = run(*words)
                self.assertNotEqual(done.returncode, 0)
                self.assertTrue(done.stderr)
                self.check(done)

    def test_results_show_no_control_character_of_the_files_they_are_about(self):
        path = self.write("good\x1b[2J.conf", b"[daemon]\n")
        done = run("check-config", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("good", self.check(done))
        path = self.write("telegrams\x1b[2J", b"no telegram")
        done = run("decode", path)
        self.assertIn("telegrams", self.check(done))

    def test_import_config_writes_beside_its_output_and_nowhere_else(self):
        path = self.write("evil.ini", EVIL_INI)
        self.write("keep", b"")
        run("import-config", path, "-o", f"{self.path}/out.conf")
        names = subprocess.run(["find", self.path, "-type", "f", "-printf", "%P\\n"], check=True,
                               capture_output=True, text=True).stdout.split()
        self.assertIn("out.conf", names)
        for name in names:
            self.assertTrue(PLAIN.fullmatch(name), name)
        self.assertEqual(len([n for n in names if n.endswith(".password")]), 2)


class NotUtf8(unittest.TestCase):
    """An editor that writes Latin-1."""

    def test_a_name_in_latin_1_is_an_error_with_its_line_and_the_bus_goes_on(self):
        with Service() as s:
            for bad in (b'[meter "SEQ2"]\nName=Z\xe4hler\n', b"[tariff]\nLabel.1=g\xfcnstig\n",
                        b'[mqtt "K\xfcche"]\nHost=127.0.0.1\nPort=1\n',
                        b'[mqtt "m"]\nHost=127.0.0.1\nPort=1\nGroup=K\xfcche\n'):
                s.write(s.base.encode() + bad)
                s.smctl("reload", code=1)
                done = run("check-config", str(s.config_path))
                self.assertEqual(done.returncode, 1)
                self.assertIn("UTF-8", done.stdout.decode() + done.stderr.decode())
                # All there is can still be asked for.
                s.feed(p1(b"SEQ1", 1000))
                s.wait_telegrams("SEQ1")
                s.client.get_all(bus.ROOT, bus.MANAGER)
                s.smctl("status", code=None)
                s.smctl("list-meters")

    def test_long_refused_values_are_cut_between_letters(self):
        with Service() as s:
            for letter in ("é", "€", "😀"):
                for n in (40, 59, 60, 61, 99, 100):
                    s.write('[mqtt "m"]\nFormats=' + "x" * n + letter * 60 + "\n")
                    s.smctl("reload", code=1)
                    self.assertTrue(s.client.get_all(bus.ROOT, bus.MANAGER)["LastReloadError"])
                    with self.assertRaises(bus.CallError):
                        s.manager("GetMeter", "s", "x" * n + letter * 60)
                    with self.assertRaises(bus.CallError):
                        s.manager("GetConverter", "s", "x" * n + letter * 60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
