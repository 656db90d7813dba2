# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# What the parts of tools/test.sh stand on: packages, build folders, counting. Sourced, not run.

passed=0
failed=0
skipped=0
failures=()

# shellcheck disable=SC2034 # used by test.sh and demo.sh
build_packages=(gcc libc6-dev pkg-config meson ninja-build libsystemd-dev libudev-dev
        libserialport-dev libmosquitto-dev libssl-dev libjson-c-dev libinih-dev libsqlite3-dev
        libsmartcols-dev gettext)
# shellcheck disable=SC2034
test_packages=(libcmocka-dev umockdev libumockdev-dev gir1.2-umockdev-1.0 python3 python3-gi
        python3-dbusmock python3-dbus dbus dbus-daemon mosquitto mosquitto-clients openssl systemd tmux
        gir1.2-glib-2.0 procps udev util-linux mandoc)

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

apt_lists_fresh=no
# apt's lists are fetched once, and only when something is missing.
apt_refresh() {
        [[ $apt_lists_fresh == yes ]] && return
        as_root apt-get update -qq >/dev/null || echo "test: apt-get update failed; going on with what is known" >&2
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

# need PACKAGE…: there afterwards, or a failure.
need() {
        local package missing=()
        if ! command -v dpkg-query >/dev/null; then
                echo "test: this is no Debian; the tools are expected to be there" >&2
                return 0
        fi
        for package in "$@"; do
                [[ -z $package ]] || installed "$package" || missing+=("$package")
        done
        [[ ${#missing[@]} -eq 0 ]] && return 0
        apt_refresh
        echo "installing: ${missing[*]}"
        if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
                --no-install-recommends "${missing[@]}" >/dev/null; then
                fail "packages" "cannot install ${missing[*]}"
                return 1
        fi
}

# The package with clang's sanitizer and fuzzer runtimes, of the version that `clang` is.
clang_runtime() {
        apt-cache show clang >/dev/null 2>&1 || apt_refresh >&2
        apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/libclang-rt-\1-dev/p' | head -n 1
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

# verdict_of NAME CODE LOG: 77 is "cannot run here", with the reason in the log's last line.
verdict_of() {
        case $2 in
        0) pass "$1" ;;
        77) skip "$1" "$(tail -n 1 "$3")" ;;
        *)
                fail "$1" "see $3"
                tail -n 60 "$3" | sed 's/^/         /'
                ;;
        esac
}

# count_tap LOG: each result in it is one of ours; what follows a failure is shown.
count_tap() {
        local line bad=no
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
        check "meson setup ($name)" env CC="$compiler" meson setup "$top/$name" "$@" &&
                echo "$compiler $*" >"$stamp"
}

# run_tests TITLE BUILD MESON-ARGUMENT…: counts each test within each program.
run_tests() {
        local title=$1 folder=$top/$2 log
        shift 2
        rm -f "$folder"/meson-logs/testlog*.json
        echo "-- $title"
        log=$(mktemp)
        if ! meson test -C "$folder" --no-rebuild --print-errorlogs "$@" >"$log" 2>&1 &&
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

# count_meson TITLE LOG…: of meson test, also of one that ran elsewhere.
count_meson() {
        local title=$1 counts ok bad left
        shift
        counts=$(tools/count-tests.py "$@")
        read -r ok bad left <<<"$counts"
        passed=$((passed + ${ok:-0}))
        failed=$((failed + ${bad:-1}))
        skipped=$((skipped + ${left:-0}))
        [[ ${bad:-1} == 0 ]] || failures+=("$title")
        echo "   $title: ${ok:-0} passed, ${bad:-?} failed, ${left:-0} skipped"
        if [[ ${ok:-0} == 0 && ${bad:-0} == 0 && ${left:-0} == 0 ]]; then
                fail "$title" "no test ran"
        fi
}

# test_names BUILD PATTERN: meson's tests whose name matches.
test_names() {
        meson test -C "$top/$1" --list 2>/dev/null | sed 's/.* \/ //' | grep -E "$2"
}

c_files() {
        git ls-files -co --exclude-standard '*.c' '*.h'
}

summary() {
        [[ ${#failures[@]} -eq 0 ]] || printf 'failed: %s\n' "${failures[@]}"
        echo "$passed passed, $failed failed, $skipped skipped"
        [[ $failed == 0 ]]
}
