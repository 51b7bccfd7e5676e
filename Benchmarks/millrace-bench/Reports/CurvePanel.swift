#if Tools
    /// Rows whose curves share a chart: the same call, and no more of them than lines can be told apart.
    struct CurvePanel {
        let rows: [Row]

        /// What all of its rows have in common.
        private var detail: String? { rows.allSatisfy { $0.detail == rows[0].detail } ? rows[0].detail : nil }

        var title: String {
            let group = RowGroup(of: rows[0])
            let words = [detail, group.terms.isEmpty ? nil : group.terms].compactMap { $0 }.joined(separator: ", ")
            return words.isEmpty ? rows[0].scenario : words
        }

        func name(of row: Row) -> String {
            [detail == nil ? row.detail : nil, row.series].compactMap { $0 }.joined(separator: ", ")
        }

        /// One panel for each call while it has few lines, otherwise one for each detail of it.
        static func panels(of scenario: ScenarioRows, where hasCurve: (Row) -> Bool) -> [CurvePanel] {
            var calls: [[RowGroup]] = []
            for group in scenario.groups {
                if let first = calls.last?.first, group.isNear(first.rows[0]) {
                    calls[calls.count - 1].append(group)
                } else {
                    calls.append([group])
                }
            }
            return calls.flatMap { call -> [CurvePanel] in
                let parts = call.map { group in group.rows.filter { $0.isMeasured && hasCurve($0) } }
                let all = parts.flatMap { $0 }
                let lists = all.count <= 5 ? [all] : parts
                return lists.flatMap(inParts).map(CurvePanel.init)
            }
        }

        private static func inParts(_ rows: [Row]) -> [[Row]] {
            stride(from: 0, to: rows.count, by: CurveChart.limit).map {
                Array(rows[$0..<min($0 + CurveChart.limit, rows.count)])
            }
        }

        // MARK: Throughput over time

        static func hasSamples(_ row: Row) -> Bool { (row.sampleSeconds ?? 0) > 0 && !(row.samples ?? []).isEmpty }

        /// Records a second over time; each interval is level.
        func throughput(id: String) -> CurveChart {
            let last = rows.map { $0.sampleSeconds! * Double($0.samples!.count) }.max()!
            let most = rows.flatMap { $0.samples! }.max()!
            let (unit, scale) = last >= 300 ? ("minutes", 60.0) : ("seconds", 1.0)
            let curves = rows.map { row in
                let samples = row.samples!
                let figures = [samples.min()!, median(samples), samples.max()!].map(FigureText.count)
                let about = "from \(figures[0]) to \(figures[2]) records a second, median \(figures[1])"
                return Self.line(of: samples, span: row.sampleSeconds! / scale, name: name(of: row), about: about)
            }
            return CurveChart(
                title: title, kind: "records a second over time",
                across: .linear(to: last / scale, count: 8) { trimmed($0, 3) }, acrossName: unit,
                up: .linear(to: most * 1.04, count: 5, label: FigureText.mark), upName: "records/s", curves: curves,
                id: id)
        }

        /// Steps as wide as an interval; where there are more than can be seen, means of neighbours with their spread.
        private static func line(of samples: [Double], span: Double, name: String, about: String) -> Curve {
            let limit = 200
            guard samples.count > limit else {
                let points = samples.enumerated().flatMap { index, sample in
                    [(x: Double(index) * span, y: sample), (x: Double(index + 1) * span, y: sample)]
                }
                return Curve(name: name, about: about, points: points)
            }
            let parts = (0..<limit).map { samples[$0 * samples.count / limit..<($0 + 1) * samples.count / limit] }
            func middle(_ part: ArraySlice<Double>) -> Double { Double(part.startIndex + part.endIndex) / 2 * span }
            return Curve(
                name: name, about: about,
                points: parts.map { (x: middle($0), y: $0.reduce(0, +) / Double($0.count)) },
                band: parts.map { (x: middle($0), low: $0.min()!, high: $0.max()!) })
        }

        // MARK: Percentiles of latency

        static func hasPercentiles(_ row: Row) -> Bool { row.pointsOfPercentiles.contains { $0.x < 1 } }

        /// How long a call takes, for the share of calls that take no longer.
        func percentiles(id: String) -> CurveChart {
            let curves = rows.map { row in
                let points = row.pointsOfPercentiles
                let maximum = points.last { $0.x >= 1 }?.y ?? row.maximum
                func quantile(_ share: Double) -> String? {
                    points.first { $0.x >= share }.map {
                        "\(trimmed(share * 100, 3)) % within \(FigureText.duration($0.y))"
                    }
                }
                let words = [quantile(0.5), quantile(0.99), maximum.map { "longest \(FigureText.duration($0))" }]
                return Curve(
                    name: name(of: row), about: words.compactMap { $0 }.joined(separator: ", "),
                    points: Self.rising(points.filter { $0.x < 1 }), maximum: maximum)
            }
            let all = curves.flatMap { $0.points.map(\.y) + [$0.maximum].compactMap { $0 } }
            let greatest = curves.flatMap { $0.points.map(\.x) }.max()!
            return CurveChart(
                title: title, kind: "latency of a call by percentile", across: .nines(to: greatest),
                acrossName: "share of calls, each step ten times fewer left",
                up: .logarithmic(from: all.min()!, to: all.max()!, label: FigureText.duration),
                upName: "time of a call, logarithmic", curves: curves, id: id)
        }
    }

    extension CurvePanel {
        /// Without the end that stays level: shares that stand for less than one call say nothing more.
        private static func rising(_ points: [(x: Double, y: Double)]) -> [(x: Double, y: Double)] {
            let first = points.firstIndex { $0.y >= points.last!.y } ?? 0
            return Array(points.prefix(max(first + 1, 2)))
        }
    }

    extension Row {
        /// Share of the calls and nanoseconds; a time of 0 stands as 1 ns, which a logarithm has a place for.
        var pointsOfPercentiles: [(x: Double, y: Double)] {
            (percentiles ?? []).compactMap { pair in
                pair.count == 2 && (0...1).contains(pair[0]) ? (pair[0], max(pair[1], 1)) : nil
            }
        }
    }
#endif
