# SPDX-License-Identifier: MIT
"""The quick starts, typed word for word in each language: the commands of the page, on a machine of its
own (namespaces of mounts and network) with the shipped configuration, until the broker on the "other
machine", or Jeedom's own, has a reading. apt and sudo are stood in for: what they do is tested with the package."""

import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

from harness import Broker, Daemon, Link
from private_bus import BUILD, SECONDS, SOURCE, wait_until
from quick_start import PAGES, commands, jeedom_commands, routes
from smctl_case import SMCTL
from test_smctl_daemon import telegram

KEY, AUTH = "00112233445566778899AABBCCDDEEFF", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
SYSCONFDIR = re.search(r'SYSCONFDIR "(/.*)"', (BUILD / "config-build.h").read_text()).group(1)


def here(command):
    """Packages have /etc; this build may have its configuration elsewhere."""
    return command.replace(" /etc/", f" {SYSCONFDIR}/")


class Typed:
    """A command in a shell on a terminal, and what is typed into it."""

    def __init__(self, command, env):
        self.output = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.execve("/bin/bash", ["bash", "-c", command], env)

    def wait(self, word=None, meanwhile=lambda: None):
        """Until it asks that, or ends: its exit status then."""
        deadline = time.monotonic() + SECONDS * 2
        while word is None or word not in self.output:
            if time.monotonic() > deadline:
                raise AssertionError(f"waited in vain for {word!r}: {self.output}")
            meanwhile()
            if not select.select([self.master], [], [], 0.1)[0]:
                continue
            try:
                self.output += os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # its end
                status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
                os.close(self.master)
                if word is not None:
                    raise AssertionError(f"ended ({status}) before {word!r}: {self.output}") from None
                return status
        return None

    def answer(self, text):
        os.write(self.master, text.encode() + b"\n")


class OtherMachine(Broker):
    """homeassistant.local:1883, which lets in the user of the page alone."""

    def __init__(self, user):
        super().__init__()
        self.port = 1883
        passwords = f"{self.folder}/passwords"
        pathlib.Path(passwords).write_text(f"{user}:s3cret\n")
        subprocess.run(["mosquitto_passwd", "-U", passwords], check=True)
        pathlib.Path(self.folder, "conf").write_text(
            f"listener 1883 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\n"
            "persistence false\nuser root\n")


class QuickStart(unittest.TestCase):
    seal = ("--auth-key", AUTH, "--security", "30")

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        etc = self.folder / "etc/smartmeterd"
        (etc / "smartmeterd.conf.d").mkdir(parents=True)
        shutil.copy(SOURCE / "daemon/smartmeterd.conf", etc)
        subprocess.run(["mount", "--bind", etc.parent, SYSCONFDIR], check=True)
        self.addCleanup(subprocess.run, ["umount", SYSCONFDIR], check=True)
        hosts = self.folder / "hosts"
        hosts.write_text("127.0.0.1 localhost homeassistant.local\n")
        subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
        self.addCleanup(subprocess.run, ["umount", "/etc/hosts"], check=True)
        self.link = Link(self.folder / "tty").plug()
        self.addCleanup(self.link.unplug)
        (etc / "smartmeterd.conf.d/bench.conf").write_text(
            f'[converter "bench"]\nDevice={self.link.path}\nLine=2400 8E1\n')
        self.daemon = Daemon()
        self.daemon.config_path = pathlib.Path(SYSCONFDIR, "smartmeterd/smartmeterd.conf")
        self.enterContext(self.daemon)
        self.shell()
        self.now = 1800000000

    def shell(self):
        folder = self.folder / "bin"
        folder.mkdir()
        (folder / "smctl").symlink_to(SMCTL)
        (folder / "sudo").write_text('#!/bin/sh\nexec "$@"\n')
        (folder / "apt").write_text('#!/bin/sh\necho "$@" >>%s/apt\n' % self.folder)
        for name in ("sudo", "apt"):
            (folder / name).chmod(0o755)
        self.env = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", LC_ALL="C.UTF-8",
                        LANGUAGE="", TERM="dumb", DBUS_SYSTEM_BUS_ADDRESS=self.daemon.bus.address)

    def feed(self):
        self.now += 60
        self.link.feed(telegram("lgz-e570", "--key", KEY, *self.seal, "--time", str(self.now)))

    def feed_until(self, condition, what):
        def fed():
            self.feed()
            return condition()
        wait_until(fed, what)

    def meters(self):
        done = subprocess.run([SMCTL, "list-meters", "--json"], env=self.env, capture_output=True,
                              check=True)
        return json.loads(done.stdout)

    def type(self, command):
        """One command of the page, with the answers a person has."""
        typed = Typed(command, self.env)
        if " set-key " in command:
            typed.wait("Encryption key")
            typed.answer(KEY)
            typed.wait("Authentication key")
            typed.answer(AUTH)
        elif " set-broker " in command:
            typed.wait("Password of")
            typed.answer("s3cret")
        status = typed.wait(meanwhile=self.feed)
        if command != "smctl doctor":
            self.assertEqual(status, 0, f"{command}\n{typed.output}")
        return typed.output

    def follow(self, page):
        lines = commands(page)
        broker, = [c for c in lines if " set-broker " in c]
        user = re.search(r"--user (\S+)", broker)[1]
        with OtherMachine(user) as other:
            n = 0
            for line in lines:
                if " set-key " in line:  # the page says METER: list-meters shows it
                    self.feed_until(self.meters, "a meter")
                    line = re.sub(r"[A-ZÄ]+$", self.meters()[0]["id"], line)
                if line == "smctl doctor":  # who has got so far has a reading
                    self.feed_until(lambda: self.meters()[0]["key_state"] == "ok", "its key")
                    said = self.type(line)
                    self.assertIn("A meter is read.", said)
                    self.assertIn("Every broker is connected.", said)
                    # the meter's time runs faster here, and its other end is held by this test
                    self.assertLessEqual(set(re.findall(r"(?m)^✗ (\w+)", said)), {"holder", "clock"})
                else:
                    self.type(line)
                n += line.startswith("sudo ")
            self.assertRegex((self.folder / "apt").read_text(),
                             r"^install \./smartmeterd_[\d.]+_amd64\.deb\n$")
            self.assertLessEqual(n, 3 + 1)  # apt, set-broker, and the key
            self.arrives(other, user)

    def follow_jeedom(self, page):
        """As the plugin left the machine: its file, its broker, and no section for the converter."""
        self.seal = ("--security", "20")  # the plugin has a field for one key
        plugin = self.folder / "tmp/jeedom/SmartMeterUSB/config.ini"
        plugin.parent.mkdir(parents=True)
        plugin.write_text(f"[reader3]\ntype=lge570\nport={self.link.path}\nbaurate=2400\nkey={KEY}\n"
                          "[sink0]\ntype=logger\nname=DataLogger\n"
                          "[sink1]\ntype=mqtt\nhost=localhost\nport=1883\nusername=jeedom\n"
                          "password=s3cret\ntls=False\nclient_cert_path=\nclient_key_path=\n")
        (self.folder / "etc/smartmeterd/smartmeterd.conf.d/bench.conf").unlink()
        self.env["SMCTL_SYSROOT"] = str(self.folder)
        with OtherMachine("jeedom") as broker:
            said = [self.type(here(line)) for line in jeedom_commands(page)]
            self.assertEqual(len(said), 3)
            self.assertRegex(said[1], "(?s)Gestion automatique.*MQTT Manager.*Activer")
            self.arrives(broker, "jeedom", "smartmeter/+/ACTIVE_POWER_P", r"^{.*\"obis\": \"1.7.0\"}$")

    def test_jeedom_without_its_plugin_has_a_reading_after_what_the_short_section_says(self):
        install, set_broker, identify = routes(PAGES[0])[3]
        with OtherMachine("jeedom") as broker:
            self.type(install)
            self.type(set_broker)
            self.feed_until(self.meters, "a meter")
            typed = Typed(identify, self.env)
            typed.wait("Unplug the converter now")
            self.link.unplug()
            typed.wait("Now plug it in again")
            self.link.plug()
            typed.wait("Encryption key", self.feed)
            typed.answer(KEY)
            typed.wait("Authentication key")
            typed.answer(AUTH)
            self.assertEqual(typed.wait(meanwhile=self.feed), 0, typed.output)
            self.assertIn("All is well.", typed.output)
            self.arrives(broker, "jeedom", "smartmeters/cmd/event/+", r'^{"value":.*}$')

    def arrives(self, other, user, topic="smartmeterd/+/meter/+/active_power_import", form=r"^\d+$"):
        got = subprocess.Popen(["mosquitto_sub", "-h", "homeassistant.local", "-u", user, "-P", "s3cret",
                                "-t", topic, "-C", "1"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(got.stdout.close)
        deadline = time.monotonic() + SECONDS
        while got.poll() is None and time.monotonic() < deadline:
            self.feed()
            time.sleep(0.2)  # a meter's pace; what is waited for is the client's end
        got.kill()
        got.wait()
        self.assertRegex(got.stdout.read(), form)

    def test_quick_starts_say_the_same_in_every_language(self):
        for page in PAGES[1:]:
            self.assertEqual(routes(page), routes(PAGES[0]))
            self.assertEqual(jeedom_commands(page), jeedom_commands(PAGES[0]))
            self.assertEqual([re.sub(r"(set-key) .*", r"\1", c) for c in commands(page)],
                             [re.sub(r"(set-key) .*", r"\1", c) for c in commands(PAGES[0])])
        # Home Assistant here, elsewhere; Jeedom with its plugin, without
        self.assertEqual([len(route) for route in routes(PAGES[0])], [2, 3, 3, 3])
        self.assertEqual(routes(PAGES[0])[2], jeedom_commands(PAGES[0]))

    def test_english_quick_start_ends_with_a_reading_on_the_other_machine(self):
        self.follow("quickstart.md")

    def test_french_quick_start_ends_with_a_reading_on_the_other_machine(self):
        self.follow("quickstart.fr.md")

    def test_german_quick_start_ends_with_a_reading_on_the_other_machine(self):
        self.follow("quickstart.de.md")

    def test_english_quick_start_takes_the_plugin_of_jeedom_over_in_three_commands(self):
        self.follow_jeedom("quickstart.md")

    def test_french_quick_start_takes_the_plugin_of_jeedom_over_in_three_commands(self):
        self.follow_jeedom("quickstart.fr.md")

    def test_german_quick_start_takes_the_plugin_of_jeedom_over_in_three_commands(self):
        self.follow_jeedom("quickstart.de.md")


def loopback():
    """The network of a new namespace has its loopback, down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        flags = struct.pack("16sh14x", b"lo", 0x1 | 0x40)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(s, 0x8914, flags)  # SIOCSIFFLAGS


if __name__ == "__main__":
    if "--inside" in sys.argv:
        sys.argv.remove("--inside")
        loopback()
        unittest.main()
    for tool in ("unshare", "mosquitto_passwd"):
        if not shutil.which(tool):
            print(f"skipped: no {tool}")
            sys.exit(77)
    if subprocess.run(["unshare", "-m", "-n", "true"], capture_output=True, check=False).returncode or \
            not os.path.isdir(SYSCONFDIR):
        print("skipped: no namespaces here, or no folder for the configuration")
        sys.exit(77)
    os.execvp("unshare", ["unshare", "-m", "-n", sys.executable, __file__, "--inside", *sys.argv[1:]])
