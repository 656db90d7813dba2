# SPDX-License-Identifier: MIT
"""Objects, properties and their change signals, as any client sees them."""

import math
import unittest
import xml.etree.ElementTree as ElementTree

from gi.repository import GLib
from private_bus import (CONVERTER, ELECTRICITY, ERROR, HISTORY, MANAGER, METER, OBJECTS, OUTPUT, PROPERTIES,
                         ROOT, SECONDS, SOURCE, TARIFF, CallError, Client, Driver, PrivateBus, converter_path, meter_path,
                         output_path, wait_until)

ID = "067b:2303@pci-0000:00:14.0-usb-0:1:1.0"
NO_OPTIONS = GLib.Variant("(a{sv})", ({},))
DERIVED = 4  # of the flags of a reading
TELEGRAM = "telegram LGZ1 1.7.0=1234 2.7.0=0 1.8.0=12345678 32.7.0=230.1 31.7.0=5.31"


class BusTest(unittest.TestCase):
    def setUp(self):
        self.bus = PrivateBus()
        self.addCleanup(self.bus.stop)
        self.driver = Driver(self.bus)
        self.addCleanup(lambda: self.assertEqual(self.driver.stop(), 0))
        self.driver.do(f"converter-add {ID}")
        self.driver.do("meter-add LGZ1")
        self.driver.do(f"converter {ID} meter LGZ1")
        self.driver.do("output-add home")
        self.driver.do("name")
        self.client = Client(self.bus)
        self.addCleanup(self.client.close)

    def assert_error(self, name, call, *words):
        with self.assertRaises(CallError) as caught:
            call()
        self.assertEqual(caught.exception.name, ERROR + name)
        for word in words:
            self.assertIn(word, caught.exception.message)


def describe(interface):
    """A comparable form of an <interface> element."""
    def emits(element):
        for a in element.findall("annotation"):
            if a.get("name") == "org.freedesktop.DBus.Property.EmitsChangedSignal":
                return a.get("value")
        return "true"

    out = {}
    for kind in ("method", "signal"):
        for m in interface.findall(kind):
            out[kind, m.get("name")] = [
                (a.get("name"), a.get("type"), a.get("direction") or
                 ("in" if kind == "method" else "out")) for a in m.findall("arg")]
            if kind == "signal":
                out[kind, m.get("name")] = [x[:2] for x in out[kind, m.get("name")]]
    for p in interface.findall("property"):
        out["property", p.get("name")] = (p.get("type"), p.get("access"), emits(p))
    return out


class TestIntrospection(BusTest):
    def live(self, path, interface):
        text = self.client.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")[0]
        found = {i.get("name"): i for i in ElementTree.fromstring(text).findall("interface")}
        self.assertEqual({n for n in found if n.startswith("org.smartmeterd.")},
                         {i for p, i in self.objects() if p == path})
        return describe(found[interface])

    @staticmethod
    def objects():
        return [(ROOT, MANAGER), (converter_path(ID), CONVERTER), (meter_path("LGZ1"), METER),
                (meter_path("LGZ1"), ELECTRICITY), (meter_path("LGZ1"), TARIFF),
                (meter_path("LGZ1"), HISTORY), (output_path("home"), OUTPUT)]

    def test_client_introspects_each_object_and_finds_what_the_xml_says(self):
        for path, interface in self.objects():
            with self.subTest(interface):
                tree = ElementTree.parse(SOURCE / f"dbus/{interface}.xml")
                self.assertEqual(self.live(path, interface),
                                 describe(tree.getroot().find("interface")))

    def test_client_finds_every_object_with_every_property_in_one_call(self):
        managed = self.client.call(ROOT, OBJECTS, "GetManagedObjects")[0]
        for path, interface in self.objects()[1:]:
            xml = ElementTree.parse(SOURCE / f"dbus/{interface}.xml").getroot()
            self.assertEqual(set(managed[path][interface]),
                             {p.get("name") for p in xml.iter("property")})

    def nodes(self, path):
        text = self.client.call(path, "org.freedesktop.DBus.Introspectable", "Introspect")[0]
        return [n.get("name") for n in ElementTree.fromstring(text).findall("node")]

    def test_folders_list_what_is_in_them_and_are_there_when_nothing_is(self):
        for folder, objects in (("meter", [meter_path("LGZ1")]), ("output", [output_path("home")]),
                                ("converter", [converter_path(ID)])):
            self.assertIn(folder, self.nodes(ROOT))
            self.assertEqual([f"{ROOT}/{folder}/{n}" for n in self.nodes(f"{ROOT}/{folder}")], objects)
        gone = meter_path("LGZ1")
        self.driver.do("meter-remove LGZ1")
        self.assertEqual(self.nodes(f"{ROOT}/meter"), [])
        self.assertNotIn(gone, self.client.call(ROOT, OBJECTS, "GetManagedObjects")[0])
        for path in (gone, meter_path("LGZ2")):
            with self.assertRaises(CallError) as caught:
                self.client.call(path, METER, "GetReadings")
            self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.UnknownObject")


class TestManager(BusTest):
    def test_client_lists_and_finds_converters_and_meters(self):
        def call(method, *args):
            return self.client.call(ROOT, MANAGER, method,
                                    GLib.Variant("(s)", args) if args else None)[0]
        self.assertEqual(call("ListConverters"), [converter_path(ID)])
        self.assertEqual(call("ListMeters"), [meter_path("LGZ1")])
        for key in (ID, "/dev/ttyUSB0", "ttyUSB0"):
            self.assertEqual(call("GetConverter", key), converter_path(ID))
        for key in ("LGZ1", "House"):
            self.assertEqual(call("GetMeter", key), meter_path("LGZ1"))
        self.assert_error("NoSuchConverter", lambda: call("GetConverter", "ttyS9"), ID)
        self.assert_error("NoSuchMeter", lambda: call("GetMeter", "x"), "LGZ1")

    def test_client_learns_what_readings_mean(self):
        known = self.client.call(ROOT, MANAGER, "DescribeReadings")[0]
        self.assertEqual(known["active_power_import"],
                         ("1-0:1.7.0", "Active power import", "power"))
        self.assertEqual(known["voltage_l2"][0], "1-0:52.7.0")
        self.assertEqual(known["submeter_volume"][::2], ("0-0:24.2.1", "volume"))
        self.assertEqual([n for n, (_, label, kind) in known.items() if not label or not kind], [])

    def test_unknown_options_are_errors_that_name_the_known_ones(self):
        key = bytes(16)
        odd = {"Colour": GLib.Variant("s", "red")}
        for path, interface, method, signature, args in (
                (ROOT, MANAGER, "SetMeterKey", "(sayaya{sv})", ("LGZ1", key, b"")),
                (ROOT, MANAGER, "Forget", "(sa{sv})", ("LGZ1",)),
                (ROOT, MANAGER, "Adopt", "(sa{sv})", ("ttyUSB0",)),
                (converter_path(ID), CONVERTER, "Probe", "(a{sv})", ()),
                (converter_path(ID), CONVERTER, "Capture", "(a{sv})", ()),
                (converter_path(ID), CONVERTER, "Reset", "(sa{sv})", ("reopen",))):
            with self.subTest(method):
                self.assert_error("InvalidArgument", lambda: self.client.call(
                    path, interface, method, GLib.Variant(signature, (*args, odd))),
                    "'Colour'", method)
        self.assertEqual(self.driver.poll(), [])

    def test_reply_comes_whatever_bytes_are_quoted_in_it(self):
        def ask(method, key):
            return lambda: self.client.call(ROOT, MANAGER, method, GLib.Variant("(s)", (key,)))
        for n in range(90, 102):  # cuts at each place of a letter
            for letter in ("é", "€", "𐍈"):
                self.assert_error("NoSuchMeter", ask("GetMeter", "x" * n + letter), "LGZ1")
                self.assert_error("NoSuchConverter", ask("GetConverter", "x" * n + letter), ID)

    def test_text_that_is_no_utf8_is_shown_and_hurts_no_reply(self):
        self.driver.do_bytes(b"reload-error caf\xe9.conf:3: Z\xe4hler \xed\xa0\x80")
        self.driver.do_bytes(f"converter {ID} reason ".encode() + b"held by caf\xe9 " + b"x" * 300)
        self.driver.do_bytes(b"output K\xfcche is away")
        self.assertEqual(self.client.get(ROOT, MANAGER, "LastReloadError"),
                         "caf\ufffd.conf:3: Z\ufffdhler \ufffd\ufffd\ufffd")
        managed = self.client.call(ROOT, OBJECTS, "GetManagedObjects")[0]
        self.assertIn("caf\ufffd", managed[converter_path(ID)][CONVERTER]["StateReason"])
        self.assertEqual(managed[output_path("home")][OUTPUT]["LastError"], "K\ufffdche is away")

    def test_manager_counts_what_comes_and_goes(self):
        self.assertEqual(self.client.get(ROOT, MANAGER, "NMeters"), 1)
        self.driver.do("meter-add GAS1 LGZ1")
        self.assertEqual(self.client.changes(ROOT, MANAGER), [({"NMeters": 2}, [])])
        self.assertEqual(self.client.get(meter_path("GAS1"), METER, "Parent"), meter_path("LGZ1"))
        self.driver.do("meter-remove GAS1")
        self.assertEqual(self.client.changes(ROOT, MANAGER)[1:], [({"NMeters": 1}, [])])
        added = self.client.seen(f"{OBJECTS}.InterfacesAdded")
        removed = self.client.seen(f"{OBJECTS}.InterfacesRemoved")
        self.assertEqual([p for _, (p, _) in added], [meter_path("GAS1")])
        self.assertEqual(added[0][1][1][METER]["Id"], "GAS1")
        self.assertIn(TARIFF, added[0][1][1])
        self.assertEqual(removed[0][1][0], meter_path("GAS1"))
        self.assertLessEqual({METER, TARIFF}, set(removed[0][1][1]))

    def test_manager_tells_its_state_and_the_reload_error(self):
        self.driver.do("state running")
        self.driver.do("state running")
        self.driver.do("reload-error a.conf:3: no")
        self.assertEqual(self.client.changes(ROOT, MANAGER),
                         [({"State": "running"}, []), ({"LastReloadError": "a.conf:3: no"}, [])])
        self.assertRegex(self.client.get(ROOT, MANAGER, "Version"), r"^\d+\.\d+\.\d+")

    def test_operator_reloads_and_gets_warnings_or_the_named_error(self):
        self.assertEqual(self.client.call(ROOT, MANAGER, "Reload"), (["a.conf:7: a warning"],))
        self.driver.do("fail 22")
        self.assert_error("InvalidConfiguration", lambda: self.client.call(ROOT, MANAGER, "Reload"),
                          "a.conf:3")

    def test_operator_rescans_adopts_and_forgets(self):
        def adopt(tty, options):
            return self.client.call(ROOT, MANAGER, "Adopt", GLib.Variant("(sa{sv})", (tty, options)))
        self.client.call(ROOT, MANAGER, "Rescan")
        self.driver.wait_request("request rescan")
        self.assertEqual(adopt("ttyUSB0", {"Line": GLib.Variant("s", "9600 8N1")}),
                         (converter_path(ID),))
        self.driver.wait_request("request adopt ttyUSB0 9600 8N1 -")
        self.assert_error("NoSuchConverter", lambda: adopt("ttyUSB7", {}), "ttyUSB7", ID)
        self.assert_error("InvalidArgument", lambda: adopt("x", {"Baud": GLib.Variant("u", 1)}),
                          "Baud", "Line")
        self.assert_error("InvalidArgument", lambda: adopt("x", {"Line": GLib.Variant("u", 1)}),
                          "2400 8E1")
        self.client.call(ROOT, MANAGER, "Forget", GLib.Variant("(sa{sv})", (ID, {})))
        self.driver.wait_request(f"request forget {ID}")

    def test_operator_sets_a_key_that_can_never_be_read_back(self):
        def set_key(ek, ak):
            return self.client.call(ROOT, MANAGER, "SetMeterKey",
                                    GLib.Variant("(sayaya{sv})", ("LGZ1", ek, ak, {})))
        key = bytes(range(0xa0, 0xb0))
        set_key(key, b"")
        self.driver.wait_request("request set-meter-key LGZ1 a0..af without-ak")
        set_key(key, key)
        self.driver.wait_request("request set-meter-key LGZ1 a0..af with-ak")
        for ek, ak in ((b"", b""), (key[:15], b""), (key + b"1", b""), (key, key[:3])):
            self.assert_error("InvalidArgument", lambda: set_key(ek, ak), "16 bytes")
        everything = self.client.connection.call_sync(
            "org.smartmeterd", ROOT, OBJECTS, "GetManagedObjects", None, None, 0, 10000, None)
        data = everything.get_data_as_bytes().get_data()
        self.assertNotIn(key, data)
        self.assertNotIn(key.hex().encode(), data.lower())

    def test_requests_that_fail_have_names_and_say_what_to_do(self):
        for errno, name in ((19, "Gone"), (16, "Busy"), (95, "NotSupported"), (5, "Failed"),
                            (22, "InvalidArgument")):
            self.driver.do(f"fail {errno}")
            self.assert_error(name, lambda: self.client.call(ROOT, MANAGER, "Rescan"))


class TestConverter(BusTest):
    def test_converter_shows_its_properties(self):
        values = self.client.get_all(converter_path(ID), CONVERTER)
        self.assertGreater(values["Statistics"].pop("frames"), 0)
        self.assertEqual(
            values,
            {"Id": ID, "State": "receiving", "StateCode": "telegrams",
             "StateReason": "Telegrams arrive.",
             "Device": "/dev/ttyUSB0", "VendorId": 0x067b, "ProductId": 0x2303,
             "Vendor": "Prolific", "Product": "USB-Serial", "Serial": "",
             "Socket": "pci-0000:00:14.0-usb-0:1:1.0", "Driver": "pl2303", "Line": "2400 8E1",
             "Framing": "hdlc", "Profile": "lgz-e450", "Meters": [meter_path("LGZ1")],
             "HolderPid": 0, "HolderUnit": "",
             "LastByteUSec": 0, "Statistics": {"bytes": 0}})

    def test_converter_keeps_its_path_over_a_replug_and_tells_only_what_changed(self):
        self.driver.do(f"converter {ID} state gone")
        self.driver.do(f"converter {ID} device /dev/ttyUSB1")
        self.driver.do(f"converter {ID} device /dev/ttyUSB1")
        self.assertEqual(self.client.changes(converter_path(ID), CONVERTER),
                         [({"State": "gone", "StateCode": "unplugged"}, []), ({"Device": "/dev/ttyUSB1"}, [])])
        self.assertEqual(self.client.seen(f"{OBJECTS}.InterfacesAdded"), [])

    def test_statistics_are_invalidated_once_after_each_reading(self):
        path = converter_path(ID)
        self.client.get(path, CONVERTER, "Statistics")
        self.driver.do(f"converter {ID} bytes 5")
        self.driver.do(f"converter {ID} bytes 5")
        self.assertEqual(self.client.changes(path, CONVERTER), [({}, ["Statistics"])])
        self.assertEqual(self.client.get(path, CONVERTER, "Statistics")["bytes"], 10)
        self.assertGreater(self.client.get(path, CONVERTER, "LastByteUSec"), 0)
        self.driver.do(f"converter {ID} bytes 1")
        self.assertEqual(len(self.client.changes(path, CONVERTER)), 2)

    def test_statistics_are_of_the_moment_they_are_read_and_telegrams_invalidate_them(self):
        path = converter_path(ID)
        first = self.client.get(path, CONVERTER, "Statistics")["frames"]
        self.assertGreater(self.client.get(path, CONVERTER, "Statistics")["frames"], first)
        self.driver.do(TELEGRAM)
        self.driver.do(TELEGRAM)
        self.assertEqual(self.client.changes(path, CONVERTER), [({}, ["Statistics"])])

    def test_meter_follows_its_converter(self):
        self.assertEqual(self.client.get(meter_path("LGZ1"), METER, "Converter"),
                         converter_path(ID))
        self.driver.do("converter-add 0403:6001:B")
        self.driver.do(f"converter {ID} meter ")
        self.driver.do("converter 0403:6001:B meter LGZ1")
        self.assertEqual(self.client.changes(meter_path("LGZ1"), METER),
                         [({"Converter": "/"}, []),
                          ({"Converter": converter_path("0403:6001:B")}, [])])
        self.driver.do("converter-remove 0403:6001:B")
        self.assertEqual(self.client.get(meter_path("LGZ1"), METER, "Converter"), "/")

    def test_operator_probes_and_resets(self):
        path = converter_path(ID)
        self.client.call(path, CONVERTER, "Probe", NO_OPTIONS)
        self.driver.wait_request(f"request probe {ID}")
        self.client.call(path, CONVERTER, "Reset", GLib.Variant("(sa{sv})", ("usb", {})))
        self.driver.wait_request(f"request reset {ID} usb")
        self.assert_error("InvalidArgument",
                          lambda: self.client.call(path, CONVERTER, "Reset",
                                                   GLib.Variant("(sa{sv})", ("hard", {}))), "reopen", "usb")


class TestMeter(BusTest):
    path = meter_path("LGZ1")

    def readings(self, *names):
        return self.client.call(self.path, METER, "GetReadings",
                                GLib.Variant("(as)", (names,)))[0]

    def test_meter_without_a_telegram_provides_nothing(self):
        values = self.client.get_all(self.path, METER)
        self.assertEqual((values["Id"], values["Name"], values["Online"], values["Readings"]),
                         ("LGZ1", "House", False, {}))
        self.assertTrue(math.isnan(values["Counter"]))
        values = self.client.get_all(self.path, ELECTRICITY)
        for name in ("PowerImport", "EnergyExport", "VoltageL2", "CurrentL3"):
            self.assertTrue(math.isnan(values[name]))
        self.assertEqual(self.readings(), {})

    def test_telegram_becomes_typed_properties_readings_and_one_signal(self):
        self.driver.do(TELEGRAM + " 94.7.0=7 0-0:96.1.0#30655933")
        values = {**self.client.get_all(self.path, ELECTRICITY),
                  **self.client.get_all(self.path, METER)}
        self.assertEqual([values[n] for n in ("PowerImport", "EnergyImport", "VoltageL1",
                                              "CurrentL1", "Online")],
                         [1234.0, 12345678.0, 230.1, 5.31, True])
        self.assertTrue(math.isnan(values["EnergyExport"]))
        self.assertEqual(values["Texts"], {"0-0:96.1.0": "30655933"})
        self.assertEqual(values["Readings"]["active_power_import"][:2], (1234.0, "W"))
        self.assertEqual(values["Readings"]["1-0:94.7.0"][0], 7.0)
        (path, (host_time, sequence, readings)), = self.client.seen(f"{METER}.TelegramReceived")
        self.assertEqual((path, sequence), (self.path, 1))
        self.assertEqual(host_time, values["LastTelegramUSec"])
        self.assertEqual(readings, values["Readings"])

    def arrived(self, member):
        """Signals so far, without asking the service, which may not answer now."""
        self.client.call_bus("GetId")
        while GLib.MainContext.default().iteration(False):
            pass
        return [args.unpack() for p, m, args in self.client.signals if m == member]

    def test_signals_and_callers_wait_until_a_telegram_is_kept(self):
        told, answers = f"{METER}.TelegramReceived", []
        self.driver.do("hold 1")
        self.driver.do(TELEGRAM)
        self.driver.do("meter-add LGZ2")
        self.client.connection.call(
            "org.smartmeterd", self.path, PROPERTIES, "Get",
            GLib.Variant("(ss)", (ELECTRICITY, "PowerImport")), None, 0, -1, None,
            lambda c, result: answers.append(c.call_finish(result).unpack()[0]))
        self.driver.do("hold 2")
        self.driver.do(TELEGRAM.replace("1234 ", "1300 "))
        self.assertEqual(self.arrived(told) + self.arrived(f"{OBJECTS}.InterfacesAdded"), [])
        self.driver.do("release 1")
        wait_until(lambda: self.arrived(told), "the first signal")
        self.assertEqual([s[1] for s in self.arrived(told)], [1])
        self.assertEqual([s[0] for s in self.arrived(f"{OBJECTS}.InterfacesAdded")],
                         [meter_path("LGZ2")])
        self.assertEqual(answers, [])  # the second telegram is in the properties already
        self.driver.do("release 2")
        wait_until(lambda: len(self.arrived(told)) == 2, "the second signal")
        self.assertEqual([s[2]["active_power_import"][0] for s in self.arrived(told)], [1234, 1300])
        wait_until(lambda: self.arrived(told) and answers, "the answer")
        self.assertEqual(answers, [1300])
        self.driver.do("hold 3")  # and it ends well while something waits
        self.driver.do(TELEGRAM)

    def test_signed_sum_alone_becomes_import_or_export(self):
        self.driver.do("telegram LGZ1 16.7.0=-420")
        self.assertEqual(self.client.get(self.path, ELECTRICITY, "PowerImport"), 0)
        self.assertEqual(self.client.get(self.path, ELECTRICITY, "PowerExport"), 420)

    def test_tariff_registers_alone_add_up_to_the_total(self):
        for telegram, want in (("1.8.1=1000.1 1.8.2=234.2 2.8.1=7 2.8.2=0", (1234.3, 7.0)),
                               # one step of the register: more is suspect so soon after
                               ("1.8.1=1000.2 1.8.2=234.2", (1234.4, 7.0)),
                               ("1.8.0=1300 2.8.0=0", (1300.0, 0.0))):
            with self.subTest(telegram):
                self.driver.do(f"telegram LGZ1 {telegram}")
                values = self.client.get_all(self.path, ELECTRICITY)
                self.assertEqual((values["EnergyImport"], values["EnergyExport"]), want)

    def test_second_telegram_changes_only_what_differs(self):
        self.driver.do(TELEGRAM)
        self.driver.do(TELEGRAM.replace("1234 ", "1300 "))
        changed, invalidated = self.client.changes(self.path, METER)[1]
        self.assertEqual(set(changed) - {"IntervalUSec"}, {"LastTelegramUSec"})
        self.assertEqual(invalidated, ["Readings", "Statistics"])
        self.assertEqual(len(self.client.changes(self.path, METER)), 2)
        order = [m.rsplit(".", 1)[1] for p, m, _ in self.client.signals if p == self.path]
        self.assertEqual(order, ["PropertiesChanged"] * 2 + ["TelegramReceived"] +
                         ["PropertiesChanged"] * 2 + ["TelegramReceived"])
        changed, invalidated = self.client.changes(self.path, ELECTRICITY)[1]
        self.assertEqual((changed, invalidated), ({"PowerImport": 1300, "PowerNet": 1300}, []))

    def test_net_power_is_of_one_telegram_and_signed(self):
        for telegram, want in (("1.7.0=0 2.7.0=1013.9", -1013.9), ("1.7.0=5", None), ("1.7.0=0.3 2.7.0=0.1", 0.2),
                               ("16.7.0=-7", -7.0)):
            with self.subTest(telegram):
                self.driver.do(f"telegram LGZ1 {telegram}")
                net = self.client.get(self.path, ELECTRICITY, "PowerNet")
                self.assertTrue(math.isnan(net) if want is None else net == want, net)

    def test_phases_and_frequency_have_properties(self):
        self.driver.do("telegram LGZ1 21.7.0=700 22.7.0=0 41.7.0=0 42.7.0=250 76.7.0=-3 14.7.0=49.98")
        values = self.client.get_all(self.path, ELECTRICITY)
        self.assertEqual([values[n] for n in ("PowerL1", "PowerL2", "PowerL3", "Frequency")],
                         [700, -250, -3, 49.98])

    def test_gas_meter_counts_and_has_no_electricity(self):
        self.driver.do("meter-add GAS1 LGZ1 gas")
        path = meter_path("GAS1")
        managed = self.client.call(ROOT, OBJECTS, "GetManagedObjects")[0]
        self.assertIn(TARIFF, managed[path])
        self.assertNotIn(ELECTRICITY, managed[path])
        self.driver.do("telegram GAS1 0-1:24.2.1=123.456*m3")
        changed, _ = self.client.changes(path, METER)[0]
        self.assertEqual((changed["Counter"], changed["CounterUnit"]), (123.456, "m³"))
        self.driver.do(TELEGRAM)
        self.assertEqual([self.client.get(self.path, METER, n) for n in ("Counter", "CounterUnit")],
                         [12345678.0, "Wh"])

    def test_texts_are_told_when_a_text_changed_and_not_with_the_clock(self):
        for text in ("A", "A", "B"):
            self.driver.do(f"{TELEGRAM} 0-0:96.13.0#{text} 0-0:1.0.0#{len(self.client.settle())}")
        told = [changed["Texts"]["0-0:96.13.0"] for changed, _ in
                self.client.changes(self.path, METER) if "Texts" in changed]
        self.assertEqual(told, ["A", "B"])

    def test_nothing_changed_means_no_signal(self):
        self.driver.do(TELEGRAM)
        before = len(self.client.settle())
        self.driver.do("meter-touch LGZ1")
        self.assertEqual(len(self.client.settle()), before)

    def test_meter_goes_offline_with_one_change(self):
        self.driver.do(TELEGRAM)
        self.driver.do("meter-offline LGZ1")
        self.assertEqual(self.client.changes(self.path, METER)[1:], [({"Online": False}, [])])

    def test_client_asks_for_readings_by_name_and_by_code(self):
        self.driver.do(TELEGRAM)
        self.assertEqual(set(self.readings("active_power_import", "1-0:32.7.0", "1.7.0")),
                         {"active_power_import", "voltage_l1"})
        self.assertEqual(len(self.readings()), 6)  # five that are sent, and the net power
        self.assertEqual(self.readings("active_power_net")["active_power_net"][3], DERIVED)
        value, unit, usec, flags = self.readings("voltage_l1")["voltage_l1"]
        self.assertEqual((value, unit, flags), (230.1, "V", 0))
        self.assertGreater(usec, 1_500_000_000_000_000)
        self.assert_error("NoSuchReading", lambda: self.readings("1.7.0", "power"), "'power'",
                          "active_power_import")

    def test_tariff_follows_the_meters_indicator(self):
        self.assertEqual(self.client.get_all(self.path, TARIFF),
                         {"Active": 0, "Label": "", "Source": "none", "SinceUSec": 0,
                          "NextUSec": 0})
        self.driver.do(TELEGRAM + " 0-0:96.14.0#0002")
        (changed, invalidated), = self.client.changes(self.path, TARIFF)
        self.assertEqual((changed["Active"], changed["Label"], changed["Source"], invalidated),
                         (2, "2", "indicator", []))
        self.driver.do(TELEGRAM + " 0-0:96.14.0#0002")
        self.assertEqual(len(self.client.changes(self.path, TARIFF)), 1)

    def test_constant_properties_cannot_be_set(self):
        with self.assertRaises(CallError) as caught:
            self.client.call(self.path, PROPERTIES, "Set",
                             GLib.Variant("(ssv)", (METER, "Name", GLib.Variant("s", "x"))))
        self.assertEqual(caught.exception.name, "org.freedesktop.DBus.Error.PropertyReadOnly")


class TestLife(BusTest):
    def test_meters_that_come_and_go_leave_nothing_behind(self):
        def play(n):
            for i in range(n):
                self.driver.do(f"meter-add M{i}")
                self.driver.do(f"telegram M{i} 1.7.0={i} 0-0:96.1.0#{i}")
                self.driver.do(f"converter {ID} meter M{i}")
                self.driver.do(f"meter-remove M{i}")
        play(100)
        rss, fds = self.driver.rss_kib(), self.driver.n_fds()
        play(400)
        self.assertEqual(self.driver.n_fds(), fds)
        self.assertLess(self.driver.rss_kib() - rss, 1024)
        self.assertEqual(self.client.get(converter_path(ID), CONVERTER, "Meters"), [])

    def test_second_service_is_refused_the_name(self):
        second = Driver(self.bus)
        with self.assertRaisesRegex(AssertionError, "error -17"):
            second.do("name")
        self.assertEqual(second.stop(), 0)

    def test_service_is_told_once_that_the_bus_is_gone(self):
        other = PrivateBus()
        driver = Driver(other)
        driver.do("name")
        other.stop()
        self.assertEqual(driver.process.wait(timeout=SECONDS), 1)
        self.assertEqual(driver.process.stdout.read().decode().splitlines(), ["lost"])
        driver.process.stdin.close()
        driver.process.stdout.close()


class TestOutputAndLog(BusTest):
    def test_output_tells_its_connection_and_reconnects(self):
        path = output_path("home")
        self.assertEqual(self.client.get_all(path, OUTPUT),
                         {"Name": "home", "Kind": "mqtt", "Connected": False,
                          "LastError": "No broker.", "LastErrorCode": "failed",
                          "Queued": 0, "Spooled": 0, "Published": 0, "Dropped": 0})
        self.driver.do("output connected")
        self.assertEqual(self.client.changes(path, OUTPUT),
                         [({"Connected": True, "LastError": "", "LastErrorCode": "",
                            "Published": 1}, [])])
        self.client.call(path, OUTPUT, "Reconnect")
        self.driver.wait_request("request reconnect home")
        self.driver.do("output-remove")
        self.assertNotIn(path, self.client.call(ROOT, OBJECTS, "GetManagedObjects")[0])

    def test_operator_sets_the_log_level_as_systemctl_does(self):
        path, interface = "/org/freedesktop/LogControl1", "org.freedesktop.LogControl1"

        def put(name, value):
            self.client.call(path, PROPERTIES, "Set",
                             GLib.Variant("(ssv)", (interface, name, GLib.Variant("s", value))))
        self.assertEqual(self.client.get_all(path, interface),
                         {"LogLevel": "info", "LogTarget": "console",
                          "SyslogIdentifier": "smartmeterd"})
        put("LogLevel", "debug")
        self.assertEqual(self.client.get(path, interface, "LogLevel"), "debug")
        self.assert_error("InvalidArgument", lambda: put("LogLevel", "loud"), "debug")
        self.assert_error("InvalidArgument", lambda: put("LogTarget", "paper"), "journal")


if __name__ == "__main__":
    unittest.main()
