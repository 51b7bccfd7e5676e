# shellcheck shell=bash disable=SC2154
# Long use of a store on this disk, and calls of the disk that fail: nothing may be lost, wrong, or grow.
# Fifty seconds of use, 30 of retention, and twice ten of faults; in a soak run a quarter, an eighth and twice a sixteenth
# of its time.
lane_soak() {
    local tool=.build-tools/release/millrace-stress seconds=50 retention_seconds=30 fault_seconds=10
    if [ "$soak" = 1 ]; then
        seconds=$((MILLRACE_SOAK_SECONDS / 4)) retention_seconds=$((MILLRACE_SOAK_SECONDS / 8)) fault_seconds=$((MILLRACE_SOAK_SECONDS / 16))
    fi
    if ! build "$scratch/tools-build.log" -c release --traits Tools --product millrace-stress --scratch-path .build-tools; then
        say "FAILED: build of millrace-stress"
        count 0 1
        return
    fi
    stress soak --seconds "$seconds" --dir "$scratch/tmp"
    stress retention --seconds "$retention_seconds" --dir "$scratch/tmp"
    stress fault --seconds "$fault_seconds"
    stress fault --seconds "$fault_seconds" --dir "$scratch/tmp"
}

# stress ARGUMENTS...: one run of the tool; its output shows, its status counts.
stress() {
    local log=$scratch/stress.log status
    say "millrace-stress $*"
    "$tool" "$@" >"$log" 2>"$log.progress"
    status=$?
    # The faults by kind stand in lines of their own.
    grep -vE '^  [a-zA-Z]+ E[A-Z]+' "$log"
    if [ $status = 0 ]; then
        count 1 0
    else
        tail -n 3 "$log.progress"
        count 0 1
    fi
}
