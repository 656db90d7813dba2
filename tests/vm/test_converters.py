# SPDX-License-Identifier: MIT
"""Converters through their real kernel drivers and the shipped udev rules and hwdb (docs/design.md §3)."""

from service import ServiceCase

PL2303 = {"vendor_id": 0x067B, "product_id": 0x2303}
PL2303GC = {"vendor_id": 0x067B, "product_id": 0x23A3}
CP210X = {"vendor_id": 0x10C4, "product_id": 0xEA60}
CH340 = {"vendor_id": 0x1A86, "product_id": 0x7523}
FT232 = {"vendor_id": 0x0403, "product_id": 0x6001}


class Converters(ServiceCase):
    def read_e450_by(self, chip, driver, number, **ids):
        """Plugs it in and has the meter read; the line is not configured."""
        self.plug("a", chip)
        self.meter("a", number=number)
        converter = self.wait_converter(state="receiving", **ids)
        self.assertEqual((converter["driver"], converter["line"]), (driver, "2400 8E1"))
        meter = self.wait_telegram(number, converter["id"])
        self.assertEqual((meter["profile"], meter["online"]), ("lgz-e450", True))
        names = {reading["name"] for reading in meter["readings"]}
        self.assertLessEqual({"active_energy_import", "active_power_import", "voltage_l1"}, names)
        # Before a tty that is new gets its settings, the kernel may echo a byte or two.
        events = self.events_of("a", "line", "written")
        ours = next(i for i, event in enumerate(events) if event.get("line") == converter["line"])
        self.assertEqual([e for e in events[ours:] if e["event"] == "written"], [], "the meter was written to")

    def configured(self, **ids):
        self.configure('[converter "test"]\nVendorId=%04x\nProductId=%04x\n' % (ids["vendor_id"], ids["product_id"]))

    def test_daemon_opens_pl2303_by_hardware_list(self):
        self.read_e450_by("pl2303", "pl2303", "LGZ1030655000101", **PL2303)

    def test_daemon_opens_pl2303gc_by_hardware_list(self):
        self.read_e450_by("pl2303gc", "pl2303", "LGZ1030655000102", **PL2303GC)

    def test_daemon_opens_configured_cp210x(self):
        self.configured(**CP210X)
        self.read_e450_by("cp210x", "cp210x", "LGZ1030655000103", **CP210X)

    def test_daemon_opens_configured_ch340(self):
        self.configured(**CH340)
        self.read_e450_by("ch340", "ch341", "LGZ1030655000104", **CH340)

    def test_daemon_opens_configured_ft232(self):
        self.configured(**FT232)
        self.read_e450_by("ft232", "ftdi_sio", "LGZ1030655000105", **FT232)

    def test_daemon_never_opens_unconfigured_cp210x(self):
        self.plug("stick", "cp210x")
        stick = self.wait_converter(state="ignored", **CP210X)
        self.usb("feed", device="stick", hex="7ea0")
        # What is plugged in after it is opened and read: the daemon had all the time it needs.
        self.plug("house", "pl2303gc")
        self.meter("house", number="LGZ1030655000106")
        house = self.wait_converter(state="receiving", **PL2303GC)
        self.wait_telegram("LGZ1030655000106", house["id"])
        self.assertEqual(self.events_of("stick", "line", "written"), [])
        status = self.usb("status", device="stick")
        self.assertEqual((status["opened"], status["written"], status["dtr"], status["rts"]), (0, 0, 0, 0))
        self.assertEqual(self.converter(id=stick["id"])["state"], "ignored")
        # The same look does see an opening.
        self.vm.check("smctl adopt " + stick["device"].replace("/dev/", ""))
        self.addCleanup(self.vm.run, "smctl forget " + stick["id"])
        self.usb.wait_event(lambda e: e.get("device") == "stick" and e["event"] == "line", "the adopted one is opened")
        self.assertGreater(self.usb("status", device="stick")["opened"], 0)

    def test_meter_goes_on_behind_replugged_converter_on_other_port_and_tty(self):
        self.plug("a", "pl2303gc", port=2)
        self.meter("a", number="LGZ1030655000107")
        before = self.wait_converter(state="receiving", **PL2303GC)
        meter = self.wait_telegram("LGZ1030655000107", before["id"])
        self.unplug("a")
        self.wait_converter(id=before["id"], state="gone")
        self.plug("stick", "cp210x")  # takes the tty's number
        self.wait_converter(state="ignored", **CP210X)
        self.plug("a", "pl2303gc", port=7)
        after = self.wait_converter(state="receiving", **PL2303GC)
        self.assertEqual((after["id"], after["object"]), (before["id"], before["object"]))
        self.assertNotEqual((after["socket"], after["device"]), (before["socket"], before["device"]))
        again = self.wait_telegram("LGZ1030655000107", after["id"], meter["statistics"]["telegrams"])
        self.assertEqual(again["object"], meter["object"])

    def test_meter_goes_on_behind_converter_without_serial_number_on_other_port(self):
        self.plug("a", "pl2303", port=3)
        self.meter("a", number="LGZ1030655000108")
        before = self.wait_converter(state="receiving", **PL2303)
        meter = self.wait_telegram("LGZ1030655000108", before["id"])
        self.unplug("a")
        self.wait_converter(id=before["id"], state="gone")
        self.plug("a", "pl2303", port=8)
        after = self.wait_converter(state="receiving", **PL2303)
        self.assertNotEqual(after["id"], before["id"])
        again = self.wait_telegram("LGZ1030655000108", after["id"], meter["statistics"]["telegrams"])
        self.assertEqual(again["object"], meter["object"])


class Waiting(ServiceCase):
    """What takes time: line detection on a PL2303 whose UART garbles what comes at another line; and
    the silence watchdog, whose minute passes for another converter meanwhile."""
    STALLED = "LGZ1030655000301"

    @classmethod
    def setUpClass(cls):
        case = cls("test_watchdog_revives_stalled_endpoint")
        case.setUp()
        cls.addClassCleanup(case.doCleanups)
        case.stall()

    def stall(self):
        self.plug("stalled", "pl2303gc", serial="STALLED")
        self.meter("stalled", number=self.STALLED)
        converter = self.wait_converter(state="receiving", serial="STALLED")
        self.wait_telegram(self.STALLED, converter["id"])
        self.usb("fault", device="stalled", kind="bulk-stall")
        self.usb("fault", device="stalled", kind="none")  # the chip is well again, but its driver asks no more
        self.assertFalse(self.usb("status", device="stalled")["reading"])
        type(self).stalled_id = converter["id"]
        type(self).telegrams = self.meter_of(self.STALLED)["statistics"]["telegrams"]

    def find(self, profile, line, port, number):
        self.plug("a", "pl2303", sender=line, port=port)  # a port of its own: nothing was learned there
        self.meter("a", profile, number)
        self.wait_converter(state="detecting", **PL2303)
        converter = self.wait_converter(150, state="receiving", **PL2303)
        self.assertEqual(converter["line"], line)
        self.assertEqual(self.wait_telegram(number, converter["id"])["profile"], profile)

    def test_daemon_finds_2400_8e1_of_e450(self):
        self.find("lgz-e450", "2400 8E1", 10, "LGZ1030655000201")

    def test_daemon_finds_9600_8n1_of_e360(self):
        self.find("lgz-e360", "9600 8N1", 11, "LGZ1030163000202")

    def test_daemon_finds_115200_8n1_of_am550(self):
        self.find("iskra-am550", "115200 8N1", 12, "ISK1030783000203")

    def test_watchdog_revives_stalled_endpoint(self):
        # Silence is max(3 × interval, 60 s).
        self.wait_telegram(self.STALLED, self.stalled_id, self.telegrams, 100)
        after = self.converter(id=self.stalled_id)
        self.assertEqual((after["state"], after["statistics"]["reopens"]), ("receiving", 1))
        self.assertEqual(self.usb("status", device="stalled")["opened"], 2)
