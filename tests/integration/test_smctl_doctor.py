# SPDX-License-Identifier: MIT
"""smctl doctor: every check provoked, on a machine of files and with the bus driver's service."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from private_bus import Driver
from smctl_case import ID, STICK, BusCase, smctl


class Machine:
    """A folder that stands for /: sysfs, /proc, /etc as doctor reads them."""

    def __init__(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="smdoctor."))
        self.write("proc/1/comm", "systemd")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")

    def plug(self, name="1-1", vendor="067b", product="2303", driver="pl2303", tty="ttyUSB0"):
        device = f"sys/devices/usb1/{name}"
        interface = f"{device}/{name}:1.0"
        self.write(f"{device}/idVendor", vendor)
        self.write(f"{device}/idProduct", product)
        self.write(f"{device}/product", "USB-Serial Controller")
        self.write(f"{interface}/bInterfaceClass", "ff")
        bus = self.root / "sys/bus/usb/devices"
        bus.mkdir(parents=True, exist_ok=True)
        (bus / name).symlink_to(f"../../../devices/usb1/{name}")
        (bus / f"{name}:1.0").symlink_to(f"../../../devices/usb1/{name}/{name}:1.0")
        if driver:
            self.write(f"sys/bus/usb/drivers/{driver}/uevent", "")
            (self.root / interface / "driver").symlink_to(
                self.root / f"sys/bus/usb/drivers/{driver}")
        if tty:
            (self.root / interface / tty).mkdir()
            self.write(f"sys/class/tty/{tty}/dev", "188:0")
            self.write("run/udev/data/c188:0", "E:ID_MM_DEVICE_IGNORE=1")

    def process(self, pid, name, holds=None):
        self.write(f"proc/{pid}/comm", name)
        if holds:
            folder = self.root / f"proc/{pid}/fd"
            folder.mkdir()
            (folder / "3").symlink_to(holds)


class DoctorCase(BusCase):
    def setUp(self):
        super().setUp()
        self.machine = Machine()
        self.addCleanup(shutil.rmtree, self.machine.root)

    def doctor(self, env=None):
        """{check: [results]}"""
        done = smctl("doctor", "--json",
                     env=env or dict(self.env, SMCTL_SYSROOT=str(self.machine.root)))
        got = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0 if got["ok"] else 1)
        out = {}
        for result in got["checks"]:
            self.assertEqual(set(result), {"check", "status", "about", "finding", "cure"})
            self.assertEqual(result["cure"] is not None, result["status"] == "wrong")
            out.setdefault(result["check"], []).append(result)
        return out

    def assert_only(self, check, finding, cure=""):
        """This check, and no other, found this."""
        got = self.doctor()
        wrong = [name for name, results in got.items() if results[0]["status"] == "wrong"]
        self.assertEqual(wrong, [check])
        self.assertIn(finding, got[check][0]["finding"])
        self.assertIn(cure, got[check][0]["cure"])
        return got[check]


class TestMachine(DoctorCase):
    def test_healthy_machine_has_no_finding(self):
        self.machine.plug()
        self.assertEqual({r[0]["status"] for r in self.doctor().values()}, {"ok"})

    def test_doctor_names_a_missing_converter(self):
        self.driver.do(f"converter-remove {ID}")
        self.assert_only("usb", "No USB serial converter", "dmesg")

    def test_doctor_names_a_missing_driver(self):
        self.machine.plug(vendor="1a86", product="7523", driver=None, tty=None)
        self.assert_only("driver", "No driver", "modprobe ch341")

    def test_doctor_names_a_driver_without_port(self):
        self.machine.plug(tty=None)
        self.assert_only("tty", "pl2303 has it, but made no port", "dmesg")

    def test_doctor_names_a_device_taken_from_the_kernel(self):
        self.machine.plug(driver="usbfs", tty=None)
        self.assert_only("tty", "taken it from the kernel", "brltty")

    def test_doctor_names_the_holder(self):
        self.machine.plug()
        self.machine.process(4711, "minicom", holds="/dev/ttyUSB0")
        self.machine.process(815, "smartmeterd", holds="/dev/ttyUSB0")
        results = self.assert_only("holder", "minicom (process 4711)", "kill 4711")
        self.assertEqual([r["about"] for r in results], ["ttyUSB0"])

    def test_holder_of_another_port_is_nobodys_business(self):
        self.machine.plug()
        self.driver.do(f"converter-add {STICK}")
        self.driver.do(f"converter {STICK} state ignored")
        self.machine.process(4711, "zigbee2mqtt", holds="/dev/ttyUSB1")
        self.assertEqual(self.doctor()["holder"][0]["status"], "ok")

    def test_service_that_says_busy_is_believed(self):
        self.machine.plug()
        self.driver.do(f"converter {ID} state busy")
        self.driver.do(f"converter {ID} reason held by picocom")
        self.assert_only("holder", "held by picocom")

    def test_doctor_names_brltty(self):
        self.machine.plug()
        self.machine.process(99, "brltty")
        self.assert_only("brltty", "brltty runs", "apt remove brltty")

    def test_doctor_names_gpsd_until_it_is_told_off(self):
        self.machine.plug()
        self.machine.process(99, "gpsd")
        self.machine.write("etc/default/gpsd", 'USBAUTO="true"')
        self.assert_only("gpsd", "gpsd runs", "USBAUTO")
        self.machine.write("etc/default/gpsd", 'USBAUTO="false"')
        self.assertEqual(self.doctor()["gpsd"][0]["status"], "ok")

    def test_doctor_names_modemmanager_where_udev_does_not_keep_it_off(self):
        self.machine.plug()
        self.machine.process(99, "ModemManager")
        self.assertEqual(self.doctor()["modemmanager"][0]["status"], "ok")
        self.machine.write("run/udev/data/c188:0", "E:ID_MODEL=x")
        self.assert_only("modemmanager", "ModemManager runs", "udevadm trigger")

    def test_doctor_names_a_full_disk(self):
        self.machine.plug()
        state = self.machine.root / "var/lib/smartmeterd"
        state.mkdir(parents=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", state],
                          stderr=subprocess.DEVNULL, check=False).returncode != 0:
            self.skipTest("skipped: mounting is not allowed here")
        self.addCleanup(subprocess.run, ["umount", state], check=True)
        self.assert_only("disk", "nearly full", "SpoolMax")


class TestService(DoctorCase):
    def setUp(self):
        super().setUp()
        self.machine.plug()

    def test_doctor_names_a_service_that_is_down(self):
        got = self.doctor(env={"SMCTL_SYSROOT": str(self.machine.root)})
        self.assertIn("system bus", got["service"][0]["finding"])
        self.assertEqual(got["key"][0]["status"], "skipped")
        self.assertEqual(self.driver.stop(), 0)
        self.driver = Driver(self.bus)  # on the bus, but without its name
        got = self.doctor()
        self.assertIn("systemctl enable --now smartmeterd", got["service"][0]["cure"])
        self.assertEqual(got["driver"][0]["status"], "ok")

    def test_doctor_names_a_refused_configuration(self):
        self.driver.do("reload-error a.conf:3: unknown key 'Hots'")
        self.assert_only("config", "unknown key 'Hots'", "check-config")

    def test_doctor_names_a_port_without_permission(self):
        self.driver.do(f"converter {ID} state denied")
        self.assert_only("permission", "must not be opened", "dialout")

    def test_doctor_names_what_the_sandbox_needs(self):
        self.driver.do(f"converter {ID} state denied")
        self.driver.do(f"converter {ID} reason the sandbox does not allow it: DeviceAllow=")
        for device, name in (("/dev/ttyAMA0", "char-ttyAMA"), ("/dev/ttySC12", "char-ttySC"),
                             ("/dev/pts/9999", "char-pts")):
            self.driver.do(f"converter {ID} device {device}")
            self.assert_only("permission", "sandbox", f"DeviceAllow={name} rw")

    def test_doctor_names_converters_that_are_all_left_alone(self):
        self.driver.do(f"converter {ID} state ignored")
        self.assert_only("ignored", "left alone", "smctl adopt")

    def test_service_that_sees_no_converter_is_not_well(self):
        self.driver.do(f"converter-remove {ID}")
        self.assert_only("ignored", "sees no converter", "restart smartmeterd")
        shutil.rmtree(self.machine.root / "sys")
        self.assert_only("usb", "No USB serial converter")
        self.assertEqual(self.doctor()["ignored"][0]["status"], "skipped")

    def test_converter_that_is_gone_is_none(self):
        self.driver.do(f"converter {ID} state gone")
        self.assert_only("ignored", "sees no converter")

    def test_doctor_names_a_device_that_is_not_there(self):
        self.driver.do(f"converter {ID} device /dev/ttyNOPE0")
        self.driver.do(f"converter {ID} state waiting")
        self.driver.do(f"converter {ID} reason /dev/ttyNOPE0 is not there")
        results = self.assert_only("waiting", "/dev/ttyNOPE0 is not there", "Device=")
        self.assertEqual([r["about"] for r in results], ["ttyNOPE0"])

    def test_device_needs_no_usb(self):
        self.driver.do(f"converter-remove {ID}")
        self.driver.do("converter-add tty@uart uart")
        shutil.rmtree(self.machine.root / "sys")
        got = self.doctor()
        self.assertEqual(got["usb"][0]["status"], "skipped")
        self.assertNotIn("wrong", {r[0]["status"] for r in got.values()})

    def test_missing_device_is_told_beside_one_that_is_read(self):
        self.driver.do(f"converter-add {STICK}")
        self.driver.do(f"converter {STICK} state waiting")
        self.assert_only("waiting", "cannot be opened")

    def test_meter_that_is_looked_for_is_not_well_yet(self):
        self.driver.do(f"converter {ID} state detecting")
        self.driver.do(f"converter {ID} reason listening at 2400 8E1")
        self.assert_only("detecting", "looked for: listening at 2400 8E1", "Wait")

    def test_port_that_was_given_away_is_not_well(self):
        self.driver.do(f"converter {ID} state inhibited")
        self.driver.do(f"converter {ID} reason lent to minicom")
        self.assert_only("holder", "given away on request: lent to minicom", "taken back")

    def test_doctor_names_a_line_that_nothing_fits(self):
        self.driver.do(f"converter {ID} bytes 5000")
        self.driver.do(f"converter {ID} state no-meter")
        self.assert_only("line", "Bytes come", "smctl probe")

    def test_doctor_names_a_silent_converter(self):
        for state in ("silent", "no-meter"):
            self.driver.do(f"converter {ID} state {state}")
            self.assert_only("silent", "Nothing arrives", "utilit")

    def test_doctor_names_the_key_that_is_wrong(self):
        for status, finding in ((1, "no key is set"), (2, "encryption key is wrong"),
                                (3, "authentication key is not")):
            self.driver.do(f"refuse LGZ1 {status}")
            results = self.assert_only("key", finding, "set-key")
            self.assertEqual(results[0]["about"], "LGZ1")

    def test_doctor_names_telegrams_of_an_unknown_layout(self):
        self.driver.do("refuse LGZ1 6")
        results = self.assert_only("layout", "list is unknown: 1 so far", "smctl capture")
        self.assertEqual(results[0]["about"], "LGZ1")

    def test_unknown_telegram_beside_those_that_are_read_is_no_finding(self):
        self.driver.do("refuse LGZ1 6")
        self.telegram()
        self.assertEqual(self.doctor()["layout"][0]["status"], "ok")

    def test_doctor_names_readings_that_are_not_believed(self):
        self.telegram()
        for i in range(6):  # falls, and no two agree
            self.assertEqual(self.doctor()["suspect"][0]["status"], "ok")
            self.driver.do(f"telegram LGZ1 1.8.0={6000 - 1000 * i}")
        self.assert_only("suspect", "1 reading is not believed now (6 values", "MaxPower=")

    def test_doctor_names_an_offline_meter(self):
        self.telegram()
        self.driver.do("meter-offline LGZ1")
        self.assert_only("offline", "No telegram since", "smctl forget")

    def test_doctor_names_a_clock_that_is_off(self):
        self.driver.do("clock LGZ1 3600")
        self.assert_only("clock", "ahead of ours", "TimeSource=host")
        self.driver.do("clock LGZ1 -3600")
        self.assert_only("clock", "behind ours")
        self.driver.do("clock LGZ1 2")
        self.assertEqual(self.doctor()["clock"][0]["status"], "ok")

    def test_clock_of_a_meter_whose_key_is_wrong_is_not_judged(self):
        self.driver.do("clock LGZ1 -3600")
        self.assertEqual(self.doctor()["clock"][0]["status"], "wrong")
        self.driver.do("refuse LGZ1 2")
        self.assert_only("key", "encryption key is wrong")

    def test_clock_is_judged_by_the_telegram_that_had_it(self):
        """What is heard since and not understood makes the clock no older."""
        self.telegram()
        self.driver.do("clock LGZ1 0")
        self.driver.do("heard-later LGZ1 3600")
        got = self.doctor()
        self.assertEqual(got["clock"][0]["status"], "ok")

    def test_doctor_tells_trouble_of_brokers_apart(self):
        self.driver.do("sink-add home")
        for error, check in (
                ("broker:1883 refuses the connection: does the broker run there?", "broker"),
                ("the certificate of broker has expired: renew it on the broker", "tls"),
                ("CaFile=/x cannot be used: is it there?", "tls"),
                ("broker wants a user and a password: set Username= and PasswordFile=", "acl"),
                ("the broker does not let us publish to x: allow it in the broker's access "
                 "control list (ACL)", "acl")):
            self.driver.do(f"sink {error}")
            results = self.assert_only(check, error)
            self.assertEqual(results[0]["about"], "home")
        self.driver.do("sink connected")
        self.assertEqual(self.doctor()["broker"][0]["status"], "ok")

    def test_people_read_finding_and_cure(self):
        self.driver.do("refuse LGZ1 1")
        done = smctl("doctor", env=dict(self.env, SMCTL_SYSROOT=str(self.machine.root)))
        self.assertEqual(done.returncode, 1)
        self.assertIn("✗ key", done.stdout)
        self.assertIn("→ Ask the utility", done.stdout)
        self.assertIn("1 finding.", done.stdout)
        self.assertNotIn("\033", done.stdout)


if __name__ == "__main__":
    unittest.main()
