#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts the service within the add-on: options and the supervisor's broker become its configuration,
# and it runs as its own user, with the groups of the ports that are passed in.
set -eu
umask 077
state=/data/smartmeterd
runtime=/run/smartmeterd
install -d -m 0700 "$state"
install -d -m 0755 "$runtime"

# The supervisor knows the broker add-on; without one the options name a broker, or none.
curl -sf -m 20 -H "Authorization: Bearer ${SUPERVISOR_TOKEN:-}" http://supervisor/services/mqtt |
        jq '.data // {}' >"$runtime/broker.json" || echo '{}' >"$runtime/broker.json"
[ -s "$runtime/broker.json" ] || echo '{}' >"$runtime/broker.json"
/usr/lib/smartmeterd/configure.sh /data/options.json "$runtime/broker.json" "$runtime/password" \
        >"$runtime/smartmeterd.conf"
rm -f "$runtime/broker.json"

chown -R smartmeterd:smartmeterd "$state" "$runtime"
groups=$(for tty in /dev/ttyUSB* /dev/ttyACM* /dev/ttyAMA* /dev/ttyS*; do
        [ ! -c "$tty" ] || stat -c %g "$tty"
done | sort -un | paste -sd, -)
exec setpriv --reuid=smartmeterd --regid=smartmeterd --groups="${groups:-$(id -g smartmeterd)}" \
        --inh-caps=-all --no-new-privs \
        /usr/sbin/smartmeterd --bus none --config "$runtime/smartmeterd.conf" --state-dir "$state"
