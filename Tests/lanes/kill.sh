# shellcheck shell=bash disable=SC2154,SC2086
# Writer processes killed over and over on one directory: at random times, and at chosen system calls.
lane_kill() {
    ensure_built
    need strace strace
    install_missing || say "strace could not be installed"
    # In a soak run a fifth of its minutes, at some seven kills a second.
    if [ "$soak" = 1 ]; then : "${MILLRACE_KILLS:=$((minutes * 60))}" "${MILLRACE_CALL_KILLS:=$((minutes * 20))}"; fi
    MILLRACE_KILLS=${MILLRACE_KILLS:-1000} MILLRACE_CALL_KILLS=${MILLRACE_CALL_KILLS:-400} \
        tests kill -c release --filter KillTests
    grep -h ': kills: ' "$scratch/kill.log"
    # Each test says `logs: kills: N random, M at chosen system calls, 0 lost ...`, if that is so.
    sed -n 's/^[a-z]*: kills: \([0-9]*\) random, \([0-9]*\) at chosen .*, 0 lost .*/\1 \2/p' "$scratch/kill.log" \
        | awk '{ random += $1; chosen += $2 }
            END { if (NR == 2) print "kills: " random " random, " chosen " at chosen system calls, 0 lost" }'
}
