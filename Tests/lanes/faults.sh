# shellcheck shell=bash disable=SC2154
# Every call that may fail, in every operation, and real directories that refuse.
lane_faults() {
    ensure_built
    MILLRACE_FAULT_SHARE=${MILLRACE_FAULT_SHARE:-1} tests faults -c release --filter 'FaultTests\.'
    awk -F'[ :,]+' '/^fault matrix/ { plans += $3; faults += $5; scenarios++ }
        END {
            print "faults injected: " faults + 0 ", scenarios: " scenarios + 0 ", operations x errno x once or for ever x n: " \
                plans + 0 " plans"
        }' "$scratch/faults.log"
}
