# shellcheck shell=bash disable=SC2154
lane_scripts() {
    local script
    need shellcheck shellcheck
    install_missing || say "shellcheck could not be installed"
    for script in Tests/run Tests/lanes/*.sh Benchmarks/run .ci/run .ci/setup.sh; do
        check "bash reads $script" bash -n "$script"
        check "shellcheck passes $script" shellcheck -x "$script"
    done
    check "the benchmark runs and verifies what it wrote (smoke)" Benchmarks/run --smoke
}
