#if Tools
    /// One line of a chart.
    struct Curve: Sendable {
        let name: String
        /// In words, for those who do not see it.
        let about: String
        let points: [(x: Double, y: Double)]
        /// What a line of means leaves out: the least and the greatest around each of its points.
        var band: [(x: Double, low: Double, high: Double)] = []
        /// A last point that has no place on the axis: the longest of all calls.
        var maximum: Double?
    }

    /// A small chart of up to `CurveChart.limit` lines, each with a colour and a pattern of dashes.
    struct CurveChart {
        static let limit = 8

        private static let width = 520.0, height = 292.0
        private static let left = 62.0, right = 506.0, top = 34.0, bottom = 250.0
        /// Room for the mark of the maximum.
        private static let maximumWidth = 64.0
        private static let textSize = 11.0

        private let title: String
        private let kind: String
        private let acrossName: String
        private let upName: String
        private let across: Axis
        private let up: Axis
        private let curves: [Curve]
        private let id: String

        /// `id` is unique in its document, and safe in an attribute.
        init(
            title: String, kind: String, across: Axis, acrossName: String, up: Axis, upName: String, curves: [Curve],
            id: String
        ) {
            precondition(curves.count <= Self.limit, "\(curves.count) lines in a chart of at most \(Self.limit)")
            (self.title, self.kind, self.acrossName, self.upName) = (title, kind, acrossName, upName)
            (self.curves, self.id) = (curves, id)
            let hasMaximum = curves.contains { $0.maximum != nil }
            self.across = across.drawn(from: Self.left, to: Self.right - (hasMaximum ? Self.maximumWidth : 0))
            self.up = up.drawn(from: Self.bottom, to: Self.top)
        }

        var figure: Markup {
            var key: Markup = ""
            for (index, curve) in curves.enumerated() {
                key += #"""
                    <li><svg width="30" height="12" viewBox="0 0 30 12" aria-hidden="true">\#
                    <path class="curve c\#(index)" d="M0 6H30"/></svg> \#(curve.name)</li>

                    """#
            }
            return #"""
                <figure class="panel">
                <div class="heading">\#(title)</div>
                \#(picture)
                <figcaption><ul class="key">\#(key)</ul>\#(remark)</figcaption>
                </figure>

                """#
        }

        private var picture: Markup {
            let about = curves.map { "\($0.name): \($0.about)" }.joined(separator: "; ")
            return #"""
                <svg viewBox="0 0 \#(Self.width) \#(Self.height)" role="img" \#
                aria-labelledby="\#(id)-title" aria-describedby="\#(id)-about">
                <title id="\#(id)-title">\#(title): \#(kind)</title>
                <desc id="\#(id)-about">\#(about)</desc>
                \#(grid)\#(curves.indices.reversed().map(line))</svg>
                """#
        }

        private var grid: Markup {
            var result = ChartText.label(upName, x: 0, y: 14, style: "small soft")
            result += ChartText.label(acrossName, x: Self.right, y: Self.height - 6, style: "small soft", anchor: "end")
            for mark in up.marks {
                let y = up.place(mark.value)
                result += #"<line class="grid" x1="\#(Self.left)" x2="\#(Self.right)" y1="\#(y)" y2="\#(y)"/>"#
                result += ChartText.label(mark.label, x: Self.left - 8, y: y + 4, style: "small soft", anchor: "end")
            }
            var labels = across.labels(size: Self.textSize)
            if curves.contains(where: { $0.maximum != nil }) { labels.append((maximumPlace, "max")) }
            for (x, label) in labels {
                result += #"<line class="grid" x1="\#(x)" x2="\#(x)" y1="\#(Self.top)" y2="\#(Self.bottom)"/>"#
                guard let label else { continue }
                result += ChartText.label(label, x: x, y: Self.bottom + 17, style: "small soft", anchor: "middle")
            }
            return result + #"<path class="axis" d="M\#(Self.left) \#(Self.bottom)H\#(Self.right)"/>"#
        }

        private var maximumPlace: Double { Self.right - 12 }

        private func line(_ index: Int) -> Markup {
            let curve = curves[index]
            var places = curve.points.map { (x: across.place($0.x), y: up.place($0.y)) }
            var end: Markup = ""
            if let maximum = curve.maximum {
                let y = up.place(maximum)
                places.append((maximumPlace, y))
                end = #"<circle class="dot c\#(index)" cx="\#(maximumPlace)" cy="\#(y)" r="3"/>"#
            }
            return #"""
                <g><title>\#(curve.name): \#(curve.about)</title>\#(band(index))\#
                <path class="curve c\#(index)" d="M\#(path(places))"/>\#(end)</g>

                """#
        }

        private func band(_ index: Int) -> Markup {
            let band = curves[index].band
            guard !band.isEmpty else { return "" }
            let above = band.map { (x: across.place($0.x), y: up.place($0.high)) }
            let below = band.reversed().map { (x: across.place($0.x), y: up.place($0.low)) }
            return #"<path class="band c\#(index)" d="M\#(path(above + below))z"/>"#
        }

        private func path(_ places: [(x: Double, y: Double)]) -> String {
            places.map { "\(trimmed($0.x, 2)) \(trimmed($0.y, 2))" }.joined(separator: "L")
        }

        private var remark: Markup {
            curves.contains { !$0.band.isEmpty }
                ? "<p>Lines are means of neighbouring intervals, the bands behind them the least and the greatest.</p>"
                : ""
        }
    }
#endif
