# SPDX-License-Identifier: MIT
"""Converters whose control endpoint is dead: the kernel itself waits for each of their requests in
vain (5 s and more, deaf to signals). Beside them a healthy one, whose meter nobody may notice it by."""

import json
import os
import re

from channel import wait_for
from service import ServiceCase

HERE = os.path.dirname(os.path.abspath(__file__))
HEALTHY = "LGZ1030655000401"
DRIVERS = {"ft232": "ftdi_sio", "cp210x": "cp210x", "ch340": "ch341", "pl2303": "pl2303"}
SECTIONS = ('[converter "ftdi"]\nVendorId=0403\n[converter "cp"]\nVendorId=10c4\n[converter "ch"]\nVendorId=1a86\n')
HELD_MAX_SECONDS = 0.05
STOP_MAX_SECONDS = 5


class DeadControlEndpoint(ServiceCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.vm.run, "systemctl start smartmeterd")
        self.configure(SECTIONS)
        self.plug("healthy", "pl2303gc")
        self.meter("healthy", number=HEALTHY)
        self.sick = {}
        for number, (chip, driver) in enumerate(DRIVERS.items()):
            self.plug(chip, chip, port=number + 2)
            self.meter(chip, number="LGZ103065500041%d" % number, interval=5)
            self.sick[chip] = self.wait_converter(driver=driver, socket=self.plugged[chip])["id"]
        for chip, identity in self.sick.items():
            self.wait_converter(id=identity, state="receiving")
        self.healthy = self.wait_converter(state="receiving", product_id=0x23A3)["id"]
        self.wait_telegram(HEALTHY, self.healthy)

    def watch(self):
        self.vm.put(os.path.join(HERE, "loop_watch.py"), "/run/loop_watch.py")
        self.vm.check("rm -f /run/watch.stop /run/watch.json; systemd-run -q --collect -u loop-watch "
                      "-p StandardOutput=file:/run/watch.json /usr/bin/python3 -E /run/loop_watch.py "
                      "$(systemctl show -P MainPID smartmeterd) /run/watch.stop")

    def watched(self):
        self.vm.check("touch /run/watch.stop")
        self.vm.until("test -s /run/watch.json")
        return json.loads(self.vm.check("cat /run/watch.json"))

    def all_are_shown(self):
        seen = {c["id"]: c for c in self.smctl("list-converters")}
        return all((seen[i]["state"], seen[i]["state_code"]) == ("waiting", "no-usb-answer") for i in self.sick.values())

    def microseconds(self, name):
        return int(self.vm.check("systemctl show -P %sTimestampMonotonic smartmeterd" % name))

    def test_dead_converters_of_four_drivers_hurt_no_other_meter_no_caller_and_no_stop(self):
        before = self.meter_of(HEALTHY)["statistics"]["telegrams"]
        since = self.vm.check("cat /proc/uptime").split()[0]
        self.watch()
        for chip in self.sick:
            self.usb("fault", device=chip, kind="control-dead")
        for identity in self.sick.values():  # closes, and opens again
            self.vm.check("busctl --timeout=5 call org.smartmeterd %s org.smartmeterd.Converter1 Probe 'a{sv}' 0" %
                          self.converter(id=identity)["object"])
        wait_for("each to be shown as not answering", self.all_are_shown, 60, 0.3)
        # The kernel keeps the workers waiting, and a caller and the healthy meter know nothing of it.
        self.wait_telegram(HEALTHY, self.healthy, before + 2)
        self.vm.check("busctl --timeout=2 get-property org.smartmeterd /org/smartmeterd "
                      "org.smartmeterd.Manager1 NConverters")
        got = self.watched()
        print("# the loop waited %.0f ms at most (call %s, %d looks); a worker %.1f s" %
              (got["held"] * 1000, got["call"], got["looks"], got["child_held"]), flush=True)
        self.assertGreater(got["child_held"], 1, "the kernel keeps nobody waiting: is the endpoint dead?")
        self.assertLessEqual(got["held"], HELD_MAX_SECONDS, "in call %s" % got["call"])
        self.assertTrue(self.meter_of(HEALTHY)["online"])
        log = self.vm.check("journalctl -u smartmeterd -o short-monotonic --no-pager | "
                            "awk -F'[][ ]+' '$2 >= %s'" % since)
        self.assertIsNone(re.search(r"%s.*offline" % HEALTHY, log), log)

        self.vm.check("systemctl stop smartmeterd")
        took = (self.microseconds("InactiveEnter") - self.microseconds("ActiveExit")) / 1e6
        self.assertLessEqual(took, STOP_MAX_SECONDS)
        for chip in self.sick:
            self.usb("fault", device=chip, kind="none")
        self.vm.check("systemctl start smartmeterd")
        for identity in (self.healthy, *self.sick.values()):
            self.wait_converter(90, id=identity, state="receiving")
