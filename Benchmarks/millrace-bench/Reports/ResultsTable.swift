#if Tools
    /// The results as a table of a document, a scenario after the other, each row with its ack level and its floor.
    struct ResultsTable {
        private static let columnCount = 12

        let scenarios: [ScenarioRows]

        var markup: Markup {
            #"""
            <div class="wide" role="region" aria-label="Results" tabindex="0">
            <table class="results">
            <caption><span class="prose">\#(caption)</span></caption>
            <thead><tr><th scope="col">what was done, and by which engine</th><th scope="col">acknowledged when</th>\#
            <th scope="col" class="n">records/s</th><th scope="col" class="n">MB/s</th>\#
            <th scope="col" class="n">CPU s/GB</th><th scope="col" class="n">p50 µs</th><th scope="col" class="n">p99 µs</th>\#
            <th scope="col" class="n">p99.9 µs</th><th scope="col" class="n">max µs</th><th scope="col" class="n">stored</th>\#
            <th scope="col">of floor</th><th scope="col">verified</th></tr></thead>
            \#(scenarios.enumerated().map(body))</table>
            </div>

            """#
        }

        private var caption: String {
            let counts = Set(scenarios.flatMap(\.rows).filter(\.isMeasured).map(\.repetitions))
            let spread = "below records/s the least and the greatest"
            let figures =
                counts == [1]
                ? "One repetition."
                : "Medians\(counts.count == 1 ? " of \(counts.first!) repetitions" : ""); \(spread)."
            return "\(figures) MB and GB are powers of ten of key and data. Latency is that of one call."
                + " “stored” is bytes in blocks for each byte of key and data."
        }

        private func body(_ index: Int, _ scenario: ScenarioRows) -> Markup {
            ##"""
            <tbody>
            <tr class="scenario"><th scope="rowgroup" colspan="\##(Self.columnCount)">\##
            <a href="#scenario-\##(index)">\##(scenario.name)</a></th></tr>
            \##(scenario.rows.map(line))</tbody>

            """##
        }

        private func line(_ row: Row) -> Markup {
            let head: Markup = #"""
                <th scope="row">\#(row.detail ?? row.scenario) <span class="engine">\#(row.series)</span></th>\#
                <td>\#(ack(row))</td>
                """#
            guard let reason = row.notMeasured else {
                let figures: Markup = #"""
                    \#(rate(row))\#(number(figure(row.megabytesPerSecond)))\#
                    \#(number(row.processorSecondsPerGigabyte.map(figure)))\#(number(microseconds(row.p50)))\#
                    \#(number(microseconds(row.p99)))\#(number(microseconds(row.p999)))\#(number(microseconds(row.maximum)))\#
                    \#(number(row.storedBytesPerByte.map { decimal($0, 3) }))<td>\#(floor(row))</td><td>\#(verdict(row))</td>
                    """#
                return #"""
                    <tr\#(row.hasFailed ? #" class="failed""# : "" as Markup)>\#(head)\#(figures)</tr>
                    \#(note(row))
                    """#
            }
            return #"""
                <tr>\#(head)<td colspan="\#(Self.columnCount - 2)" class="absent">not measured: \#(reason)</td></tr>

                """#
        }

        private func note(_ row: Row) -> Markup {
            guard let note = row.note else { return "" }
            return #"""
                <tr class="note"><td colspan="\#(Self.columnCount)"><span class="prose">\#(note)</span></td></tr>

                """#
        }

        private func ack(_ row: Row) -> Markup {
            let batch: Markup = row.batch.map { #"<span class="engine">batch \#($0)</span>"# } ?? ""
            return row.ack == "-"
                ? #"<span class="none">read</span>\#(batch)"# : #"<span class="ack">\#(row.ack)</span>\#(batch)"#
        }

        private func number(_ text: String?) -> Markup {
            text.map { #"<td class="n">\#($0)</td>"# } ?? #"<td class="n none">–</td>"#
        }

        private func rate(_ row: Row) -> Markup {
            var range: Markup = ""
            if let least = row.recordsPerSecondMin, let most = row.recordsPerSecondMax, row.repetitions > 1 {
                range = #" <span class="range">\#(grouped(least))…\#(grouped(most))</span>"#
            }
            return #"<td class="n"><b>\#(grouped(row.recordsPerSecond))</b>\#(range)</td>"#
        }

        private func microseconds(_ nanoseconds: Double?) -> String? { nanoseconds.map { figure($0 / 1000) } }

        /// The ratio and what it is one of, with a bar whose mark is the floor itself.
        private func floor(_ row: Row) -> Markup {
            guard let ratio = row.ratioToFloor else { return #"<span class="none">–</span>"# }
            let width = min(max(ratio, 0), 1.5) * 40
            return #"""
                <span class="ratio"><svg width="62" height="10" viewBox="0 0 62 10" aria-hidden="true">\#
                <rect class="track" y="2" width="60" height="6"/><rect class="bar" y="2" width="\#(width)" height="6"/>\#
                <path class="halo" d="M40 0V10"/><path class="floor" d="M40 0V10"/></svg> <b>\#(FigureText.ratio(ratio))</b></span> \#
                <span class="engine">\#(row.floorName ?? "")</span>
                """#
        }

        private func verdict(_ row: Row) -> Markup {
            row.verified ? #"<span class="good">yes</span>"# : #"<strong class="loud">FAILED</strong>"#
        }
    }
#endif
