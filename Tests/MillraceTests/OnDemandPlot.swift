import Foundation

/// Draws runs of `OnDemandSimulator`: shards over time with the traffic under them, as a table and as a picture.
enum OnDemandPlot {
    struct Panel {
        var name: String
        var title: String
        /// What the time axis counts, and how many minutes that is.
        var unit: String
        var scale: Double
        var rows: [OnDemandSimulator.Row]
    }

    /// Comma-separated, one line for each row of each panel.
    static func table(_ panels: [Panel]) -> String {
        var text = "run,minute,demand_shards,shard_count,refused_per_mille\n"
        for panel in panels {
            for row in panel.rows {
                text +=
                    "\(panel.name),\(row.minute),\(decimal(Double(row.demand) / 1000)),\(row.shardCount),\(row.refusedShare)\n"
            }
        }
        return text
    }

    // MARK: The picture

    private static let width = 760.0, height = 230.0
    private static let left = 48.0, right = 20.0, top = 34.0, bottom = 36.0
    private static let ink = "#333333", grid = "#dddddd", shards = "#1f5fa8", traffic = "#e0902c", refused = "#c0392b"

    static func drawing(_ panels: [Panel]) -> String {
        let whole = height * Double(panels.count) + 26
        var text = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(whole))" \
            font-family="sans-serif" font-size="12" fill="\(ink)">
            <rect width="100%" height="100%" fill="white"/>

            """
        for (index, panel) in panels.enumerated() { text += draw(panel, top: height * Double(index)) }
        text += key(at: whole - 10)
        return text + "</svg>\n"
    }

    private static func draw(_ panel: Panel, top offset: Double) -> String {
        let last = Double(panel.rows.last!.minute + 1)
        let greatest = Double(panel.rows.map { max($0.shardCount, ($0.demand + 999) / 1000) }.max()!)
        let ceiling = (greatest / 8).rounded(.up) * 8
        let base = offset + height - bottom
        func x(_ minute: Double) -> Double { left + minute / last * (width - left - right) }
        func y(_ value: Double) -> Double { base - value / ceiling * (height - top - bottom) }
        var text =
            "<text x=\"\(decimal(left))\" y=\"\(decimal(offset + 20))\" font-weight=\"bold\">\(panel.title)</text>\n"
        for value in stride(from: 0, through: ceiling, by: ceiling / 4) {
            text += line(left, y(value), width - right, y(value), grid)
            text += label(left - 6, y(value) + 4, decimal(value), "end")
        }
        let span = last / panel.scale
        let step = [1, 2, 5, 10, 20].first { span / $0 <= 12 } ?? 50
        for value in stride(from: 0, through: span, by: step) {
            text += label(x(value * panel.scale), base + 16, decimal(value), "middle")
        }
        text += label(width - right, base + 30, panel.unit, "end")
        // Refused records hang from the top, a full height for all of them.
        for row in panel.rows where row.refusedShare > 0 {
            let place = x(Double(row.minute) + 0.5)
            let length = Double(row.refusedShare) / 1000 * (height - top - bottom)
            text += line(place, offset + top, place, offset + top + max(1, length), refused, 3)
        }
        text += stairs(panel.rows.map { (x(Double($0.minute)), y(Double($0.demand) / 1000)) }, x(last), traffic)
        // A row's count is that after its minute.
        var counts = [(x(0), y(4))]
        for row in panel.rows { counts.append((x(Double(row.minute + 1)), y(Double(row.shardCount)))) }
        return text + stairs(counts, x(last), shards)
    }

    private static func key(at place: Double) -> String {
        var text = ""
        let words = [
            (shards, "open shards"), (traffic, "traffic asked for, in shards' budgets"),
            (refused, "share of records refused"),
        ]
        for (index, word) in words.enumerated() {
            let start = left + [0, 130, 380][index]
            text += line(start, place - 4, start + 24, place - 4, word.0, 3) + label(start + 30, place, word.1, "start")
        }
        return text
    }

    private static func stairs(_ points: [(Double, Double)], _ end: Double, _ colour: String) -> String {
        var path = "M\(decimal(points[0].0)) \(decimal(points[0].1))"
        var height = points[0].1
        for point in points.dropFirst() where point.1 != height {
            path += "H\(decimal(point.0))V\(decimal(point.1))"
            height = point.1
        }
        return "<path d=\"\(path)H\(decimal(end))\" fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.8\"/>\n"
    }

    private static func line(
        _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ colour: String, _ thickness: Double = 1
    ) -> String {
        "<line x1=\"\(decimal(x1))\" y1=\"\(decimal(y1))\" x2=\"\(decimal(x2))\" y2=\"\(decimal(y2))\" "
            + "stroke=\"\(colour)\" stroke-width=\"\(decimal(thickness))\"/>\n"
    }

    private static func label(_ x: Double, _ y: Double, _ words: String, _ anchor: String) -> String {
        "<text x=\"\(decimal(x))\" y=\"\(decimal(y))\" text-anchor=\"\(anchor)\">\(words)</text>\n"
    }

    /// At most two digits behind the point, and none that say nothing.
    private static func decimal(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        let (whole, part) = (abs(hundredths) / 100, abs(hundredths) % 100)
        let digits = part == 0 ? "" : part % 10 == 0 ? ".\(part / 10)" : part < 10 ? ".0\(part)" : ".\(part)"
        return (hundredths < 0 ? "-" : "") + "\(whole)\(digits)"
    }
}
