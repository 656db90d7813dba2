# SPDX-License-Identifier: MIT
"""smctl doctor: every check provoked, on a machine of files and with the bus driver's service."""

import os
import shlex
import shutil
import subprocess
import unittest

from machine import DoctorCase
from private_bus import Driver, wait_until
from smctl_case import ID, STICK, smctl
from systemd import Systemd
from timedate import Timedate


class TestMachine(DoctorCase):
    def setUp(self):
        super().setUp()
        self.telegram()

    def test_healthy_machine_has_no_finding(self):
        self.machine.plug()
        got = self.doctor()
        self.assertNotIn("wrong", {r[0]["status"] for r in got.values()})
        self.assertEqual(got["reading"][0]["status"], "ok")
        text, code = self.text()
        self.assertIn("All is well.", text)
        self.assertEqual(code, 0)

    def test_doctor_names_a_missing_converter(self):
        self.driver.do(f"converter-remove {ID}")
        self.assert_only("usb", "No USB serial converter", "dmesg")
        self.assert_status("skipped", "driver", "tty", "holder", "permission", "line", "silent")

    def test_doctor_names_a_missing_driver(self):
        self.machine.plug(vendor="1a86", product="7523", driver=None, tty=None)
        self.assert_only("driver", "No driver", "modprobe ch341")

    def test_driver_is_that_of_the_hardware_list(self):
        for i, (vendor, product, module) in enumerate((
                ("067b", "ffff", "pl2303"), ("0557", "2008", "pl2303"), ("0403", "6001", "ftdi_sio"),
                ("10c4", "ea63", "cp210x"), ("1a86", "5523", "ch341"), ("1a86", "55D8", "cdc_acm"),
                ("04e2", "1410", "xr_serial"))):
            name = f"1-{i + 1}"
            self.machine.plug(name, vendor=vendor, product=product, driver=None, tty=None)
            self.assertIn(f"modprobe {module}.", [r["cure"] for r in self.doctor()["driver"]
                                                  if r["about"].startswith(f"{vendor}:{product}")][0])
        # A number of development boards; another product of a maker of more than serial chips.
        self.machine.plug("2-1", vendor="0483", product="5740", driver=None, tty=None)
        self.machine.plug("2-2", vendor="10c4", product="0001", driver=None, tty=None)
        self.assertEqual(len(self.doctor()["driver"]), 7)

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

    def test_holder_with_a_unit_of_its_own_is_stopped_by_it(self):
        self.machine.plug()
        self.machine.process(4711, "ser2net", holds="/dev/ttyUSB0", unit="ser2net.service")
        self.assert_only("holder", "ser2net (process 4711, of ser2net.service)",
                         "systemctl disable --now ser2net.service")

    def test_holder_under_a_web_server_does_not_end_the_web_server(self):
        self.machine.plug()
        self.machine.process(4711, "python3", holds="/dev/ttyUSB0", unit="apache2.service")
        self.assert_only("holder", "python3 (process 4711, of apache2.service)", "kill 4711")

    def test_daemon_of_jeedoms_plugin_is_told_by_name_and_click(self):
        self.machine.plug()
        self.machine.process(588, "python3", holds="/dev/ttyUSB0", unit="cron.service",
                             command="/usr/bin/python3 /var/www/html/plugins/SmartMeterUSB/"
                                     "resources/bin/SmartMeterUSBd.py")
        self.assert_only("holder", "python3 (process 588, of cron.service)", "Gestion automatique")

    def test_holder_in_a_container_is_told_as_that(self):
        self.machine.plug()
        self.machine.process(9, "node", holds="/dev/ttyUSB0", unit="docker-0123abcd.scope")
        self.assert_only("holder", "node (process 9", "docker ps")

    def test_holder_of_a_link_s_port_is_found(self):
        """Device=/dev/serial/by-id/…: the holder shows what that leads to."""
        self.machine.plug()
        self.machine.write("dev/ttyS7", "stands for the port")
        self.machine.write("dev/serial/by-id/README", "")
        (self.machine.root / "dev/serial/by-id/meter").symlink_to("../../ttyS7")
        self.driver.do(f"converter {ID} device /dev/serial/by-id/meter")
        self.machine.process(77, "agetty", holds="/dev/ttyS7", unit="serial-getty@ttyS7.service")
        self.assert_only("holder", "agetty (process 77", "mask --now serial-getty@ttyS7.service")

    def test_console_of_the_kernel_is_no_port_for_a_meter(self):
        self.machine.plug()
        self.driver.do(f"converter {ID} device /dev/ttyS7")
        self.machine.write("proc/cmdline", "quiet console=ttyS70 console=ttyS7,115200n8 root=x")
        self.assert_only("console", "as its console", "cmdline.txt")
        self.machine.write("proc/cmdline", "quiet console=ttyS70 xconsole=ttyS7 root=x")
        self.assert_status("ok", "console")

    def test_holder_of_another_port_is_nobodys_business(self):
        self.machine.plug()
        self.driver.do(f"converter-add {STICK}")
        self.driver.do(f"converter {STICK} state ignored")
        self.machine.process(4711, "zigbee2mqtt", holds="/dev/ttyUSB1")
        self.assert_status("ok", "holder")

    def test_holder_that_nobody_may_see_is_no_tick(self):
        """What other users' programs have open is hidden from a user: that is no "nobody"."""
        self.machine.plug()
        self.machine.hide(77)
        got = self.doctor()["holder"][0]
        self.assertEqual(got["status"], "skipped")
        self.assertIn("sudo smctl doctor", got["finding"])
        text, code = self.text()
        self.assertNotIn("All is well", text)
        self.assertIn("1 check needs more rights: sudo smctl doctor", text)
        self.assertEqual(code, 0)

    def test_holder_is_named_although_others_are_hidden(self):
        self.machine.plug()
        self.machine.hide(77)
        self.machine.process(4711, "minicom", holds="/dev/ttyUSB0")
        self.assert_only("holder", "minicom (process 4711)", "kill 4711")

    def test_processes_that_are_hidden_are_not_said_not_to_run(self):
        shutil.rmtree(self.machine.root / "proc/1")  # as hidepid=2 shows /proc
        self.machine.process(4711, "sh")
        self.machine.plug()
        self.assert_status("skipped", "holder", "brltty", "gpsd", "modemmanager")

    def test_port_that_is_not_there_is_not_said_to_be_free(self):
        self.driver.do(f"converter {ID} device /dev/ttyNOPE0")
        self.driver.do(f"converter {ID} state waiting")
        self.assert_status("skipped", "holder")

    def test_service_that_says_busy_is_believed(self):
        self.machine.plug()
        self.machine.hide(77)
        self.driver.do(f"converter {ID} state busy")
        self.driver.do(f"converter {ID} reason held by picocom")
        self.assert_only("holder", "held by picocom", "sudo smctl doctor")

    def test_holder_that_the_service_knows_is_named_without_rights(self):
        self.machine.plug()
        self.machine.hide(77)
        self.machine.process(588, "python3", unit="cron.service",
                             command="python3 /var/www/html/plugins/SmartMeterUSB/d.py")
        self.driver.do(f"converter {ID} state busy")
        self.driver.do(f"converter {ID} holder 588 cron.service")
        self.assert_only("holder", "python3 (process 588, of cron.service)", "Gestion automatique")

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
        self.assert_status("ok", "gpsd")

    def test_doctor_names_modemmanager_where_udev_does_not_keep_it_off(self):
        self.machine.plug()
        self.machine.process(99, "ModemManager")
        self.assert_status("ok", "modemmanager")
        self.machine.write("run/udev/data/c188:0", "E:ID_MODEL=x")
        self.assert_only("modemmanager", "ModemManager runs", "udevadm trigger")

    def test_port_that_is_not_in_the_container_is_named(self):
        self.machine.plug()
        self.assert_status("skipped", "container")
        self.machine.write("run/systemd/container", "lxc")
        self.assert_only("container", "/dev/ttyUSB0 is not in it", "--device=/dev/ttyUSB0")
        self.machine.write("dev/ttyUSB0", "stands for the port")
        self.assert_status("ok", "container")

    def test_disk_that_is_not_there_is_no_tick(self):
        self.machine.plug()
        self.assert_status("skipped", "disk")

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
        self.telegram()

    def test_doctor_names_a_service_that_is_down(self):
        got = self.doctor(env={"SMCTL_SYSROOT": str(self.machine.root)})
        self.assertIn("system bus", got["service"][0]["finding"])
        self.assertEqual(got["key"][0]["status"], "skipped")
        self.assertEqual(self.driver.stop(), 0)
        self.driver = Driver(self.bus)  # on the bus, but without its name
        got = self.doctor()
        self.assertIn("systemctl enable --now smartmeterd", got["service"][0]["cure"])
        self.assertEqual(got["driver"][0]["status"], "ok")

    def test_without_service_and_converter_no_port_is_said_to_be_free(self):
        shutil.rmtree(self.machine.root / "sys")
        self.assertEqual(self.driver.stop(), 0)
        self.driver = Driver(self.bus)  # on the bus, but without its name
        self.assert_status("skipped", "holder")

    def test_other_verbs_send_here_when_the_service_is_down(self):
        self.assertEqual(self.driver.stop(), 0)
        self.driver = Driver(self.bus)  # on the bus, but without its name
        for verb in ("status", "list-meters", "reload"):
            self.assertIn("smctl doctor", self.run_bad(1, verb, env=self.env))

    def test_configuration_that_is_not_there_is_no_tick(self):
        self.assert_status("skipped", "config")
        self.machine.configure("[daemon]")
        self.assert_status("ok", "config")

    def down(self, **properties):
        """What is said of a service that does not run, where systemd says this of its unit."""
        self.assertEqual(self.driver.stop(), 0)
        self.driver = Driver(self.bus)
        systemd = Systemd(self.bus, **properties)
        try:
            got = self.doctor()
        finally:
            systemd.stop()
        self.assertEqual(got["starts"][0]["status"], "skipped")
        self.assertEqual(got["reading"][0]["status"], "skipped")
        return got["service"][0]["finding"], got["service"][0]["cure"]

    def test_doctor_says_why_the_service_is_down(self):
        for properties, finding, cure in (
                ({"LoadState": "not-found"}, "not installed", "apt install"),
                ({"LoadState": "masked"}, "masked", "unmask"),
                ({"UnitFileState": "disabled"}, "switched off", "enable --now"),
                ({}, "was stopped", "enable --now"),
                ({"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": 7},
                 "started anew 7 times", "journalctl"),
                ({"ActiveState": "failed", "SubState": "failed", "Result": "start-limit-hit"},
                 "given it up", "reset-failed"),
                ({"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": 78},
                 "its configuration is wrong", "check-config"),
                ({"ActiveState": "failed", "Result": "watchdog", "ExecMainStatus": 6},
                 "(watchdog, exit status 6)", "journalctl")):
            said = self.down(**properties)
            self.assertIn(finding, said[0])
            self.assertIn(cure, said[1])

    def test_doctor_names_a_service_that_falls_over(self):
        for restarts, status in ((2, "ok"), (3, "wrong")):
            systemd = Systemd(self.bus, ActiveState="active", SubState="running",
                              NRestarts=restarts)
            try:
                self.assert_status(status, "starts")
            finally:
                systemd.stop()

    def test_doctor_names_a_refused_configuration(self):
        self.driver.do("reload-error a.conf:3: unknown key 'Hots'")
        self.assert_only("config", "unknown key 'Hots'", "check-config")

    def test_configuration_is_judged_before_the_service_reads_it(self):
        file = self.machine.configure("[daemon]\nFoo=1\nReaders=")
        results = self.assert_only("config", "unknown key 'Foo'", "smctl reload")
        self.assertEqual(results[0]["about"], f"{file}:2")

    def test_configuration_that_keeps_the_service_down_is_shown(self):
        self.machine.configure("[demon]")
        self.assertEqual(self.driver.stop(), 0)
        self.driver = Driver(self.bus)  # on the bus, but without its name
        got = self.doctor()
        self.assertIn("demon", got["config"][0]["finding"])
        self.assertIn("restart smartmeterd", got["config"][0]["cure"])

    def test_doctor_names_a_port_without_permission(self):
        self.driver.do(f"converter {ID} state denied")
        self.assert_only("permission", "must not be opened", "dialout")

    def test_pseudo_terminal_of_socat_is_told_with_what_socat_needs(self):
        master, slave = os.openpty()
        self.addCleanup(lambda: (os.close(master), os.close(slave)))
        os.chmod(os.ttyname(slave), 0o620)
        self.driver.do(f"converter {ID} state denied")
        self.driver.do(f"converter {ID} code no-permission")
        self.driver.do(f"converter {ID} device {os.ttyname(slave)}")
        self.assert_only("permission", "must not be opened", "group=dialout,mode=660")

    def test_doctor_names_what_the_sandbox_needs(self):
        self.driver.do(f"converter {ID} state denied")
        self.driver.do(f"converter {ID} reason the sandbox does not allow it: DeviceAllow=")
        for device, name in (("/dev/ttyAMA0", "char-ttyAMA"), ("/dev/ttySC12", "char-ttySC"),
                             ("/dev/pts/9999", "char-pts")):
            self.driver.do(f"converter {ID} device {device}")
            self.assert_only("permission", "sandbox", f"DeviceAllow={name} rw")

    def test_doctor_names_converters_that_are_all_left_alone(self):
        self.driver.do(f"converter {ID} state ignored")
        self.assert_only("ignored", "left alone", "smctl adopt ttyUSB0")

    def test_converter_that_another_program_used_is_told_as_that(self):
        self.driver.do(f"converter {ID} state ignored")
        self.driver.do(f"converter {ID} code in-use")
        self.driver.do(f"converter {ID} holder 588 cron.service")
        self.assert_only("ignored", "another program used it (process 588, cron.service)",
                         "stop that program")

    def test_converter_of_another_device_is_told_as_that(self):
        self.driver.do(f"converter {ID} state ignored")
        self.driver.do(f"converter {ID} code gps")
        self.assert_only("ignored", "another device's (gps)")

    def test_doctor_names_a_converter_that_moved(self):
        """Whatever else is read: an adopted one is missing."""
        self.driver.do(f"converter-add {STICK}")
        self.driver.do(f"converter {STICK} state ignored")
        self.driver.do(f"converter {STICK} code moved")
        self.assert_only("ignored", "has left its socket", "smctl adopt")

    def test_doctor_says_of_which_one_the_missing_meter_was_not_heard(self):
        self.driver.do(f"converter {ID} state ignored")
        self.driver.do(f"converter {ID} code other-meter")
        self.assert_only("ignored", "was not heard there", "smctl adopt ttyUSB0")

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
        self.driver.do("converter tty@uart meter LGZ1")
        shutil.rmtree(self.machine.root / "sys")
        got = self.doctor()
        self.assertEqual(got["usb"][0]["status"], "skipped")
        self.assertNotIn("wrong", {r[0]["status"] for r in got.values()})

    def test_missing_device_is_told_beside_one_that_is_read(self):
        self.driver.do(f"converter-add {STICK}")
        self.driver.do(f"converter {STICK} state waiting")
        self.assert_only("waiting", "cannot be opened")

    def test_each_way_of_waiting_has_its_cure(self):
        self.driver.do(f"converter {ID} state waiting")
        for code, cure in (("no-usb-answer", "plug it in again"), ("flapping", "power supply"),
                           ("nothing-listens", "ser2net"), ("not-there", "Device="),
                           ("no-port", "--device")):
            self.driver.do(f"converter {ID} code {code}")
            self.assert_only("waiting", "cannot be opened", cure)

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

    def test_bytes_without_frames_at_a_line_that_was_set_are_named(self):
        self.driver.do(f"converter {ID} state detecting")
        self.driver.do(f"converter {ID} code no-frames")
        self.assert_only("line", "no frame of a meter", "Line= be auto")

    def test_frames_without_telegrams_are_named(self):
        """Newcomer's case: receiving, and no meter for minutes."""
        self.driver.do(f"converter {ID} state detecting")
        self.driver.do(f"converter {ID} code no-telegrams")
        self.driver.do(f"converter {ID} frames 12")
        self.assert_only("telegrams", "(12 so far)", "smctl capture")
        self.assert_status("skipped", "detecting")

    def test_telegrams_without_a_meter_are_named(self):
        self.driver.do(f"converter {ID} meter ")
        self.driver.do("meter-remove LGZ1")
        got = self.doctor()
        self.assertEqual(got["named"][0]["status"], "wrong")
        self.assertEqual(got["reading"][0]["status"], "skipped")

    def test_damaged_share_is_named(self):
        self.driver.do(f"converter {ID} frames 100")
        self.driver.do(f"converter {ID} damaged 24")
        self.assert_status("ok", "damage")
        self.driver.do(f"converter {ID} damaged 26")
        self.assert_only("damage", "26 of 126 frames are damaged", "another program")
        self.driver.do(f"converter {ID} frames 1")
        self.driver.do(f"converter {ID} damaged 20")
        self.assert_only("damage", "20 of 21")

    def test_port_that_is_not_open_earns_no_tick(self):
        self.driver.do(f"converter {ID} state busy")
        self.assert_status("skipped", "permission", "line", "detecting", "silent", "telegrams")

    def test_port_that_was_opened_a_moment_ago_is_not_said_to_be_heard(self):
        self.driver.do(f"converter {ID} state detecting")
        self.assert_status("skipped", "silent")
        self.driver.do(f"converter {ID} bytes 12")
        self.assert_status("ok", "silent")

    def test_converter_that_is_waited_for_is_not_said_to_be_read(self):
        self.driver.do(f"converter {ID} state waiting")
        self.assertIn("or waits for it", self.doctor()["ignored"][0]["finding"])

    def test_nothing_received_earns_no_tick(self):
        self.driver.do(f"converter {ID} state silent")
        self.driver.do(f"converter {ID} frames 0")
        self.assert_status("skipped", "damage", "telegrams", "named")

    def test_doctor_names_a_silent_converter(self):
        for state in ("silent", "no-meter"):
            self.driver.do(f"converter {ID} state {state}")
            self.assert_only("silent", "Nothing arrives", "utilit")

    def test_doctor_names_the_key_that_is_wrong(self):
        for status, finding in ((1, "no key is set"), (2, "encryption key is wrong"),
                                (3, "authentication key is not")):
            for _ in range(2):  # one telegram calls no key wrong
                self.driver.do(f"refuse LGZ1 {status}")
            results = self.assert_only("key", finding, "set-key")
            self.assertEqual(results[0]["about"], "LGZ1")

    def test_without_a_meter_nothing_is_said_of_meters(self):
        self.driver.do(f"converter {ID} meter ")
        self.driver.do("meter-remove LGZ1")
        self.assert_status("skipped", "key", "layout", "scale", "suspect", "offline", "clock")

    def test_meter_that_has_sent_nothing_is_not_well(self):
        self.driver.do("meter-remove LGZ1")
        self.driver.do("meter-add LGZ1")
        self.assert_only("reading", "No meter is read yet", "Wait")
        self.assert_status("skipped", "layout", "scale", "suspect", "offline", "clock")
        text, code = self.text()
        self.assertNotIn("All is well", text)
        self.assertEqual(code, 1)

    def test_doctor_names_telegrams_of_an_unknown_layout(self):
        self.driver.do("meter-remove LGZ1")
        self.driver.do("meter-add LGZ1")
        self.driver.do("refuse LGZ1 6")
        results = self.assert_only("layout", "list is unknown: 1 so far", "smctl learn LGZ1.")
        self.assertIn(f"smctl report {ID};", results[0]["cure"])  # it wants a converter
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
        self.assert_only("offline", "No telegram for", "smctl forget")

    def test_doctor_names_a_clock_that_is_off(self):
        self.assert_status("skipped", "clock")  # its telegram had none
        self.driver.do("clock LGZ1 3600")
        self.assert_only("clock", "another time zone", "TimeSource=host")
        self.driver.do("clock LGZ1 4000")
        self.assert_only("clock", "is 4000 s ahead of ours.", "tell the utility")
        self.driver.do("clock LGZ1 -3600")
        self.assert_only("clock", "behind ours")
        self.driver.do("clock LGZ1 2")
        self.assertEqual(self.doctor()["clock"][0]["status"], "ok")

    def test_clock_is_not_judged_by_one_that_runs_free(self):
        self.assertEqual(self.driver.stop(), 0)
        timedate = Timedate(self.bus, synchronised=False)
        self.addCleanup(timedate.stop)
        self.driver = Driver(self.bus)
        self.driver.do("meter-add LGZ1")
        self.driver.do("name")
        timedate.wait_asked()

        def is_not_told():  # from the first telegram after the answer
            self.driver.do("clock LGZ1 4000")
            return self.json("show", "LGZ1")["clock_deviation_usec"] == 0

        wait_until(is_not_told, "the answer of timedated")
        self.assertEqual(self.doctor()["clock"][0]["status"], "ok")

    def test_clock_of_a_meter_whose_key_is_wrong_is_not_judged(self):
        self.driver.do("clock LGZ1 -3600")
        self.assertEqual(self.doctor()["clock"][0]["status"], "wrong")
        self.driver.do("refuse LGZ1 2")
        self.driver.do("refuse LGZ1 2")
        self.assert_only("key", "encryption key is wrong")

    def test_clock_is_judged_by_the_telegram_that_had_it(self):
        """What is heard since and not understood makes the clock no older."""
        self.telegram()
        self.driver.do("clock LGZ1 0")
        self.driver.do("heard-later LGZ1 3600")
        got = self.doctor()
        self.assertEqual(got["clock"][0]["status"], "ok")

    def test_without_a_broker_nothing_is_said_of_brokers(self):
        self.assert_status("skipped", "broker", "tls", "acl", "files")

    def test_doctor_tells_trouble_of_brokers_apart(self):
        self.driver.do("output-add home")
        for code, check, others in (
                ("refused", "broker", {"tls": "skipped", "acl": "skipped"}),
                ("tls", "tls", {"broker": "skipped", "acl": "skipped"}),
                ("password-missing", "acl", {"broker": "skipped", "tls": "ok"}),
                ("topic-refused", "acl", {"broker": "skipped", "tls": "ok"})):
            self.driver.do(f"output no word of {code}")
            self.driver.do(f"output-code {code}")
            results = self.assert_only(check, f"no word of {code}")
            self.assertEqual(results[0]["about"], "home")
            for other, status in others.items():
                self.assert_status(status, other)
        self.driver.do("output connected")
        self.assert_status("ok", "broker", "tls", "acl")

    def test_broker_of_this_machine_is_told_as_it_is_here(self):
        self.driver.do("output-add home")
        self.driver.do("output nothing listens there")
        self.driver.do("output-code refused")
        self.assert_only("broker", "nothing listens", "sudo apt install mosquitto; ")
        self.machine.write("usr/sbin/mosquitto", "stands for it")
        self.assert_only("broker", "nothing listens", "enable --now mosquitto; ")
        self.driver.do("output-counts 12 0")
        results = self.doctor()["broker"]
        self.assertTrue(results[0]["cure"].startswith("12 messages wait"), results)
        self.assertTrue(results[0]["cure"].endswith("sudo smctl set-broker --name home"), results)

    def test_name_in_a_command_is_one_word(self):
        self.driver.do("output-add o'brien;id")
        self.driver.do("output-code password-wrong")
        cure = self.doctor()["acl"][0]["cure"]
        command = cure[cure.index("sudo "):]
        self.assertEqual(shlex.split(command), ["sudo", "smctl", "set-broker", "--name", "o'brien;id"])

    def test_what_becomes_of_messages_is_told_as_it_is(self):
        self.driver.do("output-add home")
        self.driver.do("output-counts 12 0")
        got = self.doctor()["broker"][0]["cure"]
        self.assertIn("12 messages wait", got)
        self.assertNotIn("given up", got)
        self.driver.do("output-counts 0 391")
        got = self.doctor()["broker"][0]["cure"]
        self.assertIn("391 messages were given up", got)
        self.assertNotIn("wait for it", got)

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
