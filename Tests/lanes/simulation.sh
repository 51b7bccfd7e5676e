# shellcheck shell=bash disable=SC2154
# The store against its model, and whole lives of it: time, faults and crashes by hand, on one thread each, on all cores.
lane_simulation() {
    ensure_built
    if [ "$soak" = 1 ]; then
        : "${MILLRACE_SEED_FIRST:=$((RANDOM * 32768 + RANDOM + 1))}"
        export MILLRACE_SEED_FIRST
        : "${MILLRACE_SEQUENCES:=10000000}" "${MILLRACE_LIVES:=1000000}"
        : "${MILLRACE_LEAST_SEQUENCES:=1}" "${MILLRACE_LEAST_LIVES:=1}"
        : "${MILLRACE_SEQUENCE_SECONDS:=$((MILLRACE_SOAK_SECONDS / 10))}" "${MILLRACE_LIFE_SECONDS:=$((MILLRACE_SOAK_SECONDS / 10))}"
    fi
    # In which order a set is gone through counts for a life: with this a seed has one life.
    export SWIFT_DETERMINISTIC_HASHING=1
    # Two and a half minutes together; one after the other, each on all of them.
    MILLRACE_SEQUENCES=${MILLRACE_SEQUENCES:-100000} MILLRACE_SEQUENCE_SECONDS=${MILLRACE_SEQUENCE_SECONDS:-60} \
        MILLRACE_LIVES=${MILLRACE_LIVES:-20000} MILLRACE_LIFE_SECONDS=${MILLRACE_LIFE_SECONDS:-90} \
        tests simulation -c release --no-parallel --filter 'PropertyTests\.'
    unset SWIFT_DETERMINISTIC_HASHING
    grep -hE '^(model|simulation): ' "$scratch/simulation.log"
    simulation_least model sequences "${MILLRACE_LEAST_SEQUENCES:-5000}"
    simulation_least simulation lives "${MILLRACE_LEAST_LIVES:-200}"
}

# simulation_least NAME NOUN COUNT: a slow machine does what it can in its time, and so many at least.
simulation_least() {
    local tried
    tried=$(sed -n "s/^$1: \([0-9]*\) $2, .*/\1/p" "$scratch/simulation.log" | tail -n 1)
    if [ "${tried:-0}" -ge "$3" ]; then
        say "ok: $1: $tried $2, $3 at least"
        count 1 0
    else
        say "FAILED: $1: ${tried:-0} $2, and $3 are the least"
        count 0 1
    fi
}
