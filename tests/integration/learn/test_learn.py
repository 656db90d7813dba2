# SPDX-License-Identifier: MIT
"""smctl learn: what a person teaches with a capture and the display of the meter, on a terminal and
without one; and what is refused, with the reason."""

import json
import os
import pty
import select
import signal
import subprocess
import tempfile
import time
import unittest

import lists

SMCTL = os.environ["SMARTMETERD_SMCTL"]
SECONDS = 60


def environment():
    result = dict(os.environ, LC_ALL="C.UTF-8", LANGUAGE="", TERM="xterm", NO_COLOR="1", COLUMNS="100")
    return result


class Dialogue:
    """smctl on a terminal, and the person before it."""

    def __init__(self, *args):
        self.seen = self.output = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(SMCTL, [SMCTL, *args], environment())

    def read(self):
        if not select.select([self.fd], [], [], 0.1)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # the other end has gone
            return False
        self.output += data.decode(errors="replace").replace("\r\n", "\n")
        return bool(data)

    def answer(self, question, answer):
        deadline = time.monotonic() + SECONDS
        while question not in self.output[len(self.seen):]:
            if time.monotonic() > deadline or not self.read():
                raise AssertionError(f"it does not ask {question!r}: {self.output}")
        self.seen = self.output
        os.write(self.fd, (answer + "\n").encode())

    def end(self):
        deadline = time.monotonic() + SECONDS
        while self.read():
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
        os.close(self.fd)
        return self.output, os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class LearnCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.capture = os.path.join(folder.name, "capture.bin")
        self.profile = os.path.join(folder.name, "taught.profile")

    def write(self, data):
        with open(self.capture, "wb") as file:
            file.write(data)

    def run_learn(self, *args):
        done = subprocess.run([SMCTL, "learn", "--anew", self.capture, "-o", self.profile, *args],
                              capture_output=True, text=True, env=environment(), timeout=SECONDS)
        return done.returncode, done.stdout, done.stderr

    def ask(self, *answers, extra=(), names=(("Maker", ""), ("Model", "MX 1"))):
        """What the display says, in the order of the questions; then the names. Returns all that was
        on the screen."""
        dialogue = Dialogue("learn", "--anew", self.capture, "-o", self.profile)
        for question, answer in zip(("1.8.0", "2.8.0", "1.7.0", "2.7.0"), answers):
            dialogue.answer(question + "  ", answer)
        for word in (*extra, ""):
            dialogue.answer("What else", word)
        for question, answer in names:
            dialogue.answer(question, answer)
        out, code = dialogue.end()
        self.assertEqual(code, 0, out)
        return out

    def decoded(self):
        done = subprocess.run([SMCTL, "decode", "--profile", self.profile, self.capture],
                              capture_output=True, text=True, env=environment(), timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def reads(self, at, **wanted):
        """That the profile gives these readings of one telegram: {"1-0:1.8.0": (value, unit)}."""
        telegram = self.decoded()[at]
        got = {r["obis"]: (r["value"], r["unit"]) for r in telegram["readings"]}
        self.assertEqual({code: got.get(code) for code in wanted["codes"]}, wanted["codes"], telegram)
        return telegram

    def profile_text(self):
        with open(self.profile, encoding="utf-8") as file:
            return file.read()


class TestOnATerminal(LearnCase):
    """The five lists, each with what a display shows and nothing else."""

    def test_the_list_of_burgenland_is_taught_with_four_numbers(self):
        self.write(lists.burgenland())
        out = self.ask("40091.0", "12345,6", "0.42", "1.25", names=(("Maker", "LGZ"), ("Model", "E450 B")))
        self.assertIn("looks like volts", out)
        self.assertIn("place 9", out)
        self.assertIn("reads all 16 telegrams", out)
        telegram = self.reads(3, codes={"1-0:1.8.0": (40091005, "Wh"), "1-0:2.8.0": (12345600, "Wh"),
                                        "1-0:1.7.0": (2410, "W"), "1-0:32.7.0": (230, "V"),
                                        "1-0:72.7.0": (233, "V"), "1-0:31.7.0": (3.14, "A")})
        self.assertEqual((telegram["meter"], telegram["profile"]), ("30655933", "lgz-e450-b"))

    def test_the_list_of_slovenia_is_taught_with_reactive_power(self):
        self.write(lists.slovenia())
        self.ask("40091", "12345.6", "0.4", "1.2",
                 extra=("3.8.0=7654.3kvarh", "4.8.0=1234.57 kvarh", "3.7.0=0.28kvar"))
        telegram = self.reads(5, codes={"1-0:1.7.0": (2433, "W"), "1-0:2.7.0": (0, "W"),
                                        "1-0:3.7.0": (281, "var"), "1-0:1.8.0": (40091011, "Wh"),
                                        "1-0:2.8.0": (12345600, "Wh"), "1-0:3.8.0": (7654326, "varh"),
                                        "1-0:4.8.0": (1234572, "varh")})
        self.assertEqual((telegram["meter"], telegram["manufacturer"]), ("LGZ1030700000017", "LGZ"))

    def test_the_quarter_hour_list_of_the_am550_is_taught_by_its_registers(self):
        self.write(lists.am550())
        self.ask("21112", "4001", "", "",
                 extra=("1.8.1=12811kWh", "1.8.2=8301kWh", "2.8.1=3100kWh", "2.8.2=901kWh",
                        "3.8.0=5011kvarh", "4.8.0=411kvarh"))
        self.reads(7, codes={"1-0:1.8.0": (21112535, "Wh"), "1-0:1.8.1": (12811470, "Wh"),
                             "1-0:1.8.2": (8301065, "Wh"), "1-0:2.8.0": (4001833, "Wh"),
                             "1-0:2.8.1": (3100284, "Wh"), "1-0:2.8.2": (901549, "Wh"),
                             "1-0:3.8.0": (5011120, "varh"), "1-0:4.8.0": (410921, "varh")})
        self.assertIn("Interval=900s", self.profile_text())

    def test_a_kaifa_list_is_taught_by_power_and_voltage(self):
        self.write(lists.kaifa())
        out = self.ask("", "", "2.4", "1.24", extra=("U=230V",))
        self.assertIn("nobody said it, but power, voltage and current agree", out)
        telegram = self.reads(6, codes={"1-0:1.7.0": (5120, "W"), "1-0:32.7.0": (230.4, "V"),
                                        "1-0:31.7.0": (6.667, "A"), "1-0:71.7.0": (8.068, "A")})
        self.assertEqual(telegram["meter"], "6970631401234567")
        self.assertIn("Id=KFM_001", self.profile_text())

    def test_a_list_of_mixed_widths_is_taught_with_four_numbers(self):
        self.write(lists.widths())
        self.ask("40091.5", "12345.9", "2.4", "1.24")
        telegram = self.reads(6, codes={"1-0:1.8.0": (40092100, "Wh"), "1-0:2.8.0": (12345600, "Wh"),
                                        "1-0:1.7.0": (5120, "W"), "1-0:2.7.0": (0, "W"),
                                        "1-0:52.7.0": (229.1, "V"), "1-0:51.7.0": (7.45, "A")})
        self.assertEqual(telegram["time"], "2026-02-02T03:10:00")
        self.assertIn("=1-0:1.7.0 int 0", self.profile_text())

    def test_voltages_that_show_themselves_are_offered(self):
        self.write(lists.burgenland(loads=(412, 415, 409, 411)))  # no load that proves a current
        dialogue = Dialogue("learn", "--anew", self.capture, "-o", self.profile, "--maker", "LGZ",
                            "--model", "E450")
        for question, answer in (("1.8.0  ", "40091.0"), ("2.8.0  ", ""), ("1.7.0  ", "0.41"),
                                 ("2.7.0  ", ""), ("What else", ""),
                                 ("Places 1 to 3 look like the voltages of three phases", "y")):
            dialogue.answer(question, answer)
        out, code = dialogue.end()
        self.assertEqual(code, 0, out)
        self.reads(0, codes={"1-0:32.7.0": (230, "V"), "1-0:52.7.0": (229, "V")})
        self.assertNotIn("31.7.0", self.profile_text())

    def test_what_is_refused_may_be_left_out(self):
        self.write(lists.twins())
        dialogue = Dialogue("learn", "--anew", self.capture, "-o", self.profile, "--model", "X")
        for question, answer in (("1.8.0  ", "5000.0@2"), ("2.8.0  ", "0"), ("1.7.0  ", ""), ("2.7.0  ", ""),
                                 ("What else", ""), ("Go on without", "y"), ("Maker", "")):
            dialogue.answer(question, answer)
        out, code = dialogue.end()
        self.assertEqual(code, 0, out)
        self.assertIn("0 tells neither place nor scale", out)
        self.assertIn("2=1-0:1.8.0", self.profile_text())
        self.assertNotIn("2.8.0", self.profile_text())

    def test_the_end_of_input_writes_nothing(self):
        self.write(lists.burgenland())
        dialogue = Dialogue("learn", "--anew", self.capture, "-o", self.profile)
        dialogue.answer("1.8.0  ", "40091.0")
        dialogue.answer("2.8.0  ", "\x04")
        out, code = dialogue.end()
        self.assertEqual(code, 1, out)
        self.assertFalse(os.path.exists(self.profile))


class TestCodesWithoutScale(LearnCase):
    """Values say what they are, and not how much one step of them is: a [scale] is what is taught."""

    SAID = ("1.8.0=40091.0kWh", "2.8.0=12345.6kWh", "1.7.0=2.4kW", "2.7.0=1.2kW", "U=230V", "31.7.0=0.5A")
    READ = {"1-0:1.8.0": (40091000, "Wh"), "1-0:2.8.0": (12345600, "Wh"), "1-0:1.7.0": (412, "W"),
            "1-0:32.7.0": (230.4, "V"), "1-0:72.7.0": (232.7, "V"), "1-0:31.7.0": (0.54, "A"),
            "1-0:71.7.0": (0.65, "A")}

    def test_scales_are_taught_on_a_terminal(self):
        self.write(lists.coded())
        out = self.ask("40091.0", "12345,6", "2.4", "1.2", extra=("U=230V", "31.7.0=0.5A"))
        self.assertIn("16 telegrams of 10 values without scale", out)
        self.assertRegex(out, r"(?m)^ *1-0:1\.8\.0 +number +counts up +4009100 ")
        self.assertIn("reads all 16 telegrams", out)
        telegram = self.reads(0, codes=self.READ)
        self.assertEqual((telegram["meter"], telegram["profile"]), ("NEW1030700000017", "new-mx-1"))

    def test_scales_are_taught_by_arguments(self):
        self.write(lists.coded())
        code, out, err = self.run_learn("--model=X", "--json", "--set", *self.SAID)
        self.assertEqual(code, 0, err)
        self.assertEqual([(f["obis"], f["exponent"]) for f in json.loads(out)["facts"]],
                         [("1-0:1.8.0", 1), ("1-0:2.8.0", 1), ("1-0:1.7.0", 0), ("1-0:2.7.0", 0),
                          ("1-0:32.7.0", -1), ("1-0:31.7.0", -2)])
        self.assertIn("[scale]\n1.8=1\n2.8=1\n1.7=0\n2.7=0\nU=-1\nI=-2\n", self.profile_text())
        self.assertNotIn("[list", self.profile_text())
        self.reads(0, codes=self.READ)

    def test_what_was_not_taught_stays_without_unit(self):
        self.write(lists.coded())
        self.assertEqual(self.run_learn("--model=X", "--set", "1.8.0=40091.0kWh")[0], 0)
        self.reads(0, codes={"1-0:1.8.0": (40091000, "Wh"), "1-0:2.8.0": (1234560, None)})

    def test_codes_and_numbers_that_do_not_fit_are_refused(self):
        self.write(lists.coded())
        for said, reason in (("9.7.0=3VA", "no value of the code 1-0:9.7.0"), ("1.8.0=51234.0kWh", "no place"),
                             ("1.8.0=0kWh", "0 tells neither")):
            code, out, err = self.run_learn("--model=X", "--set", said)
            self.assertEqual(code, 1, (out, err))
            self.assertIn(reason, out)
            self.assertFalse(os.path.exists(self.profile))

    def test_scales_are_not_added_to_a_profile_that_is_there(self):
        self.write(lists.coded())
        self.assertEqual(self.run_learn("--model=X", "--set", "1.8.0=40091.0kWh")[0], 0)
        before = self.profile_text()
        code, _, err = self.run_learn("--model=X", "--set", *self.SAID)
        self.assertEqual(code, 1)
        self.assertIn("is there already", err)
        self.assertEqual(self.profile_text(), before)


class TestKey(LearnCase):
    """An encrypted meter: its key is asked for where a person sits, and not shown."""

    KEY, AUTH_KEY = "000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff"

    def setUp(self):
        super().setUp()
        done = subprocess.run([SMCTL, "simulate", "lgz-e450-styria", "--stdout", "--fast", "-n", "12", "--seed", "3",
                               "--key", self.KEY], capture_output=True, env=environment(), check=True)
        self.write(done.stdout)

    def test_a_key_is_asked_for_and_not_shown(self):
        dialogue = Dialogue("learn", "--anew", self.capture, "-o", self.profile)
        dialogue.answer("ncryption key", self.KEY)
        dialogue.answer("uthentication key", "")
        dialogue.answer("1.8.0  ", "\x04")
        out, code = dialogue.end()
        self.assertEqual(code, 1, out)
        self.assertIn("a key is needed", out)
        self.assertNotIn(self.KEY, out)
        self.assertRegex(out, "values without (codes|scale)")

    def test_without_a_terminal_the_key_is_asked_for_in_words(self):
        code, _, err = self.run_learn("--set", "1.8.0=1kWh")
        self.assertEqual(code, 1)
        self.assertIn("give the key with --key", err)


class TestWithoutATerminal(LearnCase):
    def refused(self, *args):
        code, out, err = self.run_learn("--set", *args)
        self.assertEqual(code, 1, (out, err))
        self.assertIn("nothing was written", err)
        self.assertFalse(os.path.exists(self.profile))
        return out

    def test_values_behind_set_teach_a_list(self):
        self.write(lists.burgenland())
        code, out, err = self.run_learn("--maker=LGZ", "--model=E450", "--name=my-meter", "--json", "--set",
                                        "1.8.0=40091.0kWh", "2.8.0=12345.6kWh", "1.7.0=0.42kW", "2.7.0=1.25kW")
        self.assertEqual(code, 0, err)
        told = json.loads(out)
        self.assertEqual([(f["word"], f["place"], f["places"]) for f in told["facts"]],
                         [("1.8.0", 9, 1), ("2.8.0", 10, 1), ("1.7.0", 7, 1), ("2.7.0", 8, 1), ("U", 1, 3),
                          ("I", 4, 3)])
        self.assertEqual(told["profile"], "my-meter")
        self.reads(0, codes={"1-0:1.8.0": (40091000, "Wh")})

    def test_zeros_teach_nothing(self):
        self.write(lists.zeros())
        out = self.refused("1.8.0=0.0kWh", "1.7.0=0kW")
        self.assertIn("0 tells neither place nor scale, and 8 places hold nothing but 0", out)
        self.assertIn("no place holds it in any scale", self.refused("1.8.0=17kWh"))

    def test_two_places_that_fit_are_no_answer(self):
        self.write(lists.twins())
        out = self.refused("1.8.0=5000.0kWh")
        self.assertIn("places 2 and 3 hold the same numbers in every telegram; say which it is with @2 or @3",
                      out)
        code, _, err = self.run_learn("--set", "1.8.0=5000.0kWh@2", "1.8.1=5000.0kWh@3", "1.8.2=0.0kWh@4")
        self.assertEqual(code, 0, err)
        self.reads(0, codes={"1-0:1.8.0": (5000000, "Wh"), "1-0:1.8.2": (0, "Wh")})

    def test_a_number_that_no_place_holds_is_refused_with_the_nearest(self):
        self.write(lists.slovenia())
        self.assertIn("the nearest is place", self.refused("1.8.0=51000.0kWh"))

    def test_places_that_are_said_must_hold_the_value(self):
        self.write(lists.slovenia())
        self.refused("1.8.0=40091.0kWh@7")
        self.assertIn("holds no number", self.refused("1.8.0=40091.0kWh@1"))
        self.assertIn("the list ends with 9", self.refused("1.8.0=40091.0kWh@10"))

    def test_power_needs_several_telegrams(self):
        self.write(lists.slovenia(loads=(412, 431)))
        self.assertIn("only 2 telegrams; 3 are needed", self.refused("1.7.0=0.41kW"))

    def test_a_scale_that_power_disproves_is_not_taken(self):
        """10^1 fits the voltage 23.0, but then no current makes the power."""
        self.write(lists.kaifa())
        code, out, _ = self.run_learn("--set", "1.7.0=2.4kW", "U=23.0V", "31.7.0=0.9A")
        self.assertEqual(code, 1, out)

    def test_words_that_are_wrong_are_explained(self):
        self.write(lists.slovenia())
        for word, reason in (("1.8.0=40091", "wants its unit"), ("1.8.0=40091kW", "is measured in Wh"),
                             ("1.8.0=kWh", "is no number"), ("energy=40091kWh", "is no code"),
                             ("1.8.0=1kWh@", "is no place"), ("1.8.0=1parsec", "is no unit")):
            code, _, err = self.run_learn("--set", word)
            self.assertEqual(code, 2, err)
            self.assertIn(reason, err)

    def test_a_second_list_is_added_to_the_profile(self):
        self.write(lists.slovenia() + lists.am550(name="LGZ1030700000017"))
        code, _, err = self.run_learn("--set", "1.8.0=40091.0kWh")
        self.assertIn("there are 2 lists", err)
        self.write(lists.slovenia())
        self.assertEqual(self.run_learn("--set", "1.8.0=40091.0kWh", "--model=E450")[0], 0)
        self.write(lists.twins())
        self.assertEqual(self.run_learn("--set", "1.8.0=5000.0kWh@2", "--model=E450")[0], 0)
        self.assertIn('[list "9 values"]', self.profile_text())
        self.assertIn('[list "4 values"]', self.profile_text())
        self.reads(0, codes={"1-0:1.8.0": (5000000, "Wh")})
        self.write(lists.slovenia())
        self.reads(0, codes={"1-0:1.8.0": (40091000, "Wh")})

    def test_another_file_is_not_written_over(self):
        self.write(lists.slovenia())
        with open(self.profile, "w", encoding="utf-8") as file:
            file.write("my notes\n")
        code, _, err = self.run_learn("--set", "1.8.0=40091.0kWh")
        self.assertEqual(code, 1)
        self.assertIn("is there already", err)
        self.assertEqual(self.profile_text(), "my notes\n")

    def test_known_lists_are_not_taught_by_mistake(self):
        self.write(lists.kaifa())
        done = subprocess.run([SMCTL, "learn", self.capture, "-o", self.profile, "--set", "1.7.0=2.4kW"],
                              capture_output=True, text=True, env=environment(), timeout=SECONDS)
        self.assertEqual(done.returncode, 1)
        self.assertIn("are understood already", done.stderr)

    def test_without_set_the_places_are_shown(self):
        self.write(lists.burgenland())
        code, out, err = self.run_learn()
        self.assertEqual(code, 1)
        self.assertRegex(out, r"(?m)^ +9 u32 +counts up +40091000 ")
        self.assertIn("--set", err)

    def test_damaged_and_foreign_input_ends_well(self):
        data = lists.burgenland()
        for cut in range(0, 200, 7):
            self.write(data[cut:cut + 150])
            self.assertIn(self.run_learn("--set", "1.8.0=40091.0kWh")[0], (0, 1))
            if os.path.exists(self.profile):
                os.unlink(self.profile)
        self.write(os.urandom(4096))
        self.assertEqual(self.run_learn("--set", "1.8.0=40091.0kWh")[0], 1)


if __name__ == "__main__":
    unittest.main()
