#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a meter calls itself is text to the shells: completion inserts it quoted and runs nothing."""

import os
import pathlib
import pty
import select
import shutil
import signal
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("SMARTMETERD_SOURCE", pathlib.Path(__file__).parents[2]))
BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
SLOWDOWN = int(os.environ.get("SMARTMETERD_TEST_SLOWDOWN", "1"))
SECONDS = 90 * SLOWDOWN
QUIET = 0.3 * SLOWDOWN  # a terminal that has said nothing for so long is done

# Each would leave a file PWNED behind in a shell that expands it.
HOSTILE = [
    "$(touch${IFS}PWNED)", "`touch${IFS}PWNED`", "$(touch PWNED)", "x;touch PWNED;", "x|touch PWNED",
    "${PATH:$(touch PWNED)}", "$((a[$(touch PWNED)]))", "<(touch PWNED)", "x&touch PWNED", "*", "~root",
    "a b", "'", '"', "\\", "!!", "-e", "%s%n", "{a,b}", "[", "$'\\x41'", "x\x1b]0;owned\x07",
]

SMCTL = r"""#!/bin/sh
case $1 in
--verbs) printf '%s\n' monitor show probe capture forget ;;
--words | simulate) cat "$WORDS"; echo >"$ASKED" ;;
*) printf '%s\n' "$@" >"$SEEN.new" && mv "$SEEN.new" "$SEEN" ;;
esac
"""


class Shell:
    """An interactive shell on a terminal, in a folder of its own, with a smctl that lists words."""

    def __init__(self, case, argv):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        case.addCleanup(shutil.rmtree, self.folder)
        smctl = self.folder / "bin/smctl"
        smctl.parent.mkdir()
        smctl.write_text(SMCTL)
        smctl.chmod(0o755)
        self.words, self.seen, self.asked = (self.folder / name
                                             for name in ("words", "seen", "asked"))
        self.cwd = self.folder / "cwd"
        self.cwd.mkdir()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(self.cwd)
            os.execvpe(argv[0], argv, {
                "PATH": f"{smctl.parent}:/usr/bin:/bin", "TERM": "dumb", "LC_ALL": "C.UTF-8",
                "HOME": str(self.folder), "WORDS": str(self.words), "SEEN": str(self.seen),
                "ASKED": str(self.asked), "PS1": "ready> "})
        case.addCleanup(self.end)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)

    def read_until(self, done, quiet=0.0):
        """Reads what the terminal shows until `done` says so, and then until it says no more."""
        shown, deadline, still_until = b"", time.monotonic() + SECONDS, 0.0
        while time.monotonic() < deadline:
            if select.select([self.fd], [], [], 0.05)[0]:
                shown += os.read(self.fd, 65536)
                still_until = time.monotonic() + quiet
            elif done(shown) and time.monotonic() >= still_until:
                return shown.decode(errors="replace")
        raise AssertionError(f"not in time; the terminal shows {shown!r}")

    def run_line(self, line, mark):
        os.write(self.fd, line.encode() + b"\n")
        self.read_until(lambda shown: mark.encode() in shown)

    def type_tab(self, line, words, tabs=1):
        """Clears the line, types, and waits until the shell has what the service says."""
        self.words.write_text("".join(word + "\n" for word in words))
        self.asked.unlink(missing_ok=True)
        os.write(self.fd, b"\x15" + line.encode() + b"\t" * tabs)
        self.read_until(lambda _: self.asked.exists(), quiet=QUIET)

    def run_completed(self, line, words):
        """Completes `line` by a tab, runs it, and returns the arguments that smctl got."""
        self.type_tab(line, words)
        os.write(self.fd, b"\r")
        self.read_until(lambda _: self.seen.exists())
        got = self.seen.read_text().splitlines()
        self.seen.unlink()
        return got

    def is_owned(self):
        return any(self.cwd.iterdir())


class CompletionCase(unittest.TestCase):
    def check_listing(self, shell):
        """All hostile words at once: nothing is common to them, so that they are only listed."""
        for verb in ("monitor", "show", "probe", "simulate", "forget"):
            with self.subTest(verb=verb):
                shell.type_tab(f"smctl {verb} ", HOSTILE, tabs=2)
                self.assertFalse(shell.is_owned(), "a word from the service ran as a command")

    def check_insertion(self, shell):
        """One word: it is inserted, quoted so that smctl gets it back letter for letter."""
        for word in ("$(touch${IFS}PWNED)", "`touch${IFS}PWNED`", "x;touch${IFS}PWNED;",
                     "a b'c\"d", "067b:2303@pci-0:1", "LGZ1030655000001"):
            with self.subTest(word=word):
                self.assertEqual(shell.run_completed("smctl monitor ", [word]), ["monitor", word])
                self.assertFalse(shell.is_owned(), "it ran as a command")


@unittest.skipUnless(os.path.exists(BASH_COMPLETION), "skipped: no bash-completion")
class TestBash(CompletionCase):
    def shell(self):
        shell = Shell(self, ["bash", "--norc", "--noprofile", "-i"])
        shell.run_line(f". {BASH_COMPLETION}; . {SOURCE}/ctl/completion/smctl; echo re''ady",
                       "ready\r")
        return shell

    def test_hostile_words_are_listed_not_run(self):
        self.check_listing(self.shell())

    def test_hostile_words_are_inserted_as_text(self):
        self.check_insertion(self.shell())

    def test_ids_with_colons_go_on_behind_the_colon(self):
        words = ["067b:2303@usb-1", "10c4:ea60@usb-2"]
        self.assertEqual(self.shell().run_completed("smctl show 067b:23", words),
                         ["show", "067b:2303@usb-1"])


@unittest.skipUnless(shutil.which("zsh"), "skipped: no zsh")
class TestZsh(CompletionCase):
    def shell(self):
        shell = Shell(self, ["zsh", "-f", "-i"])
        shell.run_line(f"fpath=({SOURCE}/ctl/completion $fpath); autoload -U compinit; "
                       "compinit -u -D; echo re''ady", "ready\r")
        return shell

    def test_hostile_words_are_listed_not_run(self):
        self.check_listing(self.shell())

    def test_hostile_words_are_inserted_as_text(self):
        self.check_insertion(self.shell())


if __name__ == "__main__":
    unittest.main()
