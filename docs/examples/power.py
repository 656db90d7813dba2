#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Prints every meter's power once, then each telegram as it is received. On Debian:
apt install python3-dbus python3-gi"""

import dbus
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

METER = "org.smartmeterd.Meter1"
ELECTRICITY = "org.smartmeterd.Electricity1"


def on_telegram(host_time, sequence, readings, path):
    # A reading is (value, unit, microseconds since 1970, flags); it has a name or an OBIS code.
    for name, (value, unit, usec, flags) in readings.items():
        print(f"{path.rsplit('/', 1)[1]} #{sequence} {name} {value:.10g} {unit}", flush=True)


DBusGMainLoop(set_as_default=True)
bus = dbus.SystemBus()
bus.add_signal_receiver(on_telegram, "TelegramReceived", METER, "org.smartmeterd",
                        path_keyword="path")

# One call gives all objects with all properties; it also starts the service if it is not running.
root = dbus.Interface(bus.get_object("org.smartmeterd", "/org/smartmeterd"),
                      "org.freedesktop.DBus.ObjectManager")
for path, interfaces in root.GetManagedObjects().items():
    if ELECTRICITY in interfaces:
        meter = interfaces[METER]
        print(f"{meter['Name'] or meter['Id']}: {interfaces[ELECTRICITY]['PowerImport']:.10g} W", flush=True)

GLib.MainLoop().run()
