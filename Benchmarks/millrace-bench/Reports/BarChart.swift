#if Tools
    /// Records a second of one scenario: a bar for each row, peers under each other, each with its spread and its floor.
    struct BarChart {
        private static let width = 1080.0
        private static let groupWidth = 240.0
        private static let seriesStart = 256.0, seriesWidth = 148.0
        private static let barStart = 416.0, barEnd = 812.0
        private static let valueEnd = 906.0
        private static let ratioStart = 918.0
        private static let top = 40.0
        private static let textSize = 12.0, smallSize = 11.0

        private let scenario: ScenarioRows
        private let floors: [Floor]
        private let id: String
        private let axis: Axis

        /// Nil when nothing was measured. `id` is unique in its document, and safe in an attribute.
        init?(_ scenario: ScenarioRows, floors: [Floor], id: String) {
            let measured = scenario.rows.filter { $0.isMeasured && $0.recordsPerSecond > 0 }
            guard let least = measured.map(\.recordsPerSecond).min(), let most = measured.map(\.recordsPerSecond).max()
            else { return nil }
            self.scenario = scenario
            self.floors = floors
            self.id = id
            let isLogarithmic = most / least > 100
            let widest = measured.map { max($0.recordsPerSecond, $0.recordsPerSecondMax ?? 0) }.max()!
            // A floor far above all bars would make them too short to compare.
            let near = measured.compactMap { $0.floorRecordsPerSecond(among: floors) }
                .filter { $0 <= widest * (isLogarithmic ? 10 : 1.5) }
            let greatest = max(widest, near.max() ?? 0)
            let axis: Axis =
                isLogarithmic
                ? .logarithmic(from: least / 2, to: greatest, label: FigureText.mark)
                : .linear(to: greatest * 1.02, count: 6, label: FigureText.mark)
            self.axis = axis.drawn(from: Self.barStart, to: Self.barEnd)
        }

        /// The picture with a legend of what occurs in it.
        var figure: Markup {
            #"""
            <figure>
            <div class="wide" role="region" aria-label="Chart of \#(scenario.name)" tabindex="0">\#(picture)</div>
            <figcaption>\#(legend)</figcaption>
            </figure>

            """#
        }

        private var picture: Markup {
            var y = Self.top
            var groups: Markup = ""
            for (index, group) in scenario.groups.enumerated() {
                if index > 0 { groups += #"<line class="rule" x1="0" x2="\#(Self.width)" y1="\#(y)" y2="\#(y)"/>"# }
                groups += draw(group, from: &y)
            }
            let isTall = y > 480
            return #"""
                <svg class="bars" viewBox="0 0 \#(Self.width) \#(y + (isTall ? 24 : 4))" role="img" \#
                aria-labelledby="\#(id)-title" aria-describedby="\#(id)-about">
                <title id="\#(id)-title">\#(scenario.name): records a second</title>
                <desc id="\#(id)-about">\#(about)</desc>
                <defs><pattern id="\#(id)-hatch" width="5" height="5" patternUnits="userSpaceOnUse" \#
                patternTransform="rotate(45)"><rect class="peer-ground" width="5" height="5"/>\#
                <line class="peer-line" x1="0" x2="0" y1="0" y2="5"/></pattern></defs>
                \#(grid(to: y, isTall: isTall))\#(groups)</svg>
                """#
        }

        private func grid(to bottom: Double, isTall: Bool) -> Markup {
            var result = ChartText.label(axisName, x: Self.barStart, y: 12, style: "small soft")
            for (x, label) in axis.labels(size: Self.smallSize) {
                result += #"<line class="grid" x1="\#(x)" x2="\#(x)" y1="\#(Self.top - 4)" y2="\#(bottom)"/>"#
                for y in isTall ? [Self.top - 9, bottom + 15] : [Self.top - 9] {
                    guard let label else { continue }
                    result += ChartText.label(label, x: x, y: y, style: "small soft", anchor: "middle")
                }
            }
            return result
        }

        private var axisName: String {
            axis.scale == .linear
                ? "records a second" : "records a second, on a logarithmic scale: compare places, not lengths"
        }

        private func draw(_ group: RowGroup, from y: inout Double) -> Markup {
            let start = y + 5
            let name = ChartText.lines(
                group.detail ?? scenario.name, size: Self.textSize * 1.06, within: Self.groupWidth)
            let terms = ChartText.lines(group.terms, size: Self.smallSize, within: Self.groupWidth)
            let textHeight = Double(name.count) * Self.textSize * ChartText.leading
            var result = ChartText.block(name, x: 0, y: start + 14, size: Self.textSize, style: "name")
            result += ChartText.block(
                terms, x: 0, y: start + 14 + textHeight, size: Self.smallSize, style: "small soft")
            y = start
            for row in group.rows { result += draw(row, from: &y) }
            y = max(y, start + 10 + textHeight + Double(terms.count) * Self.smallSize * ChartText.leading) + 5
            return result
        }

        private func draw(_ row: Row, from y: inout Double) -> Markup {
            let series = ChartText.lines(row.series, size: Self.textSize, within: Self.seriesWidth)
            let remark = ChartText.lines(remark(on: row), size: Self.smallSize, within: Self.width - Self.ratioStart)
            let reason = ChartText.lines(
                row.notMeasured.map { "not measured: \($0)" } ?? "", size: Self.smallSize,
                within: Self.barEnd - Self.barStart)
            let height = Double(max(series.count, remark.count, reason.count)) * Self.textSize * ChartText.leading + 9
            let middle = y + height / 2
            func centred(_ lines: [String], _ size: Double) -> Double {
                middle + size * 0.36 - Double(lines.count - 1) * size * ChartText.leading / 2
            }
            y += height
            var result = ChartText.block(
                series, x: Self.seriesStart, y: centred(series, Self.textSize), size: Self.textSize, style: "series")
            result += ChartText.block(
                reason, x: Self.barStart, y: centred(reason, Self.smallSize), size: Self.smallSize, style: "small soft")
            guard row.isMeasured else { return result }
            result += ChartText.label(
                FigureText.count(row.recordsPerSecond), x: Self.valueEnd, y: middle + Self.textSize * 0.36,
                style: "value",
                anchor: "end")
            result += ChartText.block(
                remark, x: Self.ratioStart, y: centred(remark, Self.smallSize), size: Self.smallSize,
                style: row.hasFailed ? "small bad" : "small soft")
            return result + bar(row, middle: middle, height: height)
        }

        private func remark(on row: Row) -> String {
            if row.hasFailed { return "VERIFICATION FAILED" }
            guard let ratio = row.ratioToFloor else { return "" }
            return "\(FigureText.ratio(ratio)) of \(row.floorName ?? "floor")"
        }

        private func bar(_ row: Row, middle: Double, height: Double) -> Markup {
            let end = axis.place(row.recordsPerSecond)
            let fill: Markup = row.isOfMillrace ? #"class="bar""# : #"class="peer" style="fill: url(#\#(id)-hatch)""#
            var result: Markup = #"""
                <g><title>\#(words(of: row))</title>\#
                <rect \#(fill) x="\#(Self.barStart)" y="\#(middle - 7)" width="\#(max(1, end - Self.barStart))" height="14"/>
                """#
            if let least = row.recordsPerSecondMin, let most = row.recordsPerSecondMax, most > least {
                let (left, right) = (axis.place(least), axis.place(most))
                let path: Markup = "M\(left) \(middle)H\(right)M\(left) \(middle - 4)v8M\(right) \(middle - 4)v8"
                result += #"<path class="halo" d="\#(path)"/><path class="whisker" d="\#(path)"/>"#
            }
            if let floor = row.floorRecordsPerSecond(among: floors) {
                let x = axis.place(floor)
                let (above, below) = (middle - height / 2 + 1, middle + height / 2 - 1)
                result +=
                    floor > axis.range.upperBound
                    ? #"<path class="floor-mark" d="M\#(x + 2) \#(middle - 5)l8 5l-8 5z"/>"#
                    : #"""
                    <path class="halo" d="M\#(x) \#(above)V\#(below)"/><path class="floor" d="M\#(x) \#(above)V\#(below)"/>\#
                    <path class="floor-mark" d="M\#(x - 4) \#(above)h8l-4 6z"/>
                    """#
            }
            return result + "</g>"
        }

        // MARK: Words

        private func words(of row: Row) -> String {
            var words = "\(row.label): \(grouped(row.recordsPerSecond)) records a second"
            if let least = row.recordsPerSecondMin, let most = row.recordsPerSecondMax, row.repetitions > 1 {
                words += " (\(grouped(least)) to \(grouped(most)) in \(row.repetitions) repetitions)"
            }
            if let ratio = row.ratioToFloor {
                words += ", \(FigureText.ratio(ratio)) of \(row.floorName ?? "the floor")"
            }
            return words + (row.hasFailed ? ", verification failed" : "")
        }

        private var about: String {
            scenario.rows.map { row in
                row.notMeasured.map { "\(row.label): not measured: \($0)" } ?? words(of: row)
            }.joined(separator: "; ")
        }

        private var legend: Markup {
            let measured = scenario.rows.filter(\.isMeasured)
            let places = measured.compactMap { $0.floorRecordsPerSecond(among: floors) }
            let isRepeated = measured.contains { $0.repetitions > 1 }
            var result = item(
                isRepeated ? "Millrace, median" : "Millrace", #"<rect class="bar" y="1" width="22" height="10"/>"#)
            if measured.contains(where: { !$0.isOfMillrace }) {
                result += item(
                    "another engine",
                    #"<rect class="peer" style="fill: url(#\#(id)-hatch)" y="1" width="22" height="10"/>"#)
            }
            if isRepeated {
                result += item(
                    "least and greatest of the repetitions", #"<path class="whisker" d="M1 6H21M1 2v8M21 2v8"/>"#)
            }
            if places.contains(where: { $0 <= axis.range.upperBound }) {
                result += item(
                    "floor: what the machine itself does with the same bytes",
                    #"<path class="floor" d="M11 0V12"/><path class="floor-mark" d="M7 0h8l-4 6z"/>"#)
            }
            if places.contains(where: { $0 > axis.range.upperBound }) {
                result += item("floor beyond the scale", #"<path class="floor-mark" d="M8 1l8 5l-8 5z"/>"#)
            }
            return #"<ul class="key">\#(result)</ul>"#
        }

        private func item(_ words: String, _ sign: Markup) -> Markup {
            #"<li><svg width="22" height="12" viewBox="0 0 22 12" aria-hidden="true">\#(sign)</svg> \#(words)</li>"#
        }
    }
#endif
