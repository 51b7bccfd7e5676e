# shellcheck shell=bash disable=SC2154
lane_unit() {
    ensure_built
    # One after the other: some hold how long something takes against a bound, and long ones would take the threads from them.
    # The lane `corruption` has the longest of them in full.
    tests unit -c release --no-parallel --skip KillTests --skip CorruptionTests
}
