# SPDX-License-Identifier: MIT
"""A broker that is not mosquitto and speaks MQTT 3.1.1 alone: aedes, of npm."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import npm
from broker import Driver, Folder, config, until

SCRIPT = """
const aedes = require('aedes')();
const server = require('net').createServer(aedes.handle);
const say = (...words) => console.log(JSON.stringify(words));
aedes.authenticate = (client, user, password, done) => {
    const good = process.argv[1] === '' || (user === 'me' && String(password) === process.argv[1]);
    const error = good ? null : Object.assign(new Error('no'), {returnCode: 4});
    done(error, good);
};
aedes.on('publish', (p, client) => say('publish', p.topic, String(p.payload), p.qos, p.retain, !!client));
server.listen(0, '127.0.0.1', () => say('port', server.address().port));
"""
STATE = "smartmeterd/box/state"
ENERGY = "smartmeterd/box/meter/LGZ1/active_energy_import"


class Aedes:
    def __init__(self, case, password=""):
        folder = npm.packages(case, "aedes@0.51")
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(["node", "-e", SCRIPT, password], stdin=subprocess.DEVNULL,
                                        stdout=self.log, cwd=folder)
        self.port = until(lambda: [w[1] for w in self.words() if w[0] == "port"], "its port")[0]

    def words(self):
        self.log.seek(0)
        return [json.loads(line) for line in self.log.read().split("\n")[:-1]]

    def published(self, topic):
        return [w[2:5] for w in self.words() if w[0] == "publish" and w[1] == topic]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()


class OtherBroker(unittest.TestCase):
    def test_readings_arrive_and_its_age_is_no_fault(self):
        with Folder() as folder, Aedes(self) as broker, Driver(folder, config(broker.port)) as driver:
            driver.connected()
            driver.send("telegram LGZ1 1700000000 1000 5")
            until(lambda: broker.published(ENERGY) == [["1000", 1, True]], "the reading")
            self.assertEqual({line["error"] for line in driver.lines if "error" in line}, {""})
            driver.kill()
            until(lambda: [p[0] for p in broker.published(STATE)] == ["online", "offline"], "the will")

    def test_wrong_password_is_told_as_that(self):
        with Folder() as folder, Aedes(self, "right") as broker:
            password = pathlib.Path(folder, "password")
            password.write_text("wrong")
            password.chmod(0o600)
            lines = ["Username=me", f"PasswordFile={password}"]
            with Driver(folder, config(broker.port, *lines)) as driver:
                self.assertIn("PasswordFile=", driver.fails("does not let the user me in"))
            password.write_text("right")
            with Driver(folder, config(broker.port, *lines)) as driver:
                driver.connected()


if __name__ == "__main__":
    unittest.main(verbosity=2)
