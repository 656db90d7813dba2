# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the parts of tools/test.sh stand on: packages, build folders, counting. Sourced, not run.

passed=0
failed=0
skipped=0
failures=()

# What the tests use beyond what the package is built with. That is packaging/debian/control's, and
# read from there: no list of ours can fall behind it.
# shellcheck disable=SC2034 # used by test.sh and other-release.sh
test_packages=(umockdev libumockdev-dev gir1.2-umockdev-1.0 python3 python3-gi python3-dbusmock
        python3-dbus dbus dbus-daemon mosquitto mosquitto-clients openssl systemd tmux
        gir1.2-glib-2.0 procps udev util-linux mandoc bash-completion zsh ser2net socat jq
        libglib2.0-dev-bin qtbase5-dev-tools libsdbus-c++-bin ccache strace)

# What the page is tried with.
# shellcheck disable=SC2034 # used by test.sh and other-release.sh
web_packages=(cockpit-ws cockpit-bridge cockpit-system chromium chromium-driver python3-selenium fonts-dejavu-core sudo)

as_root() {
        if [[ $(id -u) == 0 ]]; then
                "$@"
        elif command -v sudo >/dev/null; then
                sudo "$@"
        else
                echo "needs root, and there is no sudo: $*" >&2
                return 1
        fi
}

# apt_patiently ARGUMENT…: apt-get, which waits ten minutes for another holder of one of its locks. Its
# own option covers dpkg's lock alone, not those of the lists and of the archives.
apt_patiently() {
        local log until=$((SECONDS + 600)) code announced=no
        log=$(mktemp)
        while :; do
                code=0
                as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -y --no-install-recommends \
                        -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" >"$log" 2>&1 </dev/null || code=$?
                [[ $code != 0 ]] || break
                grep -qE 'Could not get lock|Unable to (acquire|lock)' "$log" || break
                ((SECONDS < until)) || break
                [[ $announced == yes ]] || echo "waiting for another apt to end" >&2
                announced=yes
                sleep 3
        done
        [[ $code == 0 ]] || tail -n 20 "$log" >&2
        rm -f "$log"
        return "$code"
}

apt_lists_fresh=no
# apt's lists are fetched once, and only when something is missing.
apt_refresh() {
        [[ $apt_lists_fresh == yes ]] && return
        apt_patiently update || echo "apt-get update failed; going on with what is known" >&2
        apt_lists_fresh=yes
}

installed() {
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

apt_has() {
        installed "$1" && return
        apt_refresh
        # No pipe: grep -q ends at once, and pipefail would take the other's SIGPIPE for an answer.
        grep -q '^  Candidate: [^(]' <<<"$(apt-cache policy "$1" 2>/dev/null)"
}

# borrow PACKAGE PROGRAM: a program of Debian that tests call, without installing its package, whose service
# would be started here. Nothing is said where it cannot be had: the test that wants it is skipped.
borrow() {
        local work
        # shellcheck disable=SC2154 # top is test.sh's
        mkdir -p "$top/borrowed"
        [[ :$PATH: == *":$top/borrowed:"* ]] || PATH=$PATH:$top/borrowed
        command -v "$2" >/dev/null && return
        apt_has "$1" || return
        work=$(mktemp -d)
        # apt's own user, who fetches, has no right to a folder of root's; it says so, and goes on as root.
        (cd "$work" && apt-get -qq download "$1" && dpkg -x ./*.deb . && mv "usr/bin/$2" "$top/borrowed/") >/dev/null 2>&1
        rm -rf "$work"
}

# build_depends: each entry of packaging/debian/control's Build-Depends on a line, its alternatives
# divided by blanks, without versions and profiles.
build_depends() {
        # shellcheck disable=SC2154 # root is the sourcing script's
        awk '/^Build-Depends:/ { on = 1; sub(/^[^:]*:/, "") }
             on && /^[A-Z]/ { on = 0 }
             on { list = list $0 }
             END {
                        gsub(/\([^)]*\)|<[^>]*>/, "", list)
                        n = split(list, entries, ",")
                        for (i = 1; i <= n; i++) {
                                gsub(/[| ]+/, " ", entries[i])
                                sub(/^ /, "", entries[i])
                                sub(/ $/, "", entries[i])
                                if (entries[i] != "")
                                        print entries[i]
                        }
             }' "$root/packaging/debian/control"
}

# choose PACKAGE…: sets chosen to the first that is installed, else the first that this release has.
choose() {
        for chosen in "$@"; do installed "$chosen" && return; done
        for chosen in "$@"; do apt_has "$chosen" && return; done
        chosen=$1
}

# need_build PACKAGE…: a compiler, what the package is built with, and the packages given. debhelper
# and its parts are need_package's.
need_build() {
        local alternatives chosen wanted=(gcc libc6-dev binutils)
        apt_is_there || return 0
        while read -ra alternatives; do
                case ${alternatives[0]} in
                debhelper-compat | dh-sequence-*) ;;
                *)
                        choose "${alternatives[@]}"
                        wanted+=("$chosen")
                        ;;
                esac
        done < <(build_depends)
        need "${wanted[@]}" "$@"
}

# need_package PACKAGE…: what dpkg-buildpackage asks for (no fakeroot: Rules-Requires-Root: no), and the
# packages given.
need_package() {
        apt_is_there || return 0
        need_build build-essential dpkg-dev debhelper "$@"
}

apt_is_there() {
        command -v dpkg-query >/dev/null && return
        echo "this is no Debian; the tools are expected to be there" >&2
        return 1
}

# need PACKAGE…: there afterwards, or a failure.
need() {
        local package missing=()
        apt_is_there || return 0
        for package in "$@"; do
                [[ -z $package ]] || installed "$package" || missing+=("$package")
        done
        [[ ${#missing[@]} -eq 0 ]] && return 0
        apt_refresh
        echo "installing: ${missing[*]}"
        if ! apt_patiently install "${missing[@]}"; then
                fail "packages" "cannot install ${missing[*]}"
                return 1
        fi
}

# clang with its sanitizer and fuzzer runtimes, which are a package of the version that `clang` is.
need_clang() {
        apt_is_there || return 0
        need clang llvm &&
                need "$(apt-cache depends clang | sed -n 's/.*Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p' | head -n 1)"
}

pass() {
        passed=$((passed + 1))
        echo "ok       $1"
}

fail() { # name, reason
        failed=$((failed + 1))
        failures+=("$1")
        echo "FAILED   $1${2:+: $2}"
}

skip() { # name, reason
        skipped=$((skipped + 1))
        echo "skipped  $1: $2"
}

# check NAME COMMAND…: one test; its output is shown when it fails.
check() {
        local name=$1 log
        shift
        log=$(mktemp)
        if "$@" >"$log" 2>&1 </dev/null; then
                pass "$name"
                rm -f "$log"
                return 0
        fi
        fail "$name"
        tail -n 60 "$log" | sed 's/^/         /'
        rm -f "$log"
        return 1
}

# outcome_of NAME CODE LOG: 77 is "cannot run here", with the reason in the log's last line.
outcome_of() {
        case $2 in
        0) pass "$1" ;;
        77) skip "$1" "$(tail -n 1 "$3")" ;;
        *)
                fail "$1" "see $3"
                tail -n 60 "$3" | sed 's/^/         /'
                ;;
        esac
}

# count_tap LOG: each result in it is one of ours; what follows a failure is shown. Returns 1 when
# there is none.
count_tap() {
        local line bad=no
        grep -qE '^(not )?ok ' "$1" || return
        while IFS= read -r line; do
                case $line in
                "ok "*"# SKIP"*) skip "$(cut -d' ' -f4 <<<"$line")" "${line#*# SKIP }" && bad=no ;;
                "ok "*) pass "${line#ok * - }" && bad=no ;;
                "not ok "*) fail "${line#not ok * - }" && bad=yes ;;
                "# "*) [[ $bad == no ]] || echo "         $line" ;;
                esac
        done <"$1"
}

# setup NAME COMPILER OPTION…: a build folder under build-test/, configured once per set of options.
setup() {
        local name=$1 compiler=$2 stamp
        shift 2
        # shellcheck disable=SC2154 # top is test.sh's
        stamp=$top/$name.options
        [[ -f $top/$name/build.ninja && $(cat "$stamp" 2>/dev/null) == "$compiler $*" ]] && return 0
        rm -rf "${top:?}/$name"
        # Without it a missing cmocka would mean fewer tests, not an error.
        check "meson setup ($name)" env CC="$compiler" meson setup "$top/$name" -Dtests=enabled "$@" &&
                echo "$compiler $*" >"$stamp"
}

# run_tests TITLE BUILD MESON-ARGUMENT…: counts each test within each program. With BUILD_FIRST set, what these
# tests need is built before them.
run_tests() {
        local title=$1 folder=$top/$2 log built=(--no-rebuild)
        shift 2
        [[ -z ${BUILD_FIRST:-} ]] || built=()
        rm -f "$folder"/meson-logs/testlog*.json
        echo "-- $title"
        log=$(mktemp)
        if ! meson test -C "$folder" "${built[@]}" --print-errorlogs "$@" >"$log" 2>&1 &&
                ! ls "$folder"/meson-logs/testlog*.json >/dev/null 2>&1; then
                fail "$title" "meson test did not run"
                tail -n 30 "$log"
                rm -f "$log"
                return 1
        fi
        grep -E '^ *[0-9]+/[0-9]+ ' "$log" | sed 's/^/   /'
        rm -f "$log"
        count_meson "$title" "$folder"/meson-logs/testlog*.json
}

# count_meson TITLE LOG…: of meson test, also of one that ran elsewhere. No test is a failure.
count_meson() {
        local title=$1 counts ok=0 bad=0 left=0
        shift
        if ! counts=$(tools/count-tests.py "$@"); then
                fail "$title" "its results cannot be read"
                return 1
        fi
        read -r ok bad left <<<"$counts"
        if [[ $ok == 0 && $bad == 0 && $left == 0 ]]; then
                fail "$title" "no test ran"
                return 1
        fi
        passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
        [[ $bad == 0 ]] || failures+=("$title")
        echo "   $title: $ok passed, $bad failed, $left skipped"
}

# test_names BUILD PATTERN: meson's tests whose name matches.
test_names() {
        meson test -C "$top/$1" --list 2>/dev/null | sed 's/.* \/ //' | grep -E "$2"
}

c_files() {
        git ls-files -co --exclude-standard '*.c' '*.h'
}

# note_counts PART SECONDS: a line for each part, which the part `bare` compares with those of another machine.
declare -A counts_of=()
counted=(0 0 0)
note_counts() {
        counts_of[$1]="$((passed - counted[0])) passed, $((failed - counted[1])) failed, $((skipped - counted[2])) skipped"
        counted=("$passed" "$failed" "$skipped")
        echo "part $1: ${counts_of[$1]}, $2 s"
}

summary() {
        [[ ${#failures[@]} -eq 0 ]] || printf 'failed: %s\n' "${failures[@]}"
        echo "$passed passed, $failed failed, $skipped skipped"
        [[ $failed == 0 ]]
}
