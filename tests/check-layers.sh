#!/bin/bash
# SPDX-License-Identifier: MIT
# The house rules a compiler does not know: includes go one way, lib/ asks nothing of the computer it
# runs on and keeps no globals, files and functions stay short, each file says its licence.
# usage: tests/check-layers.sh [BUILD-FOLDER]    (without one, only the sources are looked at)
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

fault() {
        echo "check-layers: $*" >&2
        failed=1
}

# Folder: what it may include besides itself and files without a folder.
declare -A may=(
        [lib]=""
        [udev]="lib"
        [dbus]="lib"
        [sim]="lib"
        [daemon]="lib udev dbus"
        [ctl]="lib sim dbus/names.h"
)
for folder in "${!may[@]}"; do
        while IFS=: read -r file line header; do
                ok=no
                for allowed in "$folder" ${may[$folder]}; do
                        [[ $header == "$allowed"/* || $header == "$allowed" ]] && ok=yes
                done
                [[ $header == */* ]] || ok=yes
                [[ $ok == yes ]] || fault "$file:$line: $folder/ must not include \"$header\""
        done < <(find "$folder" -name '*.[ch]' -exec grep -Hn '^#include "' {} + |
                 sed -E 's/^([^:]*:[0-9]+:)#include "([^"]*)".*/\1\2/')
done

# No header of the outside world in lib/, but for the two that have leave.
while IFS=: read -r file line header; do
        case "$file $header" in
        lib/aead.c\ openssl/* | lib/telegram-json.[ch]\ json*) ;;
        *) fault "$file:$line: lib/ does not know <$header>" ;;
        esac
done < <(grep -HnE '^#include <(unistd|fcntl|time|pthread|stdio_ext|sys/[^t]|systemd/|libudev|openssl/|json|sqlite3|ini\.h|mosquitto|libserialport|netdb|poll|signal)' \
                 lib/*.c lib/*.h lib/profiles/*.c 2>/dev/null |
         grep -v '^lib/util.h:' | sed -E 's/^([^:]*:[0-9]+:)#include <([^>]*)>.*/\1\2/')

# Lengths: 500 lines a file, 60 a function (what stands between a '{' and a '}' of column 0).
while read -r file; do
        lines=$(wc -l <"$file")
        ((lines <= 500)) || fault "$file has $lines lines, 500 are allowed"
        head -n 1 "$file" | grep -q 'SPDX-License-Identifier: MIT' || fault "$file: no SPDX line"
        awk -v file="$file" '
                /^{/ { start = NR }
                /^}/ && start { if (NR - start - 1 > 60) {
                                        print file ":" start ": a function of " NR - start - 1 " lines"
                                        bad = 1 }
                                start = 0 }
                END { exit bad }' "$file" >&2 || failed=1
done < <(find lib udev dbus daemon ctl sim bench tests -name '*.[ch]')

words='TO''DO|FIX''ME|XX''X'
if grep -rnwE "$words" --include='*.[ch]' --include='*.py' --include='*.sh' \
        lib udev dbus daemon ctl sim bench tests tools; then
        fault "unfinished work is an issue, not a comment"
fi

# What lib/ asks of others, minus what it has itself, must be on this list. No file, clock, log,
# environment, thread: bytes and times come in as arguments.
pure='abort __assert_fail __ctype_.*_loc __popcount.* __stack_chk_fail _GLOBAL_OFFSET_TABLE_
calloc free malloc realloc reallocarray mem[a-z]* str[a-z_]* explicit_bzero qsort bsearch
(v|)snprintf __(v|)snprintf_chk __isoc(99|23)_(sscanf|strto[a-z]*) __mem[a-z]*_chk
__str[a-z]*_chk __explicit_bzero_chk pow round floor fabs ldexp lround llround exp10 log10'
crypto='EVP_.* CRYPTO_.* OPENSSL_.*'
json='json_object_.*'
if [[ $# -gt 0 ]]; then
        archive=$1/lib/libsmartmeter.a
        [[ -f $archive ]] || { fault "$archive is not there"; exit 1; }
        own=$(nm --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u)
        while read -r object symbol; do
                allowed="$pure"
                [[ $object == aead.c.o ]] && allowed+=" $crypto"
                [[ $object == telegram-json.c.o ]] && allowed+=" $json"
                grep -qxE "$(tr -s ' \n' '||' <<<"$allowed" | sed 's/|$//')" <<<"$symbol" ||
                        grep -qxF "$symbol" <<<"$own" || fault "$object calls $symbol: lib/ is pure"
        done < <(nm -u "$archive" | awk '/:$/ { o = $1; sub(/:$/, "", o); sub(/.*\//, "", o) }
                                         $1 == "U" { print o, $2 }')
        # Writable data: const tables with pointers live in .data.rel.ro and are fine.
        while read -r symbol; do
                fault "lib/ has a global variable: $symbol"
        done < <(nm -f sysv "$archive" | awk -F'|' '$7 ~ /^\.(data|bss)/ && $7 !~ /^\.data\.rel\.ro/ &&
                                                   $4 ~ /OBJECT/ { print $1 }')
fi

[[ $failed == 0 ]] && echo "check-layers: all in order"
exit "$failed"
