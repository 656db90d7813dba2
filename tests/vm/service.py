# SPDX-License-Identifier: MIT
"""What tests ask of the installed service, as a person would: by smctl."""

import json
import unittest

from channel import VmError, wait_for

CONF = "/etc/smartmeterd/smartmeterd.conf.d/50-test.conf"
INSTALL = "DEBIAN_FRONTEND=noninteractive apt-get install -y %s /root/%s.deb"


class ServiceCase(unittest.TestCase):
    """Tests share the machine `vm` of their class; each leaves no converter behind."""
    vm = deb = None

    def setUp(self):
        self.usb = self.vm.usb()
        self.usb.events.clear()
        self.plugged = {}  # device: where it is, as udev's ID_PATH has it
        self.addCleanup(self.unplug_all)

    def unplug_all(self):
        for device in list(self.plugged):
            self.usb("meter", device=device, interval=0)
            self.unplug(device)

    def run(self, result=None):
        before = len(result.failures) + len(result.errors) if result else 0
        super().run(result)
        if result and len(result.failures) + len(result.errors) > before:
            self.print_journal()

    def print_journal(self):
        try:
            log = self.vm.run("journalctl --no-pager -n 40 -o short-monotonic; "
                              "smctl list-converters; smctl list-meters").out
        except (VmError, AttributeError) as error:
            log = str(error)
        print("# " + log.replace("\n", "\n# "), flush=True)

    # --- hardware -------------------------------------------------------------------------------
    def plug(self, device, chip, sender="2400 8E1", **more):
        answer = self.usb("plug", device=device, chip=chip, sender=sender, **more)
        self.plugged[device] = "platform-vhci_hcd.0-usb-0:%d:1.0" % (answer["port"] + 1)
        return answer["port"]

    def unplug(self, device):
        """Off, and the service, where there is one, knows it."""
        path = self.plugged.pop(device)
        self.usb("unplug", device=device)

        def known():
            answer = self.vm.run("smctl list-converters --json")
            return answer.code or all(c["socket"] != path or c["state"] == "gone" for c in json.loads(answer.out))
        wait_for("unplugging %s to be noticed" % device, known, 20)

    def meter(self, device, profile="lgz-e450", number="LGZ1030655000001", interval=5):
        """A simulated meter behind the converter: a whole telegram of now, each `interval` seconds."""
        self.usb("meter", device=device, interval=interval, command=[
            "/usr/bin/smctl", "simulate", profile, "--fast", "--count", "1", "--stdout", "--plain",
            "--meter-id", number])

    def events_of(self, device, *kinds):
        return [e for e in self.usb.events if e.get("device") == device and e["event"] in kinds]

    # --- smctl ----------------------------------------------------------------------------------
    def smctl(self, *words):
        return json.loads(self.vm.check("smctl %s --json" % " ".join(words)))

    def configure(self, text):
        self.vm.put(text.encode(), CONF)
        self.vm.check("smctl reload")
        self.addCleanup(self.vm.run, "rm -f %s; smctl reload" % CONF)

    def converter(self, **wanted):
        """The first converter that has these values, or None."""
        for converter in self.smctl("list-converters"):
            if all(converter.get(key) == value for key, value in wanted.items()):
                return converter
        return None

    def wait_converter(self, timeout=40, **wanted):
        return wait_for("a converter with %s" % wanted, lambda: self.converter(**wanted), timeout, 0.3)

    def meter_of(self, number):
        for meter in self.smctl("list-meters"):
            if meter["id"] == number:
                return meter
        return None

    def wait_telegram(self, number, converter_id, after=0, timeout=40):
        """The meter, once it has more than `after` telegrams, the last of them from this converter."""
        def fresh():
            meter = self.meter_of(number)
            if meter and meter["converter"] == converter_id and meter["statistics"]["telegrams"] > after:
                return meter
            return None
        return wait_for("a telegram of %s by %s after %d" % (number, converter_id, after), fresh, timeout, 0.3)
