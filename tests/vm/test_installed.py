# SPDX-License-Identifier: MIT
"""The package on a stock system: what it takes is to install it and to plug the converter in."""

from channel import wait_for
from service import INSTALL, ServiceCase

NUMBER = "LGZ1030655000401"


class Installed(ServiceCase):
    """In the order of the life of a package; each test goes on where the one before left the machine."""

    def main_pid(self):
        return self.vm.check("systemctl show -P MainPID smartmeterd").strip()

    def wait_restart(self, before, timeout):
        self.vm.until("""{ p=$(systemctl show -P MainPID smartmeterd); [ "$p" != 0 ] && [ "$p" != %s ] &&
                systemctl is-active smartmeterd; }""" % before, timeout)

    def wait_readings(self, after=0, timeout=60):
        converter = self.wait_converter(timeout, state="receiving", vendor_id=0x067B)
        meter = self.wait_telegram(NUMBER, converter["id"], after, timeout)
        # mosquitto_sub ends with the first message that is not an old, retained one
        topic = "smartmeterd/+/meter/+/active_power_import"
        self.assertRegex(self.vm.check("timeout 40 mosquitto_sub -R -C 1 -t '%s'" % topic, 60), r"^\d+$")
        return meter

    def plug_house(self, port=1):
        self.plug("house", "pl2303", port=port)
        self.meter("house", number=NUMBER)

    def test_1_service_reads_a_meter_that_is_plugged_in(self):
        self.assertEqual(self.vm.check("systemctl is-active smartmeterd mosquitto").split(), ["active"] * 2)
        self.assertEqual(self.vm.check("systemctl show -P NRestarts smartmeterd").strip(), "0")
        self.plug_house()
        self.wait_readings()
        seen = self.vm.check("timeout 40 mosquitto_sub -C 1 -t 'smartmeter/+/ACTIVE_POWER_P'", 60)
        self.assertIn('"obis": "1.7.0"', seen)
        self.unplug("house")
        self.wait_converter(state="gone", vendor_id=0x067B)
        self.plug_house()
        self.wait_readings(self.meter_of(NUMBER)["statistics"]["telegrams"])

    def test_2_unit_is_confined(self):
        self.vm.check("systemd-analyze security --no-pager --threshold=15 smartmeterd.service")

    def test_2_polkit_decides_what_others_may(self):
        """By Debian's own polkitd: tests elsewhere have a mock."""
        self.plug_house()
        converter = self.wait_converter(vendor_id=0x067B)
        nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups smctl "
        self.assertIn(converter["id"], self.vm.check(nobody + "list-converters --json"))
        forget = nobody + "forget '%s'" % converter["id"]
        refused = self.vm.run(forget)
        self.assertEqual(refused.code, 1)
        self.assertIn("org.smartmeterd.manage", refused.err)
        self.vm.put(b"""polkit.addRule(function(action, subject) {
            if (action.id == "org.smartmeterd.manage" && subject.user == "nobody") return polkit.Result.YES; });""",
                    "/etc/polkit-1/rules.d/50-test.rules")
        self.addCleanup(self.vm.check, "rm /etc/polkit-1/rules.d/50-test.rules")
        self.vm.until(forget)  # polkitd sees the rule by itself

    def test_3_watchdog_starts_a_standing_daemon_anew(self):
        self.plug_house()
        self.wait_readings()
        before = self.main_pid()
        self.vm.check("kill -STOP " + before)
        self.wait_restart(before, 150)  # WatchdogSec=1min
        self.wait_readings()

    def test_4_service_reads_on_after_a_reboot(self):
        self.vm.reboot()
        self.usb = self.vm.usb()
        self.assertEqual(self.vm.check("systemctl is-active smartmeterd mosquitto").split(), ["active"] * 2)
        self.plug_house()
        self.wait_readings()
        first = self.vm.check("journalctl -b -u smartmeterd -o cat | grep -m 1 'listening at'")
        self.assertIn("2400 8E1", first)  # learned before

    def test_5_upgrade_keeps_configuration_and_state(self):
        self.plug_house()
        self.wait_readings()
        self.vm.check("echo '# mine' >>/etc/smartmeterd/smartmeterd.conf")
        state, before = self.vm.check("stat -c %i /var/lib/smartmeterd/state.db"), self.main_pid()
        self.vm.check(INSTALL % ("-o Dpkg::Options::=--force-confold", "newer"), 180)
        self.assertIn("+newer", self.vm.check("dpkg-query -W smartmeterd"))
        self.wait_restart(before, 60)  # a loaded machine answers late
        self.vm.check("grep -q '^# mine$' /etc/smartmeterd/smartmeterd.conf")
        self.assertEqual(self.vm.check("stat -c %i /var/lib/smartmeterd/state.db"), state)
        self.wait_readings()

    def test_6_purge_leaves_nothing(self):
        # as a person leaves it behind: a broker with a password
        self.vm.run("echo s3cret | smctl set-broker localhost --user meter --seconds 5")
        self.vm.check("grep -q s3cret /etc/smartmeterd/broker-local.password")
        self.vm.check("DEBIAN_FRONTEND=noninteractive apt-get purge -y smartmeterd", 180)
        left = self.vm.check("find / -xdev -name '*smartmeter*' -not -path '/proc/*' -not -path '/sys/*' "
                             "-not -path '/run/*' -not -path '/var/log/*' -not -path '/var/lib/systemd/*'")
        self.assertEqual(left, "")
        wait_for("nothing runs", lambda: self.vm.run("pgrep -u smartmeterd").code == 1, 10)
        self.plug("house", "pl2303", port=1)  # nor does udev know the converter any more
        self.vm.until("test -c /dev/ttyUSB0")
        self.vm.check("udevadm settle")
        self.assertNotIn("SMARTMETER", self.vm.check("udevadm info -q property -n /dev/ttyUSB0"))

    def test_7_install_finds_a_converter_that_is_plugged_in(self):
        self.plug("house", "pl2303", port=1)
        self.vm.until("test -c /dev/ttyUSB0")
        self.vm.check(INSTALL % ("", "new"), 300)
        self.meter("house", number=NUMBER)  # simulated by the package's smctl
        self.wait_readings()

    def test_8_start_finds_a_converter_that_is_plugged_in(self):
        self.vm.check("systemctl stop smartmeterd")
        self.plug_house()
        self.vm.check("systemctl start smartmeterd")
        self.wait_readings()
