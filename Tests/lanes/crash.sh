# shellcheck shell=bash disable=SC2154
# States of a disk that lost power, or of a process that died: many lives on a disk in memory, on all cores.
lane_crash() {
    ensure_built
    if [ "$soak" = 1 ]; then
        : "${MILLRACE_SEED_FIRST:=$((RANDOM * 32768 + RANDOM + 1))}"
        export MILLRACE_SEED_FIRST MILLRACE_STATE_SECONDS=$((MILLRACE_SOAK_SECONDS / 4))
        MILLRACE_STATES=${MILLRACE_STATES:-$((MILLRACE_SOAK_SECONDS * 500))}
    fi
    # A million in some eight minutes; here what a bit more than two give, and a quarter of them at least.
    MILLRACE_STATES=${MILLRACE_STATES:-1000000} MILLRACE_STATE_SECONDS=${MILLRACE_STATE_SECONDS:-140} tests crash -c release --filter CrashStateTests
    grep -h 'crash states checked' "$scratch/crash.log"
}
