# SPDX-License-Identifier: MIT
"""The rules and the hardware list that are installed for udev: read as udev reads them, and by
systemd's own tools where they are there."""

import fnmatch
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from private_bus import SOURCE

HWDB = SOURCE / "udev/61-smartmeterd.hwdb"
RULES = SOURCE / "udev/65-smartmeterd.rules"

PL2303 = "usb:v067Bp2303d0300dc00dsc00dp00icFFisc00ip00in00"
PL2303GC = "usb:v067Bp23A3d0105dc00dsc00dp00icFFisc00ip00in00"
CP2102 = "usb:v10C4pEA60d0100dc00dsc00dp00icFFisc00ip00in00"


def find_tool(name):
    return shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin")


def version(tool):
    done = subprocess.run([tool, "--version"], stdout=subprocess.PIPE, check=True, text=True)
    return int(re.search(r"\d+", done.stdout)[0])


def parse_hwdb(text):
    """[([pattern], {property: value})]; raises where hwdb(7) is not kept to."""
    stanzas = []
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if line and not line.startswith("#")]
        patterns = [line for line in lines if not line.startswith(" ")]
        properties = lines[len(patterns):]
        if not lines:
            continue
        if not patterns or not properties or any(not p.startswith(" ") for p in properties):
            raise ValueError(f"a stanza is patterns, then properties: {lines}")
        for line in properties:
            if not re.fullmatch(r" [A-Z_]+=\S+", line):
                raise ValueError(f"no property: {line!r}")
        stanzas.append((patterns, dict(p[1:].split("=", 1) for p in properties)))
    return stanzas


def uncomment(text):
    """With every chip that is only offered taken up, as the head of the file says."""
    return re.sub(r"^#(usb:.*)\n#( SMARTMETER_CONVERTER=1)(?:\n#( SMARTMETER_MODULE=.*))?$",
                  lambda m: "\n" + "\n".join(part for part in m.groups() if part), text,
                  flags=re.MULTILINE)


def query(stanzas, modalias):
    found = {}
    for patterns, properties in stanzas:
        if any(fnmatch.fnmatchcase(modalias, pattern) for pattern in patterns):
            found.update(properties)
    return found


class Hwdb(unittest.TestCase):
    def test_hwdb_is_well_formed_also_where_it_is_commented(self):
        for text in HWDB.read_text(), uncomment(HWDB.read_text()):
            patterns = [p for ps, _ in parse_hwdb(text) for p in ps]
            self.assertEqual(len(patterns), len(set(patterns)))
            for pattern in patterns:  # the kernel writes upper case; another never matches
                self.assertRegex(pattern, r"^usb:v[0-9A-F]{4}(p[0-9A-F]{4})?\*$")
            for patterns, properties in parse_hwdb(text):
                module = properties.pop("SMARTMETER_MODULE", None)
                self.assertRegex(module or "none", r"^[a-z0-9_]+$")
                if module is None or properties:  # a maker as a whole is never opened
                    self.assertEqual(properties, {"SMARTMETER_CONVERTER": "1"})
                    self.assertRegex(patterns[0], "p[0-9A-F]{4}")

    def test_hwdb_marks_the_pl2303_family_and_only_offers_the_others(self):
        stanzas = parse_hwdb(HWDB.read_text())
        for modalias in PL2303, PL2303GC:
            self.assertEqual(query(stanzas, modalias),
                             {"SMARTMETER_CONVERTER": "1", "SMARTMETER_MODULE": "pl2303"})
        self.assertEqual(query(stanzas, CP2102), {})
        self.assertNotIn("#usb:", uncomment(HWDB.read_text()))
        offered = parse_hwdb(uncomment(HWDB.read_text()))
        self.assertEqual(query(offered, CP2102),
                         {"SMARTMETER_CONVERTER": "1", "SMARTMETER_MODULE": "cp210x"})

    def test_each_family_of_chips_has_the_module_that_drives_it(self):
        offered = parse_hwdb(uncomment(HWDB.read_text()))
        modules = {}
        for patterns, _ in offered:
            modalias = patterns[0].replace("*", "d0100dc00" if "p" in patterns[0] else "p0001d0100")
            modules.setdefault(patterns[0][5:9], set()).add(query(offered, modalias).get("SMARTMETER_MODULE"))
        for maker, wanted in (("067B", {"pl2303"}), ("0557", {"pl2303"}), ("10C4", {"cp210x"}),
                              ("0403", {"ftdi_sio"}), ("1A86", {"ch341", "cdc_acm"}), ("04E2", {"xr_serial"}),
                              ("0483", {None}), ("2E8A", {None})):
            self.assertEqual(modules[maker], wanted, maker)

    def test_systemd_compiles_the_hwdb_without_complaint(self):
        tool = find_tool("systemd-hwdb")
        if not tool:
            self.skipTest("there is no systemd-hwdb here")
        with tempfile.TemporaryDirectory() as root:
            folder = pathlib.Path(root) / "etc/udev/hwdb.d"
            folder.mkdir(parents=True)
            shutil.copy(HWDB, folder)
            done = subprocess.run([tool, "update", "--strict", "--root", root],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            self.assertEqual((done.returncode, done.stdout), (0, ""))
            self.assertIn(b"SMARTMETER_CONVERTER", (folder.parent / "hwdb.bin").read_bytes())
            if version(tool) >= 254:  # older ones ask the machine's own
                for modalias, wanted in ((PL2303, "SMARTMETER_CONVERTER=1\nSMARTMETER_MODULE=pl2303"),
                                         (CP2102, "")):
                    said = subprocess.run([tool, "query", "--root", root, modalias], check=False,
                                          stdout=subprocess.PIPE, text=True).stdout
                    self.assertEqual(said.strip(), wanted)


TOKEN = re.compile(r'([A-Z]+)(?:\{([^}]+)\})?(==|!=|\+=|=)"([^"]*)"')
MATCHES = {"ACTION", "SUBSYSTEM", "KERNEL", "ENV", "TEST", "ATTR"}
ASSIGNS = {"ENV", "ATTR", "TAG", "GOTO", "LABEL", "IMPORT", "GROUP", "MODE"}


def parse_rules(text):
    """[[(key, attribute, operator, value)]], a list per line."""
    rules = []
    for line in text.replace("\\\n", "").split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        tokens = TOKEN.findall(line)
        if ", ".join(f'{k}{{{a}}}{o}"{v}"' if a else f'{k}{o}"{v}"'
                     for k, a, o, v in tokens) != line:
            raise ValueError(f"no rule: {line}")
        for key, _, operator, _ in tokens:
            known = MATCHES if operator in ("==", "!=") or key == "TEST" else ASSIGNS
            if key not in known:
                raise ValueError(f"no key for {operator}: {key}")
        rules.append(tokens)
    return rules


def apply_rules(rules, device, hwdb=None):
    """What udev makes of a device (ACTION, SUBSYSTEM, KERNEL, env, attributes)."""
    env = dict(device.get("env", {}))
    result = {"ENV": env, "TAG": [], "ATTR": {}}
    label = None
    for rule in rules:
        if label:
            if ("LABEL", "", "=", label) not in rule:
                continue
            label = None
        for key, attribute, operator, value in rule:
            if key == "TEST":
                if value not in device.get("attributes", ()):
                    break
            elif operator in ("==", "!="):
                is_now = {"ENV": env, "ATTR": device.get("attr", {})}[key].get(attribute, "") \
                    if key in ("ENV", "ATTR") else device.get(key, "")
                fits = any(fnmatch.fnmatchcase(is_now, v) for v in value.split("|"))
                if fits != (operator == "=="):
                    break
            elif key == "GOTO":
                label = value
            elif key == "IMPORT":
                env.update(hwdb or {})
            elif key in ("ENV", "ATTR"):
                before = result[key].get(attribute)
                result[key][attribute] = f"{before} {value}" if operator == "+=" and before \
                    else value
            elif key == "TAG":
                result["TAG"].append(value)
            elif key != "LABEL":
                result[key] = value
    return result


class Rules(unittest.TestCase):
    MARK = {"SMARTMETER_CONVERTER": "1"}

    def setUp(self):
        self.rules = parse_rules(RULES.read_text())

    def tty(self, name="ttyUSB0", action="add", **env):
        return apply_rules(self.rules, {"ACTION": action, "SUBSYSTEM": "tty", "KERNEL": name,
                                        "env": env})

    def usb(self, hwdb, action="add", **env):
        return apply_rules(self.rules, {
            "ACTION": action, "SUBSYSTEM": "usb", "KERNEL": "1-1",
            "env": {"DEVTYPE": "usb_device", **env}, "attributes": ["power/control"]}, hwdb)

    def test_rules_jump_forward_to_labels_that_are_there(self):
        labels = {}
        for i, rule in enumerate(self.rules):
            labels.update({v: i for k, _, _, v in rule if k == "LABEL"})
        jumps = {(i, v) for i, rule in enumerate(self.rules) for k, _, _, v in rule if k == "GOTO"}
        self.assertEqual({v for _, v in jumps}, set(labels))
        for i, label in jumps:
            self.assertLess(i, labels[label])

    def test_marked_tty_starts_the_service_and_keeps_others_off(self):
        for name in "ttyUSB0", "ttyUSB12", "ttyACM3":
            made = self.tty(name, **self.MARK)
            self.assertIn("systemd", made["TAG"])
            self.assertEqual(made["ENV"]["SYSTEMD_WANTS"], "dbus-org.smartmeterd.service")
            self.assertEqual(made["ENV"]["ID_MM_PORT_IGNORE"], "1")

    def test_what_others_want_started_is_added_to(self):
        made = self.tty(SYSTEMD_WANTS="gpsdctl@ttyUSB0.service", **self.MARK)
        self.assertEqual(made["ENV"]["SYSTEMD_WANTS"],
                         "gpsdctl@ttyUSB0.service dbus-org.smartmeterd.service")

    def test_configured_converter_of_another_maker_may_be_reset(self):
        device = {"ACTION": "add", "SUBSYSTEM": "usb", "KERNEL": "1-1",
                  "env": {"DEVTYPE": "usb_device"}}
        for vendor in "0403", "067b", "10c4", "1a86":
            made = apply_rules(self.rules, {**device, "attr": {"idVendor": vendor}}, {})
            self.assertEqual((made["GROUP"], made["MODE"]), ("dialout", "0664"))
            self.assertEqual(made["ATTR"], {})
        made = apply_rules(self.rules, {**device, "attr": {"idVendor": "046d"}}, {})
        self.assertNotIn("GROUP", made)

    def test_others_are_left_alone(self):
        for made in (self.tty(), self.tty("ttyS0", **self.MARK),
                     self.tty(action="remove", **self.MARK),
                     self.tty(SMARTMETER_IGNORE="1", **self.MARK)):
            self.assertEqual(made["TAG"], [])
            self.assertNotIn("SYSTEMD_WANTS", made["ENV"])
            self.assertNotIn("ID_MM_PORT_IGNORE", made["ENV"])
        for made in (self.usb({}), self.usb(self.MARK, SMARTMETER_IGNORE="1"),
                     self.usb(self.MARK, action="remove")):
            self.assertEqual(made["ATTR"], {})
            self.assertNotIn("GROUP", made)

    def test_usb_device_of_a_marked_one_stays_awake_and_may_be_reset(self):
        made = self.usb(self.MARK)
        self.assertEqual(made["ENV"]["ID_MM_DEVICE_IGNORE"], "1")
        self.assertEqual(made["ATTR"], {"power/control": "on"})
        self.assertEqual((made["GROUP"], made["MODE"]), ("dialout", "0664"))

    def test_udevadm_verifies_the_rules(self):
        tool = find_tool("udevadm")
        if not tool or version(tool) < 254:
            self.skipTest("there is no udevadm verify here")
        done = subprocess.run([tool, "verify", "--no-style", str(RULES)], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
