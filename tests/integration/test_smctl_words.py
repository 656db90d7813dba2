# SPDX-License-Identifier: MIT
"""Verbs and options are in the manual and both completions; the catalogues are complete."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from smctl_case import SOURCE, SmctlCase

CTL = SOURCE / "ctl"


class TestDocuments(SmctlCase):
    def setUp(self):
        self.manual = (CTL / "smctl.1").read_text()
        self.bash = (CTL / "completion/smctl").read_text()
        self.zsh = (CTL / "completion/_smctl").read_text()
        self.verbs = self.run_ok("--verbs").split()

    def options(self, verb):
        return re.findall(r"--([a-z0-9-]+)", self.run_ok(verb, "--help").split("Options:", 1)[1])

    def assert_documented(self, pattern, what):
        """Names what is missing, and does not print the whole manual as assertRegex does."""
        self.assertTrue(re.search(pattern, self.manual), f"smctl(1) has no {what}")

    def test_every_verb_has_a_help_with_json(self):
        self.assertGreater(len(self.verbs), 18)
        for verb in self.verbs:
            self.assertIn("json", self.options(verb), verb)

    def test_help_of_a_verb_is_its_own(self):
        for verb in self.verbs:
            self.assertEqual(self.run_ok("help", verb), self.run_ok(verb, "--help"))
        self.assertEqual(self.run_ok("help"), self.run_ok("--help"))
        self.assertIn('did you mean "inhibit"', self.run_bad(2, "help", "inhbit"))

    def test_words_of_other_programs_lead_to_ours(self):
        for word, hint in (("get", "smctl readings METER NAME"), ("log", "journalctl -u smartmeterd"),
                           ("config", "check-config"), ("broker", "set-broker")):
            error = self.run_bad(2, word)
            self.assertIn(hint, error)
            self.assertNotIn("did you mean", error)
        self.assertEqual(self.run_ok("-V"), self.run_ok("--version"))
        self.assertEqual(self.run_ok("help", "--help"), self.run_ok("--help"))

    def test_file_that_cannot_be_written_is_named(self):
        self.assertIn("/nonexistent/x: ", self.run_bad(1, "simulate", "lgz-e450", "-o",
                                                       "/nonexistent/x"))

    def test_manual_has_every_verb_and_option(self):
        for verb in self.verbs:
            self.assert_documented(rf"(?m)^\.It Cm {verb}\b", f"verb {verb}")
            for option in self.options(verb):
                self.assert_documented(rf"Fl -{option}\b|, -{option}\b", f"option --{option} of {verb}")

    def test_completions_have_every_verb_and_option(self):
        for verb in self.verbs:
            block = re.search(rf"(?ms)^        (?:[\w |-]+ \| )?{verb}(?: \| [\w |-]+)?\)(.*?);;",
                              self.bash)
            self.assertTrue(block, verb)
            zblock = re.search(rf"(?ms)^        (?:[\w |-]+ \| )?{verb}(?: \| [\w |-]+)?\)\n(.*?);;",
                               self.zsh)
            self.assertTrue(zblock, verb)
            for option in self.options(verb):
                if option in ("json", "address", "help"):
                    continue
                self.assertIn(f"--{option}", block[1], verb)
                self.assertIn(f"--{option}", zblock[1], verb)

    @unittest.skipUnless(shutil.which("mandoc"), "skipped: no mandoc")
    def test_manual_is_clean(self):
        done = subprocess.run(["mandoc", "-Tlint", "-W", "style", str(CTL / "smctl.1")],
                              capture_output=True, text=True, check=False)
        left = [line for line in done.stdout.splitlines()
                if "referenced manual not found" not in line]  # known once all are installed
        self.assertEqual(left, [])

    @unittest.skipUnless(shutil.which("mandoc"), "skipped: no mandoc")
    def test_quotes_of_the_manuals_do_not_nest(self):
        """.Dq runs to the end of its line: ".Pq Dq a , Dq b" quotes b within a."""
        for page in ("ctl/smctl.1", "daemon/smartmeterd.8", "daemon/smartmeterd.conf.5",
                     "dbus/org.smartmeterd.5"):
            text = subprocess.run(["mandoc", "-Tutf8", str(SOURCE / page)], capture_output=True,
                                  text=True, check=True).stdout
            quotes = re.sub("[^“”]", "", re.sub(".\b", "", text))
            self.assertEqual(quotes, "“”" * (len(quotes) // 2), page)

    def test_documents_name_verbs_that_exist(self):
        for page in [*SOURCE.glob("*.md"), *SOURCE.glob("docs/*.md")]:
            for verb in re.findall(r"`(?:sudo )?smctl\s+([a-z-]+)", page.read_text()):
                self.assertIn(verb, [*self.verbs, "help"], page)

    def test_quick_starts_show_what_is_shown_without_a_key(self):
        for language, path in (("", "quickstart.md"), ("fr", "quickstart.fr.md"),
                               ("de", "quickstart.de.md")):
            shown = "key?"
            if language:
                catalogue = (CTL / f"po/{language}.po").read_text()
                shown = re.search(r'msgid "key\?"\nmsgstr "(.*)"', catalogue)[1]
            self.assertIn(f"`{shown}`", (SOURCE / "docs" / path).read_text())

    def test_bash_completes_verbs_and_options(self):
        script = (f"source {CTL}/completion/smctl; compopt() {{ :; }}; "
                  "COMP_WORDS=(smctl dec); COMP_CWORD=1; _smctl; echo \"${COMPREPLY[*]}\"; "
                  "COMP_WORDS=(smctl decode --pr); COMP_CWORD=2; _smctl; echo \"${COMPREPLY[*]}\"; "
                  "COMP_WORDS=(smctl help inhi); COMP_CWORD=2; _smctl; echo \"${COMPREPLY[*]}\"")
        with tempfile.TemporaryDirectory() as folder:
            from smctl_case import SMCTL
            pathlib.Path(folder, "smctl").symlink_to(SMCTL)
            done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True,
                                  env={"PATH": f"{folder}:/usr/bin:/bin"}, check=True)
        self.assertEqual(done.stdout.splitlines(), ["decode", "--profile --pretty", "inhibit"])


class TestCatalogues(SmctlCase):
    def test_every_quantity_has_a_label_to_translate(self):
        rows = re.findall(r'"([a-z0-9_]+)", (N_\()?"', (SOURCE / "lib/value/quantity.c").read_text())
        self.assertGreater(len(rows), 60)
        self.assertEqual([name for name, marked in rows if not marked], [])

    @unittest.skipUnless(shutil.which("msgfmt") and shutil.which("xgettext"),
                         "skipped: no gettext tools")
    def test_french_and_german_are_complete(self):
        sources = (CTL / "po/POTFILES").read_text().split()
        with tempfile.TemporaryDirectory() as folder:
            template = f"{folder}/smctl.pot"
            subprocess.run(["xgettext", "--from-code=UTF-8", "-k_", "-kN_", "-kP_:1,2", "-o",
                            template, *sources], cwd=SOURCE, check=True)
            for language in ("fr", "de"):
                merged = f"{folder}/{language}.po"
                subprocess.run(["msgmerge", "-q", "-N", "-o", merged,
                                str(CTL / f"po/{language}.po"), template], check=True)
                done = subprocess.run(["msgfmt", "--check", "--statistics", "-o", "/dev/null",
                                       merged], capture_output=True, text=True, check=True,
                                      env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
                self.assertNotIn("untranslated", done.stderr, language)
                self.assertNotIn("fuzzy", done.stderr, language)

    @staticmethod
    def a_locale(folder):
        """C.UTF-8 by another name: newer C libraries translate nothing where it is C."""
        here = pathlib.Path("/usr/lib/locale/C.utf8")
        if not here.is_dir():
            return {}
        shutil.copytree(here, pathlib.Path(folder, "xx_XX.utf8"))
        return {"LOCPATH": folder, "LC_ALL": "xx_XX.UTF-8"}

    def test_every_source_with_messages_is_listed(self):
        listed = set((CTL / "po/POTFILES").read_text().split())
        for file in CTL.glob("**/*.c"):
            if re.search(r"\b(_|N_|P_)\(", file.read_text()):
                self.assertIn(str(file.relative_to(SOURCE)), listed)

    @unittest.skipUnless(shutil.which("msgfmt"), "skipped: no gettext tools")
    def test_messages_come_in_the_users_language(self):
        with tempfile.TemporaryDirectory() as folder:
            locale = self.a_locale(folder)
            for language, word in (("fr", "Il n'y a pas de verbe"), ("de", "Es gibt kein Verb")):
                target = pathlib.Path(folder, language, "LC_MESSAGES")
                target.mkdir(parents=True)
                subprocess.run(["msgfmt", "-o", str(target / "smctl.mo"),
                                str(CTL / f"po/{language}.po")], check=True)
                error = self.run_bad(2, "statsu", env={**locale, "LANGUAGE": language,
                                                       "SMCTL_LOCALEDIR": folder})
                self.assertIn(word.lower(), error.lower())


if __name__ == "__main__":
    unittest.main()
