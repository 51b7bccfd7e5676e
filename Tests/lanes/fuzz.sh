# shellcheck shell=bash disable=SC2154
# Every decoder under libFuzzer and the address sanitizer, from the kept inputs on: one passed a target without a crash. A target that
# runs nothing fails. What crashes one is kept in .build-fuzz/found and printed, to be put under fixtures/fuzz when it is mended.
lane_fuzz() {
    local seconds=${MILLRACE_FUZZ_SECONDS:-15} targets target running=()
    if [ "$soak" = 1 ]; then seconds=${MILLRACE_FUZZ_SECONDS:-$((minutes * 60 / 6))}; fi
    if ! build_fuzzer; then
        say "FAILED: build of the fuzz targets"
        count 0 1
        return
    fi
    targets=$(sed -n 's/^    case \(.* = "\(.*\)"\|\([a-zA-Z]*\)\)$/\2\3/p' Tests/Fuzz/FuzzTarget.swift)
    mkdir -p .build-fuzz/found
    for target in $targets; do
        fuzz "$target" "$seconds" &
        running+=($!)
        # These alone: what reads the lane's output is a child of this shell, too, and ends after the lane.
        if [ ${#running[@]} -ge 2 ]; then
            wait "${running[0]}"
            running=("${running[@]:1}")
        fi
    done
    wait "${running[@]}"
    for target in $targets; do fuzz_result "$target"; done
}

# The package builds the modules with coverage and sanitizer; their objects are linked with the fuzzer's own `main`.
build_fuzzer() {
    local scratch_path=.build-fuzz objects=() module
    build "$scratch/fuzz-build.log" -c release --target MillraceFuzz --sanitize=address -Xswiftc -sanitize=fuzzer \
        --scratch-path $scratch_path || return 1
    for module in CMillrace MillraceIO MillraceModel MillraceLog Millrace MillraceTestKit MillraceFuzz; do
        objects+=("$scratch_path/release/$module.build"/*.o)
    done
    swiftc -sanitize=fuzzer,address -use-ld=lld "${objects[@]}" -llz4 -o $scratch_path/millrace-fuzz
}

# fuzz TARGET SECONDS: the corpus grows in .build-fuzz, from run to run; the kept inputs are only read.
fuzz() {
    local corpus=.build-fuzz/corpus/$1 lengths=(-max_len=65536)
    # Its inputs are lists of changes, and each costs two openings of a store.
    if [ "$1" = segment ]; then lengths=(-max_len=400 -len_control=0); fi
    mkdir -p "$corpus"
    # Leaks are not looked for: Swift keeps some references in a form that the sanitizer does not know.
    ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8:malloc_context_size=4 MILLRACE_FUZZ_TARGET=$1 MILLRACE_FUZZ_MILLISECONDS=2000 .build-fuzz/millrace-fuzz \
        -max_total_time="$2" "${lengths[@]}" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$PWD/.build-fuzz/found/$1-" "$corpus" "fixtures/fuzz/$1" >"$scratch/fuzz-$1.log" 2>&1
    echo $? >"$scratch/fuzz-$1.status"
}

fuzz_result() {
    local log=$scratch/fuzz-$1.log executions artifact
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    if [ "$(cat "$scratch/fuzz-$1.status")" = 0 ] && [ "${executions:-0}" -gt 0 ]; then
        say "ok: $1: $executions executions, 0 crashes"
        count 1 0
        return
    fi
    say "FAILED: $1: ${executions:-0} executions"
    grep -E 'property violated|ERROR:|SUMMARY:|^ +#[0-9]+ ' "$log" | head -n 24
    artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
    if [ -n "$artifact" ]; then
        say "kept in $artifact; its first 3,000 bytes in base64:"
        head -c 3000 "$artifact" | base64
    else
        tail -n 20 "$log"
    fi
    count 0 1
}
