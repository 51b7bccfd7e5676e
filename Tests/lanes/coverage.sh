# shellcheck shell=bash disable=SC2154
# Which regions of the library the unit tests enter: 95 % of all, and every one of recovery and the codecs (coverage.py).
lane_coverage() {
    local scratch_path=.build-coverage tools profile
    need python3 python3
    install_missing || say "python3 could not be installed"
    tools=$(dirname "$(readlink -f "$(command -v swift)")")
    if ! build "$scratch/coverage-build.log" -c debug --build-tests --enable-code-coverage --scratch-path $scratch_path; then
        say "FAILED: build with coverage"
        count 0 1
        return
    fi
    MILLRACE_STATES=6000 MILLRACE_MUTATIONS=4000 MILLRACE_FAULTS=50 MILLRACE_KILLS=3 MILLRACE_CALL_KILLS=6 MILLRACE_ROUNDS=500 \
        LLVM_PROFILE_FILE="$PWD/$scratch_path/profile-%m.profraw" \
        tests coverage -c debug --enable-code-coverage --scratch-path $scratch_path --skip KillTests
    profile=$scratch/coverage.profdata
    if ! "$tools/llvm-profdata" merge -o "$profile" $scratch_path/*/debug/codecov/*.profraw $scratch_path/*.profraw 2>/dev/null &&
        ! "$tools/llvm-profdata" merge -o "$profile" $scratch_path/*/debug/codecov/*.profraw; then
        say "FAILED: no profile was written"
        count 0 1
        return
    fi
    "$tools/llvm-cov" export -instr-profile "$profile" $scratch_path/debug/millracePackageTests.xctest >"$scratch/coverage.json"
    if python3 Tests/lanes/coverage.py "$scratch/coverage.json" "$root" >"$scratch/coverage-table"; then
        count 1 0
    else
        count 0 1
    fi
    cat "$scratch/coverage-table"
}
