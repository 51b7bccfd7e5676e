# shellcheck shell=bash disable=SC2154,SC2086
# More states of a disk that lost power than the unit lane looks at.
lane_crash() {
    ensure_built
    if [ "$soak" = 1 ]; then : "${MILLRACE_STATES:=2000000}"; fi
    MILLRACE_STATES=${MILLRACE_STATES:-100000} tests crash -c release --filter CrashStateTests
    grep -h 'crash states checked' "$scratch/crash.log"
}
