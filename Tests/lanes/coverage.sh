# shellcheck shell=bash disable=SC2154
# How much of the library the tests enter, by regions: 95 % of all, and every one of recovery and the codecs. In release, with a
# share of the cases of the other lanes; the kills are other processes and do not count, and times are measured elsewhere.
lane_coverage() {
    local arguments=(-c release --enable-code-coverage --scratch-path .build-coverage) tools profiles=.build-coverage/release/codecov
    need python3 python3
    if ! install_missing; then
        say "FAILED: python3 could not be installed"
        count 0 1
        return
    fi
    if ! build "$scratch/coverage-build.log" "${arguments[@]}" --build-tests; then
        say "FAILED: build with coverage"
        count 0 1
        return
    fi
    rm -rf "$profiles"
    # Processes that tests start write theirs apart, and not into the directory they stand in.
    LLVM_PROFILE_FILE="$PWD/$profiles/helper-%m-%p.profraw" MILLRACE_ROUNDS=${MILLRACE_ROUNDS:-500} \
        MILLRACE_STATES=${MILLRACE_STATES:-3000} MILLRACE_FAULTS=${MILLRACE_FAULTS:-300} \
        MILLRACE_MUTATIONS=${MILLRACE_MUTATIONS:-20000} tests coverage "${arguments[@]}" --no-parallel --skip KillTests --skip 'decoded in time'
    # The compiler's own tools: another release reads another format.
    tools=$(dirname "$(readlink -f "$(command -v swift)")")
    if ! "$tools/llvm-profdata" merge -sparse "$profiles"/*.profraw -o "$scratch/coverage.profdata" \
        || ! "$tools/llvm-cov" export .build-coverage/release/*PackageTests.xctest \
            -instr-profile "$scratch/coverage.profdata" >"$scratch/coverage.json"; then
        say "FAILED: the coverage could not be read"
        count 0 1
        return
    fi
    if python3 Tests/lanes/coverage.py "$scratch/coverage.json" .; then
        count 1 0
    else
        say "which regions: python3 Tests/lanes/coverage.py EXPORTED . --missed"
        count 0 1
    fi
}
