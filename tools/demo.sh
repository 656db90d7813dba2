#!/bin/bash
# SPDX-License-Identifier: MIT
# The main job on a fresh Debian 12 or 13, with no hardware: builds, then shows a simulated E450 at
# the pace of a real 2400 baud line on a private message bus and a private MQTT broker; unplugs it,
# plugs it in again, and goes on live. Nothing of this machine's own services is touched; build-demo/
# and the packages that were missing are what stays.
# usage: tools/demo.sh [--seconds N]       seconds of the show, not of the build; without it: until Ctrl-C
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
# shellcheck source=tools/test-lib.sh
. tools/test-lib.sh

seconds=0
case ${1:-} in
--seconds)
        seconds=${2:-}
        [[ $seconds =~ ^[0-9]+$ && $seconds -gt 0 ]] || { echo "demo: --seconds wants a number" >&2; exit 2; }
        ;;
'') ;;
*)
        sed -n '3,7s/^# //p' "$0" >&2
        exit 2
        ;;
esac

pids=()
work=
finish() {
        local code=$? i
        trap - EXIT INT TERM
        for ((i = ${#pids[@]} - 1; i >= 0; i--)); do # the last started goes first
                kill "${pids[i]}" 2>/dev/null || true
                wait "${pids[i]}" 2>/dev/null || true
        done
        [[ -z $work ]] || rm -rf "$work"
        [[ $code != 0 ]] || say "Ended; build-demo/ is all that stays."
        exit "$code"
}
trap finish EXIT
trap 'exit 0' INT TERM

say() {
        printf '\n\033[1m# %s\033[0m\n' "$*"
}

show() { # the command as one would type it, and what it says
        printf '\n$ smctl %s\n' "$*"
        "$smctl" "$@" --address "$bus"
}

# until_true SECONDS WHAT COMMAND…: shows the log when it does not come true.
until_true() {
        local left=$(($1 * 5)) what=$2
        shift 2
        until "$@" >/dev/null 2>&1; do
                if ((left-- <= 0)); then
                        echo "demo: not in time: $what; the service said:" >&2
                        tail -n 30 "$work/smartmeterd.log" >&2
                        exit 1
                fi
                sleep 0.2
        done
}

converter_is() {
        "$smctl" list-converters --json --address "$bus" | grep -q "\"$1\""
}
meter_is_there() {
        "$smctl" list-meters --json --address "$bus" | grep -q '"id"'
}
has_messages() { # more than N in the subscriber's file
        (($(grep -c 'active_power_import' "$work/mqtt.log") > $1))
}
start() { # COMMAND…: in the background, ended at the end
        "$@" &
        pids+=($!)
}

# --- what it takes --------------------------------------------------------------------------------
need_build dbus-daemon mosquitto mosquitto-clients python3 || exit 1
build=$root/build-demo
say "Building (once) in build-demo/"
[[ -f $build/build.ninja ]] || meson setup "$build" -Dtests=disabled >/dev/null
ninja -C "$build" daemon/smartmeterd ctl/smctl | tail -n 1
smctl=$build/ctl/smctl

work=$(mktemp -d "${TMPDIR:-/tmp}/smartmeterd-demo.XXXXXX")
mkdir "$work/state"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
bus=unix:path=$work/bus

cat >"$work/bus.conf" <<END
<busconfig>
  <listen>$bus</listen><auth>EXTERNAL</auth>
  <policy context="default"><allow send_destination="*"/><allow own="*"/><allow eavesdrop="false"/></policy>
</busconfig>
END
cat >"$work/mosquitto.conf" <<END
listener $port 127.0.0.1
allow_anonymous true
persistence false
END
cat >"$work/smartmeterd.conf" <<END
[daemon]
# The demo looks at its own virtual converter only.
AutoBind=no
[converter "virtual"]
Device=$work/tty
[meter "LGZ1030655000001"]
Name=House
[mqtt "demo"]
Host=127.0.0.1
Port=$port
Instance=demo
Formats=native homeassistant datacollector
END

began=$SECONDS # what was installed and built before is no part of the show
say "A private message bus, a broker on 127.0.0.1:$port, and a virtual E450 that sends every 5 s at 2400 baud"
start dbus-daemon --config-file="$work/bus.conf" --nofork --nopidfile 2>"$work/bus.log"
broker=$(PATH=$PATH:/usr/sbin command -v mosquitto)
start "$broker" -c "$work/mosquitto.conf" 2>"$work/mosquitto.log"
until_true 10 "the bus" test -S "$work/bus"
: >"$work/mqtt.log"
: >"$work/smartmeterd.log"
until_true 10 "the broker" mosquitto_pub -h 127.0.0.1 -p "$port" -t demo -m ready
start mosquitto_sub -h 127.0.0.1 -p "$port" -t '#' -v >"$work/mqtt.log"
start "$smctl" simulate lgz-e450 --link "$work/tty" --interval 5 >"$work/simulate.log" 2>&1
meter=${pids[-1]}
until_true 10 "the virtual tty" test -e "$work/tty"
start "$build/daemon/smartmeterd" --config "$work/smartmeterd.conf" --state-dir "$work/state" --bus "$bus" 2>"$work/smartmeterd.log"

say "The service listens; baud rate and meter type were not configured"
until_true 60 "a converter that receives" converter_is receiving
until_true 30 "a meter" meter_is_there
show list-converters
show list-meters
show readings

say "The same on MQTT, for three kinds of readers"
until_true 20 "MQTT messages" has_messages 0
for topic in 'smartmeterd/.*/active_power_import ' 'smartmeter/.*/ACTIVE_POWER_P ' 'homeassistant/device/'; do
        grep -m 1 "^$topic" "$work/mqtt.log" | cut -c 1-180 || true
done

say "Now the converter is pulled out …"
kill -USR1 "$meter"
until_true 20 "the unplug to be noticed" converter_is waiting
show list-converters
show list-meters

say "… and plugged in again. Its line is remembered: the first telegram after it counts"
seen=$(grep -c active_power_import "$work/mqtt.log")
kill -USR2 "$meter"
until_true 60 "the converter to receive again" converter_is receiving
until_true 30 "MQTT messages after the replug" has_messages "$seen"
show list-meters
printf '\n$ mosquitto_sub -t "smartmeterd/#"\n'
tail -n 200 "$work/mqtt.log" | grep -a 'active_power_import ' | tail -n 1

say "Live (Ctrl-C ends)"
start "$smctl" monitor --address "$bus"
live=${pids[-1]}
if ((seconds == 0)); then
        wait "$live"
else
        # On a slow machine the show has taken its time: two telegrams are seen in any case.
        end=$((began + seconds > SECONDS + 10 ? began + seconds : SECONDS + 10))
        while ((SECONDS < end)) && kill -0 "$live" 2>/dev/null; do sleep 0.5; done
fi
