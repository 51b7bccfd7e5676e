# shellcheck shell=bash disable=SC2154
# Every fault of the sweeps over stores on a disk in memory; the unit lane takes a share of them. Two processes, one half
# each: within one, the halves would wait for each other to map and unmap memory.
lane_corruption() {
    ensure_built
    local half log=$scratch/corruption-half.log
    # The sweeps open a store for each fault: memory that malloc gave back each time would cost more than the test.
    export MALLOC_MMAP_THRESHOLD_=67108864 MALLOC_TRIM_THRESHOLD_=1073741824
    export MILLRACE_SWEEP_STRIDE=${MILLRACE_SWEEP_STRIDE:-1}
    MILLRACE_SWEEP_PART=1 "$(swift build -c release --show-bin-path)/millracePackageTests.xctest" \
        --testing-library swift-testing --no-parallel --filter 'CrashTests.SweepTests|CatalogueSweepTests' >"$log" 2>&1 &
    half=$!
    MILLRACE_SWEEP_PART=0 tests corruption -c release --no-parallel \
        --filter 'CorruptionTests|SweepTests|KeptDamageTests'
    check "the other half of the sweeps" wait "$half"
    grep -aE -A 2 'recorded an issue' "$log" | head -n 40
    unset MALLOC_MMAP_THRESHOLD_ MALLOC_TRIM_THRESHOLD_ MILLRACE_SWEEP_STRIDE
    grep -ah '^corruption faults: ' "$scratch/corruption.log" "$log" >"$scratch/corruption-counts"
    check "both halves counted their faults" grep -q 'lz4 1' "$scratch/corruption-counts"
    awk '{ gsub(/[^0-9,]/, " "); split($0, n, ","); for (i = 1; i <= 6; i++) sum[i] += n[i] }
        END { printf "corruption faults: %d, wrong records: %d, other violations: %d, harmless: %d, with loss: %d, refused: %d\n",
            sum[1], sum[2], sum[3], sum[4], sum[5], sum[6] }' "$scratch/corruption-counts"
}
