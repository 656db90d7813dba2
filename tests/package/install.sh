#!/bin/bash
# SPDX-License-Identifier: MIT
# The package on a real systemd: install, first start, a telegram through the service, watchdog,
# upgrade, removal, purge. The system is a fresh Debian of this machine's release (or RELEASE) in
# systemd-nspawn, thrown away at the end. usage (as root): tests/package/install.sh smartmeterd_VERSION_ARCH.deb
# Exit 77: cannot run here; the last line says why.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/package/chroot-lib.sh
. "$root/tests/package/chroot-lib.sh"
deb=$(realpath "$1")
work=$(mktemp -d /var/tmp/smartmeterd-install.XXXXXX)
system=$work/root
group=smartmeterd-test-${work##*.}
pid='' leader=''

finish() {
        local code=$?
        if [[ -n $leader ]]; then
                [[ $code == 0 || $code == 77 ]] || inside journalctl -b --no-pager -n 80 || true
                kill -s RTMIN+4 "$leader" 2>/dev/null || true # poweroff, systemd(1)
        fi
        if [[ -n $pid ]]; then
                for _ in $(seq 100); do
                        kill -0 "$pid" 2>/dev/null || break
                        read -rt 0.1 <> <(:) || true
                done
                kill -9 "$pid" 2>/dev/null || true
                wait "$pid" 2>/dev/null || true
        fi
        leave_control_group
        rm -rf "$work"
        exit "$code"
}
trap finish EXIT

# With the system's own root: in a chroot the mount namespace has another.
inside() {
        nsenter -t "$leader" -m -u -i -n -p -C -r -w -- env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
                HOME=/root LANG=C.UTF-8 "$@"
}

# until_true SECONDS WHAT COMMAND…
until_true() {
        local left=$1 what=$2
        shift 2
        until "$@" >"$work/out" 2>&1; do
                if ((left-- <= 0)); then
                        echo "not in time: $what" >&2
                        cat "$work/out" >&2
                        return 1
                fi
                sleep 1
        done
}

say() {
        echo "-- $*"
}

# --- a system with all the package depends on, but not the package: kept between runs ----------------
make_system() {
        local packages release image
        # shellcheck disable=SC1091
        release=${RELEASE:-$(. /etc/os-release && echo "$VERSION_CODENAME")}
        packages=$(dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed -E 's/\|.*//; s/\(.*//; s/ //g' | sort -u | tr '\n' ',')
        packages+=systemd,systemd-sysv,mosquitto,mosquitto-clients,polkitd
        image=$root/build-test/system-$release-$(sha256sum <<<"$packages" | cut -c1-12).tar
        if [[ ! -f $image ]]; then
                kept_debs "$release"
                mmdebstrap --quiet --format=tar --variant=minbase --dpkgopt=force-unsafe-io "${with_kept[@]}" \
                        --include="$packages" "$release" "$image.new" >&2 ||
                        cannot "mmdebstrap cannot reach a Debian mirror"
                mv "$image.new" "$image"
        fi
        mkdir "$system"
        tar -C "$system" -xpf "$image" --exclude='./dev/*'
        mkdir -p "$system/root/test"
        cp "$deb" "$system/root/test/new.deb"
        cp "$root/packaging/debian/tests/telegram" "$system/root/test/telegram"
        echo "127.0.0.1 localhost" >"$system/etc/hosts" # minbase has none
        # Empty, not "uninitialized": else systemd applies presets at the first boot.
        : >"$system/etc/machine-id"
}

# Two systems at once would share the caller's control group, and each rule the other's services.
own_control_group() {
        local top
        for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
                if [[ -w $top/cgroup.procs ]] && mkdir "$top/$group" 2>/dev/null; then
                        echo "$BASHPID" >"$top/$group/cgroup.procs"
                fi
        done
}

# Whatever is left in it has ended: its control groups, from below.
leave_control_group() {
        local top
        for top in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified; do
                find "$top/$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
        done
}

boot() {
        (
                own_control_group
                exec systemd-nspawn -q -D "$system" --boot --register=no --keep-unit --private-network \
                        --resolv-conf=off --timezone=off --link-journal=no --console=pipe \
                        --machine="smartmeterd-$$" >"$work/console.log" 2>&1 </dev/null
        ) &
        pid=$!
        for _ in $(seq 120); do # a machine with other work takes its time
                leader=$(ps -o pid= --ppid "$pid" | head -n 1 | tr -d ' ' || true)
                [[ -n $leader ]] && inside test -S /run/dbus/system_bus_socket 2>/dev/null && break
                kill -0 "$pid" 2>/dev/null || break
                sleep 1
        done
        if [[ -z $leader ]] || ! inside test -S /run/dbus/system_bus_socket; then
                tail -n 20 "$work/console.log"
                cannot "systemd-nspawn cannot boot a system on this machine"
        fi
        inside systemctl is-system-running --wait >/dev/null || true # degraded is fine: no kernel modules
}

main_pid() {
        inside systemctl show -P MainPID smartmeterd
}

fault() {
        echo "$*" >&2
        exit 1
}

# Asks as the service does; there is no Python inside.
holder_of() { # MAJOR:MINOR
        python3 -c '
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(10)
    s.connect(sys.argv[1])
    s.sendall(sys.argv[2].encode() + b"\n")
    print(s.makefile().read(), end="")' "/proc/$leader/root/run/smartmeterd-holders" "$1"
}

# The whole answer to one request for PATH.
http_get() { # PATH
        # shellcheck disable=SC2016 # for the inner shell
        inside timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/9469
                printf "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" "$1" >&3 && cat <&3' - "$1"
}

broker() { # PROPERTY of the shipped [mqtt "local"]
        inside busctl --system get-property org.smartmeterd /org/smartmeterd/output/local org.smartmeterd.Output1 "$1"
}

is_spoken_to() {
        [[ $(broker Connected) == "b true" ]]
}

is_refused_as_a_stranger() {
        [[ $(broker LastErrorCode) == 's "listener"' && $(broker Connected) == "b false" ]]
}

started_anew() { # since PID
        local now
        now=$(main_pid)
        [[ $now != 0 && $now != "$1" && $(inside systemctl is-active smartmeterd) == active ]]
}

[[ $(id -u) == 0 ]] || cannot "needs root"
make_system
boot

say "first installation"
inside dpkg -i /root/test/new.deb
inside systemctl is-active smartmeterd
[[ $(inside systemctl show -P NRestarts smartmeterd) == 0 ]] || fault "the first start failed"
grep -q '^Unit=smartmeterd.service' <<<"$(inside busctl --system status org.smartmeterd)" ||
        fault "the bus name is not the unit's"
[[ $(inside stat -c '%U %a' /var/lib/smartmeterd) == "smartmeterd 700" ]]
inside smctl status

say "the helper says who has a device open, and the service alone may ask"
inside systemctl is-active smartmeterd-holders.socket
[[ $(inside stat -c '%U %a' /run/smartmeterd-holders) == "smartmeterd 600" ]]
inside systemd-run -q --unit=holds.service --property=StandardInput=file:/dev/full sleep 600
until_true 10 "holds.service to hold /dev/full" inside systemctl is-active holds.service
answer=$(holder_of 1:7)
[[ $answer == "$(inside systemctl show -P MainPID holds.service)"$'\tsleep\tholds.service' ]] ||
        fault "holder of /dev/full: $answer"
inside systemctl stop holds.service
[[ -z $(holder_of 1:7) ]] || fault "a holder of /dev/full that has ended"
inside systemctl stop smartmeterd
# Its stop is ordered after the service's, and systemctl waits for the service alone.
until_true 10 "the helper's socket to go with the service" inside sh -c '! test -e /run/smartmeterd-holders'
inside systemctl start smartmeterd

say "a telegram through the installed service"
inside sh /root/test/telegram

say "who listens on the broker's port, and is no service of the system, hears nothing"
until_true 30 "the shipped broker to be connected" is_spoken_to
inside systemctl stop mosquitto
inside systemd-run -q --unit=stranger.service --uid=nobody mosquitto -p 1883
until_true 90 "a broker of nobody to be refused" is_refused_as_a_stranger
inside systemctl stop stranger.service
inside systemctl start mosquitto
until_true 90 "the broker of the system to be connected again" is_spoken_to

say "metrics by HTTP, once they are asked for"
[[ $(inside systemctl is-active smartmeterd-metrics.socket) == inactive ]] || fault "they are on by themselves"
inside systemctl enable --now smartmeterd-metrics.socket
http_get /metrics >"$work/out"
for wanted in 'HTTP/1\.[01] 200 ' smartmeter_; do
        grep -q "^$wanted" "$work/out" || fault "no $wanted in $(head -n 20 "$work/out")"
done

say "reload answers, and keeps the old configuration when the new one is wrong"
inside systemctl reload smartmeterd
printf '[converter "x"]\nBaurate=2400\n' >"$system/etc/smartmeterd/smartmeterd.conf.d/wrong.conf"
if inside systemctl reload smartmeterd 2>/dev/null; then
        echo "a wrong configuration was taken" >&2
        exit 1
fi
inside systemctl is-active smartmeterd
inside journalctl -b -u smartmeterd --no-pager >"$work/out"
grep -q 'write Line=2400 8E1' "$work/out" || fault "the cure is not in the journal"
inside rm /etc/smartmeterd/smartmeterd.conf.d/wrong.conf

say "watchdog: a daemon that is stopped is begun anew"
before=$(main_pid)
inside systemctl kill --kill-whom=main -s STOP smartmeterd
until_true 130 "a new main process after SIGSTOP" started_anew "$before"

say "upgrade keeps configuration and state"
inside sh -c 'echo "# mine" >>/etc/smartmeterd/smartmeterd.conf'
inside sh -c 'test -s /var/lib/smartmeterd/state.db'
dpkg-deb -R "$deb" "$work/newer"
sed -i -E 's/^(Version: .*)$/\1+newer/' "$work/newer/DEBIAN/control"
dpkg-deb --root-owner-group -b "$work/newer" "$system/root/test/newer.deb" >/dev/null
kept=$(inside stat -c %i /var/lib/smartmeterd/state.db)
before=$(main_pid)
inside dpkg --force-confold -i /root/test/newer.deb
started_anew "$before" || fault "the upgrade did not start the new one"
inside grep -q '^# mine$' /etc/smartmeterd/smartmeterd.conf
[[ $(inside stat -c %i /var/lib/smartmeterd/state.db) == "$kept" ]]

say "removal keeps both, purge leaves nothing"
inside dpkg -r smartmeterd
for unit in smartmeterd.service smartmeterd-holders.socket smartmeterd-metrics.socket; do
        [[ $(inside systemctl is-active "$unit") != active ]] || fault "$unit outlives its package"
done
inside sh -c 'test -f /etc/smartmeterd/smartmeterd.conf && test -d /var/lib/smartmeterd'
# As smctl adopt leaves it for a port of the machine.
inside sh -c 'cd /etc/systemd/system && mkdir -p smartmeterd.service.d && echo "[Service]" >smartmeterd.service.d/adopt-ttyAMA0.conf'
inside dpkg -P smartmeterd
left=$(inside find / -xdev -name '*smartmeter*' -not -path '/proc/*' -not -path '/root/test/*' \
        -not -path '/var/lib/systemd/*' -not -path '/var/log/*' -not -path '/run/*' -not -path '/sys/*')
if [[ -n $left ]]; then
        printf 'left after purge:\n%s\n' "$left" >&2
        exit 1
fi
echo "install, start, telegram, watchdog, upgrade, removal, purge: all in order"
