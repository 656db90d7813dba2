# SPDX-License-Identifier: MIT
"""systemd-timedated on a private bus, as far as the service asks it: whether the clock is synchronised.
Run as a program: BUS yes|no ; it says "ready", "asked" at each question, and ends with its standard input."""

import subprocess
import sys

from gi.repository import Gio, GLib

NAME = "org.freedesktop.timedate1"
XML = f"""<node><interface name="{NAME}">
<property name="NTPSynchronized" type="b" access="read"/></interface></node>"""


class Timedate:
    """The same for a test."""

    def __init__(self, bus, synchronised):
        self.process = subprocess.Popen(
            [sys.executable, __file__, bus.address, "yes" if synchronised else "no"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._expect("ready")

    def _expect(self, word):
        if self.process.stdout.readline() != word + "\n":
            raise AssertionError(f"no '{word}' of timedated")

    def wait_asked(self):
        self._expect("asked")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def main():
    def get(connection, sender, path, interface, name):
        print("asked", flush=True)
        return GLib.Variant("b", sys.argv[2] == "yes")

    connection = Gio.DBusConnection.new_for_address_sync(
        sys.argv[1], Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
        Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    for interface in Gio.DBusNodeInfo.new_for_xml(XML).interfaces:
        connection.register_object("/org/freedesktop/timedate1", interface, None, get, None)
    connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                         GLib.Variant("(su)", (NAME, 4)), None, 0, -1, None)
    loop = GLib.MainLoop()
    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, 0, GLib.IO_IN | GLib.IO_HUP,
                          lambda *_: loop.quit() or False)
    print("ready", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
