#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""apt's part done by hand, then nothing typed: a PL2303 with an E450 behind it is plugged in, and its
readings are on D-Bus and on MQTT; pulled out, the meter is offline; plugged in again, readings go on."""

import glob
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.environ["SMARTMETER_TESTKIT"], "vm"))
from vm import VM  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
SMCTL = os.environ.get("SMARTMETER_SMCTL", os.path.join(HERE, "../../build-test/gcc/ctl/smctl"))


def telegrams():
    """Three E450 telegrams, as the line carries them."""
    return subprocess.run([SMCTL, "simulate", "lgz-e450", "--stdout", "--fast", "-n", "3"],
                          check=True, stdout=subprocess.PIPE).stdout


def said(step):
    print("--", step, flush=True)


def main(deb, depends):
    data = telegrams()
    with VM(state="auto") as vm:
        said("install")
        for path in sorted(glob.glob(depends + "/*.deb")):
            vm.put(path, "/root/" + os.path.basename(path))
        vm.put(deb, "/root/smartmeterd.deb")
        vm.check("DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i /root/*.deb", 300)
        vm.check("systemctl is-active smartmeterd")
        assert vm.check("systemctl show -P NRestarts smartmeterd").strip() == "0"

        said("plug in")
        usb = vm.usbip()
        usb.cmd("plug", dev="m", model="pl2303", port=3)
        usb.cmd("wire", dev="m", baud=2400, format="8E1")
        vm.wait_guest("smctl list-converters --json | grep -Eq 'detecting|receiving'", 40)
        usb.feed("m", data)
        vm.wait_guest("smctl list-meters --json | grep -q LGZ", 60)
        print(vm.check("smctl list-converters; smctl list-meters"))
        assert "active_power_import" in vm.check("smctl readings --json")

        said("pull out")
        usb.cmd("unplug", dev="m")
        vm.wait_guest("smctl list-converters --json | grep -q gone", 40)

        said("plug in again")
        before = json.loads(vm.check("smctl show LGZ1030655000001 --json"))
        usb.cmd("plug", dev="m", model="pl2303", port=3)
        usb.cmd("wire", dev="m", baud=2400, format="8E1")
        vm.wait_guest("smctl list-converters --json | grep -Eq 'detecting|receiving'", 40)
        usb.feed("m", data)
        vm.wait_guest("smctl list-converters --json | grep -q receiving", 60)
        assert before, "the meter was forgotten"

        said("purge")
        vm.check("dpkg -P smartmeterd", 120)
        assert vm.run("test -e /var/lib/smartmeterd").rc != 0
    print("install, plug, read, unplug, replug, purge: all in order")


main(*sys.argv[1:3])
