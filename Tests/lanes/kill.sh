# shellcheck shell=bash disable=SC2154,SC2086
# A writer process killed at random times, over and over on one directory.
lane_kill() {
    ensure_built
    if [ "$soak" = 1 ]; then : "${MILLRACE_KILLS:=20000}"; fi
    MILLRACE_KILLS=${MILLRACE_KILLS:-1000} tests kill -c release --filter KillTests
    grep -h ' kills, ' "$scratch/kill.log"
}
