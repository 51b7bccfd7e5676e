# shellcheck shell=bash disable=SC2154
lane_scripts() {
    local script
    for script in Tests/run Tests/lanes/*.sh Benchmarks/run .ci/run .ci/setup.sh; do
        check "bash reads $script" bash -n "$script"
        if command -v shellcheck >/dev/null; then check "shellcheck passes $script" shellcheck -x "$script"; fi
    done
    check "the benchmark runs and verifies what it wrote (smoke)" Benchmarks/run --smoke
}
