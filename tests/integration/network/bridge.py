# SPDX-License-Identifier: MIT
"""Debian's ser2net, with a pty for the converter behind it."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from broker import free_port
from harness import Link, plain_environment

SER2NET = shutil.which("ser2net", path=os.environ.get("PATH", "") + ":/usr/sbin")


class Ser2net:
    """Debian's, with a pty for the converter: `link` is the meter's side."""

    def __init__(self, accepter, line):
        self.folder = tempfile.mkdtemp(prefix="s2n.")
        self.link = Link(self.folder + "/tty").plug()
        self.port = free_port()
        self.config = pathlib.Path(self.folder) / "ser2net.yaml"
        self.config.write_text(f"connection: &meter\n  accepter: {accepter},127.0.0.1,{self.port}\n"
                               f"  connector: serialdev,{self.folder}/tty,{line},local\n"
                               "  options:\n    kickolduser: true\n")
        self.start()

    def start(self):
        self.process = subprocess.Popen([SER2NET, "-n", "-u", "-c", str(self.config)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env=plain_environment())

    def end(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.end()
        self.link.unplug()
        shutil.rmtree(self.folder)
