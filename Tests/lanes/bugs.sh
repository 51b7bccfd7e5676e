# shellcheck shell=bash disable=SC2154,SC2001
# The tests find bugs: each known bug, switched on, is caught within 10,000 crash states (docs/decisions/0008).
lane_bugs() {
    local tool=.build-bugs/release/millrace-stress bug name verdict
    if ! build "$scratch/bugs-build.log" -c release --traits Tools,SeededBugs --product millrace-stress --scratch-path .build-bugs; then
        say "FAILED: build with the seeded bugs"
        count 0 1
        return
    fi
    check "without a bug the same states break no promise" "$tool" crash --seed 1 --states 10000 --threads 1 --seconds 600
    say "$(printf '%3s  %-20s %5s %7s  %s' N bug seed states 'promise that was broken')"
    while read -r bug name; do
        "$tool" crash --seed 1 --states 10000 --threads 1 --seconds 600 --bug "$bug" >"$scratch/bug" 2>/dev/null
        if [ $? = 1 ] && verdict=$(grep -E '^FAIL: ' "$scratch/bug" | tail -n 1) && [ -n "$verdict" ]; then
            say "$(printf '%3s  %-20s %5s %7s  %s' "$bug" "$name" "$(sed -n 's/.*--seed \([0-9]*\).*/\1/p' <<<"$verdict")" \
                "$(sed -n 's/.*| \([0-9]*\) states.*/\1/p' <<<"$verdict")" "$(sed 's/^FAIL: \([^|]*\) |.*/\1/' <<<"$verdict")")"
            count 1 0
        else
            say "FAILED: bug $bug ($name) was not caught: $(tail -n 1 "$scratch/bug")"
            count 0 1
        fi
    done < <("$tool" crash --bug list)
}
