# SPDX-License-Identifier: MIT
"""systemd on a private bus, as far as smctl doctor asks it: what it knows of smartmeterd.service.
Run as a program: BUS PROPERTY=VALUE… ; it says "ready", and ends with its standard input."""

import subprocess
import sys

from gi.repository import Gio, GLib

XML = """<node><interface name="org.freedesktop.systemd1.Unit">
<property name="LoadState" type="s" access="read"/><property name="ActiveState" type="s" access="read"/>
<property name="SubState" type="s" access="read"/><property name="UnitFileState" type="s" access="read"/>
</interface><interface name="org.freedesktop.systemd1.Service">
<property name="Result" type="s" access="read"/><property name="NRestarts" type="u" access="read"/>
<property name="ExecMainStatus" type="i" access="read"/></interface></node>"""
PATH = "/org/freedesktop/systemd1/unit/smartmeterd_2eservice"


class Systemd:
    """The same for a test."""

    def __init__(self, bus, **properties):
        told = [f"{name}={value}" for name, value in properties.items()]
        self.process = subprocess.Popen([sys.executable, __file__, bus.address, *told],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("no systemd on the bus")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def main():
    values = {"LoadState": "loaded", "ActiveState": "inactive", "SubState": "dead",
              "UnitFileState": "enabled", "Result": "success", "NRestarts": "0",
              "ExecMainStatus": "0", **dict(word.split("=", 1) for word in sys.argv[2:])}

    def get(connection, sender, path, interface, name):
        kind = {"NRestarts": "u", "ExecMainStatus": "i"}.get(name, "s")
        return GLib.Variant(kind, values[name] if kind == "s" else int(values[name]))

    connection = Gio.DBusConnection.new_for_address_sync(
        sys.argv[1], Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT |
        Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
    for interface in Gio.DBusNodeInfo.new_for_xml(XML).interfaces:
        connection.register_object(PATH, interface, None, get, None)
    connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                         GLib.Variant("(su)", ("org.freedesktop.systemd1", 4)), None, 0, -1, None)
    loop = GLib.MainLoop()
    GLib.unix_fd_add_full(GLib.PRIORITY_DEFAULT, 0, GLib.IO_IN | GLib.IO_HUP,
                          lambda *_: loop.quit() or False)
    print("ready", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
