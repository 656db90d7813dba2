#!/bin/bash
# SPDX-License-Identifier: MIT
# From the image to a message: the OCI image is made of the package, unpacked as an engine would, and run as
# its own configuration says, in namespaces of its own: no udevd, no message bus, /sys read-only, the network a
# loopback. It reads a meter behind Debian's ser2net, and what a subscriber of mosquitto gets is looked at. Then the
# same system reads tty nodes that are passed in, in systemd-nspawn (nspawn.sh).
# usage (as root): tests/package/image.sh smartmeterd_VERSION_ARCH.deb [IMAGE.tar]
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/package/chroot-lib.sh
. "$root/tests/package/chroot-lib.sh"
chroot_possible
for program in ser2net mosquitto mosquitto_pub mosquitto_sub python3 ip; do
        command -v "$program" >/dev/null || cannot "no $program here"
done
work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT
chmod 755 "$work"
image=${2:-$work/image.tar}
[[ -n ${2:-} ]] || "$root/tools/build-image.sh" "$1" "$image"

# ---- as an engine unpacks it: every digest is compared ----

mkdir "$work/oci" "$work/root"
tar -C "$work/oci" -xf "$image"
python3 - "$work" <<'UNPACK'
import gzip, hashlib, json, pathlib, sys

work = pathlib.Path(sys.argv[1])


def blob(entry):
    kind, digest = entry["digest"].split(":")
    data = (work / "oci/blobs" / kind / digest).read_bytes()
    assert hashlib.sha256(data).hexdigest() == digest and len(data) == entry["size"], entry
    return data


assert json.loads((work / "oci/oci-layout").read_text())["imageLayoutVersion"] == "1.0.0"
entry, = json.loads((work / "oci/index.json").read_text())["manifests"]
manifest = json.loads(blob(entry))
config = json.loads(blob(manifest["config"]))
layer, = manifest["layers"]
data = gzip.decompress(blob(layer))
assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(data).hexdigest()]
(work / "layer.tar").write_bytes(data)
run = config["config"]
uid, gid = run["User"].split(":")
assert uid != "0", "it runs as root"
(work / "run").write_text("\n".join([uid, gid, *run["Env"], "--", *run["Entrypoint"]]) + "\n")
UNPACK
tar -C "$work/root" -xpf "$work/layer.tar" --exclude='./dev/*'
mapfile -t run <"$work/run"

# ---- beside it: a broker, and a meter behind a serial server ----

cat >"$work/root/etc/smartmeterd/smartmeterd.conf" <<'CONF'
[converter "cellar"]
Device=tcp://127.0.0.1:2001
[mqtt "local"]
Host=127.0.0.1
Instance=box
Formats=native
CONF
cat >"$work/ser2net.yaml" <<CONF
connection: &meter
  accepter: tcp,127.0.0.1,2001
  connector: serialdev,$work/meter,2400e81,local
CONF
chroot "$work/root" /usr/bin/smctl simulate lgz-e450 --plain --stdout --fast --count 1 >"$work/telegram"
cat >"$work/meter.py" <<'METER'
import os, sys, time, tty

master, slave = os.openpty()
tty.setraw(slave)
os.symlink(os.ttyname(slave), sys.argv[2])
data = open(sys.argv[1], "rb").read()
while True:
    os.write(master, data)
    time.sleep(1)
METER

# All of it ends with this shell, and the mounts with it.
# shellcheck disable=SC2016 # for the inner shell
unshare --mount --pid --net --ipc --uts --fork --kill-child -- /bin/bash -euc '
        work=$1 uid=$2 gid=$3
        shift 3
        ip link set lo up
        ip address add 192.0.2.1/32 dev lo # ser2net looks names up, which an address of loopback alone is not enough for
        mount -t proc proc /proc
        mount -t proc proc "$work/root/proc"
        mount -t sysfs -o ro sysfs "$work/root/sys"
        mount -t tmpfs -o mode=755 tmpfs "$work/root/dev"
        mknod -m 666 "$work/root/dev/null" c 1 3
        mknod -m 666 "$work/root/dev/urandom" c 1 9
        [[ ! -e $work/root/run/udev && ! -e $work/root/run/dbus/system_bus_socket ]]
        python3 "$work/meter.py" "$work/telegram" "$work/meter" &
        for _ in {1..100}; do [[ -e $work/meter ]] && break || sleep 0.1; done
        printf "listener 1883 127.0.0.1\nallow_anonymous true\nuser root\n" >"$work/mosquitto.conf"
        mosquitto -c "$work/mosquitto.conf" >"$work/mosquitto.log" 2>&1 &
        for _ in {1..300}; do mosquitto_pub -h 127.0.0.1 -t hello -n 2>/dev/null && break || sleep 0.2; done
        ser2net -n -c "$work/ser2net.yaml" >"$work/ser2net.log" 2>&1 &
        env=()
        while [[ $1 != -- ]]; do env+=("$1"); shift; done
        shift
        chroot --userspec="$uid:$gid" "$work/root" /usr/bin/env -i "${env[@]}" "$@" >"$work/service.log" 2>&1 &
        timeout 120 mosquitto_sub -h 127.0.0.1 -t "smartmeterd/box/meter/+/telegram" -C 1 >"$work/message" || true
        chroot "$work/root" /usr/bin/smctl status --json >"$work/status" || true
' image "$work" "${run[@]}" || {
        tail -n 5 "$work"/*.log
        exit 1
}
python3 - "$work" <<'LOOK'
import json, pathlib, sys

work = pathlib.Path(sys.argv[1])
log = (work / "service.log").read_text()
assert (work / "message").read_text(), f"no message came: {log[-800:]}"
message, status = (json.loads((work / name).read_text()) for name in ("message", "status"))
assert message["meter"].startswith("LGZ") and message["readings"], message
assert "without udev" in status["service"]["version"], status["service"]
converter, = [c for c in status["converters"] if c["state"] == "receiving"]
assert converter["id"] == "tcp@127.0.0.1:2001", converter
print(f"{message['meter']}: {message['power_net']} W, through ser2net and mosquitto")
LOOK
code=0
"$root/tests/package/nspawn.sh" "$work/root" >"$work/nspawn.out" 2>&1 || code=$?
cat "$work/nspawn.out"
case $code in
0) ;;
77) echo "nodes in systemd-nspawn: skipped: $(tail -n 1 "$work/nspawn.out")" ;;
*) exit 1 ;;
esac
