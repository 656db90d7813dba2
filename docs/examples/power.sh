#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the power drawn from the grid at this moment, in W, one line per meter: "LGZ1 1234".
# Needs busctl (systemd) only.
set -eu

busctl tree --list org.smartmeterd | grep '/meter/' | while read -r meter; do
        echo "${meter##*/} $(busctl get-property org.smartmeterd "$meter" \
                org.smartmeterd.Meter1 PowerImport | cut -d ' ' -f 2)"
done
