#!/bin/bash
# Runs every group of tests and closes with "N passed, N failed, N skipped" over all of them.
# Groups: public headers alone, the kernels on this machine and on emulated NEON, unit (Criterion),
# and the shell tests (exit status 77: skipped, with the reason on the last line). Logs are kept in
# build/test-logs.
set -u
cd "$(dirname "$0")/.." || exit 1
BUILD=${BUILD:-build}
san=$BUILD/san
logs=$BUILD/test-logs
export ASAN_OPTIONS=${ASAN_OPTIONS:-allocator_may_return_null=1:detect_leaks=1}
export LSAN_OPTIONS=${LSAN_OPTIONS:-suppressions=$PWD/tests/leaks.txt:print_suppressions=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}
export OMP_WAIT_POLICY=passive
export CONDENSE_WISDOM=/nonexistent/wisdom # the static choices
mkdir -p "$logs"
passed=0 failed=0 skipped=0

# result NAME: adds the closing line "N passed, N failed[, N skipped]" of a group's log.
result()
{
    local line
    line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$logs/$1.log" | tail -1)
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
        echo "$1: $line"
        [ "${BASH_REMATCH[2]}" -eq 0 ] || grep -aE '^(FAIL|not ok)' "$logs/$1.log" | head -40
    else
        failed=$((failed + 1))
        echo "$1: no closing line, so it crashed or did not build; the end of its log:"
        tail -30 "$logs/$1.log"
    fi
}

headers()
{
    local pass=0 fail=0 header
    for header in engine/include/condense/*.h; do
        if echo "#include \"condense/$(basename "$header")\"" |
            ${CC:-gcc} -std=c17 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iengine/include -xc -
        then pass=$((pass + 1)); else echo "FAIL $header"; fail=$((fail + 1)); fi
    done >"$logs/headers.log" 2>&1
    echo "$pass passed, $fail failed" >>"$logs/headers.log"
    result headers
}

kernels()
{
    make --no-print-directory -j"$(nproc)" BUILD="$BUILD" kernel-tests >"$logs/kernels.log" 2>&1
    result kernels
    if command -v aarch64-linux-gnu-gcc >/dev/null && command -v qemu-aarch64 >/dev/null; then
        make --no-print-directory -j"$(nproc)" BUILD="$BUILD" kernel-tests-neon >"$logs/neon.log" 2>&1
        result neon
    else
        echo "neon: skipped: no aarch64 cross compiler or no qemu-aarch64 on this $(uname -m) machine"
        skipped=$((skipped + 1))
    fi
}

unit()
{
    "$san/unit" -j"$(nproc)" >"$logs/unit.log" 2>&1
    local summary skip
    skip=$(grep -ac '\[SKIP\]' "$logs/unit.log")
    summary=$(grep -aE 'Tested: .*Passing: ' "$logs/unit.log" | tail -1 | tr -cs '0-9' ' ')
    read -r _ pass fail crash _ <<<"$summary"
    [ -z "$summary" ] || echo "$pass passed, $((fail + crash)) failed, $skip skipped" >>"$logs/unit.log"
    grep -aE '\[FAIL\]|Sanitizer|runtime error|\[SKIP\]|CRASH!' "$logs/unit.log" | head -60
    result unit
}

# log_of tests/cli/run.sh: cli-run.log
log_of()
{
    local name=${1#tests/}
    echo "$logs/$(dirname "$name")-$(basename "$name" .sh).log"
}

# run_script FILE: its log, and its exit status beside it.
run_script()
{
    local log
    log=$(log_of "$1")
    timeout 900 bash "$1" >"$log" 2>&1
    echo $? >"$log.status"
}
export -f log_of run_script

# As many at a time as there are processors: each works in a folder of its own.
shell_tests()
{
    local pass=0 fail=0 skip=0 script log
    CONDENSE=$(realpath "$san/condense")
    export CONDENSE logs
    rm -f "$logs"/*.status
    printf '%s\n' tests/cli/*.sh tests/fault/*.sh | xargs -P "$(nproc)" -I{} bash -c 'run_script {}'
    for script in tests/cli/*.sh tests/fault/*.sh; do
        log=$(log_of "$script")
        case $(cat "$log.status") in
            0) pass=$((pass + 1)) ;;
            77) skip=$((skip + 1)); echo "SKIP $script: $(tail -1 "$log")" ;;
            *) fail=$((fail + 1)); echo "FAIL $script"; tail -30 "$log" ;;
        esac
    done
    echo "$pass passed, $fail failed, $skip skipped" >"$logs/shell.log"
    result shell
}

headers
kernels
unit
shell_tests
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
