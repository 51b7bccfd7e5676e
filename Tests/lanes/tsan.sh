# shellcheck shell=bash disable=SC2154,SC2317,SC2329
# Sanitizers run in release: in debug they miss races.
lane_tsan() {
    local arguments=(-c release --sanitize=thread --scratch-path .build-tsan) shelter=()
    # The sanitizer wants its address range free, which address space randomisation does not promise.
    if setarch -R true 2>/dev/null; then shelter=(setarch -R); fi
    export TSAN_OPTIONS="halt_on_error=0 exitcode=66 log_path=$scratch/tsan"
    if ! build "$scratch/tsan-build.log" "${arguments[@]}" --build-tests; then
        say "FAILED: build with the thread sanitizer"
        count 0 1
        return
    fi
    swift() { command "${shelter[@]}" swift "$@"; }
    # Threads are what this lane is for: tests that have one thread each and take long are left out.
    tests tsan "${arguments[@]}" --no-parallel \
        --skip KillTests --skip 'CrashTests\.' --skip FormatTests --skip FuzzTests --skip PropertyTests --skip OnDemandLoopTests \
        --skip LogFaultTests --skip FaultPairTests --skip 'MillraceLogTests\.KeyCompactionTests' --skip BackupFaultTests
    unset -f swift
    check "no data race reported" no_reports
    # A lane that cannot fail proves nothing: a race planted in a test must be reported.
    rm -f "$scratch"/tsan.*
    MILLRACE_PLANT_RACE=1 "${shelter[@]}" swift test --skip-build --disable-xctest "${arguments[@]}" \
        --filter PlantedRace >"$scratch/planted.log" 2>&1
    check "the planted race is reported" grep -q 'ThreadSanitizer: data race' "$scratch/planted.log" "$scratch"/tsan.*
    unset TSAN_OPTIONS
}

no_reports() {
    if grep -l 'WARNING: ThreadSanitizer' "$scratch"/tsan.[0-9]* "$scratch/tsan.log" 2>/dev/null; then
        cat "$scratch"/tsan.[0-9]* 2>/dev/null | head -n 120
        return 1
    fi
}
