# SPDX-License-Identifier: MIT
"""The quick start, typed word for word by a user with sudo on a terminal, on a machine that has never had
the package: from the .deb to the first reading at the broker of Home Assistant, or of Jeedom."""

import json
import os
import shlex
import subprocess
import sys
import threading

from channel import wait_for
from service import ServiceCase

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration", "recipes"))
# pylint: disable=wrong-import-position
from quick_start import PAGES, routes
from vm import Machine

KEY, AUTH = "00112233445566778899AABBCCDDEEFF", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
# Jeedom's plugin has a field for one key, so its meters do not authenticate.
BOTH, ONE = ("--key", KEY, "--auth-key", AUTH, "--security", "30"), ("--key", KEY, "--security", "20")
# In each language the same; the last is typed with the recipes, where it takes seconds.
HA_HERE, HA_ELSEWHERE, WITH_PLUGIN, _ = routes(PAGES[0])

# SIOCSIFADDR: there is no iproute2 on the machine
ADD_ADDRESS = """import fcntl, socket, struct, sys
ioctl = struct.pack("16sH2x4s8x", sys.argv[1].encode(), socket.AF_INET, socket.inet_aton(sys.argv[2]))
fcntl.ioctl(socket.socket(socket.AF_INET, socket.SOCK_DGRAM), 0x8916, ioctl)"""
OTHER = "10.77.0.2"

PLUGIN = f"""[reader3]
type=lge570
port=/dev/ttyUSB0
baurate=2400
key={KEY}
[sink0]
type=logger
name=DataLogger
[sink1]
type=mqtt
host=localhost
port=1883
username=jeedom
password=s3cret
tls=False
client_cert_path=
client_key_path=
"""


class QuickStart(ServiceCase):
    def setUp(self):
        """The saved boot again, beside the machine of the other tests: nothing was ever installed here."""
        self.vm = Machine(self.vm.cache).start(resume=True)
        self.addCleanup(self.vm.stop)
        super().setUp()
        self.vm.put(os.path.join(HERE, "typed.py"), "/usr/local/lib/testvm/typed.py")
        self.vm.check("useradd -m -s /bin/bash person")
        self.vm.put(b"person ALL=(ALL) NOPASSWD: ALL\n", "/etc/sudoers.d/person", 0o440)
        name = subprocess.run(["dpkg-deb", "--show", "--showformat=${Package}_${Version}_${Architecture}.deb", self.deb],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        self.vm.put(self.deb, "/home/person/" + name)  # what the page says that it is called

    # --- the hands ------------------------------------------------------------------------------
    def type(self, command, *answers, meanwhile=None):
        """One command of the page with the answers a person has; `meanwhile`: what that person does with
        the converter, when the terminal asks for it."""
        log = "/home/person/typed"
        words = shlex.join(["python3", "-E", "/usr/local/lib/testvm/typed.py", log, command,
                            *(word for pair in answers for word in pair)])
        done = []
        run = f"cd /home/person && setpriv --reuid=person --regid=person --init-groups env -i " \
              f"HOME=/home/person PATH=/usr/local/bin:/usr/bin:/bin LC_ALL=C.UTF-8 TERM=linux {words}"
        self.vm.check(f"rm -f {log}")
        thread = threading.Thread(target=lambda: done.append(self.vm.run(run, 300)))
        thread.start()
        for text, act in meanwhile or []:
            wait_for(text, lambda text=text: done or text in self.vm.run(f"cat {log}").out, 120, 0.3)
            if not done:
                act()
        thread.join()
        said = self.vm.run(f"cat {log}").out
        self.assertEqual(done[0].code, 0, f"{command}\n{said}\n{done[0].err}")
        return said

    def begin_meter(self, seal):
        """Simulated by the package's smctl, so when there is one."""
        self.usb("meter", device="house", interval=5, command=[
            "/usr/bin/smctl", "simulate", "lgz-e570", "--fast", "--count", "1", "--stdout",
            "--meter-id", "LGZ1030655000501", *seal])

    def install(self, command, chip, seal):
        self.plug("house", chip, port=1)
        self.vm.until("test -c /dev/ttyUSB0")
        self.type(command, ("Do you want to continue?", "y"))  # asked where more than the file is named
        self.begin_meter(seal)

    def identify(self, command):
        """Unplugged and plugged in again when it says so; the service may use it; the two keys."""
        said = self.type(command, ("[Y/n]", "y"), ("Encryption key", KEY), ("Authentication key", AUTH),
                         meanwhile=[("Unplug the converter now", lambda: self.unplug("house")),
                                    ("Now plug it in again", lambda: self.plug("house", "ft232", port=1))])
        self.assertRegex(said, r"Meter LGZ1030655000501 .* W now, .* kWh in all\. All is well\.")

    def broker(self, user, address):
        """A broker that lets in only this user: Home Assistant's, or Jeedom's as MQTT Manager makes it."""
        self.vm.check(f"printf '{user}:s3cret\\n' >/run/broker.passwords; mosquitto_passwd -U /run/broker.passwords; "
                      "chown mosquitto /run/broker.passwords")
        self.vm.put(f"listener 1883 {address}\nallow_anonymous false\npassword_file /run/broker.passwords\n"
                    "persistence false\n".encode(), "/run/broker.conf")
        self.vm.check("systemctl stop mosquitto")  # Debian's, which lets in everybody
        self.vm.check("systemd-run -q -u broker /usr/sbin/mosquitto -c /run/broker.conf")
        self.vm.until(f"mosquitto_pub -h {address} -u {user} -P s3cret -t hello -n")
        self.assertNotEqual(self.vm.run(f"mosquitto_pub -h {address} -t hello -n").code, 0)

    def heard(self, topic, access=""):
        """The next message of this topic at the broker, an old one included."""
        return self.vm.check(f"timeout 150 mosquitto_sub -C 1 -t '{topic}' {access}", 180)

    # --- the routes -----------------------------------------------------------------------------
    def test_home_assistant_on_this_machine_has_a_reading_after_two_commands(self):
        install, identify = HA_HERE
        self.vm.check("systemctl start mosquitto")  # as it is where there is one already
        self.install(install, "ft232", BOTH)
        self.identify(identify)
        self.assertRegex(self.heard("smartmeterd/+/meter/+/active_power_import"), r"^\d+$")
        device = json.loads(self.heard("homeassistant/device/+/config"))
        self.assertIn("active_energy_import", device["components"])

    def test_home_assistant_on_another_machine_has_a_reading_after_three_commands(self):
        install, set_broker, identify = HA_ELSEWHERE
        # of the loopback interface, and not of this machine alone as 127.0.0.2 would be
        self.vm.check(f"python3 -c {shlex.quote(ADD_ADDRESS)} lo:1 {OTHER}")
        self.vm.check(f"echo {OTHER} homeassistant.local >>/etc/hosts")
        self.broker("meter", OTHER)
        self.install(install, "ft232", BOTH)
        self.type(set_broker, ("Password of meter", "s3cret"))
        self.identify(identify)
        access = "-h homeassistant.local -u meter -P s3cret"
        self.assertRegex(self.heard("smartmeterd/+/meter/+/active_power_import", access), r"^\d+$")

    def test_jeedom_with_its_plugin_has_a_reading_after_three_commands(self):
        install, take_over, reload_it = WITH_PLUGIN
        self.broker("jeedom", "127.0.0.1")
        self.vm.put(PLUGIN.encode(), "/tmp/jeedom/SmartMeterUSB/config.ini")
        self.vm.check("chown -R www-data: /tmp/jeedom")
        self.install(install, "pl2303", ONE)
        said = self.type(take_over)
        self.assertRegex(said, "(?s)Gestion automatique.*MQTT Manager.*Activer")
        self.type(reload_it)
        value = json.loads(self.heard("smartmeter/+/ACTIVE_POWER_P", "-u jeedom -P s3cret"))
        self.assertEqual(value["obis"], "1.7.0")
