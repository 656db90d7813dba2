# SPDX-License-Identifier: MIT
"""smctl set-broker with the real service and a real mosquitto that wants a password."""

import os
import pathlib
import shutil
import stat
import subprocess
import tempfile
import unittest

from harness import Broker, Daemon
from private_bus import wait_until
from smctl_case import SmctlCase, smctl
from test_smctl_terminal import Terminal

NOTHING = "127.0.0.1:9"  # discard: no server listens there


class Guarded(Broker):
    """A broker that lets in meter with the password s3cret, and no other user."""

    def __init__(self):
        super().__init__()
        passwords = f"{self.folder}/passwords"
        with open(passwords, "w") as file:
            file.write("meter:s3cret\n")
        subprocess.run(["mosquitto_passwd", "-U", passwords], check=True)
        conf = pathlib.Path(self.folder, "conf")
        conf.write_text(conf.read_text().replace(
            "allow_anonymous true", f"allow_anonymous false\npassword_file {passwords}"))


@unittest.skipUnless(shutil.which("mosquitto_passwd"), "skipped: no mosquitto_passwd")
@unittest.skipIf(os.getuid() != 0, "skipped: without polkit only root may change something")
class TestSetBroker(SmctlCase):
    def setUp(self):
        self.broker = self.enterContext(Guarded())
        self.host = f"127.0.0.1:{self.broker.port}"
        self.daemon = Daemon()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.daemon.config_path = self.folder / "smartmeterd.conf"
        self.daemon.configure('[mqtt "local"]\nHost=localhost\nPort=9\nListener=system\nSpool=no\n')
        self.enterContext(self.daemon)
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.daemon.bus.address}

    def set_broker(self, *args, **more):
        return smctl("set-broker", "--config", str(self.daemon.config_path), *args, env=self.env,
                     **more)

    def output(self):
        return self.run_json("status", env=self.env)["outputs"][0]

    def test_one_command_connects_to_a_broker_with_a_password(self):
        done = self.set_broker(self.host, "--user", "meter", stdin="s3cret\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Connected: the readings go to 127.0.0.1 now", done.stdout)
        self.assertTrue(self.output()["connected"])
        secret = self.folder / "broker-local.password"
        self.assertEqual(secret.read_text(), "s3cret\n")
        self.assertEqual(stat.S_IMODE(secret.stat().st_mode) & 0o137, 0)
        drop_in = self.folder / "smartmeterd.conf.d/set-broker-local.conf"
        self.assertNotIn("s3cret", drop_in.read_text())
        self.assertEqual(sorted(p.name for p in self.folder.rglob("*.new")), [])

    def test_refused_password_is_told_and_the_next_run_corrects_it(self):
        done = self.set_broker(self.host, "--user", "meter", stdin="wrong\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not let the user meter in", done.stderr)
        done = self.set_broker(self.host, stdin="")
        self.assertIn("wants a user and a password", done.stderr)
        self.assertFalse((self.folder / "broker-local.password").exists())
        got = self.run_json("set-broker", "--config", str(self.daemon.config_path), self.host,
                            "--user", "meter", stdin="s3cret\n", env=self.env)
        self.assertEqual((got["connected"], got["name"], got["error"]), (True, "local", None))

    def test_broker_that_is_not_there_is_told(self):
        done = self.set_broker(NOTHING)
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing listens there", done.stderr)
        self.assertIn("tried again by itself", done.stderr)

    def test_person_is_asked_and_asked_again(self):
        terminal = Terminal(["set-broker", "--config", str(self.daemon.config_path)],
                            dict(self.env, NO_COLOR="1"), 200)
        terminal.read_until(lambda out: "Broker (" in out, "the first question")
        terminal.press(f"mqtt://{self.host}\r")
        terminal.read_until(lambda out: "User (" in out, "the second question")
        terminal.press("meter\r")
        terminal.read_until(lambda out: "Password of meter" in out, "the third question")
        terminal.press("wrong\r")
        terminal.read_until(lambda out: out.count("Password of meter") == 2, "the same again")
        terminal.press("s3cret\r")
        out, code = terminal.end()
        self.assertEqual(code, 0, out)
        self.assertIn("Connected", out)
        self.assertNotIn("s3cret", out)

    def test_what_would_be_wrong_changes_nothing(self):
        done = self.set_broker(self.host, "--formats", "nativ")
        self.assertEqual(done.returncode, 1)
        self.assertIn("nothing was changed", done.stderr)
        self.assertEqual(list(self.folder.rglob("*set-broker*")), [])

    def test_slips_are_told(self):
        for host, word in (("http://x", "mqtt://"), ("wss://x/mqtt", "WebSockets"), ("ws://x:9001", "mqtts://host:8883"), ("me@x", "--user"), ("x:99999", "no name"),
                           ("a b", "no name"), ("", "no name")):
            done = self.set_broker(host)
            self.assertEqual(done.returncode, 2, host)
            self.assertIn(word, done.stderr)
        self.assertIn("letters, digits", self.set_broker("x", "--name", "../x").stderr)
        self.assertIn("which HOST", self.set_broker().stderr)
        done = smctl("set-broker", "x", "--config", "/nonexistent/smartmeterd.conf", env=self.env)
        self.assertIn("is the package installed", done.stderr)
        done = self.set_broker("x", "--user", "meter")
        self.assertIn("no password", done.stderr)

    def test_written_for_a_service_that_does_not_run(self):
        self.daemon.stop()
        done = self.set_broker(self.host, "--user", "meter", stdin="s3cret\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn("the service does not run", done.stderr)
        self.daemon.start()
        self.env = {"DBUS_SYSTEM_BUS_ADDRESS": self.daemon.bus.address}
        wait_until(lambda: self.output()["connected"], "the broker")


if __name__ == "__main__":
    unittest.main()
