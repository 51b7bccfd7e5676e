# shellcheck shell=bash disable=SC2154
# Long use of a store on this disk, and calls of the disk that fail: nothing may be lost, wrong, or grow.
# The lane takes three minutes for the soak; `Tests/run --soak --minutes N` the time it is given.
lane_soak() {
    local seconds=${MILLRACE_SOAK_SECONDS:-180} tool=.build-tools/release/millrace-stress
    check "the stress tool builds without a warning" build "$scratch/tools-build.log" \
        -c release --traits Tools --product millrace-stress --scratch-path .build-tools
    [ -x "$tool" ] || return
    stress soak --seconds "$seconds" --dir "$scratch/tmp"
    stress fault --seconds 15
    stress fault --seconds 15 --dir "$scratch/tmp"
}

# stress ARGUMENTS...: one run of the tool; its output shows, its status counts.
stress() {
    local log=$scratch/stress-$1.log
    say "millrace-stress $*"
    "$tool" "$@" >"$log" 2>"$log.progress"
    local status=$?
    grep -v '^  [a-z][A-Za-z]* E[A-Z]*' "$log"
    if [ $status = 0 ]; then
        count 1 0
    else
        tail -n 5 "$log.progress"
        count 0 1
    fi
}
