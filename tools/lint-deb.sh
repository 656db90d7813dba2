#!/bin/bash
# SPDX-License-Identifier: MIT
# lintian with every tag, over a package of any architecture; all it says is a failure.
# usage: tools/lint-deb.sh smartmeterd_VERSION_ARCH.changes
set -euo pipefail
root_option=()
[[ $(id -u) == 0 ]] && root_option=(--allow-root)
# initial-upload-closes-no-bugs: there is no Debian bug for a package that is not in Debian.
# alien-tag: an override of ours may be for the lintian of another release.
lintian "${root_option[@]}" --pedantic --display-info --tag-display-limit 0 \
        --fail-on error,warning,info,pedantic \
        --suppress-tags initial-upload-closes-no-bugs,alien-tag "$@"
