# SPDX-License-Identifier: MIT
"""The verbs of smctl that need no service, and what the others say without one."""

import json
import os
import pathlib
import re
import stat
import subprocess
import tempfile
import unittest

from smctl_case import SMCTL, SOURCE, SmctlCase, smctl

# Data collector's names for what each of its quantities is, in the two dialects.
COLLECTOR = """[reader0]
type = lge450
port = /dev/ttyAMA0
baudrate = 2400
key = 00112233445566778899AABBCCDDEEFF

[reader1]
type = lge360
port = /dev/ttyUSB0
baudrate = 115200
systemtime = true

[sink0]
type = logger
name = DataLogger

[sink1]
type = mqtt
host = broker.lan
port = 8883
tls = True
ca_file_path = /etc/ca.pem
check_hostname = False
username = meter
password = sec%%ret

[logging]
default = INFO
"""
SEVERAL = """[reader0]
type = lge450
port = /dev/ttyUSB0

[reader1]
type = iskraam550
port = /dev/ttyUSB1
key = 00112233445566778899AABBCCDDEEFF

[reader2]
type = siemens_td3511
port = /dev/ttyUSB2
"""
JEEDOM = """[reader7]
type=kamstrup_han
port=/dev/serial0
baurate=2400
key=

[sink1]
type=mqtt
host=127.0.0.1
port=1883
username=jeedom
password=abc
tls=False
client_cert_path=
client_key_path=
"""


def simulate(*args):
    return subprocess.run([SMCTL, "simulate", *args], capture_output=True, check=True).stdout


class TestDecode(SmctlCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.raw = simulate("lgz-e450", "--stdout", "--fast", "-n", "3", "--plain")

    def decode(self, *args, data=b"", code=0):
        done = smctl("decode", *args, stdin=data, binary=True)
        self.assertEqual(done.returncode, code, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()

    def test_raw_bytes_and_hex_text_give_the_same(self):
        raw, _ = self.decode(data=self.raw)
        text = ("# a comment with 7e in it\n" + self.raw.hex(":").upper() + " # end\n").encode()
        self.assertEqual(self.decode("-", data=text)[0], raw)
        prefixed = "\n".join(f"0x{b:02x}," for b in self.raw).encode()
        self.assertEqual(self.decode(data=prefixed)[0], raw)
        self.assertEqual(len(raw), 3)
        self.assertEqual(list(raw[0]), ["meter", "manufacturer", "model", "profile", "framing",
                                        "encrypted", "system_title", "time", "readings", "texts",
                                        "error"])
        self.assertEqual(list(raw[0]["readings"][0]), ["obis", "name", "value", "unit"])

    def test_several_files_are_decoded_in_order(self):
        for name in ("a", "b"):
            (self.folder / name).write_bytes(self.raw)
        got, _ = self.decode(str(self.folder / "a"), str(self.folder / "b"))
        self.assertEqual(len(got), 6)

    def test_damage_is_told_with_file_and_offset(self):
        damaged = bytearray(self.raw)
        damaged[40] ^= 1
        file = self.folder / "damaged"
        file.write_bytes(damaged)
        got, error = self.decode(str(file), code=1)
        self.assertEqual(len(got), 2)
        self.assertRegex(error, rf"^{file}:\d+: .+")

    def test_garbage_between_frames_is_no_damage(self):
        got, error = self.decode(data=b"\x01\x02garbage" + self.raw)
        self.assertEqual(len(got), 3)
        self.assertIn(":0: ", error)

    def test_nothing_decoded_is_a_failure(self):
        for data in (b"", b"nothing here", b"# only a comment\n"):
            got, error = self.decode(data=data, code=1)
            self.assertEqual(got, [])
            self.assertIn("no telegram found", error)
        self.assertIn("No such file", self.decode("/nonexistent", code=1)[1])

    def test_bad_hex_is_told(self):
        text = self.raw.hex().encode() + b"\nzz\n7"
        got, error = self.decode(data=text, code=1)
        self.assertEqual(len(got), 3)
        self.assertIn("no hex digits", error)
        self.assertIn("odd number", error)

    def test_encrypted_telegram_needs_its_keys(self):
        key, auth = "00112233445566778899AABBCCDDEEFF", "D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
        raw = simulate("lgz-e570", "--stdout", "--fast", "-n", "1", "--key", key, "--auth-key",
                       auth, "--security", "30")
        got, _ = self.decode("--key", " 0x" + key.lower(), "--auth-key",
                             ":".join(auth[i:i + 2] for i in range(0, 32, 2)), data=raw)
        self.assertTrue(got[0]["encrypted"])
        self.assertTrue(got[0]["readings"])
        self.assertIsNone(got[0]["error"])
        for args in ([], ["--key", auth], ["--key", key, "--auth-key", key]):
            got, error = self.decode(*args, data=raw, code=1)
            self.assertEqual(got[0]["readings"], [])
            self.assertIn("key", got[0]["error"])
            self.assertIn("key", error)

    def test_a_pipe_is_decoded_live(self):
        process = subprocess.Popen([SMCTL, "decode"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdin.write(self.raw)
        process.stdin.flush()
        self.assertIn(b'"lgz-e450"', process.stdout.readline())  # before the pipe is closed
        process.stdin.close()
        self.assertEqual(process.wait(), 0)
        process.stdout.close()

    def test_misuse_is_told_apart_from_failure(self):
        key = "0011"
        error = self.decode("--key", key, code=2)[1]
        self.assertIn("--key", error)
        self.assertNotIn(key, error)
        self.assertIn('did you mean "lgz-e450"', self.decode("--profile", "lgz-e45", code=2)[1])
        self.assertIn('did you mean "--profile"', self.decode("--porfile", "x", code=2)[1])

    def test_pretty_is_for_people(self):
        done = smctl("decode", "--pretty", stdin=self.raw, binary=True)
        self.assertIn("Active power import", done.stdout.decode())


class TestImport(SmctlCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.env = {"SMCTL_SYSROOT": str(self.folder)}

    def write(self, text):
        file = self.folder / "datacollector.ini"
        file.write_text(text)
        return str(file)

    def test_every_line_of_the_collector_is_accounted_for(self):
        got = self.run_json("import-config", self.write(COLLECTOR), env=self.env)
        for line in ('[converter "reader0"]', "Device=/dev/ttyAMA0", "Profile=lgz-e450",
                     "Key=00112233445566778899AABBCCDDEEFF", "Line=115200 8N1",
                     '[mqtt "sink1"]', "Formats=datacollector", "Host=broker.lan", "Port=8883",
                     "Tls=yes", "CaFile=/etc/ca.pem", "VerifyHost=no", "Username=meter",
                     "LogLevel=info"):
            self.assertIn(line + "\n", got["config"])
        self.assertNotIn("sec%ret", got["config"])
        lines = {(x["section"], x["key"]): x for x in got["lines"]}
        self.assertEqual(len(lines), sum("=" in line for line in COLLECTOR.splitlines()))
        self.assertTrue(all(x["note"] for x in lines.values()))
        self.assertIsNone(lines["reader0", "key"]["value"])
        self.assertEqual(lines["reader0", "baudrate"]["status"], "dropped")
        self.assertEqual(lines["reader1", "systemtime"]["status"], "manual")
        self.assertEqual(lines["sink0", "type"]["status"], "dropped")
        self.assertEqual(lines["sink1", "password"]["line"], 25)

    def test_jeedom_dialect_with_its_misspelling_is_understood(self):
        got = self.run_json("import-config", self.write(JEEDOM), env=self.env)
        lines = {(x["section"], x["key"]): x for x in got["lines"]}
        self.assertEqual(lines["reader7", "baurate"]["status"], "dropped")
        self.assertIn("misspelt", lines["reader7", "baurate"]["note"])
        self.assertNotIn("Tls=yes", got["config"])
        self.assertIn("Profile=kamstrup-omnipower", got["config"])

    def test_converter_that_is_plugged_in_is_named_by_identity(self):
        device = self.folder / "sys/devices/1-1"
        (device / "1-1:1.0/ttyUSB0").mkdir(parents=True)
        for name, text in (("idVendor", "0403"), ("idProduct", "6001"), ("serial", "A50285BI")):
            (device / name).write_text(text + "\n")
        (self.folder / "sys/class/tty/ttyUSB0").mkdir(parents=True)
        (self.folder / "sys/class/tty/ttyUSB0/device").symlink_to(device / "1-1:1.0/ttyUSB0")
        (self.folder / "sys/bus/usb/devices").mkdir(parents=True)
        (self.folder / "sys/bus/usb/devices/1-1").symlink_to(device)
        got = self.run_json("import-config", self.write(COLLECTOR), env=self.env)
        self.assertIn("VendorId=0403\nProductId=6001\nSerial=A50285BI\n", got["config"])

    def plug(self, tty, name, vendor, product):
        device = self.folder / "sys/devices" / name
        (device / f"{name}:1.0" / tty).mkdir(parents=True)
        (device / "idVendor").write_text(vendor + "\n")
        (device / "idProduct").write_text(product + "\n")
        (self.folder / "sys/class/tty" / tty).mkdir(parents=True)
        (self.folder / "sys/class/tty" / tty / "device").symlink_to(device / f"{name}:1.0" / tty)
        (self.folder / "sys/bus/usb/devices").mkdir(parents=True, exist_ok=True)
        (self.folder / "sys/bus/usb/devices" / name).symlink_to(device)

    def sections(self, config):
        """Sections in force, each with its lines."""
        lines = [line for line in config.splitlines() if line and line[0] != "#"]
        at = [i for i, line in enumerate(lines) if line[0] == "["] + [len(lines)]
        return {lines[i]: lines[i + 1:end] for i, end in zip(at, at[1:])}

    def test_several_readers_not_plugged_in_shadow_nobody(self):
        source = self.write(SEVERAL)
        done = smctl("import-config", source, "--json", env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        got = json.loads(done.stdout)
        self.assertEqual(self.sections(got["config"]),
                         {'[meter "reader1"]': ["Key=00112233445566778899AABBCCDDEEFF"]})
        self.assertIn('#[converter "reader0"]\n#VendorId=\n#ProductId=\n#Profile=lgz-e450\n',
                      got["config"])
        self.assertIn("#Profile=siemens-td3511\n#Ask=F001 F009\n", got["config"])
        lines = {(x["section"], x["key"]): x["status"] for x in got["lines"]}
        self.assertEqual(lines["reader1", "port"], "manual")
        self.assertEqual(lines["reader1", "key"], "mapped")
        self.assertEqual(lines["reader2", "type"], "manual")

    def test_converters_with_the_same_numbers_are_named_by_their_place(self):
        self.plug("ttyUSB0", "1-1", "067b", "2303")
        self.plug("ttyUSB1", "1-2", "067b", "2303")
        links = self.folder / "dev/serial/by-path"
        links.mkdir(parents=True)
        for n in (0, 1):
            (links / f"pci-0-usb-0:{n + 1}:1.0-port0").symlink_to(f"../../ttyUSB{n}")
            (links / f"pci-0-usbv2-0:{n + 1}:1.0-port0").symlink_to(f"../../ttyUSB{n}")
        got = json.loads(smctl("import-config", self.write(SEVERAL), "--json",
                               env=self.env).stdout)
        self.assertEqual(self.sections(got["config"]), {
            '[converter "reader0"]': ["VendorId=067b", "ProductId=2303",
                                      "Path=pci-0-usb-0:1:1.0", "Profile=lgz-e450"],
            '[converter "reader1"]': ["VendorId=067b", "ProductId=2303",
                                      "Path=pci-0-usb-0:2:1.0", "Profile=iskra-am550",
                                      "Key=00112233445566778899AABBCCDDEEFF"]})

    def test_port_by_its_name_from_udev_is_kept(self):
        link = "/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0"
        got = self.run_json("import-config", self.write(
            f"[reader0]\ntype=lge450\nport={link}\n[reader1]\ntype=lge360\nport=/dev/ttyUSB1\n"),
            env=self.env)
        self.assertEqual(self.sections(got["config"]),
                         {'[converter "reader0"]': [f"Device={link}", "Profile=lgz-e450"]})

    def test_output_is_private_and_never_overwritten(self):
        source, target = self.write(COLLECTOR), self.folder / "imported.conf"
        self.run_ok("import-config", source, "-o", str(target), env=self.env)
        password = self.folder / "sink1.password"
        self.assertEqual(password.read_text(), "sec%ret\n")
        self.assertIn(f"PasswordFile={password}\n", target.read_text())
        for file in (target, password):
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        error = self.run_bad(1, "import-config", source, "-o", str(target), env=self.env)
        self.assertIn("not overwritten", error)

    def test_password_is_stored_by_the_command_that_is_printed(self):
        done = smctl("import-config", self.write(COLLECTOR), env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        file = re.search(r"PasswordFile=(.*)", done.stdout)[1]
        self.assertIn(f"sudo install -m 640 -g smartmeterd /dev/stdin {file} ", done.stderr)
        self.assertIn("It has keys in it", done.stderr)
        self.assertIn("sudo smctl check-config; ", done.stderr)
        self.assertNotIn("sec%ret", done.stdout + done.stderr)

    def test_what_cannot_be_translated_is_a_failure(self):
        source = self.write("[reader0]\ntype = lge999\nport = /dev/ttyAMA0\n")
        self.assertIn("no such type", self.run_bad(1, "import-config", source, env=self.env))
        for text in ("hello\n", "[mysqld]\nport = 3306\n", "root:x:0:0:root:/root:/bin/bash\n"):
            done = smctl("import-config", self.write(text), env=self.env)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn("no datacollector.ini", done.stderr)
            self.assertNotIn("reload", done.stderr)

    def test_result_passes_the_check_of_the_service(self):
        daemon = pathlib.Path(SMCTL).parents[1] / "daemon/smartmeterd"
        if not daemon.exists():
            self.skipTest("skipped: the service is not built")
        target = self.folder / "imported.conf"
        self.run_ok("import-config", self.write(JEEDOM), "-o", str(target), env=self.env)
        self.run_ok("check-config", str(target), env={"SMARTMETERD": str(daemon)})

    def test_broker_on_this_machine_is_served_once(self):
        daemon = pathlib.Path(SMCTL).parents[1] / "daemon/smartmeterd"
        if not daemon.exists():
            self.skipTest("skipped: the service is not built")
        conf, dropins = self.folder / "smartmeterd.conf", self.folder / "smartmeterd.conf.d"
        conf.write_text((SOURCE / "daemon/smartmeterd.conf").read_text())
        dropins.mkdir()
        self.run_ok("import-config", self.write(JEEDOM), "-o", str(dropins / "a.conf"),
                    env=self.env)
        env = {"SMARTMETERD": str(daemon)}
        self.assertEqual(self.run_json("check-config", str(conf), env=env), [])
        (dropins / "b.conf").write_text('[mqtt "again"]\nHost=localhost\n')
        problems = self.run_json("check-config", str(conf), env=env)
        self.assertEqual([p["severity"] for p in problems], ["warning"])
        self.assertIn("goes out twice", problems[0]["message"])


class TestImportFinds(SmctlCase):
    """import-config without a file, on a machine of its own."""

    PLUGIN, COLLECTOR = "tmp/jeedom/SmartMeterUSB/config.ini", \
        "var/lib/smartmeter-datacollector/datacollector.ini"

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.env = {"SMCTL_SYSROOT": str(self.folder)}
        (self.folder / "etc").mkdir()

    def write(self, where, text):
        file = self.folder / where
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def files(self):
        return {str(f.relative_to(self.folder)) for f in self.folder.rglob("*") if f.is_file()}

    def refuse(self):
        error = self.run_bad(1, "import-config", env=self.env)
        self.assertIn("name it: smctl import-config FILE", error)
        self.assertNotIn("127.0.0.1", error)

    def test_broker_user_and_password_of_jeedom_are_moved(self):
        self.write(self.PLUGIN, JEEDOM)
        target = self.folder / "etc/jeedom.conf"
        done = smctl("import-config", "--output", str(target), env=self.env)
        self.assertEqual(done.returncode, 0, done.stderr)
        password = self.folder / "etc/local.password"
        for line in ('[mqtt "local"]', "Host=127.0.0.1", "Port=1883", "Username=jeedom",
                     f"PasswordFile={password}"):
            self.assertIn(line + "\n", target.read_text())
        self.assertNotIn("abc", target.read_text() + done.stdout + done.stderr)
        self.assertEqual(password.read_text(), "abc\n")
        for file in (target, password):
            self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)

    def test_ends_with_what_to_click_in_jeedom(self):
        self.write(self.PLUGIN, JEEDOM)
        moved = ["--output", str(self.folder / "etc/jeedom.conf")]
        for more, second, third in ((moved, "sudo smctl check-config", "were taken over"),
                                    ([], "the same command with sudo and --output /",
                                     "Where the broker wants")):
            done = smctl("import-config", *more, env=self.env)
            steps = re.findall(r"(?m)^(\d)\. (.*)$", done.stderr)
            self.assertEqual([n for n, _ in steps], list("1234"))
            self.assertRegex(steps[0][1], r"\(Gestion automatique\), then stop the daemon")
            self.assertIn(second, steps[1][1])
            self.assertTrue(steps[1][1].endswith("sudo smctl reload."))
            self.assertRegex(steps[2][1], f"{third}.*MQTT Manager.*Authentification")
            self.assertIn("tick Activer", steps[3][1])
            self.assertNotIn("disable --now", done.stderr)

    def test_configuration_of_the_collector_is_found_too(self):
        file = self.write(self.COLLECTOR, COLLECTOR)
        done = smctl("import-config", env=self.env)
        self.assertIn("disable --now smartmeter-datacollector", done.stderr)
        self.assertNotIn("Gestion", done.stderr)
        self.assertEqual(self.run_json("import-config", env=self.env)["file"], str(file))

    def test_none_or_several_are_told_with_the_places(self):
        for found in (False, True):
            if found:
                self.write(self.COLLECTOR, COLLECTOR)
                self.write(self.PLUGIN, JEEDOM)
            error = self.run_bad(1, "import-config", env=self.env)
            self.assertIn("there are several" if found else "no configuration was found", error)
            self.assertIn(f"{self.folder}/{self.PLUGIN}\n", error)
            self.assertIn(f"{self.folder}/{self.COLLECTOR}\n", error)

    def test_file_that_is_a_link_is_not_taken(self):
        file = self.write(self.PLUGIN, "")
        file.unlink()
        file.symlink_to(self.write("home/mine.ini", JEEDOM))
        self.refuse()

    def test_folder_that_is_a_link_is_not_followed(self):
        self.write("home/config.ini", JEEDOM)
        (self.folder / "tmp/jeedom").mkdir(parents=True)
        (self.folder / "tmp/jeedom/SmartMeterUSB").symlink_to(self.folder / "home")
        self.refuse()

    def test_fifo_in_its_place_holds_nobody(self):
        self.write(self.PLUGIN, "").unlink()
        os.mkfifo(self.folder / self.PLUGIN)
        self.refuse()

    def test_file_without_end_is_not_read(self):
        with open(self.write(self.PLUGIN, JEEDOM), "r+b") as file:
            file.truncate(1 << 40)
        self.refuse()

    @unittest.skipUnless(os.geteuid() == 0, "skipped: only root can give files away")
    def test_what_somebody_else_put_there_is_not_taken(self):
        file = self.write(self.PLUGIN, JEEDOM)
        for planted in (file, file.parent, file.parent.parent):
            os.chown(planted, 65534, 65534)
            self.refuse()
            os.chown(planted, 0, 0)
        self.run_ok("import-config", env=self.env)

    def test_words_of_the_file_make_no_paths_and_reach_no_terminal(self):
        self.write(self.PLUGIN, b"[reader../../x\x1b]\ntype=lge450\x1b[2J\nport=/dev/ttyAMA0\xff\n"
                                b"baurate=2400\n[sink/../../../x]\ntype=mqtt\nhost=h\x9b1\n"
                                b"username=u\x07\npassword=p\n[sink..]\ntype=mqtt\nhost=b\n"
                                b"username=u\npassword=p\n")
        before = self.files()
        done = smctl("import-config", "-o", str(self.folder / "etc/out.conf"), env=self.env,
                     binary=True)
        said = done.stdout + done.stderr
        said.decode()  # UTF-8 all of it
        self.assertNotRegex(said, rb"[\x00-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")
        new = self.files() - before
        self.assertEqual(new, {"etc/out.conf", "etc/sink_.._.._.._x.password",
                               "etc/sink...password"})
        self.assertNotRegex((self.folder / "etc/out.conf").read_bytes(), rb"[\x00-\x09\x0b-\x1f\x7f\xff]")


class TestWithoutService(SmctlCase):
    def test_every_verb_that_needs_the_service_says_so(self):
        for verb in (["status"], ["list-converters"], ["list-meters"], ["show", "x"],
                     ["readings"], ["monitor"], ["identify"], ["adopt", "ttyUSB0"],
                     ["forget", "x"], ["probe", "x"], ["inhibit", "x", "true"], ["capture", "x"],
                     ["set-key", "x"], ["reload"]):
            error = self.run_bad(1, *verb)
            self.assertIn("system bus cannot be reached", error, verb)

    def test_version_needs_no_service(self):
        self.assertIsNone(self.run_json("version")["smartmeterd"])

    def test_check_config_runs_the_service_program(self):
        with tempfile.TemporaryDirectory() as folder:
            fake, conf = pathlib.Path(folder, "fake"), pathlib.Path(folder, "a.conf")
            fake.write_text('#!/bin/sh\necho "$@"\ncase "$*" in *bad*) exit 1; esac\n')
            fake.chmod(0o755)
            conf.write_text("")
            env = {"SMARTMETERD": str(fake)}
            self.assertIn(f"--check-config --json --config {conf}",
                          self.run_ok("check-config", str(conf), "--json", env=env))
            self.assertIn("no errors", self.run_ok("check-config", str(conf), env=env))
            conf.rename(conf.with_name("bad.conf"))
            self.run_bad(1, "check-config", str(conf.with_name("bad.conf")), env=env)
            self.assertIn("No such file", self.run_bad(1, "check-config", str(conf), env=env))
            env["SMARTMETERD"] = folder + "/none"
            self.assertIn("is not there", self.run_bad(1, "check-config", env=env))

    def test_mistakes_are_answered_with_the_nearest_right_word(self):
        self.assertIn('did you mean "status"?', self.run_bad(2, "staus"))
        self.assertIn('did you mean "list-meters"?', self.run_bad(2, "list-metres"))
        self.assertIn("is missing", self.run_bad(2, "show"))
        self.assertIn("too much", self.run_bad(2, "status", "x"))
        self.assertIn("needs a number", self.run_bad(2, "monitor", "--count", "many"))
        for value in ("", ".", "1.5s", "-1", "1.2.3", "1e3", "10000000000"):
            self.assertIn("needs seconds", self.run_bad(2, "monitor", "--seconds=" + value))
        self.assertEqual(smctl().returncode, 2)

    def test_full_disk_is_no_success(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("skipped: no /dev/full")
        with open("/dev/full", "w") as full:
            done = subprocess.run([SMCTL, "--help"], stdout=full, stderr=subprocess.PIPE,
                                  check=False)
        self.assertEqual(done.returncode, 1)


class TestBeginnings(unittest.TestCase):
    def test_unique_beginning_of_a_verb_is_that_verb(self):
        self.assertEqual(json.loads(smctl("vers", "--json").stdout)["smctl"],
                         json.loads(smctl("version", "--json").stdout)["smctl"])
        self.assertEqual(smctl("list").returncode, 2)


if __name__ == "__main__":
    unittest.main()
