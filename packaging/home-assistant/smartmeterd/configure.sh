#!/bin/sh
# SPDX-License-Identifier: MIT
# The add-on's options as smartmeterd.conf, on standard output.
# usage: configure.sh OPTIONS.json BROKER.json PASSWORD-FILE
# BROKER.json: what the supervisor says of its MQTT service ({"host": …}); empty when there is none.
# An option that was set wins. The password goes to its file, keys stand in the output: both are for the
# service alone.
set -eu
umask 077
options=$1 broker=$2 password_file=$3

# A line break would be another key: none of the values may hold one.
if jq -es '[.. | strings | select(test("[\\n\\r]"))] | length > 0' "$options" "$broker" >/dev/null 2>&1; then
        echo "an option holds a line break" >&2
        exit 1
fi

jq -r '
        def key(name; value): if (value // "") == "" then empty else "\(name)=\(value)" end;
        "[daemon]", key("LogLevel"; .log_level),
        ((.converters // []) | to_entries[] |
                "[converter \"\(.key + 1)\"]",
                key("Device"; .value.device), key("VendorId"; .value.vendor_id),
                key("ProductId"; .value.product_id), key("Serial"; .value.serial),
                key("Line"; .value.line), key("Profile"; .value.profile),
                key("Key"; .value.key), key("AuthKey"; .value.auth_key)),
        ((.meters // [])[] |
                "[meter \"\(.id)\"]", key("Name"; .name), key("Key"; .key), key("AuthKey"; .auth_key))
' "$options"

jq -j -n --slurpfile o "$options" --slurpfile b "$broker" \
        '$o[0].mqtt_password // $b[0].password // ""' >"$password_file"

jq -r -n --slurpfile o "$options" --slurpfile b "$broker" --arg file "$password_file" '
        def key(name; value): if (value // "") == "" then empty else "\(name)=\(value)" end;
        ($b[0] // {}) as $service | $o[0] as $set |
        if ($set.mqtt_host // $service.host // "") == "" then empty else
                "[mqtt \"home-assistant\"]",
                key("Host"; $set.mqtt_host // $service.host),
                key("Port"; ($set.mqtt_port // $service.port // "" | tostring)),
                (if ($set.mqtt_host == null) and ($service.ssl // false) then "Tls=yes" else empty end),
                key("Username"; $set.mqtt_username // $service.username),
                (if ($set.mqtt_password // $service.password // "") == "" then empty
                 else "PasswordFile=\($file)" end),
                key("Formats"; $set.formats)
        end'
