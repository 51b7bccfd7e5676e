# shellcheck shell=bash disable=SC2154
lane_unit() {
    ensure_built
    tests unit -c release --skip KillTests
}
