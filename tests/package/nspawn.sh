#!/bin/bash
# SPDX-License-Identifier: MIT
# The image's system in systemd-nspawn, as containers are run: no udevd, no message bus, a network of its own, /sys
# read-only, and of the host's devices only a tty node that is passed in. `smctl simulate` outside is the meter behind
# it; the reading is asked for with smctl, and of mosquitto.
# usage (as root; tests/package/image.sh calls it): tests/package/nspawn.sh ROOT-FOLDER
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/package/chroot-lib.sh
. "$root/tests/package/chroot-lib.sh"
system=$(realpath "$1")
[[ $(id -u) == 0 ]] || cannot "needs root"
for program in systemd-nspawn nsenter ps mosquitto mosquitto_pub mosquitto_sub python3 ip; do
        command -v "$program" >/dev/null || cannot "no $program here"
done
unshare --mount --pid --net --fork true 2>/dev/null || cannot "no namespaces of our own on this machine"
work=$(mktemp -d /var/tmp/smartmeterd-nspawn.XXXXXX)
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 755 "$work"

# /sys as it is with a PL2303 plugged in whose tty has this number; libudev does not take it for a real one.
make_sys() { # FOLDER MAJOR:MINOR
        local usb=$1/devices/pci0000:00/0000:00:14.0/usb1
        local tty=$usb/1-3/1-3:1.0/ttyUSB0/tty/ttyUSB0
        mkdir -p "$tty" "$1"/class/tty "$1"/bus/{usb,pci,usb-serial}/drivers/pl2303
        ln -s ../../devices/pci0000:00/0000:00:14.0/usb1/1-3/1-3:1.0/ttyUSB0/tty/ttyUSB0 "$1/class/tty/ttyUSB0"
        ln -rs "$1/class/tty" "$tty/subsystem"
        ln -rs "$1/bus/usb-serial" "$tty/../../subsystem"
        ln -rs "$1/bus/usb-serial/drivers/pl2303" "$tty/../../driver"
        ln -rs "$tty/../.." "$tty/device"
        ln -rs "$1/bus/usb" "$usb/subsystem"
        ln -rs "$1/bus/usb" "$usb/1-3/subsystem"
        ln -rs "$1/bus/usb" "$usb/1-3/1-3:1.0/subsystem"
        ln -rs "$1/bus/usb/drivers/pl2303" "$usb/1-3/1-3:1.0/driver"
        ln -rs "$1/bus/pci" "$usb/../subsystem"
        : >"$usb/../uevent"
        printf 'DEVTYPE=usb_device\n' | tee "$usb/uevent" >"$usb/1-3/uevent"
        printf 'DEVTYPE=usb_interface\n' >"$usb/1-3/1-3:1.0/uevent"
        : >"$tty/../../uevent"
        printf 'MAJOR=%s\nMINOR=%s\nDEVNAME=ttyUSB0\n' "${2%:*}" "${2#*:}" >"$tty/uevent"
        echo "$2" >"$tty/dev"
        echo 067b >"$usb/1-3/idVendor"
        echo 2303 >"$usb/1-3/idProduct"
        echo 00 >"$usb/1-3/1-3:1.0/bInterfaceNumber"
}

# What is looked at: the reading at the broker, and what smctl says inside.
look() { # FOLDER METER CONVERTER
        python3 - "$@" <<'LOOK'
import json, pathlib, sys

folder, meter, converter = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
log = (folder / "service.log").read_text()
assert (folder / "message").read_text(), f"no message came: {log[-800:]}"
message, status = (json.loads((folder / name).read_text()) for name in ("message", "status"))
energy, = [v for o, v in message["values"].items() if o == "active_energy_import"]
assert message["meter"] == meter and energy > 0, message
assert "without udev" in status["service"]["version"], status["service"]
one, = status["converters"]
assert (one["id"], one["state"]) == (converter, "receiving"), one
assert float((folder / "reading").read_text()) >= energy, (folder / "reading").read_text()
facts = (folder / "facts").read_text().split("\n")
assert facts[:4] == ["no udev", "no bus", "sys is read-only", "lo"], facts
print(f"{meter}: {energy} Wh, by {one['device']} as {converter}")
LOOK
}

# read_in_container NAME METER NODE CONVERTER OPTION…: all of it ends with the shell inside, and the mounts with it.
# OPTION may say @NUMBER@ for the tty's major:minor.
read_in_container() {
        local folder=$work/$1 meter=$2 node=$3 converter=$4
        shift 4
        mkdir -p "$folder/sim"
        # shellcheck disable=SC2016 # for the inner shell
        unshare --mount --pid --net --ipc --uts --fork --kill-child -- /bin/bash -euc '
                folder=$1 system=$2 meter=$3 node=$4 machine=$5
                shift 5
                ip link set lo up
                mount -t proc proc /proc
                printf "listener 1883 127.0.0.1\nallow_anonymous true\nuser root\n" >"$folder/mosquitto.conf"
                mosquitto -c "$folder/mosquitto.conf" >"$folder/mosquitto.log" 2>&1 &
                for _ in {1..300}; do mosquitto_pub -h 127.0.0.1 -t hello -n 2>/dev/null && break || sleep 0.2; done
                # The same programs beside the container, on the devices of the host.
                mount --bind "$system" "$folder/sim"
                mount --rbind /dev "$folder/sim/dev"
                mount -t tmpfs tmpfs "$folder/sim/tmp"
                chroot "$folder/sim" /usr/bin/smctl simulate lgz-e450 --plain --fast --interval 1 \
                        --meter-id "$meter" --link /tmp/meter >"$folder/simulate.log" 2>&1 &
                for _ in {1..100}; do [[ -L $folder/sim/tmp/meter ]] && break || sleep 0.1; done
                tty=$(readlink "$folder/sim/tmp/meter")
                chown 0:20 "$tty" # dialout, as udevd of a host gives it
                chmod 660 "$tty"
                if [[ $# -gt 0 ]]; then
                        make_sys "$folder/sys" "$(printf "%d:%d" "0x$(stat -c %t "$tty")" "0x$(stat -c %T "$tty")")"
                fi
                install -d -o "$(stat -c %u "$system/run/smartmeterd")" -g "$(stat -c %g "$system/run/smartmeterd")" "$folder/run"
                systemd-nspawn -q -D "$system" --register=no --keep-unit --as-pid2 --resolv-conf=off \
                        --timezone=off --link-journal=no --console=pipe --machine="$machine" \
                        --bind="$folder/run:/run/smartmeterd" --bind="$tty:$node" --bind-ro="$folder/smartmeterd.conf:/etc/smartmeterd/smartmeterd.conf" "$@" \
                        /bin/sh -euc "
                                [ ! -d /fake ] || mount --bind /fake /sys # which systemd-nspawn makes itself, after all --bind=
                                exec setpriv --reuid=smartmeterd --regid=smartmeterd --init-groups \
                                        --inh-caps=-all --bounding-set=-all /usr/sbin/smartmeterd --bus none" >"$folder/service.log" 2>&1 </dev/null &
                nspawn=$!
                timeout 120 mosquitto_sub -h 127.0.0.1 -t "smartmeterd/box/meter/$meter/telegram" -C 1 >"$folder/message" &
                wait -n "$nspawn" $! || true
                leader=$(ps -o pid= --ppid "$nspawn" | head -n 1 | tr -d " ")
                inside() {
                        nsenter -t "$leader" -m -u -i -n -p -r -w -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
                }
                inside smctl status --json >"$folder/status"
                inside smctl readings "$meter" active_energy_import >"$folder/reading"
                inside sh -c "
                        test -e /run/udev || echo no udev
                        test -e /run/dbus/system_bus_socket || echo no bus
                        touch /sys/class/x 2>/dev/null || echo sys is read-only
                        ls /sys/class/net 2>/dev/null || echo lo" >"$folder/facts"
        ' nspawn "$folder" "$system" "$meter" "$node" "smartmeterd-${work##*.}" "$@" || {
                tail -n 5 "$folder"/*.log
                exit 1
        }
        look "$folder" "$meter" "$converter"
}

config() { # FOLDER SECTION-LINE
        mkdir -p "$work/$1"
        printf '[converter "house"]\n%s\n[mqtt "local"]\nHost=127.0.0.1\nInstance=box\nFormats=native\n' "$2" \
                >"$work/$1/smartmeterd.conf"
}

export -f make_sys
config named Device=/dev/ttyUSB0
read_in_container named LGZ1030655933512 /dev/ttyUSB0 tty@dev-ttyUSB0
config other VendorId=067b
read_in_container other LGZ1030655933599 /dev/meter 067b:2303@pci-0000:00:14.0-usb-0:3:1.0 \
        --bind-ro="$work/other/sys:/fake" --setenv=SYSTEMD_DEVICE_VERIFY_SYSFS=0
