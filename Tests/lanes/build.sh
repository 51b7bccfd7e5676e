# shellcheck shell=bash disable=SC2154,SC2034
lane_build() {
    check "release build of library and tests, without a warning" build "$scratch/build.log" -c release --build-tests
    is_built=1
}
