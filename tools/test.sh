#!/bin/bash
# SPDX-License-Identifier: MIT
# Every test of the project, on a fresh Debian 12 or 13: installs what it needs, builds in
# build-test/, and closes with a line "N passed, N failed, N skipped".
#
# usage: tools/test.sh [PART…]      without a part: all but apt, image, debian13 and coverage, some of them
#                                   (vm, bare, fuzz) beside the others
# TEST_BUDGET=SECONDS: a part that would begin later is skipped, and says so.
#   format       clang-format, codespell, layers, shellcheck, man pages, documents
#   build        gcc and clang, warnings are errors
#   unit         unit tests            integration  the whole on private buses and brokers
#   attacks      what somebody who means harm, or a bad day, does to the whole service
#   web          the Cockpit page in Chromium, with the whole service behind it
#   extend       each row of CONTRIBUTING's table, done in a copy
#   asan         these under ASan and UBSan           tsan      the MQTT worker under TSan
#   valgrind     unit tests and the daemon's main test under valgrind
#   fuzz         each fuzz target for FUZZ_SECONDS (30)
#   package      .deb, lintian, sandbox figure, install, upgrade and purge
#   bare         demo, build, unit and package on a Debian 12 and a Debian 13 that have git and no more
#   cross        .deb in a clean Debian, for arm64 and armhf too; unit tests of those under qemu-user
#   apt          a bare Debian adds a signed repository, installs by name and upgrades
#   image        an OCI image of the package, run without udevd and bus: from ser2net, and from a tty node in
#                systemd-nspawn, to a message
#   debian13     the package, and build, unit, integration and web, on Debian 13 (RELEASE: or another)
#   vm           the package on a whole Debian with real USB drivers (QEMU)
#   coverage     how much of lib/ the tests run, and a report in build-test/coverage.html
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
# shellcheck source=tools/test-lib.sh
. tools/test-lib.sh

FUZZ_SECONDS=${FUZZ_SECONDS:-30}
# Integration tests wait for most of their time: so many of them run at once.
waiting=$(($(nproc) * 2))
top=$root/build-test
mkdir -p "$top"
# Parts, copies of the sources and clean systems compile the same: once, where ccache is there.
export CCACHE_DIR=${CCACHE_DIR:-$top/ccache} CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1 CCACHE_COMPILERCHECK=content CCACHE_MAXSIZE=2G

# --- the parts --------------------------------------------------------------------------------------

part_format() {
        need_build git codespell shellcheck mandoc python3 || return
        local clang_format
        if apt_has clang-format-14; then
                need clang-format-14
                clang_format=clang-format-14
                # shellcheck disable=SC2046 # names of ours have no blanks
                check "clang-format" $clang_format --dry-run --Werror $(c_files)
        else
                skip "clang-format" "version 14 is what the sources are formatted with; Debian 12 has it"
        fi
        check "codespell" codespell --quiet-level=2 --ignore-words=.codespellignore \
                --skip='./build*,./.git,./tests/telegrams,./debian,*.fr.md,*.de.md,./tests/fuzz/corpus,*.fr.po,*.de.po,*.policy,./ctl/po' .
        mapfile -t scripts < <(git ls-files -co --exclude-standard '*.sh' .ci/run packaging/debian/tests)
        mapfile -t scripts < <(grep -lE '^#!/bin/(ba)?sh' "${scripts[@]}")
        check "shellcheck" shellcheck -x "${scripts[@]}"
        mapfile -t pages < <(git ls-files -co --exclude-standard '*.[158]')
        [[ ${#pages[@]} -gt 0 ]] && check "man pages" man_lint "${pages[@]}"
        check "python" python_syntax
        check "what is named is there" tests/check-docs.py
        setup gcc gcc --werror
        check "lib compiles" ninja -C "$top/gcc" lib/libsmartmeter.a tests/unit/test-config-keys
        check "configuration keys are documented" tests/check-config-docs.sh "$top/gcc"
        check "layers" tests/check-layers.sh "$top/gcc"
}

# Nothing is written beside the sources.
python_syntax() {
        git ls-files -co --exclude-standard -z '*.py' |
                xargs -0 -r /usr/bin/python3 -c 'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]'
}

man_lint() {
        local findings
        # No fault of ours: mandoc on Debian does not know cross references to other packages' pages.
        # It ends with an error where it has found anything.
        findings=$({ mandoc -Tlint -Wstyle "$@" 2>&1 || true; } |
                grep -vE 'referenced manual not found|outdated mandoc.db') || return 0
        echo "$findings"
        return 1
}

part_build() {
        need_build "${test_packages[@]}" clang || return
        setup gcc gcc --werror
        check "gcc" ninja -C "$top/gcc"
        setup clang clang --werror
        check "clang" ninja -C "$top/clang"
}

part_unit() {
        need_build "${test_packages[@]}" || return
        setup gcc gcc --werror
        check "build" ninja -C "$top/gcc" && run_tests "unit tests" gcc --suite unit --suite fuzz --suite volume
}

part_integration() {
        need_build "${test_packages[@]}" || return
        borrow prometheus promtool
        borrow prometheus-mqtt-exporter prometheus-mqtt-exporter
        setup gcc gcc --werror
        check "build" ninja -C "$top/gcc" && run_tests "integration tests" gcc --suite integration --num-processes "$waiting"
}

part_attacks() {
        need_build "${test_packages[@]}" || return
        setup gcc gcc --werror
        check "build" ninja -C "$top/gcc" && run_tests "attacks" gcc --suite attacks
}

# In a browser: cockpit and chromium come from Debian, axe-core from npm where there is one.
part_web() {
        need_build "${test_packages[@]}" || return
        if apt_is_there 2>/dev/null && ! apt_patiently install "${web_packages[@]}"; then
                skip "the page in a browser" "cannot install ${web_packages[*]}"
                return
        fi
        setup gcc gcc --werror
        check "build" ninja -C "$top/gcc" && run_tests "the page in a browser" gcc --suite web
}

part_extend() {
        need_build "${test_packages[@]}" valgrind || return
        local code=0
        tests/extend.sh >"$top/extend.log" 2>&1 || code=$?
        if ! count_tap "$top/extend.log" || [[ $code != 0 ]] && ! grep -q '^not ok' "$top/extend.log"; then
                outcome_of "rows of CONTRIBUTING" 1 "$top/extend.log"
        fi
}

part_asan() {
        need_build "${test_packages[@]}" && need_clang || return
        setup asan clang -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug -Doptimization=1 \
                -Dc_args=-fno-sanitize-recover=undefined
        check "ASan build" ninja -C "$top/asan" || return
        # clang links its runtime statically: umockdev's preload may then come first.
        # Of the usual quarantine, 256 MB of pages that were never used, captures-robust takes a third more time.
        export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1:quarantine_size_mb=8:malloc_context_size=8
        export LSAN_OPTIONS=suppressions=$root/tests/lsan.supp:print_suppressions=0
        export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 SMARTMETER_SANITIZER=asan
        export SMARTMETERD_TEST_SLOWDOWN=3
        # Not the volume, whose 100 000 streams ask for right numbers: captures-robust and fuzz-damage are its like.
        run_tests "tests under ASan and UBSan" asan --no-suite web --no-suite volume --timeout-multiplier 4 \
                --num-processes "$waiting"
        unset ASAN_OPTIONS LSAN_OPTIONS UBSAN_OPTIONS SMARTMETER_SANITIZER SMARTMETERD_TEST_SLOWDOWN
}

part_tsan() {
        need_build "${test_packages[@]}" && need_clang || return
        setup tsan clang -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debug -Doptimization=1
        # Debian's libmosquitto is not instrumented: reports from inside it alone are not ours.
        export TSAN_OPTIONS=halt_on_error=1:report_mutex_bugs=0:suppressions=$root/tests/tsan.supp SMARTMETER_SANITIZER=tsan
        export SMARTMETERD_TEST_SLOWDOWN=3
        local names
        mapfile -t names < <(test_names tsan mqtt)
        if [[ ${#names[@]} -eq 0 ]]; then
                fail "TSan" "no test has mqtt in its name"
        else
                BUILD_FIRST=yes run_tests "MQTT tests under TSan" tsan --timeout-multiplier 6 --num-processes "$waiting" "${names[@]}"
        fi
        unset TSAN_OPTIONS SMARTMETER_SANITIZER SMARTMETERD_TEST_SLOWDOWN
}

part_valgrind() {
        need_build "${test_packages[@]}" valgrind || return
        local valgrind names
        valgrind="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --suppressions=$root/tests/valgrind.supp"
        setup gcc gcc --werror
        check "build" ninja -C "$top/gcc" || return
        # Not the telegrams as files: the first are tens of thousands of mutations, which ASan has seen,
        # and the second would be Python under valgrind.
        mapfile -t names < <(test_names gcc '^unit-')
        [[ ${#names[@]} -gt 0 ]] || { fail "unit tests under valgrind" "no test is called unit-…" && return; }
        run_tests "unit tests under valgrind" gcc --timeout-multiplier 20 --wrap "$valgrind" "${names[@]}"
        # The daemon's life, from the plug to the unplug and over reloads.
        export SMARTMETERD_WRAPPER=$valgrind SMARTMETERD_TEST_SLOWDOWN=5 SMARTMETERD_REPLUGS=8
        run_tests "the daemon under valgrind" gcc --timeout-multiplier 10 integration-hotplug --test-args \
                "WhichAreOpened.test_daemon_opens_what_the_hwdb_marks Identity Unplug Meters Requests Reload"
        unset SMARTMETERD_WRAPPER SMARTMETERD_TEST_SLOWDOWN SMARTMETERD_REPLUGS
}

part_fuzz() {
        need_build python3 && need_clang || return
        setup fuzz clang -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
                -Dc_args=-fno-sanitize-recover=undefined -Dbuildtype=debug -Doptimization=1
        local names=() name
        mapfile -t names < <(sed -n "s/^  '\([a-z0-9-]*\)' : .*/\1/p" tests/fuzz/meson.build)
        [[ ${#names[@]} -gt 0 ]] || fail "fuzz" "no target in tests/fuzz/meson.build"
        check "fuzz build" ninja -C "$top/fuzz" "${names[@]/#/tests/fuzz/fuzz-}" || return
        for name in "${names[@]}"; do
                if [[ ! -x $top/fuzz/tests/fuzz/fuzz-$name ]]; then
                        fail "fuzz-$name" "was not built"
                fi
        done
        printf '%s\n' "${names[@]}" | xargs -P 2 -I{} tools/fuzz-one.sh "$top/fuzz" {} "$FUZZ_SECONDS" || true
        for name in "${names[@]}"; do
                check "fuzz-$name, $FUZZ_SECONDS s" fuzz_outcome "$name"
        done
}

fuzz_outcome() {
        local log=$top/fuzz/fuzz-$1.log
        tail -n 40 "$log"
        [[ $(cat "$top/fuzz/fuzz-$1.rc") == 0 ]]
}

part_package() {
        need_package lintian systemd dbus python3 || return
        check ".deb and lintian" tools/build-deb.sh "$top/deb" || return
        local deb
        deb=$(find "$top/deb" -maxdepth 1 -name 'smartmeterd_*.deb' | head -n 1)
        check "what is in the package" tests/package/contents.sh "$deb"
        check "sandbox figure" tests/package/security.sh "$deb"
        need mmdebstrap systemd-container e2fsprogs || return
        if [[ $(id -u) != 0 ]]; then
                skip "install, upgrade, purge" "needs root (systemd-nspawn)"
        else
                tests/package/install.sh "$deb" >"$top/install.log" 2>&1
                outcome_of "install, upgrade, purge" $? "$top/install.log"
        fi
}

# The signed repository, as a machine meets it.
part_apt() {
        need_package lintian mmdebstrap systemd-container apt-utils gpg gpg-agent || return
        check ".deb and lintian" tools/build-deb.sh "$top/deb" || return
        local deb
        deb=$(find "$top/deb" -maxdepth 1 -name 'smartmeterd_*.deb' | head -n 1)
        tests/package/apt.sh "$deb" >"$top/apt.log" 2>&1
        outcome_of "added to apt, installed by name, upgraded" $? "$top/apt.log"
}

# The image of containers, from a meter behind a serial server to a message.
part_image() {
        need_package lintian mmdebstrap ser2net mosquitto mosquitto-clients iproute2 procps python3 systemd-container || return
        check ".deb and lintian" tools/build-deb.sh "$top/deb" || return
        local deb
        deb=$(find "$top/deb" -maxdepth 1 -name 'smartmeterd_*.deb' | head -n 1)
        tests/package/image.sh "$deb" >"$top/image.log" 2>&1
        outcome_of "from the image to a message" $? "$top/image.log"
}

# What is tested here may lack what a fresh machine lacks: there the same parts must end the same, and
# with as many tests.
part_bare() {
        need mmdebstrap util-linux procps || return
        local part release releases=(bookworm trixie)
        for part in build unit package; do
                [[ -z ${counts_of[$part]:-} ]] || continue
                "part_$part"
                note_counts "$part" "$SECONDS"
        done
        rm -f "$top"/bare-*.rc
        # shellcheck disable=SC2016 # for the inner shell
        printf '%s\n' "${releases[@]}" | xargs -P 2 -I{} sh -c \
                'tests/package/bare.sh {} >"$0/bare-{}.log" 2>&1; echo $? >"$0/bare-{}.rc"' "$top"
        for release in "${releases[@]}"; do
                outcome_of "demo and parts on a bare $release" "$(cat "$top/bare-$release.rc")" "$top/bare-$release.log"
                for part in build unit package; do
                        [[ $(cat "$top/bare-$release.rc") == 77 ]] ||
                                check "$part on a bare $release, as here" same_counts "$part" "$top/bare-$release.log"
                done
        done
}

# same_counts PART LOG: the part ran as many tests in LOG as here, and failed and skipped no more.
same_counts() {
        local there here
        there=$(sed -n "s/^part $1: \(.* skipped\).*/\1/p" "$2")
        echo "here:  ${counts_of[$1]}"
        echo "there: ${there:-did not end}"
        read -r -a here <<<"$(tr -dc '0-9 ' <<<"${counts_of[$1]}")"
        read -r -a there <<<"$(tr -dc '0-9 ' <<<"$there")"
        [[ ${#there[@]} == 3 ]] && ((there[0] + there[1] >= here[0] + here[1] && there[1] <= here[1] && there[2] <= here[2]))
}

# Nothing foreign is installed here: compilers, libraries and emulators stay in the clean systems.
part_cross() {
        need dpkg-dev lintian binutils mmdebstrap util-linux python3 || return
        local arches arch native deb folder
        native=$(dpkg --print-architecture)
        mapfile -t arches < <(printf '%s\n' "$native" arm64 armhf | awk '!seen[$0]++')
        rm -f "$top"/clean-*.rc
        # shellcheck disable=SC2016 # for the inner shell
        printf '%s\n' "${arches[@]}" | xargs -P 2 -I{} sh -c \
                'tests/package/clean-build.sh {} "$0/clean-{}" >"$0/clean-{}.log" 2>&1; echo $? >"$0/clean-{}.rc"' "$top"
        for arch in "${arches[@]}"; do
                folder=$top/clean-$arch
                outcome_of ".deb in a clean system, $arch" "$(cat "$folder.rc")" "$folder.log"
                [[ $(cat "$folder.rc") == 0 ]] || continue
                deb=$(find "$folder" -name 'smartmeterd_*.deb')
                check "what is in it, $arch" tests/package/contents.sh "$deb"
                check "its programs, $arch" tests/package/machine.sh "$deb" "$(find "$top/clean-$native" -name 'smartmeterd_*.deb')"
                check "lintian, $arch" tools/lint-deb.sh "$folder"/*.changes
                [[ $arch == "$native" ]] || count_meson "unit tests under qemu-user, $arch" "$folder/testlog.json"
        done
}

part_debian13() {
        need dpkg-dev lintian binutils mmdebstrap util-linux iproute2 systemd-container || return
        local release=${RELEASE:-trixie} folder log code=0 deb ok bad left
        folder=$top/clean-$release
        RELEASE=$release tests/package/clean-build.sh "$(dpkg --print-architecture)" "$folder" >"$folder.log" 2>&1 || code=$?
        outcome_of ".deb in a clean $release" "$code" "$folder.log"
        [[ $code == 0 ]] || return
        deb=$(find "$folder" -name 'smartmeterd_*.deb')
        check "what is in it, $release" tests/package/contents.sh "$deb"
        check "its programs, $release" tests/package/machine.sh "$deb"
        check "lintian, $release" tools/lint-deb.sh "$folder"/*.changes
        RELEASE=$release tests/package/install.sh "$deb" >"$top/install-$release.log" 2>&1 || code=$?
        outcome_of "install, upgrade, purge, $release" "$code" "$top/install-$release.log"
        code=0 log=$top/tests-$release.log
        tests/package/other-release.sh "$release" >"$log" 2>&1 || code=$?
        if [[ $code == 77 ]] || ! grep -qE '^[0-9]+ passed, [0-9]+ failed' "$log"; then
                outcome_of "tests on $release" "$code" "$log"
                return
        fi
        read -r ok bad left <<<"$(tail -n 1 "$log" | tr -dc '0-9 ')"
        passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
        [[ $bad == 0 ]] || failures+=("tests on $release: see $log")
        sed 's/^/   /' "$log" | grep -vE '^ +made '
}

part_vm() {
        need_package lintian mmdebstrap qemu-system-x86 qemu-utils \
                procps ipxe-qemu seabios e2fsprogs busybox-static cpio kmod util-linux python3 || return
        check ".deb and lintian" tools/build-deb.sh "$top/deb" || return
        local deb code=0
        deb=$(find "$top/deb" -maxdepth 1 -name 'smartmeterd_*.deb' | head -n 1)
        VM_CACHE=${VM_CACHE:-$top/vm} tests/vm/run.sh "$deb" >"$top/vm.log" 2>&1 || code=$?
        if ! count_tap "$top/vm.log" && [[ $code == 0 ]]; then
                fail "a whole Debian in QEMU" "no test ran"
        fi
        # Where no test has failed, the machine itself had trouble, or cannot do it at all.
        if [[ $code != 0 ]] && ! grep -q '^not ok ' "$top/vm.log"; then
                outcome_of "a whole Debian in QEMU" "$code" "$top/vm.log"
        fi
}

# Of lib/, by the tests that need nothing beside the project; ../shared is left out on purpose.
part_coverage() {
        need_build "${test_packages[@]}" gcovr || return
        setup coverage gcc -Db_coverage=true -Dbuildtype=debug
        check "coverage build" ninja -C "$top/coverage" || return
        find "$top/coverage" -name '*.gcda' -delete
        export SMARTMETER_CAPTURES=$top/none
        run_tests "tests for coverage" coverage --suite unit --suite fuzz
        unset SMARTMETER_CAPTURES
        local gcovr=(gcovr -r . "$top/coverage") # not what other build folders left
        check "coverage report" "${gcovr[@]}" -e 'tests/' --html-details "$top/coverage.html"
        "${gcovr[@]}" --filter lib/ --print-summary --output "$top/coverage-lib.txt" \
                --fail-under-line 95 --fail-under-branch 85
        outcome_of "lib/: 95 % of lines, 85 % of branches" $? "$top/coverage-lib.txt"
}

run_part() {
        echo "== $1"
        local began=$SECONDS
        if [[ -n ${TEST_BUDGET:-} ]] && ((SECONDS > TEST_BUDGET)); then
                skip "$1" "it would begin after $SECONDS s; the budget is $TEST_BUDGET s"
        else
                "part_$1"
        fi
        note_counts "$1" $((SECONDS - began))
}

# --- what runs beside ---------------------------------------------------------------------------------

# Parts in a process of their own: what they take is theirs (the emulator, systems made anew, $top/deb),
# and what was compiled and counted before they begin is there.
beside=()
beside_pid=

start_beside() {
        [[ ${#beside[@]} -gt 0 && -z $beside_pid ]] || return 0
        set -m # a process group: nothing of it outlives this script
        run_beside >"$top/beside.log" 2>&1 </dev/null &
        set +m
        beside_pid=$!
        trap 'kill -- "-$beside_pid" 2>/dev/null' EXIT
}

run_beside() {
        local part
        passed=0 failed=0 skipped=0 failures=() counted=(0 0 0)
        export SMARTMETERD_TEST_SLOWDOWN=3
        rm -f "$top/beside.counts"
        for part in "${beside[@]}"; do
                run_part "$part"
        done
        {
                echo "$passed $failed $skipped"
                [[ ${#failures[@]} == 0 ]] || printf '%s\n' "${failures[@]}"
        } >"$top/beside.counts"
}

join_beside() {
        local ok bad left more
        [[ -n $beside_pid ]] || return 0
        wait "$beside_pid"
        trap - EXIT
        cat "$top/beside.log"
        if [[ ! -s $top/beside.counts ]]; then
                fail "what runs beside: ${beside[*]}" "it did not end"
                return
        fi
        {
                read -r ok bad left
                mapfile -t more
        } <"$top/beside.counts"
        passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
        failures+=("${more[@]}")
}

parts=("$@")
if [[ $# == 0 ]]; then
        # What waits, and what the emulator waits for, first: then there is less of both at once. Fuzzing takes its
        # seconds whatever else there is.
        parts=(format build unit package integration attacks web extend asan tsan valgrind cross)
        beside=(vm bare fuzz)
fi
for part in "${parts[@]}" "${beside[@]}"; do
        if ! declare -F "part_$part" >/dev/null; then
                sed -n 's/^# \{0,1\}//; 3,24p' "$0" >&2
                exit 2
        fi
done
for part in "${parts[@]}"; do
        run_part "$part"
        [[ $part != package ]] || start_beside
done
join_beside
echo "seconds: $SECONDS"
summary
