#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the power drawn from the grid at this moment, in W, one line per meter: "LGZ1 1234".
# Needs busctl (systemd) only.
set -eu

busctl tree --list org.smartmeterd | grep '/meter/' | while read -r meter; do
        # Gas, water and heat meters have no such interface.
        power="$(busctl get-property org.smartmeterd "$meter" \
                org.smartmeterd.Electricity1 PowerImport 2>/dev/null)" || continue
        echo "${meter##*/} ${power#d }"
done
