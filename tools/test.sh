#!/bin/bash
# SPDX-License-Identifier: MIT
# Every test of the project, on a fresh Debian 12 or 13: installs what it needs, builds in
# build-test/, and closes with a line "N passed, N failed, N skipped".
#
# usage: tools/test.sh [PART…]      without a part: all but debian13 and coverage
#   format       clang-format, codespell, layers, shellcheck, man pages
#   build        gcc and clang, warnings are errors
#   unit         unit tests            integration  the whole on private buses and brokers
#   asan         both under ASan and UBSan            tsan      the MQTT worker under TSan
#   valgrind     unit tests and the daemon's main test under valgrind
#   fuzz         each fuzz target for FUZZ_SECONDS (60)
#   package      .deb, lintian, sandbox figure, install, upgrade and purge
#   cross        .deb in a clean Debian, for arm64 and armhf too; unit tests of those under qemu-user
#   debian13     the package, and build, unit and integration, on Debian 13 (RELEASE: or another)
#   vm           the package on a whole Debian with real USB drivers (QEMU)
#   coverage     how much of lib/ the tests run, and a report in build-test/coverage.html
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root" || exit 1
# shellcheck source=tools/test-lib.sh
. tools/test-lib.sh

FUZZ_SECONDS=${FUZZ_SECONDS:-60}
top=$root/build-test
mkdir -p "$top"

# --- the parts --------------------------------------------------------------------------------------

part_format() {
        need git codespell shellcheck mandoc python3 binutils meson ninja-build "${build_packages[@]}"
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
        setup gcc gcc --werror
        check "lib compiles" ninja -C "$top/gcc" lib/libsmartmeter.a
        check "configuration keys are documented" tests/check-config-docs.sh
        check "layers" tests/check-layers.sh "$top/gcc"
}

# Nothing is written beside the sources.
python_syntax() {
        git ls-files -co --exclude-standard -z '*.py' |
                xargs -0 -r /usr/bin/python3 -c 'import ast, sys; [ast.parse(open(f).read(), f) for f in sys.argv[1:]]'
}

man_lint() {
        local findings
        # Not ours to judge: mandoc on Debian does not know cross references to other packages' pages.
        findings=$(mandoc -Tlint -Wstyle "$@" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db') || return 0
        echo "$findings"
        return 1
}

part_build() {
        need "${build_packages[@]}" "${test_packages[@]}" clang
        setup gcc gcc --werror
        check "gcc" ninja -C "$top/gcc"
        setup clang clang --werror
        check "clang" ninja -C "$top/clang"
}

part_unit() {
        need "${build_packages[@]}" "${test_packages[@]}"
        setup gcc gcc --werror
        check "build" ninja -C "$top/gcc" && run_tests "unit tests" gcc --suite unit --suite fuzz
}

part_integration() {
        need "${build_packages[@]}" "${test_packages[@]}"
        setup gcc gcc --werror
        check "build" ninja -C "$top/gcc" && run_tests "integration tests" gcc --suite integration
}

part_asan() {
        need "${build_packages[@]}" "${test_packages[@]}" clang llvm "$(clang_runtime)"
        setup asan clang -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debug -Doptimization=1 \
                -Dc_args=-fno-sanitize-recover=undefined
        check "ASan build" ninja -C "$top/asan" || return
        # clang links its runtime statically: umockdev's preload may then come first (STYLE §10).
        export ASAN_OPTIONS=abort_on_error=1:detect_leaks=1:detect_stack_use_after_return=1
        export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 SMARTMETER_SANITIZER=asan
        export SMARTMETERD_TEST_SLOWDOWN=3
        run_tests "all tests under ASan and UBSan" asan --timeout-multiplier 4
        unset ASAN_OPTIONS UBSAN_OPTIONS SMARTMETER_SANITIZER SMARTMETERD_TEST_SLOWDOWN
}

part_tsan() {
        need "${build_packages[@]}" "${test_packages[@]}" clang llvm "$(clang_runtime)"
        setup tsan clang -Db_sanitize=thread -Db_lundef=false -Dbuildtype=debug -Doptimization=1
        check "TSan build" ninja -C "$top/tsan" || return
        # Debian's libmosquitto is not instrumented: reports from inside it alone are not ours.
        export TSAN_OPTIONS=halt_on_error=1:report_mutex_bugs=0:suppressions=$root/tests/tsan.supp SMARTMETER_SANITIZER=tsan
        export SMARTMETERD_TEST_SLOWDOWN=3
        local names
        mapfile -t names < <(test_names tsan mqtt)
        if [[ ${#names[@]} -eq 0 ]]; then
                fail "TSan" "no test has mqtt in its name"
        else
                run_tests "MQTT tests under TSan" tsan --timeout-multiplier 6 "${names[@]}"
        fi
        unset TSAN_OPTIONS SMARTMETER_SANITIZER SMARTMETERD_TEST_SLOWDOWN
}

part_valgrind() {
        need "${build_packages[@]}" "${test_packages[@]}" valgrind
        local valgrind names
        valgrind="valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --suppressions=$root/tests/valgrind.supp"
        setup gcc gcc --werror
        check "build" ninja -C "$top/gcc" || return
        # Not the telegrams as files: the first are tens of thousands of mutations, which ASan has seen,
        # and the second would be Python under valgrind.
        mapfile -t names < <(test_names gcc '^unit-')
        run_tests "unit tests under valgrind" gcc --timeout-multiplier 20 --wrap "$valgrind" "${names[@]}"
        # The daemon's life, from the plug to the unplug and over reloads.
        export SMARTMETERD_WRAPPER=$valgrind SMARTMETERD_TEST_SLOWDOWN=5 SMARTMETERD_REPLUGS=8
        run_tests "the daemon under valgrind" gcc --timeout-multiplier 10 integration-hotplug --test-args \
                "WhichAreOpened.test_daemon_opens_what_the_hwdb_marks Identity Unplug Meters Requests Reload"
        unset SMARTMETERD_WRAPPER SMARTMETERD_TEST_SLOWDOWN SMARTMETERD_REPLUGS
}

part_fuzz() {
        need "${build_packages[@]}" libcmocka-dev clang llvm "$(clang_runtime)"
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
                check "fuzz-$name, $FUZZ_SECONDS s" fuzz_verdict "$name"
        done
}

fuzz_verdict() {
        local log=$top/fuzz/fuzz-$1.log
        tail -n 40 "$log"
        [[ $(cat "$top/fuzz/fuzz-$1.rc") == 0 ]]
}

part_package() {
        need "${build_packages[@]}" debhelper dpkg-dev fakeroot lintian systemd dbus
        check ".deb and lintian" tools/build-deb.sh "$top/deb" || return
        local deb
        deb=$(find "$top/deb" -maxdepth 1 -name 'smartmeterd_*.deb' | head -n 1)
        check "what is in the package" tests/package/contents.sh "$deb"
        check "sandbox figure" tests/package/security.sh "$deb"
        need mmdebstrap systemd-container e2fsprogs
        if [[ $(id -u) != 0 ]]; then
                skip "install, upgrade, purge" "needs root (systemd-nspawn)"
        else
                tests/package/install.sh "$deb" >"$top/install.log" 2>&1
                verdict_of "install, upgrade, purge" $? "$top/install.log"
        fi
}

# Nothing foreign is installed here: compilers, libraries and emulators stay in the clean systems.
part_cross() {
        need dpkg-dev lintian binutils mmdebstrap util-linux python3
        local arches arch native deb folder
        native=$(dpkg --print-architecture)
        mapfile -t arches < <(printf '%s\n' "$native" arm64 armhf | awk '!seen[$0]++')
        rm -f "$top"/clean-*.rc
        # shellcheck disable=SC2016 # for the inner shell
        printf '%s\n' "${arches[@]}" | xargs -P 2 -I{} sh -c \
                'tests/package/clean-build.sh {} "$0/clean-{}" >"$0/clean-{}.log" 2>&1; echo $? >"$0/clean-{}.rc"' "$top"
        for arch in "${arches[@]}"; do
                folder=$top/clean-$arch
                verdict_of ".deb in a clean system, $arch" "$(cat "$folder.rc")" "$folder.log"
                [[ $(cat "$folder.rc") == 0 ]] || continue
                deb=$(find "$folder" -name 'smartmeterd_*.deb')
                check "what is in it, $arch" tests/package/contents.sh "$deb"
                check "its programs, $arch" tests/package/machine.sh "$deb" "$(find "$top/clean-$native" -name 'smartmeterd_*.deb')"
                check "lintian, $arch" tools/lint-deb.sh "$folder"/*.changes
                [[ $arch == "$native" ]] || count_meson "unit tests under qemu-user, $arch" "$folder/testlog.json"
        done
}

part_debian13() {
        need dpkg-dev lintian binutils mmdebstrap util-linux iproute2 systemd-container
        local release=${RELEASE:-trixie} folder log code=0 deb ok bad left
        folder=$top/clean-$release
        RELEASE=$release tests/package/clean-build.sh "$(dpkg --print-architecture)" "$folder" >"$folder.log" 2>&1 || code=$?
        verdict_of ".deb in a clean $release" "$code" "$folder.log"
        [[ $code == 0 ]] || return
        deb=$(find "$folder" -name 'smartmeterd_*.deb')
        check "what is in it, $release" tests/package/contents.sh "$deb"
        check "its programs, $release" tests/package/machine.sh "$deb"
        check "lintian, $release" tools/lint-deb.sh "$folder"/*.changes
        RELEASE=$release tests/package/install.sh "$deb" >"$top/install-$release.log" 2>&1 || code=$?
        verdict_of "install, upgrade, purge, $release" "$code" "$top/install-$release.log"
        code=0 log=$top/tests-$release.log
        tests/package/other-release.sh "$release" >"$log" 2>&1 || code=$?
        if [[ $code == 77 ]] || ! grep -qE '^[0-9]+ passed, [0-9]+ failed' "$log"; then
                verdict_of "tests on $release" "$code" "$log"
                return
        fi
        read -r ok bad left <<<"$(tail -n 1 "$log" | tr -dc '0-9 ')"
        passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + left))
        [[ $bad == 0 ]] || failures+=("tests on $release: see $log")
        sed 's/^/   /' "$log" | grep -vE '^ +made '
}

part_vm() {
        need "${build_packages[@]}" debhelper dpkg-dev fakeroot lintian mmdebstrap qemu-system-x86 \
                qemu-utils ipxe-qemu seabios e2fsprogs busybox-static cpio kmod util-linux python3
        check ".deb and lintian" tools/build-deb.sh "$top/deb" || return
        local deb code=0
        deb=$(find "$top/deb" -maxdepth 1 -name 'smartmeterd_*.deb' | head -n 1)
        VM_CACHE=${VM_CACHE:-$top/vm} tests/vm/run.sh "$deb" >"$top/vm.log" 2>&1 || code=$?
        count_tap "$top/vm.log"
        # Where no test has failed, the machine itself had trouble, or cannot do it at all.
        if [[ $code != 0 ]] && ! grep -q '^not ok ' "$top/vm.log"; then
                verdict_of "a whole Debian in QEMU" "$code" "$top/vm.log"
        fi
}

# Of lib/, by the tests that need nothing beside the project; ../shared is left out on purpose.
part_coverage() {
        need "${build_packages[@]}" "${test_packages[@]}" gcovr
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
        verdict_of "lib/: 95 % of lines, 85 % of branches" $? "$top/coverage-lib.txt"
}

parts=("$@")
[[ $# -gt 0 ]] || parts=(format build unit integration asan tsan valgrind fuzz package cross vm)
for part in "${parts[@]}"; do
        if ! declare -F "part_$part" >/dev/null; then
                sed -n 's/^# \{0,1\}//; 3,17p' "$0" >&2
                exit 2
        fi
done
times=()
for part in "${parts[@]}"; do
        echo "== $part"
        began=$SECONDS
        "part_$part"
        times+=("$part $((SECONDS - began))")
done
printf -v line ', %s' "${times[@]}"
echo "seconds: ${line:2}; together $SECONDS"
summary
