# SPDX-License-Identifier: MIT
"""What the service says, in the user's language and with its particulars: states of converters and
outputs, refusals, mistakes in the configuration."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import unittest

from private_bus import NOBODY, wait_until
from smctl_case import ID, SMCTL, SOURCE, BusCase, DaemonCase
from test_smctl_terminal import Terminal
from test_smctl_words import TestCatalogues


def catalogues(case):
    """{language: environment} with the catalogues of this source; skips where none can be made."""
    if not shutil.which("msgfmt"):
        case.skipTest("no gettext tools")
    folder = case.enterContext(tempfile.TemporaryDirectory())
    os.chmod(folder, 0o755)
    locale = TestCatalogues.a_locale(folder)
    if not locale:
        case.skipTest("no C.UTF-8 in a folder")
    for language in ("fr", "de"):
        target = pathlib.Path(folder, language, "LC_MESSAGES")
        target.mkdir(parents=True)
        subprocess.run(["msgfmt", "-o", str(target / "smctl.mo"),
                        str(SOURCE / f"ctl/po/{language}.po")], check=True)
    return {language: {**locale, "LANGUAGE": language, "SMCTL_LOCALEDIR": folder}
            for language in ("fr", "de")}


class TestService(DaemonCase):
    def test_host_and_port_stay_in_every_language(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
        self.daemon.configure(f'[converter "cellar"]\nDevice=tcp://127.0.0.1:{port}\n'
                              f'[mqtt "home"]\nHost=127.0.0.1\nPort={port}\n')
        self.run_ok("reload", env=self.env)
        wait_until(lambda: "nothing-listens" in [c["state_code"] for c in self.json("list-converters")]
                   and self.json("status")["outputs"][0]["last_error"], "both states")
        for language, converter, output in (
                ("fr", f"rien n'écoute à tcp://127.0.0.1:{port}",
                 f"127.0.0.1:{port} : rien n'y écoute : le broker tourne-t-il, et Port= est-il juste ?"),
                ("de", f"bei tcp://127.0.0.1:{port} lauscht nichts",
                 f"127.0.0.1:{port}: dort lauscht nichts: Läuft der Broker, und stimmt Port=?")):
            env = dict(self.env, **catalogues(self)[language])
            shown = self.run_ok("show", f"tcp@127.0.0.1:{port}", env=env)
            shown += self.run_ok("status", env=env)
            self.assertIn(converter, shown)
            self.assertIn(output, shown)

    def test_refused_reload_is_told_in_the_users_language(self):
        self.daemon.configure("[mqttt]\n")
        for language, words in (("fr", "section inconnue [mqttt] ; vouliez-vous dire [mqtt] ?"),
                                ("de", "unbekannter Abschnitt [mqttt]; meinten Sie [mqtt]?")):
            env = dict(self.env, **catalogues(self)[language])
            self.assertIn(words, self.run_bad(1, "reload", env=env))
            self.assertIn(words, self.run_ok("status", env=env))


class TestConfiguration(DaemonCase):
    def test_mistakes_are_told_with_file_line_and_value(self):
        file = pathlib.Path(self.daemon.folder, "wrong.conf")
        file.write_text("[daemon]\nLogLevel=loud\n[meter \"1\"]\nMaxPower=25\nBogus=1\n")
        program = str(pathlib.Path(os.environ["SMARTMETERD_BUILD"]) / "daemon/smartmeterd")
        for language, lines in (
                ("fr", ["2: erreur: LogLevel=loud : écrivez err, warning, notice, info ou debug",
                        "4: erreur: MaxPower=25 : 25 de quoi ? écrivez 25kW ou 25W",
                        "5: erreur: clé inconnue « Bogus » dans [meter \"1\"]"]),
                ("de", ["2: Fehler: LogLevel=loud: schreiben Sie err, warning, notice, info oder debug",
                        "4: Fehler: MaxPower=25: 25 wovon? Schreiben Sie 25kW oder 25W",
                        "5: Fehler: unbekannter Schlüssel „Bogus“ in [meter \"1\"]"])):
            env = dict(self.env, **catalogues(self)[language], SMARTMETERD=program)
            done = subprocess.run([SMCTL, "check-config", str(file)], capture_output=True, text=True,
                                  env=dict(os.environ, **env), check=False)
            self.assertEqual(done.returncode, 1)
            self.assertEqual(done.stdout.splitlines(), [f"{file}:{line}" for line in lines])


@unittest.skipIf(os.getuid() != 0, "playing another user needs root")
class TestRight(BusCase):
    def as_nobody(self, *args, env):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        os.chmod(folder, 0o755)
        program = shutil.copy(SMCTL, folder)
        return subprocess.run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                               program, *args], capture_output=True, text=True, input="",
                              env=dict(os.environ, **self.env, **env), check=False)

    def test_refusal_is_told_in_the_users_language(self):
        for language, words in (("fr", "polkit n'est pas installé, donc seul root en a le droit"),
                                ("de", "polkit ist nicht installiert, also darf das nur root")):
            done = self.as_nobody("forget", ID, env=catalogues(self)[language])
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)

    def test_who_may_not_set_a_key_is_not_asked_for_one(self):
        done = self.as_nobody("set-key", "LGZ1", "--key-file", "/nonexistent", env={})
        self.assertEqual(done.returncode, 1)
        self.assertIn("not allowed", done.stderr)
        self.assertNotIn("/nonexistent", done.stderr)
        self.assertNotIn("set-meter-key", " ".join(self.driver.poll()))

    def test_who_may_is_asked_on_the_terminal(self):
        terminal = Terminal(["set-key", "LGZ1"], dict(self.env, NO_COLOR="1"), 200)
        terminal.read_until(lambda out: "Encryption key" in out, "the question")
        terminal.press("00112233445566778899AABBCCDDEEFF\n")
        terminal.read_until(lambda out: "Authentication key" in out, "the second question")
        terminal.press("\n")
        self.driver.wait_request("request set-meter-key")
        self.assertEqual(terminal.end()[1], 0)


if __name__ == "__main__":
    unittest.main()
