# SPDX-License-Identifier: MIT
"""DESIGN §3 and §4 through the whole daemon: what test_hotplug.py does not have. A sentence each.
Run under umockdev-wrapper."""

import json
import os
import select
import stat
import subprocess
import termios
import threading
import time
import unittest

import private_bus as bus
from broker import Subscriber
from harness import SMARTMETERD, SMCTL, Broker, Daemon, Link, make_bed, plain_environment, telegram
from private_bus import GLib, wait_until

METER, METER_2 = "LGZ1030655933512", "LGZ1030655933599"
E450 = telegram("lgz-e450", "--meter-id", METER)
OTHER = telegram("lgz-e450", "--meter-id", METER_2)

ELECTRICITY, GAS = "E00440056789000001", "G0079012345678901"

ENCRYPTED, TITLE = "ISK1030783000001", "49534befff745dc1"
KEY, AUTH_KEY = "000102030405060708090A0B0C0D0E0F", "00112233445566778899AABBCCDDEEFF"
WRONG = "F" * 32

USBDEVFS_RESET = 0x5514


def crc16(data):
    """CRC-16/ARC, as P1 has it."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xa001 if crc & 1 else 0)
    return crc


def dsmr(**changed):
    """A P1 telegram with other values: t1="003372.700*kWh"; None leaves it out."""
    codes = {"t1": "1-0:1.8.1", "t2": "1-0:1.8.2", "tariff": "0-0:96.14.0", "clock": "0-0:1.0.0"}
    lines = []
    for line in telegram("dsmr5").split(b"!")[0].decode().split("\r\n"):
        code = line.split("(")[0]
        for name, value in changed.items():
            if codes[name] == code:
                line = f"{code}({value})" if value is not None else None
                break
        if line is not None:
            lines.append(line)
    body = "\r\n".join(lines).encode() + b"!"
    return body + b"%04X\r\n" % crc16(body)


def encrypted(n=1, **options):
    """The last of n telegrams of an AM550 that encrypts: n is also what its frame counter says."""
    arguments = {"key": KEY, "auth-key": AUTH_KEY, "security": "30", **options}
    flat = [part for name, value in arguments.items() for part in ("--" + name, value)]
    one, all_of_them = (telegram("iskra-am550", *flat, "-n", str(i)) if i else b""
                        for i in (n - 1, n))
    return all_of_them[len(one):]


class ConverterTest(unittest.TestCase):
    def setUp(self):
        self.bed = make_bed()
        if not self.bed:
            self.skipTest("not under umockdev-wrapper")

    def receiving(self, d, c, data=E450):
        c.plug()
        d.wait_state(c.identity, "detecting")
        c.feed(data)
        d.wait_state(c.identity, "receiving")


class Found(ConverterTest):
    def test_monitor_overrun_enumerates_again(self):
        preload = os.environ["LD_PRELOAD"] + ":" + os.environ["SMARTMETERD_LOST_EVENTS"]
        with Daemon(environment={"LD_PRELOAD": preload}) as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            other = self.bed.converter("pl2303", port="2", number=1).plug()
            d.wait_state(other.identity, "detecting")
            self.assertEqual(d.converter(c.identity, "Statistics")["opens"], 1)
            c.unplug(hang_up=False)
            self.bed.converter("pl2303", port="3", number=2).plug()  # sysfs is complete by now
            d.wait_state(c.identity, "gone")
            self.assertEqual(d.converter(other.identity, "State"), "detecting")

    def test_one_that_comes_while_starting_is_opened_once(self):
        for i in range(4):
            c = self.bed.converter("pl2303", number=i)
            plugging = threading.Thread(target=c.plug)
            daemon = Daemon()
            plugging.start()
            with daemon as d:
                plugging.join()
                d.wait_state(c.identity, "detecting")
                c.feed(E450)
                d.wait_state(c.identity, "receiving")
                self.assertEqual(d.converter(c.identity, "Statistics")["opens"], 1)
                c.unplug()
                d.wait_state(c.identity, "gone")


class Permission(ConverterTest):
    def test_permission_that_comes_late_is_noticed(self):
        daemon = Daemon()
        if os.getuid() == 0:
            self.become_nobody(daemon)
        with daemon as d:
            c = self.bed.converter("pl2303")
            c.properties.pop("SMARTMETER_CONVERTER")  # first plugged where nothing opens it
            c.plug()
            os.chmod(c.pty, 0)
            self.open_to_all(self.bed.testbed.get_root_dir())
            c.change(SMARTMETER_CONVERTER="1")
            d.wait_state(c.identity, "denied")
            self.assertIn("permission", d.converter(c.identity, "StateReason"))
            os.chmod(c.pty, 0o666)
            d.wait_state(c.identity, "detecting")
            c.feed(E450)
            d.wait_state(c.identity, "receiving")

    def become_nobody(self, daemon):
        nobody = ["setpriv", f"--reuid={bus.NOBODY}", f"--regid={bus.NOBODY}", "--clear-groups"]
        if subprocess.run([*nobody, SMARTMETERD, "--version"], env=plain_environment(),
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
            self.skipTest("the build is in a folder that others may not read")
        daemon.wrapper = nobody
        daemon.state.mkdir()
        os.chown(daemon.state, bus.NOBODY, bus.NOBODY)
        os.chown(daemon.config_path, bus.NOBODY, bus.NOBODY)
        os.chmod(daemon.folder, 0o777)
        self.open_to_all(self.bed.testbed.get_root_dir())
        (daemon.bus.folder / "system.d/nobody.conf").write_text(
            f'<busconfig><policy user="{bus.NOBODY}"><allow own="{bus.NAME}"/></policy>'
            "</busconfig>")
        client = bus.Client(daemon.bus, signals=False)
        client.call_bus("ReloadConfig")
        client.close()

    @staticmethod
    def open_to_all(root):
        """The mock bed is root's own; nobody is to find in it what any user finds in /sys."""
        for folder, folders, files in os.walk(root):
            os.chmod(folder, 0o777)
            for name in files:
                path = os.path.join(folder, name)
                if not os.path.islink(path) and not stat.S_ISCHR(os.stat(path).st_mode):
                    os.chmod(path, 0o666)


class Parity(ConverterTest):
    def test_marks_of_damaged_bytes_are_undone(self):
        """PARMRK doubles FF, on a pty too; damage itself no pty can show (see test-port.c)."""
        with Daemon() as d:
            c = self.bed.converter("pl2303")
            self.receiving(d, c)
            _, fds = d.converter_call(c.identity, "Capture", "a{sv}", {})
            fd = fds.steal_fds()[0]
            sent = bytes(range(256)) + b"\xff\xff\x00\xff\xff\xff\x00\x41" + E450
            c.feed(sent)
            got = b""
            while len(got) < len(sent):
                self.assertTrue(select.select([fd], [], [], bus.SECONDS)[0], got)
                got += os.read(fd, 4096)
            os.close(fd)
            self.assertEqual(got, sent)
            self.assertEqual(d.converter(c.identity, "Statistics")["line-errors"], 0)
            flags = termios.tcgetattr(c.master)[0]
            self.assertTrue(flags & termios.PARMRK and flags & termios.INPCK)


class UsbReset(ConverterTest):
    def test_reset_is_of_the_converters_own_usb_device(self):
        with Daemon() as d:
            c, other = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
            asked = {x.identity: self.watch_resets(x) for x in (c, other)}
            self.receiving(d, c)
            self.receiving(d, other, OTHER)
            d.converter_call(c.identity, "Reset", "s", "usb")
            self.assertEqual(asked[c.identity], [USBDEVFS_RESET])
            self.assertEqual(asked[other.identity], [])
            d.wait_state(c.identity, "detecting")
            self.assertEqual(d.converter(c.identity, "Statistics")["usb-resets"], 1)
            self.assertEqual(d.converter(other.identity, "State"), "receiving")

    def watch_resets(self, converter):
        asked = []

        class Usb(self.bed.umockdev.IoctlBase):
            def do_handle_ioctl(self, client):
                asked.append(client.get_request())
                client.complete(0, 0)
                return True

        node = converter.parents[0][1]["DEVNAME"]
        path = self.bed.testbed.get_root_dir() + node
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w"):
            pass
        self.bed.testbed.attach_ioctl(node, Usb())
        return asked


class SubMeters(unittest.TestCase):
    """Device= is enough from here on: it is the meters that count."""

    def test_gas_meter_is_a_meter_with_a_parent_on_bus_and_mqtt(self):
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            bed.feed(telegram("dsmr5"))
            bed.d.wait_meter(GAS, "Medium", "gas")
            gas = bed.d.meters()[GAS]
            self.assertEqual(gas["Parent"], bus.meter_path(ELECTRICITY))
            self.assertEqual(gas["Converter"], bus.converter_path(bed.identity))
            volume, unit = gas["Readings"]["submeter_volume"][:2]
            self.assertAlmostEqual(volume, 3555.644)
            self.assertEqual(unit, "m³")
            self.assertEqual(bed.d.meter(ELECTRICITY, "Parent"), "/")
            self.assertEqual(set(bed.d.converter(bed.identity, "Meters")),
                             {bus.meter_path(ELECTRICITY), bus.meter_path(GAS)})
            topic = f"smartmeterd/box/meter/{GAS}/submeter_volume"
            sub.wait(lambda got: sub.payloads(topic), topic)
            self.assertEqual(sub.payloads(topic)[0], "3555.644")


class Encrypted(unittest.TestCase):
    def test_key_that_is_missing_is_said_and_set_key_gives_readings(self):
        with MeterBed() as bed:
            bed.feed(encrypted(1))
            bed.d.wait_meter(TITLE, "KeyState", "missing")
            self.assertTrue(bed.d.meter(TITLE, "Encrypted"))
            self.assertEqual(bed.d.meter(TITLE, "Readings"), {})
            bed.set_key(TITLE, KEY, AUTH_KEY)
            bed.feed(encrypted(2))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            self.assertIn("active_power_import", bed.d.meter(ENCRYPTED, "Readings"))
            self.assertEqual(list(bed.d.meters()), [ENCRYPTED])  # no second one by its title

            # From the store, also after a restart.
            bed.d.restart()
            bed.d.wait_state(bed.identity, "detecting")
            bed.feed(encrypted(3))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            bed.wait_telegrams(ENCRYPTED, 1)

    def test_wrong_encryption_and_wrong_authentication_key_are_told_apart(self):
        with MeterBed() as bed:
            bed.set_key(TITLE, WRONG, AUTH_KEY)
            bed.feed(encrypted(1))
            bed.d.wait_meter(TITLE, "KeyState", "wrong-encryption-key")
            bed.set_key(TITLE, KEY, WRONG)
            bed.feed(encrypted(2))
            bed.d.wait_meter(TITLE, "KeyState", "wrong-authentication-key")
            self.assertEqual(bed.d.meter(TITLE, "Readings"), {})
            self.assertEqual(bed.d.log.count("wrong encryption key"), 1)
            self.assertEqual(bed.d.log.count("wrong authentication key"), 1)
            bed.set_key(TITLE, KEY, AUTH_KEY)
            bed.feed(encrypted(3))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            for key in KEY, AUTH_KEY, WRONG:
                self.assertNotIn(key, bed.d.log.upper())

    def test_key_of_a_section_named_by_title_by_id_or_of_the_converter(self):
        keys = f"Key={KEY}\nAuthKey={AUTH_KEY}\n"
        for where, config, converter in (
                ("the title", f'[meter "{TITLE.upper()}"]\n{keys}', ""),
                ("the id", f'[meter "{ENCRYPTED}"]\n{keys}', ""),
                ("the converter", "", keys)):
            with self.subTest(where), MeterBed(config=config, converter=converter) as bed:
                bed.feed(encrypted(1))
                bed.feed(encrypted(2))
                bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
                self.assertEqual(list(bed.d.meters()), [ENCRYPTED])

    def test_key_of_one_id_among_several_meters_is_found(self):
        config = (f'[meter "{METER}"]\nKey={WRONG}\n[meter "{METER_2}"]\nKey={"E" * 32}\n'
                  f'[meter "{ENCRYPTED}"]\nName=Cellar\nKey={KEY}\nAuthKey={AUTH_KEY}\n')
        with MeterBed(config=config) as bed:
            for n in range(1, 5):
                bed.feed(encrypted(n))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            self.assertEqual(bed.d.meter(ENCRYPTED, "Name"), "Cellar")
            self.assertEqual(list(bed.d.meters()), [ENCRYPTED])
            self.assertEqual(bed.d.converter(bed.identity, "Statistics")["key-failures"], 0)

    def test_key_set_by_the_id_before_the_meter_was_ever_read(self):
        with MeterBed() as bed:
            bed.feed(encrypted(1))
            bed.d.wait_meter(TITLE, "KeyState", "missing")
            bed.set_key(METER, WRONG)
            bed.set_key(ENCRYPTED, KEY, AUTH_KEY)
            bed.feed(encrypted(2))
            bed.d.wait_meter(ENCRYPTED, "KeyState", "ok")
            self.assertEqual(list(bed.d.meters()), [ENCRYPTED])

    def test_keys_of_others_are_no_wrong_key_but_a_missing_one(self):
        sections = [f'[meter "{METER}"]\nKey={WRONG}\n', f'[meter "{METER_2}"]\nKey={"E" * 32}\n']
        for state, config in (("missing", "".join(sections)),
                              ("wrong-encryption-key", sections[0])):
            with self.subTest(state), MeterBed(config=config) as bed:
                bed.feed(encrypted(1))
                bed.d.wait_meter(TITLE, "KeyState", state)
                self.assertEqual(bed.d.meter(TITLE, "Readings"), {})
                self.assertEqual(bed.d.converter(bed.identity, "Statistics")["key-failures"], 1)


class Tariff(unittest.TestCase):
    LABELS = "[tariff]\nLabel.1=HC\nLabel.2=HP\nTimezone=Europe/Amsterdam\n"

    def test_indicator_of_the_meter_comes_first(self):
        with MeterBed(config=self.LABELS) as bed:
            bed.feed(dsmr(tariff="0001"))
            bed.wait_telegrams(ELECTRICITY, 1)
            tariff = bed.tariff(ELECTRICITY)
            self.assertEqual((tariff["Active"], tariff["Label"], tariff["Source"]),
                             (1, "HC", "indicator"))
            self.assertGreater(tariff["SinceUSec"], 0)
            bed.feed(dsmr(tariff="0002"))
            wait_until(lambda: bed.tariff(ELECTRICITY)["Active"] == 2, "the second tariff")
            path = bus.meter_path(ELECTRICITY)
            changed = [c for c, _ in bed.d.client.changes(path, bus.TARIFF)]
            self.assertEqual(changed[-1]["Active"], 2)
            self.assertEqual(changed[-1]["Label"], "HP")
            self.assertGreater(changed[-1]["SinceUSec"], tariff["SinceUSec"])

    def test_register_that_last_advanced_comes_second(self):
        with MeterBed(config=self.LABELS) as bed:
            bed.feed(dsmr(tariff=None))
            bed.feed(dsmr(tariff=None, t2="001715.402*kWh"))
            wait_until(lambda: bed.d.meters() and bed.tariff(ELECTRICITY)["Active"] == 2, "HP")
            self.assertEqual(bed.tariff(ELECTRICITY)["Source"], "register")
            bed.feed(dsmr(tariff=None, t1="003372.583*kWh", t2="001715.402*kWh"))
            wait_until(lambda: bed.tariff(ELECTRICITY)["Active"] == 1, "HC")

    def test_slots_come_last_and_tell_the_next_switch(self):
        config = self.LABELS + "Slot=1 00:00-12:00\nSlot=2 12:00-24:00\n"
        with MeterBed(config=config) as bed:
            bed.feed(E450)
            bed.wait_telegrams(METER, 1)
            tariff = bed.tariff(METER)
            self.assertEqual(tariff["Source"], "schedule")
            self.assertEqual(tariff["Label"], {1: "HC", 2: "HP"}[tariff["Active"]])
            left = tariff["NextUSec"] / 1e6 - time.time()
            self.assertTrue(-60 < left <= 13 * 3600, left)  # 13: a day of 25 hours


class Clock(unittest.TestCase):
    def test_clock_of_the_meter_stands_beside_the_hosts(self):
        with MeterBed(config="[tariff]\nTimezone=Europe/Amsterdam\n") as bed:
            bed.feed(dsmr(clock="200115120000W"))
            bed.wait_telegrams(ELECTRICITY, 1)
            self.assertEqual(bed.d.meter(ELECTRICITY, "MeterClockUSec"), 1579086000 * 10**6)
            self.assertLess(abs(bed.d.meter(ELECTRICITY, "LastTelegramUSec") / 1e6 - time.time()),
                            3600)


class Plausibility(unittest.TestCase):
    def test_register_that_falls_is_suspect_not_published_and_accepted_after_three(self):
        with Broker() as broker, Subscriber(broker) as sub, MeterBed(broker) as bed:
            topic = f"smartmeterd/box/meter/{ELECTRICITY}/active_energy_import_t1"
            bed.feed(dsmr())
            sub.wait(lambda got: sub.payloads(topic), "the first value")
            for i in range(2):
                bed.feed(dsmr(t1=f"000000.00{i}*kWh"))
            bed.wait_telegrams(ELECTRICITY, 3)
            value, unit, _, flags = bed.reading(ELECTRICITY, "active_energy_import_t1")
            self.assertEqual((value, unit, flags & 1), (3372582, "Wh", 1))
            self.assertEqual(bed.statistics(ELECTRICITY)["suspects"], 2)
            self.assertEqual(bed.d.log.count("active_energy_import_t1 is implausible"), 1)
            bed.feed(dsmr(t1="000000.002*kWh"))
            sub.wait(lambda got: sub.payloads(topic)[-1] == "2", "the exchanged meter's value")
            self.assertEqual(sub.payloads(topic), ["3372582", "2"])
            telegrams = [json.loads(p) for p in
                         sub.payloads(f"smartmeterd/box/meter/{ELECTRICITY}/telegram")]
            self.assertEqual(len(telegrams), 4)
            told = [r["value"] for t in telegrams for r in t["readings"]
                    if r["name"] == "active_energy_import_t1"]
            self.assertEqual(told, [3372582, 2])
            self.assertEqual(bed.reading(ELECTRICITY, "active_energy_import_t1")[3] & 1, 0)


class Binding(ConverterTest):
    def test_swapped_serial_less_converters_keep_names_keys_and_topics(self):
        config = (f'[meter "{METER}"]\nName=House\n[meter "{TITLE}"]\nKey={KEY}\n'
                  f'AuthKey={AUTH_KEY}\n[meter "{ENCRYPTED}"]\nName=Cellar\n')
        with Broker() as broker, Subscriber(broker) as sub:
            d = Daemon(f'[mqtt "x"]\nHost=127.0.0.1\nPort={broker.port}\nInstance=box\n'
                       f"Formats=native\n{config}")
            os.chmod(d.config_path, 0o600)
            with d:
                a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
                self.receiving(d, a)
                self.receiving(d, b, encrypted(1))
                d.wait_meter(ENCRYPTED, "KeyState", "ok")
                sub.wait(lambda got: self.n_telegrams(sub) == (1, 1), "both on MQTT")
                topics = {t for t, _, _, _ in sub.got}
                for c in a, b:
                    c.unplug()
                    d.wait_state(c.identity, "gone")
                a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
                self.receiving(d, a, encrypted(2))
                self.receiving(d, b)
                d.wait_meter(ENCRYPTED, "Converter", bus.converter_path(a.identity))
                d.wait_meter(METER, "Converter", bus.converter_path(b.identity))
                sub.wait(lambda got: self.n_telegrams(sub) == (2, 2), "both again")
                self.assertEqual({t for t, _, _, _ in sub.got}, topics)
                self.assertEqual(set(d.meters()), {METER, ENCRYPTED})
                self.assertEqual(d.meter(METER, "Name"), "House")

    @staticmethod
    def n_telegrams(sub):
        return tuple(len(sub.payloads(f"smartmeterd/box/meter/{m}/telegram"))
                     for m in (METER, ENCRYPTED))


class Reload(ConverterTest):
    CONFIG = '[converter "a"]\nPath=*usb-0:1:*\n{}\n[converter "b"]\nPath=*usb-0:2:*\n{}\n'

    def test_unchanged_converters_keep_their_port_and_changed_ones_reopen(self):
        with Daemon(self.CONFIG.format("", "")) as d:
            a, b = self.bed.converter(port="1"), self.bed.converter(port="2", number=1)
            self.receiving(d, a)
            self.receiving(d, b, OTHER)
            held = self.descriptor(d, a)
            d.configure(self.CONFIG.format("", "Line=9600 8N1"))
            d.manager("Reload")
            d.wait_state(b.identity, "detecting")
            self.assertEqual(b.line(), 9600)
            self.assertEqual(d.converter(b.identity, "Statistics")["opens"], 2)
            self.assertEqual(d.converter(a.identity, "State"), "receiving")
            self.assertEqual(d.converter(a.identity, "Statistics")["opens"], 1)
            self.assertEqual(self.descriptor(d, a), held)

            d.configure(self.CONFIG.format("Line=38400 8N1", "Lime=9600 8N1"))
            with self.assertRaises(bus.CallError):
                d.manager("Reload")
            self.assertIn("Line", d.client.get(bus.ROOT, bus.MANAGER, "LastReloadError"))
            self.assertEqual(a.line(), 2400)
            self.assertEqual(self.descriptor(d, a), held)
            a.feed(E450)
            wait_until(lambda: d.converter(a.identity, "Statistics")["telegrams"] == 2, "the next")

    @staticmethod
    def descriptor(d, c):
        """(number, position in /proc): another open file shows another."""
        folder = f"/proc/{d.pid}/fd"
        return [(fd, os.lstat(f"{folder}/{fd}").st_ino) for fd in os.listdir(folder)
                if os.readlink(f"{folder}/{fd}") == c.pty]


class MeterBed:
    """A daemon with one tty, and perhaps a broker."""

    def __init__(self, broker=None, config="", converter=""):
        self.d = Daemon()
        self.link = Link(self.d.folder / "tty")
        self.identity = "tty@" + self.link.path[1:].replace("/", "-")
        self.base = f'[converter "uart"]\nDevice={self.link.path}\n{converter}\n'
        if broker:
            self.base += (f'[mqtt "local"]\nHost=127.0.0.1\nPort={broker.port}\nInstance=box\n'
                          "Formats=native datacollector\n")
        self.configure(config)

    def configure(self, config):
        self.d.configure(self.base + config)
        os.chmod(self.d.config_path, 0o600)

    def feed(self, data):
        self.link.feed(data)

    def wait_telegrams(self, meter, n):
        wait_until(lambda: self.statistics(meter).get("telegrams", 0) >= n,
                   f"telegram {n} of {meter}; there is {self.d.meters()}\n{self.d.log}")

    def statistics(self, meter):
        return self.d.meters().get(meter, {}).get("Statistics", {})

    def reading(self, meter, name):
        return self.d.client.call(bus.meter_path(meter), bus.METER, "GetReadings",
                                  GLib.Variant("(as)", ([name],)))[0][name]

    def tariff(self, meter):
        return self.d.client.get_all(bus.meter_path(meter), bus.TARIFF)

    def set_key(self, meter, *keys):
        subprocess.run([SMCTL, "--address", self.d.bus.address, "set-key", meter], check=True,
                       input="\n".join(keys).encode() + b"\n", timeout=bus.SECONDS,
                       stdout=subprocess.DEVNULL, env=plain_environment())

    def __enter__(self):
        self.link.plug()
        self.d.__enter__()
        self.d.wait_state(self.identity, "detecting")
        return self

    def __exit__(self, *exception):
        self.link.unplug()
        self.d.__exit__(*exception)


if __name__ == "__main__":
    unittest.main()
