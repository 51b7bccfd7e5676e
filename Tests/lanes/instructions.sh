# shellcheck shell=bash disable=SC2154
# Counts the instructions of hot functions on a fixed input, and compares them with the kept figures. Valgrind shows every program
# the same processor (that of its own, as far as the machine has AVX2), so the counts do not depend on the machine.
readonly INSTRUCTIONS=Benchmarks/results/instructions.jsonl
# Two runs of one binary differ by less than a thousandth.
readonly INSTRUCTION_TOLERANCE=3

lane_instructions() {
    local tool=$scratch/millrace-instructions scenario lz4 arch counted
    need valgrind valgrind
    need binutils strip
    if ! install_missing; then
        say "FAILED: valgrind could not be installed"
        count 0 1
        return
    fi
    if ! build "$scratch/instructions-build.log" -c release --product millrace-instructions; then
        say "FAILED: build of millrace-instructions"
        count 0 1
        return
    fi
    # This release of valgrind cannot read the compiler's debug information, and needs names only.
    strip -g -o "$tool" .build/release/millrace-instructions
    # Copying and checksums take other code where valgrind has no AVX2 to show.
    lz4=$(pkg-config --modversion liblz4) arch=$(uname -m)$(grep -qw avx2 /proc/cpuinfo && echo +avx2)
    counted=$scratch/instructions.jsonl
    : >"$counted"
    for scenario in $("$tool" list); do count_instructions "$scenario"; done
    say "the same append with its store on files:"
    count_instructions append-100 "$scratch/tmp/instructions" unkept
    if [ -n "${MILLRACE_WRITE_INSTRUCTIONS:-}" ]; then
        cp "$counted" "$INSTRUCTIONS"
        say "kept in $INSTRUCTIONS"
    fi
}

# count_instructions SCENARIO [DIRECTORY [unkept]]: counts, says, compares.
count_instructions() {
    local scenario=$1 log=$scratch/callgrind.log output unit number total each kept
    output=$(SWIFT_DETERMINISTIC_HASHING=1 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        --collect-atstart=no '--toggle-collect=*countedPart*' "$tool" "$scenario" ${2:+"$2"} 2>"$log")
    total=$(sed -n 's/.*Collected : \([0-9]*\)$/\1/p' "$log")
    read -r _ unit number <<<"$output"
    if [ -z "$total" ] || [ -z "$number" ] || [ "$total" = 0 ]; then
        say "FAILED: $scenario was not counted"
        tail -n 5 "$log"
        count 0 1
        return
    fi
    each=$(awk -v total="$total" -v number="$number" 'BEGIN { printf "%.2f", total / number }')
    if [ "${3:-}" = unkept ]; then
        say "$(printf '%-22s %10s instructions a %s' "$scenario" "$each" "$unit")"
        return
    fi
    printf '{"scenario":"%s","instructions":%s,"unit":"%s","count":%s,"date":"%s","swift":"%s","lz4":"%s","arch":"%s"}\n' \
        "$scenario" "$each" "$unit" "$number" "$(date -u +%Y-%m-%d)" "$swift_version" "$lz4" "$arch" >>"$counted"
    kept=$(grep -h "\"scenario\":\"$scenario\"" "$INSTRUCTIONS" 2>/dev/null)
    compare_instructions "$(printf '%-22s %10s instructions a %s' "$scenario" "$each" "$unit")" "$each" "$kept"
}

# compare_instructions LINE COUNT KEPT: more by the tolerance is a failure, less an invitation.
compare_instructions() {
    local line=$1 each=$2 kept=$3 before change
    before=$(sed -n 's/.*"instructions":\([0-9.]*\).*/\1/p' <<<"$kept")
    if [ -n "${MILLRACE_WRITE_INSTRUCTIONS:-}" ]; then
        say "$line${before:+, $before before}"
        count 1 0
        return
    fi
    if [ -z "$before" ]; then
        say "FAILED: $line: no figure is kept; MILLRACE_WRITE_INSTRUCTIONS=1 Tests/run --lane instructions keeps it"
        count 0 1
        return
    fi
    # Another compiler or LZ4 makes other code of the same source: seen, and not judged.
    if [[ $kept != *"\"swift\":\"$swift_version\",\"lz4\":\"$lz4\",\"arch\":\"$arch\""* ]]; then
        say "NOT COMPARED: $line; kept is $before, of other tools: ${kept#*,\"date\":}"
        count 1 0
        return
    fi
    change=$(awk -v now="$each" -v before="$before" 'BEGIN { printf "%+.1f", (now / before - 1) * 100 }')
    case $(awk -v change="$change" -v most=$INSTRUCTION_TOLERANCE 'BEGIN { print (change > most ? 1 : (change < -most ? -1 : 0)) }') in
        1)
            say "FAILED: $line, $before before: $change %, more than +$INSTRUCTION_TOLERANCE %. If it must be so:"
            say "    MILLRACE_WRITE_INSTRUCTIONS=1 Tests/run --lane instructions, and say in the commit what it buys"
            count 0 1
            ;;
        -1)
            say "$line, $before before: $change %. Keep it: MILLRACE_WRITE_INSTRUCTIONS=1 Tests/run --lane instructions"
            count 1 0
            ;;
        *)
            say "$line, $change %"
            count 1 0
            ;;
    esac
}
