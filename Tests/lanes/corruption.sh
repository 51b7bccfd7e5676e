# shellcheck shell=bash disable=SC2154
# Every fault of the sweeps over stores on a disk in memory; the unit lane takes a share of them.
lane_corruption() {
    ensure_built
    # The sweeps open a store for each fault: memory that malloc gave back each time would cost more than the test.
    MILLRACE_SWEEP_STRIDE=${MILLRACE_SWEEP_STRIDE:-1} MALLOC_MMAP_THRESHOLD_=67108864 MALLOC_TRIM_THRESHOLD_=1073741824 \
        tests corruption -c release --filter 'CorruptionTests|SweepTests|KeptDamageTests'
    grep -ah '^corruption faults: ' "$scratch/corruption.log" >"$scratch/corruption-counts"
    check "the sweeps counted their faults" test -s "$scratch/corruption-counts"
    awk '{ gsub(/[^0-9,]/, " "); split($0, n, ","); for (i = 1; i <= 6; i++) sum[i] += n[i] }
        END { printf "corruption faults: %d, wrong records: %d, other violations: %d, harmless: %d, with loss: %d, refused: %d\n",
            sum[1], sum[2], sum[3], sum[4], sum[5], sum[6] }' "$scratch/corruption-counts"
}
