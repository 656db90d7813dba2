#!/bin/bash
# SPDX-License-Identifier: MIT
# One fuzz target for some seconds; used by tools/test.sh fuzz, which runs two at a time.
# usage: tools/fuzz-one.sh BUILD-FOLDER NAME SECONDS
# Leaves fuzz-NAME.log, fuzz-NAME.rc and, if it crashed, the input beside them.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
build=$1 name=$2 seconds=$3
corpus=$build/corpus-$name
mkdir -p "$corpus"
seeds=("$root/tests/fuzz/corpus/$name")
for folder in "${SMARTMETER_TELEGRAMS:-}" "$root/../shared/telegrams" "$root/tests/telegrams" "$root"/profiles/*/; do
        [[ -n $folder && -d $folder ]] && seeds+=("$folder")
done
present=()
for seed in "${seeds[@]}"; do
        [[ -d $seed ]] && present+=("$seed")
done
# A seed that is cut is another one: no shorter than the longest of its own.
longest=$(find "$root/tests/fuzz/corpus/$name" -type f -printf '%s\n' | sort -n | tail -n 1)
((max_len = ${longest:-0} > 8192 ? longest : 8192))
"$build/tests/fuzz/fuzz-$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len="$max_len" \
        -print_final_stats=1 -artifact_prefix="$build/crash-$name-" "$corpus" "${present[@]}" \
        >"$build/fuzz-$name.log" 2>&1
echo $? >"$build/fuzz-$name.rc"
